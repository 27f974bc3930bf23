// Newline-delimited JSON. https://docs.cloud.google.com/bigquery/docs/loading-data-cloud-storage-json
import type { DuckDBValue } from '@duckdb/node-api';
import type { LoadFormat } from '../engine-contract.ts';
import { BigQueryProblem } from '../problem.ts';
import type { TableField } from '../types.ts';
import { decodeRow } from '../values/wire.ts';
import { readLines } from './file-lines.ts';
import type { ReadRow } from './read-row.ts';

type Reviver = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown;
const parseWith = JSON.parse as (text: string, reviver: Reviver) => unknown;

/** Integers that a double doesn't keep stay text, which every numeric column reads. */
export const parseJsonLine = (line: string): unknown =>
  /\d{16}/.test(line)
    ? parseWith(line, (_key, value, { source }) => (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value) ? source : value))
    : JSON.parse(line);

export async function* readJsonRows(
  file: string,
  { ignoreUnknownValues }: Extract<LoadFormat, { kind: 'NEWLINE_DELIMITED_JSON' }>,
  fields: readonly TableField[],
): AsyncGenerator<ReadRow> {
  const hasJson = fields.some((field) => mentionsJson(field));
  let row = 0;
  for await (const line of readLines(file)) {
    row += 1;
    if (line.trim() === '') continue;
    yield readRow(line, row, fields, ignoreUnknownValues, hasJson);
  }
}

const readRow = (line: string, row: number, fields: readonly TableField[], ignoreUnknown: boolean, hasJson: boolean): ReadRow => {
  try {
    const parsed = parseJsonLine(line);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
      return { row, problem: new BigQueryProblem('invalid', 'JSON parsing error: a row must be an object.') };
    const json = parsed as Readonly<Record<string, unknown>>;
    const decoded = decodeRow(hasJson ? withJsonText(json, fields) : json, fields, { ignoreUnknown });
    return { row, values: fields.map(({ name }) => decoded[name] as DuckDBValue) };
  } catch (error) {
    if (error instanceof BigQueryProblem) return { row, problem: error };
    if (error instanceof SyntaxError) return { row, problem: new BigQueryProblem('invalid', `JSON parsing error: ${error.message}.`) };
    throw error;
  }
};

const mentionsJson = ({ type, fields }: TableField): boolean => type === 'JSON' || (fields ?? []).some(mentionsJson);

/** In a file a value of type JSON stands as it is; a streaming insert has it as text, which is what the decoder reads. */
const withJsonText = (json: Readonly<Record<string, unknown>>, fields: readonly TableField[]): Readonly<Record<string, unknown>> => {
  const byName = new Map(fields.map((field) => [field.name.toLowerCase(), field]));
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, toText(value, byName.get(key.toLowerCase()))]));
};

const toText = (value: unknown, field: TableField | undefined): unknown => {
  if (field === undefined || value === null) return value;
  if (field.mode === 'REPEATED' && Array.isArray(value)) return value.map((item: unknown) => toText(item, { ...field, mode: 'NULLABLE' }));
  if (field.type === 'JSON') return typeof value === 'string' ? value : JSON.stringify(value);
  if (field.type === 'RECORD' && typeof value === 'object' && !Array.isArray(value))
    return withJsonText(value as Readonly<Record<string, unknown>>, field.fields ?? []);
  return value;
};
