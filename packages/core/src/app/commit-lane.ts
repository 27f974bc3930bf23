// The serial path on which staged partitions of ONE table are committed together. The holder records the batch and its
// job in one transaction, commits it as one atomic unit of the warehouse, and settles tasks, ledger and messages in one
// transaction. Whatever dies in between, the commit log says whether the commit happened.
import {
  controlPath,
  controlSchema,
  lanePath,
  laneSchema,
  ledgerYearSchema,
  parseDocument,
  taskSchema,
  type LaneDocument,
  type LedgerYearDocument,
  type TaskDocument,
} from '../contracts/documents.ts';
import { backoffMs, decideAfterFailure, toFailure, type Failure } from '../domain/failure.ts';
import { ledgerPathOf } from '../domain/ledger.ts';
import type { PartitionDate } from '../domain/partition-date.ts';
import { processorById, type Processor } from '../domain/pipeline.ts';
import type { StoreReader } from '../ports/status-store.ts';
import { WarehouseError, type CommitLogEntry, type JobLabels } from '../ports/warehouse.ts';
import { chooseBatch, countComing } from './choose-batch.ts';
import { bindWarehouse } from './deadline.ts';
import type { EngineDeps } from './deps.ts';
import { createLeaseWatch, type LeaseWatch } from './lease-watch.ts';
import { specOf } from './ledger-reader.ts';
import { transact } from './outbox.ts';
import type { PlanReader } from './plan-store.ts';
import { closeDeadLetters, moveTask, pathOfTask, readDeadLetters, saveDeadLetter, saveTask } from './task-writes.ts';

export type LaneDeps = EngineDeps & {
  readonly plans: PlanReader;
  /** How long the lane waits for company before it commits fewer than `maxDates` dates. */
  readonly lingerMs: number;
  /** Dates in one commit; a longer span commits alone. */
  readonly maxDates: number;
  /** From one batch to the next, at least: 0 where the store doesn't mind, seconds on Firestore, which bears one write of a document a second. */
  readonly batchEveryMs: number;
};

export type LaneOutcome =
  | { readonly outcome: 'held_by_other' }
  | { readonly outcome: 'drained'; readonly commits: number; readonly dates: number }
  | { readonly outcome: 'lost' }
  | { readonly outcome: 'halt'; readonly failure: Failure };

const maxCommitTries = 5;

type Batch = { readonly processor: Processor; readonly jobId: string; readonly tasks: readonly TaskDocument[] };

/** Lanes of one worker process. Ringing a lane that this process holds is a flag, not a transaction. */
export type CommitLanes = {
  /** Serves the lane until it has nothing to do. `rung`: this process already serves it and will look again. */
  readonly serve: (table: string, signal: AbortSignal) => Promise<LaneOutcome | { readonly outcome: 'rung' }>;
};

export const createCommitLanes = (given: LaneDeps): CommitLanes => {
  const deps = bindWarehouse(given);
  const watch = createLeaseWatch(deps.clock, deps.lease);
  const running = new Map<string, { rung: boolean }>();
  return {
    serve: async (table, signal) => {
      const current = running.get(table);
      if (current !== undefined) {
        current.rung = true;
        return { outcome: 'rung' };
      }
      const state = { rung: false };
      running.set(table, state);
      try {
        // Lost: somebody else holds it now and has to be rung. Rung: a doorbell that was answered `rung` came in the very
        // moment of leaving, or after the other holder was rung; its message is acked, so nobody else will look.
        for (;;) {
          state.rung = false;
          const outcome = await serveLane(deps, watch, table, state, signal);
          if (outcome.outcome === 'halt' || signal.aborted) return outcome;
          if (outcome.outcome !== 'lost' && !state.rung) return outcome;
        }
      } finally {
        running.delete(table);
      }
    },
  };
};

const serveLane = async (deps: LaneDeps, watch: LeaseWatch, table: string, local: { rung: boolean }, signal: AbortSignal): Promise<LaneOutcome> => {
  const lane = await enterLane(deps, watch, table);
  if (lane === 'held_by_other') return { outcome: 'held_by_other' };
  const finished = new AbortController();
  const lost = new AbortController();
  const beats = keepLane(deps, lane, lost, finished.signal);
  const stop = AbortSignal.any([signal, lost.signal]);
  let [commits, dates, tries, alone] = [0, 0, 0, false];
  try {
    if (lane.job !== null && !(await settleAbandoned(deps, lane, stop))) return { outcome: 'lost' };
    for (;;) {
      if (stop.aborted) {
        await leaveLane(deps, lane, 'at_once');
        return lost.signal.aborted ? { outcome: 'lost' } : { outcome: 'drained', commits, dates };
      }
      local.rung = false;
      const begunAt = deps.clock.now();
      const batch = await beginBatch(deps, lane, alone);
      if (batch === 'lost') return { outcome: 'lost' };
      if (batch === undefined) {
        if (local.rung) continue;
        const left = await leaveLane(deps, lane, 'unless_rung');
        if (left === 'left') return { outcome: 'drained', commits, dates };
        if (left === 'lost') return { outcome: 'lost' };
        continue;
      }
      const result = await commitBatch(deps, lane, batch, tries + 1, stop);
      if (result.outcome === 'lost') return { outcome: 'lost' };
      if (result.outcome === 'halt') {
        await leaveLane(deps, lane, 'at_once');
        return result;
      }
      if (result.outcome === 'committed') {
        [commits, dates, tries, alone] = [commits + 1, dates + batch.tasks.length, 0, false];
        // Before the lane is left as well: whoever takes it next could not know.
        await deps.clock.sleep(Math.max(0, begunAt + deps.batchEveryMs - deps.clock.now()), stop).catch(() => undefined);
        continue;
      }
      // One bad staging must not fail the others: they are tried one by one.
      alone = true;
      tries = result.outcome === 'returned' ? tries + 1 : 0;
      if (result.outcome === 'returned')
        await deps.clock.sleep(backoffMs({ maxAttempts: maxCommitTries, baseMs: 100, maxMs: 5_000 }, tries, deps.ids.random()), stop).catch(() => undefined);
    }
  } finally {
    finished.abort('finished');
    await beats;
  }
};

/** Takes the lane; where somebody alive holds it, makes sure that he does not leave without looking again. */
const enterLane = async (deps: LaneDeps, watch: LeaseWatch, table: string): Promise<LaneDocument | 'held_by_other'> => {
  const path = lanePath(table);
  const isHeld = (lane: LaneDocument): boolean => lane.holder !== '' && lane.holder !== deps.lease.holder && !watch.isDead(path, lane);
  // A plain read: dozens who stage at once neither write this document nor lock it.
  const seen = await readLane(deps.store, table);
  if (seen !== undefined && isHeld(seen) && seen.rung) return 'held_by_other';
  return deps.store.transaction(async (transaction): Promise<LaneDocument | 'held_by_other'> => {
    const lane = await readLane(transaction, table);
    if (lane !== undefined && isHeld(lane)) {
      if (!lane.rung) transaction.set(path, { ...lane, rung: true });
      return 'held_by_other';
    }
    const next: LaneDocument = {
      table,
      epoch: (lane?.epoch ?? 0) + 1,
      holder: deps.lease.holder,
      heartbeat: (lane?.heartbeat ?? 0) + 1,
      rung: true,
      job: lane?.job ?? null,
    };
    transaction.set(path, next);
    return next;
  });
};

const isOurs = (stored: LaneDocument | undefined, lane: LaneDocument): stored is LaneDocument =>
  stored !== undefined && stored.epoch === lane.epoch && stored.holder === lane.holder;

const readLane = async (reader: StoreReader, table: string): Promise<LaneDocument | undefined> => {
  const document = await reader.get(lanePath(table));
  return document === undefined ? undefined : parseDocument(laneSchema, document);
};

/** Where somebody may count on one more look, this takes the promise back instead of leaving; the look has to follow. */
const leaveLane = async (deps: LaneDeps, lane: LaneDocument, how: 'unless_rung' | 'at_once'): Promise<'left' | 'lost' | 'rung'> =>
  deps.store.transaction(async (transaction): Promise<'left' | 'lost' | 'rung'> => {
    const stored = await readLane(transaction, lane.table);
    if (!isOurs(stored, lane)) return 'lost';
    const mustLook = how === 'unless_rung' && stored.rung;
    transaction.set(lanePath(lane.table), { ...stored, rung: false, heartbeat: stored.heartbeat + 1, holder: mustLook ? stored.holder : '' });
    return mustLook ? 'rung' : 'left';
  });

const keepLane = async (deps: LaneDeps, lane: LaneDocument, lost: AbortController, finished: AbortSignal): Promise<void> => {
  for (;;) {
    try {
      await deps.clock.sleep(deps.lease.leaseMs / 3, finished);
    } catch {
      return; // finished
    }
    try {
      const kept = await deps.store.transaction(async (transaction) => {
        const stored = await readLane(transaction, lane.table);
        if (!isOurs(stored, lane)) return false;
        transaction.set(lanePath(lane.table), { ...stored, heartbeat: stored.heartbeat + 1 });
        return true;
      });
      if (!kept) lost.abort();
    } catch (error) {
      deps.logger.warn({ table: lane.table, err: error }, 'lane not renewed');
    }
  }
};

const beginBatch = async (deps: LaneDeps, lane: LaneDocument, alone: boolean): Promise<Batch | 'lost' | undefined> => {
  let chosen = await chooseBatch(deps, lane.table, alone);
  // A commit costs about the same for one date as for fifty, so the lane waits for company, but only while some is coming.
  const deadline = deps.clock.now() + deps.lingerMs;
  while (chosen.length > 0 && !alone && chosen.length < deps.maxDates && deps.clock.now() < deadline && (await countComing(deps, lane.table)) > 0) {
    await deps.clock.sleep(Math.max(1, deps.lingerMs / 10));
    chosen = await chooseBatch(deps, lane.table, alone);
  }
  if (chosen.length === 0) return undefined;
  const { pipelineHash, processorId } = chosen[0] as TaskDocument;
  const processor = processorById(await deps.plans.pipeline(pipelineHash), processorId);
  if (processor === undefined) throw new RangeError(`pipeline version ${pipelineHash} has no processor ${processorId}`);
  const backfills = [...new Set(chosen.map(({ backfillId }) => backfillId))];
  return deps.store.transaction(async (transaction): Promise<Batch | 'lost' | undefined> => {
    const stored = await readLane(transaction, lane.table);
    const controls = await transaction.getMany(backfills.map(controlPath));
    const documents = await transaction.getMany(chosen.map(pathOfTask));
    if (!isOurs(stored, lane)) return 'lost';
    const free = new Set(
      backfills.filter((_, index) => {
        const control = controls[index] === undefined ? undefined : parseDocument(controlSchema, controls[index]);
        return control !== undefined && !control.paused && !control.cancelled;
      }),
    );
    const tasks = documents.flatMap((document) => {
      const task = document === undefined ? undefined : parseDocument(taskSchema, document);
      return task === undefined || task.state !== 'staged' || !free.has(task.backfillId) ? [] : [moveTask(task, 'begin_commit')];
    });
    if (tasks.length === 0) return undefined;
    const jobId = `floodgate_commit_${lane.table.replace('.', '_')}_${lane.epoch}_${stored.heartbeat + 1}`;
    for (const task of tasks) saveTask(transaction, task);
    const job = { jobId, tasks: tasks.map((task) => ({ path: pathOfTask(task), generation: task.generation })) };
    transaction.set(lanePath(lane.table), { ...stored, heartbeat: stored.heartbeat + 1, rung: true, job });
    return { processor, jobId, tasks };
  });
};

type BatchResult = { readonly outcome: 'committed' | 'lost' | 'returned' | 'failed' } | { readonly outcome: 'halt'; readonly failure: Failure };

/** A batch of several backfills is nobody's in particular. */
const labelsOf = ({ processor, tasks }: Batch): JobLabels => {
  const [backfill, ...others] = new Set(tasks.map(({ backfillId }) => backfillId));
  return backfill === undefined || others.length > 0 ? { processor: processor.id } : { backfill, processor: processor.id };
};

const commitBatch = async (deps: LaneDeps, lane: LaneDocument, batch: Batch, attempt: number, signal: AbortSignal): Promise<BatchResult> => {
  const target = specOf(batch.processor);
  const entries = batch.tasks.map(({ date, generation, staged, backfillId, rewrite }) => ({
    date,
    generation,
    staging: staged?.staging ?? '',
    contentHash: staged?.contentHash ?? '',
    rows: staged?.rows ?? 0,
    backfillId,
    rewrite,
  }));
  const startedAt = deps.clock.now();
  let log: readonly CommitLogEntry[];
  try {
    log = await deps.warehouse.commit(
      { jobId: batch.jobId, target, strategy: batch.processor.write, laneEpoch: lane.epoch, entries, committedAt: startedAt, labels: labelsOf(batch) },
      signal,
    );
  } catch (error) {
    return afterFailedCommit(deps, lane, batch, attempt, error);
  }
  const kept = await settleBatch(deps, lane, batch.tasks, log);
  deps.logger.info({ table: lane.table, dates: batch.tasks.length, ms: deps.clock.now() - startedAt, jobId: batch.jobId }, 'batch committed');
  if (kept) await dropCommitted(deps, batch);
  return { outcome: kept ? 'committed' : 'lost' };
};

const dropCommitted = async (deps: LaneDeps, batch: Batch): Promise<void> => {
  const stagings = [...new Set(batch.tasks.map(({ staged }) => staged?.staging ?? ''))];
  try {
    await deps.warehouse.dropStaging(specOf(batch.processor), stagings, new AbortController().signal);
  } catch (error) {
    deps.logger.warn({ stagings, err: error }, 'staging not dropped; the reconciler will');
  }
};

/** Answers that say nothing of the job: it may be running, or still be on its way. */
const sayNothing: ReadonlySet<string> = new Set(['unavailable', 'timeout', 'cancelled', 'deadline_exceeded', 'unknown']);

/**
 * Sees to it that a job of which nothing is known commits now or never: it is cancelled where it runs, and the lane takes a
 * new epoch, to which the log's fence is raised. Otherwise it could commit tasks that have been given back and cancelled since.
 */
const barJob = async (deps: LaneDeps, lane: LaneDocument, { processor, jobId }: Batch): Promise<'barred' | 'lost'> => {
  const quiet = new AbortController().signal;
  const epoch = await deps.store.transaction(async (transaction): Promise<number | undefined> => {
    const stored = await readLane(transaction, lane.table);
    if (!isOurs(stored, lane)) return undefined;
    transaction.set(lanePath(lane.table), { ...stored, epoch: stored.epoch + 1, heartbeat: stored.heartbeat + 1 });
    return stored.epoch + 1;
  });
  if (epoch === undefined) return 'lost';
  lane.epoch = epoch;
  if ((await deps.warehouse.jobState(jobId, quiet)) === 'running') await deps.warehouse.cancelJob(jobId, quiet);
  await deps.warehouse.fence(specOf(processor), epoch, quiet);
  return 'barred';
};

/** A commit that threw may still have happened: the log is asked first, and only what it does not hold is given back. */
const afterFailedCommit = async (deps: LaneDeps, lane: LaneDocument, batch: Batch, attempt: number, error: unknown): Promise<BatchResult> => {
  const failure = toFailure(error);
  deps.logger.warn({ table: lane.table, dates: batch.tasks.length, code: failure.code, err: error }, 'commit failed');
  if (failure.code === 'lane_fenced') {
    await raiseLane(deps, lane, batch.tasks);
    return { outcome: 'lost' };
  }
  if (failure.class === 'halt') {
    await returnTasks(deps, lane, batch.tasks, () => 'return_to_lane', failure);
    return { outcome: 'halt', failure };
  }
  if (sayNothing.has(failure.code) && (await barJob(deps, lane, batch)) === 'lost') return { outcome: 'lost' };
  const target = specOf(batch.processor);
  const quiet = new AbortController().signal;
  const log = await deps.warehouse.readCommitLog(
    target,
    batch.tasks.map(({ date }) => date),
    quiet,
  );
  const committed = batch.tasks.filter((task) => log.some(({ date, generation }) => date === task.date && generation >= task.generation));
  if (committed.length === batch.tasks.length) return { outcome: (await settleBatch(deps, lane, batch.tasks, log)) ? 'committed' : 'lost' };
  if (error instanceof WarehouseError && error.code === 'staging_missing') {
    const gone = new Set(error.missing);
    await returnTasks(deps, lane, batch.tasks, ({ staged }) => (gone.has(staged?.staging ?? '') ? 'lose_staging' : 'return_to_lane'), failure);
    return { outcome: 'failed' };
  }
  const stagings = new Set(batch.tasks.map(({ staged }) => staged?.staging));
  const after = decideAfterFailure({ failure, attempt, span: 1, retry: { maxAttempts: maxCommitTries, baseMs: 100, maxMs: 5_000 }, random: deps.ids.random() });
  if (after.next === 'failed' && stagings.size === 1) {
    await returnTasks(deps, lane, batch.tasks, () => 'fail_commit', after.failure);
    return { outcome: 'failed' };
  }
  await returnTasks(deps, lane, batch.tasks, () => 'return_to_lane', failure);
  return { outcome: 'returned' };
};

/**
 * Fenced although the lane is still ours: the log's fence is from a store that was lost. The lane's epoch grows by leaps
 * until it is above the fence; where somebody else holds the lane by now, nothing changes here.
 */
const raiseLane = async (deps: LaneDeps, lane: LaneDocument, tasks: readonly TaskDocument[]): Promise<void> =>
  deps.store.transaction(async (transaction) => {
    const stored = await readLane(transaction, lane.table);
    const documents = await transaction.getMany(tasks.map(pathOfTask));
    if (!isOurs(stored, lane)) return;
    for (const document of documents) {
      const task = document === undefined ? undefined : parseDocument(taskSchema, document);
      if (task?.state === 'committing') saveTask(transaction, moveTask(task, 'return_to_lane'));
    }
    const job = tasks.length > 0 ? null : stored.job;
    transaction.set(lanePath(lane.table), { ...stored, epoch: stored.epoch * 4 + 64, holder: '', heartbeat: stored.heartbeat + 1, job });
  });

/** Takes a batch out of the lane without a commit. */
const returnTasks = async (
  deps: LaneDeps,
  lane: LaneDocument,
  tasks: readonly { readonly backfillId: string; readonly processorId: string; readonly date: PartitionDate; readonly generation: number }[],
  nameOf: (task: TaskDocument) => 'return_to_lane' | 'lose_staging' | 'fail_commit',
  failure: Failure,
): Promise<boolean> =>
  transact(deps, async (transaction, send) => {
    const stored = await readLane(transaction, lane.table);
    const documents = await transaction.getMany(tasks.map((task) => pathOfTask(task as TaskDocument)));
    if (!isOurs(stored, lane)) return false;
    const now = deps.clock.now();
    const ended = new Map<string, Set<number>>();
    for (const document of documents) {
      const task = document === undefined ? undefined : parseDocument(taskSchema, document);
      if (task === undefined || task.state !== 'committing') continue;
      const name = nameOf(task);
      if (name === 'return_to_lane') saveTask(transaction, moveTask(task, name, { failure }));
      else if (name === 'lose_staging') {
        saveTask(
          transaction,
          moveTask(task, name, { failure, staged: null, job: null, epoch: task.epoch + 1, attempt: Math.max(0, task.attempt - 1), notBefore: 0 }),
        );
        send('floodgate.backfill.moved', { backfillId: task.backfillId }, { subject: task.backfillId, traceparent: task.traceparent });
      } else {
        const failed = moveTask(task, name, { failure, deadLetter: true, endedAt: now });
        saveTask(transaction, failed);
        saveDeadLetter(transaction, failed, failure, now);
        ended.set(task.backfillId, (ended.get(task.backfillId) ?? new Set()).add(task.phase));
      }
    }
    for (const [backfillId, phases] of ended) send('floodgate.tasks.ended', { backfillId, phases: [...phases] }, { subject: backfillId, traceparent: '' });
    transaction.set(lanePath(lane.table), { ...stored, heartbeat: stored.heartbeat + 1, job: null });
    return true;
  });

/** Audits that a person has waved through for this date: gates don't ask for them again. */
const acceptedChecks = ({ evidence }: TaskDocument): { readonly accepted?: string[] } => {
  const checks = evidence.filter(({ severity }) => severity === 'block').map(({ check }) => check);
  return checks.length === 0 ? {} : { accepted: checks };
};

/** Writes what the log says into tasks and ledger, with the messages that follow, in one transaction. */
const settleBatch = async (deps: LaneDeps, lane: LaneDocument, batch: readonly TaskDocument[], log: readonly CommitLogEntry[]): Promise<boolean> => {
  const logged = new Map(log.map((entry) => [entry.date, entry]));
  return transact(deps, async (transaction, send) => {
    const stored = await readLane(transaction, lane.table);
    const documents = await transaction.getMany(batch.map(pathOfTask));
    const tasks = documents.flatMap((document) => {
      const task = document === undefined ? undefined : parseDocument(taskSchema, document);
      return task === undefined || task.state !== 'committing' ? [] : [task];
    });
    const paths = [...new Set(tasks.map(({ pipelineId, processorId, date }) => ledgerPathOf(pipelineId, processorId, date)))];
    const years = await transaction.getMany(paths);
    const letters = await readDeadLetters(transaction, tasks);
    if (!isOurs(stored, lane)) return false;
    const now = deps.clock.now();
    const ledgers = new Map<string, LedgerYearDocument['entries']>(
      paths.map((path, index) => [path, { ...(years[index] === undefined ? {} : parseDocument(ledgerYearSchema, years[index]).entries) }]),
    );
    const ended = new Map<string, Set<number>>();
    for (const task of tasks) {
      const entry = logged.get(task.date);
      if (entry === undefined || entry.generation < task.generation) {
        // The log does not hold it: not committed.
        saveTask(transaction, moveTask(task, 'return_to_lane'));
        continue;
      }
      // The backfill as well: generations of a status store that was lost may have been given before.
      const ours = entry.generation === task.generation && entry.backfillId === task.backfillId;
      const name = !ours ? 'supersede' : entry.outcome === 'unchanged' ? 'commit_unchanged' : 'commit';
      const done = moveTask(task, name, { job: null, failure: null, endedAt: now, rows: entry.rows });
      saveTask(transaction, done);
      closeDeadLetters(transaction, letters, [done], now);
      ended.set(task.backfillId, (ended.get(task.backfillId) ?? new Set()).add(task.phase));
      const ledger = ledgers.get(ledgerPathOf(task.pipelineId, task.processorId, task.date)) ?? {};
      if (!ours || (ledger[task.date]?.generation ?? 0) > task.generation) continue;
      ledger[task.date] = {
        generation: task.generation,
        contentHash: entry.contentHash,
        rows: entry.rows,
        codeHash: task.codeHash,
        inputDigest: task.inputDigest,
        backfillId: task.backfillId,
        committedAt: entry.committedAt,
        computeMs: Math.round(task.computeMs * 100) / 100,
        ...acceptedChecks(task),
      };
    }
    for (const [path, entries] of ledgers) transaction.set(path, { entries });
    for (const [backfillId, phases] of ended) {
      const traceparent = tasks.find((task) => task.backfillId === backfillId)?.traceparent ?? '';
      send('floodgate.tasks.ended', { backfillId, phases: [...phases] }, { subject: backfillId, traceparent });
    }
    transaction.set(lanePath(lane.table), { ...stored, heartbeat: stored.heartbeat + 1, job: null });
    return true;
  });
};

/**
 * A holder before us died over a recorded job. Its commit may have happened, or may still: the job is waited for or
 * cancelled, the fence is raised so that nothing of the old epoch can come after, and then the log is the truth.
 */
const settleAbandoned = async (deps: LaneDeps, lane: LaneDocument, signal: AbortSignal): Promise<boolean> => {
  const job = lane.job;
  if (job === null) return true;
  const documents = await deps.store.getMany(job.tasks.map(({ path }) => path));
  const tasks = documents.flatMap((document) => (document === undefined ? [] : [parseDocument(taskSchema, document)]));
  const first = tasks[0];
  // Its tasks have expired with their backfill: there is nothing left to settle.
  if (first === undefined) return settleBatch(deps, lane, [], []);
  const processor = processorById(await deps.plans.pipeline(first.pipelineHash), first.processorId);
  if (processor === undefined) throw new RangeError(`pipeline version ${first.pipelineHash} has no processor ${first.processorId}`);
  const target = specOf(processor);
  if ((await deps.warehouse.jobState(job.jobId, signal)) === 'running') await deps.warehouse.cancelJob(job.jobId, signal);
  await deps.warehouse.prepareTable(target, signal);
  try {
    await deps.warehouse.fence(target, lane.epoch, signal);
  } catch (error) {
    if (toFailure(error).code !== 'lane_fenced') throw error;
    await raiseLane(deps, lane, []);
    return false;
  }
  const log = await deps.warehouse.readCommitLog(
    target,
    tasks.map(({ date }) => date),
    signal,
  );
  deps.logger.info({ table: lane.table, jobId: job.jobId, dates: tasks.length, committed: log.length }, 'abandoned commit settled from the log');
  return settleBatch(deps, lane, tasks, log);
};
