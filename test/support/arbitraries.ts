// Random dates, windows, calendars, pipelines and ledgers for fast-check, small enough that brute force is the oracle.
import fc from 'fast-check';
import { createCalendar, type Calendar, type CalendarDate } from '@floodgate/core/domain/calendar.ts';
import { declaredSkip } from '@floodgate/core/domain/ledger.ts';
import { addDays, firstDay, fromDay, lastDay, partitionDate, toDay, type PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Pipeline, Processor, Upstream } from '@floodgate/core/domain/pipeline.ts';
import { formatWindow, windowRange, type Window } from '@floodgate/core/domain/window.ts';
import { createTestLedger, type TestLedger } from './ledgers.ts';
import { dateAt, makePipeline, makeProcessor, reads, tableOf } from './pipelines.ts';

export const arbitraryDate: fc.Arbitrary<PartitionDate> = fc.integer({ min: firstDay, max: lastDay }).map(fromDay);

export const arbitraryWindow: fc.Arbitrary<Window> = fc.oneof(
  fc
    .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 10 }))
    .map(([length, end]): Window => ({ start: { from: 'date', days: 0 - end - length }, endDays: 0 - end })),
  fc
    .tuple(fc.integer({ min: 0, max: 10 }), fc.integer({ min: 0, max: 10 }))
    .map(([before, end]): Window => ({ start: { from: 'season', days: 0 - before }, endDays: 0 - end })),
);

const kindsOf = (choice: number): CalendarDate['kinds'] =>
  choice < 6
    ? [{ kind: 'regular', items: choice + 1 }]
    : choice < 8
      ? [{ kind: 'playoffs', items: 1 }]
      : [
          { kind: 'playoffs', items: 1 },
          { kind: 'regular', items: 2 },
        ];

/** One to three seasons, with off days and mixed kinds; seasons may follow one another without a day between them. */
export const arbitraryCalendar = (maxDates = 12): fc.Arbitrary<Calendar> =>
  fc
    .array(
      fc.record({
        pause: fc.integer({ min: 0, max: 30 }),
        days: fc.array(fc.record({ gap: fc.integer({ min: 1, max: 4 }), kinds: fc.integer({ min: 0, max: 9 }).map(kindsOf) }), {
          minLength: 1,
          maxLength: maxDates,
        }),
      }),
      { minLength: 1, maxLength: 3 },
    )
    .map((seasons) => {
      const dates: CalendarDate[] = [];
      let at = partitionDate('2023-12-20');
      for (const [number, { pause, days }] of seasons.entries()) {
        at = addDays(at, pause);
        for (const { gap, kinds } of days) {
          at = addDays(at, gap);
          dates.push({ date: at, season: `s${number}`, kinds });
        }
      }
      return createCalendar(dates);
    });

const arbitraryEdges = (earlier: readonly string[]): fc.Arbitrary<readonly Upstream[]> =>
  fc
    .uniqueArray(fc.constantFrom(...earlier), { minLength: 0, maxLength: 2 })
    .chain((tables) =>
      fc.tuple(
        ...tables.map((table) =>
          fc
            .record({ window: arbitraryWindow, strength: fc.constantFrom('hard' as const, 'soft' as const) })
            .map((edge): Upstream => ({ ...edge, table, critical: [] })),
        ),
      ),
    );

/** Two to four processors: `p0` loads a source, each later one reads up to two of those before it, some in later phases. */
export const arbitraryPipeline: fc.Arbitrary<Pipeline> = fc.integer({ min: 2, max: 4 }).chain((count) =>
  fc
    .tuple(
      ...Array.from({ length: count }, (_, position) =>
        fc.record({
          upstreams: position === 0 ? fc.constant([reads('source.games')]) : arbitraryEdges(Array.from({ length: position }, (__, at) => tableOf(`p${at}`))),
          phaseStep: fc.integer({ min: 0, max: 1 }),
          covers: fc.constantFrom(undefined, undefined, ['regular']),
          bootstrapDays: fc.constantFrom(0, 0, 3),
          minHistoryDates: fc.constantFrom(0, 0, 2),
        }),
      ),
    )
    .map((drafts) => {
      let phase = 1;
      return makePipeline(
        drafts.map(({ upstreams, phaseStep, covers, bootstrapDays, minHistoryDates }, position): Processor => {
          phase += position === 0 ? 0 : phaseStep;
          return makeProcessor(`p${position}`, {
            kind: position === 0 ? 'load' : 'sql',
            phase,
            upstreams,
            bootstrapDays,
            minHistoryDates,
            ...(covers === undefined ? {} : { covers }),
          });
        }),
      );
    }),
);

/** A pure choice among `options` for every (processor, date), so that a failing case shrinks to one small number. */
export const arbitraryChoice = <T>(options: readonly T[]): fc.Arbitrary<(processorId: string, date: PartitionDate) => T> =>
  fc.array(fc.nat({ max: options.length - 1 }), { minLength: 1, maxLength: 23 }).map((picks) => (processorId, date) => {
    const at = (toDay(date) + 7 * processorId.length + 5 * (processorId.codePointAt(processorId.length - 1) ?? 0)) % picks.length;
    return options[picks[at] ?? 0] as T;
  });

export type PartitionFill = 'fresh' | 'missing' | 'stale_code' | 'stale_input';

/** A ledger in which each partition is as `choose` says; upstreams are filled before what reads them. */
const fillLedger = (pipeline: Pipeline, calendar: Calendar, choose: (processorId: string, date: PartitionDate) => PartitionFill): TestLedger => {
  const ledger = createTestLedger(pipeline, calendar);
  for (const processor of pipeline.processors) {
    for (let index = 0; index < calendar.dates.length; index += 1) {
      const date = dateAt(calendar, index);
      const fill = choose(processor.id, date);
      if (fill === 'missing' || declaredSkip(processor, calendar, index) !== undefined) continue;
      ledger.commit(processor.id, date, fill === 'stale_code' ? { codeHash: 'older code' } : fill === 'stale_input' ? { inputDigest: 'older input' } : {});
    }
  }
  return ledger;
};

export type World = {
  readonly pipeline: Pipeline;
  readonly calendar: Calendar;
  /** A ledger of its own for each caller, so that a case that shrinks starts from the same one. */
  readonly openLedger: () => TestLedger;
  readonly processors: ReadonlySet<string>;
  readonly dates: ReadonlySet<PartitionDate>;
};

const describeWorld = (
  pipeline: Pipeline,
  calendar: Calendar,
  choose: (processorId: string, date: PartitionDate) => PartitionFill,
  processors: readonly string[],
  dates: readonly PartitionDate[],
): string => {
  const lines = pipeline.processors.map(({ id, phase, upstreams, bootstrapDays, minHistoryDates, covers }) => {
    const edges = upstreams.map(({ table, window, strength }) => `${table} ${formatWindow(window)} ${strength}`);
    const fills = calendar.dates.map(({ date }) => choose(id, date));
    return `  ${id}: phase ${phase}, reads ${edges.join(' and ')}, bootstrap ${bootstrapDays}, history ${minHistoryDates}, covers ${covers?.join(' ') ?? 'all'}; ${fills.join(' ')}`;
  });
  const days = calendar.dates.map(({ date, season, kinds }) => `${date} ${season} ${kinds.map(({ kind }) => kind).join('+')}`);
  return `\n${lines.join('\n')}\n  calendar: ${days.join(', ')}\n  requested: ${processors.join(', ')} on ${dates.join(', ')}\n`;
};

/** A pipeline, its calendar, a ledger in any condition, and a request for some processors and some dates. */
export const arbitraryWorld: fc.Arbitrary<World> = fc.tuple(arbitraryPipeline, arbitraryCalendar()).chain(([pipeline, calendar]) =>
  fc
    .record({
      choose: arbitraryChoice<PartitionFill>(['fresh', 'fresh', 'missing', 'stale_code', 'stale_input']),
      processors: fc.subarray(
        pipeline.processors.map(({ id }) => id),
        { minLength: 1 },
      ),
      dates: fc.subarray(
        calendar.dates.map(({ date }) => date),
        { minLength: 1 },
      ),
    })
    .map(({ choose, processors, dates }) => ({
      pipeline,
      calendar,
      openLedger: () => fillLedger(pipeline, calendar, choose),
      processors: new Set(processors),
      dates: new Set(dates),
      [fc.toStringMethod]: () => describeWorld(pipeline, calendar, choose, processors, dates),
    })),
);

/** The dates in a window by looking at every date of the calendar: the oracle for everything that uses positions. */
export const datesInWindow = (calendar: Calendar, window: Window, index: number): readonly PartitionDate[] => {
  const date = dateAt(calendar, index);
  const { season } = calendar.dates[index] as CalendarDate;
  const seasonStart = calendar.dates.find((entry) => entry.season === season)?.date ?? date;
  const { first, last } = windowRange(window, date, seasonStart);
  return calendar.dates.map((entry) => entry.date).filter((each) => each >= first && each <= last);
};
