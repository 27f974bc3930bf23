// Cells of the REST API as the reference evaluator's are read (test/support/zetasql-values.ts), so that they can be compared.
import type { Cell } from '../../support/zetasql-values.ts';
import type { Json } from './bigquery-server.ts';

type Field = { readonly name: string; readonly type: string; readonly mode?: string; readonly fields?: readonly Field[] };

const googleType: Readonly<Record<string, string>> = { INTEGER: 'INT64', FLOAT: 'FLOAT64', BOOLEAN: 'BOOL' };

/** GoogleSQL's types of the columns, e.g. `ARRAY<STRUCT<a INT64>>`. */
export const wireSchemaTypes = (fields: readonly Field[]): readonly string[] =>
  fields.map(({ type, mode, fields: inner }) => {
    const plain = type === 'RECORD' ? `STRUCT<${namedTypes(inner ?? [])}>` : (googleType[type] ?? type);
    return mode === 'REPEATED' ? `ARRAY<${plain}>` : plain;
  });
const namedTypes = (fields: readonly Field[]): string => {
  const types = wireSchemaTypes(fields);
  return fields.map(({ name }, index) => `${name} ${types[index]}`).join(', ');
};

/** A row of a response that was asked for with `useInt64Timestamp`. */
export const readWireRow = (row: Json, fields: readonly Field[]): readonly Cell[] =>
  fields.map((field, index) => (field.mode === 'REPEATED' ? row.f[index].v.map(({ v }: Json) => readCell(v, field)) : readCell(row.f[index].v, field)));

const readCell = (value: Json, field: Field): Cell => {
  if (value === null) return null;
  switch (field.type) {
    case 'INTEGER':
      return BigInt(value);
    case 'FLOAT':
      return Number(value);
    case 'BOOLEAN':
      return value === 'true';
    case 'BYTES':
      return `0x${Buffer.from(value, 'base64').toString('hex')}`;
    case 'DATETIME':
      return withMicroseconds(String(value).replace('T', ' '));
    case 'TIMESTAMP':
      return timestamp(BigInt(value));
    case 'RECORD': {
      const cells = readWireRow(value, field.fields ?? []);
      return Object.fromEntries((field.fields ?? []).map(({ name }, index) => [name, cells[index] as Cell]));
    }
    default:
      return String(value);
  }
};

const withMicroseconds = (text: string): string => {
  const [whole = '', fraction = ''] = text.split('.');
  return `${whole}.${fraction.padEnd(6, '0')}`;
};

const timestamp = (micros: bigint): string => {
  const rest = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  return `${new Date(Number((micros - rest) / 1_000n)).toISOString().slice(0, 19).replace('T', ' ')}.${String(rest).padStart(6, '0')}`;
};

/** Whether ORDER BY stands outside all parentheses. */
export const isOrdered = (sql: string): boolean => {
  let text = sql;
  for (let inner = ''; inner !== text;) {
    inner = text;
    text = text.replaceAll(/\([^()]*\)/gu, '');
  }
  return /\bORDER BY\b/iu.test(text);
};
