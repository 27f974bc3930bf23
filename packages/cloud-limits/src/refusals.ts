// What the services answer when a limit is exceeded: BigQuery's `reason` and text, as seen in error reports and on its page
// about quota errors (https://docs.cloud.google.com/bigquery/docs/troubleshoot-quotas). The emulator answers with them, the
// quota simulator throws them, and the adapters must classify them.
import { bigquery } from './limits.ts';

export type Refusal = {
  readonly reason: 'rateLimitExceeded' | 'quotaExceeded' | 'resourcesExceeded' | 'invalidQuery';
  readonly message: string;
};

const more = 'For more information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas';

/**
 * Beside running and queued statements. The reason is the one of a query that ran out of memory, so that only the text tells
 * them apart. The same has been seen as `quotaExceeded` "Your table exceeded quota for total number of dml jobs writing to a
 * table, pending + running".
 */
export const refuseOutstandingDml = (table: string): Refusal => ({
  reason: 'resourcesExceeded',
  message: `Resources exceeded during query execution: Too many DML statements outstanding against table ${table}, limit is ${bigquery.dml.queuedMutationsPerTable}.`,
});

/** It says "insert" of MERGE and UPDATE too. */
export const refuseDmlRate = (): Refusal => ({
  reason: 'rateLimitExceeded',
  message: `Exceeded rate limits: too many table dml insert operations for this table. ${more}`,
});

export const refuseMetadataUpdate = (kind: 'partitioned' | 'standard'): Refusal => ({
  reason: 'rateLimitExceeded',
  message: `Exceeded rate limits: too many ${kind === 'partitioned' ? 'partitioned ' : ''}table update operations for this table. ${more}`,
});

export const refusePartitionModifications = (): Refusal => ({
  reason: 'quotaExceeded',
  message: `Quota exceeded: Your table exceeded quota for Number of partition modifications to a column partitioned table. ${more}`,
});

export const refuseTableModifications = (): Refusal => ({
  reason: 'quotaExceeded',
  message: `Quota exceeded: Your table exceeded quota for imports or query appends per table. ${more}`,
});

export const refusePartitionsOfJob = (partitions: number): Refusal => ({
  reason: 'invalidQuery',
  message: `Too many partitions produced by query, allowed ${bigquery.partitionedTable.maxPartitionsPerJob}, query produces at least ${partitions} partitions`,
});

/** Firestore's, with gRPC status 10 ABORTED. */
export const contentionMessage = '10 ABORTED: Too much contention on these documents. Please try again.';
