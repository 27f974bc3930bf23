// Puts a backfill that has ended back to work: it takes a new sequence number, keeps its plan, and the overlap check is made
// again. Everything that puts tasks back checks in its own transaction that the backfill is open: a pass may just have ended it.
import {
  auditPath,
  backfillPath,
  backfillSchema,
  controlPath,
  controlSchema,
  gatePath,
  gateSchema,
  parseDocument,
  pipelineStatePath,
  pipelineStateSchema,
  taskCollection,
  taskSchema,
  type AuditRecord,
  type BackfillDocument,
  type PipelineStateDocument,
} from '../contracts/documents.ts';
import { FloodgateError } from '../domain/errors.ts';
import { isTerminal } from '../domain/task-state.ts';
import type { Json, StatusStore, StoreReader, StoreTransaction } from '../ports/status-store.ts';
import type { StoreDeps } from './deps.ts';
import { transact } from './outbox.ts';
import type { PlanReader } from './plan-store.ts';

/** One line of who did what. */
export const audit = (
  deps: StoreDeps,
  transaction: StoreTransaction,
  by: string,
  action: string,
  subject: string,
  detail: Readonly<Record<string, Json>> = {},
): void => {
  const record: AuditRecord = { at: deps.clock.now(), by, action, subject, detail };
  transaction.set(auditPath(deps.ids.newId()), record);
};

const noBackfill = (backfillId: string): FloodgateError =>
  new FloodgateError('unknown_backfill', `no backfill ${backfillId}`, { hint: 'npx floodgate status lists them' });

export const needBackfill = async (reader: StoreReader, backfillId: string): Promise<BackfillDocument> => {
  const document = await reader.get(backfillPath(backfillId));
  if (document === undefined) throw noBackfill(backfillId);
  return parseDocument(backfillSchema, document);
};

/** What a backfill has planned and not brought to an end, as `processor|date`. */
export const unfinishedOf = async (
  deps: { readonly store: StatusStore; readonly plans: PlanReader },
  { backfillId, planHash }: BackfillDocument,
): Promise<ReadonlySet<string>> => {
  const { entries } = await deps.plans.plan(planHash);
  const unfinished = new Set(
    [...entries].flatMap(([processorId, row]) => [...row.values()].flatMap(({ kind, date }) => (kind === 'task' ? [`${processorId}|${date}`] : []))),
  );
  for (const document of await deps.store.query({ collection: taskCollection(backfillId) })) {
    const task = parseDocument(taskSchema, document);
    if (isTerminal(task.state)) unfinished.delete(`${task.processorId}|${task.date}`);
  }
  return unfinished;
};

/** Another active backfill that has yet to do something of what would be done here: what is retried, and what was never begun. */
const overlapping = async (
  deps: { readonly store: StatusStore; readonly plans: PlanReader },
  backfill: BackfillDocument,
  state: PipelineStateDocument,
  wanted: ReadonlySet<string>,
): Promise<string | undefined> => {
  const others = state.activeBackfills.filter((other) => other !== backfill.backfillId);
  if (others.length === 0) return undefined;
  const own = new Set([...wanted, ...(await unfinishedOf(deps, backfill))]);
  for (const other of others) {
    const document = await deps.store.get(backfillPath(other));
    if (document === undefined) continue;
    const theirs = await unfinishedOf(deps, parseDocument(backfillSchema, document));
    if (!own.isDisjointFrom(theirs)) return other;
  }
  return undefined;
};

/** Whether tasks that are put back now will be looked at: a task in a backfill that has ended would wait for ever. */
export const isOpen = async (transaction: StoreTransaction, backfillId: string): Promise<boolean> => {
  const [stored, control] = await transaction.getMany([backfillPath(backfillId), controlPath(backfillId)]);
  if (stored === undefined || parseDocument(backfillSchema, stored).state !== 'active') return false;
  return control === undefined || !parseDocument(controlSchema, control).cancelled;
};

export type ReopenOutcome =
  | { readonly outcome: 'reopened' | 'active' }
  | { readonly outcome: 'cancelled' }
  | { readonly outcome: 'overlap'; readonly backfillId: string }
  | { readonly outcome: 'not_held'; readonly state: string };

type Refused = { readonly outcome: 'cancelled' } | { readonly outcome: 'overlap'; readonly backfillId: string };
export const isRefused = (outcome: ReopenOutcome): outcome is ReopenOutcome & Refused => outcome.outcome === 'cancelled' || outcome.outcome === 'overlap';

/** `approve`: the phase whose held gate a person opens, in the same transaction. */
export const reopen = async (
  deps: StoreDeps,
  plans: PlanReader,
  backfill: BackfillDocument,
  wanted: ReadonlySet<string>,
  by: string,
  approve?: number,
): Promise<ReopenOutcome> => {
  for (;;) {
    const stateDocument = await deps.store.get(pipelineStatePath(backfill.pipelineId));
    if (stateDocument === undefined) throw new FloodgateError('not_found', `pipeline ${backfill.pipelineId} has no state document`);
    const state = parseDocument(pipelineStateSchema, stateDocument);
    const other = await overlapping({ store: deps.store, plans }, backfill, state, wanted);
    if (other !== undefined) return { outcome: 'overlap', backfillId: other };
    const outcome = await transact(deps, async (transaction, send): Promise<ReopenOutcome | undefined> => {
      const [stored, current, control] = await transaction.getMany([
        pipelineStatePath(backfill.pipelineId),
        backfillPath(backfill.backfillId),
        controlPath(backfill.backfillId),
      ]);
      const documents = await transaction.getMany(backfill.phases.map((phase) => gatePath(backfill.backfillId, phase)));
      const gates = documents.flatMap((document) => (document === undefined ? [] : [parseDocument(gateSchema, document)]));
      // A backfill without its control document is about to expire.
      if (current === undefined || control === undefined) throw noBackfill(backfill.backfillId);
      if (stored === undefined) throw new FloodgateError('not_found', `pipeline ${backfill.pipelineId} has no state document`);
      const now = parseDocument(pipelineStateSchema, stored);
      const before = parseDocument(backfillSchema, current);
      if (now.activation !== state.activation) return undefined;
      if (before.state === 'cancelled' || parseDocument(controlSchema, control).cancelled) return { outcome: 'cancelled' };
      if (now.latestHash !== '' && now.latestHash !== before.pipelineHash) {
        throw new FloodgateError(
          'plan_outdated',
          `backfill ${backfill.backfillId} was planned with pipeline version ${before.pipelineHash}; version ${now.latestHash} has been activated since, and its rows would be lost`,
          {
            hint: `plan what is missing anew: npx floodgate backfill --pipeline ${backfill.pipelineId} --reprocess missing (or failed)`,
          },
        );
      }
      const about = { subject: backfill.backfillId, traceparent: backfill.traceparent };
      const held = gates.find(({ phase }) => phase === approve);
      if (approve !== undefined) {
        if (held?.state !== 'held') return { outcome: 'not_held', state: held?.state ?? 'waiting' };
        audit(deps, transaction, by, 'approve', `${backfill.backfillId}/gates/${approve}`);
        // The validator judges it once more.
        transaction.set(gatePath(backfill.backfillId, approve), { ...held, state: 'waiting', approvedBy: by, evaluation: held.evaluation + 1 });
        send('floodgate.tasks.ended', { backfillId: backfill.backfillId, phases: [approve] }, about);
      }
      if (before.state === 'active') return { outcome: 'active' };
      const sequence = now.sequence + 1;
      transaction.set(backfillPath(backfill.backfillId), { ...before, state: 'active', sequence, endedAt: null });
      transaction.set(pipelineStatePath(backfill.pipelineId), {
        ...now,
        sequence,
        activation: now.activation + 1,
        activeBackfills: [...now.activeBackfills, backfill.backfillId],
      });
      // Gates that are not open are judged anew.
      for (const gate of gates) {
        if (gate.state !== 'open' && gate.phase !== approve)
          transaction.set(gatePath(gate.backfillId, gate.phase), { ...gate, state: 'waiting', evaluation: gate.evaluation + 1 });
      }
      audit(deps, transaction, by, 'reopen', backfill.backfillId, { sequence });
      send('floodgate.backfill.moved', { backfillId: backfill.backfillId }, about);
      send('floodgate.tasks.ended', { backfillId: backfill.backfillId, phases: [...backfill.phases] }, about);
      return { outcome: 'reopened' };
    });
    if (outcome !== undefined) return outcome;
  }
};
