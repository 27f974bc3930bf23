// Row hashes and content hashes. The same rows give the same hash whatever their order, span or number of workers: a row's
// hash depends on its values alone, and a date's is made of a count and sums of parts of row hashes.
import type { Column, ScalarType } from '@floodgate/core/domain/pipeline.ts';
import { elementType, quoteName } from './names.ts';

/** The value as text, equal exactly for equal values; NULL for NULL. Texts of types that may hold any character tell their length. */
const textOf = (type: ScalarType, value: string, digits: number): string => {
  switch (type) {
    case 'STRING':
      return `CONCAT(CAST(LENGTH(${value}) AS STRING), ':', ${value})`;
    case 'JSON':
      // TO_JSON_STRING has the same text for NULL and for JSON's own null.
      return `IF(${value} IS NULL, NULL, CONCAT(CAST(LENGTH(TO_JSON_STRING(${value})) AS STRING), ':', TO_JSON_STRING(${value})))`;
    case 'BYTES':
      // Empty bytes are not NULL.
      return `CONCAT('x', TO_HEX(${value}))`;
    case 'FLOAT64':
      // Adding zero makes -0 0. Every NaN has the same text.
      return `CAST(ROUND(${value}, ${digits}) + 0.0 AS STRING)`;
    case 'TIMESTAMP':
      return `CAST(UNIX_MICROS(${value}) AS STRING)`;
    case 'INT64':
    case 'NUMERIC':
    case 'BOOL':
    case 'DATE':
      return `CAST(${value} AS STRING)`;
  }
};

/** Without NULL, and without a `|` that no length announces. NULL is the empty text, which no value has. */
const cellText = (column: Column, prefix: string): string => {
  const name = `${prefix}${quoteName(column.name)}`;
  const element = elementType(column.type);
  if (element === undefined) return `COALESCE(${textOf(column.type as ScalarType, name, column.digits)}, '')`;
  // A stored array is never NULL in BigQuery but empty, and so is its text.
  return `ARRAY_TO_STRING(ARRAY(SELECT COALESCE(${textOf(element, 'element', column.digits)}, '') FROM UNNEST(${name}) AS element WITH OFFSET AS position ORDER BY position), ',')`;
};

/** 128 bits as 32 hex digits over the declared columns; stored as `_row_hash`. `alias`: of the relation that has them. */
export const rowHash = (columns: readonly Column[], alias?: string): string => {
  const prefix = alias === undefined ? '' : `${alias}.`;
  return `SUBSTR(TO_HEX(SHA256(CONCAT(${columns.map((column) => cellText(column, prefix)).join(", '|', ")}))), 1, 32)`;
};

/** Four sums of 32 bits each can't overflow below 2,147,483,648 rows; a different row in a date goes unseen once in 2 to the 128. */
const partSum = (hash: string, part: number): string => `CAST(SUM(CAST(CONCAT('0x', SUBSTR(${hash}, ${part * 8 + 1}, 8)) AS INT64)) AS STRING)`;

/** An aggregate over row hashes: 128 bits as 32 hex digits. No row, no group: the hash of nothing is '' and is never computed. */
export const contentHash = (hash: string): string =>
  `SUBSTR(TO_HEX(SHA256(CONCAT(CAST(COUNT(*) AS STRING), ${[0, 1, 2, 3].map((part) => `':', ${partSum(hash, part)}`).join(', ')}))), 1, 32)`;
