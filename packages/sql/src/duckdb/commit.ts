// The commit: fence, rows, log, each statement in one transaction that the warehouse opens and closes.
// Every write strategy deletes the dates that are written and inserts their staged rows: a MERGE with NOT MATCHED BY
// SOURCE joins the whole target in DuckDB and was measured 5 to 14 times slower, growing with the table.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { CommitEntry, CommitLogEntry, TableSpec } from '@floodgate/core/ports/warehouse.ts';
import { commitLogTable, dateList, dateLiteral, nameOf, quoteName, quoteNames, quoteTable, schemaOf, textLiteral } from './names.ts';
import { preservedTable } from './prepare.ts';
import { segmentTable, type StagedRows } from './stage.ts';

/** Must change exactly one row; it changes none where the fence is higher than `$epoch`. */
export const raiseFence = (table: string): string => `UPDATE ${commitLogTable(table)}
SET generation = $epoch
WHERE "date" IS NULL AND generation <= $epoch`;

export const selectFence = (table: string): string => `SELECT generation FROM ${commitLogTable(table)} WHERE "date" IS NULL`;

/** One row where the table's commit log exists. */
export const findCommitLog = (table: string): string => `SELECT 1
FROM duckdb_tables()
WHERE database_name = current_database() AND schema_name = ${textLiteral(schemaOf(table))} AND table_name = ${textLiteral(`_floodgate_commits_${nameOf(table)}`)}`;

export const selectLog = (
  table: string,
  dates: readonly PartitionDate[] | 'all',
): string => `SELECT "date", generation, content_hash, "rows", backfill_id, epoch_ms(committed_at) AS committed_at, outcome
FROM ${commitLogTable(table)}
WHERE ${dates === 'all' ? '"date" IS NOT NULL' : `"date" IN (${dateList(dates)})`}
ORDER BY 1`;

export const deleteDates = (target: TableSpec, dates: readonly PartitionDate[]): string => `DELETE FROM ${quoteTable(target.table)}
WHERE ${quoteName(target.partitionColumn)} IN (${dateList(dates)})`;

export type CommittedRows = { readonly entry: CommitEntry; readonly rows: StagedRows };

/** One scan for each segment, whatever the number of stagings in it. */
const stagedOf = (target: TableSpec, batch: readonly CommittedRows[]): string => {
  const columns = quoteNames(target.columns.map((column) => column.name));
  const bySegment = new Map<number, bigint[]>();
  const selects: string[] = [];
  for (const { rows } of batch) {
    if ('segment' in rows) bySegment.set(rows.segment, [...(bySegment.get(rows.segment) ?? []), rows.staging]);
    else
      selects.push(
        `SELECT CAST(${rows.staging} AS BIGINT) AS _staging, ${columns}, _row_hash FROM ${quoteTable(preservedTable(target.table))} WHERE _staging = ${textLiteral(rows.preserved)}`,
      );
  }
  for (const [segment, stagings] of bySegment) {
    const low = stagings.reduce((a, b) => (a < b ? a : b));
    const high = stagings.reduce((a, b) => (a > b ? a : b));
    const where = low === high ? `_staging = ${low}` : `_staging BETWEEN ${low} AND ${high}`;
    selects.push(`SELECT _staging, ${columns}, _row_hash FROM ${segmentTable(segment)} WHERE ${where}`);
  }
  return selects.join('\n  UNION ALL\n  ');
};

export const insertCommitted = (target: TableSpec, batch: readonly CommittedRows[]): string => {
  const columns = target.columns.map((column) => column.name);
  const values = batch.map(
    ({ entry, rows }) => `(CAST(${rows.staging} AS BIGINT), ${dateLiteral(entry.date)}, CAST(${entry.generation} AS BIGINT), ${textLiteral(entry.backfillId)})`,
  );
  return `INSERT INTO ${quoteTable(target.table)} (${quoteNames([...columns, '_row_hash', '_generation', '_backfill_id', 'processed_at'])})
SELECT ${columns.map((name) => `staged.${quoteName(name)}`).join(', ')}, staged._row_hash, committed.generation, committed.backfill_id, make_timestamptz(CAST($committed_at AS BIGINT) * 1000)
FROM (
  ${stagedOf(target, batch)}
) AS staged
JOIN (VALUES
  ${values.join(',\n  ')}
) AS committed (staging, "date", generation, backfill_id)
ON staged._staging = committed.staging AND staged.${quoteName(target.partitionColumn)} = committed."date"`;
};

export const deleteLog = (table: string, dates: readonly PartitionDate[]): string => `DELETE FROM ${commitLogTable(table)}
WHERE "date" IN (${dateList(dates)})`;

export const insertLog = (table: string, entries: readonly CommitLogEntry[]): string => `INSERT INTO ${commitLogTable(table)} VALUES
${entries
  .map(
    (entry) =>
      `(${dateLiteral(entry.date)}, ${entry.generation}, ${textLiteral(entry.contentHash)}, ${entry.rows}, ${textLiteral(entry.backfillId)}, make_timestamptz(CAST(${entry.committedAt} AS BIGINT) * 1000), ${textLiteral(entry.outcome)})`,
  )
  .join(',\n')}`;
