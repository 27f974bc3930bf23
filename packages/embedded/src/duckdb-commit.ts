// The commit of a lane's batch, its fence, and reading the log (DESIGN §2.4).
import type { DuckDBValue } from '@duckdb/node-api';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import { WarehouseError, type CommitBatch, type CommitEntry, type CommitLogEntry, type TableSpec } from '@floodgate/core/ports/warehouse.ts';
import {
  deleteDates,
  deleteLog,
  insertCommitted,
  insertLog,
  raiseFence,
  selectFence,
  findCommitLog,
  selectLog,
  type CommittedRows,
} from '@floodgate/sql/duckdb/commit.ts';
import type { DuckDbSession } from './duckdb-session.ts';
import type { StagingRegistry } from './duckdb-staging.ts';
import { toDate } from './duckdb-values.ts';

/** Must be the first write of a transaction: two commits of one table conflict here, on the fence's row. */
const takeFence = async (session: DuckDbSession, table: string, laneEpoch: number): Promise<void> => {
  const changed = (await session.prepared(raiseFence(table), { epoch: BigInt(laneEpoch) })).rowsChanged;
  if (changed === 1) return;
  const [fence] = await session.rows(selectFence(table));
  if (!fence) throw new WarehouseError('schema_mismatch', `the commit log of ${table} has no fence row`, { hint: 'prepare the table first' });
  throw new WarehouseError('lane_fenced', `lane epoch ${laneEpoch} of ${table} is over: ${String(fence[0])} has taken its place`);
};

export const raiseFenceTo = (session: DuckDbSession, target: TableSpec, laneEpoch: number): Promise<void> =>
  session.transaction(() => takeFence(session, target.table, laneEpoch));

export const readLog = async (session: DuckDbSession, table: string, dates: readonly PartitionDate[] | 'all'): Promise<readonly CommitLogEntry[]> => {
  if (dates !== 'all' && dates.length === 0) return [];
  // Asked at start, before anything was prepared: no log, nothing committed.
  if (dates === 'all' && (await session.rows(findCommitLog(table))).length === 0) return [];
  const rows = (await session.rows(selectLog(table, dates))) as readonly [DuckDBValue, bigint, string, bigint, string, bigint, CommitLogEntry['outcome']][];
  return rows.map(([day, generation, contentHash, count, backfillId, committedAt, outcome]) => ({
    date: toDate(day),
    generation: Number(generation),
    contentHash,
    rows: Number(count),
    backfillId,
    committedAt: Number(committedAt),
    outcome,
  }));
};

const findRows = (staging: StagingRegistry, table: string, entries: readonly CommitEntry[]): readonly CommittedRows[] => {
  const missing = new Set<string>();
  const found: CommittedRows[] = [];
  for (const entry of entries) {
    const staged = staging.get(table, entry.staging);
    if (staged?.dates.has(entry.date)) found.push({ entry, rows: staged.rows });
    else missing.add(entry.staging);
  }
  if (missing.size === 0) return found;
  const names = [...missing].sort();
  throw new WarehouseError('staging_missing', `staged rows of ${table} are gone: ${names.join(', ')}`, {
    missing: names,
    hint: 'these dates are computed again',
  });
};

/** Which log entry each date that may be written gets, and which of them need their rows written. */
const decide = (
  batch: CommitBatch,
  log: readonly CommitLogEntry[],
): { readonly entries: readonly CommitLogEntry[]; readonly allowed: readonly CommitEntry[]; readonly written: ReadonlySet<CommitEntry> } => {
  const byDate = new Map(log.map((entry) => [entry.date, entry]));
  const allowed = batch.entries.filter((entry) => (byDate.get(entry.date)?.generation ?? -1) < entry.generation);
  const written = new Set<CommitEntry>();
  const entries = allowed.map((entry): CommitLogEntry => {
    const same = byDate.get(entry.date)?.contentHash === entry.contentHash;
    if (!same || entry.rewrite) written.add(entry);
    const { date, generation, contentHash, rows, backfillId } = entry;
    return { date, generation, contentHash, rows, backfillId, committedAt: batch.committedAt, outcome: same ? 'unchanged' : 'committed' };
  });
  return { entries, allowed, written };
};

export const commitEntries = (session: DuckDbSession, staging: StagingRegistry, batch: CommitBatch): Promise<readonly CommitLogEntry[]> =>
  session.transaction(async () => {
    const { target } = batch;
    const dates = batch.entries.map((entry) => entry.date);
    await takeFence(session, target.table, batch.laneEpoch);
    const log = await readLog(session, target.table, dates);
    const { entries, allowed, written } = decide(batch, log);
    const rows = findRows(staging, target.table, allowed).filter(({ entry }) => written.has(entry));
    if (rows.length > 0) {
      await session.run(
        deleteDates(
          target,
          rows.map(({ entry }) => entry.date),
        ),
      );
      const expected = rows.reduce((sum, { entry }) => sum + entry.rows, 0);
      const inserted = (await session.run(insertCommitted(target, rows), { committed_at: BigInt(batch.committedAt) })).rowsChanged;
      // What is committed must be what was audited, to the row.
      if (inserted !== expected) throw new WarehouseError('contract_broken', `${inserted} staged rows of ${target.table} where ${expected} were audited`);
    }
    if (entries.length > 0) {
      if (log.length > 0)
        await session.run(
          deleteLog(
            target.table,
            entries.map((entry) => entry.date),
          ),
        );
      await session.run(insertLog(target.table, entries));
    }
    const changed = new Set(entries.map((entry) => entry.date));
    return [...log.filter((entry) => !changed.has(entry.date)), ...entries].sort((a, b) => (a.date < b.date ? -1 : 1));
  });
