// A small pipeline without a fault, for tests that break one thing at a time.
import { readPipeline } from './read-pipeline.ts';
import { formatProblem } from './problem.ts';

export const exampleYaml = `name: nba
calendar:
  sql: |
    SELECT game_date AS date, season, kind, COUNT(*) AS items
    FROM source.games
    GROUP BY game_date, season, kind
  reads: [source.games]
sources:
  games:
    files: games.parquet
    date_column: game_date
    key: [game_id]
    columns:
      game_id: STRING
      game_date: DATE
      season: STRING
      kind: STRING
      points: INT64
phases:
  1: {name: load}
  2:
    name: features
    gate:
      checks:
        - table: nba_silver.form
          check:
            not_null: {columns: [mean_points]}
processors:
  games:
    phase: 1
    kind: load
    table: nba_raw.games
    partition_column: game_date
    key: [game_date, game_id]
    columns:
      game_id: STRING
      game_date: DATE
      points: INT64
    upstreams:
      source.games: 0d
  ratings:
    phase: 1
    kind: external
    table: nba_ext.ratings
    partition_column: game_date
    key: [game_date]
    columns:
      game_date: DATE
      rating: FLOAT64
  form:
    phase: 2
    kind: sql
    table: nba_silver.form
    partition_column: game_date
    key: [game_date, team]
    columns:
      game_date: DATE
      team: STRING
      mean_points: {type: FLOAT64, digits: 3}
    upstreams:
      nba_raw.games:
        window: [-30d, -1d]
        critical:
          - points
      nba_ext.ratings: [0d, 0d]
    audits:
      - row_count:
          sql: checks/teams.sql
    never:
      - 2021-07-01
      - {first: 2022-07-01, last: 2022-09-30}
  picks:
    phase: 2
    kind: code
    table: nba_gold.picks
    partition_column: game_date
    key: [game_date, team]
    columns:
      game_date: DATE
      team: STRING
    upstreams:
      nba_silver.form: "[season, -1d]"
    audits: [{row_count: {sql: "SELECT game_date AS date, COUNT(*) AS expected FROM nba_silver.form GROUP BY game_date"}}]
`;

export const exampleFiles: ReadonlyMap<string, string> = new Map([
  ['pipeline.yaml', exampleYaml],
  ['processors/form.sql', 'SELECT game_date, team, mean_points\nFROM nba_raw.games\n'],
  ['processors/picks.ts', "import { odds } from './odds.ts';\nexport async function* rows() { yield odds; }\n"],
  ['processors/odds.ts', 'export const odds = 1;\n'],
  ['checks/teams.sql', 'SELECT date, expected FROM nba_ext.ratings\n'],
]);

/** The example with pieces of pipeline.yaml replaced; a piece that isn't there exactly once is a mistake of the test. */
export const withEdits = (...edits: readonly (readonly [string, string])[]): ReadonlyMap<string, string> => {
  let text = exampleYaml;
  for (const [from, to] of edits) {
    if (text.split(from).length !== 2) throw new Error(`expected the text exactly once in the example: ${from}`);
    text = text.replace(from, () => to);
  }
  return new Map([...exampleFiles, ['pipeline.yaml', text]]);
};

export const readProblems = (files: ReadonlyMap<string, string>): readonly string[] => {
  const outcome = readPipeline(files);
  return (outcome.ok ? outcome.warnings : outcome.problems).map(formatProblem);
};
