// A request is decided once, planned on what the ledger says, and activated only on the state that it was planned on.
import { describe, expect, test, vi } from 'vitest';
import { acceptRequest, type AcceptOutcome } from '@floodgate/core/app/accept-request.ts';
import { describePlan } from '@floodgate/core/app/describe-plan.ts';
import { requestPath } from '@floodgate/core/contracts/documents.ts';
import { backfillRequestSchema, type BackfillRequestInput } from '@floodgate/core/contracts/request.ts';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import { countTasks, type Plan } from '@floodgate/core/domain/plan.ts';
import { WarehouseError } from '@floodgate/core/ports/warehouse.ts';
import { createWorld, never, type World } from '../support/world.ts';

const summaryOf = (outcome: AcceptOutcome): Plan => {
  if (outcome.outcome === 'rejected' || outcome.summary === undefined) throw new Error(`no plan: ${JSON.stringify(outcome)}`);
  return outcome.summary.plan;
};

const entriesOf = (plan: Plan, processorId: string): readonly string[] =>
  (plan.processors.get(processorId) ?? []).map(({ date, kind, reason }) => `${date} ${kind} ${reason}`);

const range = (world: World, from: number, to: number): BackfillRequestInput['range'] => ({ start: world.date(from), end: world.date(to) });

describe('a request is decided once for its key', () => {
  test('asked twice, the same backfill answers and nothing more is planned', async () => {
    const world = createWorld();
    const first = await world.accept({}, { key: 'daily' });
    const second = await world.accept({ range: range(world, 0, 1) }, { key: 'daily' });
    expect(first.outcome).toBe('accepted');
    expect(second).toEqual({ outcome: 'accepted', backfillId: (first as { backfillId: string }).backfillId, summary: undefined });
    expect(await world.store.count({ collection: 'backfills' })).toBe(1);
    expect((await world.pipelineState())?.sequence).toBe(1);
  });

  test('asked twice at once, one activation wins and both get its backfill', async () => {
    const world = createWorld();
    const input = { request: backfillRequestSchema.parse({ pipeline: 'test' }), idempotencyKey: 'daily', traceparent: '', dryRun: false };
    const outcomes = await world.run(Promise.all(['a', 'b', 'c'].map((holder) => acceptRequest(world.planner(holder), input, never))));
    const ids = new Set(outcomes.map((outcome) => (outcome.outcome === 'accepted' ? outcome.backfillId : outcome.outcome)));
    expect(ids.size).toBe(1);
    expect(await world.store.count({ collection: 'backfills' })).toBe(1);
    expect(await world.pipelineState()).toMatchObject({ sequence: 1, activation: 1, activeBackfills: [...ids] });
    expect(world.bus.all('floodgate.backfill.moved')).toHaveLength(1);
  });

  test('asked twice at once for what is there already, there is one backfill all the same', async () => {
    const world = createWorld();
    await world.drive(await world.start());
    const input = { request: backfillRequestSchema.parse({ pipeline: 'test' }), idempotencyKey: 'daily', traceparent: '', dryRun: false };
    const outcomes = await world.run(Promise.all(['a', 'b'].map((holder) => acceptRequest(world.planner(holder), input, never))));
    expect(new Set(outcomes.map((outcome) => (outcome.outcome === 'accepted' ? outcome.backfillId : outcome.outcome))).size).toBe(1);
    expect(await world.store.count({ collection: 'backfills' })).toBe(2);
  });

  test('a rejection is a decision too, which later circumstances do not change', async () => {
    const world = createWorld();
    const first = await world.start();
    const rejected = await world.accept({ reprocess: 'all' }, { key: 'again' });
    expect(rejected).toMatchObject({ outcome: 'rejected', conflictsWith: first });
    expect(await world.drive(first)).toBe('completed');
    expect(await world.accept({ reprocess: 'all' }, { key: 'again' })).toMatchObject(rejected);
    expect((await world.accept({ reprocess: 'all' }, { key: 'a new one' })).outcome).toBe('accepted');
  });
});

describe('overlap', () => {
  test('is rejected with the name of the other backfill and the dates', async () => {
    const world = createWorld();
    const first = await world.start({ range: range(world, 0, 2) });
    const outcome = await world.accept({ range: range(world, 2, 4) }, { key: 'second' });
    expect(outcome).toMatchObject({
      outcome: 'rejected',
      conflictsWith: first,
      failure: { code: 'overlap', message: expect.stringContaining(world.date(2)), hint: expect.stringContaining(first) },
    });
    expect(await world.decisionOf('second')).toMatchObject({
      decision: 'rejected',
      conflictsWith: first,
      backfillId: '',
      failure: { code: 'overlap', class: 'permanent' },
    });
    expect(await world.store.count({ collection: 'backfills' })).toBe(1);
  });

  test('does not concern partitions that the other backfill has finished', async () => {
    const world = createWorld();
    const first = await world.start();
    await world.pass(first);
    await world.work();
    await world.commitRung();
    expect((await world.states(first))['succeeded']).toHaveLength(6);
    expect((await world.accept({ processors: ['rolling'], reprocess: 'all' }, { dryRun: true })).outcome).toBe('rejected');
    expect((await world.accept({ processors: ['games'], reprocess: 'all' }, { dryRun: true })).outcome).toBe('planned');
  });

  test('of upstreams is awaited: the later backfill goes on when the earlier ends', async () => {
    const world = createWorld();
    const first = await world.start({ processors: ['games'] });
    const outcome = await world.accept({ processors: ['rolling'] });
    if (outcome.outcome !== 'accepted') throw new Error('not accepted');
    expect(new Set(entriesOf(summaryOf(outcome), 'games'))).toEqual(new Set(world.dates.map((date) => `${date} await ${first}`)));
    const second = outcome.backfillId;
    // The gate of phase 1 stands in both; the second waits and neither ends nor blocks.
    for (let round = 0; round < 3; round += 1) {
      expect(await world.pass(second)).toMatchObject({ outcome: 'going', released: 0 });
      await world.judgeRung();
    }
    expect(await world.drive(first)).toBe('completed');
    expect(await world.drive(second)).toBe('completed');
    expect((await world.states(second))['succeeded']).toEqual(world.dates.map((date) => `rolling ${date}`));
  });

  test('counts as come once the gate has opened on it: what changes later is not waited for, by a new planner either', async () => {
    const world = createWorld();
    const first = await world.start({ processors: ['games'] });
    const second = await world.start({ processors: ['rolling'] });
    expect(await world.drive(first)).toBe('completed');
    await world.judgeRung();
    expect((await world.gateOf(second, 1))?.state).toBe('open');
    world.putGames(world.date(2), [300, 30]);
    expect(await world.pass(second)).toMatchObject({ outcome: 'going', released: 6 });
    await world.work();
    await world.commitRung();
    await world.judgeRung();
    await world.clock.advance(30_000);
    await world.pass(second, 'another');
    await world.clock.advance(30_000);
    expect(await world.pass(second, 'another')).toEqual({ outcome: 'over', state: 'completed' });
  });

  test('with a backfill that fails blocks the one that waited for it, and says what is missing', async () => {
    const world = createWorld({ processors: { games: { retry: { max_attempts: 1 } } } });
    world.warehouse.faults.fail('stage', 'invalid_sql', { times: 1 });
    const first = await world.start({ processors: ['games'] });
    const second = await world.start({ processors: ['rolling'] });
    expect(await world.drive(first)).toBe('blocked');
    expect(await world.drive(second)).toBe('blocked');
    expect((await world.states(second))['succeeded'] ?? []).toEqual([]);
  });
});

describe('what can not be accepted is recorded with its reason', () => {
  test.each([
    ['an unknown pipeline', { pipeline: 'tset' }, 'unknown_pipeline', 'test'],
    ['an unknown processor', { processors: ['gmaes'] }, 'unknown_processor', 'did you mean games'],
    ['an unknown phase', { phases: 9 }, 'unknown_phase', '1, 2, 3'],
    ['dates outside the calendar', { range: { start: '2023-01-01', end: '2023-01-03' } }, 'empty_selection', '2024-01-01'],
    ['dates that are all excluded', { dates: ['2024-01-02'], exclude: ['2024-01-02'] }, 'empty_selection', '1 excluded'],
  ])('%s', async (_, request, code, words) => {
    const world = createWorld();
    expect(await world.accept(request, { key: 'k' })).toMatchObject({ outcome: 'rejected', failure: { code, message: expect.stringContaining(words) } });
    expect(await world.decisionOf('k')).toMatchObject({ decision: 'rejected', failure: { code } });
    expect(await world.store.count({ collection: 'backfills' })).toBe(0);
  });

  test('an empty calendar is an error and never "no games"', async () => {
    const world = createWorld({ functions: { calendar: () => [] } });
    expect(await world.accept({}, { key: 'k' })).toMatchObject({ outcome: 'rejected', failure: { code: 'calendar_unreadable' } });
  });

  test('a fault that may go away is no decision: it is thrown, and the message comes again', async () => {
    const world = createWorld();
    world.warehouse.faults.fail('query', 'unavailable');
    await expect(world.accept({}, { key: 'k' })).rejects.toMatchObject({ code: 'unavailable' });
    expect(await world.decisionOf('k')).toBeUndefined();
    expect((await world.accept({}, { key: 'k' })).outcome).toBe('accepted');
  });
});

describe('a plan', () => {
  test('of a dry run leaves nothing behind, whatever it finds', async () => {
    const world = createWorld();
    const outcome = await world.accept({}, { key: 'k', dryRun: true });
    expect(outcome.outcome === 'planned' && countTasks(outcome.summary.plan)).toBe(18);
    await expect(world.accept({ processors: ['gmaes'] }, { key: 'k', dryRun: true })).rejects.toMatchObject({ code: 'unknown_processor' });
    for (const collection of ['requests', 'pipelines', 'plans', 'backfills', 'outbox']) expect(await world.store.count({ collection }), collection).toBe(0);
    expect(world.bus.published).toEqual([]);
  });

  test('is made again when another backfill was activated meanwhile', async () => {
    const world = createWorld();
    // In the middle of planning the second request, the first is activated with the same dates.
    let first = '';
    world.warehouse.faults.during('query', async () => {
      const input = {
        request: backfillRequestSchema.parse({ pipeline: 'test', processors: ['games'] }),
        idempotencyKey: 'first',
        traceparent: '',
        dryRun: false,
      };
      const outcome = await acceptRequest(world.planner('other'), input, never);
      first = outcome.outcome === 'accepted' ? outcome.backfillId : '';
    });
    const outcome = await world.accept({ processors: ['rolling'] });
    expect(first).not.toBe('');
    expect(entriesOf(summaryOf(outcome), 'games')).toEqual(world.dates.map((date) => `${date} await ${first}`));
    expect(await world.pipelineState()).toMatchObject({ sequence: 2, activation: 2 });
  });

  test('gives up planning when it is overtaken again and again', async () => {
    const world = createWorld();
    let count = 0;
    const overtake = async (): Promise<void> => {
      count += 1;
      await world.store.transaction(async (transaction) =>
        transaction.set('pipelines/test', { pipelineId: 'test', sequence: count, activation: count, activeBackfills: [] }),
      );
    };
    world.warehouse.faults.during('digestSource', overtake, { times: 99 });
    await expect(world.accept({}, { key: 'k' })).rejects.toMatchObject({ code: 'conflict' });
    expect(count).toBeGreaterThan(1);
    expect(await world.decisionOf('k')).toBeUndefined();
  });

  test('of what is there already has no tasks, and the backfill completes once its gates are judged', async () => {
    const world = createWorld();
    await world.drive(await world.start());
    const commits = world.warehouse.commits.length;
    const outcome = await world.accept();
    expect(countTasks(summaryOf(outcome))).toBe(0);
    const id = (outcome as { backfillId: string }).backfillId;
    expect(await world.pass(id)).toMatchObject({ outcome: 'going', released: 0 });
    expect(await world.drive(id)).toBe('completed');
    for (const phase of [1, 2, 3]) expect(await world.gateOf(id, phase)).toMatchObject({ state: 'open' });
    expect(world.warehouse.commits).toHaveLength(commits);
    expect(world.bus.all('floodgate.backfill.ended')).toHaveLength(2);
  });

  test('gives every date that it leaves out a reason', async () => {
    const world = createWorld({
      processors: {
        games: { covers: ['regular'] },
        rolling: { bootstrap_days: 2, never: ['2024-01-05'] },
        features: { min_history_dates: 4 },
      },
    });
    world.calendar.set('2024-01-04' as PartitionDate, { date: '2024-01-04', season: '2024', kind: 'playoffs', items: 1 });
    const outcome = await world.accept({ range: { start: '2023-12-30', end: '2024-01-06' }, exclude: ['2024-01-06'] });
    const plan = summaryOf(outcome);
    expect(entriesOf(plan, 'games').filter((entry) => entry.includes('skip'))).toEqual(['2024-01-04 skip no_source_data']);
    expect(entriesOf(plan, 'rolling')).toEqual([
      '2024-01-01 skip bootstrap',
      '2024-01-02 skip bootstrap',
      '2024-01-03 task missing',
      '2024-01-04 task missing',
      '2024-01-05 skip never',
    ]);
    expect(entriesOf(plan, 'features').filter((entry) => entry.includes('skip'))).toEqual(
      [1, 2, 3, 4].map((day) => `2024-01-0${day} skip insufficient_history`),
    );
    if (outcome.outcome === 'rejected') throw new Error('rejected');
    expect(outcome.summary?.dates).toMatchObject({ excluded: ['2024-01-06'], notInCalendar: ['2023-12-30', '2023-12-31'] });
    expect(await world.drive((outcome as { backfillId: string }).backfillId)).toBe('completed');
  });

  test('closes the request over the graph: asking for the last phase alone computes what it reads', async () => {
    const world = createWorld();
    const outcome = await world.accept({ processors: ['features'], dates: [world.date(5)] });
    const plan = summaryOf(outcome);
    expect(entriesOf(plan, 'games')).toEqual([2, 3, 4, 5].map((index) => `${world.date(index)} task upstream_missing`));
    expect(entriesOf(plan, 'rolling')).toEqual([`${world.date(5)} task upstream_missing`]);
    expect(entriesOf(plan, 'features')).toEqual([`${world.date(5)} task missing`]);
  });
});

describe('an estimate', () => {
  const input = { request: backfillRequestSchema.parse({ pipeline: 'test' }), idempotencyKey: 'daily', traceparent: '', dryRun: false };

  test('that the warehouse refuses rejects nothing: a table may be made or widened by the tasks before; the plan says it', async () => {
    const world = createWorld();
    vi.spyOn(world.warehouse, 'estimateBytes').mockRejectedValue(new WarehouseError('invalid_sql', 'Name pace not found'));
    const outcome = await world.run(acceptRequest(world.planner('a'), input, never));
    if (outcome.outcome !== 'accepted' || outcome.summary === undefined) throw new Error(`not accepted: ${JSON.stringify(outcome)}`);
    const { processors, warnings } = describePlan(outcome.summary);
    expect(new Set(processors.map(({ bytes }) => bytes))).toEqual(new Set([null]));
    expect(warnings).toContainEqual(expect.stringMatching(/^games: how much it will read is not known, .*: Name pace not found$/));
    expect(await world.drive(outcome.backfillId)).toBe('completed');
  });

  test('that is not answered now leaves the request to be looked at again', async () => {
    const world = createWorld();
    const lost = new WarehouseError('unavailable', 'no answer');
    vi.spyOn(world.warehouse, 'estimateBytes').mockRejectedValueOnce(lost);
    await expect(world.run(acceptRequest(world.planner('a'), input, never))).rejects.toBe(lost);
    expect(await world.decisionOf('daily')).toBeUndefined();
    expect((await world.accept({}, { key: 'daily' })).outcome).toBe('accepted');
  });
});

describe('reprocess: failed', () => {
  const failOn = (world: World, index: number): void =>
    world.warehouse.faults.fail('stage', 'invalid_sql', { matches: (job) => (job as { dates: readonly string[] }).dates.includes(world.date(index)) });
  const failed = async (world: World): Promise<readonly string[]> =>
    entriesOf(summaryOf(await world.accept({ processors: ['games'], reprocess: 'failed' }, { dryRun: true })), 'games').filter((entry) =>
      entry.includes(' task '),
    );

  test('plans what failed, and no longer once another backfill has committed it', async () => {
    const world = createWorld();
    failOn(world, 1);
    expect(await world.drive(await world.start({ processors: ['games'] }))).toBe('blocked');
    expect(await failed(world)).toEqual([`${world.date(1)} task failed`]);
    await world.clock.advance(1_000);
    expect(await world.drive(await world.start({ processors: ['games'], reprocess: 'missing' }))).toBe('completed');
    expect((await world.deadLetters()).map(({ state }) => state)).toEqual(['open']);
    expect(await failed(world)).toEqual([]);
    // It fails once more, after that commit.
    await world.clock.advance(1_000);
    failOn(world, 1);
    expect(await world.drive(await world.start({ processors: ['games'], dates: [world.date(1)], reprocess: 'all' }))).toBe('blocked');
    expect(await failed(world)).toEqual([`${world.date(1)} task failed`]);
  });

  test('does the same with what is in quarantine', async () => {
    const world = createWorld();
    await world.drive(await world.start({ processors: ['games'] }));
    await world.clock.advance(1_000);
    world.putGames(world.date(1), [7]);
    expect(await world.drive(await world.start({ processors: ['games'], reprocess: 'stale' }))).toBe('blocked');
    expect(await failed(world)).toEqual([`${world.date(1)} task failed`]);
    await world.clock.advance(1_000);
    world.putGames(world.date(1), [7, 8]);
    expect(await world.drive(await world.start({ processors: ['games'], reprocess: 'stale' }))).toBe('completed');
    expect(await failed(world)).toEqual([]);
  });
});

test('a crash after the activation and before its messages loses neither the decision nor the messages', async () => {
  const world = createWorld();
  world.bus.isDown = true;
  const outcome = await world.accept({}, { key: 'k' });
  expect(outcome.outcome).toBe('accepted');
  expect(await world.store.get(requestPath('k'))).toBeDefined();
  expect(world.bus.published).toEqual([]);
  world.bus.isDown = false;
  await world.clock.advance(2_000);
  expect((await world.reconcile()).messagesSent).toBe(2);
  expect(world.bus.all('floodgate.backfill.moved')).not.toEqual([]);
  expect(await world.outboxSize()).toBe(0);
});
