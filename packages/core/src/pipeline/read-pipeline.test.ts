import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exampleFiles, exampleYaml, readProblems, withEdits } from './example-pipeline.fixture.ts';
import { readPipeline } from './read-pipeline.ts';
import type { Pipeline, Processor } from '../domain/pipeline.ts';

const read = (files: ReadonlyMap<string, string>): Pipeline => {
  const outcome = readPipeline(files);
  if (!outcome.ok) throw new Error(readProblems(files).join('\n'));
  return outcome.pipeline;
};
const processor = (pipeline: Pipeline, id: string): Processor => {
  const found = pipeline.processors.find((each) => each.id === id);
  if (found === undefined) throw new Error(`no processor ${id}`);
  return found;
};

describe('a pipeline without a fault', () => {
  it('is read without a warning', () => {
    expect(readProblems(exampleFiles)).toEqual([]);
  });

  it('has its processors by phase, then after what they read', () => {
    expect(read(exampleFiles).processors.map(({ id }) => id)).toEqual(['games', 'ratings', 'form', 'picks']);
    const reversed = withEdits(
      ['      nba_silver.form: "[season, -1d]"', '      nba_raw.games: 0d'],
      ['      nba_ext.ratings: [0d, 0d]', '      nba_gold.picks: 0d'],
    );
    expect(read(reversed).processors.map(({ id }) => id)).toEqual(['games', 'ratings', 'picks', 'form']);
  });

  it('makes key and partition columns required, and fills in the rest of short columns', () => {
    expect(processor(read(exampleFiles), 'form').columns).toEqual([
      { name: 'game_date', type: 'DATE', required: true, description: '', digits: 6 },
      { name: 'team', type: 'STRING', required: true, description: '', digits: 6 },
      { name: 'mean_points', type: 'FLOAT64', required: false, description: '', digits: 3 },
    ]);
  });

  it('counts times in milliseconds', () => {
    const files = withEdits(['    kind: code\n', '    kind: code\n    timeout_seconds: 1.5\n    retry: {max_attempts: 2, base_seconds: 0.25}\n']);
    expect(processor(read(files), 'picks')).toMatchObject({ timeoutMs: 1500, retry: { maxAttempts: 2, baseMs: 250, maxMs: 60_000 } });
    expect(processor(read(files), 'form')).toMatchObject({ timeoutMs: 600_000, retry: { maxAttempts: 4, baseMs: 1000, maxMs: 60_000 } });
  });

  it('takes SQL and code from their files', () => {
    const pipeline = read(exampleFiles);
    expect(processor(pipeline, 'form')).toMatchObject({ source: exampleFiles.get('processors/form.sql'), sourceFile: 'processors/form.sql' });
    expect(processor(pipeline, 'picks')).toMatchObject({ source: exampleFiles.get('processors/picks.ts'), sourceFile: 'processors/picks.ts' });
    expect(processor(pipeline, 'form').audits).toEqual([{ check: { type: 'row_count', sql: exampleFiles.get('checks/teams.sql') }, severity: 'block' }]);
    expect(processor(pipeline, 'ratings')).toMatchObject({ source: '', sourceFile: '' });
  });

  it('reads windows with and without quotes, and critical columns short and long', () => {
    const pipeline = read(withEdits(['          - points', '          - {column: points, not_zero: true, min_ratio: 0.9}']));
    expect(processor(pipeline, 'form').upstreams).toEqual([
      {
        table: 'nba_raw.games',
        window: { start: { from: 'date', days: -30 }, endDays: -1 },
        strength: 'hard',
        critical: [{ column: 'points', notZero: true, minRatio: 0.9 }],
      },
      { table: 'nba_ext.ratings', window: { start: { from: 'date', days: 0 }, endDays: 0 }, strength: 'hard', critical: [] },
    ]);
    expect(processor(pipeline, 'picks').upstreams[0]?.window).toEqual({ start: { from: 'season', days: 0 }, endDays: -1 });
  });

  it('makes ranges of single dates', () => {
    expect(processor(read(exampleFiles), 'form').never).toEqual([
      { first: '2021-07-01', last: '2021-07-01' },
      { first: '2022-07-01', last: '2022-09-30' },
    ]);
  });
});

describe('a load without a SQL file', () => {
  it('takes its columns over from its source by name', () => {
    expect(processor(read(exampleFiles), 'games').source).toBe(
      'SELECT\n  `game_date`,\n  `game_id`,\n  `points`\nFROM source.games\nWHERE `game_date` BETWEEN @start_date AND @end_date\n',
    );
  });

  it('widens types and renames the date column', () => {
    const files = withEdits(
      ['    partition_column: game_date\n    key: [game_date, game_id]', '    partition_column: day\n    key: [day, game_id]'],
      ['      game_date: DATE\n      points: INT64\n    upstreams', '      day: DATE\n      points: FLOAT64\n    upstreams'],
    );
    expect(processor(read(files), 'games').source).toContain('  `game_date` AS `day`,\n  `game_id`,\n  CAST(`points` AS FLOAT64) AS `points`\nFROM');
  });

  it('uses the file as soon as there is one', () => {
    const files = new Map([...exampleFiles, ['processors/games.sql', 'SELECT 1']]);
    expect(processor(read(files), 'games')).toMatchObject({ source: 'SELECT 1', sourceFile: 'processors/games.sql' });
  });
});

describe('what can not be read as a map at all', () => {
  it.each([
    ['', 'pipeline.yaml:1 error  expected a map of keys and values in pipeline.yaml, found nothing — begin with "name: my_pipeline"'],
    ['- a\n', 'pipeline.yaml:1 error  expected a map of keys and values in pipeline.yaml, found the list [a] — begin with "name: my_pipeline"'],
    [
      'name: *x\n',
      'pipeline.yaml:1 error  expected YAML, found a broken alias: Unresolved alias (the anchor must be set before the alias): x — write the value out instead of the alias',
    ],
  ])('is one problem: %j', (text, expected) => {
    expect(readProblems(new Map([['pipeline.yaml', text]]))).toEqual([expected]);
  });

  it('is a folder without pipeline.yaml too', () => {
    expect(readProblems(new Map([['pipeline.yml', '']]))).toEqual([
      'pipeline.yaml:1 error  expected pipeline.yaml in the folder, found pipeline.yml — name the folder that holds it',
    ]);
  });
});

describe('a syntax error', () => {
  it('is told with what is sure in front of it, and without noise behind it', () => {
    const files = withEdits(['name: nba\n', 'name: NBA\n'], ['    phase: 2\n    kind: code', '    phase: 2\n\tkind: code'], ['kind: external', 'kind: extern']);
    expect(readProblems(files)).toEqual([
      'pipeline.yaml:1:7 error  expected lower-case letters, digits and _, starting with a letter, at most 63, found "NBA" — write "nba"',
      'pipeline.yaml:43:11 error  expected one of external, load, sql, code for processors.ratings.kind, found "extern" — write "external"',
      'pipeline.yaml:74:1 error  expected YAML, found a syntax error: Tabs are not allowed as indentation — indent with spaces; what follows is checked once this can be read',
    ]);
  });

  it.each([
    [
      'name: a: b\n',
      'pipeline.yaml:1:7 error  expected one "key: value" on a line, found a second ": " — begin the nested keys on a new line, or put quotes round a text that holds ": "',
    ],
    [
      'name: nba\nphases: [x\n',
      'pipeline.yaml:3:1 error  expected YAML, found a syntax error: Flow sequence in block collection must be sufficiently indented and end with a ] — add the missing "]"',
    ],
    [
      'name: "nba\n',
      'pipeline.yaml:2:1 error  expected YAML, found a syntax error: Missing closing "quote — add what is missing; a text that holds ": " or " #" needs quotes round it',
    ],
  ])('says how to mend %j', (text, expected) => {
    expect(readProblems(new Map([['pipeline.yaml', text]]))).toContain(`${expected}; what follows is checked once this can be read`);
  });

  it('of one key does not hide other problems', () => {
    const files = withEdits(['    kind: code\n', '    kind: code\n    kind: code\n'], ['  1: {name: load}', '  1: {name: load, nme: x}']);
    expect(readProblems(files)).toEqual([
      'pipeline.yaml:20:19 error  expected a known key in phases.1, found "nme" — write "name"',
      'pipeline.yaml:75:5 error  expected every key once, found this one a second time — keep one of the two',
    ]);
  });
});

describe('the line of a problem', () => {
  it('is right in files with Windows line endings', () => {
    const files = new Map([...exampleFiles, ['pipeline.yaml', exampleYaml.replace('kind: sql', 'kind: sqll').replaceAll('\n', '\r\n')]]);
    expect(readProblems(files)).toEqual([
      'pipeline.yaml:52:11 error  expected one of external, load, sql, code for processors.form.kind, found "sqll" — write "sql"',
    ]);
  });
});

describe('a pipeline.yaml that was damaged anywhere', () => {
  const lines = exampleYaml.split('\n');
  const damage = fc.record({
    line: fc.nat(lines.length - 1),
    text: fc.constantFrom(
      '',
      '- x',
      '{}',
      '[]',
      'null',
      '7',
      '"',
      ': ',
      '*a',
      '&a b',
      '? x',
      'constructor: 1',
      '__proto__: {a: 1}',
      'toString',
      'a: [1, {b: c}]',
      '\t',
      '|',
      '%',
      '1: 2',
    ),
    how: fc.constantFrom('replace', 'value', 'insert', 'delete'),
  });
  const apply = (all: readonly string[], { line, text, how }: { line: number; text: string; how: string }): readonly string[] => {
    const old = all[line] ?? '';
    const indent = /^ */.exec(old)?.[0] ?? '';
    const value = `${old.slice(0, Math.max(0, old.indexOf(':')))}: ${text}`;
    if (how === 'insert') return all.toSpliced(line, 0, indent + text);
    return how === 'delete' ? all.toSpliced(line, 1) : all.toSpliced(line, 1, how === 'value' ? value : indent + text);
  };

  it('gives a pipeline or problems inside the file, and never throws', () => {
    fc.assert(
      fc.property(fc.array(damage, { minLength: 1, maxLength: 3 }), (damages) => {
        const text = damages.reduce(apply, lines).join('\n');
        const outcome = readPipeline(new Map([...exampleFiles, ['pipeline.yaml', text]]));
        const problems = outcome.ok ? outcome.warnings : outcome.problems;
        if (!outcome.ok) expect(problems.some(({ severity }) => severity === 'error')).toBe(true);
        for (const { line, message, fix } of problems) {
          expect(line).toBeGreaterThan(0);
          expect(line).toBeLessThanOrEqual(text.split('\n').length);
          expect(message).toMatch(/^expected |^"/);
          expect(`${message} ${fix}`).not.toMatch(/undefined|\[object|NaN|function/);
        }
      }),
      { numRuns: 300 },
    );
  });
});
