// SELECT: into the destination, or into a table without a name that waits for its reader.
import { randomUUID } from 'node:crypto';
import type { DuckDBResult } from '@duckdb/node-api';
import { BigQueryProblem } from '../problem.ts';
import { fieldOfColumn, nameColumns } from '../values/types.ts';
import { duckdbType } from '../values/duckdb-type.ts';
import type { Column, TableId } from '../types.ts';
import { writeStaged } from './destination.ts';
import { invalidQuery, type Outcome, type Run, type Work } from './run.ts';
import { coerceSql, columnsSql } from './storable.ts';
import { commaSeparated, quoteName } from './sql-text.ts';
import { anonymousDataset, placeOf, type StoredTable } from './stored-table.ts';

/** https://docs.cloud.google.com/bigquery/docs/cached-results: results lie about 24 hours. */
const resultLifeMs = 86_400_000;

export const runSelect = async (run: Run<'query'>): Promise<Outcome> => {
  const { unit, services, analyzed, destination } = run;
  const columns = resultColumns(analyzed.columns);
  const sql = await resultSql(run, run.statement.sql, columns);
  if (destination !== undefined) {
    const place = '"$result"';
    await unit.connection.run(`CREATE TEMP TABLE ${place} AS ${sql}`, run.bindings);
    const { table, rows, partitions } = await writeStaged(services, unit, { place, fields: columns.map(fieldOfColumn) }, destination, 'query');
    await unit.connection.run(`DROP TABLE ${place}`);
    return { columns, rowsIn: table, totalRows: rows, partitions };
  }
  const table = anonymousTable(run, columns);
  if (unit.transactionId === undefined) {
    const rows = await unit.connection.change(`CREATE TABLE ${placeOf(table)} AS ${sql}`, run.bindings);
    const totalRows = rows > 0 ? rows : await unit.connection.number(`SELECT count(*) FROM ${placeOf(table)}`);
    unit.results.push(table);
    return { columns, rowsIn: table, totalRows };
  }
  return { columns, rowsIn: table, totalRows: await writeBeside(run, table, sql) };
};

/** A transaction that writes tables can't write results too, and its results are read before it ends: another connection writes them. */
const writeBeside = async ({ services, unit, bindings }: Work, table: StoredTable, sql: string): Promise<number> => {
  const result = await unit.connection.stream(sql, bindings);
  return services.units.atomically(async (beside) => {
    await beside.connection.run(`CREATE TABLE ${placeOf(table)} (${columnsSql(table.schema.fields)})`);
    await beside.connection.append(placeOf(table), chunksOf(result));
    beside.results.push(table);
    return beside.connection.number(`SELECT count(*) FROM ${placeOf(table)}`);
  }, 1);
};

async function* chunksOf(result: DuckDBResult) {
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) yield chunk;
}

export const resultColumns = (columns: readonly Column[]): readonly Column[] => {
  const named = nameColumns(columns);
  const counts = Map.groupBy(named, ({ name }) => name.toLowerCase());
  const duplicates = [...counts].filter(([, same]) => same.length > 1).map(([name]) => name);
  if (duplicates.length > 0) throw invalidQuery(`Duplicate column names in the result are not supported. Found duplicate(s): ${duplicates.join(', ')}`);
  return named;
};

/** With the analyzer's columns. DuckDB keeps the order of an inner ORDER BY. */
export const resultSql = async ({ unit, bindings }: Work, sql: string, columns: readonly Column[]): Promise<string> => {
  const found = await unit.connection.describe(sql, bindings);
  if (found.length !== columns.length)
    throw new BigQueryProblem('internalError', `the translation has ${found.length} columns, the analyzer ${columns.length}`);
  const values = found.map((from, index) => {
    const { name, type } = columns[index] as Column;
    return `CAST(${coerceSql(`"$c${index}"`, from.type, type, `the column ${name}`)} AS ${duckdbType(type)}) AS ${quoteName(name)}`;
  });
  return `SELECT ${commaSeparated(values)} FROM (${sql}) AS "$q"(${commaSeparated(columns.map((_, index) => `"$c${index}"`))})`;
};

const anonymousTable = ({ services, analyzed }: Work, columns: readonly Column[]): StoredTable => {
  const now = services.units.now;
  const id: TableId = { projectId: analyzed.context.projectId, datasetId: anonymousDataset, tableId: `anon${randomUUID().replaceAll('-', '')}` };
  const uid = services.units.catalog.nextUid();
  return {
    ...id,
    schema: { fields: columns.map(fieldOfColumn) },
    requirePartitionFilter: false,
    properties: {},
    expiresAt: now + resultLifeMs,
    createdAt: now,
    modifiedAt: now,
    etag: String(uid),
    uid,
    version: 0,
    isAnonymous: true,
  };
};
