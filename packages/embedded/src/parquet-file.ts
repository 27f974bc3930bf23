// Writes rows to a Parquet file, for generated data. Chunks go to DuckDB's appender column by column, never as SQL text.
import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import {
  DuckDBBlobValue,
  DuckDBDataChunk,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBListValue,
  DuckDBTimestampTZValue,
  type DuckDBConnection,
  type DuckDBValue,
} from '@duckdb/node-api';
import { partitionDate, toDay } from '@floodgate/core/domain/partition-date.ts';
import type { Column, ScalarType } from '@floodgate/core/domain/pipeline.ts';
import type { Json, JsonObject } from '@floodgate/core/ports/status-store.ts';
import { duckdbType, elementType, quoteName, textLiteral } from '@floodgate/sql/duckdb/names.ts';

/** DuckDB's vector size: a chunk holds no more. */
const rowsPerChunk = 2048;

type Convert = (value: Json) => DuckDBValue;

const decimal = (text: string): DuckDBDecimalValue => {
  const [whole = '0', fraction = ''] = text.split('.');
  return new DuckDBDecimalValue(BigInt(`${whole}${fraction.padEnd(9, '0')}`), 38, 9);
};

const scalar = (type: ScalarType): Convert => {
  switch (type) {
    case 'INT64':
      return (value) => BigInt(value as number | string);
    case 'FLOAT64':
      return Number;
    case 'NUMERIC':
      return (value) => decimal(String(value));
    case 'DATE':
      return (value) => new DuckDBDateValue(toDay(partitionDate(value as string)));
    case 'TIMESTAMP':
      return (value) => new DuckDBTimestampTZValue(BigInt(Date.parse(value as string)) * 1000n);
    case 'BYTES':
      return (value) => new DuckDBBlobValue(Buffer.from(value as string, 'base64'));
    case 'JSON':
      return (value) => JSON.stringify(value);
    case 'STRING':
    case 'BOOL':
      return (value) => value as string | boolean;
  }
};

const converter = (column: Column): Convert => {
  const element = elementType(column.type);
  const one = scalar(element ?? (column.type as ScalarType));
  const convert: Convert = element === undefined ? one : (value) => new DuckDBListValue((value as readonly Json[]).map(one));
  return (value) => (value === null ? null : convert(value));
};

const appendRows = async (
  connection: DuckDBConnection,
  columns: readonly Column[],
  rows: Iterable<JsonObject> | AsyncIterable<JsonObject>,
): Promise<number> => {
  const appender = await connection.createAppender('rows');
  const types = columns.map((_, index) => appender.columnType(index));
  const converters = columns.map((column) => ({ name: column.name, convert: converter(column) }));
  const values: DuckDBValue[][] = converters.map(() => []);
  let count = 0;
  const flush = (): void => {
    const size = values[0]?.length ?? 0;
    if (size === 0) return;
    const chunk = DuckDBDataChunk.create(types, size);
    chunk.setColumns(values);
    appender.appendDataChunk(chunk);
    for (const column of values) column.length = 0;
  };
  for await (const row of rows) {
    for (const [index, { name, convert }] of converters.entries()) (values[index] as DuckDBValue[]).push(convert(row[name] ?? null));
    count += 1;
    if (count % rowsPerChunk === 0) flush();
  }
  flush();
  appender.closeSync();
  return count;
};

/** Visible as a whole or not at all. Values are the JSON of their types: dates as text, BYTES in base64. */
export const writeParquet = async (
  path: string,
  columns: readonly Column[],
  rows: Iterable<JsonObject> | AsyncIterable<JsonObject>,
): Promise<{ readonly rows: number }> => {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const unfinished = `${path}.${randomUUID()}.tmp`;
  try {
    await connection.run(`CREATE TABLE rows (${columns.map((column) => `${quoteName(column.name)} ${duckdbType(column.type)}`).join(', ')})`);
    const count = await appendRows(connection, columns, rows);
    await connection.run(`COPY rows TO ${textLiteral(unfinished)} (FORMAT parquet, COMPRESSION zstd)`);
    await rename(unfinished, path);
    return { rows: count };
  } finally {
    await rm(unfinished, { force: true });
    connection.closeSync();
    instance.closeSync();
  }
};
