// Values between DuckDB and JSON: dates as YYYY-MM-DD, instants as ISO 8601 with Z, integers that a double can't hold as text.
import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBArrayValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import { fromDay, toDay, tryPartitionDate, type PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Json, JsonObject } from '@floodgate/core/ports/status-store.ts';

const microsPerMilli = 1000n;

/** Microseconds are kept where there are any, since GoogleSQL's TIMESTAMP has them. */
const isoInstant = (micros: bigint): string => {
  const rest = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = new Date(Number((micros - rest) / microsPerMilli)).toISOString().slice(0, 19);
  if (rest === 0n) return `${seconds}Z`;
  const fraction = String(rest).padStart(6, '0');
  return `${seconds}.${fraction.endsWith('000') ? fraction.slice(0, 3) : fraction}Z`;
};

export const toJson = (value: DuckDBValue): Json => {
  if (value === null || value === undefined) return null;
  if (typeof value === 'boolean' || typeof value === 'string') return value;
  // JSON has no word for these; BigQuery's REST answers write them the same way.
  if (typeof value === 'number') return Number.isFinite(value) ? value : Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
  if (typeof value === 'bigint') return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value);
  if (value instanceof DuckDBDateValue) return fromDay(value.days);
  if (value instanceof DuckDBTimestampTZValue || value instanceof DuckDBTimestampValue) return isoInstant(value.micros);
  if (value instanceof DuckDBDecimalValue) return decimalText(value);
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString('base64');
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items.map(toJson);
  if (value instanceof DuckDBStructValue) return Object.fromEntries(Object.entries(value.entries).map(([name, entry]) => [name, toJson(entry)]));
  if (value instanceof DuckDBMapValue) return value.entries.map((entry) => ({ key: toJson(entry.key), value: toJson(entry.value) }));
  return value.toString();
};

/** Exact decimals are text, without the zeros behind that only the type's scale adds. */
const decimalText = (value: DuckDBDecimalValue): string => {
  const text = value.toString();
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
};

export const rowsToJson = (names: readonly string[], rows: readonly (readonly DuckDBValue[])[]): readonly JsonObject[] =>
  rows.map((row) => Object.fromEntries(names.map((name, index) => [name, toJson(row[index] as DuckDBValue)])));

export const dateValue = (date: PartitionDate): DuckDBDateValue => new DuckDBDateValue(toDay(date));

/** A DATE that came back, as ours. */
export const toDate = (value: DuckDBValue): PartitionDate => fromDay((value as DuckDBDateValue).days);

/** A parameter's type follows from its JSON value; text that is an existing date is a DATE. */
export const toParameter = (value: Json): DuckDBValue => {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value === 'string') {
    const date = tryPartitionDate(value);
    return date === undefined ? value : dateValue(date);
  }
  if (Array.isArray(value)) return new DuckDBListValue((value as readonly Json[]).map(toParameter));
  return JSON.stringify(value);
};
