// Small pipelines and calendars for tests, made of the same values that `core/pipeline` yields, with everything that a
// test doesn't talk about filled in. Ledgers to go with them are in ledgers.ts, random ones in arbitraries.ts.
import { createCalendar, type Calendar, type CalendarDate } from '@floodgate/core/domain/calendar.ts';
import { canonicalJson, digestText } from '@floodgate/core/domain/digest.ts';
import { addDays, partitionDate, type PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Phase, Pipeline, Processor, Upstream } from '@floodgate/core/domain/pipeline.ts';
import { parseWindow } from '@floodgate/core/domain/window.ts';

/** The table that a test processor writes. */
export const tableOf = (processorId: string): string => `test.${processorId}`;

/** An edge to another processor by its id, or to a source by `source.name`. */
export const reads = (from: string, window = '0d', strength: Upstream['strength'] = 'hard'): Upstream => {
  const parsed = parseWindow(window);
  if (parsed === undefined) throw new RangeError(`"${window}" is no window`);
  return { table: from.includes('.') ? from : tableOf(from), window: parsed, strength, critical: [] };
};

/** A sql processor of phase 1 with one column beside its date; every property can be replaced. */
export const makeProcessor = (id: string, overrides: Partial<Processor> = {}): Processor => {
  const processor: Processor = {
    id,
    description: '',
    phase: 1,
    kind: 'sql',
    table: tableOf(id),
    partitionColumn: 'day',
    key: ['day', 'item'],
    columns: [
      { name: 'day', type: 'DATE', required: true, description: '', digits: 6 },
      { name: 'item', type: 'STRING', required: true, description: '', digits: 6 },
    ],
    upstreams: [],
    audits: [],
    write: 'merge',
    timeoutMs: 60_000,
    retry: { maxAttempts: 4, baseMs: 1_000, maxMs: 60_000 },
    datesPerTask: 1,
    maxDatesPerTask: 60,
    bootstrapDays: 0,
    minHistoryDates: 0,
    never: [],
    absent: [],
    source: `SELECT day, item FROM ${id}_input WHERE day BETWEEN @start_date AND @end_date`,
    sourceFile: `processors/${id}.sql`,
    codeHash: '',
    ...overrides,
  };
  return { ...processor, codeHash: overrides.codeHash ?? digestText(canonicalJson(processor)) };
};

const makePhase = (number: number): Phase => ({ number, name: `phase ${number}`, gate: { checks: [], hold: false, quorum: 1 } });

/** `processors` must stand upstreams first, as in a pipeline that was read from a folder. */
export const makePipeline = (processors: readonly Processor[], overrides: Partial<Pipeline> = {}): Pipeline => {
  for (const [position, { id, upstreams }] of processors.entries()) {
    const late = processors.slice(position).find(({ table }) => upstreams.some((upstream) => upstream.table === table));
    if (late !== undefined) throw new RangeError(`${id} reads ${late.id}, which stands after it`);
  }
  const phases = [...new Set(processors.map(({ phase }) => phase))].sort((a, b) => a - b).map(makePhase);
  return {
    id: 'test',
    description: '',
    calendar: { sql: 'SELECT day AS date, season, kind, items FROM source.games', reads: ['source.games'] },
    sources: [],
    phases,
    processors,
    hash: digestText(canonicalJson({ phases, processors })),
    ...overrides,
  };
};

/** games (load, phase 1) ← daily (same date, phase 2). */
export const chainPipeline = (): Pipeline =>
  makePipeline([
    makeProcessor('games', { kind: 'load', upstreams: [reads('source.games')] }),
    makeProcessor('daily', { phase: 2, upstreams: [reads('games')] }),
  ]);

/** games ← totals (same date) ← rolling (the 10 days before) and ← season (from its first date) ← both into features. */
export const diamondPipeline = (): Pipeline =>
  makePipeline([
    makeProcessor('games', { kind: 'load', upstreams: [reads('source.games')] }),
    makeProcessor('rolling', { phase: 2, upstreams: [reads('games', '[-10d, -1d]')] }),
    makeProcessor('season', { phase: 2, upstreams: [reads('games', '[season, 0d]')], bootstrapDays: 3 }),
    makeProcessor('features', { phase: 3, upstreams: [reads('rolling'), reads('season', '[-2d, 0d]', 'soft')] }),
  ]);

/** weather (external, filled by others) ← games (load, playoffs left out) ← daily, which reads both. */
export const externalPipeline = (): Pipeline =>
  makePipeline([
    makeProcessor('weather', { kind: 'external', phase: 0, source: '', sourceFile: '' }),
    makeProcessor('games', { kind: 'load', covers: ['regular'], upstreams: [reads('source.games')] }),
    makeProcessor('daily', { phase: 2, upstreams: [reads('games', '[-3d, 0d]'), reads('weather', '[-1d, 0d]')] }),
  ]);

/** `days` calendar days of one season, less the off days; the kinds of a day default to one regular item. */
export const makeSeason = (input: {
  readonly season: string;
  readonly start: string;
  readonly days: number;
  /** Day of the season, from 0. Off days are no dates of the calendar. */
  readonly isOff?: (day: number) => boolean;
  readonly kindsOf?: (day: number) => CalendarDate['kinds'];
}): readonly CalendarDate[] => {
  const dates: CalendarDate[] = [];
  for (let day = 0; day < input.days; day += 1) {
    if (input.isOff?.(day) === true) continue;
    dates.push({ date: addDays(partitionDate(input.start), day), season: input.season, kinds: input.kindsOf?.(day) ?? [{ kind: 'regular', items: 1 }] });
  }
  return dates;
};

/** Two seasons, a summer apart; every seventh day is off, the last five days of each are playoffs, one day has both kinds. */
export const twoSeasons = (): Calendar =>
  createCalendar(
    ['2022', '2023'].flatMap((year) =>
      makeSeason({
        season: year,
        start: `${year}-11-01`,
        days: 30,
        isOff: (day) => day % 7 === 6,
        kindsOf: (day) => [...(day >= 25 ? [{ kind: 'playoffs', items: 2 }] : []), ...(day <= 25 ? [{ kind: 'regular', items: 3 }] : [])],
      }),
    ),
  );

/** `days` dates in a row, one season. */
export const plainCalendar = (start: string, days: number): Calendar => createCalendar(makeSeason({ season: 'only', start, days }));

export const allDates = (calendar: Calendar): readonly PartitionDate[] => calendar.dates.map(({ date }) => date);

export const dateAt = (calendar: Calendar, index: number): PartitionDate => {
  const entry = calendar.dates[index];
  if (entry === undefined) throw new RangeError(`the calendar has ${calendar.dates.length} dates, not ${index + 1}`);
  return entry.date;
};

export const processorOf = (pipeline: Pipeline, id: string): Processor => {
  const processor = pipeline.processors.find((candidate) => candidate.id === id);
  if (processor === undefined) throw new RangeError(`the pipeline has no processor ${id}`);
  return processor;
};
