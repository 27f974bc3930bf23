// The smallest backfills that mend what a validation found, as commands to copy. A command asks for processors times dates, so
// what has quite different dates goes into commands of its own, unless asking for more costs nothing (`missing` and `stale`
// compute no date that is neither).
import type { Calendar } from '../domain/calendar.ts';
import type { PartitionDate } from '../domain/partition-date.ts';
import type { Processor } from '../domain/pipeline.ts';
import type { LoadedPlan } from './plan-store.ts';
import type { Contaminated, RepairMode, TableReport } from './validate-report.ts';

const maxListed = 12;
const maxCommands = 4;
const fewMore = 10;

/** The dates as flags: runs of neighbours in the calendar as ranges; all of it as one range where there are too many. */
export const dateFlags = (calendar: Calendar, dates: Iterable<PartitionDate>): string => {
  const indexes = [...new Set(dates)].flatMap((date) => calendar.indexOf.get(date) ?? []).sort((a, b) => a - b);
  const runs: { first: number; last: number }[] = [];
  for (const index of indexes) {
    const run = runs.at(-1);
    if (run !== undefined && run.last === index - 1) run.last = index;
    else runs.push({ first: index, last: index });
  }
  const at = (index: number): string => calendar.dates[index]?.date ?? '';
  const [first, last] = [runs[0], runs.at(-1)];
  if (first === undefined || last === undefined) return '';
  const isOneRun = runs.length === 1 && first.first !== first.last;
  if (isOneRun || runs.length > maxListed) return `--start ${at(first.first)} --end ${at(last.last)}`;
  return `--dates ${runs.map((run) => (run.first === run.last ? at(run.first) : `${at(run.first)}..${at(run.last)}`)).join(',')}`;
};

type Work = { readonly processor: string; readonly mode: Exclude<RepairMode, ''>; readonly dates: ReadonlySet<PartitionDate> };

const workOf = (tables: readonly TableReport[], contaminated: readonly Contaminated[]): readonly Work[] => {
  const modes = new Map<string, Map<PartitionDate, Exclude<RepairMode, ''>>>();
  const note = (processor: string, date: PartitionDate, mode: Exclude<RepairMode, ''>): void => {
    const dates = modes.get(processor) ?? new Map<PartitionDate, Exclude<RepairMode, ''>>();
    modes.set(processor, dates);
    // Computing a date whatever the ledger says mends everything.
    if (dates.get(date) !== 'all') dates.set(date, mode);
  };
  for (const { processor, role, statuses, problems } of tables) {
    if (role !== 'target' && role !== 'upstream') continue;
    for (const { date, severity, repair } of problems) {
      if (severity === 'warn' || repair === '') continue;
      const whole = Object.entries(statuses).filter(([, status]) => status === 'failed' || status === 'unknown' || status === 'partial');
      for (const each of date === null ? whole.map(([own]) => own as PartitionDate) : [date]) note(processor, each, repair);
    }
  }
  for (const { processor, dates } of contaminated) for (const date of dates) note(processor, date, 'all');
  return [...modes].flatMap(([processor, dates]) =>
    [...Map.groupBy(dates, ([, mode]) => mode)].map(([mode, group]) => ({ processor, mode, dates: new Set(group.map(([date]) => date)) })),
  );
};

const union = (sets: readonly ReadonlySet<PartitionDate>[]): ReadonlySet<PartitionDate> => new Set(sets.flatMap((set) => [...set]));

/** What a command computes: each of its processors on each of its dates. */
const costOf = (work: readonly Work[]): number => new Set(work.map(({ processor }) => processor)).size * union(work.map(({ dates }) => dates)).size;

/** Few partitions more than necessary are cheaper than one more command to copy and one more plan. */
const isWorthOne = (a: readonly Work[], b: readonly Work[]): boolean => {
  const [apart, together] = [costOf(a) + costOf(b), costOf([...a, ...b])];
  return together <= apart + fewMore || together <= apart * 1.25;
};

const groupWork = (work: readonly Work[]): readonly (readonly Work[])[] => {
  const groups: Work[][] = [];
  for (const each of work) {
    const last = groups.at(-1);
    if (last !== undefined && isWorthOne(last, [each])) last.push(each);
    else groups.push([each]);
  }
  return groups.length > maxCommands ? [work] : groups;
};

export const repairCommands = (
  { pipeline, calendar }: Pick<LoadedPlan, 'pipeline' | 'calendar'>,
  tables: readonly TableReport[],
  contaminated: readonly Contaminated[] = [],
): readonly string[] => {
  const order = new Map(pipeline.processors.map(({ id }: Processor, index) => [id, index]));
  const work = [...workOf(tables, contaminated)].sort((a, b) => (order.get(a.processor) ?? 0) - (order.get(b.processor) ?? 0));
  const command = (some: readonly Work[], mode: string): string =>
    `npx floodgate backfill --pipeline ${pipeline.id} --processors ${some.map(({ processor }) => processor).join(',')} ${dateFlags(calendar, union(some.map(({ dates }) => dates)))} --reprocess ${mode}`;
  return (['missing', 'all', 'stale'] as const).flatMap((mode) => {
    const own = work.filter((each) => each.mode === mode);
    if (own.length === 0) return [];
    return (mode === 'all' ? groupWork(own) : [own]).map((group) => command(group, mode));
  });
};
