// The commit: one script of one transaction, which changes fence, rows and log together or nothing. A statement that fails ends
// the script, and BigQuery rolls back what a script leaves open: https://cloud.google.com/bigquery/docs/transactions#roll_back.
// Dates are literal in every statement, so that BigQuery reads and locks their partitions alone.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { WriteStrategy } from '@floodgate/core/domain/pipeline.ts';
import { metadataColumns, type CommitEntry, type CommitLogEntry, type TableSpec } from '@floodgate/core/ports/warehouse.ts';
import { commitLogName, dateList, dateLiteral, instantLiteral, quoteName, quoteNames, quoteTable, stagingTable, textLiteral } from './names.ts';

/** Words by which the adapter knows which assertion has failed. */
export const assertions = {
  fenced: 'floodgate: lane_fenced',
  logMoved: 'floodgate: log_moved',
  stagedRows: 'floodgate: staged_rows',
  rowsDiffer: 'floodgate: rows_differ',
} as const;

export type CommitSpec = {
  readonly target: TableSpec;
  readonly stagingDataset: string;
  readonly laneEpoch: number;
  readonly committedAt: number;
  readonly strategy: WriteStrategy;
  /** All dates of the batch, sorted. */
  readonly dates: readonly PartitionDate[];
  /** The log's entries of those dates, as they were read; they must still be these. */
  readonly known: readonly CommitLogEntry[];
  /** Entries that may be logged. */
  readonly allowed: readonly CommitEntry[];
  /** Those of them whose rows are written, by MERGE where that is to be trusted. */
  readonly merged: readonly CommitEntry[];
  readonly replaced: readonly CommitEntry[];
  readonly inserted: readonly CommitEntry[];
  /** What the log gets. */
  readonly entries: readonly CommitLogEntry[];
};

const log = (table: string): string => quoteTable(commitLogName(table));

/** Changes exactly one row, or none where the fence is higher. */
export const raiseFence = (table: string, laneEpoch: number): string => `UPDATE ${log(table)}
SET generation = ${laneEpoch}
WHERE \`date\` IS NULL AND generation <= ${laneEpoch}`;

export const selectFence = (table: string): string => `SELECT generation FROM ${log(table)} WHERE \`date\` IS NULL`;

export const selectLog = (
  table: string,
  dates: readonly PartitionDate[] | 'all',
): string => `SELECT \`date\`, generation, content_hash, \`rows\`, backfill_id, UNIX_MILLIS(committed_at) AS committed_at, outcome
FROM ${log(table)}
WHERE ${dates === 'all' ? '`date` IS NOT NULL' : `\`date\` IN (${dateList(dates)})`}
ORDER BY \`date\``;

/** Date and generation name an entry: a generation is written once. */
const assertLog = ({ target, dates, known }: CommitSpec): string => {
  const seen = known.map(({ date, generation }) => `${date} ${generation}`).join(',');
  return `ASSERT (
  SELECT COALESCE(STRING_AGG(CONCAT(CAST(\`date\` AS STRING), ' ', CAST(generation AS STRING)), ',' ORDER BY \`date\`), '')
  FROM ${log(target.table)}
  WHERE \`date\` IN (${dateList(dates)})
) = ${textLiteral(seen)} AS '${assertions.logMoved}'`;
};

const groupBy = (entries: readonly CommitEntry[], keyOf: (entry: CommitEntry) => string): readonly (readonly CommitEntry[])[] => {
  const groups = new Map<string, CommitEntry[]>();
  for (const entry of entries) {
    const group = groups.get(keyOf(entry));
    if (group) group.push(entry);
    else groups.set(keyOf(entry), [entry]);
  }
  return [...groups.values()];
};

const datesOf = (entries: readonly CommitEntry[]): readonly PartitionDate[] => entries.map(({ date }) => date);

/** What is committed must be what was audited, to the row; also of unchanged dates, whose staging must be there. */
const assertStaged = ({ target, stagingDataset, allowed }: CommitSpec): string => {
  const day = quoteName(target.partitionColumn);
  const conditions = groupBy(allowed, ({ staging }) => staging).map((group) => {
    const counts = group.map(({ date, rows }) => `COUNTIF(${day} = ${dateLiteral(date)}) = ${rows}`).join(' AND ');
    return `(SELECT ${counts} FROM ${quoteTable(stagingTable(stagingDataset, target.table, group[0]?.staging ?? ''))} WHERE ${day} IN (${dateList(datesOf(group))}))`;
  });
  return `ASSERT ${conditions.join('\n  AND ')} AS '${assertions.stagedRows}'`;
};

/** Staged rows with what they are committed as. */
const stagedRows = ({ target, stagingDataset }: CommitSpec, entries: readonly CommitEntry[]): string =>
  groupBy(entries, ({ staging, generation, backfillId }) => JSON.stringify([staging, generation, backfillId]))
    .map((group) => {
      const { staging, generation, backfillId } = group[0] as CommitEntry;
      const names = quoteNames([...target.columns.map(({ name }) => name), '_row_hash']);
      return `SELECT ${names}, ${generation} AS \`_generation\`, ${textLiteral(backfillId)} AS \`_backfill_id\` FROM ${quoteTable(stagingTable(stagingDataset, target.table, staging))} WHERE ${quoteName(target.partitionColumn)} IN (${dateList(datesOf(group))})`;
    })
    .join('\n  UNION ALL\n  ');

const written = (target: TableSpec): readonly string[] => [...target.columns.map(({ name }) => name), ...metadataColumns];

const valueOf = (spec: CommitSpec, name: string): string => (name === 'processed_at' ? instantLiteral(spec.committedAt) : `staged.${quoteName(name)}`);

/** Rows that are as they were are left alone. */
const merge = (spec: CommitSpec): string => {
  const { target, merged } = spec;
  const day = quoteName(target.partitionColumn);
  const dates = dateList(datesOf(merged));
  const keys = target.key.filter((name) => name !== target.partitionColumn).map((name) => ` AND committed.${quoteName(name)} = staged.${quoteName(name)}`);
  const names = written(target);
  // Keys that match are equal already.
  const changing = names.filter((name) => name !== target.partitionColumn && !target.key.includes(name));
  return `MERGE INTO ${quoteTable(target.table)} AS committed
USING (
  ${stagedRows(spec, merged)}
) AS staged
ON committed.${day} IN (${dates}) AND committed.${day} = staged.${day}${keys.join('')}
WHEN MATCHED AND (committed.\`_row_hash\` IS NULL OR committed.\`_row_hash\` <> staged.\`_row_hash\`) THEN
  UPDATE SET ${changing.map((name) => `${quoteName(name)} = ${valueOf(spec, name)}`).join(', ')}
WHEN NOT MATCHED BY TARGET THEN
  INSERT (${quoteNames(names)}) VALUES (${names.map((name) => valueOf(spec, name)).join(', ')})
WHEN NOT MATCHED BY SOURCE AND committed.${day} IN (${dates}) THEN DELETE`;
};

const deleteDates = ({ target, replaced }: CommitSpec): string => `DELETE FROM ${quoteTable(target.table)}
WHERE ${quoteName(target.partitionColumn)} IN (${dateList(datesOf(replaced))})`;

const insert = (spec: CommitSpec): string => {
  const names = written(spec.target);
  return `INSERT INTO ${quoteTable(spec.target.table)} (${quoteNames(names)})
SELECT ${names.map((name) => valueOf(spec, name)).join(', ')}
FROM (
  ${stagedRows(spec, [...spec.replaced, ...spec.inserted])}
) AS staged`;
};

/** Catches rows that came into these dates by hand, and keys that are there twice. */
const assertRows = ({ target, merged, replaced, inserted }: CommitSpec): string => {
  const entries = [...merged, ...replaced, ...inserted];
  return `ASSERT (SELECT COUNT(*) FROM ${quoteTable(target.table)} WHERE ${quoteName(target.partitionColumn)} IN (${dateList(datesOf(entries))})) = ${entries.reduce((sum, { rows }) => sum + rows, 0)} AS '${assertions.rowsDiffer}'`;
};

const mergeLog = ({ target, entries }: CommitSpec): string => {
  const rows = entries.map(
    ({ date, generation, contentHash, rows: count, backfillId, committedAt, outcome }) =>
      `SELECT ${dateLiteral(date)} AS \`date\`, ${generation} AS generation, ${textLiteral(contentHash)} AS content_hash, ${count} AS \`rows\`, ${textLiteral(backfillId)} AS backfill_id, ${instantLiteral(committedAt)} AS committed_at, ${textLiteral(outcome)} AS outcome`,
  );
  const names = ['generation', 'content_hash', 'rows', 'backfill_id', 'committed_at', 'outcome'];
  return `MERGE INTO ${log(target.table)} AS known
USING (
  ${rows.join('\n  UNION ALL\n  ')}
) AS entry
ON known.\`date\` = entry.\`date\`
WHEN MATCHED THEN
  UPDATE SET ${names.map((name) => `${quoteName(name)} = entry.${quoteName(name)}`).join(', ')}
WHEN NOT MATCHED BY TARGET THEN
  INSERT (${quoteNames(['date', ...names])}) VALUES (${['date', ...names].map((name) => `entry.${quoteName(name)}`).join(', ')})`;
};

const commitStatements = (spec: CommitSpec): readonly string[] => {
  const inserts = spec.replaced.length + spec.inserted.length > 0;
  const writes = spec.merged.length > 0 || inserts;
  return [
    'BEGIN TRANSACTION',
    // The first write: two commits of one table conflict on this row. Two that only insert would not.
    raiseFence(spec.target.table, spec.laneEpoch),
    `ASSERT @@row_count = 1 AS '${assertions.fenced}'`,
    assertLog(spec),
    ...(spec.allowed.length > 0 ? [assertStaged(spec)] : []),
    ...(spec.merged.length > 0 ? [merge(spec)] : []),
    ...(spec.replaced.length > 0 ? [deleteDates(spec)] : []),
    ...(inserts ? [insert(spec)] : []),
    ...(writes ? [assertRows(spec)] : []),
    ...(spec.entries.length > 0 ? [mergeLog(spec)] : []),
    'COMMIT TRANSACTION',
    selectLog(spec.target.table, spec.dates),
  ];
};

export const commitScript = (spec: CommitSpec): string => `${commitStatements(spec).join(';\n')};`;
