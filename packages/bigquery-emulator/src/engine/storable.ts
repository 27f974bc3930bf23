// How a value gets a column's type. Google's analyzer has checked the types already; this catches what the translation
// would make of them silently: DuckDB casts a float to an integer, and fields of a STRUCT by name where GoogleSQL goes by place.
import { DuckDBTypeId, type DuckDBListType, type DuckDBStructType, type DuckDBType } from '@duckdb/node-api';
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

const isStorable = (found: DuckDBType, type: SqlType): boolean => {
  // An untyped NULL, and an empty list, are of DuckDB's INTEGER.
  if (found.typeId === DuckDBTypeId.SQLNULL || found.typeId === DuckDBTypeId.INTEGER) return true;
  if (type.kind === 'ARRAY') return found.typeId === DuckDBTypeId.LIST && isStorable((found as DuckDBListType).valueType, type.element);
  if (type.kind !== 'STRUCT') return accepted[type.kind].includes(found.typeId);
  if (found.typeId !== DuckDBTypeId.STRUCT) return false;
  const { entryNames, entryTypes } = found as DuckDBStructType;
  return (
    entryNames.length === type.fields.length &&
    structFields(type.fields).every(
      (field, index) => entryNames[index]?.toLowerCase() === field.name.toLowerCase() && isStorable(entryTypes[index] as DuckDBType, field.type),
    )
  );
};

export const assertStorable = (found: DuckDBType, type: SqlType, what: string): void => {
  if (!isStorable(found, type)) throw notImplemented(`${what}: ${formatType(type)} out of what DuckDB computes as ${String(found)}`);
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
