// A plan is a pure function of pipeline, calendar, ledger and request: the same inputs give the same plan with the same
// hash, in whatever order they come. It closes the request over the graph, so that a gap can't be an operator's typo
// (P20, P59), and gives every partition that it looked at a reason, the ones left out included.
import { windowIndexes, type Calendar } from './calendar.ts';
import { canonicalJson, digestText } from './digest.ts';
import { declaredSkip, freshnessOf, type Freshness, type LedgerView, type SkipReason } from './ledger.ts';
import type { PartitionDate } from './partition-date.ts';
import type { Pipeline, Processor } from './pipeline.ts';

export const taskReasons = [
  'requested',
  'missing',
  'failed',
  'stale_code',
  'stale_input',
  'upstream_missing',
  'upstream_stale',
  /** Fresh today, but something in its window is planned: it is looked at again, and computed if its inputs changed. */
  'upstream_planned',
] as const;
export type TaskReason = (typeof taskReasons)[number];

export type FreshReason = 'already_fresh' | 'stale_not_requested' | 'missing_not_requested';

export type PlanEntry = { readonly date: PartitionDate } & (
  | { readonly kind: 'task'; readonly reason: TaskReason }
  /** Left as it is; `already_fresh` unless the mode asked for less than what is wrong with it. */
  | { readonly kind: 'fresh'; readonly reason: FreshReason }
  | { readonly kind: 'skip'; readonly reason: SkipReason }
  /** Another active backfill plans it: `reason` is its id. */
  | { readonly kind: 'await'; readonly reason: string }
);

export type Plan = {
  readonly hash: string;
  readonly pipelineHash: string;
  readonly calendarDigest: string;
  /** Per processor, upstreams first, entries by date: the range asked for and the upstream partitions that its windows need. */
  readonly processors: ReadonlyMap<string, readonly PlanEntry[]>;
  /** Phases whose gates stand in this backfill, ascending. */
  readonly phases: readonly number[];
};

export type PlanInput = {
  readonly pipeline: Pipeline;
  readonly calendar: Calendar;
  readonly calendarDigest: string;
  readonly processors: ReadonlySet<string>;
  readonly dates: ReadonlySet<PartitionDate>;
  readonly reprocess: 'missing' | 'failed' | 'stale' | 'all';
  readonly gate: 'phase' | 'window';
  readonly view: LedgerView;
  /** Another active backfill that plans this partition. */
  readonly plannedBy: (processorId: string, date: PartitionDate) => string | undefined;
  /** An open dead letter or a quarantine stands for this partition. */
  readonly hasFailed: (processorId: string, date: PartitionDate) => boolean;
};

export type PlanOutcome =
  | { readonly outcome: 'planned'; readonly plan: Plan }
  | { readonly outcome: 'overlap'; readonly backfillId: string; readonly processorId: string; readonly dates: readonly PartitionDate[] };

type Cell = { readonly skip: SkipReason | undefined; readonly freshness: Freshness; readonly other: string | undefined };

const targetReason = (cell: Cell, mode: PlanInput['reprocess'], failed: boolean): TaskReason | undefined => {
  switch (mode) {
    case 'all':
      return 'requested';
    case 'missing':
      return cell.freshness === 'missing' ? 'missing' : undefined;
    case 'failed':
      return failed ? 'failed' : undefined;
    case 'stale':
      return cell.freshness === 'stale_code' || cell.freshness === 'stale_input' ? cell.freshness : undefined;
  }
};

/** Makes the plan, or names the backfill that already plans some of the requested partitions. */
export const makePlan = (input: PlanInput): PlanOutcome => {
  const { pipeline, calendar } = input;
  const computed = pipeline.processors.filter(({ kind }) => kind !== 'external');
  const size = calendar.dates.length;
  const dateAt = (index: number): PartitionDate => (calendar.dates[index] as Calendar['dates'][number]).date;
  const cells = new Map<string, (Cell | undefined)[]>(computed.map(({ id }) => [id, []]));
  const cellOf = (processor: Processor, index: number): Cell => {
    const row = cells.get(processor.id) as (Cell | undefined)[];
    row[index] ??= {
      skip: declaredSkip(processor, calendar, index),
      freshness: freshnessOf(pipeline, processor, calendar, index, input.view),
      other: input.plannedBy(processor.id, dateAt(index)),
    };
    return row[index];
  };
  const planned = new Map<string, (TaskReason | undefined)[]>(computed.map(({ id }) => [id, []]));
  /** Read, through any number of edges, by something that is planned. */
  const demanded = new Map<string, boolean[]>(computed.map(({ id }) => [id, []]));
  const rowOf = <T>(map: Map<string, T[]>, id: string): T[] => map.get(id) as T[];
  const isTarget = (processor: Processor, index: number): boolean => input.processors.has(processor.id) && input.dates.has(dateAt(index));

  for (const processor of computed.filter(({ id }) => input.processors.has(id))) {
    const busy: { readonly backfillId: string; readonly date: PartitionDate }[] = [];
    for (let index = 0; index < size; index += 1) {
      if (!isTarget(processor, index)) continue;
      const cell = cellOf(processor, index);
      if (cell.skip !== undefined) continue;
      const reason = targetReason(cell, input.reprocess, input.hasFailed(processor.id, dateAt(index)));
      if (cell.other === undefined) rowOf(planned, processor.id)[index] = reason;
      else if (reason !== undefined) busy.push({ backfillId: cell.other, date: dateAt(index) });
    }
    const first = busy[0];
    if (first !== undefined) {
      const dates = busy.filter(({ backfillId }) => backfillId === first.backfillId).map(({ date }) => date);
      return { outcome: 'overlap', backfillId: first.backfillId, processorId: processor.id, dates };
    }
  }

  const upstreamRows = (processor: Processor) =>
    processor.upstreams.flatMap(({ table, window, optional }) =>
      computed.filter((other) => other.table === table).map((producer) => ({ producer, window, optional })),
    );

  const spreadDemand = (): void => {
    for (const processor of [...computed].reverse()) {
      for (let index = 0; index < size; index += 1) {
        if (rowOf(planned, processor.id)[index] === undefined && rowOf(demanded, processor.id)[index] !== true) continue;
        for (const { producer, window, optional } of upstreamRows(processor)) {
          // Whoever asks for the producer wants it for all dates that are computed, those of the lookback too.
          if (optional && !input.processors.has(producer.id)) continue;
          const { from, to } = windowIndexes(calendar, window, index);
          for (let at = from; at < to; at += 1) rowOf(demanded, producer.id)[at] = true;
        }
      }
    }
  };

  /** Demanded partitions that are missing or stale are planned, and everything in scope that lies below a planned one. */
  const spreadPlan = (): boolean => {
    let changed = false;
    for (const processor of computed) {
      for (let index = 0; index < size; index += 1) {
        const isDemanded = rowOf(demanded, processor.id)[index] === true;
        if (rowOf(planned, processor.id)[index] !== undefined || !(isDemanded || isTarget(processor, index))) continue;
        const cell = cellOf(processor, index);
        if (cell.skip !== undefined || cell.other !== undefined) continue;
        let reason: TaskReason | undefined;
        if (isDemanded && cell.freshness === 'missing') reason = 'upstream_missing';
        else if (isDemanded && cell.freshness !== 'fresh') reason = 'upstream_stale';
        else if (cell.freshness !== 'missing') {
          const below = upstreamRows(processor).some(({ producer, window }) => {
            const { from, to } = windowIndexes(calendar, window, index);
            for (let at = from; at < to; at += 1) if (rowOf(planned, producer.id)[at] !== undefined) return true;
            return false;
          });
          if (below) reason = 'upstream_planned';
        }
        if (reason === undefined) continue;
        rowOf(planned, processor.id)[index] = reason;
        changed = true;
      }
    }
    return changed;
  };

  do spreadDemand();
  while (spreadPlan());

  const processors = new Map<string, readonly PlanEntry[]>();
  const phases = new Set<number>();
  for (const processor of computed) {
    const entries: PlanEntry[] = [];
    for (let index = 0; index < size; index += 1) {
      if (rowOf(demanded, processor.id)[index] !== true && !isTarget(processor, index)) continue;
      const cell = cellOf(processor, index);
      const date = dateAt(index);
      const reason = rowOf(planned, processor.id)[index];
      if (cell.skip !== undefined) entries.push({ date, kind: 'skip', reason: cell.skip });
      else if (reason !== undefined) entries.push({ date, kind: 'task', reason });
      else if (cell.other !== undefined) entries.push({ date, kind: 'await', reason: cell.other });
      else if (cell.freshness === 'fresh') entries.push({ date, kind: 'fresh', reason: 'already_fresh' });
      else entries.push({ date, kind: 'fresh', reason: cell.freshness === 'missing' ? 'missing_not_requested' : 'stale_not_requested' });
    }
    if (entries.length > 0) {
      processors.set(processor.id, entries);
      phases.add(processor.phase);
    }
  }
  const content = {
    pipeline: pipeline.hash,
    calendar: input.calendarDigest,
    reprocess: input.reprocess,
    gate: input.gate,
    processors: [...processors].map(([id, entries]) => [id, entries.map(({ date, kind, reason }) => [date, kind, reason])]),
  };
  const plan: Plan = {
    hash: digestText(canonicalJson(content)),
    pipelineHash: pipeline.hash,
    calendarDigest: input.calendarDigest,
    processors,
    phases: [...phases].sort((a, b) => a - b),
  };
  return { outcome: 'planned', plan };
};

/** Number of tasks in a plan. */
export const countTasks = (plan: Plan): number =>
  [...plan.processors.values()].reduce((sum, entries) => sum + entries.filter(({ kind }) => kind === 'task').length, 0);
