// Real seasons as a server would give them: rows of the Parquet files of a folder, by date.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import type { FeedName, FeedRows, Row } from './feeds.ts';

const fileOf: Readonly<Record<FeedName, string>> = {
  schedule: 'games.parquet',
  team_boxscores: 'team_boxscores.parquet',
  player_boxscores: 'player_boxscores.parquet',
  player_statuses: 'player_statuses.parquet',
  play_by_play: 'play_by_play_*.parquet',
  odds: 'odds.parquet',
  player_props: 'player_props.parquet',
  injury_reports: 'injury_reports.parquet',
  players: 'players.parquet',
};

const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;

const readRows = async (connection: DuckDBConnection, path: string, where: string, value: string): Promise<readonly Row[]> => {
  // As text: DuckDB writes dates, times and NULL as NDJSON wants them.
  const sql = `SELECT CAST(to_json(t) AS VARCHAR) FROM (SELECT * FROM read_parquet(${text(path)}, union_by_name = true) WHERE ${where} ORDER BY ALL) AS t`;
  const found = await connection.runAndReadAll(sql, { value });
  return found.getRows().map(([row]) => JSON.parse(String(row)) as Row);
};

export const openReplay = async (folder: string): Promise<FeedRows> => {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  if (!names.includes(fileOf.schedule)) throw new Error(`there is no ${fileOf.schedule} in ${folder}`);
  const instance = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '2GB' });
  const connection = await instance.connect();
  const isThere = (feed: FeedName): boolean => names.some((name) => new RegExp(`^${fileOf[feed].replace('.', '\\.').replace('*', '.*')}$`).test(name));
  return {
    seasons: async () => {
      const found = await connection.runAndReadAll(`SELECT DISTINCT season FROM read_parquet(${text(join(folder, fileOf.schedule))}) ORDER BY 1`);
      return found.getRows().map(([season]) => String(season));
    },
    schedule: async (season) => {
      const rows = await readRows(connection, join(folder, fileOf.schedule), 'season = $value', season);
      return rows.length === 0 ? undefined : rows;
    },
    rows: async (feed, date) => (isThere(feed) ? readRows(connection, join(folder, fileOf[feed]), 'game_date = CAST($value AS DATE)', date) : []),
    knowAsOf: (instant) => {
      if (instant !== undefined) throw new Error('a replay has no history: its files are as they were in the end');
    },
    close: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
};
