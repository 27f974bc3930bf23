// Reading the commit log, and its fence.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { WarehouseError, type CommitLogEntry, type TableSpec } from '@floodgate/core/ports/warehouse.ts';
import { raiseFence, selectFence, selectLog } from '@floodgate/sql/googlesql/commit.ts';
import type { BigQueryContext } from './bigquery-context.ts';
import { isNotFound } from './bigquery-errors.ts';

const fenceTries = 5;

export const toEntry = (row: JsonObject): CommitLogEntry => ({
  date: row['date'] as PartitionDate,
  generation: Number(row['generation']),
  contentHash: String(row['content_hash']),
  rows: Number(row['rows']),
  backfillId: String(row['backfill_id']),
  committedAt: Number(row['committed_at']),
  outcome: row['outcome'] as CommitLogEntry['outcome'],
});

export const readLog = async (
  { jobs }: BigQueryContext,
  table: string,
  dates: readonly PartitionDate[] | 'all',
  signal: AbortSignal,
): Promise<readonly CommitLogEntry[]> => {
  if (dates !== 'all' && dates.length === 0) return [];
  try {
    return (await jobs.query({ sql: selectLog(table, dates), labels: { floodgate: 'log' } }, signal)).rows.map(toEntry);
  } catch (error) {
    // Asked at start, before anything was prepared: no log, nothing committed.
    if (isNotFound(error)) return [];
    throw error;
  }
};

export const notPrepared = (table: string): WarehouseError =>
  new WarehouseError('schema_mismatch', `the commit log of ${table} has no fence row`, { hint: 'prepare the table first' });

/** Why a fence could not be raised. */
export const fencedOut = async ({ jobs }: BigQueryContext, table: string, laneEpoch: number, signal: AbortSignal): Promise<WarehouseError> => {
  const { rows } = await jobs.query({ sql: selectFence(table), labels: { floodgate: 'fence' } }, signal);
  const fence = rows[0]?.['generation'];
  if (fence === undefined) return notPrepared(table);
  return new WarehouseError('lane_fenced', `lane epoch ${laneEpoch} of ${table} is over: ${String(fence)} has taken its place`);
};

export const raiseFenceTo = async (context: BigQueryContext, { table }: TableSpec, laneEpoch: number, signal: AbortSignal): Promise<void> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { affectedRows } = await context.jobs.query({ sql: raiseFence(table, laneEpoch), labels: { floodgate: 'fence' } }, signal);
      if (affectedRows === 1) return;
      throw await fencedOut(context, table, laneEpoch, signal);
    } catch (error) {
      if (isNotFound(error)) throw notPrepared(table);
      // A commit of an older lane is under way: the fence waits for its end, or is raised before it.
      const again = error instanceof WarehouseError && ['transaction_conflict', 'rate_limited', 'unavailable'].includes(error.code);
      if (!again || attempt === fenceTries) throw error;
      await context.jobs.calls.pause(attempt, signal);
    }
  }
};
