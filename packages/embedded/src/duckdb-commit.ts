// One open transaction of DuckDB as the commit's rules ask for it (core/ports/commit-rules.ts), and reading the log.
import type { DuckDBValue } from '@duckdb/node-api';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import { applyCommit, takeFence, type CommitUnit, type FenceUnit } from '@floodgate/core/ports/commit-rules.ts';
import type { CommitBatch, CommitLogEntry, TableSpec } from '@floodgate/core/ports/warehouse.ts';
import { deleteDates, deleteLog, insertCommitted, insertLog, raiseFence, selectFence, findCommitLog, selectLog } from '@floodgate/sql/duckdb/commit.ts';
import type { StagedRows } from '@floodgate/sql/duckdb/stage.ts';
import type { DuckDbSession } from './duckdb-session.ts';
import type { StagingRegistry } from './duckdb-staging.ts';
import { toDate } from './duckdb-values.ts';

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

const fenceUnit = (session: DuckDbSession, table: string): FenceUnit => ({
  raiseFence: async (laneEpoch) => (await session.prepared(raiseFence(table), { epoch: BigInt(laneEpoch) })).rowsChanged,
  readFence: async () => {
    const [fence] = await session.rows(selectFence(table));
    return fence === undefined ? undefined : Number(fence[0]);
  },
});

const commitUnit = (session: DuckDbSession, staging: StagingRegistry, { target, committedAt }: CommitBatch): CommitUnit<StagedRows> => ({
  ...fenceUnit(session, target.table),
  readLog: (dates) => readLog(session, target.table, dates),
  findStaged: async (entries) =>
    entries.map((entry) => {
      const staged = staging.get(target.table, entry.staging);
      return staged?.dates.has(entry.date) === true ? staged.rows : undefined;
    }),
  deleteRows: (dates) => session.run(deleteDates(target, dates)),
  insertRows: async (rows) => (await session.run(insertCommitted(target, rows), { committed_at: BigInt(committedAt) })).rowsChanged,
  deleteLog: (dates) => session.run(deleteLog(target.table, dates)),
  insertLog: (entries) => session.run(insertLog(target.table, entries)),
});

export const raiseFenceTo = (session: DuckDbSession, { table }: TableSpec, laneEpoch: number): Promise<void> =>
  session.transaction(() => takeFence(fenceUnit(session, table), table, laneEpoch));

export const commitEntries = (session: DuckDbSession, staging: StagingRegistry, batch: CommitBatch): Promise<readonly CommitLogEntry[]> =>
  session.transaction(() => applyCommit(commitUnit(session, staging, batch), batch));
