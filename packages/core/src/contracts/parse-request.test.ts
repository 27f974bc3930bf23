import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRequest } from './parse-request.ts';
import { backfillRequestSchema, gateModes, reprocessModes } from './request.ts';

const problemsOf = (input: unknown): readonly string[] => {
  const parsed = parseRequest(input);
  return parsed.ok ? [] : parsed.problems;
};
const problemsWith = (part: object): readonly string[] => problemsOf({ pipeline: 'nba', ...part });

describe('a request that can be read', () => {
  test('needs no more than its pipeline; everything else has a default', () => {
    expect(parseRequest({ pipeline: 'nba' })).toEqual({
      ok: true,
      request: { pipeline: 'nba', exclude: [], reprocess: 'missing', lookback: 'auto', gate: 'phase', limits: {}, priority: 0, reason: '', requestedBy: '' },
    });
  });
  test('keeps what it says', () => {
    const full = {
      pipeline: 'nba',
      range: [
        { start: '2021-10-19', end: '2022-04-10' },
        { start: '2024-02-29', end: '2024-02-29' },
      ],
      dates: ['2026-01-03'],
      exclude: ['2021-12-25', { start: '2022-02-18', end: '2022-02-23' }],
      phases: '3..5',
      processors: ['+games', 'player_composite_factors+'],
      reprocess: 'stale',
      lookback: 'auto',
      gate: 'window',
      limits: { maxInFlight: 50, datesPerTask: 'auto' },
      priority: -3,
      reason: 'fill four seasons before training',
      requestedBy: 'ml-team',
      idempotencyKey: 'daily-2026-01-03',
    };
    expect(parseRequest(full)).toEqual({ ok: true, request: full });
  });
  test('takes one range as well as several, one phase as well as a list, and each number of dates a task', () => {
    for (const part of [
      { range: { start: '2024-01-01', end: '2024-01-02' } },
      { phases: 0 },
      { phases: [2, 3] },
      { limits: { datesPerTask: 366 } },
      { limits: { maxInFlight: 10_000 } },
      { priority: 10 },
    ]) {
      expect(problemsWith(part)).toEqual([]);
    }
    for (const reprocess of reprocessModes) expect(problemsWith({ reprocess })).toEqual([]);
    for (const gate of gateModes) expect(problemsWith({ gate })).toEqual([]);
  });
});

describe('unknown keys are refused by name', () => {
  test.each([
    [{ rnage: {} }, 'request: unknown key "rnage"; did you mean "range"?'],
    [{ requested_by: 'me' }, 'request: unknown key "requested_by"; did you mean "requestedBy"?'],
    [{ phase: 3 }, 'request: unknown key "phase"; did you mean "phases"?'],
    [{ start_date: '2024-01-01' }, 'request: unknown key "start_date"; dates belong into "range": {"start": …, "end": …}'],
    [
      { is_backfill: true, player: 3 },
      'request: unknown keys "is_backfill", "player"; known are pipeline, range, dates, exclude, phases, processors, reprocess, lookback, gate, limits, priority, reason, requestedBy, idempotencyKey',
    ],
    [{ limits: { maxInflight: 3 } }, 'limits: unknown key "maxInflight"; did you mean "maxInFlight"?'],
    [{ range: { start: '2024-01-01', end: '2024-01-02', step: 2 } }, 'range: unknown key "step"; known are start, end'],
    [{ exclude: [{ start: '2024-01-01', end: '2024-01-02', x: 2 }] }, 'exclude[0]: unknown key "x"; known are start, end'],
    [JSON.parse('{"__proto__": {}}') as object, 'request: unknown key "__proto__"; known are '],
  ])('%j', (part, message) => {
    // Object.assign and spread would set the prototype instead of the key.
    const problems = problemsOf(Object.defineProperties({ pipeline: 'nba' }, Object.getOwnPropertyDescriptors(part)));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(message);
  });
});

test.each([
  [{ range: { start: '2023-02-29', end: '2023-03-01' } }, 'range.start: "2023-02-29" does not exist: 2023-02 has 28 days'],
  [{ range: { start: '2023-03-01', end: '2023-13-01' } }, 'range.end: "2023-13-01" does not exist: months go from 01 to 12'],
  [{ range: { start: '2023-03-02', end: '2023-03-01' } }, 'range: the range ends (2023-03-01) before it starts (2023-03-02): swap start and end'],
  [{ range: { start: '2023-03-02' } }, 'range.end: expected a date as YYYY-MM-DD, found nothing'],
  [{ range: { start: '2023-03-02', end: 20230303 } }, 'range.end: expected a date as YYYY-MM-DD, found 20230303'],
  [{ range: '2023-01-01..2023-01-02' }, 'range: expected {"start": …, "end": …}, or a list of them, found "2023-01-01..2023-01-02"'],
  [{ range: [] }, 'range: expected {"start": …, "end": …}, or a list of them, found an empty list'],
  [{ range: [{ start: '2023-03-02', end: '2023-03-01' }] }, 'range[0]: the range ends (2023-03-01) before it starts (2023-03-02): swap start and end'],
  [{ range: [3] }, 'range[0]: expected {"start": …, "end": …}, found 3'],
  [{ dates: '2024-01-01' }, 'dates: expected a list of dates as YYYY-MM-DD, with one at least, found "2024-01-01"'],
  [{ dates: [] }, 'dates: expected a list of dates as YYYY-MM-DD, with one at least, found an empty list'],
  [{ dates: ['2024-01-01', '1/2/2024'] }, 'dates[1]: expected a date as YYYY-MM-DD, found "1/2/2024"'],
  [{ exclude: ['2024-02-30'] }, 'exclude[0]: "2024-02-30" does not exist: 2024-02 has 29 days'],
  [{ exclude: [true] }, 'exclude[0]: expected a date as YYYY-MM-DD, or {"start": …, "end": …}, found true'],
  [{ exclude: [{ start: '2024-02-02', end: '2024-02-01' }] }, 'exclude[0]: the range ends (2024-02-01) before it starts (2024-02-02): swap start and end'],
  [{ phases: -1 }, 'phases: expected a phase or several, such as 3, "2..3", "2,3" or [2, 3], found -1'],
  [{ phases: 1.5 }, 'phases: expected a phase or several, such as 3, "2..3", "2,3" or [2, 3], found 1.5'],
  [{ phases: [1, 'x'] }, 'phases[1]: expected a whole number, 0 or more, found "x"'],
  [{ processors: 'games' }, 'processors: expected a list of names, with one at least, found "games"'],
  [{ processors: [''] }, 'processors[0]: expected a name, "name+" or "+name", found ""'],
  [{ reprocess: 'stael' }, 'reprocess: expected "missing", "failed", "stale" or "all", found "stael"; did you mean "stale"?'],
  [{ reprocess: null }, 'reprocess: expected "missing", "failed", "stale" or "all", found null'],
  [{ lookback: false }, 'lookback: expected "auto", found false'],
  [{ gate: 'none' }, 'gate: expected "phase" or "window", found "none"'],
  [{ limits: 5 }, 'limits: expected {"maxInFlight": …, "datesPerTask": …}, found 5'],
  [{ limits: { maxInFlight: 0 } }, 'limits.maxInFlight: expected a whole number from 1 to 10000, found 0'],
  [{ limits: { maxInFlight: 10_001 } }, 'limits.maxInFlight: expected a whole number from 1 to 10000, found 10001'],
  [{ limits: { datesPerTask: 0 } }, 'limits.datesPerTask: expected a whole number from 1 to 366, or "auto", found 0'],
  [{ limits: { datesPerTask: 367 } }, 'limits.datesPerTask: expected a whole number from 1 to 366, or "auto", found 367'],
  [{ limits: { datesPerTask: 'Auto' } }, 'limits.datesPerTask: expected a whole number from 1 to 366, or "auto", found "Auto"; did you mean "auto"?'],
  [{ priority: 11 }, 'priority: expected a whole number from -10 to 10, found 11'],
  [{ priority: '1' }, 'priority: expected a whole number from -10 to 10, found "1"'],
  [{ reason: 'x'.repeat(501) }, 'reason: expected a text of at most 500 characters, found a text of 501 characters'],
  [{ requestedBy: ['me'] }, 'requestedBy: expected a text of at most 200 characters, found a list of 1'],
  [{ idempotencyKey: '' }, 'idempotencyKey: expected a text of 1 to 200 characters, found ""'],
  [{ pipeline: { id: 'nba' } }, 'pipeline: expected the name of a pipeline, found a map with id'],
  [{ pipeline: '' }, 'pipeline: expected the name of a pipeline, found ""'],
])('%j is told as it is', (part, message) => expect(problemsWith(part)).toEqual([message]));

test.each([
  [null, 'null'],
  [undefined, 'nothing'],
  ['nba', '"nba"'],
  [[], 'an empty list'],
])('%j is no request', (input, found) => expect(problemsOf(input)).toEqual([`request: expected a map of keys and values, found ${found}`]));

test('all problems are told at once', () => {
  expect(problemsOf({ range: { start: '2023-02-31', end: '2023-02-30' }, gate: 'window', priority: 99, rnage: 1 })).toEqual([
    'pipeline: expected the name of a pipeline, found nothing',
    'range.start: "2023-02-31" does not exist: 2023-02 has 28 days',
    'range.end: "2023-02-30" does not exist: 2023-02 has 28 days',
    'priority: expected a whole number from -10 to 10, found 99',
    'request: unknown key "rnage"; did you mean "range"?',
  ]);
});

test('whatever comes is either a request or told what is wrong with it, in words for every key', () => {
  const keys = Object.keys(backfillRequestSchema.shape);
  const value = fc.oneof(
    { weight: 3, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
    { weight: 1, arbitrary: fc.array(fc.dictionary(fc.constantFrom('start', 'end'), fc.jsonValue({ maxDepth: 1 }))) },
  );
  const arbitraryInput = fc.oneof({ weight: 4, arbitrary: fc.dictionary(fc.constantFrom(...keys, 'x'), value) }, { weight: 1, arbitrary: fc.anything() });
  fc.assert(
    fc.property(arbitraryInput, (input) => {
      const parsed = parseRequest(input);
      if (parsed.ok) return;
      expect(parsed.problems.length).toBeGreaterThan(0);
      // "something else" would be a path that has no expectation of its own.
      for (const problem of parsed.problems) expect(problem).not.toMatch(/expected something else|Invalid input/);
    }),
    { numRuns: 300 },
  );
});
