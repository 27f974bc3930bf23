// The league's data cut to some dates, in a folder that a test may change: the real one is read-only and large.
import { readdir, rename, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { nbaDataFolder, type OracleRange } from '../oracle/oracle.ts';

const withConnection = async <T>(body: (connection: DuckDBConnection) => Promise<T>): Promise<T> => {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await instance.connect();
  try {
    return await body(connection);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
};

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Writes a file anew from itself: `select` reads its rows as `rows`. Visible as a whole, under a new identity. */
export const rewriteFile = async (folder: string, file: string, select: string): Promise<void> => {
  const [path, written] = [join(folder, file), join(folder, `.${file}.new`)];
  await withConnection(async (connection) => {
    await connection.run(`COPY (WITH rows AS (FROM read_parquet(${quote(path)})) ${select}) TO ${quote(written)} (FORMAT parquet)`);
  });
  await rename(written, path);
};

/** Copies the files that the pipeline reads, with the rows of these dates alone. */
export const copyData = (folder: string, { first, last }: OracleRange): Promise<void> =>
  withConnection(async (connection) => {
    for (const file of (await readdir(nbaDataFolder)).filter((name) =>
      /^(games|team_boxscores|player_boxscores|play_by_play_.*|odds|player_props)\.parquet$/.test(name),
    )) {
      const rows = `FROM read_parquet(${quote(join(nbaDataFolder, file))}) WHERE game_date BETWEEN ${quote(first)} AND ${quote(last)}`;
      const counted = await connection.runAndReadAll(`SELECT count(*) ${rows}`);
      if (Number(counted.getRows()[0]?.[0]) === 0) continue;
      await connection.run(`COPY (${rows}) TO ${quote(join(folder, file))} (FORMAT parquet)`);
    }
  });

/** Cuts a file off in the middle, as a copy that broke down leaves it. */
export const truncateFile = async (folder: string, file: string): Promise<void> => truncate(join(folder, file), 20_000);

/** Runs statements on a warehouse's file, as somebody does who mends rows by hand. The home must not be open. */
export const changeByHand = async (warehouse: string, statements: readonly string[]): Promise<void> => {
  const instance = await DuckDBInstance.create(warehouse);
  const connection = await instance.connect();
  try {
    for (const statement of statements) await connection.run(statement);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
};
