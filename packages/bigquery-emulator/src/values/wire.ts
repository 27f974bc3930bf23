// Cells: as tabledata.list and query results write them, and as insertAll sends them.
// https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tabledata
import { DuckDBArrayValue, DuckDBBlobValue, DuckDBDecimalValue, DuckDBListValue, DuckDBStructValue } from '@duckdb/node-api';
import { BigQueryProblem } from '../problem.ts';
import type { Column, DuckDBValue, ScalarKind, SqlType, TableField } from '../types.ts';
import { parseScalar, formatScalar } from './scalar.ts';
import { structFields, typeOfField } from './types.ts';

/** Fields of this type stand for what `insertAll` and `formatOptions` may ask for. */
export type EncodeOptions = { readonly useInt64Timestamp: boolean };

/**
 * The `v` of a cell. A NULL array is written as an empty one, as BigQuery does:
 * https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-types#array_nulls
 */
export function encodeCell(value: DuckDBValue, type: SqlType, options: EncodeOptions = { useInt64Timestamp: false }): unknown {
  if (type.kind === 'ARRAY') {
    if (value === null) return [];
    return itemsOf(value).map((item) => ({ v: encodeCell(item, type.element, options) }));
  }
  if (value === null) return null;
  if (type.kind === 'STRUCT') return { f: structFields(type.fields).map((field) => ({ v: encodeCell(entryOf(value, field), field.type, options) })) };
  return formatScalar(type.kind, value, options);
}

function itemsOf(value: DuckDBValue): readonly DuckDBValue[] {
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items;
  throw new BigQueryProblem('internalError', 'a value that DuckDB returned is no ARRAY');
}

function entryOf(value: DuckDBValue, field: Column): DuckDBValue {
  const entry = value instanceof DuckDBStructValue ? (value.entries[field.name] ?? anyCase(value.entries, field.name)) : undefined;
  if (entry === undefined) throw new BigQueryProblem('internalError', `a value that DuckDB returned is no STRUCT with the field ${field.name}`);
  return entry;
}

const anyCase = (entries: Readonly<Record<string, DuckDBValue>>, name: string): DuckDBValue | undefined =>
  Object.entries(entries).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];

export type DecodeOptions = {
  /** Drops keys that a RECORD doesn't have, instead of refusing them. */
  readonly ignoreUnknown?: boolean;
  /** Names of the records around the field, for messages. */
  readonly parent?: string;
};

/** What insertAll sent for one field; undefined where it sent nothing. Throws `invalid`, with the field as its location. */
export function decodeJsonCell(json: unknown, field: TableField, options: DecodeOptions = {}): DuckDBValue {
  const path = options.parent === undefined ? field.name : `${options.parent}.${field.name}`;
  const refuse = (message: string): BigQueryProblem => new BigQueryProblem('invalid', message, path);
  if (field.mode === 'REPEATED') {
    if (json === undefined) return new DuckDBListValue([]);
    if (json === null) throw refuse('Field value cannot be null: only optional fields can be set to NULL.');
    if (!Array.isArray(json)) throw refuse(`Repeated field must be imported as a JSON array. Field: ${path}.`);
    const element: TableField = { ...field, mode: 'REQUIRED' };
    return new DuckDBListValue(json.map((item: unknown) => (item === null ? nullElement(path) : decodeJsonCell(item, element, options))));
  }
  if (json === undefined || json === null) {
    if (field.mode === 'REQUIRED') throw refuse(`Missing required field: ${path}.`);
    return null;
  }
  if (Array.isArray(json)) throw refuse(`Array specified for non-repeated field: ${path}.`);
  if (field.type === 'RECORD') return decodeRecord(json, field, path, options);
  if (typeof json === 'object') throw refuse(`This field: ${path} is not a record.`);
  return decodeScalar(json, field, path);
}

function nullElement(path: string): never {
  throw new BigQueryProblem('invalid', `Only optional fields can be set to NULL. Field: ${path}; Value: NULL`, path);
}

function decodeRecord(json: unknown, field: TableField, path: string, options: DecodeOptions): DuckDBValue {
  if (typeof json !== 'object' || json === null) throw new BigQueryProblem('invalid', `This field: ${path} is a record.`, path);
  return new DuckDBStructValue(decodeRow(json as Readonly<Record<string, unknown>>, field.fields ?? [], { ...options, parent: path }));
}

/** All fields of a row or record, by their names in the schema; column names know no case. */
export function decodeRow(json: Readonly<Record<string, unknown>>, fields: readonly TableField[], options: DecodeOptions = {}): Record<string, DuckDBValue> {
  const given = new Map<string, unknown>();
  const known = new Set(fields.map(({ name }) => name.toLowerCase()));
  for (const [key, value] of Object.entries(json)) {
    const path = options.parent === undefined ? key : `${options.parent}.${key}`;
    if (given.has(key.toLowerCase())) throw new BigQueryProblem('invalid', `Repeated value for field ${path.slice(0, 320)}.`, path);
    if (known.has(key.toLowerCase())) given.set(key.toLowerCase(), value);
    else if (options.ignoreUnknown !== true) throw new BigQueryProblem('invalid', `no such field: ${path.slice(0, 320)}.`, path);
  }
  return Object.fromEntries(fields.map((field) => [field.name, decodeJsonCell(given.get(field.name.toLowerCase()), field, options)]));
}

const nouns = {
  INT64: 'integer',
  FLOAT64: 'floating point number',
  NUMERIC: 'numeric',
  BOOL: 'boolean',
  STRING: 'string',
  BYTES: 'bytes',
  DATE: 'date',
  DATETIME: 'datetime',
  TIME: 'time',
  TIMESTAMP: 'timestamp',
  JSON: 'JSON',
} as const satisfies Record<ScalarKind, string>;

function decodeScalar(json: unknown, field: TableField, path: string): DuckDBValue {
  const type = typeOfField({ ...field, mode: 'NULLABLE' });
  if (type.kind === 'ARRAY' || type.kind === 'STRUCT') throw new BigQueryProblem('internalError', `${path} is no scalar`);
  const { kind } = type;
  const text = textFor(kind, json);
  if (text === undefined) throw new BigQueryProblem('invalid', `Conversion from ${describeJson(json)} to ${nouns[kind]} is unsupported.`, path);
  const value = parseScalar(kind, text);
  if (value === undefined) throw new BigQueryProblem('invalid', `Cannot convert value to ${nouns[kind]} (bad value): ${text.slice(0, 100)}`, path);
  checkTypeParameters(value, field, path);
  return value;
}

/** The text to read a value from; undefined for a conversion that streaming inserts don't do: `Conversion from bool to string is unsupported.` */
function textFor(kind: ScalarKind, json: unknown): string | undefined {
  if (typeof json === 'string') return json;
  if (typeof json === 'boolean') return kind === 'BOOL' ? String(json) : undefined;
  if (typeof json !== 'number' || !Number.isFinite(json)) return undefined;
  switch (kind) {
    case 'INT64':
      // Beyond 2^53 the digits that the client sent are lost already: it must send text.
      return Number.isInteger(json) && !Number.isSafeInteger(json) ? undefined : String(json);
    case 'FLOAT64':
    case 'NUMERIC':
      return String(json);
    case 'TIMESTAMP':
      return timestampOfSeconds(json);
    default:
      return undefined;
  }
}

/** Numbers are seconds since the epoch, with a fraction; to the microsecond. */
function timestampOfSeconds(seconds: number): string | undefined {
  const micros = Math.round(seconds * 1e6);
  const ms = Math.floor(micros / 1e3);
  if (ms < -62_135_596_800_000 || ms > 253_402_300_799_999) return undefined;
  return `${new Date(ms).toISOString().slice(0, -1)}${String(micros - ms * 1e3).padStart(3, '0')}Z`;
}

const describeJson = (json: unknown): string =>
  typeof json === 'boolean' ? 'bool' : typeof json === 'number' ? (Number.isInteger(json) ? 'int64' : 'double') : typeof json;

/** STRING(n) in characters, BYTES(n) in bytes, NUMERIC(p, s) in digits. */
function checkTypeParameters(value: DuckDBValue, field: TableField, path: string): void {
  const tooLong = (length: number): void => {
    if (field.maxLength !== undefined && length > Number(field.maxLength)) {
      throw new BigQueryProblem(
        'invalid',
        `Field ${path}: ${field.type}(${field.maxLength}) has maximum length ${field.maxLength} but got a value with length ${length}`,
        path,
      );
    }
  };
  if (typeof value === 'string' && field.type === 'STRING') tooLong([...value].length);
  if (value instanceof DuckDBBlobValue) tooLong(value.bytes.length);
  if (value instanceof DuckDBDecimalValue && field.precision !== undefined) {
    const scale = Number(field.scale ?? '0');
    const isTooPrecise = value.value % 10n ** BigInt(9 - scale) !== 0n;
    const magnitude = value.value < 0n ? -value.value : value.value;
    if (isTooPrecise || magnitude >= 10n ** BigInt(Number(field.precision) - scale + 9)) {
      throw new BigQueryProblem('invalid', `Field ${path}: NUMERIC(${field.precision}, ${scale}) can't hold ${value.toString()}`, path);
    }
  }
}
