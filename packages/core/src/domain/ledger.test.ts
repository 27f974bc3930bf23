import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryCalendar, arbitraryPipeline, datesInWindow } from '../../../../test/support/arbitraries.ts';
import { createTestLedger, type TestLedger } from '../../../../test/support/ledgers.ts';
import {
  allDates,
  chainPipeline,
  dateAt,
  diamondPipeline,
  externalPipeline,
  makePipeline,
  makeProcessor,
  plainCalendar,
  processorOf,
  reads,
  twoSeasons,
} from '../../../../test/support/pipelines.ts';
import type { Calendar } from './calendar.ts';
import { declaredSkip, digestInputs, freshnessOf, inputDigest, ledgerPath, ledgerPathOf } from './ledger.ts';
import { partitionDate } from './partition-date.ts';
import type { Pipeline, Processor } from './pipeline.ts';

const digestAt = (pipeline: Pipeline, id: string, calendar: Calendar, index: number, ledger: TestLedger): string =>
  inputDigest(pipeline, processorOf(pipeline, id), calendar, index, ledger.view);
const freshnessAt = (pipeline: Pipeline, id: string, calendar: Calendar, index: number, ledger: TestLedger): string =>
  freshnessOf(pipeline, processorOf(pipeline, id), calendar, index, ledger.view);

const skipsOf = (processor: Processor, calendar: Calendar): readonly string[] =>
  allDates(calendar).map((date, index) => declaredSkip(processor, calendar, index) ?? date);

describe('declared skips', () => {
  test('bootstrap days are counted on the wall from the first date of each season', () => {
    const calendar = twoSeasons();
    const processor = makeProcessor('p', { bootstrapDays: 8 });
    const skipped = allDates(calendar).filter((_, index) => declaredSkip(processor, calendar, index) === 'bootstrap');
    // The seventh day of each season is off: eight days hold seven dates.
    expect(skipped).toEqual(['2022', '2023'].flatMap((year) => [1, 2, 3, 4, 5, 6, 8].map((day) => `${year}-11-0${day}`)));
  });

  test('history is counted in dates of the calendar, within the season', () => {
    const calendar = twoSeasons();
    const processor = makeProcessor('p', { minHistoryDates: 7 });
    const skipped = allDates(calendar).filter((_, index) => declaredSkip(processor, calendar, index) === 'insufficient_history');
    expect(skipped).toEqual(['2022', '2023'].flatMap((year) => [1, 2, 3, 4, 5, 6, 8].map((day) => `${year}-11-0${day}`)));
  });

  test('a date is left out only where none of its kinds is covered', () => {
    const calendar = twoSeasons();
    const skipped = allDates(calendar).filter((_, index) => declaredSkip(makeProcessor('p', { covers: ['regular'] }), calendar, index) === 'no_source_data');
    // 26 November has both kinds.
    expect(skipped).toEqual(['2022', '2023'].flatMap((year) => [27, 29, 30].map((day) => `${year}-11-${day}`)));
    expect(skipsOf(makeProcessor('p'), calendar)).toEqual(allDates(calendar));
  });

  test('never holds from its first date to its last, and comes before the other reasons', () => {
    const calendar = plainCalendar('2024-01-01', 6);
    const processor = makeProcessor('p', {
      never: [{ first: partitionDate('2024-01-02'), last: partitionDate('2024-01-03') }],
      bootstrapDays: 4,
      minHistoryDates: 5,
    });
    expect(skipsOf(processor, calendar)).toEqual(['bootstrap', 'never', 'never', 'bootstrap', 'insufficient_history', '2024-01-06']);
  });

  test('a position outside the calendar is an error', () => {
    expect(() => declaredSkip(makeProcessor('p'), plainCalendar('2024-01-01', 2), 2)).toThrow('no calendar date at 2');
  });
});

describe('the digest of inputs', () => {
  test('differs between an upstream that is absent and one that is present, and forgets one that is gone again', () => {
    const [pipeline, calendar] = [chainPipeline(), plainCalendar('2024-01-01', 2)];
    const ledger = createTestLedger(pipeline, calendar);
    const absent = digestAt(pipeline, 'daily', calendar, 0, ledger);
    ledger.commit('games', dateAt(calendar, 0));
    expect(digestAt(pipeline, 'daily', calendar, 0, ledger)).not.toBe(absent);
    ledger.remove('games', dateAt(calendar, 0));
    expect(digestAt(pipeline, 'daily', calendar, 0, ledger)).toBe(absent);
  });

  test('changes with the content of an upstream, not with its generation, rows, code or times', () => {
    const [pipeline, calendar] = [chainPipeline(), plainCalendar('2024-01-01', 1)];
    const ledger = createTestLedger(pipeline, calendar);
    const [first] = allDates(calendar) as [ReturnType<typeof partitionDate>];
    const { contentHash } = ledger.commit('games', first);
    const before = digestAt(pipeline, 'daily', calendar, 0, ledger);
    ledger.commit('games', first, {
      contentHash,
      generation: 99,
      rows: 7,
      codeHash: 'other',
      inputDigest: 'other',
      backfillId: 'b9',
      committedAt: 9,
      computeMs: 9,
    });
    expect(digestAt(pipeline, 'daily', calendar, 0, ledger)).toBe(before);
    ledger.commit('games', first, { contentHash: 'other content' });
    expect(digestAt(pipeline, 'daily', calendar, 0, ledger)).not.toBe(before);
  });

  test('does not depend on the order in which upstreams are declared, two edges to one table included', () => {
    const edges = [reads('games'), reads('games', '[-2d, -1d]'), reads('source.extra')];
    const calendar = plainCalendar('2024-01-01', 3);
    const digests = [edges, [...edges].reverse(), [edges[1] ?? reads('games'), ...edges.filter((_, at) => at !== 1)]].map((upstreams) => {
      const pipeline = makePipeline([makeProcessor('games', { upstreams: [reads('source.games')] }), makeProcessor('daily', { upstreams })]);
      const ledger = createTestLedger(pipeline, calendar);
      for (const date of allDates(calendar)) ledger.commit('games', date, { contentHash: `content of ${date}` });
      return digestAt(pipeline, 'daily', calendar, 2, ledger);
    });
    expect(new Set(digests).size).toBe(1);
  });

  test('changes with one partition exactly where a window holds it', () => {
    fc.assert(
      fc.property(arbitraryPipeline, arbitraryCalendar(), fc.nat(), fc.nat(), (pipeline, calendar, anyProcessor, anyDate) => {
        const ledger = createTestLedger(pipeline, calendar).fill();
        const changed = pipeline.processors[anyProcessor % pipeline.processors.length] as Processor;
        const date = dateAt(calendar, anyDate % calendar.dates.length);
        const all = () => pipeline.processors.map(({ id }) => allDates(calendar).map((_, index) => digestAt(pipeline, id, calendar, index, ledger)));
        const before = all();
        ledger.commit(changed.id, date, { contentHash: 'changed' });
        const after = all();
        for (const [position, processor] of pipeline.processors.entries()) {
          for (const index of allDates(calendar).keys()) {
            const holds = processor.upstreams.some(({ table, window }) => table === changed.table && datesInWindow(calendar, window, index).includes(date));
            expect(before[position]?.[index] !== after[position]?.[index]).toBe(holds);
          }
        }
      }),
    );
  });

  test('follows the rows of a source and of an external table per date, their absence included', () => {
    const [pipeline, calendar] = [externalPipeline(), plainCalendar('2024-01-01', 3)];
    const ledger = createTestLedger(pipeline, calendar);
    const before = [0, 1, 2].map((index) => digestAt(pipeline, 'daily', calendar, index, ledger));
    ledger.setSource('test.weather', dateAt(calendar, 1), 'other rows');
    const after = [0, 1, 2].map((index) => digestAt(pipeline, 'daily', calendar, index, ledger));
    expect(after.map((digest, index) => digest !== before[index])).toEqual([false, true, true]);
    ledger.setSource('test.weather', dateAt(calendar, 1), undefined);
    expect(digestAt(pipeline, 'daily', calendar, 1, ledger)).not.toBe(after[1]);
    const loaded = digestAt(pipeline, 'games', calendar, 0, ledger);
    ledger.setSource('source.games', dateAt(calendar, 0), undefined);
    expect(digestAt(pipeline, 'games', calendar, 0, ledger)).not.toBe(loaded);
  });

  test('tells a window that reaches no date from one whose dates are absent', () => {
    const calendar = plainCalendar('2024-01-01', 2);
    const pipeline = makePipeline([makeProcessor('games'), makeProcessor('rolling', { upstreams: [reads('games', '[-5d, -1d]')] })]);
    const ledger = createTestLedger(pipeline, calendar);
    expect(digestAt(pipeline, 'rolling', calendar, 0, ledger)).not.toBe(digestAt(pipeline, 'rolling', calendar, 1, ledger));
  });
});

describe('the version of inputs', () => {
  const digestsAt = (pipeline: Pipeline, id: string, calendar: Calendar, index: number, ledger: TestLedger) =>
    digestInputs(pipeline, processorOf(pipeline, id), calendar, index, ledger.view);

  test('comes with the same digest of the content as freshness is judged by', () => {
    fc.assert(
      fc.property(arbitraryPipeline, arbitraryCalendar(), (pipeline, calendar) => {
        const ledger = createTestLedger(pipeline, calendar).fill();
        for (const { id } of pipeline.processors) {
          for (const index of allDates(calendar).keys())
            expect(digestsAt(pipeline, id, calendar, index, ledger).inputDigest).toBe(digestAt(pipeline, id, calendar, index, ledger));
        }
      }),
    );
  });

  test('changes with every commit in the window, also one that brings back an earlier content, and never comes back', () => {
    const [pipeline, calendar] = [chainPipeline(), plainCalendar('2024-01-01', 2)];
    const ledger = createTestLedger(pipeline, calendar);
    const [first, second] = allDates(calendar) as [ReturnType<typeof partitionDate>, ReturnType<typeof partitionDate>];
    const seen = [digestsAt(pipeline, 'daily', calendar, 0, ledger)];
    for (const contentHash of ['a', 'b', 'a', 'a']) {
      ledger.commit('games', first, { contentHash });
      seen.push(digestsAt(pipeline, 'daily', calendar, 0, ledger));
    }
    expect(new Set(seen.map(({ inputVersion }) => inputVersion)).size).toBe(5);
    expect(new Set(seen.map((each) => each.inputDigest)).size).toBe(3);
    ledger.commit('games', second);
    expect(digestsAt(pipeline, 'daily', calendar, 0, ledger)).toEqual(seen.at(-1));
  });

  test('says nothing of sources and external tables, which have no generation', () => {
    const [pipeline, calendar] = [externalPipeline(), plainCalendar('2024-01-01', 3)];
    const ledger = createTestLedger(pipeline, calendar);
    const before = digestsAt(pipeline, 'daily', calendar, 1, ledger);
    ledger.setSource('test.weather', dateAt(calendar, 1), 'other rows');
    const after = digestsAt(pipeline, 'daily', calendar, 1, ledger);
    expect(after.inputVersion).toBe(before.inputVersion);
    expect(after.inputDigest).not.toBe(before.inputDigest);
  });
});

describe('freshness', () => {
  test('goes from missing to fresh by a commit, and to stale by an input or by code', () => {
    const [pipeline, calendar] = [chainPipeline(), plainCalendar('2024-01-01', 1)];
    const ledger = createTestLedger(pipeline, calendar);
    const date = dateAt(calendar, 0);
    expect(freshnessAt(pipeline, 'daily', calendar, 0, ledger)).toBe('missing');
    ledger.commit('games', date);
    ledger.commit('daily', date);
    expect(freshnessAt(pipeline, 'daily', calendar, 0, ledger)).toBe('fresh');
    ledger.commit('games', date, { contentHash: 'changed' });
    expect(freshnessAt(pipeline, 'daily', calendar, 0, ledger)).toBe('stale_input');
    ledger.commit('daily', date, { codeHash: 'older code' });
    expect(freshnessAt(pipeline, 'daily', calendar, 0, ledger)).toBe('stale_code');
  });

  test('an upstream computed again with the same content leaves everything below it fresh', () => {
    const [pipeline, calendar] = [diamondPipeline(), twoSeasons()];
    const ledger = createTestLedger(pipeline, calendar).fill();
    for (const date of allDates(calendar)) ledger.commit('games', date);
    for (const id of ['rolling', 'season', 'features']) {
      const stale = allDates(calendar).filter((_, index) => !['fresh', 'missing'].includes(freshnessAt(pipeline, id, calendar, index, ledger)));
      expect(stale).toEqual([]);
    }
  });
});

test('the ledger holds one document per pipeline, processor and year', () => {
  expect(ledgerPath('nba', 'games', 2024)).toBe('ledger/nba:games:2024');
  expect(ledgerPathOf('nba', 'games', partitionDate('2024-12-31'))).toBe('ledger/nba:games:2024');
  expect(ledgerPathOf('nba', 'games', partitionDate('2025-01-01'))).toBe('ledger/nba:games:2025');
});
