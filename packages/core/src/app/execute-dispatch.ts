// What a worker does with a dispatch: claim, compute, stage, audit, hand over to the lane. Every write after the claim is
// conditional on the epoch that the claim raised, so a worker that was thought dead and goes on changes nothing.
import { dispatchPath, dispatchSchema, parseDocument, taskSchema, type Evidence, type TaskDocument } from '../contracts/documents.ts';
import type { Dispatch } from '../contracts/messages.ts';
import { windowIndexes } from '../domain/calendar.ts';
import { FloodgateError } from '../domain/errors.ts';
import { decideAfterFailure, toFailure, type Failure } from '../domain/failure.ts';
import { digestInputs } from '../domain/ledger.ts';
import type { PartitionDate } from '../domain/partition-date.ts';
import type { Processor } from '../domain/pipeline.ts';
import type { JsonObject, StoreTransaction } from '../ports/status-store.ts';
import type { JobLabels, StagedDate } from '../ports/warehouse.ts';
import { cancelJobs, stagingsInUse } from './adopt-job.ts';
import { auditStaged } from './audit-staged.ts';
import { claimDispatch, positionsOf, readClaimView, type Claim } from './claim-dispatch.ts';
import { createSurroundings } from './code-surroundings.ts';
import { bindWarehouse } from './deadline.ts';
import type { CodeCatalog, CodeContext, CodeSurroundings, EngineDeps } from './deps.ts';
import { readSourceDigests, specOf } from './ledger-reader.ts';
import { transact } from './outbox.ts';
import type { PlanReader } from './plan-store.ts';
import { moveTask, pathOfTask, saveDeadLetter, saveTask } from './task-writes.ts';

export type WorkerDeps = EngineDeps & { readonly plans: PlanReader; readonly code: CodeCatalog; readonly surroundings?: CodeSurroundings };

export type DispatchOutcome =
  /** Nothing to do any more: claimed by somebody else, paused, cancelled, or a message that came twice. */
  | { readonly outcome: 'dropped'; readonly why: 'unknown_backfill' | 'not_claimable' }
  | {
      readonly outcome: 'done';
      readonly staged: number;
      readonly fresh: number;
      readonly quarantined: number;
      readonly putBack: number;
      readonly failed: number;
    }
  /** Nothing can go on in this process: what was held has been given back. */
  | { readonly outcome: 'halt'; readonly failure: Failure };

type Counts = { staged: number; quarantined: number; putBack: number; failed: number };
type Settled = {
  readonly counts: Counts;
  /** No task may use the staging any more: neither one that was staged from it, nor one whose later claim has adopted it, or may. */
  readonly isUnused: boolean;
};

/** What became of one claimed date. */
type Verdict =
  /** `evidence`: findings that only warn. */
  | { readonly verdict: 'staged'; readonly staged: StagedDate; readonly evidence: readonly Evidence[] }
  | { readonly verdict: 'quarantined'; readonly staged: StagedDate; readonly preserved: string; readonly evidence: readonly Evidence[] }
  | { readonly verdict: 'error'; readonly failure: Failure };

/**
 * Executes a dispatch. Resolves when everything that it claimed is recorded; throws only where not even that was
 * possible, in which case the lease dies and the reconciler brings the tasks back.
 */
export const executeDispatch = async (given: WorkerDeps, dispatch: Dispatch, signal: AbortSignal): Promise<DispatchOutcome> => {
  const deps = bindWarehouse(given);
  const claim = await claimDispatch(deps, dispatch, signal);
  if (claim === 'unknown_backfill' || claim === 'not_claimable') return { outcome: 'dropped', why: claim };
  if (claim.tasks.length === 0) {
    await cancelJobs(deps, claim.abandoned, signal);
    return { outcome: 'done', staged: 0, fresh: claim.fresh, quarantined: 0, putBack: 0, failed: claim.exhausted };
  }
  const startedAt = deps.clock.now();
  const work = new AbortController();
  const finished = new AbortController();
  const limits = [keepLease(deps, claim, work, finished.signal), enforceDeadline(deps, claim, work, finished.signal)];
  let settled: Settled;
  let halt: Failure | undefined;
  try {
    const stop = AbortSignal.any([signal, work.signal]);
    // Only now, when the claim stands: before it, another worker might have adopted them meanwhile.
    await cancelJobs(deps, claim.abandoned, stop);
    if (claim.sourceError !== undefined) throw claim.sourceError as Error;
    // Under the deadline of the dispatch alone, which is the processor's to say.
    const verdicts = await compute(given, claim, stop);
    settled = await settle(deps, claim, verdicts, deps.clock.now() - startedAt);
  } catch (error) {
    const failure = toFailure(signal.aborted ? interruptionOf(signal) : work.signal.aborted ? work.signal.reason : error);
    if (failure.class === 'halt') halt = failure;
    deps.logger.warn(
      { dispatchId: claim.dispatchId, processorId: claim.processor.id, dates: claim.tasks.length, code: failure.code, err: error },
      'dispatch failed',
    );
    settled = await settle(deps, claim, new Map(claim.tasks.map(({ date }) => [date, { verdict: 'error', failure }])), deps.clock.now() - startedAt);
  } finally {
    finished.abort('finished');
    await Promise.all(limits);
  }
  const { counts, isUnused } = settled;
  if (isUnused) await discardStaged(deps, claim);
  const { dispatchId, adopted } = claim;
  deps.logger.info({ dispatchId, processorId: claim.processor.id, adopted, ms: deps.clock.now() - startedAt, ...counts }, 'dispatch handled');
  return halt === undefined ? { outcome: 'done', fresh: claim.fresh, ...counts, failed: counts.failed + claim.exhausted } : { outcome: 'halt', failure: halt };
};

/** Who handed the dispatch over stops it: the process ends, which is charged to nobody, or the time for the message is over, which it would be again. */
const interruptionOf = ({ reason }: AbortSignal): FloodgateError =>
  reason instanceof FloodgateError && reason.code === 'deadline_exceeded' ? reason : new FloodgateError('shutdown', 'the worker is shutting down');

const labelsOf = ({ backfill, processor }: Claim): JobLabels => ({ backfill: backfill.backfillId, processor: processor.id });

const compute = async (deps: WorkerDeps, claim: Claim, signal: AbortSignal): Promise<ReadonlyMap<PartitionDate, Verdict>> => {
  const { processor, plan, jobId, staging } = claim;
  const target = specOf(processor);
  const dates = claim.tasks.map(({ date }) => date);
  const labels = labelsOf(claim);
  await deps.warehouse.prepareTable(target, signal);
  for (const producer of uncommittedUpstreams(claim)) await deps.warehouse.prepareTable(specOf(producer), signal);
  const staged = await deps.warehouse.stage(
    {
      jobId,
      target,
      staging,
      dates,
      body: await bodyOf(deps, claim, dates, signal),
      labels,
    },
    signal,
  );
  const evidence = await auditStaged(deps, { plan, processor, staging, dates, staged, rowsBefore: claim.rowsBefore, labels }, signal);
  const verdicts = new Map<PartitionDate, Verdict>();
  for (const task of claim.tasks) {
    const rows = staged.get(task.date);
    if (rows === undefined) throw new FloodgateError('contract_broken', `the warehouse staged nothing for ${task.date}`);
    const found = evidence.get(task.date) ?? [];
    if (!found.some(({ severity }) => severity === 'block')) {
      verdicts.set(task.date, { verdict: 'staged', staged: rows, evidence: found });
      continue;
    }
    const preserved = `kept_${processor.id}_${task.date.replaceAll('-', '')}_${task.generation.toString(36)}`;
    await deps.warehouse.preserveStaging(target, staging, task.date, preserved, signal);
    verdicts.set(task.date, { verdict: 'quarantined', staged: rows, preserved, evidence: found });
  }
  return verdicts;
};

/**
 * Upstreams of which nothing lies in the windows of these dates: the first dates of a calendar, or of a season in which all earlier ones are
 * declared skips. Nothing was waited for, so that their tables may not be there yet, and the SQL names them all the same.
 */
const uncommittedUpstreams = ({ plan, processor, tasks }: Claim): readonly Processor[] =>
  processor.upstreams.flatMap(({ table, window }) => {
    const producer = plan.pipeline.processors.find((other) => other.table === table && other.kind !== 'external');
    if (producer === undefined) return [];
    const entries = plan.entries.get(producer.id);
    const isCommitted = tasks.some(({ date }) => {
      const { from, to } = windowIndexes(plan.calendar, window, plan.calendar.indexOf.get(date) as number);
      for (let at = from; at < to; at += 1) if (entries?.get(at)?.kind !== 'skip') return true;
      return false;
    });
    return isCommitted ? [] : [producer];
  });

const bodyOf = async (deps: WorkerDeps, claim: Claim, dates: readonly PartitionDate[], signal: AbortSignal) => {
  const { processor, plan } = claim;
  if (processor.kind !== 'code') return { kind: 'select' as const, sql: processor.source, sources: plan.pipeline.sources };
  const run = await deps.code(plan.pipeline.id, processor);
  if (run === undefined)
    throw new FloodgateError('code_version_mismatch', `${processor.sourceFile} is not as it was planned any more`, {
      hint: `bring that version back, and it goes on; or end it (npx floodgate cancel ${claim.backfill.backfillId}) and begin anew`,
    });
  const params = { start_date: dates[0] as string, end_date: dates.at(-1) as string };
  const query = async (sql: string, more: Readonly<Record<string, string>> = {}) =>
    (
      await deps.warehouse.query(
        sql,
        { dialect: 'googlesql', params: { ...params, ...more }, sources: plan.pipeline.sources, maxRows: 1_000_000, labels: labelsOf(claim) },
        signal,
      )
    ).rows;
  const { landing, shared, settingsOf } = deps.surroundings ?? createSurroundings({});
  const context: CodeContext = {
    landing,
    shared,
    settings: settingsOf(plan.pipeline.id),
    dates,
    query: query as CodeContext['query'],
    clock: deps.clock,
    random: () => deps.ids.random(),
    logger: deps.logger,
    signal,
  };
  return { kind: 'rows' as const, rows: ofProcessor(processor.sourceFile, run(context)) };
};

/** Errors of a processor's own code are told apart from the warehouse's. */
async function* ofProcessor(file: string, rows: AsyncIterable<JsonObject>): AsyncIterable<JsonObject> {
  try {
    yield* rows;
  } catch (error) {
    if (error instanceof FloodgateError) throw error;
    throw new FloodgateError('processor_error', `${file}: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`, { cause: error });
  }
}

/** Records what became of the dates, in one transaction with the lease's end and the messages that follow from it. */
const settle = async (deps: WorkerDeps, claim: Claim, verdicts: ReadonlyMap<PartitionDate, Verdict>, tookMs: number): Promise<Settled> => {
  const { processor, plan, backfill } = claim;
  const dates = claim.tasks.map(({ date }) => date);
  const anyRows = [...verdicts.values()].some(({ verdict }) => verdict !== 'error');
  // Read again after the rows were read: a source that changed in between is found here, a ledger entry in the transaction.
  const sources = anyRows
    ? await readSourceDigests(deps.warehouse, plan.pipeline, [processor], plan.calendar, positionsOf(plan, dates), new AbortController().signal)
    : claim.sources;
  const computeMs = tookMs / claim.tasks.length;
  // One draw for all dates: what was put back together waits as long, and travels together again.
  let drawn: number | undefined;
  const random = (): number => (drawn ??= deps.ids.random());
  return transact(deps, async (transaction, send) => {
    const stored = (await transaction.getMany(claim.tasks.map(pathOfTask))).flatMap((document) =>
      document === undefined ? [] : [parseDocument(taskSchema, document)],
    );
    const epochs = new Map(claim.tasks.map((task) => [task.taskId, task.epoch]));
    const view = await readClaimView(transaction, plan, processor, dates, sources);
    const now = deps.clock.now();
    const counts: Counts = { staged: 0, quarantined: 0, putBack: 0, failed: 0 };
    const changed: Failure = { code: 'inputs_changed', class: 'not_ready', message: 'an upstream partition changed while this one was computed' };
    const after = stored.map((task): TaskDocument => {
      // Still ours, or somebody else's by now.
      if (task.state !== 'running' || task.epoch !== epochs.get(task.taskId)) return task;
      let verdict = verdicts.get(task.date) ?? { verdict: 'error' as const, failure: { ...changed, code: 'unknown' } };
      if (verdict.verdict !== 'error') {
        const inputs = digestInputs(plan.pipeline, processor, plan.calendar, plan.calendar.indexOf.get(task.date) as number, view);
        if (inputs.inputDigest !== task.inputDigest || inputs.inputVersion !== task.job?.inputVersion) verdict = { verdict: 'error', failure: changed };
      }
      return saveVerdict(transaction, claim, task, verdict, { now, computeMs, counts, random });
    });
    transaction.delete(dispatchPath(claim.dispatchId));
    const about = { subject: claim.dispatchId, traceparent: backfill.traceparent };
    if (counts.staged > 0) send('floodgate.lane.rung', { table: processor.table }, about);
    if (counts.quarantined + counts.failed > 0) send('floodgate.tasks.ended', { backfillId: backfill.backfillId, phases: [processor.phase] }, about);
    else if (counts.putBack > 0) send('floodgate.backfill.moved', { backfillId: backfill.backfillId }, about);
    return { counts, isUnused: !after.some((task) => stagingsInUse(task).includes(claim.staging)) };
  });
};

/** Saves what became of a date, and counts it. Returns the task as it is then. */
const saveVerdict = (
  transaction: StoreTransaction,
  claim: Claim,
  task: TaskDocument,
  verdict: Verdict,
  context: { readonly now: number; readonly computeMs: number; readonly counts: Counts; readonly random: () => number },
): TaskDocument => {
  const { now, computeMs, counts, random } = context;
  const done = { dispatchId: '', computeMs };
  const save = (count: keyof Counts, moved: TaskDocument): TaskDocument => {
    saveTask(transaction, moved);
    counts[count] += 1;
    return moved;
  };
  if (verdict.verdict === 'staged') {
    const { contentHash, rows } = verdict.staged;
    const staged = { staging: claim.staging, contentHash, rows, preserved: false };
    return save('staged', moveTask(task, 'stage', { ...done, staged, rows, evidence: [...verdict.evidence], stagedAt: now, failure: null }));
  }
  if (verdict.verdict === 'quarantined') {
    const { contentHash, rows } = verdict.staged;
    const failure = { code: 'audit_failed', class: 'permanent', message: verdict.evidence.map(({ message }) => message).join('; ') };
    const staged = { staging: verdict.preserved, contentHash, rows, preserved: true };
    return save('quarantined', moveTask(task, 'quarantine', { ...done, staged, rows, evidence: [...verdict.evidence], failure, job: null, endedAt: now }));
  }
  const after = decideAfterFailure({
    failure: verdict.failure,
    attempt: task.attempt,
    span: claim.tasks.length,
    retry: claim.processor.retry,
    random: random(),
    claims: task.epoch,
  });
  if (after.next === 'failed') {
    const failed = moveTask(task, 'fail', { ...done, failure: after.failure, job: null, deadLetter: true, endedAt: now });
    saveDeadLetter(transaction, failed, after.failure, now);
    return save('failed', failed);
  }
  return save(
    'putBack',
    moveTask(task, 'put_back', {
      ...done,
      failure: verdict.failure,
      job: null,
      attempt: after.chargeAttempt ? task.attempt : task.attempt - 1,
      notBefore: after.delayMs > 0 ? now + after.delayMs : 0,
      spanLimit: Math.min(task.spanLimit, after.spanLimit ?? task.spanLimit),
    }),
  );
};

/** Renews the lease until the work is finished; aborts the work where the lease has been taken away. */
const keepLease = async (deps: WorkerDeps, claim: Claim, work: AbortController, finished: AbortSignal): Promise<void> => {
  const path = dispatchPath(claim.dispatchId);
  for (;;) {
    try {
      await deps.clock.sleep(deps.lease.leaseMs / 3, finished);
    } catch {
      return; // finished
    }
    try {
      const kept = await deps.store.transaction(async (transaction) => {
        const document = await transaction.get(path);
        const lease = document === undefined ? undefined : parseDocument(dispatchSchema, document);
        if (lease === undefined || lease.holder !== deps.lease.holder) return false;
        transaction.set(path, { ...lease, heartbeat: lease.heartbeat + 1 });
        return true;
      });
      if (!kept && !finished.aborted) work.abort(new FloodgateError('lane_fenced', 'the lease of this dispatch was taken away'));
    } catch (error) {
      // The next beat tries again; if none gets through, others will judge the lease dead and every write here is fenced.
      deps.logger.warn({ dispatchId: claim.dispatchId, err: error }, 'lease not renewed');
    }
  }
};

const enforceDeadline = async (deps: WorkerDeps, claim: Claim, work: AbortController, finished: AbortSignal): Promise<void> => {
  try {
    await deps.clock.sleep(claim.processor.timeoutMs, finished);
  } catch {
    return; // finished in time
  }
  work.abort(
    new FloodgateError('deadline_exceeded', `${claim.processor.id} took longer than ${claim.processor.timeoutMs / 1_000} s for ${claim.tasks.length} dates`, {
      hint: 'raise timeout_seconds of the processor, or lower --dates-per-task',
    }),
  );
};

/**
 * Staging that nobody will commit. Left behind by a failure here, the reconciler finds it. Giving up an adopted job only
 * ended the wait for it; nobody else will end the job itself.
 */
const discardStaged = async (deps: WorkerDeps, claim: Claim): Promise<void> => {
  if (claim.adopted) await cancelJobs(deps, [claim.jobId], new AbortController().signal);
  try {
    await deps.warehouse.dropStaging(specOf(claim.processor), [claim.staging], new AbortController().signal);
  } catch (error) {
    deps.logger.warn({ staging: claim.staging, err: error }, 'staging not dropped; the reconciler will');
  }
};
