// The tables of the NBA pipeline's phases 2 and 3, computed a second time: plain DuckDB SQL over the Parquet files, one
// SELECT a table, written from the meaning of the columns and sharing nothing with the pipeline's own processors. Where
// both agree, a mistake would have had to be made twice.
import { readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';

export type OracleTable = {
  /** The pipeline's table. */
  readonly table: string;
  /** Where `computeOracle` puts its own. */
  readonly oracle: string;
  readonly key: readonly string[];
};

const oracleTable = (dataset: string, name: string, key: readonly string[]): OracleTable => ({
  table: `${dataset}.${name}`,
  oracle: `oracle.${name}`,
  key,
});

export const oracleTables = [
  oracleTable('nba_raw', 'nbac_schedule', ['game_date', 'game_id']),
  oracleTable('nba_raw', 'nbac_team_boxscore', ['game_date', 'game_id', 'team_abbr']),
  oracleTable('nba_raw', 'nbac_gamebook_player_stats', ['game_date', 'game_id', 'universal_player_id']),
  oracleTable('nba_raw', 'bigdataball_play_by_play', ['game_date', 'game_id', 'event_sequence']),
  oracleTable('nba_analytics', 'team_offense_game_summary', ['game_date', 'team_abbr']),
  oracleTable('nba_analytics', 'team_defense_game_summary', ['game_date', 'defending_team_abbr']),
  oracleTable('nba_analytics', 'player_game_summary', ['game_date', 'universal_player_id']),
] as const satisfies readonly OracleTable[];

/** First and last date, both included, as `YYYY-MM-DD`. */
export type OracleRange = { readonly first: string; readonly last: string };

/** Every date for which the data has games. */
export const wholeRange: OracleRange = { first: '2021-10-19', last: '2024-12-31' };

const projectRoot = join(import.meta.dirname, '../../..');

/** Where the league's data lies; it is no part of the project, so a test that needs it skips where it is absent. */
export const nbaDataFolder = process.env['FLOODGATE_NBA_DATA'] ?? join(projectRoot, '../shared/data/nba');

/** Why tests over the data can't run here; undefined where they can. */
export const nbaDataAbsent: string | undefined = existsSync(join(nbaDataFolder, 'games.parquet'))
  ? undefined
  : 'no NBA data: set FLOODGATE_NBA_DATA to the folder that holds games.parquet';

const sources = {
  games: 'games.parquet',
  team_boxscores: 'team_boxscores.parquet',
  player_boxscores: 'player_boxscores.parquet',
  play_by_play: 'play_by_play_*.parquet',
  player_props: 'player_props.parquet',
} as const;
/** What its queries read where a folder has no such file: nothing. */
const noFile = {
  player_props:
    'SELECT NULL::DATE AS game_date, NULL AS game_id, NULL AS player_id, NULL AS market, NULL AS line, NULL AS bookmaker, NULL AS over_price, NULL AS under_price WHERE FALSE',
};

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/**
 * Fills `oracle.<table>` for the dates of the range, replacing what was there. The queries read the views
 * `games`, `team_boxscores`, `player_boxscores`, `play_by_play` and `player_props` of the schema `oracle`, which hold those dates alone.
 */
export const computeOracle = async (connection: DuckDBConnection, dataFolder: string, range: OracleRange): Promise<void> => {
  await connection.run('CREATE SCHEMA IF NOT EXISTS oracle');
  for (const [view, files] of Object.entries(sources)) {
    const empty = view in noFile && !existsSync(join(dataFolder, files));
    const file = empty ? `(${noFile[view as keyof typeof noFile]})` : `read_parquet(${quote(join(dataFolder, files))})`;
    const described = (await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${file}`)).getRowObjectsJson();
    // The files keep counts as SMALLINT, and DuckDB multiplies a SMALLINT by a literal in 16 bits.
    const columns = described.map(({ column_name: name, column_type: type }) =>
      type === 'SMALLINT' || type === 'INTEGER' ? `CAST(${String(name)} AS BIGINT) AS ${String(name)}` : String(name),
    );
    // A view takes no parameters; both bounds pass through DuckDB's own DATE parser by way of the cast.
    await connection.run(
      `CREATE OR REPLACE VIEW oracle.${view} AS SELECT ${columns.join(', ')} FROM ${file}
       WHERE game_date BETWEEN CAST(${quote(range.first)} AS DATE) AND CAST(${quote(range.last)} AS DATE)`,
    );
  }
  for (const { oracle } of oracleTables) {
    const file = join(import.meta.dirname, `${oracle.slice('oracle.'.length)}.sql`);
    await connection.run(`CREATE OR REPLACE TABLE ${oracle} AS ${await readFile(file, 'utf8')}`);
  }
};
