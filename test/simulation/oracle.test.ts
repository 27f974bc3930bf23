import { describe, expect, test } from 'vitest';
import { createCalendar, windowIndexes } from '@floodgate/core/domain/calendar.ts';
import { declaredSkip } from '@floodgate/core/domain/ledger.ts';
import { addDays, partitionDate, type PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Pipeline, Processor } from '@floodgate/core/domain/pipeline.ts';
import { parseWindow, type Window } from '@floodgate/core/domain/window.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { createTestCatalog, pipelineFunctions, type FolderOptions } from '../support/pipeline-folder.ts';
import { findDifference, findDoubleKey } from './monitor-rows.ts';
import { computeTables, createOracle, isDeclaredSkip, readDates, windowPositions, type OracleInput } from './oracle.ts';

const start = partitionDate('2024-01-01');
const datesOf = (days: number): readonly PartitionDate[] => Array.from({ length: days }, (_, index) => addDays(start, index));
const regular = (dates: readonly string[]): readonly JsonObject[] => dates.map((date) => ({ date, season: '2024', kind: 'regular', items: 1 }));

const pipelineOf = async (options: FolderOptions = {}): Promise<Pipeline> => {
  const loaded = await createTestCatalog(options).load('test');
  if (loaded === undefined) throw new Error('there is no pipeline');
  return loaded.pipeline;
};

const processorOf = (pipeline: Pipeline, id: string): Processor => {
  const found = pipeline.processors.find((processor) => processor.id === id);
  if (found === undefined) throw new Error(`there is no processor ${id}`);
  return found;
};

const inputOf = (days: number, items = 1): OracleInput => ({
  functions: pipelineFunctions,
  calendar: regular(datesOf(days)),
  sourceRows: (_, day) => Array.from({ length: items }, (__, item) => ({ day, item: `i${item}`, value: Number(day.slice(8)) })),
});

describe('the tables', () => {
  test('are those that each date gives, one after the other', async () => {
    const tables = computeTables(inputOf(5), await pipelineOf());
    const of = (table: string) =>
      [...(tables.get(table) ?? [])].map(([date, rows]) => [date.slice(8), rows.map(({ value, total, score }) => value ?? total ?? score)]);
    expect(of('test.games')).toEqual([
      ['01', [1]],
      ['02', [2]],
      ['03', [3]],
      ['04', [4]],
      ['05', [5]],
    ]);
    // Three days before and the date.
    expect(of('test.rolling')).toEqual([
      ['01', [1]],
      ['02', [3]],
      ['03', [6]],
      ['04', [10]],
      ['05', [14]],
    ]);
    expect(of('test.features')).toEqual([
      ['01', [2]],
      ['02', [6]],
      ['03', [12]],
      ['04', [20]],
      ['05', [28]],
    ]);
  });

  test('lack what is declared never to exist, and what is below reads them so', async () => {
    const tables = computeTables(inputOf(4), await pipelineOf({ processors: { rolling: { bootstrap_days: 2 } } }));
    expect([...(tables.get('test.rolling')?.keys() ?? [])]).toEqual(['2024-01-03', '2024-01-04']);
    expect([...(tables.get('test.features') ?? [])].map(([, rows]) => rows.length)).toEqual([0, 0, 1, 1]);
  });

  test('follow the sources as soon as their change is known', async () => {
    const pipeline = await pipelineOf();
    let value = 1;
    const oracle = createOracle({ ...inputOf(1), sourceRows: (_, day) => [{ day, item: 'a', value }] });
    const first = () => oracle.tables(pipeline).get('test.games')?.get(start)?.[0]?.['value'];
    expect(first()).toBe(1);
    value = 2;
    expect(first()).toBe(1);
    oracle.forget();
    expect(first()).toBe(2);
  });

  test('of sixty dates are found fast enough to be asked for several times in a run', async () => {
    const pipeline = await pipelineOf();
    const input = inputOf(60, 3);
    for (let time = 0; time < 20; time += 1) computeTables(input, pipeline);
    const begun = process.cpuUsage();
    for (let time = 0; time < 20; time += 1) computeTables(input, pipeline);
    const { user, system } = process.cpuUsage(begun);
    // About 1.5 ms each on an idle machine; the bound only keeps it from becoming something else.
    expect((user + system) / 20_000).toBeLessThan(20);
  });
});

describe('its own arithmetic', () => {
  const seasons = [
    ...datesOf(5).map((date) => ({ date, season: '2023', kind: 'regular', items: 2 })),
    { date: '2024-01-09', season: '2023', kind: 'playoffs', items: 1 },
    ...[20, 21, 24, 30].map((day) => ({ date: `2024-01-${day}`, season: '2024', kind: day === 24 ? 'playoffs' : 'regular', items: 1 })),
  ];
  const dates = readDates(seasons);
  const calendar = createCalendar(seasons.map(({ date, season, kind, items }) => ({ date: partitionDate(date), season, kinds: [{ kind, items }] })));

  test.each(['0d', 'season', '[-3d, 0d]', '[-30d, -1d]', '[season, 0d]', '[season-5d, -2d]'])('finds the dates in the window %s as the domain does', (text) => {
    const window = parseWindow(text) as Window;
    for (const index of dates.keys()) {
      const { from, to } = windowIndexes(calendar, window, index);
      expect(windowPositions(window, dates, index)).toEqual(Array.from({ length: to - from }, (_, at) => from + at));
    }
  });

  test.each([
    ['nothing', {}],
    ['the first days of a season', { bootstrap_days: 3 }],
    ['too little history', { min_history_dates: 2 }],
    ['dates of other kinds', { covers: ['regular'] }],
    ['dates that are never computed', { never: ['2024-01-02..2024-01-03'] }],
  ])('knows what is left out as the domain does: %s', async (_, options) => {
    const processor = { ...processorOf(await pipelineOf(), 'rolling'), ...toDomain(options) };
    const own = [...dates.keys()].map((index) => isDeclaredSkip(processor, dates, index));
    expect(own).toEqual([...dates.keys()].map((index) => declaredSkip(processor, calendar, index) !== undefined));
    expect(own.includes(true)).toBe(Object.keys(options).length > 0);
  });

  const toDomain = (options: {
    readonly bootstrap_days?: number;
    readonly min_history_dates?: number;
    readonly covers?: readonly string[];
    readonly never?: readonly string[];
  }): Partial<Processor> => ({
    bootstrapDays: options.bootstrap_days ?? 0,
    minHistoryDates: options.min_history_dates ?? 0,
    ...(options.covers === undefined ? {} : { covers: options.covers }),
    never: (options.never ?? []).map((range) => ({ first: partitionDate(range.slice(0, 10)), last: partitionDate(range.slice(12)) })),
  });
});

describe('rows', () => {
  const shape = { key: ['day', 'item'], columns: [{ name: 'value', type: 'FLOAT64' as const, required: false, description: '', digits: 6 }] };
  const row = (item: string, value: number | null): JsonObject => ({ day: start, item, value });

  test('are the same in any order, whatever sums lose on their way', () => {
    expect(findDifference(shape, [row('a', 0.3), row('b', 2)], [row('b', 2), row('a', 0.1 + 0.2)])).toBeUndefined();
  });
  test.each([
    ['a value', [row('a', 1)], [row('a', 2)], 'day=2024-01-01 item=a: found value 2, expected 1'],
    ['no value', [row('a', 0)], [row('a', null)], 'day=2024-01-01 item=a: found value null, expected 0'],
    ['a row too many', [], [row('a', 1)], 'found a row day=2024-01-01 item=a, expected none'],
    ['a row too few', [row('a', 1)], [], 'found no row day=2024-01-01 item=a, expected one'],
    ['a row twice', [row('a', 1)], [row('a', 1), row('a', 1)], 'found the row day=2024-01-01 item=a twice'],
  ])('differ in %s', (_, expected, found, words) => {
    expect(findDifference(shape, expected, found)).toBe(words);
  });
  test('share a key', () => {
    expect(findDoubleKey(shape, [row('a', 1), row('b', 1), row('a', 2)])).toBe('day=2024-01-01 item=a');
    expect(findDoubleKey(shape, [row('a', 1), row('b', 1)])).toBeUndefined();
  });
});
