// Row hashes and content hashes. The same rows give the same hash whatever their order, span or number of threads:
// a row's hash depends on its values alone, and a date's is made of a count, sums and exclusive ors of row hashes.
// DuckDB's hash() equates 0 with -0 and all NaN; it may change between DuckDB releases, which a golden test notices
// (every date would then count as changed once). md5 of the row's text was measured 8 times slower (3.1 s against
// 0.37 s for 2.4 million rows of 24 columns).
import type { Column } from '@floodgate/core/domain/pipeline.ts';
import { quoteName } from './names.ts';

const hashed = (column: Column): string => {
  const name = quoteName(column.name);
  if (column.type === 'FLOAT64') return `round(${name}, ${column.digits})`;
  if (column.type === 'ARRAY<FLOAT64>') return `list_transform(${name}, lambda v: round(v, ${column.digits}))`;
  return name;
};

/** 64 bits over the declared columns; stored as `_row_hash`. */
export const rowHash = (columns: readonly Column[]): string => `hash(${columns.map(hashed).join(', ')})`;

/** A second hash of the row, over the columns in reverse: two rows that collide in one do not in the other. */
export const secondRowHash = (columns: readonly Column[]): string => `hash('floodgate', ${[...columns].reverse().map(hashed).join(', ')})`;

/** What a date's content hash is made of, as text: count, then sum and exclusive or of `first` and of `second`. */
export const hashParts = (first: string, second: string): string =>
  `count(*) AS "rows", CAST(sum(${first}) AS VARCHAR) AS sum1, bit_xor(${first}) AS xor1, CAST(sum(${second}) AS VARCHAR) AS sum2, bit_xor(${second}) AS xor2`;
