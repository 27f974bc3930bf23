// How a GoogleSQL type lies in DuckDB.
import { BIGINT, BLOB, BOOLEAN, DATE, DECIMAL, DOUBLE, LIST, STRUCT, TIME, TIMESTAMP, TIMESTAMPTZ, VARCHAR } from '@duckdb/node-api';
import type { DuckDBType } from '@duckdb/node-api';
import { notImplemented } from '../problem.ts';
import type { Column, ScalarKind, SqlType } from '../types.ts';
import { structFields } from './types.ts';

const scalars = {
  INT64: { ddl: 'BIGINT', bind: BIGINT },
  FLOAT64: { ddl: 'DOUBLE', bind: DOUBLE },
  NUMERIC: { ddl: 'DECIMAL(38, 9)', bind: DECIMAL(38, 9) },
  BOOL: { ddl: 'BOOLEAN', bind: BOOLEAN },
  STRING: { ddl: 'VARCHAR', bind: VARCHAR },
  BYTES: { ddl: 'BLOB', bind: BLOB },
  DATE: { ddl: 'DATE', bind: DATE },
  DATETIME: { ddl: 'TIMESTAMP', bind: TIMESTAMP },
  TIME: { ddl: 'TIME', bind: TIME },
  TIMESTAMP: { ddl: 'TIMESTAMPTZ', bind: TIMESTAMPTZ },
  // DuckDB's JSON is VARCHAR by another name, and is bound as such.
  JSON: { ddl: 'JSON', bind: VARCHAR },
} as const satisfies Record<ScalarKind, { ddl: string; bind: DuckDBType }>;

/** DDL text, e.g. `STRUCT("a" BIGINT)[]`. */
export function duckdbType(type: SqlType): string {
  if (type.kind === 'ARRAY') return `${duckdbType(type.element)}[]`;
  if (type.kind !== 'STRUCT') return scalars[type.kind].ddl;
  return `STRUCT(${entriesOf(type.fields)
    .map(({ name, type: field }) => `"${name.replaceAll('"', '""')}" ${duckdbType(field)}`)
    .join(', ')})`;
}

export function bindType(type: SqlType): DuckDBType {
  if (type.kind === 'ARRAY') return LIST(bindType(type.element));
  if (type.kind !== 'STRUCT') return scalars[type.kind].bind;
  return STRUCT(Object.fromEntries(entriesOf(type.fields).map(({ name, type: field }) => [name, bindType(field)])));
}

/** DuckDB's STRUCT wants names, no two alike; GoogleSQL's doesn't. */
function entriesOf(fields: readonly Column[]): readonly Column[] {
  const named = structFields(fields);
  if (named.length === 0) throw notImplemented('a STRUCT without fields');
  if (new Set(named.map(({ name }) => name.toLowerCase())).size < named.length) throw notImplemented('a STRUCT with two fields of one name');
  return named;
}
