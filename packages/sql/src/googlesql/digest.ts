// The digest of a table: of each date its rows and their content hash, which is the same for the same rows.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Column } from '@floodgate/core/domain/pipeline.ts';
import { contentHash, rowHash } from './hash.ts';
import { dateLiteral, quoteName, quoteTable } from './names.ts';

/** Without a range, of all its dates; rows without a date belong to none. */
export const selectDigest = (
  table: string,
  dateColumn: string,
  columns: readonly Column[],
  range?: { readonly first: PartitionDate; readonly last: PartitionDate },
): string => {
  const date = quoteName(dateColumn);
  const where = range === undefined ? `${date} IS NOT NULL` : `${date} BETWEEN ${dateLiteral(range.first)} AND ${dateLiteral(range.last)}`;
  return `SELECT day, COUNT(*) AS n, ${contentHash('row_hash')} AS digest
FROM (
  SELECT ${date} AS day, ${rowHash(columns)} AS row_hash
  FROM ${quoteTable(table)}
  WHERE ${where}
)
GROUP BY day
ORDER BY day`;
};
