import { describe, expect, test } from 'vitest';
import { chainPipeline, dateAt, plainCalendar } from '../../../../test/support/pipelines.ts';
import { dateFlags, repairCommands } from './validate-repair.ts';
import type { DateProblem, RepairMode, TableReport } from './validate-report.ts';

const calendar = plainCalendar('2024-01-01', 200);
const pipeline = chainPipeline();
const at = (index: number) => dateAt(calendar, index);

const failing = (processor: string, indexes: readonly number[], repair: RepairMode = 'all'): TableReport => ({
  processor,
  table: `test.${processor}`,
  phase: 1,
  role: 'target',
  statuses: Object.fromEntries(indexes.map((index) => [at(index), 'failed'])),
  lookback: [],
  rows: null,
  expectations: [],
  withoutExpectation: [],
  problems: indexes.map((index): DateProblem => ({
    date: at(index),
    check: 'c',
    severity: 'block',
    outcome: 'failed',
    message: '',
    offending: 0,
    examples: [],
    repair,
  })),
  notes: [],
});
const span = (first: number, last: number): readonly number[] => Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe('dates as flags', () => {
  test.each([
    ['one date', [3], '--dates 2024-01-04'],
    ['a run of neighbours', [3, 4, 5], '--start 2024-01-04 --end 2024-01-06'],
    ['runs', [9, 3, 4, 5], '--dates 2024-01-04..2024-01-06,2024-01-10'],
    ['too many of them', span(0, 15).map((index) => 3 * index), '--start 2024-01-01 --end 2024-02-15'],
    ['none', [], ''],
  ])('%s', (_, indexes, flags) => {
    expect(dateFlags(calendar, indexes.map(at))).toBe(flags);
  });
});

describe('the repair', () => {
  const command = (words: string): string => `npx floodgate backfill --pipeline test --processors ${words}`;

  test('takes processors with nearly the same dates together, upstreams first', () => {
    expect(repairCommands({ pipeline, calendar }, [failing('daily', span(11, 60)), failing('games', span(10, 60))])).toEqual([
      command('games,daily --start 2024-01-11 --end 2024-03-01 --reprocess all'),
    ]);
  });

  test('does not compute hundreds of dates of one processor because another one needs them', () => {
    expect(repairCommands({ pipeline, calendar }, [failing('games', [3]), failing('daily', span(50, 199))])).toEqual([
      command('games --dates 2024-01-04 --reprocess all'),
      command('daily --start 2024-02-20 --end 2024-07-18 --reprocess all'),
    ]);
  });

  test('asks for what is missing and what is stale at once each, since that costs nothing more', () => {
    const tables = [failing('games', [3], 'missing'), failing('daily', span(50, 199), 'missing'), failing('games', [7], 'stale'), failing('games', [8], '')];
    expect(repairCommands({ pipeline, calendar }, tables)).toEqual([
      command('games,daily --dates 2024-01-04,2024-02-20..2024-07-18 --reprocess missing'),
      command('games --dates 2024-01-08 --reprocess stale'),
    ]);
  });

  test('is nothing where nothing can be repaired by computing', () => {
    expect(repairCommands({ pipeline, calendar }, [failing('games', [3], ''), { ...failing('x', [1]), role: 'source' }])).toEqual([]);
  });
});
