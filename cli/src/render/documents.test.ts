// What is drawn of plans, results, backfills and explanations, from documents made here.
import type { Explanation } from '@floodgate/core/app/explain.ts';
import { partitionDate } from '@floodgate/core/domain/partition-date.ts';
import { describe, expect, it } from 'vitest';
import type { BackfillOutput, PlanOutput } from '../output-schema.ts';
import { describeReason, renderExplanation, renderWaiting } from './explain.ts';
import { renderPlan } from './plan.ts';
import { describeRequest } from './status.ts';
import { plainStyle } from './style.ts';
import { renderSummary, type SummaryContext } from './summary.ts';

const completed: BackfillOutput = {
  backfillId: 'nba-x1',
  pipeline: 'nba',
  state: 'completed',
  paused: false,
  exitCode: 0,
  planHash: 'abc',
  resumed: false,
  createdAt: '2024-01-01T00:00:00.000Z',
  endedAt: '2024-01-01T00:00:02.000Z',
  seconds: 2,
  tasks: { succeeded: 4 },
  totalTasks: 4,
  rows: 1_234,
  processors: [
    { processor: 'games', phase: 2, planned: 2, tasks: { succeeded: 2 }, rows: 34 },
    { processor: 'summary', phase: 3, planned: 2, tasks: { succeeded: 2 }, rows: 1_200 },
  ],
  gates: { 2: { state: 'open', summary: '', repair: '', checks: [] }, 3: { state: 'open', summary: '', repair: '', checks: [] } },
  failures: [],
  leftOut: {},
  warnings: [],
  home: '/h',
  warehouse: '/h/warehouse.duckdb',
};

const context: SummaryContext = { shownHome: 'h', shownWarehouse: 'h/warehouse.duckdb', flags: '', width: 200, interrupted: false, table: 'd.summary' };
const textOf = (output: Partial<BackfillOutput>, over: Partial<SummaryContext> = {}): string =>
  renderSummary({ ...completed, ...output }, { ...context, ...over }, plainStyle).join('\n');

describe('the summary', () => {
  it('says what was done, phase by phase, and where it is', () => {
    const lines = renderSummary(completed, context, plainStyle);
    expect(lines.slice(0, 8)).toEqual([
      '✓ Backfill nba-x1 completed in 2.0 s: 4 dates, 2.0 dates/s, 1,234 rows',
      '',
      '  phase 2  ✓ gate open',
      '    games    2 succeeded     34 rows',
      '  phase 3  ✓ gate open',
      '    summary  2 succeeded  1,200 rows',
      '',
      'Tables are in h/warehouse.duckdb',
    ]);
    const commands = lines.slice(8).map((line) => line.trim().split(/ {2,}/)[0]);
    expect(commands).toEqual([
      'npx floodgate sql "SELECT * FROM d.summary LIMIT 5"',
      'npx floodgate export d.summary --to summary.parquet',
      'duckdb -readonly h/warehouse.duckdb',
      'npx floodgate status nba-x1 --matrix',
    ]);
  });

  it('says of a second run that it does nothing, and why', () => {
    const text = textOf({
      totalTasks: 0,
      tasks: {},
      rows: 0,
      processors: completed.processors.map((processor) => ({ ...processor, planned: 0, tasks: {}, rows: 0 })),
      leftOut: { already_fresh: 4 },
    });
    expect(text).toContain('✓ Backfill nba-x1: nothing to do');
    expect(text).toContain('All 4 partitions are fresh');
    expect(text).toContain('--reprocess all');
    expect(text).not.toContain('Left out');
  });

  it('groups what failed by its cause, and says what to do', () => {
    const text = textOf(
      {
        state: 'blocked',
        tasks: { succeeded: 2, failed: 1, quarantined: 1 },
        failures: [
          { state: 'failed', cause: 'source_missing', message: 'no file matches x', hint: 'put it there', processor: 'games', tasks: 1, dates: ['2024-01-01'] },
          { state: 'quarantined', cause: 'unique_key', message: '2 rows share a key', processor: 'summary', tasks: 1, dates: ['2024-01-02'] },
        ],
        gates: {
          2: {
            state: 'blocked',
            summary: 'x',
            repair: 'npx floodgate retry nba-x1',
            checks: [{ check: 'accounted', processor: 'games', severity: 'block', outcome: 'failed', message: '1 of 2', dates: [] }],
          },
        },
      },
      { flags: ' --home h' },
    );
    expect(text).toContain('✗ Backfill nba-x1 stopped: 2 dates of 4 did not succeed');
    expect(text).toContain('games: 1 date failed (source_missing)  2024-01-01\n      no file matches x\n      put it there');
    expect(text).toContain('summary: 1 date quarantined (unique_key)');
    expect(text).not.toContain('accounted');
    for (const command of ['explain nba-x1 --home h', 'quarantine list --home h', 'retry nba-x1 --home h']) expect(text).toContain(`npx floodgate ${command}`);
    expect(text.match(/npx floodgate retry/g)).toHaveLength(1);
  });

  it('names the check that holds a gate, tells apart what could not be evaluated, and prints the repair', () => {
    const check = { processor: 'games', severity: 'block' as const, message: '1 row', dates: [] };
    const gates = {
      2: {
        state: 'blocked' as const,
        summary: '',
        repair: 'npx floodgate backfill --processors games --dates 2024-01-01,2024-01-02 --reprocess all',
        checks: [
          { ...check, check: 'add_up', outcome: 'failed' as const },
          { ...check, check: 'rows', outcome: 'could_not_tell' as const },
        ],
      },
    };
    const text = textOf({ state: 'blocked', gates }, { flags: ' --home h' });
    expect(text).toContain('stopped: a check holds the gate');
    expect(text).toContain('✗ games add_up: 1 row');
    expect(text).toContain('✗ games rows could not be evaluated: 1 row');
    expect(text).toContain('--dates 2024-01-01,2024-01-02 --reprocess all --home h');
  });

  it('says how a held gate is opened', () => {
    const text = textOf({ state: 'blocked', gates: { 2: { state: 'held', summary: 'all checks passed', repair: '', checks: [] } } });
    expect(text).toContain('◆ Backfill nba-x1 stopped: a gate waits for approval');
    expect(text).toContain('npx floodgate approve nba-x1 --phase 2');
  });

  it('is short when it was interrupted: nothing is lost, and the exact command', () => {
    expect(
      renderSummary({ ...completed, state: 'active', tasks: { succeeded: 1, waiting: 3 } }, { ...context, interrupted: true, flags: ' --home h' }, plainStyle),
    ).toEqual([
      '! Interrupted, and nothing is lost: 1 of 4 dates done of nba-x1',
      '  npx floodgate resume nba-x1 --home h  go on where it stopped',
      '  npx floodgate cancel nba-x1 --home h  end it for good',
    ]);
  });

  it('gives no rate to a run that did not do all of it', () => {
    expect(textOf({ resumed: true })).toContain('completed in 2.0 s since it was resumed: 4 dates, 1,234 rows');
  });

  it('explains reasons and shows warnings', () => {
    const text = textOf({ leftOut: { bootstrap: 7 }, warnings: ['games: x will be NULL'] });
    expect(text).toContain('7  bootstrap  too early in their season');
    expect(text).toContain('! games: x will be NULL');
  });
});

describe('a plan', () => {
  const plan: PlanOutput = {
    pipeline: 'nba',
    planHash: 'abc123',
    phases: [2, 3],
    dates: { wanted: 3, first: '2024-01-01', last: '2024-01-05', excluded: 1, notInCalendar: 2 },
    totalTasks: 4,
    processors: [
      { processor: 'games', phase: 2, tasks: { missing: 1, stale_code: 3 }, leftOut: { bootstrap: 2 }, rows: 1_000, seconds: 1.5, bytes: null },
      { processor: 'summary', phase: 3, tasks: {}, leftOut: { already_fresh: 3 }, rows: null, seconds: null, bytes: null },
    ],
    warnings: [],
  };

  it('counts tasks and what is left out by reason, with estimates, and has its hash', () => {
    const text = renderPlan(plan, plainStyle).join('\n');
    expect(text).toContain('Plan for nba  2024-01-01 to 2024-01-05, 3 dates of the calendar');
    expect(text).toMatch(/2 {6}games +4 {2}1 missing, 3 stale_code +2 bootstrap +~1,000 +~1.5 s/);
    expect(text).toMatch(/3 {6}summary +0 {2}nothing to do +3 already_fresh$/m);
    for (const line of ['2  bootstrap', '3  already_fresh', '1  excluded', '2  not_in_calendar', '4 tasks, gates after phases 2, 3', 'plan abc123'])
      expect(text).toContain(line);
  });

  it('shows what nobody knows as unknown', () => {
    expect(renderPlan({ ...plan, processors: [{ ...plan.processors[0]!, rows: null, seconds: null }] }, plainStyle).join('\n')).toMatch(
      /2 bootstrap +\? +\?$/m,
    );
  });
});

describe('explanations', () => {
  const date = partitionDate('2024-01-05');

  it('names every reason in words', () => {
    expect(describeReason({ kind: 'upstream', processorId: 'games', dates: [date], state: 'failed', window: '[-7d, -1d]' })).toBe(
      'it reads games (window [-7d, -1d]), of which 1 date is failed: 2024-01-05',
    );
    expect(describeReason({ kind: 'gate', phase: 2, gate: undefined })).toBe('the gate of phase 2 is waiting');
    expect(describeReason({ kind: 'backoff', until: 0, failure: 'too slow' })).toBe('it is tried again at 1970-01-01 00:00 UTC, after: too slow');
    expect(describeReason({ kind: 'not_in_plan', reason: 'already_fresh' })).toContain('already computed');
  });

  it('tells a date that has no task', () => {
    const explanation: Explanation = {
      backfillId: 'nba-x1',
      processorId: 'games',
      date,
      task: undefined,
      plannedBecause: 'missing',
      reasons: [{ kind: 'paused' }],
    };
    expect(renderExplanation(explanation, plainStyle, '')).toEqual([
      'games 2024-01-05  in backfill nba-x1',
      '  planned   it was never computed',
      '',
      '  · the backfill is paused',
    ]);
  });

  it('groups what waits and says what to do about a backfill that nobody works on', () => {
    const text = renderWaiting(
      { ...completed, state: 'active' },
      [{ processorId: 'summary', dates: [date], why: 'the gate of phase 2 is waiting' }],
      false,
      plainStyle,
      ' --home h',
    ).join('\n');
    expect(text).toContain('active, no process works on it');
    expect(text).toContain('summary: 1 date, since the gate of phase 2 is waiting  2024-01-05');
    expect(text).toContain('npx floodgate resume nba-x1 --home h');
  });

  it('says so when all is well', () => {
    expect(renderWaiting(completed, [], false, plainStyle, '')).toEqual(['nba-x1  completed', '  everything is done, and every gate is open']);
  });
});

describe('a request in short', () => {
  it.each([
    [{}, 'all dates'],
    [{ range: { start: 'a', end: 'b' }, phases: '2..3', reprocess: 'missing' }, 'a..b, phases 2..3'],
    [
      {
        range: [
          { start: 'a', end: 'b' },
          { start: 'c', end: 'd' },
        ],
        processors: ['x+'],
        reprocess: 'all',
        gate: 'window',
      },
      'a..b, c..d, x+, reprocess all, gate window',
    ],
    [{ dates: ['1', '2', '3', '4'], phases: [2, 3] }, '1 and 3 more dates, phases 2,3'],
  ])('%j', (request, text) => {
    expect(describeRequest(request)).toBe(text);
  });
});
