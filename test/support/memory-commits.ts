// A transaction of the warehouse in memory: snapshot isolation with BigQuery's documented rule. Two transactions that update or
// delete in one table conflict, and the one that commits later fails without effect; reading and appending conflicts with
// nothing (cloud.google.com/bigquery/docs/transactions, "Transaction concurrency"). An insert appends: whatever it finds
// stays, so that rows are doubled where nothing keeps two first fills apart.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { CommitUnit } from '@floodgate/core/ports/commit-rules.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { WarehouseError, type CommitLogEntry } from '@floodgate/core/ports/warehouse.ts';
import { entriesOf, toCommitted, type MemoryTable, type TableState } from './memory-tables.ts';

type Draft = {
  readonly rows: Map<PartitionDate, readonly JsonObject[]>;
  readonly log: Map<PartitionDate, readonly CommitLogEntry[]>;
  fence: number;
};
type Change = (draft: Draft) => void;

const draftOf = ({ rows, log, fence }: TableState): Draft => ({ rows: new Map(rows), log: new Map(log), fence });

/** The same changes on what others have committed since. */
const replay = (state: TableState, changes: readonly Change[]): Draft => {
  const draft = draftOf(state);
  for (const change of changes) change(draft);
  return draft;
};

/** What a transaction has not seen it does not delete. */
const remove = <Value>(dates: Map<PartitionDate, readonly Value[]>, date: PartitionDate, seen: readonly Value[]): void => {
  const there = dates.get(date) ?? [];
  const left = there === seen ? [] : there.filter((value) => !seen.includes(value));
  if (left.length === 0) dates.delete(date);
  else dates.set(date, left);
};

export type MemoryTransaction = CommitUnit<readonly JsonObject[]> & {
  /** In one step; throws `transaction_conflict`, and then nothing has happened. */
  readonly commit: () => void;
  /** Dates whose rows or log entry it changes. */
  readonly dates: ReadonlySet<PartitionDate>;
  /** Log entries that it writes. */
  readonly logged: readonly CommitLogEntry[];
};

/** `pause`: how long each statement takes. The snapshot is that of the moment of this call. */
export const beginTransaction = (name: string, table: MemoryTable, pause: () => Promise<void> | undefined): MemoryTransaction => {
  const base = table.state;
  const changes: Change[] = [];
  const dates = new Set<PartitionDate>();
  const logged: CommitLogEntry[] = [];
  let [mutatesRows, mutatesLog] = [false, false];
  /** The snapshot with this transaction's own changes, once it has any. */
  let draft: Draft | undefined;
  const seen = (): Pick<TableState, 'rows' | 'log' | 'fence'> => draft ?? base;
  const change = (more: Change, changed: Iterable<PartitionDate>): void => {
    changes.push(more);
    more((draft ??= draftOf(base)));
    for (const date of changed) dates.add(date);
  };
  return {
    dates,
    logged,
    raiseFence: async (laneEpoch) => {
      await pause();
      if (seen().fence > laneEpoch) return 0;
      mutatesLog = true;
      change((to) => void (to.fence = laneEpoch), []);
      return 1;
    },
    readFence: async () => seen().fence,
    readLog: async (of) => {
      await pause();
      return entriesOf(seen().log, of);
    },
    findStaged: async (entries) => entries.map(({ staging, date }) => table.stagings.get(staging)?.get(date)),
    deleteRows: async (of) => {
      await pause();
      const before = of.map((date) => [date, seen().rows.get(date) ?? []] as const);
      mutatesRows ||= before.some(([, rows]) => rows.length > 0);
      change((to) => before.forEach(([date, rows]) => remove(to.rows, date, rows)), of);
    },
    insertRows: async (staged) => {
      await pause();
      for (const { entry, rows } of staged) {
        const committed = toCommitted(rows, entry.generation, entry.backfillId);
        change(
          (to) => {
            const before = to.rows.get(entry.date) ?? [];
            to.rows.set(entry.date, before.length === 0 ? committed : [...before, ...committed]);
          },
          [entry.date],
        );
      }
      return staged.reduce((sum, { rows }) => sum + rows.length, 0);
    },
    deleteLog: async (of) => {
      await pause();
      const before = of.map((date) => [date, seen().log.get(date) ?? []] as const);
      mutatesLog ||= before.some(([, entries]) => entries.length > 0);
      change((to) => before.forEach(([date, entries]) => remove(to.log, date, entries)), of);
    },
    insertLog: async (entries) => {
      await pause();
      logged.push(...entries);
      change(
        (to) => entries.forEach((entry) => to.log.set(entry.date, [...(to.log.get(entry.date) ?? []), entry])),
        entries.map(({ date }) => date),
      );
    },
    commit: () => {
      const { state } = table;
      if ((mutatesRows && state.rowsMutated > base.number) || (mutatesLog && state.logMutated > base.number))
        throw new WarehouseError('transaction_conflict', `another transaction has changed ${name} or its log since this one began`);
      const number = state.number + 1;
      table.state = {
        ...(state === base ? seen() : replay(state, changes)),
        number,
        rowsMutated: mutatesRows ? number : state.rowsMutated,
        logMutated: mutatesLog ? number : state.logMutated,
      };
    },
  };
};
