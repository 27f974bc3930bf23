// What operators do to a backfill. Each action is one transaction with its line in the audit log; the doorbell that
// makes the services look is in the same outbox.
import {
  controlPath,
  controlSchema,
  deadLetterSchema,
  parseDocument,
  taskCollection,
  taskSchema,
  type BackfillDocument,
  type DeadLetterDocument,
  type TaskDocument,
} from '../contracts/documents.ts';
import { inputDigest } from '../domain/ledger.ts';
import type { PartitionDate } from '../domain/partition-date.ts';
import { processorById, type Processor } from '../domain/pipeline.ts';
import { canTransition } from '../domain/task-state.ts';
import type { StoreReader } from '../ports/status-store.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import { bindWarehouse } from './deadline.ts';
import type { StoreDeps } from './deps.ts';
import { ledgerPathsFor, readLedgerYears, readSourceDigests, viewOf, type SourceDigests } from './ledger-reader.ts';
import { transact, type Send } from './outbox.ts';
import { createPlanReader, type LoadedPlan } from './plan-store.ts';
import { audit, isOpen, isRefused, needBackfill, reopen } from './reopen.ts';
import { moveTask, pathOfTask, readDeadLetters, saveDeadLetter, saveTask } from './task-writes.ts';

export type ControlAction = 'pause' | 'resume' | 'cancel';
export type ControlOutcome = { readonly outcome: 'done' | 'already' } | { readonly outcome: 'over'; readonly state: BackfillDocument['state'] };

/** Pauses, resumes or cancels. When it resolves with `done`, no claim and no commit begins after a pause or cancel. */
export const controlBackfill = async (deps: StoreDeps, backfillId: string, action: ControlAction, by: string): Promise<ControlOutcome> =>
  transact(deps, async (transaction, send): Promise<ControlOutcome> => {
    const backfill = await needBackfill(transaction, backfillId);
    const document = await transaction.get(controlPath(backfillId));
    const control = document === undefined ? { paused: false, cancelled: false } : parseDocument(controlSchema, document);
    if (backfill.state !== 'active')
      return action === 'cancel' && backfill.state === 'cancelled' ? { outcome: 'already' } : { outcome: 'over', state: backfill.state };
    if (control.cancelled) return action === 'cancel' ? { outcome: 'already' } : { outcome: 'over', state: 'cancelled' };
    const next = { paused: action === 'pause' || (action === 'cancel' && control.paused), cancelled: action === 'cancel' };
    if (next.paused === control.paused && next.cancelled === control.cancelled) return { outcome: 'already' };
    const tables = action === 'resume' ? await stagedTables(transaction, backfillId) : [];
    transaction.set(controlPath(backfillId), { ...next, by, at: deps.clock.now() });
    audit(deps, transaction, by, action, backfillId);
    ringAll(send, backfill, tables);
    return { outcome: 'done' };
  });

const stagedTables = async (reader: StoreReader, backfillId: string): Promise<readonly string[]> => {
  const staged = await reader.query({ collection: taskCollection(backfillId), where: [{ field: 'state', op: '==', value: 'staged' }] });
  return [...new Set(staged.map((document) => parseDocument(taskSchema, document).table))];
};

const ringAll = (send: Send, backfill: BackfillDocument, tables: readonly string[]): void => {
  const about = { subject: backfill.backfillId, traceparent: backfill.traceparent };
  send('floodgate.backfill.moved', { backfillId: backfill.backfillId }, about);
  for (const table of tables) send('floodgate.lane.rung', { table }, about);
};

// ── retry ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export type TaskFilter = {
  readonly processors?: ReadonlySet<string>;
  readonly dates?: ReadonlySet<PartitionDate>;
  readonly states: readonly ('failed' | 'quarantined')[];
};

export type RetryOutcome =
  | { readonly outcome: 'retrying'; readonly tasks: number; readonly reopened: boolean }
  | { readonly outcome: 'nothing_to_retry' }
  | { readonly outcome: 'cancelled' }
  | { readonly outcome: 'overlap'; readonly backfillId: string };

const writesPerTransaction = 200;

/**
 * Puts failed and quarantined tasks back to work, with a fresh budget of attempts, and reopens the backfill where it has
 * ended: it takes a new sequence number and keeps its plan. Without such tasks a blocked backfill is reopened all the
 * same, since its gates may open now.
 */
export const retryTasks = async (deps: StoreDeps, backfillId: string, filter: TaskFilter, by: string): Promise<RetryOutcome> => {
  const plans = createPlanReader(deps.store);
  const backfill = await needBackfill(deps.store, backfillId);
  if (backfill.state === 'cancelled') return { outcome: 'cancelled' };
  const documents = await deps.store.query({ collection: taskCollection(backfillId), where: [{ field: 'state', op: 'in', value: [...filter.states] }] });
  const wanted = documents
    .map((document) => parseDocument(taskSchema, document))
    .filter((task) => (filter.processors?.has(task.processorId) ?? true) && (filter.dates?.has(task.date) ?? true));
  if (wanted.length === 0 && backfill.state !== 'blocked') return { outcome: 'nothing_to_retry' };
  const keys = new Set(wanted.map(({ processorId, date }) => `${processorId}|${date}`));
  const reopened = await reopen(deps, plans, backfill, keys, by);
  if (isRefused(reopened)) return reopened;
  let tasks = 0;
  for (let at = 0; at < wanted.length;) {
    const chunk = wanted.slice(at, at + writesPerTransaction);
    const count = await transact(deps, async (transaction, send) => {
      if (!(await isOpen(transaction, backfillId))) return undefined;
      const current = (await transaction.getMany(chunk.map(pathOfTask))).flatMap((document) =>
        document === undefined ? [] : [parseDocument(taskSchema, document)],
      );
      const letters = await readDeadLetters(transaction, current);
      let count = 0;
      for (const task of current) {
        const name = (['retry_failed', 'retry_quarantined'] as const).find((candidate) => canTransition(task.state, candidate));
        if (name === undefined) continue;
        const fields = { attempt: 0, epoch: task.epoch + 1, notBefore: 0, staged: null, job: null, endedAt: null, spanLimit: 1, evidence: [] };
        saveTask(transaction, moveTask(task, name, fields));
        count += 1;
      }
      for (const [path, letter] of letters) if (letter.state === 'open') transaction.set(path, { ...letter, state: 'replaying' });
      audit(deps, transaction, by, 'retry', backfillId, { tasks: count });
      send('floodgate.backfill.moved', { backfillId }, { subject: backfillId, traceparent: backfill.traceparent });
      return count;
    });
    if (count === undefined) {
      // A pass ended it since it was found active.
      const again = await reopen(deps, plans, backfill, keys, by);
      if (isRefused(again)) return again;
      continue;
    }
    tasks += count;
    at += writesPerTransaction;
  }
  return { outcome: 'retrying', tasks, reopened: reopened.outcome === 'reopened' };
};

// ── dead letters ────────────────────────────────────────────────────────────────────────────────────────────────────

export type DeadLetterFilter = {
  readonly ids?: ReadonlySet<string>;
  readonly causeGroup?: string;
  readonly backfillId?: string;
  readonly processorId?: string;
};

export const listDeadLetters = async (
  store: StoreReader,
  states: readonly DeadLetterDocument['state'][],
  filter: DeadLetterFilter = {},
): Promise<readonly DeadLetterDocument[]> => {
  const documents = await store.query({ group: 'deadLetters', where: [{ field: 'state', op: 'in', value: [...states] }] });
  return documents
    .map((document) => parseDocument(deadLetterSchema, document))
    .filter((entry) => (filter.ids?.has(entry.deadLetterId) ?? true) && (filter.causeGroup === undefined || entry.causeGroup === filter.causeGroup))
    .filter(
      (entry) =>
        (filter.backfillId === undefined || entry.backfillId === filter.backfillId) &&
        (filter.processorId === undefined || entry.processorId === filter.processorId),
    )
    .sort((a, b) => a.openedAt - b.openedAt || (a.deadLetterId < b.deadLetterId ? -1 : 1));
};

export type ReplayOutcome = {
  readonly replayed: number;
  readonly backfills: readonly { readonly backfillId: string; readonly result: RetryOutcome }[];
  readonly messagesLeft: number;
};

/** Replays task entries, at most `limit`, oldest first. Malformed messages can't be replayed: they are published again by who made them. */
export const replayDeadLetters = async (deps: StoreDeps, filter: DeadLetterFilter, limit: number, by: string): Promise<ReplayOutcome> => {
  const open = await listDeadLetters(deps.store, ['open'], filter);
  const chosen = open.filter(({ kind }) => kind === 'task').slice(0, limit);
  const backfills: { backfillId: string; result: RetryOutcome }[] = [];
  let replayed = 0;
  for (const backfillId of new Set(chosen.map((entry) => entry.backfillId))) {
    const own = chosen.filter((entry) => entry.backfillId === backfillId);
    // Per processor, since the filter is a product of processors and dates.
    for (const processorId of new Set(own.map((entry) => entry.processorId))) {
      const dates = new Set(own.filter((entry) => entry.processorId === processorId).map(({ date }) => date as PartitionDate));
      const result = await retryTasks(deps, backfillId, { processors: new Set([processorId]), dates, states: ['failed'] }, by);
      if (result.outcome === 'retrying') replayed += result.tasks;
      backfills.push({ backfillId, result });
    }
  }
  return { replayed, backfills, messagesLeft: open.length - open.filter(({ kind }) => kind === 'task').length };
};

// ── quarantine and gates ────────────────────────────────────────────────────────────────────────────────────────────

export type QuarantineOutcome =
  | { readonly outcome: 'accepted' | 'rejected' }
  /** Its inputs, code or the committed rows have changed since: it is computed anew instead. */
  | { readonly outcome: 'computed_anew' }
  | { readonly outcome: 'not_quarantined' }
  /** Duplicate or null keys can't be accepted by anybody. */
  | { readonly outcome: 'refused'; readonly why: string }
  | { readonly outcome: 'overlap'; readonly backfillId: string };

const unacceptable = ['unique_key', 'required'];

/** Accepts a quarantined date as it is, or rejects it. */
export const decideQuarantine = async (
  given: StoreDeps & { readonly warehouse: Warehouse },
  input: {
    readonly backfillId: string;
    readonly processorId: string;
    readonly date: PartitionDate;
    readonly decision: 'accept' | 'reject';
    readonly by: string;
    readonly reason: string;
  },
  signal: AbortSignal,
): Promise<QuarantineOutcome> => {
  const deps = bindWarehouse(given);
  const { backfillId, processorId, date, decision, by } = input;
  const plans = createPlanReader(deps.store);
  const backfill = await needBackfill(deps.store, backfillId);
  const plan = await plans.plan(backfill.planHash);
  const processor = processorById(plan.pipeline, processorId);
  const index = plan.calendar.indexOf.get(date);
  if (processor === undefined || index === undefined) return { outcome: 'not_quarantined' };
  const path = pathOfTask({ backfillId, processorId, date } as TaskDocument);
  const before = await deps.store.get(path);
  const quarantined = before === undefined ? undefined : parseDocument(taskSchema, before);
  if (quarantined?.state !== 'quarantined') return { outcome: 'not_quarantined' };
  const broken = quarantined.evidence.find(({ check, severity }) => severity === 'block' && unacceptable.includes(check));
  if (decision === 'accept' && broken !== undefined) return { outcome: 'refused', why: `${broken.check}: ${broken.message}` };
  const sources = await readSourceDigests(deps.warehouse, plan.pipeline, [processor], plan.calendar, { first: index, last: index }, signal);
  for (;;) {
    if (decision === 'accept') {
      const reopened = await reopen(deps, plans, backfill, new Set([`${processorId}|${date}`]), by);
      if (reopened.outcome === 'overlap') return reopened;
      if (reopened.outcome === 'cancelled') return { outcome: 'refused', why: `backfill ${backfillId} was cancelled` };
    }
    const outcome = await settleQuarantine(deps, {
      ...input,
      path,
      processor,
      plan,
      index,
      sources,
      revision: quarantined.revision,
      traceparent: backfill.traceparent,
    });
    if (outcome !== 'ended') return outcome;
  }
};

type QuarantineDecision = Parameters<typeof decideQuarantine>[1] & {
  readonly path: string;
  readonly processor: Processor;
  readonly plan: LoadedPlan;
  readonly index: number;
  readonly sources: SourceDigests;
  readonly revision: number;
  readonly traceparent: string;
};

/** `ended`: a pass ended the backfill since it was found active, so that nobody would take up what is accepted. */
const settleQuarantine = (deps: StoreDeps, input: QuarantineDecision): Promise<QuarantineOutcome | 'ended'> =>
  transact(deps, async (transaction, send): Promise<QuarantineOutcome | 'ended'> => {
    const { backfillId, processorId, date, decision, by, path, processor, plan, index } = input;
    if (decision === 'accept' && !(await isOpen(transaction, backfillId))) return 'ended';
    const document = await transaction.get(path);
    const task = document === undefined ? undefined : parseDocument(taskSchema, document);
    const years = await readLedgerYears(transaction, ledgerPathsFor(plan.pipeline, [processor], plan.calendar, { first: index, last: index }));
    if (task?.state !== 'quarantined' || task.revision !== input.revision) return { outcome: 'not_quarantined' };
    const view = viewOf(plan.pipeline.id, years, input.sources);
    const now = deps.clock.now();
    const about = { subject: backfillId, traceparent: input.traceparent };
    audit(deps, transaction, by, `quarantine_${decision}`, path, { reason: input.reason });
    if (decision === 'reject') {
      const failure = {
        code: 'quarantine_rejected',
        class: 'permanent' as const,
        message: `${by} rejected the quarantined rows${input.reason === '' ? '' : `: ${input.reason}`}`,
      };
      const failed = moveTask(task, 'reject', { failure, deadLetter: true, staged: null, endedAt: now });
      saveTask(transaction, failed);
      saveDeadLetter(transaction, failed, failure, now);
      send('floodgate.tasks.ended', { backfillId, phases: [processor.phase] }, about);
      return { outcome: 'rejected' };
    }
    const current = inputDigest(plan.pipeline, processor, plan.calendar, index, view) === task.inputDigest && processor.codeHash === task.codeHash;
    const newer = (view.entry(processorId, date)?.generation ?? 0) >= task.generation;
    if (!current || newer || task.staged === null) {
      saveTask(transaction, moveTask(task, 'retry_quarantined', { attempt: 0, epoch: task.epoch + 1, notBefore: 0, staged: null, endedAt: null }));
      send('floodgate.backfill.moved', { backfillId }, about);
      return { outcome: 'computed_anew' };
    }
    saveTask(transaction, moveTask(task, 'accept', { stagedAt: now, endedAt: null, failure: null }));
    send('floodgate.lane.rung', { table: task.table }, about);
    send('floodgate.backfill.moved', { backfillId }, about);
    return { outcome: 'accepted' };
  });

export type ApproveOutcome =
  | { readonly outcome: 'approved' }
  | { readonly outcome: 'not_held'; readonly state: string }
  | { readonly outcome: 'overlap'; readonly backfillId: string };

/** A person opens a held gate: the backfill goes on, and the validator judges the gate once more and writes the decision. */
export const approveGate = async (deps: StoreDeps, backfillId: string, phase: number, by: string): Promise<ApproveOutcome> => {
  const backfill = await needBackfill(deps.store, backfillId);
  const outcome = await reopen(deps, createPlanReader(deps.store), backfill, new Set(), by, phase);
  switch (outcome.outcome) {
    case 'not_held':
    case 'overlap':
      return outcome;
    case 'cancelled':
      return { outcome: 'not_held', state: 'cancelled' };
    default:
      return { outcome: 'approved' };
  }
};
