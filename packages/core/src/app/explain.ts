// Why is this date not running? Every planned task is in a terminal state, or waits for something that can be named.
import { gatePath, gateSchema, parseDocument, type BackfillDocument, type GateDocument, type TaskDocument } from '../contracts/documents.ts';
import { formatWindow } from '../domain/window.ts';
import type { PartitionDate } from '../domain/partition-date.ts';
import { processorById, type Processor } from '../domain/pipeline.ts';
import { blockersOf, type Blocker } from '../domain/schedule.ts';
import { canTransition, isTerminal } from '../domain/task-state.ts';
import type { StatusStore } from '../ports/status-store.ts';
import { openView, type BackfillView } from './backfill-view.ts';
import type { PlanReader } from './plan-store.ts';
import { readBackfill } from './plan-store.ts';
import { readBackfillStatus } from './read-status.ts';

export type Reason =
  | { readonly kind: 'done'; readonly state: TaskDocument['state'] }
  | { readonly kind: 'in_flight'; readonly state: TaskDocument['state'] }
  | { readonly kind: 'not_in_plan'; readonly reason: string }
  | { readonly kind: 'backoff'; readonly until: number; readonly failure: string }
  | { readonly kind: 'paused' }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'gate'; readonly phase: number; readonly gate: GateDocument | undefined }
  | { readonly kind: 'upstream'; readonly processorId: string; readonly dates: readonly PartitionDate[]; readonly state: string; readonly window: string }
  | { readonly kind: 'admission' };

export type Explanation = {
  readonly backfillId: string;
  readonly processorId: string;
  readonly date: PartitionDate;
  readonly task: TaskDocument | undefined;
  readonly plannedBecause: string;
  readonly reasons: readonly Reason[];
};

const blockerState = (view: BackfillView, { processorId, index, status }: Blocker): string => {
  if (status.status === 'awaited') return status.by === '' ? 'missing, and this request did not ask for it' : `planned by backfill ${status.by}`;
  return view.tasks.get(processorId)?.get(index)?.state ?? 'not released yet';
};

const upstreamReasons = (view: BackfillView, processor: Processor, index: number): readonly Reason[] => {
  const { pipeline, calendar } = view.plan;
  const groups = new Map<string, { processorId: string; state: string; dates: PartitionDate[] }>();
  for (const blocker of blockersOf(pipeline, processor, calendar, index, view.grid, 1_000)) {
    const state = blockerState(view, blocker);
    const key = `${blocker.processorId}|${state}`;
    const group = groups.get(key) ?? { processorId: blocker.processorId, state, dates: [] };
    group.dates.push(calendar.dates[blocker.index]?.date as PartitionDate);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ processorId, state, dates }) => {
    const table = processorById(pipeline, processorId)?.table;
    const upstream = processor.upstreams.find((candidate) => candidate.table === table);
    return { kind: 'upstream', processorId, dates, state, window: upstream === undefined ? '' : formatWindow(upstream.window) };
  });
};

/** Explains one partition of a backfill, as its plan and the task documents stand now. Undefined: no such backfill. */
export const explainPartition = async (
  deps: { readonly store: StatusStore; readonly plans: PlanReader; readonly now: number },
  backfillId: string,
  processorId: string,
  date: PartitionDate,
): Promise<Explanation | undefined> => {
  const backfill = await readBackfill(deps.store, backfillId);
  const status = await readBackfillStatus(deps.store, backfillId);
  if (backfill === undefined || status === undefined) return undefined;
  const view = await openView(deps.store, backfillId, await deps.plans.plan(backfill.planHash));
  const index = view.plan.calendar.indexOf.get(date);
  const entry = index === undefined ? undefined : view.plan.entries.get(processorId)?.get(index);
  const processor = processorById(view.plan.pipeline, processorId);
  const task = index === undefined ? undefined : view.tasks.get(processorId)?.get(index);
  const base = { backfillId, processorId, date, task, plannedBecause: entry?.kind === 'task' ? entry.reason : '' };
  if (index === undefined) return { ...base, reasons: [{ kind: 'not_in_plan', reason: 'the date is not in the calendar' }] };
  if (entry === undefined || processor === undefined) return { ...base, reasons: [{ kind: 'not_in_plan', reason: 'nobody asked for it' }] };
  if (entry.kind !== 'task')
    return { ...base, reasons: [{ kind: 'not_in_plan', reason: entry.kind === 'await' ? `backfill ${entry.reason} computes it` : entry.reason }] };
  if (task !== undefined && isTerminal(task.state)) return { ...base, reasons: [{ kind: 'done', state: task.state }] };
  if (status.control.cancelled) return { ...base, reasons: [{ kind: 'cancelled' }] };
  const reasons: Reason[] = status.control.paused ? [{ kind: 'paused' }] : [];
  if (task !== undefined && !canTransition(task.state, 'release_again')) return { ...base, reasons: [...reasons, { kind: 'in_flight', state: task.state }] };
  if (task !== undefined && task.notBefore > deps.now) reasons.push({ kind: 'backoff', until: task.notBefore, failure: task.failure?.message ?? '' });
  reasons.push(...(await closedGates(deps.store, backfill, processor)), ...upstreamReasons(view, processor, index));
  return { ...base, reasons: reasons.length > 0 ? reasons : [{ kind: 'admission' }] };
};

const closedGates = async (store: StatusStore, backfill: BackfillDocument, processor: Processor): Promise<readonly Reason[]> => {
  if (backfill.gate === 'window') return [];
  for (const phase of backfill.phases.filter((earlier) => earlier < processor.phase)) {
    const document = await store.get(gatePath(backfill.backfillId, phase));
    const gate = document === undefined ? undefined : parseDocument(gateSchema, document);
    if (gate?.state !== 'open') return [{ kind: 'gate', phase, gate }];
  }
  return [];
};

export type WaitingGroup = { readonly processorId: string; readonly dates: readonly PartitionDate[]; readonly why: string };

/** Everything of a backfill that is neither finished nor with the workers, grouped by its reason. */
export const explainWaiting = async (
  deps: { readonly store: StatusStore; readonly plans: PlanReader; readonly now: number },
  backfillId: string,
): Promise<readonly WaitingGroup[]> => {
  const backfill = await readBackfill(deps.store, backfillId);
  const status = await readBackfillStatus(deps.store, backfillId);
  if (backfill === undefined || status === undefined) return [];
  const view = await openView(deps.store, backfillId, await deps.plans.plan(backfill.planHash));
  const gates = new Map<string, readonly Reason[]>();
  const groups = new Map<string, { processorId: string; dates: PartitionDate[]; why: string }>();
  for (const [processorId, row] of view.plan.entries) {
    const processor = processorById(view.plan.pipeline, processorId);
    if (processor === undefined) continue;
    gates.set(processorId, await closedGates(deps.store, backfill, processor));
    for (const [index, entry] of row) {
      const task = view.tasks.get(processorId)?.get(index);
      if (entry.kind !== 'task' || (task !== undefined && task.state !== 'waiting')) continue;
      const reasons = [...(gates.get(processorId) ?? []), ...upstreamReasons(view, processor, index)];
      const first = reasons[0];
      const why = status.control.cancelled
        ? 'the backfill is cancelled'
        : status.control.paused
          ? 'the backfill is paused'
          : task !== undefined && task.notBefore > deps.now
            ? `it is tried again after a pause${task.failure === null ? '' : ` (${task.failure.code}: ${task.failure.message})`}`
            : first === undefined
              ? 'it is its turn when a worker is free'
              : shortReason(first);
      const key = `${processorId}|${why}`;
      const group = groups.get(key) ?? { processorId, dates: [], why };
      group.dates.push(entry.date);
      groups.set(key, group);
    }
  }
  return [...groups.values()];
};

const shortReason = (reason: Reason): string => {
  if (reason.kind === 'gate') return `the gate of phase ${reason.phase} is ${reason.gate?.state ?? 'waiting'}`;
  if (reason.kind === 'upstream')
    return `${reason.processorId} ${reason.dates[0] ?? ''}${reason.dates.length > 1 ? ` and ${reason.dates.length - 1} more` : ''} in its window: ${reason.state}`;
  return reason.kind;
};
