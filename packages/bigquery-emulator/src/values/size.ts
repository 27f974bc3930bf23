// Sizes that BigQuery bills, as DuckDB expressions.
// https://docs.cloud.google.com/bigquery/pricing#data
import type { ScalarKind, SqlType } from '../types.ts';

const fixedBytes: Readonly<Partial<Record<ScalarKind, number>>> = { INT64: 8, FLOAT64: 8, NUMERIC: 16, BOOL: 1, DATE: 8, DATETIME: 8, TIME: 8, TIMESTAMP: 8 };

/** `column` is a DuckDB expression, quoted where it needs to be. NULL is 0 bytes, a STRUCT or ARRAY what is in it. */
export function bytesOfColumnSql(column: string, type: SqlType): string {
  return bytesOf(column, type, 0);
}

function bytesOf(value: string, type: SqlType, depth: number): string {
  if (type.kind === 'ARRAY') {
    const element = `e${depth}`;
    return `coalesce(list_sum(list_transform(${value}, lambda ${element}: ${bytesOf(element, type.element, depth + 1)})), 0)::BIGINT`;
  }
  if (type.kind === 'STRUCT') {
    const fields = type.fields.map(({ name }, index) => `struct_extract(${value}, '${(name === '' ? `_field_${index + 1}` : name).replaceAll("'", "''")}')`);
    return `(${type.fields.map((field, index) => bytesOf(fields[index] as string, field.type, depth)).join(' + ')})`;
  }
  if (type.kind === 'STRING') return `coalesce(2 + strlen(${value}), 0)`;
  if (type.kind === 'BYTES') return `coalesce(2 + octet_length(${value}), 0)`;
  // The text of the JSON, which is kept as BigQuery would write it.
  if (type.kind === 'JSON') return `coalesce(strlen(${value}::VARCHAR), 0)`;
  return `CASE WHEN ${value} IS NULL THEN 0 ELSE ${fixedBytes[type.kind]} END`;
}
