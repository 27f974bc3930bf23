// How a value gets a column's type. Google's analyzer has checked the types already; this catches what the translation
// would make of them silently: DuckDB casts a float to an integer, and fields of a STRUCT by name where GoogleSQL goes by place.
import { DuckDBTypeId, type DuckDBType } from '@duckdb/node-api';
import { notImplemented } from '../problem.ts';
import type { SqlType, TableField } from '../types.ts';
import { duckdbType } from '../values/duckdb-type.ts';
import { formatType, structFields, typeOfField } from '../values/types.ts';
import { quoteName, textLiteral } from './sql-text.ts';

const integers: readonly DuckDBTypeId[] = [
  DuckDBTypeId.TINYINT,
  DuckDBTypeId.SMALLINT,
  DuckDBTypeId.INTEGER,
  DuckDBTypeId.BIGINT,
  DuckDBTypeId.HUGEINT,
  DuckDBTypeId.UTINYINT,
  DuckDBTypeId.USMALLINT,
  DuckDBTypeId.UINTEGER,
  DuckDBTypeId.UBIGINT,
  DuckDBTypeId.UHUGEINT,
];
// A literal of a statement is still text to DuckDB where GoogleSQL has coerced it.
const accepted: Readonly<Record<Exclude<SqlType['kind'], 'ARRAY' | 'STRUCT'>, readonly DuckDBTypeId[]>> = {
  INT64: integers,
  FLOAT64: [...integers, DuckDBTypeId.DOUBLE, DuckDBTypeId.FLOAT, DuckDBTypeId.DECIMAL],
  NUMERIC: [...integers, DuckDBTypeId.DECIMAL],
  BOOL: [DuckDBTypeId.BOOLEAN],
  STRING: [DuckDBTypeId.VARCHAR],
  JSON: [DuckDBTypeId.VARCHAR],
  BYTES: [DuckDBTypeId.BLOB],
  DATE: [DuckDBTypeId.DATE, DuckDBTypeId.VARCHAR],
  DATETIME: [DuckDBTypeId.TIMESTAMP, DuckDBTypeId.DATE, DuckDBTypeId.VARCHAR],
  TIME: [DuckDBTypeId.TIME, DuckDBTypeId.VARCHAR],
  TIMESTAMP: [DuckDBTypeId.TIMESTAMP_TZ, DuckDBTypeId.DATE, DuckDBTypeId.VARCHAR],
};

/** GoogleSQL turns a literal of FLOAT64 into NUMERIC by its text, and no other FLOAT64 without CAST. */
const numericLiteral = (expression: string): string | undefined => {
  const text = /^\(?(-?)\s*\(?((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?:::DOUBLE)?\)?\)?$/.exec(expression);
  return text === null ? undefined : `CAST('${text[1] ?? ''}${text[2] ?? ''}' AS DECIMAL(38, 9))`;
};

/** The expression with STRUCT fields in the names that `type` has for them; undefined where it can't get that type. */
const coerced = (expression: string, found: DuckDBType, type: SqlType): string | undefined => {
  // An untyped NULL, and an empty list, are of DuckDB's INTEGER.
  if (found.typeId === DuckDBTypeId.SQLNULL || found.typeId === DuckDBTypeId.INTEGER) return expression;
  if (type.kind === 'ARRAY') {
    if (found.typeId !== DuckDBTypeId.LIST) return undefined;
    const element = coerced('"$e"', found.valueType, type.element);
    return element === undefined ? undefined : element === '"$e"' ? expression : `list_transform(${expression}, lambda "$e": ${element})`;
  }
  if (type.kind === 'NUMERIC' && found.typeId === DuckDBTypeId.DOUBLE) return numericLiteral(expression);
  if (type.kind !== 'STRUCT') return accepted[type.kind].includes(found.typeId) ? expression : undefined;
  if (found.typeId !== DuckDBTypeId.STRUCT || found.entryTypes.length !== type.fields.length) return undefined;
  const { entryNames, entryTypes } = found;
  let isAsWanted = true;
  const entries: string[] = [];
  for (const [index, field] of structFields(type.fields).entries()) {
    const place = `struct_extract_at(${expression}, ${index + 1})`;
    const value = coerced(place, entryTypes[index] as DuckDBType, field.type);
    if (value === undefined) return undefined;
    isAsWanted &&= value === place && entryNames[index]?.toLowerCase() === field.name.toLowerCase();
    entries.push(`${quoteName(field.name)} := ${value}`);
  }
  return isAsWanted ? expression : `CASE WHEN ${expression} IS NULL THEN NULL ELSE struct_pack(${entries.join(', ')}) END`;
};

export const coerceSql = (expression: string, found: DuckDBType, type: SqlType, what: string): string => {
  const value = coerced(expression, found, type);
  if (value === undefined) throw notImplemented(`${what}: ${formatType(type)} out of what DuckDB computes as ${String(found)}`);
  return value;
};

const isParametrized = (field: TableField): boolean => field.precision !== undefined || field.maxLength !== undefined;

/** The expression with the column's type and within its parameters. https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-types#parameterized_data_types */
export const storeSql = (field: TableField, expression: string): string => {
  const cast = `CAST(${expression} AS ${duckdbType(typeOfField(field))})`;
  if (field.mode === 'REPEATED') {
    if (isParametrized(field)) throw notImplemented(`type parameters inside the ARRAY ${field.name}`);
    // Kept, an ARRAY is never NULL and has no NULL in it.
    return `CASE WHEN list_count(${cast}) < len(${cast}) THEN error(${textLiteral(`Array cannot have a null element; error in writing field ${field.name}`)}) ELSE coalesce(${cast}, []) END`;
  }
  if (!isParametrized(field)) return cast;
  if (field.maxLength !== undefined) {
    const length = field.type === 'BYTES' ? `octet_length(${cast})` : `length(${cast})`;
    const message = textLiteral(`Field ${field.name}: ${field.type}(${field.maxLength}) has maximum length ${field.maxLength} but got a value with length `);
    return `CASE WHEN ${length} > ${Number(field.maxLength)} THEN error(${message} || ${length}) ELSE ${cast} END`;
  }
  const [precision, scale] = [Number(field.precision), Number(field.scale ?? 0)];
  const rounded = `round(${cast}, ${scale})`;
  const message = textLiteral(`Field ${field.name}: value out of range of NUMERIC(${precision}, ${scale}): `);
  return `CASE WHEN abs(${rounded}) >= CAST(1${'0'.repeat(precision - scale)} AS DECIMAL(38, 9)) THEN error(${message} || ${cast}) ELSE CAST(${rounded} AS DECIMAL(38, 9)) END`;
};

/** For CREATE TABLE. */
export const columnsSql = (fields: readonly TableField[]): string =>
  fields.map((field) => `${quoteName(field.name)} ${duckdbType(typeOfField(field))}${field.mode === 'REQUIRED' ? ' NOT NULL' : ''}`).join(', ');

/** Refuses what the engine could not keep as declared. */
export const assertKeepable = (fields: readonly TableField[], isNested = false): void => {
  for (const field of fields) {
    const name = field.name.toLowerCase();
    if (name === 'rowid') throw notImplemented(`a column named ${field.name}`);
    if (name.startsWith('$') || field.name.includes('"')) throw notImplemented(`a column named ${field.name}`);
    if (isNested && field.mode === 'REQUIRED') throw notImplemented(`the REQUIRED field ${field.name} inside a RECORD`);
    if (isNested && isParametrized(field)) throw notImplemented(`type parameters of the field ${field.name} inside a RECORD`);
    assertKeepable(field.fields ?? [], true);
  }
};
