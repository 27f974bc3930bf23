// Which yielded types a declared column takes, and how the value gets the declared type. GoogleSQL's rule: what it coerces
// without CAST (INT64 to NUMERIC and FLOAT64, NUMERIC to FLOAT64), and nothing that could lose or reinterpret a value.
import type { Column, ColumnType } from '@floodgate/core/domain/pipeline.ts';
import { declaredType, duckdbType, elementType, quoteName, textLiteral } from '@floodgate/sql/duckdb/names.ts';

const integers = ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT', 'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT', 'UHUGEINT'];
const isDecimal = (type: string): boolean => type.startsWith('DECIMAL');

const accepts = (declared: ColumnType, found: string): boolean => {
  const element = elementType(declared);
  if (element !== undefined) return found.endsWith('[]') && accepts(element, found.slice(0, -2));
  switch (declared as Exclude<ColumnType, `ARRAY<${string}>`>) {
    case 'INT64':
      return integers.includes(found);
    case 'FLOAT64':
      return found === 'DOUBLE' || found === 'FLOAT' || isDecimal(found) || integers.includes(found);
    case 'NUMERIC':
      return isDecimal(found) || integers.includes(found);
    case 'STRING':
      return found === 'VARCHAR' || found.startsWith('ENUM');
    case 'TIMESTAMP':
      return found.startsWith('TIMESTAMP');
    case 'JSON':
      return found === 'JSON' || found === 'VARCHAR';
    case 'BOOL':
    case 'DATE':
    case 'BYTES':
      return found === duckdbType(declared);
  }
};

/** What files may hold for a declared column: types that widen into it without loss. No decimals or integers for FLOAT64. */
export const acceptsInFile = (declared: ColumnType, found: string): boolean => {
  const element = elementType(declared);
  if (element !== undefined) return found.endsWith('[]') && acceptsInFile(element, found.slice(0, -2));
  if (declared === 'FLOAT64') return found === 'DOUBLE' || found === 'FLOAT';
  if (declared === 'INT64') return ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'UTINYINT', 'USMALLINT', 'UINTEGER'].includes(found);
  if (declared === 'NUMERIC') {
    const [, width, scale] = /^DECIMAL\((\d+),\s*(\d+)\)$/.exec(found) ?? [];
    return width !== undefined && Number(scale) <= 9 && Number(width) - Number(scale) <= 29;
  }
  return accepts(declared, found);
};

/** GoogleSQL's name of a type that DuckDB yields. */
export const typeName = (found: string): string =>
  integers.includes(found)
    ? 'INT64'
    : found === 'FLOAT'
      ? 'FLOAT64'
      : isDecimal(found)
        ? 'NUMERIC'
        : found.startsWith('TIMESTAMP')
          ? 'TIMESTAMP'
          : declaredType(found);

export type Coercion = { readonly column: Column; readonly expression: string } | { readonly problem: string };

export const coerce = (column: Column, found: string | undefined): Coercion => {
  if (found === undefined) return { problem: `- ${column.name} ${column.type} is missing` };
  const name = quoteName(column.name);
  const type = duckdbType(column.type);
  if (found === type || (column.type === 'JSON' && found === 'VARCHAR')) return { column, expression: found === type ? name : `CAST(${name} AS JSON)` };
  if (accepts(column.type, found)) return { column, expression: `CAST(${name} AS ${type})` };
  const problem = `~ ${column.name}: declared ${column.type}, the SELECT yields ${typeName(found)}`;
  // DuckDB calls an untyped NULL an INTEGER; only a value shows whether it was one.
  if (found === 'INTEGER' || found === 'INTEGER[]')
    return { column, expression: `CAST(CASE WHEN ${name} IS NOT NULL THEN error(${textLiteral(problem.slice(2))}) END AS ${type})` };
  return { problem };
};
