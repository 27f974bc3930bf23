import { describe, expect, it } from 'vitest';
import type { Pipeline } from '../domain/pipeline.ts';
import { exampleFiles, readProblems, withEdits } from './example-pipeline.fixture.ts';
import { lintTypes } from './lint-types.ts';
import { lintPipeline } from './lint.ts';
import { formatProblem } from './problem.ts';
import { readPipeline } from './read-pipeline.ts';
import type { SqlAnalyzer, TableRead } from './sql-analyzer.ts';

const days = (text: string): number | 'unbounded' => (text === '*' ? 'unbounded' : Number(text));

/** What a reference reads stands behind it as a comment, `-- -30..-1` or `-- *..0`; without one it can't be told. */
const readTables = (sql: string): readonly TableRead[] =>
  sql.split('\n').flatMap((text, index) => {
    const match = /\b(?:FROM|JOIN) ([\w.]+)(?: -- (\S+)\.\.(\S+))?/.exec(text);
    if (match === null) return [];
    const [, table = '', from, to] = match;
    return [{ table, line: index + 1, window: from === undefined || to === undefined ? null : { fromDays: days(from), toDays: days(to) } }];
  });

/** Understands just enough SQL for these tests; the real analyser is tested with the real pipeline in test/golden. */
const analyzer: SqlAnalyzer = {
  translate: (sql) => {
    const line = sql.split('\n').findIndex((text) => text.includes('QUALIFY')) + 1;
    if (sql.includes('SELEC ')) return { ok: false, problems: [{ construct: 'syntax', message: 'unexpected "SELEC"', line: 1, column: 1 }] };
    return line === 0 ? { ok: true } : { ok: false, problems: [{ construct: 'QUALIFY', message: 'DuckDB evaluates it in another order', line, column: 1 }] };
  },
  analyze: (sql) => {
    const selected = /SELECT([\s\S]*?)\bFROM\b/.exec(sql)?.[1] ?? '';
    const names = selected.split(',').map((item) => item.replaceAll('`', '').trim().split(/\s+/).pop() ?? '');
    return {
      ok: true,
      tables: readTables(sql),
      parameters: [...new Set(Array.from(sql.matchAll(/@(\w+)/g), ([, name = '']) => name))],
      columns: selected.trim() === '*' ? null : names,
      nondeterministic: ['RAND', 'CURRENT_DATE'].filter((name) => new RegExp(`^[^-]*\\b${name}\\b`, 'm').test(sql)),
    };
  },
};

const form = `SELECT game_date, team, AVG(points) AS mean_points
FROM nba_raw.games -- -30..-1
WHERE game_date BETWEEN @start_date AND @end_date
`;
const base = new Map([...exampleFiles, ['processors/form.sql', form]]);
const read = (files: ReadonlyMap<string, string>): Pipeline => {
  const outcome = readPipeline(files);
  if (!outcome.ok) throw new Error(readProblems(files).join('\n'));
  return outcome.pipeline;
};
const lint = (files: ReadonlyMap<string, string>): readonly string[] => lintPipeline(read(files), files, analyzer).map(formatProblem);
const withFile = (name: string, text: string): ReadonlyMap<string, string> => new Map([...base, [name, text]]);
const withForm = (from: string, to: string): ReadonlyMap<string, string> =>
  withFile(
    'processors/form.sql',
    form.replace(from, () => to),
  );
const withYaml = (...edits: readonly (readonly [string, string])[]): ReadonlyMap<string, string> =>
  new Map([...withEdits(...edits), ['processors/form.sql', form]]);

describe('a pipeline without a fault', () => {
  it('gives no problems, its audits reading what the SQL does not', () => {
    expect(lint(base)).toEqual([]);
  });
});

describe('the SQL of a processor', () => {
  it.each<readonly [string, ReadonlyMap<string, string>, readonly string[]]>([
    [
      'a syntax error',
      withForm('SELECT', 'SELEC '),
      ['processors/form.sql:1:1 error  expected GoogleSQL, found a syntax error: unexpected "SELEC" — mend the SQL here'],
    ],
    [
      'a construct that is refused',
      withForm('WHERE', 'QUALIFY x\nWHERE'),
      [
        'processors/form.sql:3:1 error  expected SQL that BigQuery and DuckDB both run, found QUALIFY: DuckDB evaluates it in another order — write it without QUALIFY',
      ],
    ],
    [
      'a function of the day it runs',
      withForm('WHERE', '-- not CURRENT_DATE\nWHERE CURRENT_DATE > x AND'),
      ['processors/form.sql:4:7 error  expected SQL that gives the same rows every time, found CURRENT_DATE in processor form — use @start_date or @end_date'],
    ],
    [
      'chance',
      withForm('WHERE', 'WHERE RAND() > 0.5 AND'),
      [
        'processors/form.sql:3:7 error  expected SQL that gives the same rows every time, found RAND in processor form — remove it, or derive the value from the columns of the key',
      ],
    ],
    [
      'no dates',
      withForm('BETWEEN @start_date AND @end_date', 'IS NOT NULL'),
      [
        'processors/form.sql:1 error  expected @start_date and @end_date in processor form, found neither — restrict the dates with @start_date and @end_date: one task may compute one date or many',
      ],
    ],
    [
      'one date only',
      withForm('BETWEEN @start_date AND @end_date', '= @end_date'),
      [
        'processors/form.sql:1 error  expected @start_date and @end_date in processor form, found only @end_date — restrict the dates with @start_date and @end_date: one task may compute one date or many',
      ],
    ],
    [
      'another parameter',
      withForm('@end_date', '@end_date AND @enddate'),
      ['processors/form.sql:3:55 error  expected no parameters but @start_date and @end_date in processor form, found @enddate — write "@end_date"'],
    ],
    [
      'an upstream that is not declared',
      withForm('WHERE', 'JOIN nba_gold.picks -- -7..-1\nWHERE'),
      [
        'processors/form.sql:3 error  expected processor form to read only declared upstreams, found nba_gold.picks — add "nba_gold.picks: [-7d, -1d]" to the upstreams of form in pipeline.yaml',
      ],
    ],
    [
      'a table that nobody writes',
      withForm('WHERE', 'JOIN nba_raw.gamez\nWHERE'),
      [
        'processors/form.sql:3 error  expected processor form to read only declared upstreams, found nba_raw.gamez, which no processor writes — write "nba_raw.games"',
      ],
    ],
    [
      'its own table',
      withForm('WHERE', 'JOIN nba_silver.form\nWHERE'),
      [
        'processors/form.sql:3 error  expected processor form to read only declared upstreams, found nba_silver.form, its own table — compute it from the upstreams alone',
      ],
    ],
    [
      'dates before its window',
      withForm('-30..-1', '-60..-1'),
      [
        'processors/form.sql:2 error  expected processor form to read nba_raw.games within its window [-30d, -1d], found it reading from 60 days before @start_date — declare the window [-60d, -1d], or write "game_date >= DATE_SUB(@start_date, INTERVAL 30 DAY)"',
      ],
    ],
    [
      'dates behind its window',
      withForm('-30..-1', '-30..0'),
      [
        'processors/form.sql:2 error  expected processor form to read nba_raw.games within its window [-30d, -1d], found it reading up to @end_date — declare the window [-30d, 0d], or write "game_date <= DATE_SUB(@end_date, INTERVAL 1 DAY)"',
      ],
    ],
    [
      'the future',
      withForm('-30..-1', '-30..1'),
      [
        'processors/form.sql:2 error  expected processor form to read nba_raw.games within its window [-30d, -1d], found it reading up to 1 day after @end_date — write "game_date <= DATE_SUB(@end_date, INTERVAL 1 DAY)"',
      ],
    ],
    [
      'no bounds',
      withForm('-30..-1', '*..*'),
      [
        'processors/form.sql:2 error  expected processor form to read nba_raw.games within its window [-30d, -1d], found no earliest date — add "game_date >= DATE_SUB(@start_date, INTERVAL 30 DAY)"',
        'processors/form.sql:2 error  expected processor form to read nba_raw.games within its window [-30d, -1d], found no latest date — add "game_date <= DATE_SUB(@end_date, INTERVAL 1 DAY)"',
      ],
    ],
    [
      'a column too few',
      withForm(', AVG(points) AS mean_points', ''),
      [
        'processors/form.sql:1 error  expected processor form to yield the column "mean_points", found game_date and team — add "... AS mean_points" to the SELECT',
      ],
    ],
    [
      'a column too many',
      withForm('team,', 'team,\n  opponent,'),
      [
        'processors/form.sql:2:3 error  expected processor form to yield only game_date, team and mean_points, found the column "opponent" besides — remove it, or declare it among the columns',
      ],
    ],
    [
      'a column by another name',
      withForm('AS mean_points', 'AS\n  mean_point'),
      ['processors/form.sql:2:3 error  expected processor form to yield the column "mean_points", found "mean_point" — write "AS mean_points"'],
    ],
    [
      'a column without a name',
      withForm('AS mean_points', 'AS mean_points, '),
      ['processors/form.sql:1 error  expected processor form to name every column, found one without a name — add "AS name" behind the expression'],
    ],
    [
      'a column twice',
      withForm('team,', 'team, team,'),
      ['processors/form.sql:1 error  expected processor form to yield every column once, found "team" more than once — rename or remove one of them'],
    ],
  ])('may not have %s', (_, files, problems) => {
    expect(lint(files)).toEqual(problems);
  });

  it('may be narrower than its window, in a window that can not be told, and yield columns that can not be told', () => {
    expect(lint(withForm('-30..-1', '-7..-2'))).toEqual([]);
    expect(lint(withForm(' -- -30..-1', ''))).toEqual([]);
    expect(lint(withForm('game_date, team, AVG(points) AS mean_points', '*'))).toEqual([]);
  });

  it("needs an earliest date in a season's window too, and any will do", () => {
    const files = (window: string): ReadonlyMap<string, string> =>
      new Map([...withYaml(['[-30d, -1d]', '[season, -1d]']), ['processors/form.sql', form.replace('-30', window)]]);
    expect(lint(files('-400'))).toEqual([]);
    expect(lint(files('*'))).toEqual([
      'processors/form.sql:2 error  expected processor form to read nba_raw.games within its window [season, -1d], found no earliest date — add "game_date >= DATE_SUB(@start_date, INTERVAL 366 DAY)", beside the condition on the season',
    ]);
  });

  it('must read every declared upstream, itself or in an audit', () => {
    expect(lint(withFile('checks/teams.sql', 'SELECT date, expected FROM staged'))).toEqual([
      'pipeline.yaml:65:7 error  expected every declared upstream of form to be read, found nba_ext.ratings, which neither its SQL nor its audits read — remove it from the upstreams, or read it',
    ]);
  });

  it('is not said to read too little while a part of it can not be read', () => {
    expect(lint(withFile('checks/teams.sql', 'SELECT date FROM staged QUALIFY x'))).toHaveLength(1);
  });
});

describe('the SQL of checks', () => {
  const inline = (sql: string): ReadonlyMap<string, string> =>
    withYaml(['          sql: checks/teams.sql', `          sql: |\n${sql.replace(/^/gm, '            ')}`]);

  it.each<readonly [string, ReadonlyMap<string, string>, readonly string[]]>([
    [
      'reads what its processor does not declare',
      withFile('checks/teams.sql', 'SELECT date, expected\nFROM nba_ext.ratings\nJOIN nba_gold.picks'),
      [
        'checks/teams.sql:3 error  expected the row_count check of processor form to read only declared upstreams, found nba_gold.picks — add "nba_gold.picks: [0d, 0d]" to the upstreams of form in pipeline.yaml',
      ],
    ],
    [
      'yields other columns',
      withFile('checks/teams.sql', 'SELECT date, expectd\nFROM nba_ext.ratings'),
      ['checks/teams.sql:1:14 error  expected the row_count check of processor form to yield the column "expected", found "expectd" — write "AS expected"'],
    ],
    [
      'yields more columns',
      withFile('checks/teams.sql', 'SELECT date, expected, team\nFROM nba_ext.ratings'),
      [
        'checks/teams.sql:1:24 error  expected the row_count check of processor form to yield only date and expected, found the column "team" besides — remove it, or declare it among the columns',
      ],
    ],
    [
      'reads past its window',
      withFile('checks/teams.sql', 'SELECT date, expected\nFROM nba_ext.ratings -- -1..0'),
      [
        'checks/teams.sql:2 error  expected the row_count check of processor form to read nba_ext.ratings within its window [0d, 0d], found it reading from 1 day before @start_date — declare the window [-1d, 0d], or write "game_date >= @start_date"',
      ],
    ],
    [
      'is refused inside pipeline.yaml',
      inline('SELECT date, expected\nFROM nba_ext.ratings\nQUALIFY x'),
      [
        'pipeline.yaml:71:13 error  expected SQL that BigQuery and DuckDB both run, found QUALIFY: DuckDB evaluates it in another order — write it without QUALIFY',
      ],
    ],
    [
      'is refused inside one line of pipeline.yaml',
      withYaml(['sql: checks/teams.sql', 'sql: "SELECT date, expected FROM nba_ext.ratings, RAND"']),
      [
        'pipeline.yaml:68:61 error  expected SQL that gives the same rows every time, found RAND in the row_count check of processor form — remove it, or derive the value from the columns of the key',
      ],
    ],
    [
      'lacks a key column',
      withYaml(['      - row_count:\n          sql: checks/teams.sql', '      - expected_keys:\n          columns: [team]\n          sql: checks/teams.sql']),
      [
        'checks/teams.sql:1 error  expected the expected_keys check of processor form to yield the column "team", found date and expected — add "... AS team" to the SELECT',
        'checks/teams.sql:1:14 error  expected the expected_keys check of processor form to yield only date and team, found the column "expected" besides — remove it, or declare it among the columns',
      ],
    ],
  ])('is told where it %s', (_, files, problems) => {
    expect(lint(files)).toEqual(problems);
  });

  it('may read the staged rows and the target table, and show evidence besides the date', () => {
    const files = withYaml([
      '      - row_count:\n',
      '      - sql: {name: doubles, query: "SELECT date, team FROM staged JOIN nba_silver.form"}\n      - row_count:\n',
    ]);
    expect(lint(files)).toEqual([]);
  });

  it('has conditions of the row itself only', () => {
    const files = withYaml(['          - points\n', '          - {column: points, where: "points > (SELECT 1 FROM nba_ext.ratings)"}\n']);
    const problem =
      'pipeline.yaml:64:37 error  expected the condition of the critical column points of nba_raw.games to read only nba_raw.games, found nba_ext.ratings — use only columns of the row itself';
    expect(lint(files)).toEqual([problem]);
    const random = withYaml(['      - row_count:\n', '      - not_null: {columns: [mean_points], where: RAND() > 0}\n      - row_count:\n']);
    expect(lint(random)).toEqual([
      'pipeline.yaml:67:51 error  expected SQL that gives the same rows every time, found RAND in the condition of the not_null check of processor form — remove it, or derive the value from the columns of the key',
    ]);
  });

  it('behind a gate reads no later phase', () => {
    const check = "{table: nba_raw.games, check: {sql: {name: late, query: 'SELECT date FROM staged JOIN nba_gold.picks'}}}";
    const files = (gated: string): ReadonlyMap<string, string> => withYaml(['1: {name: load}', `1: {name: load, gate: {checks: [${gated}]}}`]);
    expect(lint(files(check.replace('nba_gold.picks', 'nba_ext.ratings')))).toEqual([]);
    // One line holds FROM only once for the tests' analyser, hence the second line.
    expect(lint(files(check.replace('staged JOIN', 'staged\n\n            JOIN')))).toEqual([
      'pipeline.yaml:20:91 error  expected the check late of gate 1 to read only staged, nba_raw.games and nba_ext.ratings, found nba_gold.picks — read tables of phase 1 or earlier: later ones are not filled yet',
    ]);
  });
});

describe('the calendar', () => {
  it('reads what it says, without parameters, and yields its four columns', () => {
    const files = withYaml(
      ['    FROM source.games\n', '    FROM source.games\n    JOIN nba_ext.ratings\n    WHERE @start_date\n'],
      ['COUNT(*) AS items', 'COUNT(*) AS item'],
    );
    expect(lint(files)).toEqual([
      'pipeline.yaml:4:57 error  expected the calendar to yield the column "items", found "item" — write "AS items"',
      'pipeline.yaml:6 error  expected the calendar to read only source.games, found nba_ext.ratings — add it to "reads" of the calendar in pipeline.yaml, if it is a source or an external table',
      'pipeline.yaml:7:11 error  expected no parameters in the calendar, found @start_date — remove it',
    ]);
  });
});

describe('a processor that says nothing of how many rows it should have', () => {
  const audit = `    audits: [{row_count: {sql: "SELECT game_date AS date, COUNT(*) AS expected FROM nba_silver.form GROUP BY game_date"}}]\n`;
  const warning = (line: number, id: string): string =>
    `pipeline.yaml:${line}:3 warning  expected a blocking row_count or expected_keys audit of processor ${id}, found none: a date without rows is committed as succeeded — say in an audit, or in a gate check of its table, which rows another table than its own calls for`;

  it('is warned of', () => {
    expect(lint(withYaml([audit, '']))).toEqual([warning(72, 'picks')]);
  });

  it('is warned of where what it says holds nothing back', () => {
    expect(lint(withYaml(['[{row_count:', '[{severity: warn, row_count:']))).toEqual([warning(72, 'picks')]);
  });

  it('may have it said by a gate', () => {
    const gate =
      'checks:\n        - table: nba_gold.picks\n          check: {expected_keys: {columns: [team], sql: "SELECT game_date AS date, team FROM nba_silver.form"}}';
    expect(lint(withYaml([audit, ''], ['checks:\n', `${gate}\n`]))).toEqual([]);
  });

  it('is a load whose source the calendar is not made of', () => {
    const elsewhere: readonly (readonly [string, string])[] = [
      ['FROM source.games\n', 'FROM nba_ext.ratings\n'],
      ['reads: [source.games]', 'reads: [nba_ext.ratings]'],
    ];
    expect(lint(withYaml(...elsewhere))).toEqual([warning(29, 'games')]);
  });
});

describe('a code processor', () => {
  it.each([
    'export const rows = 1;',
    'export function rows() {}',
    'export async function* rows() {}',
    'const rows = 1;\nexport { rows };',
    'export { a, b as rows };',
    'export {\n  rows,\n  a,\n};',
  ])('may export rows by %j', (text) => {
    expect(lint(withFile('processors/picks.ts', text))).toEqual([]);
  });

  it.each(['', 'const rows = 1;', 'export { rows as other };', '// export const rows = 1;', '/* export { rows } */', 'export const rowsOf = 1;'])(
    'does not export rows by %j',
    (text) => {
      expect(lint(withFile('processors/picks.ts', text))).toEqual([
        'processors/picks.ts:1 error  expected processor picks to export "rows", found no such export — add "export async function* rows(...)" that yields the rows of the dates it is given',
      ]);
    },
  );
});

describe('types', () => {
  const typesOf = (type: string): Promise<readonly string[]> =>
    lintTypes(read(base), (sql, tables) => {
      expect([...tables.keys()]).toContain('source.games');
      return {
        ok: true,
        columns:
          sql === form
            ? [
                { name: 'mean_points', type },
                { name: 'team', type: 'STRING' },
              ]
            : [],
      };
    }).then((problems) => problems.map(formatProblem));

  it('may widen without loss', async () => {
    for (const type of ['INT64', 'NUMERIC', 'FLOAT64']) expect(await typesOf(type)).toEqual([]);
  });

  it('must fit otherwise', async () => {
    expect(await typesOf('STRING')).toEqual([
      'processors/form.sql:1:40 error  expected processor form to yield "mean_points" as FLOAT64, found STRING — write CAST(... AS FLOAT64), or declare "mean_points: STRING"',
    ]);
  });

  it('are told as the analyser tells them where the SQL does not type', async () => {
    const problems = await lintTypes(read(base), (sql) =>
      sql === form ? { ok: false, problems: [{ construct: 'type', message: 'no AVG(STRING)', line: 1, column: 27 }] } : { ok: true, columns: [] },
    );
    expect(problems.map(formatProblem)).toEqual(['processors/form.sql:1:27 error  expected SQL whose types fit, found: no AVG(STRING) — mend the SQL here']);
  });
});
