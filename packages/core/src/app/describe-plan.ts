// A plan for people and scripts: what would be done and why, what is left out and why. Made from a dry run, or from the
// stored plan of a backfill.
import { backfillRequestSchema } from '../contracts/request.ts';
import type { Calendar } from '../domain/calendar.ts';
import type { PartitionDate } from '../domain/partition-date.ts';
import type { Pipeline } from '../domain/pipeline.ts';
import type { PlanEntry } from '../domain/plan.ts';
import { selectDates } from '../domain/selection.ts';
import type { PlanSummary } from './accept-request.ts';
import type { PlanEstimate } from './estimate-plan.ts';
import type { LoadedPlan } from './plan-store.ts';

/** As JSON: what a dry run answers, and what `floodgate plan --json` prints. */
export type PlanDescription = {
  pipeline: string;
  planHash: string;
  phases: number[];
  dates: { wanted: number; first: string; last: string; excluded: number; notInCalendar: number };
  totalTasks: number;
  processors: {
    processor: string;
    phase: number;
    tasks: Record<string, number>;
    leftOut: Record<string, number>;
    /** Estimates: of rows, of computing seconds by all workers together, of bytes read; null where nothing is known. */
    rows: number | null;
    seconds: number | null;
    bytes: number | null;
  }[];
  warnings: string[];
};

type Entries = ReadonlyMap<string, Iterable<PlanEntry>>;

const add = (counts: Record<string, number>, name: string, by = 1): void => {
  counts[name] = (counts[name] ?? 0) + by;
};

/** Planned tasks and partitions left out, each by reason. `await` names a backfill, so it is counted under one word. */
const countEntries = (entries: Iterable<PlanEntry>): { readonly tasks: Record<string, number>; readonly leftOut: Record<string, number> } => {
  const [tasks, leftOut]: [Record<string, number>, Record<string, number>] = [{}, {}];
  for (const { kind, reason } of entries) {
    if (kind === 'task') add(tasks, reason);
    else add(leftOut, kind === 'await' ? 'planned_elsewhere' : reason);
  }
  return { tasks, leftOut };
};

/** Columns that the sources lack for seasons which the plan computes: they will be NULL there. */
const absentWarnings = (pipeline: Pipeline, calendar: Calendar, planned: ReadonlyMap<string, readonly PartitionDate[]>): readonly string[] =>
  pipeline.processors.flatMap((processor) => {
    const seasons = new Set((planned.get(processor.id) ?? []).map((date) => calendar.dates[calendar.indexOf.get(date) ?? -1]?.season));
    return processor.absent.flatMap(({ columns, seasons: lacking, reason }) => {
      const hit = lacking.filter((season) => seasons.has(season));
      return hit.length === 0 ? [] : [`${processor.id}: ${columns.join(', ')} will be NULL for ${hit.join(', ')} (${reason})`];
    });
  });

const plannedDates = (entries: Entries): ReadonlyMap<string, readonly PartitionDate[]> =>
  new Map([...entries].map(([id, row]) => [id, [...row].filter(({ kind }) => kind === 'task').map(({ date }) => date)]));

const estimateWarnings = ({ processors }: PlanEstimate): readonly string[] =>
  processors.flatMap(({ processorId, refused }) =>
    refused === undefined ? [] : [`${processorId}: how much it will read is not known, since its statement is refused as the tables are now: ${refused}`],
  );

export const describePlan = ({ plan, pipeline, calendar, dates, estimate }: PlanSummary): PlanDescription => {
  const wanted = [...dates.wanted].sort();
  const processors = [...plan.processors].map(([id, entries]) => {
    const own = estimate.processors.find(({ processorId }) => processorId === id);
    return {
      processor: id,
      phase: pipeline.processors.find((each) => each.id === id)?.phase ?? 0,
      ...countEntries(entries),
      rows: own?.rows ?? null,
      seconds: own?.seconds ?? null,
      bytes: own?.bytes ?? null,
    };
  });
  return {
    pipeline: pipeline.id,
    planHash: plan.hash,
    phases: [...plan.phases],
    dates: {
      wanted: wanted.length,
      first: wanted[0] ?? '',
      last: wanted.at(-1) ?? '',
      excluded: dates.excluded.length,
      notInCalendar: dates.notInCalendar.length,
    },
    totalTasks: processors.reduce((sum, { tasks }) => sum + Object.values(tasks).reduce((own, count) => own + count, 0), 0),
    processors,
    warnings: [...absentWarnings(pipeline, calendar, plannedDates(plan.processors)), ...estimateWarnings(estimate)],
  };
};

export type LeftOut = { readonly counts: Readonly<Record<string, number>>; readonly warnings: readonly string[] };

/** What the stored plan of a backfill leaves out, over all processors, and its warnings. */
export const leftOutOf = ({ pipeline, calendar, entries }: LoadedPlan, request: unknown): LeftOut => {
  const counts: Record<string, number> = {};
  const rows: Entries = new Map([...entries].map(([id, row]) => [id, [...row.values()]]));
  for (const row of rows.values()) for (const [reason, count] of Object.entries(countEntries(row).leftOut)) add(counts, reason, count);
  const parsed = backfillRequestSchema.safeParse(request);
  if (parsed.success) {
    const { excluded, notInCalendar } = selectDates(calendar, parsed.data);
    if (excluded.length > 0) add(counts, 'excluded', excluded.length);
    if (notInCalendar.length > 0) add(counts, 'not_in_calendar', notInCalendar.length);
  }
  return { counts, warnings: absentWarnings(pipeline, calendar, plannedDates(rows)) };
};
