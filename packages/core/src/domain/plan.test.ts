// The plan by example. Its laws over random worlds are in plan.laws.test.ts.
import { describe, expect, test } from 'vitest';
import { createTestLedger, listEntries, planInput, planOf } from '../../../../test/support/ledgers.ts';
import {
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
import { inputDigest } from './ledger.ts';
import { partitionDate } from './partition-date.ts';
import { countTasks, makePlan, type PlanInput } from './plan.ts';

const calendar = plainCalendar('2024-01-01', 4);
const [first, second, third, fourth] = [0, 1, 2, 3].map((index) => dateAt(calendar, index)) as [
  ReturnType<typeof dateAt>,
  ReturnType<typeof dateAt>,
  ReturnType<typeof dateAt>,
  ReturnType<typeof dateAt>,
];

describe('the modes on one partition of each condition', () => {
  // daily: fresh, missing, stale by its input, stale by its code. games: fresh.
  const plan = (overrides: Partial<PlanInput>) => {
    const ledger = createTestLedger(chainPipeline(), calendar).fill();
    ledger.remove('daily', second);
    ledger.commit('daily', third, { inputDigest: 'older input' });
    ledger.commit('daily', fourth, { codeHash: 'older code' });
    return planOf(planInput(chainPipeline(), calendar, ledger, { processors: new Set(['daily']), ...overrides }));
  };
  const dailies = (overrides: Partial<PlanInput>): readonly string[] =>
    (plan(overrides).processors.get('daily') ?? []).map(({ kind, reason }) => `${kind} ${reason}`);

  test('missing plans what was never committed', () => {
    expect(dailies({ reprocess: 'missing' })).toEqual(['fresh already_fresh', 'task missing', 'fresh stale_not_requested', 'fresh stale_not_requested']);
  });
  test('stale plans what its inputs or its code have left behind', () => {
    expect(dailies({ reprocess: 'stale' })).toEqual(['fresh already_fresh', 'fresh missing_not_requested', 'task stale_input', 'task stale_code']);
  });
  test('failed plans what has an open dead letter or a quarantine, whatever the ledger says', () => {
    const hasFailed: PlanInput['hasFailed'] = (_, date) => date === first || date === second;
    expect(dailies({ reprocess: 'failed', hasFailed })).toEqual(['task failed', 'task failed', 'fresh stale_not_requested', 'fresh stale_not_requested']);
  });
  test('all plans everything', () => {
    expect(dailies({ reprocess: 'all' })).toEqual(['task requested', 'task requested', 'task requested', 'task requested']);
    expect(countTasks(plan({ reprocess: 'all' }))).toBe(4);
  });
  test('an upstream that was not asked for and is fresh is listed, not planned', () => {
    expect((plan({ reprocess: 'all' }).processors.get('games') ?? []).map(({ kind }) => kind)).toEqual(['fresh', 'fresh', 'fresh', 'fresh']);
  });
});

test('a request for the last table of an empty warehouse plans everything that its windows hold, and only that', () => {
  const ledger = createTestLedger(diamondPipeline(), twoSeasons());
  const dates = new Set([partitionDate('2023-11-06')]);
  const plan = planOf(planInput(diamondPipeline(), twoSeasons(), ledger, { processors: new Set(['features']), dates }));
  expect(listEntries(plan)).toEqual([
    ...['01', '02', '03', '04', '05', '06'].map((day) => `games 2023-11-${day} upstream_missing`),
    'rolling 2023-11-06 upstream_missing',
    ...['04', '05', '06'].map((day) => `season 2023-11-${day} upstream_missing`),
    'features 2023-11-06 missing',
  ]);
  expect(listEntries(plan, 'skip')).toEqual([]);
  expect(plan.phases).toEqual([1, 2, 3]);
});

describe('an optional upstream', () => {
  const pipeline = makePipeline([
    makeProcessor('manifest'),
    makeProcessor('games', { phase: 2, upstreams: [{ ...reads('manifest'), optional: true }] }),
    makeProcessor('daily', { phase: 3, upstreams: [reads('games')] }),
  ]);

  test('that is missing or stale is in no plan that did not ask for it', () => {
    const empty = createTestLedger(pipeline, calendar);
    const plan = planOf(planInput(pipeline, calendar, empty, { processors: new Set(['daily']), dates: new Set([first]) }));
    expect(listEntries(plan)).toEqual([`games ${first} upstream_missing`, `daily ${first} missing`]);
    expect([...plan.processors.keys()]).toEqual(['games', 'daily']);
    expect(plan.phases).toEqual([2, 3]);
  });

  test('that was asked for is asked for on all dates that are computed, those of a lookback too', () => {
    const wide = makePipeline([
      makeProcessor('manifest'),
      makeProcessor('games', { phase: 2, upstreams: [{ ...reads('manifest'), optional: true }] }),
      makeProcessor('daily', { phase: 3, upstreams: [reads('games', '[-2d, 0d]')] }),
    ]);
    const ledger = createTestLedger(wide, calendar);
    const planFor = (...processors: readonly string[]) =>
      planOf(planInput(wide, calendar, ledger, { processors: new Set(processors), dates: new Set([third]) }));
    const games = [first, second, third].map((date) => `games ${date} upstream_missing`);
    expect(listEntries(planFor('daily'))).toEqual([...games, `daily ${third} missing`]);
    expect(listEntries(planFor('daily', 'manifest'))).toEqual([
      ...[first, second].map((date) => `manifest ${date} upstream_missing`),
      `manifest ${third} missing`,
      ...games,
      `daily ${third} missing`,
    ]);
  });

  test('that never was leaves the digests as they would be without it; once it is there, what reads it turns stale by its changes', () => {
    const without = makePipeline([makeProcessor('games', { phase: 2 })]);
    const [games, bare] = [processorOf(pipeline, 'games'), processorOf(without, 'games')];
    const ledger = createTestLedger(pipeline, calendar);
    expect(inputDigest(pipeline, games, calendar, 0, ledger.view)).toBe(inputDigest(without, bare, calendar, 0, ledger.view));
    ledger.commit('manifest', first, { contentHash: 'a' });
    const before = inputDigest(pipeline, games, calendar, 0, ledger.view);
    ledger.commit('manifest', first, { contentHash: 'b' });
    expect(inputDigest(pipeline, games, calendar, 0, ledger.view)).not.toBe(before);
  });

  test('that is planned takes what lies below along', () => {
    const ledger = createTestLedger(pipeline, calendar).fill();
    const plan = planOf(planInput(pipeline, calendar, ledger, { processors: new Set(['manifest', 'games', 'daily']), dates: new Set([second]) }));
    expect(listEntries(plan)).toEqual([]);
    ledger.remove('manifest', second);
    const again = planOf(planInput(pipeline, calendar, ledger, { processors: new Set(['manifest', 'games', 'daily']), dates: new Set([second]) }));
    expect(listEntries(again)).toContain(`games ${second} upstream_planned`);
  });
});

test('a gap in an upstream of a fresh table is filled and what reads it is looked at again', () => {
  const ledger = createTestLedger(chainPipeline(), calendar).fill();
  ledger.remove('games', second);
  const plan = planOf(planInput(chainPipeline(), calendar, ledger));
  expect(listEntries(plan)).toEqual([`games ${second} missing`, `daily ${second} upstream_planned`]);
});

test('a stale upstream of a task is planned with it, also where only what is missing was asked for', () => {
  const ledger = createTestLedger(chainPipeline(), calendar).fill();
  ledger.commit('games', third, { codeHash: 'older code' });
  ledger.commit('games', fourth, { codeHash: 'older code' });
  ledger.remove('daily', third);
  const plan = planOf(planInput(chainPipeline(), calendar, ledger, { processors: new Set(['daily']) }));
  expect(listEntries(plan)).toEqual([`games ${third} upstream_stale`, `daily ${third} missing`]);
});

test('skips keep their own reason inside the plan', () => {
  const ledger = createTestLedger(externalPipeline(), twoSeasons());
  const dates = new Set([partitionDate('2023-11-27')]);
  const plan = planOf(planInput(externalPipeline(), twoSeasons(), ledger, { processors: new Set(['daily']), dates }));
  expect(listEntries(plan, 'skip')).toEqual(['games 2023-11-27 no_source_data']);
  expect(listEntries(plan)).toEqual([
    'games 2023-11-24 upstream_missing',
    'games 2023-11-25 upstream_missing',
    'games 2023-11-26 upstream_missing',
    'daily 2023-11-27 missing',
  ]);
});

test('an external table is read, never planned', () => {
  const ledger = createTestLedger(externalPipeline(), calendar);
  const plan = planOf(planInput(externalPipeline(), calendar, ledger, { processors: new Set(['weather', 'games', 'daily']) }));
  expect([...plan.processors.keys()]).toEqual(['games', 'daily']);
});

test('an overlap names the backfill, the processor and the dates', () => {
  const plannedBy: PlanInput['plannedBy'] = (id, date) => (id === 'games' && date !== first ? 'b7' : undefined);
  expect(makePlan(planInput(chainPipeline(), calendar, createTestLedger(chainPipeline(), calendar), { plannedBy }))).toEqual({
    outcome: 'overlap',
    backfillId: 'b7',
    processorId: 'games',
    dates: [second, third, fourth],
  });
});

test('an upstream that another backfill plans is awaited', () => {
  const plannedBy: PlanInput['plannedBy'] = (id, date) => (id === 'games' && date === first ? 'b7' : undefined);
  const plan = planOf(planInput(chainPipeline(), calendar, createTestLedger(chainPipeline(), calendar), { processors: new Set(['daily']), plannedBy }));
  expect(listEntries(plan, 'await')).toEqual([`games ${first} b7`]);
  expect(listEntries(plan)).toContain(`daily ${first} missing`);
});

test('a partition that is declared never to exist does not overlap', () => {
  const pipeline = makePipeline([makeProcessor('games', { bootstrapDays: 4, upstreams: [reads('source.games')] })]);
  const outcome = makePlan(planInput(pipeline, calendar, createTestLedger(pipeline, calendar), { plannedBy: () => 'b7' }));
  expect(outcome.outcome).toBe('planned');
});

test('a partition whose window holds no date needs nothing', () => {
  const pipeline = makePipeline([makeProcessor('games'), makeProcessor('rolling', { upstreams: [reads('games', '[-10d, -1d]')] })]);
  const plan = planOf(planInput(pipeline, calendar, createTestLedger(pipeline, calendar), { processors: new Set(['rolling']), dates: new Set([first]) }));
  expect(listEntries(plan)).toEqual([`rolling ${first} missing`]);
  expect([...plan.processors.keys()]).toEqual(['rolling']);
});
