// Nothing lives in a process: what a crash left half done is found here. On a timer, at start, and on request.
import {
  backfillPath,
  backfillSchema,
  deadLetterPath,
  dispatchSchema,
  gatePath,
  gateSchema,
  ledgerYearSchema,
  messageDeadLetterId,
  parseDocument,
  taskSchema,
  type DeadLetterDocument,
  type LedgerYearDocument,
  type TaskDocument,
} from '../contracts/documents.ts';
import { digestText } from '../domain/digest.ts';
import type { Failure } from '../domain/failure.ts';
import { ledgerPathOf } from '../domain/ledger.ts';
import type { Pipeline } from '../domain/pipeline.ts';
import { openStates } from '../domain/task-state.ts';
import type { MessageAttributes } from '../ports/message-bus.ts';
import type { CommitLogEntry } from '../ports/warehouse.ts';
import { stagingsInUse } from './adopt-job.ts';
import { bindWarehouse } from './deadline.ts';
import type { EngineDeps, StoreDeps } from './deps.ts';
import type { LeaseWatch } from './lease-watch.ts';
import { specOf } from './ledger-reader.ts';
import { drainOutbox, transact } from './outbox.ts';
import { moveTask, pathOfTask, saveTask } from './task-writes.ts';

export type ReconcileDeps = EngineDeps & {
  /** Kept between runs: a lease is judged dead by how long its heartbeat has stood still. */
  readonly watch: LeaseWatch;
  /** Age from which an outbox document counts as left behind, and a queued task as lost. */
  readonly outboxAgeMs: number;
  readonly queuedAgeMs: number;
};

export type ReconcileReport = {
  readonly messagesSent: number;
  readonly leasesRecovered: number;
  readonly tasksRecovered: number;
  readonly queuedRecovered: number;
  readonly lanesRung: number;
  readonly backfillsRung: number;
};

export const reconcile = async (deps: ReconcileDeps): Promise<ReconcileReport> => {
  const messagesSent = await drainOutbox(deps, deps.outboxAgeMs);
  const recovered = await recoverLeases(deps);
  const queuedRecovered = await recoverQueued(deps);
  const lanesRung = await ringLanes(deps);
  const backfillsRung = await ringBackfills(deps);
  const report = { messagesSent, ...recovered, queuedRecovered, lanesRung, backfillsRung };
  if (messagesSent + recovered.leasesRecovered + queuedRecovered > 0) deps.logger.info(report, 'reconciled');
  return report;
};

const recoverLeases = async (deps: ReconcileDeps): Promise<{ readonly leasesRecovered: number; readonly tasksRecovered: number }> => {
  let [leasesRecovered, tasksRecovered] = [0, 0];
  for (const document of await deps.store.query({ collection: 'leases' })) {
    const seen = parseDocument(dispatchSchema, document);
    if (!deps.watch.isDead(document.path, seen)) continue;
    const recovered = await transact(deps, async (transaction, send) => {
      const stored = await transaction.get(document.path);
      const lease = stored === undefined ? undefined : parseDocument(dispatchSchema, stored);
      if (lease === undefined || lease.holder !== seen.holder || lease.heartbeat !== seen.heartbeat) return undefined;
      const epochs = new Map(lease.tasks.map(({ path, epoch }) => [path, epoch]));
      const documents = await transaction.getMany(lease.tasks.map(({ path }) => path));
      let count = 0;
      const left = new Set<string>();
      for (const taskDocument of documents) {
        const task = taskDocument === undefined ? undefined : parseDocument(taskSchema, taskDocument);
        if (taskDocument === undefined || task?.state !== 'running' || task.epoch !== epochs.get(taskDocument.path)) continue;
        // The attempt stays charged: whatever killed the worker may do it again (P86). If it is one date of the span, shorter
        // spans find it before the attempts of all are used up.
        const spanLimit = Math.min(task.spanLimit, Math.ceil(lease.tasks.length / 8));
        const failure = { code: 'lease_expired', class: 'transient', message: `worker ${lease.holder} stopped renewing its lease` };
        // One task alone keeps the job: its next claim adopts it, or cancels it where shorter spans follow (`adopt-job.ts`).
        const job = task.job === null || left.has(task.job.jobId) ? null : task.job;
        if (job !== null) left.add(job.jobId);
        saveTask(transaction, moveTask(task, 'recover_running', { epoch: task.epoch + 1, dispatchId: '', job, notBefore: 0, spanLimit, failure }));
        count += 1;
      }
      transaction.delete(document.path);
      send('floodgate.backfill.moved', { backfillId: lease.backfillId }, { subject: lease.backfillId, traceparent: '' });
      return count;
    });
    deps.watch.forget(document.path);
    if (recovered === undefined) continue;
    leasesRecovered += 1;
    tasksRecovered += recovered;
  }
  return { leasesRecovered, tasksRecovered };
};

/** Tasks whose dispatch was lost, whatever lost it, are released again. */
const recoverQueued = async (deps: ReconcileDeps): Promise<number> => {
  const documents = await deps.store.query({ group: 'tasks', where: [{ field: 'state', op: '==', value: 'queued' }] });
  const old = documents.map((document) => parseDocument(taskSchema, document)).filter(({ releasedAt }) => deps.clock.now() - releasedAt > deps.queuedAgeMs);
  let count = 0;
  for (const chunk of chunksOf(old, 200)) {
    count += await transact(deps, async (transaction, send) => {
      const tasks = (await transaction.getMany(chunk.map(pathOfTask))).flatMap((document) =>
        document === undefined ? [] : [parseDocument(taskSchema, document)],
      );
      const lost = tasks.filter(({ state, releasedAt }) => state === 'queued' && deps.clock.now() - releasedAt > deps.queuedAgeMs);
      for (const task of lost) saveTask(transaction, moveTask(task, 'recover_queued', { epoch: task.epoch + 1, dispatchId: '', notBefore: 0 }));
      for (const backfillId of new Set(lost.map((task) => task.backfillId)))
        send('floodgate.backfill.moved', { backfillId }, { subject: backfillId, traceparent: '' });
      return lost.length;
    });
  }
  return count;
};

const chunksOf = <T>(items: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));

const ringLanes = async (deps: ReconcileDeps): Promise<number> => {
  const documents = await deps.store.query({ group: 'tasks', where: [{ field: 'state', op: 'in', value: ['staged', 'committing'] }] });
  const tables = new Set(documents.map((document) => parseDocument(taskSchema, document).table));
  if (tables.size === 0) return 0;
  await transact(deps, async (_, send) => {
    for (const table of tables) send('floodgate.lane.rung', { table }, { subject: table, traceparent: '' });
  });
  return tables.size;
};

/** Rings every active backfill, and the validator for every gate of it that is not open. */
const ringBackfills = async (deps: ReconcileDeps): Promise<number> => {
  const active = await deps.store.query({ collection: 'backfills', where: [{ field: 'state', op: '==', value: 'active' }] });
  for (const document of active) {
    const { backfillId, phases, traceparent } = parseDocument(backfillSchema, document);
    const gates = await deps.store.getMany(phases.map((phase) => gatePath(backfillId, phase)));
    const shut = phases.filter((_, index) => gates[index] === undefined || parseDocument(gateSchema, gates[index]).state !== 'open');
    await transact(deps, async (_, send) => {
      send('floodgate.backfill.moved', { backfillId }, { subject: backfillId, traceparent });
      if (shut.length > 0) send('floodgate.tasks.ended', { backfillId, phases: shut }, { subject: backfillId, traceparent });
    });
  }
  return active.length;
};

/**
 * Leaves out tasks that wait with a job in a backfill that has ended: nobody may ever adopt it. Where an operator reopens
 * the backfill after all, the job's rows are found missing, and computed anew.
 */
const withoutEnded = async (deps: StoreDeps, tasks: readonly TaskDocument[]): Promise<readonly TaskDocument[]> => {
  const mayAdopt = (task: TaskDocument): boolean => (task.state === 'waiting' || task.state === 'queued') && task.job !== null;
  const ids = [...new Set(tasks.filter(mayAdopt).map(({ backfillId }) => backfillId))];
  const backfills = await deps.store.getMany(ids.map(backfillPath));
  const ended = new Set(ids.filter((_, index) => backfills[index] === undefined || parseDocument(backfillSchema, backfills[index]).state !== 'active'));
  return tasks.filter((task) => !mayAdopt(task) || !ended.has(task.backfillId));
};

/** Stagings that no task refers to any more are dropped. Returns their names. */
export const dropOrphanStaging = async (given: EngineDeps, pipeline: Pipeline, signal: AbortSignal): Promise<readonly string[]> => {
  const deps = bindWarehouse(given);
  const dropped: string[] = [];
  for (const processor of pipeline.processors.filter(({ kind }) => kind !== 'external')) {
    const target = specOf(processor);
    const names = await deps.warehouse.listStaging(target, signal);
    if (names.length === 0) continue;
    // Listed first, then the tasks: a staging made in between is not in the list, so it can't be taken for an orphan.
    const documents = await deps.store.query({
      group: 'tasks',
      where: [{ field: 'state', op: 'in', value: [...openStates, 'quarantined'] }],
    });
    const tasks = await withoutEnded(
      deps,
      documents.map((document): TaskDocument => parseDocument(taskSchema, document)),
    );
    const used = new Set(tasks.flatMap(stagingsInUse));
    // A worker preserves rows of a running task before the task says so: under the generation of its own claim, also where
    // it has adopted a job.
    const running = tasks.filter(({ state }) => state === 'running').map(({ generation }) => generation.toString(36));
    const orphans = names.filter((name) => !used.has(name) && !running.some((generation) => name.endsWith(`_${generation}`)));
    await deps.warehouse.dropStaging(target, orphans, signal);
    dropped.push(...orphans);
  }
  return dropped;
};

export type RebuildReport = { readonly processors: readonly { readonly processorId: string; readonly repaired: number; readonly vanished: number }[] };

/**
 * Makes the ledger say what the commit logs say. Entries that were missing or older come back without code hash and
 * digest, so they count as stale; entries that the log does not have are removed.
 */
export const rebuildLedger = async (given: EngineDeps, pipeline: Pipeline, signal: AbortSignal): Promise<RebuildReport> => {
  const deps = bindWarehouse(given);
  const processors: { processorId: string; repaired: number; vanished: number }[] = [];
  for (const processor of pipeline.processors.filter(({ kind }) => kind !== 'external')) {
    await deps.warehouse.prepareTable(specOf(processor), signal);
    let [repaired, vanished] = [0, 0];
    for (;;) {
      // The ledger is read before the log: a lane settles after it has committed, so that what its settlement adds meanwhile is
      // either in this log, or has changed the document by the time it is to be written, and both are read again.
      const known = (await deps.store.query({ collection: 'ledger' })).filter(({ path }) => path.startsWith(`ledger/${pipeline.id}:${processor.id}:`));
      const log = await deps.warehouse.readCommitLog(specOf(processor), 'all', signal);
      const years = Map.groupBy(log, ({ date }) => ledgerPathOf(pipeline.id, processor.id, date));
      let overtaken = false;
      for (const path of new Set([...years.keys(), ...known.map((document) => document.path)])) {
        const seen = known.find((document) => document.path === path)?.version ?? 0;
        const counts = await rebuildYear(deps, path, years.get(path) ?? [], seen);
        if (counts === 'overtaken') overtaken = true;
        else [repaired, vanished] = [repaired + counts.fixed, vanished + counts.lost];
      }
      if (!overtaken) break;
    }
    processors.push({ processorId: processor.id, repaired, vanished });
  }
  return { processors };
};

/** `seen`: the version of the document before the log was read. */
const rebuildYear = async (
  deps: StoreDeps,
  path: string,
  log: readonly CommitLogEntry[],
  seen: number,
): Promise<{ readonly fixed: number; readonly lost: number } | 'overtaken'> =>
  deps.store.transaction(async (transaction) => {
    const document = await transaction.get(path);
    if ((document?.version ?? 0) !== seen) return 'overtaken';
    const before = document === undefined ? {} : parseDocument(ledgerYearSchema, document).entries;
    const entries: LedgerYearDocument['entries'] = {};
    let fixed = 0;
    for (const { date, generation, contentHash, rows, backfillId, committedAt } of log) {
      const entry = before[date];
      if (entry !== undefined && entry.generation >= generation && entry.contentHash === contentHash) entries[date] = entry;
      else {
        entries[date] = { generation, contentHash, rows, codeHash: '', inputDigest: '', backfillId, committedAt, computeMs: 0 };
        fixed += 1;
      }
    }
    const lost = Object.keys(before).filter((date) => !Object.hasOwn(entries, date)).length;
    if (fixed + lost > 0) transaction.set(path, { entries });
    return { fixed, lost };
  });

type ReceivedMessage = { readonly attributes: MessageAttributes; readonly data: string };

/** A message that can't be read. */
export const recordMalformed = (deps: StoreDeps, message: ReceivedMessage, problem: string): Promise<void> =>
  recordMessage(deps, message, { code: 'malformed_message', class: 'permanent', message: problem });

/** A message that nothing can be done with, as a dead letter keyed by its content, so that it neither loops nor is lost. */
export const recordMessage = async (deps: StoreDeps, message: ReceivedMessage, failure: Failure): Promise<void> => {
  const deadLetterId = messageDeadLetterId(message.attributes, message.data);
  const entry: DeadLetterDocument = {
    deadLetterId,
    kind: 'message',
    state: 'open',
    pipelineId: '',
    backfillId: '',
    processorId: '',
    date: '',
    failure,
    causeGroup: `message:${digestText(failure.message).slice(0, 6)}`,
    attempts: 1,
    message: { attributes: { ...message.attributes }, data: message.data.slice(0, 100_000) },
    openedAt: deps.clock.now(),
    closedAt: null,
    traceparent: message.attributes['traceparent'] ?? '',
  };
  await deps.store.transaction(async (transaction) => {
    const before = await transaction.get(deadLetterPath(deadLetterId));
    if (before === undefined) transaction.create(deadLetterPath(deadLetterId), entry);
  });
  deps.logger.warn({ deadLetterId, problem: failure.message }, 'a message became a dead letter');
};
