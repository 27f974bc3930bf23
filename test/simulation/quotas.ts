// The cloud's limits in a simulated run: counts what BigQuery, Firestore and Pub/Sub would count, refuses what they would
// refuse with the error that an adapter makes of it, and reports the peaks, so that a test can say how far below the limits a
// run has stayed. It decides nothing by chance and keeps no time of its own.
import { createDailyMeter } from '@floodgate/cloud-limits/daily-meter.ts';
import { createDmlQueue, type DmlQueue } from '@floodgate/cloud-limits/dml-queue.ts';
import { bigquery, firestore, pubsub } from '@floodgate/cloud-limits/limits.ts';
import { createRateMeter, type RateMeter } from '@floodgate/cloud-limits/rate-meter.ts';
import {
  contentionMessage,
  refuseDmlRate,
  refuseMetadataUpdate,
  refuseOutstandingDml,
  refusePartitionModifications,
  refusePartitionsOfJob,
  refuseTableModifications,
} from '@floodgate/cloud-limits/refusals.ts';
import { createSustainedWriteMeter } from '@floodgate/cloud-limits/sustained-write-meter.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { OutgoingMessage } from '@floodgate/core/ports/message-bus.ts';
import { StoreError } from '@floodgate/core/ports/status-store.ts';
import { WarehouseError, type WarehouseErrorCode } from '@floodgate/core/ports/warehouse.ts';
import type { PerTable, QuotaReport } from './quotas-report.ts';

export type QuotaOptions = {
  readonly now: () => number;
  /** `refuse`: as the cloud does. `measure`: nothing is refused and nothing waits; peaks show what would have been. */
  readonly mode: 'refuse' | 'measure';
};

type Written = readonly { readonly path: string }[];

export type Quotas = {
  /**
   * Runs a job of DML statements when BigQuery would: so many statements on each table, e.g. one on the target and two on its
   * log. Throws `rate_limited` at once where a table has had too many statements or has too many waiting; otherwise waits its
   * turn at every table. What runs holds its places until `work` has ended, whoever still wants the answer.
   */
  readonly mutate: <T>(statements: Readonly<Record<string, number>>, work: () => Promise<T>) => Promise<T>;
  /** The parts of `mutate`, for a warehouse with a queue of its own. `beginMutation` throws `rate_limited`. */
  readonly dmlStatements: (statements: Readonly<Record<string, number>>) => void;
  readonly beginMutation: (table: string, id: string) => 'run' | 'wait';
  /** The id that may run now, if any. */
  readonly endMutation: (table: string, id: string) => string | undefined;
  /** DDL or a patch of a table; DML counts here by itself. Throws `rate_limited`. */
  readonly metadataUpdate: (table: string) => void;
  /** A load or query job that writes so many partitions of a table. Throws `quota_exceeded`, or `invalid_sql` for too many of one job. */
  readonly partitionsModified: (table: string, partitions: number) => void;
  /** A load job into a table, and the partitions that it writes. Throws `quota_exceeded`. */
  readonly loadJob: (table: string, partitions: number) => void;
  /** Before a transaction is applied: throws StoreError `conflict` where one of its documents is written too often. Counts nothing. */
  readonly beforeWrites: (changes: Written) => void;
  /** A transaction was applied. */
  readonly written: (changes: Written) => void;
  /** One publish request. Throws FloodgateError `invalid_message` for what Pub/Sub would not take. */
  readonly published: (messages: readonly OutgoingMessage[]) => void;
  /** A delivery whose handler has ended. */
  readonly delivered: (delivery: { readonly subscription: string; readonly deliveryAttempt: number; readonly tookMs: number }) => void;
  readonly report: () => QuotaReport;
};

/** Meters of one kind, one per table. */
const createTableMeters = (make: () => RateMeter) => {
  const meters = new Map<string, RateMeter>();
  return {
    of: (table: string): RateMeter => {
      const known = meters.get(table) ?? make();
      meters.set(table, known);
      return known;
    },
    peaks: (): PerTable => Object.fromEntries([...meters].map(([table, meter]) => [table, meter.peak()])),
  };
};

const { dml, partitionedTable, load } = bigquery;

export const createQuotas = ({ now, mode }: QuotaOptions): Quotas => {
  const refuses = mode === 'refuse';
  const statementRates = createTableMeters(() => createRateMeter({ limit: dml.statementsPerTablePerWindow, windowMs: dml.statementsWindowMs }));
  const updateRates = createTableMeters(() =>
    createRateMeter({ limit: partitionedTable.metadataUpdatesPerWindow, windowMs: partitionedTable.metadataUpdatesWindowMs }),
  );
  const partitions = createTableMeters(() => createDailyMeter({ limit: partitionedTable.partitionModificationsPerDay }));
  const loads = createTableMeters(() => createDailyMeter({ limit: load.jobsPerTablePerDay }));
  const documents = createSustainedWriteMeter({ perSecond: firestore.document.sustainedWritesPerSecond, windowMs: firestore.document.sustainedWindowMs });
  const queues = new Map<string, DmlQueue>();
  const turns = new Map<string, () => void>();
  const refused = new Map<string, number>();
  const subscriptions = new Map<string, { deliveryAttempt: number; tookMs: number }>();
  let [jobs, mostPartitionsOfJob, mostMessagesOfRequest, largestMessageBytes] = [0, 0, 0, 0];

  const noteRefusal = (what: string): void => void refused.set(what, (refused.get(what) ?? 0) + 1);
  const refuse = (what: string, code: WarehouseErrorCode, { reason, message }: { readonly reason: string; readonly message: string }): never => {
    noteRefusal(what);
    throw new WarehouseError(code, `${message} (${reason})`);
  };
  const fits = (meter: RateMeter, limit: number, count: number): boolean => !refuses || meter.used(now()) + count <= limit;

  const queueOf = (table: string): DmlQueue => {
    const unlimited = { running: Number.POSITIVE_INFINITY, queued: 0 };
    const known = queues.get(table) ?? createDmlQueue(refuses ? { running: dml.runningMutationsPerTable, queued: dml.queuedMutationsPerTable } : unlimited);
    queues.set(table, known);
    return known;
  };

  const dmlStatements: Quotas['dmlStatements'] = (statements) => {
    const each = Object.entries(statements);
    for (const [table, count] of each) {
      if (!fits(statementRates.of(table), dml.statementsPerTablePerWindow, count)) refuse(`dml rate ${table}`, 'rate_limited', refuseDmlRate());
      if (!fits(updateRates.of(table), partitionedTable.metadataUpdatesPerWindow, count))
        refuse(`metadata updates ${table}`, 'rate_limited', refuseMetadataUpdate('partitioned'));
    }
    for (const [table, count] of each) {
      statementRates.of(table).record(now(), count);
      updateRates.of(table).record(now(), count);
    }
  };

  const beginMutation: Quotas['beginMutation'] = (table, id) => {
    const state = queueOf(table).begin(id);
    if (state === 'refused') return refuse(`outstanding dml ${table}`, 'rate_limited', refuseOutstandingDml(table));
    return state === 'running' ? 'run' : 'wait';
  };

  const endMutation: Quotas['endMutation'] = (table, id) => queueOf(table).end(id);

  const mutate: Quotas['mutate'] = async (statements, work) => {
    dmlStatements(statements);
    jobs += 1;
    const id = `job${jobs}`;
    const held: string[] = [];
    try {
      // Always in one order, so that two jobs never wait for one another.
      for (const table of Object.keys(statements).toSorted((a, b) => (a < b ? -1 : 1))) {
        const state = beginMutation(table, id);
        held.push(table);
        if (state === 'wait') {
          const { promise, resolve } = Promise.withResolvers<void>();
          turns.set(`${table} ${id}`, resolve);
          await promise;
        }
      }
      return await work();
    } finally {
      for (const table of held) {
        const key = `${table} ${endMutation(table, id) ?? ''}`;
        turns.get(key)?.();
        turns.delete(key);
      }
    }
  };

  const metadataUpdate: Quotas['metadataUpdate'] = (table) => {
    const meter = updateRates.of(table);
    if (!fits(meter, partitionedTable.metadataUpdatesPerWindow, 1)) refuse(`metadata updates ${table}`, 'rate_limited', refuseMetadataUpdate('partitioned'));
    meter.record(now());
  };

  const partitionsModified: Quotas['partitionsModified'] = (table, count) => {
    mostPartitionsOfJob = Math.max(mostPartitionsOfJob, count);
    if (refuses && count > partitionedTable.maxPartitionsPerJob) refuse(`partitions of one job ${table}`, 'invalid_sql', refusePartitionsOfJob(count));
    const meter = partitions.of(table);
    if (!fits(meter, partitionedTable.partitionModificationsPerDay, count))
      refuse(`partition modifications ${table}`, 'quota_exceeded', refusePartitionModifications());
    metadataUpdate(table);
    meter.record(now(), count);
  };

  const loadJob: Quotas['loadJob'] = (table, count) => {
    const meter = loads.of(table);
    if (!fits(meter, load.jobsPerTablePerDay, 1)) refuse(`load jobs ${table}`, 'quota_exceeded', refuseTableModifications());
    // Failed load jobs count, too.
    meter.record(now());
    partitionsModified(table, count);
  };

  const beforeWrites: Quotas['beforeWrites'] = (changes) => {
    if (!refuses) return;
    const at = now();
    const hot = changes.find(({ path }) => documents.isHot(path, at));
    if (hot === undefined) return;
    noteRefusal(`hot document ${hot.path}`);
    throw new StoreError('conflict', contentionMessage, { hint: hot.path });
  };

  const written: Quotas['written'] = (changes) => {
    const at = now();
    for (const { path } of changes) documents.record(path, at);
  };

  const refuseMessage = (what: string, topic: string): never => {
    noteRefusal(`message ${topic}`);
    throw new FloodgateError('invalid_message', `3 INVALID_ARGUMENT: ${what} (${topic})`);
  };

  const published: Quotas['published'] = (messages) => {
    mostMessagesOfRequest = Math.max(mostMessagesOfRequest, messages.length);
    if (messages.length === 0) return;
    let total = 0;
    for (const message of messages) {
      const { data, topic } = message;
      const bytes = Buffer.byteLength(data);
      total += bytes;
      largestMessageBytes = Math.max(largestMessageBytes, bytes);
      const problem = refuses ? problemOfMessage(message, bytes) : undefined;
      if (problem !== undefined) refuseMessage(problem, topic);
    }
    const { maxMessagesPerRequest, maxBytesPerRequest } = pubsub.publish;
    if (refuses && messages.length > maxMessagesPerRequest) refuseMessage(`${messages.length} messages in one request`, messages[0]?.topic ?? '');
    if (refuses && total > maxBytesPerRequest) refuseMessage(`a request of ${total} bytes`, messages[0]?.topic ?? '');
  };

  const delivered: Quotas['delivered'] = ({ subscription, deliveryAttempt, tookMs }) => {
    const before = subscriptions.get(subscription);
    if (before === undefined) subscriptions.set(subscription, { deliveryAttempt, tookMs });
    else {
      before.deliveryAttempt = Math.max(before.deliveryAttempt, deliveryAttempt);
      before.tookMs = Math.max(before.tookMs, tookMs);
    }
  };

  const report: Quotas['report'] = () => ({
    hottestDocuments: documents.hottest(10),
    outstandingMutations: Object.fromEntries([...queues].map(([table, queue]) => [table, queue.peak()])),
    dmlStatements: statementRates.peaks(),
    metadataUpdates: updateRates.peaks(),
    partitionModifications: partitions.peaks(),
    loadJobs: loads.peaks(),
    mostPartitionsOfJob,
    mostMessagesOfRequest,
    largestMessageBytes,
    subscriptions: Object.fromEntries([...subscriptions].map(([name, peaks]) => [name, { ...peaks }])),
    refused: Object.fromEntries(refused),
  });

  return {
    mutate,
    dmlStatements,
    beginMutation,
    endMutation,
    metadataUpdate,
    partitionsModified,
    loadJob,
    beforeWrites,
    written,
    published,
    delivered,
    report,
  };
};

const problemOfMessage = ({ attributes, orderingKey }: OutgoingMessage, dataBytes: number): string | undefined => {
  const limits = pubsub.message;
  if (dataBytes > limits.maxDataBytes) return `data of ${dataBytes} bytes`;
  if (orderingKey !== undefined && Buffer.byteLength(orderingKey) > limits.maxOrderingKeyBytes) return 'an ordering key of more than 1 KB';
  let count = 0;
  for (const name in attributes) {
    count += 1;
    // No text has more bytes of UTF-8 than three times its length: the usual one is not measured.
    if (name.length * 3 > limits.maxAttributeKeyBytes && Buffer.byteLength(name) > limits.maxAttributeKeyBytes)
      return `an attribute's name of more than 256 bytes`;
    const value = attributes[name] ?? '';
    if (value.length * 3 > limits.maxAttributeValueBytes && Buffer.byteLength(value) > limits.maxAttributeValueBytes)
      return `attribute "${name}" of more than 1,024 bytes`;
  }
  return count > limits.maxAttributes ? `${count} attributes` : undefined;
};
