// A statement over tables of a few rows written by hand: what it must say is computed on paper. Tables have the columns that the
// statement reads and no others, so that such a test says what a statement depends on.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { duckdbPrelude, translateSelect } from '@floodgate/sql/translate.ts';
import { query, type Range, type Row } from './nba.fixture.ts';

/** Name of a column to its type in DuckDB. */
export type Shape = Readonly<Record<string, string>>;

export const openSmallTables = async (): Promise<DuckDBConnection> => {
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  for (const statement of duckdbPrelude) await connection.run(statement);
  for (const schema of ['nba_raw', 'nba_analytics', 'nba_precompute', 'nba_predictions']) await connection.run(`CREATE SCHEMA ${schema}`);
  return connection;
};

/** Makes the table anew; a column that a row leaves out is NULL. */
export const fillTable = async (connection: DuckDBConnection, table: string, shape: Shape, rows: readonly Row[]): Promise<void> => {
  const columns = Object.entries(shape).map(([name, type]) => `"${name}" ${type}`);
  await connection.run(`CREATE OR REPLACE TABLE ${table} (${columns.join(', ')})`);
  const json = JSON.stringify(rows.map((row) => Object.fromEntries(Object.keys(shape).map((name) => [name, row[name] ?? null]))));
  await connection.run(`INSERT INTO ${table} BY NAME SELECT unnest(from_json($json, '${JSON.stringify([shape])}'), recursive := true)`, { json });
};

const statementOf = (processor: string): string => readFileSync(join(import.meta.dirname, `processors/${processor}.sql`), 'utf8');

export const runProcessor = async (connection: DuckDBConnection, processor: string, range: Range): Promise<Row[]> =>
  query(connection, statementOf(processor), range);

/** The rows as a table, made anew, so that others can read them and damage can be done to them. */
export const storeProcessor = async (connection: DuckDBConnection, processor: string, table: string, [first, last]: Range): Promise<void> => {
  const translated = translateSelect(statementOf(processor));
  if (!translated.ok) throw new Error(translated.problems.map(({ message }) => message).join('\n'));
  await connection.run(`CREATE OR REPLACE TABLE ${table} AS ${translated.sql}`, { start_date: first, end_date: last });
};

/** Rows of a check over rows that are given as the staged ones. */
export const offendingRows = async (connection: DuckDBConnection, check: string, staged: string, range: Range): Promise<Row[]> => {
  const sql = readFileSync(join(import.meta.dirname, `checks/${check}.sql`), 'utf8').replace(/^(?:--.*\n)+/, '');
  return query(connection, `WITH staged AS (${staged}) ${sql}`, range);
};
