// Rows and digest per date of a table: an external one, or one that holds a source's files.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Column } from '@floodgate/core/domain/pipeline.ts';
import type { DateRange, SourceDigest } from '@floodgate/core/ports/warehouse.ts';
import { selectDigest } from '@floodgate/sql/googlesql/digest.ts';
import type { BigQueryJobs } from './bigquery-jobs.ts';

/** `table` is `dataset.table`; no range: all dates. `jobId`: of a query that others may have asked already. */
export const digestRelation = async (
  jobs: BigQueryJobs,
  table: string,
  dateColumn: string,
  columns: readonly Column[],
  range: DateRange | undefined,
  signal: AbortSignal,
  jobId?: string,
): Promise<ReadonlyMap<PartitionDate, SourceDigest>> => {
  const request = { sql: selectDigest(table, dateColumn, columns, range), labels: { floodgate: 'digest' } };
  const { rows } = await jobs.query(jobId === undefined ? request : { ...request, jobId }, signal);
  const digests = rows as readonly { readonly day: PartitionDate; readonly n: number; readonly digest: string }[];
  return new Map(digests.map(({ day, n, digest }) => [day, { digest, rows: n }]));
};
