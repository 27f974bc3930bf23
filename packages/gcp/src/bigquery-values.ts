// Values between REST answers and JSON, as the embedded warehouse shows them: dates as YYYY-MM-DD, instants as ISO 8601 with
// Z, integers that a double can't hold and exact decimals as text. https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/jobs/getQueryResults
import type { Json, JsonObject } from '@floodgate/core/ports/status-store.ts';

/** A field of a table's schema, as the REST API has it. */
export type Field = { readonly name: string; readonly type: string; readonly mode?: string; readonly description?: string; readonly fields?: readonly Field[] };
type Cell = { readonly v: unknown };
export type WireRow = { readonly f: readonly Cell[] };

const names: Readonly<Record<string, string>> = { INTEGER: 'INT64', FLOAT: 'FLOAT64', BOOLEAN: 'BOOL', RECORD: 'STRUCT' };

/** The REST API has two names for some types. */
export const scalarName = (type: string): string => names[type] ?? type;

export const typeName = (field: Field): string => {
  const scalar = scalarName(field.type);
  const own = scalar === 'STRUCT' ? `STRUCT<${(field.fields ?? []).map((each) => `${each.name} ${typeName(each)}`).join(', ')}>` : scalar;
  return field.mode === 'REPEATED' ? `ARRAY<${own}>` : own;
};

/** Microseconds are kept where there are any. */
const isoInstant = (micros: bigint): string => {
  const rest = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = new Date(Number((micros - rest) / 1000n)).toISOString().slice(0, 19);
  if (rest === 0n) return `${seconds}Z`;
  const fraction = String(rest).padStart(6, '0');
  return `${seconds}.${fraction.endsWith('000') ? fraction.slice(0, 3) : fraction}Z`;
};

const scalar = (type: string, value: string): Json => {
  switch (type) {
    case 'INT64': {
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : value;
    }
    case 'FLOAT64': {
      const number = Number(value);
      return Number.isFinite(number)
        ? number
        : value === '-inf' || value === '-Infinity'
          ? '-Infinity'
          : value === 'inf' || value === 'Infinity'
            ? 'Infinity'
            : 'NaN';
    }
    case 'BOOL':
      return value === 'true';
    case 'TIMESTAMP':
      return isoInstant(BigInt(value));
    case 'NUMERIC':
    case 'BIGNUMERIC':
      return value.includes('.') ? value.replace(/\.?0+$/, '') : value;
    default:
      return value;
  }
};

const cellOf = (field: Field, value: unknown): Json => {
  if (field.mode === 'REPEATED') return ((value ?? []) as readonly Cell[]).map(({ v }) => cellOf({ ...field, mode: 'NULLABLE' }, v));
  if (value === null || value === undefined) return null;
  const type = scalarName(field.type);
  return type === 'STRUCT' ? rowOf(field.fields ?? [], value as WireRow) : scalar(type, String(value));
};

export const rowOf = (fields: readonly Field[], row: WireRow): JsonObject =>
  Object.fromEntries(fields.map((field, index) => [field.name, cellOf(field, row.f[index]?.v)]));

/** `type` as GoogleSQL writes it; ARRAY of scalars too. */
export type Param = { readonly type: string; readonly value: Json };

const text = (value: Json): string | null => (value === null ? null : typeof value === 'object' ? JSON.stringify(value) : String(value));

/** A query parameter by name, as the REST API takes it: every value is text. */
export const toQueryParameter = (name: string, { type, value }: Param): object => {
  const element = /^ARRAY<(.+)>$/.exec(type)?.[1];
  if (element === undefined) return { name, parameterType: { type }, parameterValue: { value: text(value) } };
  return {
    name,
    parameterType: { type: 'ARRAY', arrayType: { type: element } },
    parameterValue: { arrayValues: ((value ?? []) as readonly Json[]).map((each) => ({ value: text(each) })) },
  };
};
