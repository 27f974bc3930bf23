import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { Pipeline } from '../domain/pipeline.ts';
import { exampleFiles, exampleYaml, readProblems, withEdits } from './example-pipeline.fixture.ts';
import { readPipeline } from './read-pipeline.ts';

const read = (files: ReadonlyMap<string, string>): Pipeline => {
  const outcome = readPipeline(files);
  if (!outcome.ok) throw new Error(readProblems(files).join('\n'));
  return outcome.pipeline;
};
const codeHashes = (files: ReadonlyMap<string, string>): Readonly<Record<string, string>> =>
  Object.fromEntries(read(files).processors.map(({ id, codeHash }) => [id, codeHash]));
const original = read(exampleFiles);
const originalCode = codeHashes(exampleFiles);

/** The ids of the processors whose code hash differs from the example's. */
const changed = (files: ReadonlyMap<string, string>): readonly string[] =>
  Object.entries(codeHashes(files))
    .filter(([id, hash]) => originalCode[id] !== hash)
    .map(([id]) => id);
const withFile = (name: string, text: string): ReadonlyMap<string, string> => new Map([...exampleFiles, [name, text]]);

const shuffleKeys = (value: unknown, next: () => number): unknown => {
  if (Array.isArray(value)) return value.map((item) => shuffleKeys(item, next));
  if (typeof value !== 'object' || value === null) return value;
  // A Map keeps the order of its entries even where a key looks like a number.
  const entries = Object.entries(value).map(([key, each]) => ({ key, each: shuffleKeys(each, next), at: next() }));
  return new Map(entries.sort((a, b) => a.at - b.at).map(({ key, each }) => [key, each]));
};

describe('reading', () => {
  it('is deterministic, and no hash depends on the order of keys in YAML', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        let state = seed;
        // Numerical Recipes' linear congruential generator: one number in a counterexample instead of hundreds.
        const next = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0);
        const text = stringify(shuffleKeys(parse(exampleYaml), next));
        const pipeline = read(withFile('pipeline.yaml', text));
        expect(pipeline.processors.map(({ id, codeHash }) => [id, codeHash])).toEqual(original.processors.map(({ id, codeHash }) => [id, codeHash]));
        expect(pipeline.hash).toBe(original.hash);
        expect(read(withFile('pipeline.yaml', text))).toEqual(pipeline);
      }),
      { numRuns: 50 },
    );
  });
});

describe('the code hash of a processor', () => {
  it("is 16 hex characters, the pipeline's 64", () => {
    for (const hash of Object.values(originalCode)) expect(hash).toMatch(/^[0-9a-f]{16}$/);
    expect(original.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('stays the same over line endings and trailing blanks', () => {
    const files = withFile('processors/form.sql', 'SELECT game_date, team, mean_points  \r\nFROM nba_raw.games');
    expect(changed(files)).toEqual([]);
    expect(read(files).hash).toBe(original.hash);
  });

  it.each<readonly [string, ReadonlyMap<string, string>]>([
    ['a description', withEdits(['kind: sql\n', 'kind: sql\n    description: the form of a team\n'])],
    ['a description of a column', withEdits(['digits: 3}', 'digits: 3, description: per game}'])],
    ['a timeout', withEdits(['kind: sql\n', 'kind: sql\n    timeout_seconds: 9\n'])],
    ['the write strategy', withEdits(['kind: sql\n', 'kind: sql\n    write: overwrite_partition\n'])],
    ['an audit', withFile('checks/teams.sql', 'SELECT date, expected FROM nba_raw.games')],
    ['the name of a phase', withEdits(['name: features', 'name: more'])],
  ])("stays the same, and the pipeline's changes, with %s", (_, files) => {
    expect(changed(files)).toEqual([]);
    expect(read(files).hash).not.toBe(original.hash);
  });

  it.each<readonly [string, ReadonlyMap<string, string>, readonly string[]]>([
    ['its SQL', withFile('processors/form.sql', 'SELECT 2'), ['form']],
    ['a window', withEdits(['[-30d, -1d]', '[-31d, -1d]']), ['form']],
    ['the digits of a column', withEdits(['digits: 3', 'digits: 4']), ['form']],
    ['a file that its code imports', withFile('processors/odds.ts', 'export const odds = 2;\n'), ['picks']],
    ['the files of a source that it loads', withEdits(['games.parquet', 'games_*.parquet']), ['games']],
    ['a column of a source that it loads', withEdits(['      season: STRING\n', '      season: STRING\n      extra: STRING\n']), ['games']],
  ])('changes with %s, and no other does', (_, files, ids) => {
    expect(changed(files)).toEqual(ids);
    expect(read(files).hash).not.toBe(original.hash);
  });
});
