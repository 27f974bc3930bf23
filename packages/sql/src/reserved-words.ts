/**
 * Names that GoogleSQL reserves and this parser does not: `SELECT rows FROM t` runs on DuckDB and is a syntax error on BigQuery.
 * Behind a point any word is a name (`t.rows`); elsewhere a reserved one is written in backticks.
 * https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/lexical#reserved_keywords
 */
import { RefusedSql } from './problems.ts';

/** Without DEFAULT: of INSERT and UPDATE the parser takes it for a column, and print-dml.ts tells which it is. */
export const RESERVED_WORDS: ReadonlySet<string> = new Set(
  `ALL AND ANY ARRAY AS ASC ASSERT_ROWS_MODIFIED AT BETWEEN BY CASE CAST COLLATE CONTAINS CREATE CROSS CUBE CURRENT DEFINE DESC
  DISTINCT ELSE END ENUM ESCAPE EXCEPT EXCLUDE EXISTS EXTRACT FALSE FETCH FOLLOWING FOR FROM FULL GROUP GROUPING GROUPS HASH HAVING IF
  IGNORE IN INNER INTERSECT INTERVAL INTO IS JOIN LATERAL LEFT LIKE LIMIT LOOKUP MERGE NATURAL NEW NO NOT NULL NULLS OF ON OR ORDER OUTER
  OVER PARTITION PRECEDING PROTO QUALIFY RANGE RECURSIVE RESPECT RIGHT ROLLUP ROWS SELECT SET SOME STRUCT TABLESAMPLE THEN TO TREAT TRUE
  UNBOUNDED UNION UNNEST USING WHEN WHERE WINDOW WITH WITHIN`.split(/\s+/u),
);
const IDENTIFIER_KEYS: ReadonlySet<string> = new Set(['name', 'quoted', 'span', 'trailing_comments']);

/** Refuses a parser's tree that has a reserved word for a name. `text` is what was parsed. */
export function refuseReservedNames(value: unknown, text: string): void {
  if (Array.isArray(value)) for (const item of value) refuseReservedNames(item, text);
  if (!isBody(value)) return;
  const { name, quoted, span } = value;
  if (typeof name === 'string' && quoted === false && RESERVED_WORDS.has(name.toUpperCase()) && Object.keys(value).every((key) => IDENTIFIER_KEYS.has(key))) {
    const start = isBody(span) && typeof span['start'] === 'number' ? span['start'] : undefined;
    // Of a field of STRUCT the parser keeps neither its place nor whether it was quoted.
    const isName = start === undefined ? text.includes(`\`${name}\``) : text.slice(0, start).trimEnd().endsWith('.');
    if (!isName)
      throw new RefusedSql(`${name.toUpperCase()} as a name`, `${name} is a reserved word of GoogleSQL: as a name it is written \`${name}\``, undefined, start);
  }
  for (const inner of Object.values(value)) if (typeof inner === 'object') refuseReservedNames(inner, text);
}

function isBody(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
