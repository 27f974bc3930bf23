// The limits of BigQuery on one table, counted and refused in the cloud's words. All numbers and their sources are in
// packages/cloud-limits. Without limits everything passes.
import { createDailyMeter } from '@floodgate/cloud-limits/daily-meter.ts';
import { createDmlQueue, type DmlQueue } from '@floodgate/cloud-limits/dml-queue.ts';
import { bigquery } from '@floodgate/cloud-limits/limits.ts';
import { createRateMeter, type RateMeter } from '@floodgate/cloud-limits/rate-meter.ts';
import {
  refuseDmlRate,
  refuseMetadataUpdate,
  refuseOutstandingDml,
  refusePartitionModifications,
  refuseTableModifications,
  type Refusal,
} from '@floodgate/cloud-limits/refusals.ts';
import type { EmulatorClock } from '../control/emulator-clock.ts';
import { BigQueryProblem } from '../problem.ts';
import { formatTableId, type TableId } from '../types.ts';

export type Quotas = {
  /**
   * Before a DML statement runs; it may have to wait. Answers what to call at its end. `mutate`: UPDATE, DELETE, TRUNCATE and
   * MERGE, of which two run on a table; INSERT waits only where a table had too many of them in a day.
   */
  readonly beginDml: (statement: {
    readonly table: TableId;
    readonly mutate: boolean;
    readonly isPartitioned: boolean;
    /**
     * Its transaction conflicts with others instead of waiting for them, and must not wait in this queue: those in front may wait
     * for the transaction. https://docs.cloud.google.com/bigquery/docs/transactions#transaction_concurrency
     */
    readonly inTransaction: boolean;
    readonly signal: AbortSignal;
  }) => Promise<() => void>;
  /** Before DDL, a patch, and every job that writes a table. */
  readonly updateMetadata: (table: TableId, isPartitioned: boolean) => void;
  /** Before a load, copy or query job writes into a table. */
  readonly beginTableJob: (table: TableId, type: 'load' | 'copy' | 'query', isPartitioned: boolean) => void;
  /** After it: how many partitions it has written. */
  readonly recordPartitions: (table: TableId, partitions: number) => void;
  readonly clear: () => void;
};

const refuse = ({ reason, message }: Refusal): BigQueryProblem => new BigQueryProblem(reason, message);

/** Running and waiting statements of one table. */
type Line = { readonly queue: DmlQueue; readonly waiting: Map<string, () => void> };

export const createQuotas = ({ limits, clock }: { readonly limits: boolean; readonly clock: EmulatorClock }): Quotas => {
  const meters = new Map<string, RateMeter>();
  const lines = new Map<string, Line>();
  let nextId = 0;
  const meter = (name: string, table: TableId | undefined, create: () => RateMeter): RateMeter => {
    const key = `${name} ${table === undefined ? '' : formatTableId(table)}`;
    const known = meters.get(key) ?? create();
    meters.set(key, known);
    return known;
  };
  const { dml, partitionedTable, standardTable, load, copy } = bigquery;
  const dmlRate = (table: TableId): RateMeter =>
    meter('dml', table, () => createRateMeter({ limit: dml.statementsPerTablePerWindow, windowMs: dml.statementsWindowMs }));
  const metadata = (table: TableId, isPartitioned: boolean): RateMeter => {
    const of = isPartitioned ? partitionedTable : standardTable;
    return meter(isPartitioned ? 'metadata of partitioned' : 'metadata', table, () =>
      createRateMeter({ limit: of.metadataUpdatesPerWindow, windowMs: of.metadataUpdatesWindowMs }),
    );
  };
  const daily = (name: string, table: TableId | undefined, limit: number): RateMeter => meter(name, table, () => createDailyMeter({ limit }));
  const partitionMeter = (table: TableId): RateMeter => daily('partitions', table, partitionedTable.partitionModificationsPerDay);

  const updateMetadata = (table: TableId, isPartitioned: boolean): void => {
    if (!limits || metadata(table, isPartitioned).take(clock.now())) return;
    throw refuse(refuseMetadataUpdate(isPartitioned ? 'partitioned' : 'standard'));
  };

  const takeTurn = async (
    key: string,
    size: { readonly running: number; readonly queued: number },
    signal: AbortSignal,
    table: TableId,
  ): Promise<() => void> => {
    const line = lines.get(key) ?? { queue: createDmlQueue(size), waiting: new Map<string, () => void>() };
    lines.set(key, line);
    nextId += 1;
    const id = String(nextId);
    const end = (): void => {
      const next = line.queue.end(id);
      if (next === undefined) return;
      const begin = line.waiting.get(next);
      line.waiting.delete(next);
      begin?.();
    };
    const state = line.queue.begin(id);
    if (state === 'refused') throw refuse(refuseOutstandingDml(formatTableId(table)));
    if (state === 'running') return end;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stop = new AbortController();
    const abort = (): void => leave(signal.reason);
    const leave = (reason: unknown): void => {
      if (!line.waiting.delete(id)) return;
      end();
      stop.abort();
      reject(reason);
    };
    line.waiting.set(id, () => {
      stop.abort();
      signal.removeEventListener('abort', abort);
      resolve();
    });
    signal.addEventListener('abort', abort);
    clock.sleep(dml.queueTimeoutMs, stop.signal).then(
      () => leave(new BigQueryProblem('stopped', 'Job execution was cancelled: the statement waited too long in the queue of DML statements of its table')),
      () => {},
    );
    await promise;
    return end;
  };

  return {
    beginDml: async ({ table, mutate, isPartitioned, inTransaction, signal }) => {
      signal.throwIfAborted();
      if (!limits) return () => {};
      if (!dmlRate(table).take(clock.now())) throw refuse(refuseDmlRate());
      // DML counts as an update of a standard table's metadata, but is not refused by it.
      if (isPartitioned) updateMetadata(table, true);
      else metadata(table, false).record(clock.now());
      if (inTransaction) return () => {};
      const key = formatTableId(table);
      if (mutate) return await takeTurn(`mutate ${key}`, { running: dml.runningMutationsPerTable, queued: dml.queuedMutationsPerTable }, signal, table);
      const inserts = daily('inserts', table, dml.unhinderedInsertsPerTablePerDay);
      if (inserts.take(clock.now())) return () => {};
      return await takeTurn(`insert ${key}`, { running: dml.runningInsertsPerTable, queued: dml.queuedInsertsPerTable }, signal, table);
    },
    updateMetadata,
    beginTableJob: (table, type, isPartitioned) => {
      if (!limits) return;
      const now = clock.now();
      if (isPartitioned && partitionMeter(table).used(now) >= partitionedTable.partitionModificationsPerDay) throw refuse(refusePartitionModifications());
      if (type === 'load' && !daily('loads', undefined, load.jobsPerProjectPerDay).take(now)) throw refuse(refuseTableModifications());
      if (type === 'copy' && !daily('copies', undefined, copy.jobsPerProjectPerDay).take(now)) throw refuse(refuseTableModifications());
      if (type === 'load' && !daily('loads', table, load.jobsPerTablePerDay).take(now)) throw refuse(refuseTableModifications());
      if (!isPartitioned && !daily('modifications', table, standardTable.modificationsPerDay).take(now)) throw refuse(refuseTableModifications());
      updateMetadata(table, isPartitioned);
    },
    recordPartitions: (table, partitions) => {
      if (limits && partitions > 0) partitionMeter(table).record(clock.now(), partitions);
    },
    clear: () => {
      meters.clear();
      // Statements under way still end in their own lines.
      lines.clear();
    },
  };
};
