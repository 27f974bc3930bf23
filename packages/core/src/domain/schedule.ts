// Which tasks are ready, and how they travel. Pure: the planner feeds it what the store says and releases what comes out.
// Readiness is one rule for edges inside a phase and across phases: every partition in every window is good.
import { windowIndexes, type Calendar } from './calendar.ts';
import type { Pipeline, Processor, Upstream } from './pipeline.ts';
import type { PlanEntry } from './plan.ts';
import { isGood, isInFlight, isTerminal, type TaskState } from './task-state.ts';

/** What the schedule knows of one partition of the plan. */
export type PartitionStatus =
  /** Not released yet, or put back: may go once its window is good and `notBefore` has passed. */
  | { readonly status: 'waiting'; readonly notBefore: number; readonly spanLimit: number }
  | { readonly status: 'in_flight' }
  /** Committed and fresh, or a declared skip. */
  | { readonly status: 'good' }
  /** Ended without being good. */
  | { readonly status: 'bad'; readonly state: TaskState }
  /** Another backfill is at it, or it is missing and nobody planned it. */
  | { readonly status: 'awaited'; readonly by: string };

export const statusOfTask = (task: { readonly state: TaskState; readonly notBefore: number; readonly spanLimit: number }): PartitionStatus => {
  if (isGood(task.state)) return { status: 'good' };
  if (isTerminal(task.state)) return { status: 'bad', state: task.state };
  if (isInFlight(task.state)) return { status: 'in_flight' };
  return { status: 'waiting', notBefore: task.notBefore, spanLimit: task.spanLimit };
};

/** Status of a plan's entry before any task document exists for it. `awaitedGood`: what it waits for is there by now. */
export const statusOfEntry = (entry: PlanEntry, awaitedGood: boolean): PartitionStatus => {
  switch (entry.kind) {
    case 'task':
      return { status: 'waiting', notBefore: 0, spanLimit: Number.POSITIVE_INFINITY };
    case 'skip':
      return { status: 'good' };
    case 'fresh':
      return entry.reason === 'missing_not_requested' ? { status: 'awaited', by: '' } : { status: 'good' };
    case 'await':
      return awaitedGood ? { status: 'good' } : { status: 'awaited', by: entry.reason };
  }
};

/** Statuses by processor and calendar position; a position that is not in the plan is undefined. */
export type StatusGrid = ReadonlyMap<string, readonly (PartitionStatus | undefined)[]>;

export type Blocker = {
  readonly processorId: string;
  readonly index: number;
  readonly status: PartitionStatus;
};

/** Whether a partition that is like this keeps the reader of it waiting. */
const holdsBack = (status: PartitionStatus, { strength, optional }: Pick<Upstream, 'strength' | 'optional'>): boolean => {
  if (status.status === 'good') return false;
  if (status.status === 'bad') return strength === 'hard';
  // Missing, and nobody planned it.
  return !(optional === true && status.status === 'awaited' && status.by === '');
};

/** Positions in the window of `index` that are not as the edge demands, at most `limit`. Positions outside the plan are good: the plan closed over the graph. */
export const blockersOf = (
  pipeline: Pipeline,
  processor: Processor,
  calendar: Calendar,
  index: number,
  grid: StatusGrid,
  limit: number,
): readonly Blocker[] => {
  const blockers: Blocker[] = [];
  for (const upstream of processor.upstreams) {
    const producer = pipeline.processors.find(({ table }) => table === upstream.table);
    const row = producer === undefined ? undefined : grid.get(producer.id);
    if (producer === undefined || row === undefined) continue;
    const { from, to } = windowIndexes(calendar, upstream.window, index);
    for (let at = from; at < to && blockers.length < limit; at += 1) {
      const status = row[at];
      if (status === undefined || !holdsBack(status, upstream)) continue;
      blockers.push({ processorId: producer.id, index: at, status });
    }
  }
  return blockers;
};

export type Ready = { readonly processorId: string; readonly index: number; readonly spanLimit: number };

/**
 * Everything that may be released now, upstreams first, then by date. A phase above a closed gate releases nothing with
 * gate mode `phase`; `openPhases` are those whose earlier gates are all open.
 */
export const findReady = (input: {
  readonly pipeline: Pipeline;
  readonly calendar: Calendar;
  readonly grid: StatusGrid;
  readonly now: number;
  readonly mayRelease: (phase: number) => boolean;
}): readonly Ready[] => {
  const { pipeline, calendar, grid } = input;
  const ready: Ready[] = [];
  const heldBefore = new Map<string, Int32Array>();
  /** Prefix sums of positions that hold readers by edges of this kind back, so that a window of any width costs one subtraction. */
  const sumsOf = (processorId: string, upstream: Upstream): Int32Array => {
    const key = `${processorId} ${upstream.strength} ${upstream.optional === true}`;
    const known = heldBefore.get(key);
    if (known !== undefined) return known;
    const row = grid.get(processorId) ?? [];
    const sums = new Int32Array(calendar.dates.length + 1);
    for (let at = 0; at < calendar.dates.length; at += 1) {
      const status = row[at];
      sums[at + 1] = (sums[at] as number) + (status !== undefined && holdsBack(status, upstream) ? 1 : 0);
    }
    heldBefore.set(key, sums);
    return sums;
  };
  for (const processor of pipeline.processors) {
    const row = grid.get(processor.id);
    if (row === undefined || !input.mayRelease(processor.phase)) continue;
    const edges = processor.upstreams.flatMap((upstream) => {
      const producer = pipeline.processors.find((other) => other.table === upstream.table);
      return producer === undefined || !grid.has(producer.id) ? [] : [{ window: upstream.window, sums: sumsOf(producer.id, upstream) }];
    });
    for (const [index, status] of row.entries()) {
      if (status?.status !== 'waiting' || status.notBefore > input.now) continue;
      const good = edges.every(({ window, sums }) => {
        const { from, to } = windowIndexes(calendar, window, index);
        return sums[to] === sums[from];
      });
      if (good) ready.push({ processorId: processor.id, index, spanLimit: status.spanLimit });
    }
  }
  return ready;
};

/**
 * Waiting partitions that can't start whatever happens here: something hard in their window has ended badly, is awaited from
 * elsewhere, or is itself stuck. Only a person (a retry, an acceptance) or another backfill frees them.
 */
export const findStuck = (pipeline: Pipeline, calendar: Calendar, grid: StatusGrid): ReadonlyMap<string, ReadonlySet<number>> => {
  const stuck = new Map<string, Set<number>>();
  // Upstreams first: what is stuck above is known before it is asked for.
  for (const processor of pipeline.processors) {
    const own = new Set<number>();
    for (const [index, status] of (grid.get(processor.id) ?? []).entries()) {
      if (status?.status !== 'waiting') continue;
      const held = blockersOf(pipeline, processor, calendar, index, grid, Number.POSITIVE_INFINITY).some(
        (blocker) => blocker.status.status === 'bad' || blocker.status.status === 'awaited' || stuck.get(blocker.processorId)?.has(blocker.index) === true,
      );
      if (held) own.add(index);
    }
    if (own.size > 0) stuck.set(processor.id, own);
  }
  return stuck;
};

export type Span = { readonly processorId: string; readonly indexes: readonly number[] };

/**
 * Puts ready dates of one processor into dispatches of neighbouring calendar dates. A date travels in a span no longer
 * than its own limit (halved after a failure on data); gaps end a span, since a statement reads from first to last date.
 */
export const formSpans = (ready: readonly Ready[], maxSpan: (processorId: string) => number): readonly Span[] => {
  const spans: { processorId: string; indexes: number[]; limit: number }[] = [];
  for (const { processorId, index, spanLimit } of ready) {
    const limit = Math.min(maxSpan(processorId), spanLimit);
    const last = spans.at(-1);
    const joins =
      last !== undefined && last.processorId === processorId && last.indexes.at(-1) === index - 1 && last.indexes.length < Math.min(last.limit, limit);
    if (joins) {
      last.indexes.push(index);
      last.limit = Math.min(last.limit, limit);
    } else spans.push({ processorId, indexes: [index], limit });
  }
  return spans;
};

/**
 * How many dates travel together under `auto`: as many as are measured to fill `targetMs`, growing at most sixfold over
 * what was tried, and leaving work for every worker. `msPerDate` is undefined until something was measured.
 */
export const autoSpan = (input: {
  readonly msPerDate: number | undefined;
  readonly largestTried: number;
  readonly ready: number;
  readonly workers: number;
  readonly maxSpan: number;
  readonly targetMs: number;
}): number => {
  const first = 24;
  const measured =
    input.msPerDate === undefined ? first : Math.min(Math.floor(input.targetMs / Math.max(input.msPerDate, 0.01)), Math.max(first, input.largestTried * 6));
  const share = Math.ceil(input.ready / Math.max(1, input.workers));
  return Math.max(1, Math.min(measured, share, input.maxSpan));
};
