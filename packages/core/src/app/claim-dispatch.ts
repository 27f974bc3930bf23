// The claim: one transaction takes those tasks of a dispatch that are still queued at its epoch, if the backfill is
// neither paused nor cancelled, and gives this worker the right to compute them. The rest of the message is dropped.
import {
  controlPath,
  controlSchema,
  dispatchPath,
  parseDocument,
  taskSchema,
  type BackfillDocument,
  type DispatchDocument,
  type TaskDocument,
} from '../contracts/documents.ts';
import type { Dispatch } from '../contracts/messages.ts';
import { windowIndexes } from '../domain/calendar.ts';
import { generationOf } from '../domain/generation.ts';
import { declaredSkip, digestInputs, type LedgerView } from '../domain/ledger.ts';
import type { PartitionDate } from '../domain/partition-date.ts';
import { processorById, type Processor } from '../domain/pipeline.ts';
import type { StoreReader } from '../ports/status-store.ts';
import { findAbandoned, findAdoptable, readJobStates, type Claimed, type JobName } from './adopt-job.ts';
import type { EngineDeps } from './deps.ts';
import { ledgerPathsFor, readLedgerYears, readSourceDigests, viewOf, type SourceDigests } from './ledger-reader.ts';
import { transact } from './outbox.ts';
import { readBackfill, type LoadedPlan, type PlanReader } from './plan-store.ts';
import { closeDeadLetters, moveTask, pathOfTask, readDeadLetters, saveDeadLetter, saveTask } from './task-writes.ts';

export type Claim = {
  readonly backfill: BackfillDocument;
  readonly plan: LoadedPlan;
  readonly processor: Processor;
  readonly dispatchId: string;
  readonly jobId: string;
  readonly staging: string;
  /** The job is that of a worker that died. */
  readonly adopted: boolean;
  /** Jobs of workers that died, to be cancelled now. */
  readonly abandoned: readonly string[];
  /** Claimed and to be computed, by date. */
  readonly tasks: readonly TaskDocument[];
  readonly fresh: number;
  /** Tasks whose executions have all died: they are not begun once more. */
  readonly exhausted: number;
  readonly sources: SourceDigests;
  /** Why the sources can't be read; the claimed tasks fail of it. */
  readonly sourceError: unknown;
  /** Rows that the target held before, for the shrink guard. */
  readonly rowsBefore: ReadonlyMap<PartitionDate, number>;
};

export const positionsOf = (plan: LoadedPlan, dates: readonly PartitionDate[]): { readonly first: number; readonly last: number } => {
  const indexes = dates.map((date) => plan.calendar.indexOf.get(date) as number);
  return { first: Math.min(...indexes), last: Math.max(...indexes) };
};

export const readClaimView = async (
  reader: StoreReader,
  plan: LoadedPlan,
  processor: Processor,
  dates: readonly PartitionDate[],
  sources: SourceDigests,
): Promise<LedgerView> => {
  const paths = ledgerPathsFor(plan.pipeline, [processor], plan.calendar, positionsOf(plan, dates));
  return viewOf(plan.pipeline.id, await readLedgerYears(reader, paths), sources);
};

/** The first hard upstream partition that the ledger does not have, where one should be. */
const missingUpstream = (plan: LoadedPlan, processor: Processor, index: number, view: LedgerView): string | undefined => {
  for (const { table, window, strength, optional } of processor.upstreams) {
    const producer = plan.pipeline.processors.find((other) => other.table === table);
    if (optional || strength === 'soft' || producer === undefined || producer.kind === 'external') continue;
    const { from, to } = windowIndexes(plan.calendar, window, index);
    for (let at = from; at < to; at += 1) {
      const date = plan.calendar.dates[at]?.date as PartitionDate;
      if (view.entry(producer.id, date) === undefined && declaredSkip(producer, plan.calendar, at) === undefined) return `${producer.id} ${date}`;
    }
  }
  return undefined;
};

/**
 * Errors end a task when its attempts are used up; only workers that died over it bring it back to a claim. Most die of
 * something else (a deploy, a machine), so that more of them are borne.
 */
const deathsPerAttempt = 3;

export const claimDispatch = async (
  deps: EngineDeps & { readonly plans: PlanReader },
  dispatch: Dispatch,
  signal: AbortSignal,
): Promise<Claim | 'unknown_backfill' | 'not_claimable'> => {
  const backfill = await readBackfill(deps.store, dispatch.backfillId);
  if (backfill === undefined) return 'unknown_backfill';
  const plan = await deps.plans.plan(backfill.planHash);
  const processor = processorById(plan.pipeline, dispatch.processorId);
  if (processor === undefined) return 'unknown_backfill';
  const paths = dispatch.tasks.map(({ path }) => path);
  const found = (await deps.store.getMany(paths)).flatMap((document) => (document === undefined ? [] : [parseDocument(taskSchema, document)]));
  if (found.length === 0) return 'not_claimable';
  const dates = found.map(({ date }) => date);
  const jobStates = await readJobStates(
    deps,
    found.filter(({ state, dispatchId }) => state === 'queued' && dispatchId === dispatch.dispatchId),
    signal,
  );
  // Sources are digested before the claim and again after the read; ledger entries inside the transactions.
  const { sources, sourceError } = await readSources(deps, plan, processor, dates, signal);
  const now = deps.clock.now();
  return transact(deps, async (transaction, send): Promise<Claim | 'not_claimable'> => {
    const [control, ...documents] = await transaction.getMany([controlPath(dispatch.backfillId), ...paths]);
    const view = await readClaimView(transaction, plan, processor, dates, sources);
    const { paused, cancelled } = control === undefined ? { paused: true, cancelled: false } : parseDocument(controlSchema, control);
    const epochs = new Map(dispatch.tasks.map(({ path, epoch }) => [path, epoch]));
    const queued = documents.flatMap((document) => {
      const task = document === undefined ? undefined : parseDocument(taskSchema, document);
      return task === undefined || task.state !== 'queued' || task.dispatchId !== dispatch.dispatchId || task.epoch !== epochs.get(document?.path ?? '')
        ? []
        : [task];
    });
    if (queued.length === 0 || cancelled) return 'not_claimable';
    const letters = await readDeadLetters(transaction, queued);
    const pending: Claimed[] = [];
    const taken: TaskDocument[] = [];
    const rowsBefore = new Map<PartitionDate, number>();
    let [held, fresh, exhausted] = [0, 0, 0];
    for (const task of queued) {
      const index = plan.calendar.indexOf.get(task.date) as number;
      const missing = paused ? undefined : missingUpstream(plan, processor, index, view);
      if (paused || missing !== undefined) {
        // Not charged: the claim did not happen. The epoch rises, so that this message can't claim after a new release.
        const failure = paused ? null : { code: 'upstream_not_ready', class: 'not_ready', message: `upstream ${missing ?? ''} is not committed` };
        saveTask(transaction, moveTask(task, 'hold', { epoch: task.epoch + 1, dispatchId: '', failure, notBefore: paused ? 0 : now + 1_000 }));
        held += 1;
        continue;
      }
      taken.push(task);
      const { inputDigest, inputVersion } = digestInputs(plan.pipeline, processor, plan.calendar, index, view);
      const before = view.entry(processor.id, task.date);
      const epoch = task.epoch + 1;
      const claimed = moveTask(task, 'claim', {
        epoch,
        attempt: task.attempt + 1,
        generation: generationOf(Math.max(task.sequence, backfill.sequence), epoch),
        claimedAt: now,
        codeHash: processor.codeHash,
        inputDigest,
        evidence: [],
      });
      if (sourceError === undefined && !task.rewrite && before !== undefined && before.codeHash === processor.codeHash && before.inputDigest === inputDigest) {
        const done = moveTask(claimed, 'find_fresh', { job: null, endedAt: now, rows: before.rows, failure: null });
        saveTask(transaction, done);
        closeDeadLetters(transaction, letters, [done], now);
        fresh += 1;
        continue;
      }
      if (task.attempt >= processor.retry.maxAttempts * deathsPerAttempt) {
        const message = `${task.attempt} executions ended without a result; the last: ${task.failure?.message ?? 'unknown'}`;
        const failure = { code: 'attempts_exhausted', class: 'permanent' as const, message, hint: 'look at the memory and the logs of the workers that died' };
        const failed = moveTask(claimed, 'fail', { attempt: task.attempt, job: null, dispatchId: '', failure, deadLetter: true, endedAt: now });
        saveTask(transaction, failed);
        saveDeadLetter(transaction, failed, failure, now);
        exhausted += 1;
        continue;
      }
      if (before !== undefined) rowsBefore.set(task.date, before.rows);
      pending.push({ task: claimed, inputVersion });
    }
    // What it read of sources can't be told: a digest says what they hold, not whether they held something else in between.
    const readsSources = sources.size > 0 || sourceError !== undefined;
    const adopted = readsSources ? undefined : findAdoptable(pending, jobStates);
    const { jobId, staging } = adopted ?? nameJob(dispatch, queued[0] as TaskDocument, backfill);
    const tasks = pending.map(({ task, inputVersion }): TaskDocument => {
      const { codeHash, inputDigest } = task;
      return { ...task, job: { jobId, staging, codeHash, inputDigest, inputVersion, dates: pending.length } };
    });
    for (const task of tasks) saveTask(transaction, task);
    if (tasks.length > 0) {
      const lease: DispatchDocument = {
        dispatchId: dispatch.dispatchId,
        backfillId: dispatch.backfillId,
        holder: deps.lease.holder,
        heartbeat: 1,
        tasks: tasks.map((task) => ({ path: pathOfTask(task), epoch: task.epoch })),
        claimedAt: now,
      };
      transaction.set(dispatchPath(dispatch.dispatchId), lease);
    }
    const about = { subject: dispatch.dispatchId, traceparent: backfill.traceparent };
    if (fresh + exhausted > 0) send('floodgate.tasks.ended', { backfillId: backfill.backfillId, phases: [processor.phase] }, about);
    else if (held > 0) send('floodgate.backfill.moved', { backfillId: backfill.backfillId }, about);
    return {
      backfill,
      plan,
      processor,
      dispatchId: dispatch.dispatchId,
      jobId,
      staging,
      adopted: adopted !== undefined,
      abandoned: findAbandoned(taken, adopted, jobStates),
      tasks,
      fresh,
      exhausted,
      sources,
      sourceError,
      rowsBefore,
    };
  });
};

/** Named by generation and dispatch, so that two executions never share one. */
const nameJob = ({ dispatchId }: Dispatch, { processorId, date, epoch }: TaskDocument, { sequence }: BackfillDocument): JobName => {
  const staging = `${processorId}_${date.replaceAll('-', '')}_${generationOf(sequence, epoch + 1).toString(36)}_${dispatchId.slice(0, 6)}`;
  return { jobId: `floodgate_${staging}_1`, staging };
};

/** An unreadable source is an outcome of the tasks: thrown, it would only bring the message again, and nobody would be told. */
const readSources = async (
  deps: EngineDeps,
  plan: LoadedPlan,
  processor: Processor,
  dates: readonly PartitionDate[],
  signal: AbortSignal,
): Promise<Pick<Claim, 'sources' | 'sourceError'>> => {
  try {
    return {
      sources: await readSourceDigests(deps.warehouse, plan.pipeline, [processor], plan.calendar, positionsOf(plan, dates), signal),
      sourceError: undefined,
    };
  } catch (error) {
    if (signal.aborted) throw error;
    return { sources: new Map(), sourceError: error };
  }
};
