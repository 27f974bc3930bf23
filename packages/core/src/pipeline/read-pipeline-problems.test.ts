import { describe, expect, it } from 'vitest';
import { readProblems, withEdits } from './example-pipeline.fixture.ts';

type Edit = readonly [string, string];
type Row = readonly [name: string, edits: readonly Edit[], problems: readonly string[]];

// Each row breaks one thing in the example and shows all that is said about it, as a person reads it.
const shape: readonly Row[] = [
  [
    'a missing key',
    [['    table: nba_gold.picks\n', '']],
    ['72:3 error  expected the key "table" in processors.picks, found none — add "table: nba_silver.player_games"'],
  ],
  [
    'a misspelt key',
    [['    table: nba_gold.picks\n', '    tabel: nba_gold.picks\n']],
    ['75:5 error  expected a known key in processors.picks, found "tabel" — write "table"'],
  ],
  [
    'a key that nothing is near to',
    [['name: nba\n', 'name: nba\nowner: me\n']],
    [
      '2:1 error  expected a known key in pipeline.yaml, found "owner" — remove it; the keys known here are name, description, calendar, sources, phases and processors',
    ],
  ],
  [
    'a name that is no identifier',
    [['  picks:\n', '  dailyPicks:\n    file: processors/picks.ts\n']],
    [
      '72:3 error  expected lower-case letters, digits and _, starting with a letter, at most 63, found the name "dailyPicks" in processors — rename it, e.g. to "daily_picks"',
    ],
  ],
  [
    'a fraction for a whole number',
    [['  form:\n    phase: 2', '  form:\n    phase: 1.5']],
    ['51:12 error  expected a whole number for processors.form.phase, found 1.5 — write a whole number'],
  ],
  [
    'a number for a text',
    [['kind: code', 'kind: code\n    description: 2024']],
    ['75:18 error  expected a text for processors.picks.description, found 2024 — put quotes round it: "2024"'],
  ],
  [
    'a text for a list',
    [['kind: code', 'kind: code\n    covers: regular']],
    ['75:13 error  expected a list for processors.picks.covers, found "regular" — write it as a list: [regular]'],
  ],
  [
    'a value outside the choice',
    [['kind: external', 'kind: extern']],
    ['43:11 error  expected one of external, load, sql, code for processors.ratings.kind, found "extern" — write "external"'],
  ],
  [
    'a type of another database',
    [['      points: INT64\nphases', '      points: bigint\nphases']],
    [
      '18:15 error  expected a column type (STRING, INT64, FLOAT64, NUMERIC, BOOL, DATE, TIMESTAMP, BYTES, JSON, or ARRAY<...> of one of them), found "bigint" — write "INT64"',
    ],
  ],
  [
    'a table without its dataset',
    [['table: nba_gold.picks', 'table: picks']],
    ['75:12 error  expected dataset.table in lower case, e.g. nba_raw.nbac_schedule, found "picks" — put the dataset and a dot in front'],
  ],
  [
    'a window into the future',
    [['nba_ext.ratings: [0d, 0d]', 'nba_ext.ratings: [0d, 1d]']],
    [
      '65:7 error  expected a window such as [0d, 0d], [-30d, -1d], [season, -1d] or [season-30d, 0d], found the list [0d, 1d] — write one of these forms; a window never ends after the date itself, and a number of days has a "d" behind it',
    ],
  ],
  [
    'an unknown kind of check',
    [['      - row_count:\n', '      - rowcount:\n']],
    ['67:9 error  expected a known key in processors.form.audits[0], found "rowcount" — write "row_count"'],
  ],
  [
    'two checks in one entry',
    [['          sql: checks/teams.sql', '          sql: checks/teams.sql\n        not_null: {columns: [team]}']],
    [
      '67:9 error  expected exactly one of row_count, expected_keys, not_null, not_zero, accepted_range and sql in processors.form.audits[0], found a map with the keys row_count and not_null — begin a new entry of the list for each',
    ],
  ],
  [
    'a percentage for a share',
    [['    gate:\n', '    gate:\n      quorum: 95\n']],
    ['24:15 error  expected a number of at most 1 for phases.2.gate.quorum, found 95 — write a share between 0 and 1: 0.95'],
  ],
  [
    'a date that does not exist',
    [['- 2021-07-01', '- 2021-02-29']],
    ['70:9 error  "2021-02-29" does not exist: 2021-02 has 28 days — write a date that exists, as YYYY-MM-DD'],
  ],
  [
    'a choice between a number and a word',
    [['kind: code', 'kind: code\n    dates_per_task: many']],
    ['75:21 error  expected a number or "auto" for processors.picks.dates_per_task, found "many" — write one of these'],
  ],
  [
    'an empty list',
    [['  reads: [source.games]', '  reads: []']],
    ['7:3 error  expected a list with at least 1 entry for calendar.reads, found an empty list — add at least one'],
  ],
  [
    'covers that name nothing',
    [['kind: code', 'kind: code\n    covers: [""]']],
    ['75:14 error  expected a text that is not empty for processors.picks.covers[0], found "" — write a text that is not empty'],
  ],
];

const processors: readonly Row[] = [
  [
    'a partition column that is no column',
    [['    partition_column: game_date\n    key: [game_date]', '    partition_column: gamedate\n    key: [gamedate]']],
    [
      '45:23 error  expected the partition column among the columns, found "gamedate", which is none — write "game_date"',
      '46:11 error  expected key columns among the columns, found "gamedate", which is none — write "game_date"',
    ],
  ],
  [
    'a partition column that is no DATE',
    [['      game_date: DATE\n      rating', '      game_date: TIMESTAMP\n      rating']],
    ['45:23 error  expected a partition column of type DATE, found "game_date" of type TIMESTAMP — declare "game_date: DATE", or choose a column of type DATE'],
  ],
  [
    'a key without the partition column',
    [
      ['    key: [game_date]\n', '    key: [rating_id]\n'],
      ['      rating: FLOAT64', '      rating_id: STRING'],
    ],
    ['46:5 error  expected the partition column "game_date" in the key, found rating_id — add "game_date" to the key'],
  ],
  [
    'a key of FLOAT64',
    [['    key: [game_date]\n', '    key: [game_date, rating]\n']],
    [
      '46:22 error  expected key columns that can be compared, found "rating" of type FLOAT64: sums of FLOAT64 differ from run to run, so that rows could not be matched — use an id, or round it to NUMERIC or INT64',
    ],
  ],
  [
    'a key of arrays',
    [
      ['    key: [game_date]\n', '    key: [game_date, rating]\n'],
      ['rating: FLOAT64', 'rating: ARRAY<STRING>'],
    ],
    [
      '46:22 error  expected key columns that can be compared, found "rating" of type ARRAY<STRING>: arrays can not be compared — use an id, or round it to NUMERIC or INT64',
    ],
  ],
  [
    'a key column twice',
    [['    key: [game_date]\n', '    key: [game_date, game_date]\n']],
    ['46:22 error  expected every key column once, found "game_date" a second time — remove it'],
  ],
  [
    'a column that Floodgate adds itself',
    [['      mean_points: {', '      processed_at: TIMESTAMP\n      mean_points: {']],
    ['59:7 error  expected only columns of your own, found "processed_at", which Floodgate adds to every target table — remove it'],
  ],
  [
    'a missing SQL file',
    [['kind: sql\n', 'kind: sql\n    file: processors/forms.sql\n']],
    ['53:11 error  expected the file processors/forms.sql of processor form, found none — create processors/forms.sql, or write "file: processors/form.sql"'],
  ],
  [
    'a file outside the folder',
    [['kind: sql\n', 'kind: sql\n    file: ../form.sql\n']],
    ['53:11 error  expected a file inside the pipeline\'s folder, found "../form.sql", which leaves it — move the file into the folder'],
  ],
  [
    'a file of the wrong language',
    [['kind: sql\n', 'kind: sql\n    file: processors/picks.ts\n']],
    ['53:11 error  expected a .sql file for a processor of kind sql, found "processors/picks.ts" — name a .sql file, or change the kind'],
  ],
  [
    'a missing SQL file of a check',
    [['checks/teams.sql', 'check/teams.sql']],
    ['68:16 error  expected the file check/teams.sql, found none — write "checks/teams.sql", or create check/teams.sql'],
  ],
  [
    'a missing SQL file of the calendar',
    [
      [
        '  sql: |\n    SELECT game_date AS date, season, kind, COUNT(*) AS items\n    FROM source.games\n    GROUP BY game_date, season, kind\n',
        '  sql: calendar.sql\n',
      ],
    ],
    ['3:8 error  expected the file calendar.sql, found none — create calendar.sql'],
  ],
  [
    'an audit of a column that is none',
    [['      - row_count:\n', '      - not_null: {columns: [team, mean_point]}\n      - row_count:\n']],
    ['67:36 error  expected a column of nba_silver.form, found "mean_point" — write "mean_points"'],
  ],
  [
    'not_zero on texts',
    [['      - row_count:\n', '      - not_zero: {columns: [team]}\n      - row_count:\n']],
    ['67:30 error  expected a column of numbers, found "team" of type STRING — choose one of type INT64, FLOAT64 and NUMERIC, or use not_null'],
  ],
  [
    'a range without an end',
    [['      - row_count:\n', '      - accepted_range: {column: mean_points}\n      - row_count:\n']],
    ['67:9 error  expected min or max in accepted_range, found neither — add "min: 0", "max: 1" or both'],
  ],
  [
    'a range that is empty',
    [['      - row_count:\n', '      - accepted_range: {column: mean_points, min: 9, max: 1}\n      - row_count:\n']],
    ['67:9 error  expected min to be at most max, found min 9 and max 1 — swap them'],
  ],
  [
    'a range of dates the wrong way round',
    [['{first: 2022-07-01, last: 2022-09-30}', '{first: 2022-09-30, last: 2022-07-01}']],
    ['71:17 error  expected first to be no later than last, found 2022-09-30 to 2022-07-01 — swap them'],
  ],
  [
    'an absent column that is none',
    [['    never:\n', '    absent: [{columns: [mean_pts], seasons: [2021-22], reason: none}]\n    never:\n']],
    ['69:25 error  expected a column of this processor, found "mean_pts" — use a column that is declared: game_date, team and mean_points'],
  ],
  [
    'an absent column of the key',
    [['    never:\n', '    absent: [{columns: [team], seasons: [2021-22], reason: none}]\n    never:\n']],
    ['69:25 error  expected absent columns to be optional, found "team", which is part of the key — remove it from absent, or make the column optional'],
  ],
  [
    'retries that wait less and less',
    [['kind: code', 'kind: code\n    retry: {base_seconds: 90}']],
    ['75:5 error  expected base_seconds to be at most max_seconds, found 90 and 60 — raise max_seconds or lower base_seconds'],
  ],
  [
    'a source whose date column is none',
    [['    date_column: game_date', '    date_column: day']],
    [
      '11:18 error  expected the date column among the columns, found "day", which is none — use a column that is declared: game_id, game_date, season, kind and points',
    ],
  ],
  [
    'a source whose date column is no DATE',
    [['    date_column: game_date', '    date_column: season']],
    ['11:18 error  expected a date column of type DATE, found "season" of type STRING — declare "season: DATE", or choose a column of type DATE'],
  ],
  [
    'a source whose key column is none',
    [['    key: [game_id]\n', '    key: [gameid]\n']],
    ['12:11 error  expected key columns among the columns, found "gameid", which is none — write "game_id"'],
  ],
  [
    'a load without SQL of a column that the source lacks',
    [
      ['      points: INT64\n    upstreams', '      score: INT64\n    upstreams'],
      ['          - points\n', '          - score\n'],
    ],
    [
      '38:7 error  expected a column of source.games, found "score": a load without SQL takes its columns over by name — remove it, or create processors/games.sql with a SELECT that yields it',
    ],
  ],
  [
    'a load without SQL of another type',
    [['      points: INT64\n    upstreams', '      points: STRING\n    upstreams']],
    [
      '38:15 error  expected type INT64 as in source.games, found STRING for "points" — write INT64, or create processors/games.sql with a SELECT that casts it',
    ],
  ],
  [
    'a load without SQL of other dates',
    [['source.games: 0d', 'source.games: [-1d, 0d]']],
    [
      '40:7 error  expected the window [0d, 0d] for a load without SQL, found [-1d, 0d] — write [0d, 0d], or say in processors/games.sql what is read from the other dates',
    ],
  ],
  [
    'a load without SQL of two tables',
    [['source.games: 0d', 'source.games: 0d\n      nba_ext.ratings: 0d']],
    [
      '29:3 error  expected the file processors/games.sql of processor games, found none (a load needs none only where it reads exactly one source; this one reads source.games and nba_ext.ratings) — create processors/games.sql',
    ],
  ],
];

const references: readonly Row[] = [
  [
    'a phase that is not declared',
    [['    phase: 2\n    kind: code', '    phase: 3\n    kind: code']],
    ['73:12 error  expected the number of a declared phase, found 3 — use one of 1 and 2, or declare phase 3 below "phases"'],
  ],
  [
    'a phase without processors',
    [['  1: {name: load}', '  1: {name: load}\n  7: {name: late}']],
    ['21:3 warning  expected a processor in phase 7, found none — remove the phase, or give a processor its number'],
  ],
  [
    'a table with two processors',
    [['table: nba_gold.picks', 'table: nba_ext.ratings']],
    ['75:12 error  expected one processor for each table, found nba_ext.ratings a second time: ratings writes it too — give one of the two another table'],
  ],
  [
    'a table in the dataset of the sources',
    [['table: nba_gold.picks', 'table: source.picks']],
    [
      '75:12 error  expected a dataset of your own, found "source.picks": "source" is the name under which SQL reads the declared sources — choose another dataset',
    ],
  ],
  [
    'an upstream that nobody writes',
    [['nba_silver.form: "[', 'nba_silver.from: "[']],
    ['82:7 error  expected the table of a processor, found "nba_silver.from", which none writes — write "nba_silver.form"'],
  ],
  [
    'a source that is not declared',
    [['source.games: 0d', 'source.game: 0d']],
    ['40:7 error  expected a declared source, found "source.game" — write "source.games"'],
  ],
  [
    'a source that is read past the load',
    [['      nba_ext.ratings: [0d, 0d]', '      source.games: 0d']],
    [
      '65:7 error  expected only processors of kind load or code to read sources, found form of kind sql reading source.games — load source.games into a table with a processor of kind load, and read that table here',
    ],
  ],
  [
    'a load that reads no source',
    [
      ['source.games: 0d', 'nba_ext.ratings: 0d'],
      ['  ratings:\n', '  ratings:\n'],
    ],
    ['39:5 error  expected a load to read a source, found only nba_ext.ratings — add one to the upstreams: source.games; or use kind sql'],
  ],
  [
    'an external table with upstreams',
    [['      rating: FLOAT64\n', '      rating: FLOAT64\n    upstreams: {nba_raw.games: 0d}\n']],
    ['50:5 error  expected no upstreams: others fill the table of an external processor, found nba_raw.games — remove them, or change the kind'],
  ],
  [
    'an external table with a file',
    [['    kind: external\n', '    kind: external\n    file: processors/form.sql\n']],
    ['44:5 error  expected no file: others fill the table of an external processor — remove "file"'],
  ],
  [
    'an external table with audits',
    [['      rating: FLOAT64\n', '      rating: FLOAT64\n    audits: [{not_null: {columns: [rating]}}]\n']],
    ['50:5 warning  expected no audits: they look at staged rows, and an external processor stages none — move them to the gate of phase 1'],
  ],
  [
    'an upstream of a later phase',
    [
      ['      rating: FLOAT64\n', '      rating: FLOAT64\n'],
      ['    phase: 1\n    kind: external', '    phase: 2\n    kind: external'],
      ['  form:\n    phase: 2', '  form:\n    phase: 1'],
    ],
    [
      '65:7 error  expected upstreams in phase 1 or earlier, found nba_ext.ratings, which ratings writes in phase 2 — move form to phase 2 or later, or ratings to phase 1',
    ],
  ],
  [
    'a critical column that is none',
    [['          - points\n', '          - point\n']],
    ['64:13 error  expected a column of nba_raw.games, found "point" — write "points"'],
  ],
  [
    'a critical text that must not be zero',
    [['          - points\n', '          - {column: game_id, not_zero: true}\n']],
    ['64:13 error  expected a column of numbers for not_zero, found "game_id" of type STRING — remove not_zero: a critical column is never null anyway'],
  ],
  [
    'a circle',
    [['      nba_ext.ratings: [0d, 0d]', '      nba_gold.picks: [0d, 0d]']],
    ['65:7 error  expected no circle among the processors, found form -> picks -> form (each reads the next) — remove one of these upstreams'],
  ],
  [
    'a processor that reads itself',
    [['nba_silver.form: "[', 'nba_gold.picks: "[']],
    ['82:7 error  expected no processor to read its own table, found picks -> picks — compute it from the upstreams alone, or split it into two processors'],
  ],
  [
    'a calendar of unknown tables',
    [['  reads: [source.games]', '  reads: [source.game]']],
    ['7:11 error  expected a declared source or an external table, found "source.game" — write "source.games"'],
  ],
  [
    'a calendar of computed tables',
    [['  reads: [source.games]', '  reads: [nba_raw.games]']],
    [
      '7:11 error  expected a source or an external table, found nba_raw.games, which games computes: the calendar is read before anything is computed — read what games reads: source.games',
    ],
  ],
  [
    'a gate of an unknown table',
    [['- table: nba_silver.form\n', '- table: nba_silver.forms\n']],
    ['25:18 error  expected the table of a processor, found "nba_silver.forms", which none writes — write "nba_silver.form"'],
  ],
  [
    'a gate of a later phase',
    [['1: {name: load}', '1: {name: load, gate: {checks: [{table: nba_gold.picks, check: {not_null: {columns: [team]}}}]}}']],
    [
      '20:43 error  expected a table of phase 1 or earlier, found nba_gold.picks of phase 2, which is filled only after this gate has opened — move the check to the gate of phase 2',
    ],
  ],
  [
    'a gate of a column that is none',
    [['not_null: {columns: [mean_points]}', 'not_null: {columns: [points]}']],
    ['27:34 error  expected a column of nba_silver.form, found "points" — use a column that is declared: game_date, team and mean_points'],
  ],
];

const told = (edits: readonly Edit[]): readonly string[] => readProblems(withEdits(...edits)).map((problem) => problem.replace('pipeline.yaml:', ''));

describe('the shape of pipeline.yaml', () => {
  it.each(shape)('tells %s', (_, edits, problems) => {
    expect(told(edits)).toEqual(problems);
  });
});

describe('a processor or source on its own', () => {
  it.each(processors)('tells %s', (_, edits, problems) => {
    expect(told(edits)).toEqual(problems);
  });
});

describe('what processors say about one another', () => {
  it.each(references)('tells %s', (_, edits, problems) => {
    expect(told(edits)).toEqual(problems);
  });
});

describe('a pipeline with a fault in every part', () => {
  it('is told in one go, with mistakes of the shape hiding none of the others', () => {
    const edits: readonly Edit[] = [
      ['name: nba\n', 'name: NBA\n'],
      ['  reads: [source.games]', '  reads: [source.game]'],
      ['  1: {name: load}', '  1: {nam: load}'],
      ['kind: external', 'kind: extern'],
      [
        '    key: [game_date, team]\n    columns:\n      game_date: DATE\n      team: STRING\n      mean_points',
        '    key: [game_date, teem]\n    columns:\n      game_date: DATE\n      team: TEXT\n      mean_points',
      ],
      ['          - points\n', '          - pts\n'],
      ['nba_ext.ratings: [0d, 0d]', 'nba_ext.rating: [0, 0]'],
      ['{first: 2022-07-01, last: 2022-09-30}', '{first: 2022-10-01, last: 2022-09-30}'],
      ['    phase: 2\n    kind: code', '    phase: two\n    kind: code'],
    ];
    const files = new Map(withEdits(...edits));
    files.delete('processors/picks.ts');
    expect(readProblems(files)).toMatchInlineSnapshot(`
      [
        "pipeline.yaml:1:7 error  expected lower-case letters, digits and _, starting with a letter, at most 63, found "NBA" — write "nba"",
        "pipeline.yaml:7:11 error  expected a declared source or an external table, found "source.game" — write "source.games"",
        "pipeline.yaml:20:7 error  expected a known key in phases.1, found "nam" — write "name"",
        "pipeline.yaml:43:11 error  expected one of external, load, sql, code for processors.ratings.kind, found "extern" — write "external"",
        "pipeline.yaml:55:22 error  expected key columns among the columns, found "teem", which is none — write "team"",
        "pipeline.yaml:58:13 error  expected a column type (STRING, INT64, FLOAT64, NUMERIC, BOOL, DATE, TIMESTAMP, BYTES, JSON, or ARRAY<...> of one of them), found "TEXT" — write "STRING"",
        "pipeline.yaml:64:13 error  expected a column of nba_raw.games, found "pts" — use a column that is declared: game_id, game_date and points",
        "pipeline.yaml:65:7 error  expected a window such as [0d, 0d], [-30d, -1d], [season, -1d] or [season-30d, 0d], found the list [0, 0] — write one of these forms; a window never ends after the date itself, and a number of days has a "d" behind it",
        "pipeline.yaml:65:7 error  expected the table of a processor, found "nba_ext.rating", which none writes — write "nba_ext.ratings"",
        "pipeline.yaml:71:17 error  expected first to be no later than last, found 2022-10-01 to 2022-09-30 — swap them",
        "pipeline.yaml:72:3 error  expected the file processors/picks.ts of processor picks, found none — create processors/picks.ts",
        "pipeline.yaml:73:12 error  expected a number for processors.picks.phase, found "two" — write a number",
      ]
    `);
  });

  it('says that the files are more than a version of a pipeline may have, and which of them is the largest', () => {
    const files = new Map([...withEdits(), ['notes/everything.sql', '-- ä\n'.repeat(170_000)]]);
    expect(readProblems(files)).toEqual([
      expect.stringMatching(
        /^pipeline\.yaml:1 error  expected files of 1000000 bytes together, found 1\d{6} bytes in \d+ files, most of them in notes\/everything\.sql — /,
      ),
    ]);
  });
});
