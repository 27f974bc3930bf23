// Rows of `code` processors: each value is held against its declared type before BigQuery sees it, so that a broken contract
// is named by row, column and value; then packed as gzipped JSON lines, which a lost answer lets us send again.
import { createGzip } from 'node:zlib';
import { tryPartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Column, ScalarType } from '@floodgate/core/domain/pipeline.ts';
import type { Json, JsonObject } from '@floodgate/core/ports/status-store.ts';
import { WarehouseError } from '@floodgate/core/ports/warehouse.ts';
import { elementType } from '@floodgate/sql/googlesql/names.ts';
import { cancelled } from './bigquery-client.ts';

const int64 = /^-?\d{1,19}$/;
const numeric = /^-?\d{1,29}(\.\d{1,9})?$/;
const instant = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?)(?:Z|([+-]\d{2}):?(\d{2}))$/;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const int64Range = [-(2n ** 63n), 2n ** 63n - 1n] as const;

const fits = (type: ScalarType, value: Json): boolean => {
  switch (type) {
    case 'STRING':
      return typeof value === 'string';
    case 'INT64':
      return typeof value === 'number'
        ? Number.isSafeInteger(value)
        : typeof value === 'string' && int64.test(value) && BigInt(value) >= int64Range[0] && BigInt(value) <= int64Range[1];
    case 'FLOAT64':
      return typeof value === 'number' || value === 'NaN' || value === 'Infinity' || value === '-Infinity';
    case 'NUMERIC':
      return (typeof value === 'number' || typeof value === 'string') && numeric.test(String(value));
    case 'BOOL':
      return typeof value === 'boolean';
    case 'DATE':
      return typeof value === 'string' && tryPartitionDate(value) !== undefined;
    case 'TIMESTAMP':
      return typeof value === 'string' && instant.test(value) && !Number.isNaN(Date.parse(value));
    case 'BYTES':
      return typeof value === 'string' && base64.test(value);
    case 'JSON':
      return true;
  }
};

/** As a load of JSON lines wants it: exact numbers as text, numbers that JSON lacks by name, offsets with a colon. */
const wire = (type: ScalarType, value: Json): Json => {
  if (type === 'FLOAT64' && typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (type === 'NUMERIC') return String(value);
  if (type === 'TIMESTAMP')
    return String(value).replace(instant, (_, date: string, time: string, hours?: string, minutes?: string) =>
      hours === undefined ? `${date}T${time}Z` : `${date}T${time}${hours}:${minutes}`,
    );
  return value;
};

const convert = (column: Column, value: Json | undefined, row: number): Json => {
  if (value === null || value === undefined) return null;
  const element = elementType(column.type);
  const refuse = (found: Json): never => {
    throw new WarehouseError('contract_broken', `row ${row}: ${column.name} is ${JSON.stringify(found)}, declared ${column.type}`);
  };
  if (element === undefined) return fits(column.type as ScalarType, value) ? wire(column.type as ScalarType, value) : refuse(value);
  if (!Array.isArray(value)) return refuse(value);
  // GoogleSQL's arrays hold no NULL when they are stored.
  return (value as readonly Json[]).map((item) => (item !== null && fits(element, item) ? wire(element, item) : refuse(item)));
};

const toLine = (columns: readonly Column[], names: ReadonlySet<string>, value: JsonObject, row: number): string => {
  for (const name of Object.keys(value)) if (!names.has(name)) throw new WarehouseError('contract_broken', `row ${row}: column ${name} is not declared`);
  const cells = columns.map((column) => [column.name, convert(column, value[column.name], row)] as const);
  // What is left out is NULL, and an empty array where there is one: BigQuery refuses a NULL for a REPEATED field.
  return `${JSON.stringify(Object.fromEntries(cells.filter(([, cell]) => cell !== null)))}\n`;
};

export type PackedRows = { readonly rows: number; readonly content: Buffer };

export const packRows = async (columns: readonly Column[], rows: AsyncIterable<JsonObject>, signal: AbortSignal): Promise<PackedRows> => {
  const names = new Set(columns.map(({ name }) => name));
  const gzip = createGzip({ level: 1 });
  const chunks: Buffer[] = [];
  gzip.on('data', (chunk: Buffer) => chunks.push(chunk));
  let count = 0;
  try {
    for await (const value of rows) {
      if (signal.aborted) throw cancelled(signal);
      count += 1;
      if (!gzip.write(toLine(columns, names, value, count))) await new Promise((resolve) => gzip.once('drain', resolve));
    }
  } catch (error) {
    gzip.destroy();
    throw error;
  }
  await new Promise<void>((resolve, reject) =>
    gzip
      .once('error', reject)
      .once('end', () => resolve())
      .end(),
  );
  return { rows: count, content: Buffer.concat(chunks) };
};
