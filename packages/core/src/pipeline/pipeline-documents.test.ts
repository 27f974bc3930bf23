import { describe, expect, it } from 'vitest';
import { exampleFiles, exampleYaml, readProblems } from './example-pipeline.fixture.ts';
import { lintPipeline } from './lint.ts';
import { readPipeline } from './read-pipeline.ts';
import type { Pipeline } from '../domain/pipeline.ts';

const [start, end] = [exampleYaml.indexOf('  form:\n    phase: 2'), exampleYaml.indexOf('  picks:\n')];
/** The declaration of form as a file of its own would have it: the same lines, four blanks less. */
const form = exampleYaml
  .slice(start, end)
  .split('\n')
  .slice(1)
  .map((line) => line.slice(4))
  .join('\n');

const split = (own: string = form, more: readonly (readonly [string, string])[] = []): ReadonlyMap<string, string> =>
  new Map([...exampleFiles, ['pipeline.yaml', exampleYaml.slice(0, start) + exampleYaml.slice(end)], ['processors/form.yaml', own], ...more]);

const read = (files: ReadonlyMap<string, string>): Pipeline => {
  const outcome = readPipeline(files);
  if (!outcome.ok) throw new Error(readProblems(files).join('\n'));
  return outcome.pipeline;
};

describe('a processor in a file of its own', () => {
  it('makes the same pipeline, hashes included', () => {
    expect(readProblems(split())).toEqual([]);
    expect(read(split())).toEqual(read(exampleFiles));
  });

  it('has its problems at its own lines', () => {
    expect(readProblems(split(form.replace('key: [game_date, team]', 'key: [game_date, tema]')))).toEqual([
      expect.stringMatching(/^processors\/form\.yaml:5:\d+ error {2}expected .*"tema"/),
    ]);
    expect(readProblems(split(form.replace('partition_column: game_date\n', '')))).toContainEqual(
      expect.stringMatching(/^processors\/form\.yaml:1:1 error {2}expected the key "partition_column" in processors\.form/),
    );
  });

  it('has problems of its SQL at their lines, where they stand in it', () => {
    const own = form.replace(
      'row_count:\n      sql: checks/teams.sql',
      'row_count:\n      sql: |\n        SELECT game_date AS date,\n          1 AS wanted\n        FROM nba_ext.ratings',
    );
    const files = split(own);
    const line = own.split('\n').findIndex((each) => each.includes('1 AS wanted')) + 1;
    const refused = { construct: 'syntax', message: 'bad', line: 2, column: 3 } as const;
    const problems = lintPipeline(read(files), files, {
      translate: (sql) => (sql.includes('wanted') ? { ok: false, problems: [refused] } : { ok: false, problems: [] }),
      analyze: () => ({ ok: false, problems: [] }),
    });
    expect(problems.filter(({ message }) => message.includes('bad'))).toEqual([
      expect.objectContaining({ file: 'processors/form.yaml', line, path: 'processors.form.audits[0].row_count.sql' }),
    ]);
  });

  it('is declared once', () => {
    const files = new Map([...split(), ['pipeline.yaml', exampleYaml]]);
    expect(readProblems(files)).toEqual([
      expect.stringContaining('processors/form.yaml:1 error  expected processor form to be declared once, found it in pipeline.yaml and in'),
    ]);
  });

  it('that is empty, no map or has a bad name is told as such', () => {
    expect(readProblems(split(''))).toContainEqual(
      expect.stringMatching(/^processors\/form\.yaml:1 error {2}expected the declaration of processor form .* found nothing/),
    );
    expect(readProblems(split('- phase: 1'))).toContainEqual(expect.stringMatching(/^processors\/form\.yaml:1 error .* found a list/));
    expect(readProblems(split(form, [['processors/Form.yaml', form]]))).toContainEqual(
      expect.stringMatching(/^processors\/Form\.yaml:1:1 error {2}expected lower-case/),
    );
  });

  it('that breaks off is one problem, and nothing is guessed about what cannot be seen', () => {
    expect(readProblems(split(form.replace('key: [game_date, team]', 'key: [game_date, team')))).toEqual([
      expect.stringMatching(/^processors\/form\.yaml:\d+:\d+ error {2}expected YAML, found a syntax error/),
    ]);
  });
});
