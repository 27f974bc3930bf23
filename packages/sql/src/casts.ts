/** CAST and SAFE_CAST by target type, and how GoogleSQL's types are called in DuckDB. */
import { allowKeys, isBody } from './ast.ts';
import type { Json } from './ast.ts';
import { DUCKDB_TYPES, TYPE_NAMES } from './google-types.ts';
import { printed } from './printed.ts';
import type { Printed, SqlType } from './printed.ts';
import { RefusedSql } from './problems.ts';
import { isPlainTimeText, isTimeType } from './text-casts.ts';

/** A scalar type of the tree, e.g. `{data_type: 'custom', name: 'int64'}`. */
export function toSqlType(type: Json | undefined): SqlType {
  if (!isBody(type)) throw new RefusedSql('CAST', 'the type of the cast is not understood');
  const name = (typeof type['name'] === 'string' ? type['name'] : String(type['data_type'])).toUpperCase();
  const known = TYPE_NAMES[name];
  if (known === undefined) throw new RefusedSql(name, `the type ${name} is not supported`);
  const isParameterized = [type['precision'], type['length']].some((value) => value !== undefined && value !== null);
  if (isParameterized) throw new RefusedSql(`${known}(…)`, `parameters of ${known} are not supported: cast to ${known} alone`);
  allowKeys(name, type, ['data_type', 'name', 'timezone']);
  return known;
}

/** Also ARRAY<...> and STRUCT<...>. */
export function toDuckdbType(type: Json | undefined): string {
  if (isBody(type) && type['data_type'] === 'array') return `${toDuckdbType(type['element_type'])}[]`;
  if (isBody(type) && type['data_type'] === 'struct' && Array.isArray(type['fields'])) {
    const fields = type['fields'].map((field: Json) => (isBody(field) ? `"${String(field['name'])}" ${toDuckdbType(field['data_type'])}` : ''));
    return `STRUCT(${fields.join(', ')})`;
  }
  return DUCKDB_TYPES[toSqlType(type)];
}

const BY_MACRO: Readonly<Partial<Record<SqlType, string>>> = { BOOL: 'bool', FLOAT64: 'float64', INT64: 'int64', NUMERIC: 'numeric' };

/** A FLOAT64 literal is cast to NUMERIC as it is written, not as the double that it would be. */
function numericLiteral({ sql, decimal }: Printed): string | undefined {
  if (decimal === undefined) return undefined;
  const written = decimal === '' ? /^\(?(-?[0-9.]+e[+-]?[0-9]+)\)?$/u.exec(sql)?.[1] : decimal;
  return written === undefined || Math.abs(Number(written)) > 1e28 ? undefined : `CAST('${written}' AS DECIMAL(38, 9))`;
}

/** @param text of a literal: where DuckDB reads it as GoogleSQL does it stays a plain literal, by which partitions are pruned. */
export function printCast(value: Printed, type: SqlType, isSafe: boolean, text?: string): Printed {
  const cast = isSafe ? 'TRY_CAST' : 'CAST';
  if (value.type === type) return printed(value.sql, type);
  if (type === 'STRING')
    return printed(
      value.type === 'INT64' || value.type === 'DATE' || value.type === 'BOOL' ? `CAST(${value.sql} AS VARCHAR)` : `fg_string(${value.sql})`,
      type,
    );
  if (type === 'BYTES') return printed(`encode(${value.sql})`, type);
  if (type === 'INT64' && value.type === 'FLOAT64') return printed(`${cast}(round(${value.sql}) AS BIGINT)`, type);
  if (type === 'FLOAT64' && (value.type === 'INT64' || value.type === 'NUMERIC')) return printed(`CAST(${value.sql} AS DOUBLE)`, type);
  if (type === 'INT64' && value.type === 'BOOL') return printed(`CAST(${value.sql} AS BIGINT)`, type);
  const literal = type === 'NUMERIC' ? numericLiteral(value) : undefined;
  if (literal !== undefined) return printed(literal, type);
  const mayBeText = value.type === 'STRING' || value.type === undefined;
  if (isTimeType(type) && mayBeText && value.sql !== 'NULL' && (text === undefined || !isPlainTimeText(text, type)))
    return printed(`${isSafe ? 'fg_safe_' : 'fg_'}${type.toLowerCase()}(${value.sql})`, type);
  const macro = BY_MACRO[type];
  if (macro !== undefined) return printed(`${isSafe ? 'fg_safe_' : 'fg_'}${macro}(${value.sql})`, type);
  return printed(`${cast}(${value.sql} AS ${DUCKDB_TYPES[type]})`, type);
}
