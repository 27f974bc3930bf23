// One SELECT over the same rows, twice: by Google's reference evaluator for GoogleSQL, and by DuckDB from the translation.
import { globSync } from 'node:fs';
import { join } from 'node:path';
import {
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBListValue,
  DuckDBTimestampTZValue,
  type DuckDBConnection,
  type DuckDBValue,
} from '@duckdb/node-api';
import { fromDay } from '@floodgate/core/domain/partition-date.ts';
import { sourceTable, type Column, type Pipeline, type Processor } from '@floodgate/core/domain/pipeline.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { readPipeline } from '@floodgate/core/pipeline/read-pipeline.ts';
import { duckdbType } from '@floodgate/sql/duckdb/names.ts';
import { duckdbPrelude, translateSelect } from '@floodgate/sql/translate.ts';
import { readPipelineFolder } from '@floodgate/system/pipeline-folders.ts';
import type { ZetaSqlTable } from '../../support/zetasql.ts';
import type { Cell } from '../../support/zetasql-values.ts';
import { pipelinesFolder } from '../support/engine.ts';
import { nbaDataFolder } from './oracle.ts';

export type Rows = readonly (readonly Cell[])[];
export type Span = { readonly start_date: string; readonly end_date: string };

export const loadNba = async (): Promise<Pipeline> => {
  const read = readPipeline((await readPipelineFolder(join(pipelinesFolder, 'nba'))) ?? new Map());
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.pipeline;
};

export const translate = (sql: string): string => {
  const result = translateSelect(sql);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.sql;
};

export const listOf = (columns: readonly Column[]): string => columns.map(({ name }) => `"${name}"`).join(', ');
export const castsOf = (columns: readonly Column[]): string =>
  columns.map(({ name, type }) => `CAST("${name}" AS ${duckdbType(type)}) AS "${name}"`).join(', ');
export const definitionOf = (columns: readonly Column[]): string => columns.map(({ name, type }) => `"${name}" ${duckdbType(type)}`).join(', ');

/** Sources of these dates, and schemas for the tables of all processors. */
export const openSources = async (
  pipeline: Pipeline,
  { start_date: first, end_date: last }: Span,
): Promise<{ readonly instance: DuckDBInstance; readonly connection: DuckDBConnection }> => {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await instance.connect();
  await prepareDatabase(connection, pipeline);
  for (const { name, files, columns, dateColumn, optional } of pipeline.sources) {
    if (optional && globSync(join(nbaDataFolder, files[0] ?? '')).length === 0) {
      await connection.run(`CREATE TABLE ${sourceTable(name)} (${definitionOf(columns)})`);
      continue;
    }
    const path = join(nbaDataFolder, files[0] ?? '').replaceAll("'", "''");
    const dated = `${dateColumn} BETWEEN '${first}' AND '${last}'`;
    await connection.run(`CREATE TABLE ${sourceTable(name)} AS SELECT ${castsOf(columns)} FROM read_parquet('${path}', union_by_name = true) WHERE ${dated}`);
  }
  return { instance, connection };
};

/** What statements need of the connection and of the database that it uses. */
export const prepareDatabase = async (connection: DuckDBConnection, pipeline: Pipeline): Promise<void> => {
  for (const statement of ["SET TimeZone = 'UTC'", ...duckdbPrelude]) await connection.run(statement);
  const schemas = new Set(['source', ...pipeline.processors.map(({ table }) => table.split('.')[0])]);
  for (const schema of schemas) await connection.run(`CREATE SCHEMA ${schema}`);
};

/** Columns that the rows don't have are NULL. */
export const insertRows = async (connection: DuckDBConnection, table: string, columns: readonly Column[], rows: readonly JsonObject[]): Promise<void> => {
  const shape = JSON.stringify([Object.fromEntries(columns.map(({ name, type }) => [name, duckdbType(type)]))]);
  const json = JSON.stringify(rows, plain);
  await connection.run(`INSERT INTO ${table} BY NAME SELECT unnest(from_json($json, '${shape}'), recursive := true)`, { json });
};

/** As the evaluator writes the same value. */
const toCell = (value: DuckDBValue): Cell => {
  if (value instanceof DuckDBDateValue) return fromDay(value.days);
  if (value instanceof DuckDBDecimalValue) {
    const text = value.toString();
    return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  }
  if (value instanceof DuckDBTimestampTZValue) {
    const seconds = new Date(Number(value.micros / 1_000n)).toISOString().slice(0, 19).replace('T', ' ');
    return `${seconds}.${String(value.micros % 1_000_000n).padStart(6, '0')}`;
  }
  if (value instanceof DuckDBListValue) return value.items.map(toCell);
  return value as Cell;
};

export const readRows = async (connection: DuckDBConnection, sql: string, parameters: Readonly<Record<string, string>> = {}): Promise<Rows> =>
  (await connection.runAndReadAll(sql, parameters)).getRows().map((row) => row.map(toCell));

export type Input = { readonly name: string; readonly columns: readonly Column[]; readonly dateColumn: string };

/** A source or the table of a processor, by the name that SQL reads it by. */
export const inputOf = (pipeline: Pipeline, name: string): Input => {
  const source = pipeline.sources.find((each) => sourceTable(each.name) === name);
  if (source !== undefined) return { name, columns: source.columns, dateColumn: source.dateColumn };
  const processor = pipeline.processors.find(({ table }) => table === name) as Processor;
  return { name, columns: processor.columns, dateColumn: processor.partitionColumn };
};

/** Its rows for the evaluator. */
export const readInput = async (connection: DuckDBConnection, { name, columns }: Input, where: string): Promise<ZetaSqlTable> => ({
  name,
  columns: columns.map((column) => ({ name: column.name, type: column.type })),
  rows: await readRows(connection, `SELECT ${listOf(columns)} FROM ${name} WHERE ${where}`),
});

/** Sums of doubles depend on their order; everything else is equal to the bit. */
const isSame = (a: Cell | undefined, b: Cell | undefined): boolean =>
  typeof a === 'number' && typeof b === 'number'
    ? Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b))
    : JSON.stringify(a, plain) === JSON.stringify(b, plain);
const plain = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

/** Rows by key: those of the evaluator come in no order. */
const byKey = (names: readonly string[], key: readonly string[], rows: Rows): ReadonlyMap<string, readonly Cell[]> => {
  const places = key.map((name) => names.indexOf(name));
  return new Map(rows.map((row) => [places.map((place) => String(row[place])).join(' '), row]));
};

/** Of two results with these columns: what differs, in words. */
export const differencesOf = (names: readonly string[], key: readonly string[], ours: Rows, google: Rows): readonly string[] => {
  if (ours.length !== google.length) return [`${ours.length} rows, Google ${google.length}`];
  const [mine, theirs] = [byKey(names, key, ours), byKey(names, key, google)];
  if (mine.size !== ours.length) return [`${ours.length} rows have ${mine.size} keys`];
  return [...theirs].flatMap(([at, row]) =>
    row.flatMap((cell, index) =>
      isSame(cell, mine.get(at)?.[index]) ? [] : [`${at} ${names[index]}: ${String(mine.get(at)?.[index])}, Google ${String(cell)}`],
    ),
  );
};
