// What operators do, in every state a backfill can be in, and while a pass is about to end it.
import { describe, expect, test } from 'vitest';
import {
  approveGate,
  controlBackfill,
  decideQuarantine,
  listDeadLetters,
  replayDeadLetters,
  retryTasks,
  type ControlAction,
} from '@floodgate/core/app/operate.ts';
import { createScheduler } from '@floodgate/core/app/release-tasks.ts';
import { backfillPath } from '@floodgate/core/contracts/documents.ts';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import { beforeTransaction } from '../support/interposed-store.ts';
import { pipelineFunctions } from '../support/pipeline-folder.ts';
import { createWorld, never, type World } from '../support/world.ts';

const control = (world: World, id: string, action: ControlAction) => world.run(controlBackfill(world.engine('cli'), id, action, 'ann'));
const retry = (world: World, id: string, filter: Partial<Parameters<typeof retryTasks>[2]> = {}) =>
  world.run(retryTasks(world.engine('cli'), id, { states: ['failed', 'quarantined'], ...filter }, 'ann'));
const decide = (world: World, id: string, index: number, decision: 'accept' | 'reject') =>
  world.run(
    decideQuarantine(world.engine('cli'), { backfillId: id, processorId: 'games', date: world.date(index), decision, by: 'ann', reason: 'seen' }, never),
  );

const failOn = (world: World, index: number, times = 1): void =>
  world.warehouse.faults.fail('stage', 'invalid_sql', { times, matches: (job) => (job as { dates: readonly string[] }).dates.includes(world.date(index)) });

/** A world whose games of date 1 shrink, so that they are quarantined. */
const quarantined = async (): Promise<{ readonly world: World; readonly id: string }> => {
  const world = createWorld();
  await world.drive(await world.start({ processors: ['games'] }));
  world.putGames(world.date(1), [7]);
  const id = await world.start({ processors: ['games'], reprocess: 'stale' });
  expect(await world.drive(id)).toBe('blocked');
  expect(await world.states(id)).toEqual({ quarantined: [`games ${world.date(1)}`] });
  return { world, id };
};

/** Lets `act` happen right after the scheduler has decided to end the backfill, before it writes that. */
const passWhile = async (world: World, id: string, act: () => Promise<unknown>): Promise<string> => {
  // The first takes the lease, the second would end it.
  const scheduler = createScheduler(world.planner('planner', { store: beforeTransaction(world.store, 2, act) }), id);
  const result = await world.run(scheduler.pass(never));
  return result.outcome === 'over' ? result.state : result.outcome;
};

/** Reopened without anything to do, so that the next pass would end it as blocked again. */
const atItsEnd = async (world: World, id: string): Promise<void> => {
  await world.store.transaction(async (transaction) => {
    const document = await transaction.get(backfillPath(id));
    const state = await transaction.get('pipelines/test');
    transaction.set(backfillPath(id), { ...document?.data, state: 'active' });
    transaction.set('pipelines/test', { ...state?.data, activeBackfills: [id] });
  });
};

describe('control', () => {
  const steps: readonly (readonly [string, (world: World, id: string) => Promise<unknown>])[] = [
    ['before anything was released', async () => undefined],
    ['while tasks are queued', (world, id) => world.pass(id)],
    ['while tasks are staged', async (world, id) => [await world.pass(id), await world.work()]],
    ['while a phase is drained', async (world, id) => [await world.pass(id), await world.work(), await world.commitRung()]],
    ['between phases', async (world, id) => [await world.pass(id), await world.work(), await world.commitRung(), await world.judgeRung()]],
  ];

  test.each(steps)('pause %s stops all of it, resume finishes it', async (_, reach) => {
    const world = createWorld();
    const id = await world.start();
    await reach(world, id);
    expect(await control(world, id, 'pause')).toEqual({ outcome: 'done' });
    expect(await control(world, id, 'pause')).toEqual({ outcome: 'already' });
    const before = world.warehouse.commits.length;
    const jobs = world.warehouse.stageJobs.length;
    expect(await world.drive(id)).toBe('active');
    expect(world.warehouse.commits).toHaveLength(before);
    expect(world.warehouse.stageJobs).toHaveLength(jobs);
    expect(await control(world, id, 'resume')).toEqual({ outcome: 'done' });
    expect(await control(world, id, 'resume')).toEqual({ outcome: 'already' });
    expect(await world.drive(id)).toBe('completed');
    expect((await world.tasks(id)).every(({ attempt }) => attempt === 1)).toBe(true);
  });

  test.each(steps)('cancel %s ends in cancelled, and what was committed stays', async (_, reach) => {
    const world = createWorld();
    const id = await world.start();
    await reach(world, id);
    expect(await control(world, id, 'cancel')).toEqual({ outcome: 'done' });
    expect(await control(world, id, 'cancel')).toEqual({ outcome: 'already' });
    expect(await control(world, id, 'resume')).toEqual({ outcome: 'over', state: 'cancelled' });
    expect(await world.drive(id)).toBe('cancelled');
    expect((await world.tasks(id)).every(({ state }) => state === 'cancelled' || state === 'succeeded')).toBe(true);
    expect((await world.pipelineState())?.activeBackfills).toEqual([]);
    expect(await control(world, id, 'pause')).toEqual({ outcome: 'over', state: 'cancelled' });
    expect(world.bus.all('floodgate.backfill.ended')).toEqual([{ backfillId: id, state: 'cancelled' }]);
    // Its dates are free again.
    expect(await world.drive(await world.start())).toBe('completed');
  });

  test('a paused backfill can be cancelled', async () => {
    const world = createWorld();
    const id = await world.start();
    await world.pass(id);
    await control(world, id, 'pause');
    await control(world, id, 'cancel');
    expect(await world.drive(id)).toBe('cancelled');
  });

  test('a cancel while a worker computes: what it stages is thrown away', async () => {
    const world = createWorld({ days: 1 });
    const id = await world.start({ processors: ['games'] });
    await world.pass(id);
    const [dispatch] = world.takeDispatches();
    if (dispatch === undefined) throw new Error('a dispatch was expected');
    world.warehouse.faults.during('stage', () => control(world, id, 'cancel').then(() => undefined));
    const work = world.execute(dispatch);
    await world.run(work);
    expect(await world.drive(id)).toBe('cancelled');
    expect(world.warehouse.rowsOf('test.games')).toEqual([]);
    expect(world.warehouse.logOf('test.games')).toEqual([]);
  });

  test('of an ended backfill does nothing, of an unknown one says so', async () => {
    const world = createWorld();
    const id = await world.start();
    await world.drive(id);
    for (const action of ['pause', 'resume', 'cancel'] as const) expect(await control(world, id, action)).toEqual({ outcome: 'over', state: 'completed' });
    await expect(control(world, 'nobody', 'pause')).rejects.toMatchObject({ code: 'unknown_backfill' });
  });

  test('each action leaves one line of who did what', async () => {
    const world = createWorld();
    const id = await world.start();
    for (const action of ['pause', 'pause', 'resume', 'cancel'] as const) await control(world, id, action);
    expect((await world.auditLog()).map(({ action, by, subject }) => `${by} ${action} ${subject}`).sort()).toEqual([
      `ann cancel ${id}`,
      `ann pause ${id}`,
      `ann resume ${id}`,
    ]);
  });
});

describe('retry', () => {
  test('reopens with a new sequence number, keeps the plan and gives a fresh budget of attempts', async () => {
    const world = createWorld();
    failOn(world, 1);
    const id = await world.start();
    expect(await world.drive(id)).toBe('blocked');
    const before = await world.backfill(id);
    expect(await retry(world, id)).toEqual({ outcome: 'retrying', tasks: 1, reopened: true });
    expect(await world.backfill(id)).toMatchObject({ state: 'active', sequence: before.sequence + 1, planHash: before.planHash, endedAt: null });
    expect(await world.task(id, 'games', world.date(1))).toMatchObject({ state: 'waiting', attempt: 0 });
    expect(await world.drive(id)).toBe('completed');
    const task = await world.task(id, 'games', world.date(1));
    expect(task).toMatchObject({ state: 'succeeded', attempt: 1, sequence: before.sequence + 1 });
    expect(task.generation).toBeGreaterThan((await world.task(id, 'games', world.date(0))).generation);
    expect(world.bus.all('floodgate.backfill.ended').map(({ state }) => state)).toEqual(['blocked', 'completed']);
  });

  test('takes only what its filter names', async () => {
    const world = createWorld();
    failOn(world, 1);
    failOn(world, 2);
    const id = await world.start();
    await world.drive(id);
    expect(await retry(world, id, { dates: new Set([world.date(2)]) })).toMatchObject({ tasks: 1 });
    expect(await world.drive(id)).toBe('blocked');
    expect((await world.states(id))['failed']).toEqual([`games ${world.date(1)}`]);
    expect(await retry(world, id, { processors: new Set(['rolling']) })).toMatchObject({ outcome: 'retrying', tasks: 0 });
  });

  test('of what another active backfill computes meanwhile is refused by its name', async () => {
    const world = createWorld();
    failOn(world, 1);
    const id = await world.start();
    await world.drive(id);
    const other = await world.start({ processors: ['games'], dates: [world.date(1)] });
    expect(await retry(world, id)).toEqual({ outcome: 'overlap', backfillId: other });
    expect((await world.backfill(id)).state).toBe('blocked');
    expect(await world.drive(other)).toBe('completed');
    expect(await retry(world, id)).toMatchObject({ outcome: 'retrying' });
    expect(await world.drive(id)).toBe('completed');
    expect((await world.task(id, 'games', world.date(1))).state).toBe('unchanged');
  });

  test('of a cancelled or a whole backfill does nothing', async () => {
    const world = createWorld();
    const whole = await world.start();
    await world.drive(whole);
    expect(await retry(world, whole)).toEqual({ outcome: 'nothing_to_retry' });
    const gone = await world.start({ reprocess: 'all' });
    await control(world, gone, 'cancel');
    await world.drive(gone);
    expect(await retry(world, gone)).toEqual({ outcome: 'cancelled' });
  });

  test('while other dates are still at work puts the date back beside them', async () => {
    const world = createWorld({ days: 4 });
    failOn(world, 0);
    const id = await world.start({ limits: { maxInFlight: 2 } });
    await world.pass(id);
    await world.work();
    await world.commitRung();
    expect((await world.states(id))['failed']).toHaveLength(1);
    expect(await retry(world, id)).toEqual({ outcome: 'retrying', tasks: 1, reopened: false });
    expect(await world.drive(id)).toBe('completed');
  });

  test('in the moment in which a pass ends the backfill is not lost', async () => {
    const world = createWorld();
    failOn(world, 1);
    const id = await world.start();
    await world.drive(id);
    await atItsEnd(world, id);
    let outcome: unknown;
    const end = await passWhile(world, id, async () => (outcome = await retryTasks(world.engine('cli'), id, { states: ['failed'] }, 'ann')));
    expect(outcome).toMatchObject({ outcome: 'retrying', tasks: 1 });
    expect(end).toBe('going');
    expect(await world.drive(id)).toBe('completed');
  });

  test('that finds the backfill active and then ended reopens it all the same', async () => {
    const world = createWorld();
    failOn(world, 1);
    const id = await world.start();
    await world.drive(id);
    await atItsEnd(world, id);
    // After the look that found it active, before the transaction that puts the tasks back.
    const store = beforeTransaction(world.store, 2, async () =>
      expect(await createScheduler(world.planner('planner'), id).pass(never)).toEqual({ outcome: 'over', state: 'blocked' }),
    );
    expect(await world.run(retryTasks({ ...world.engine('cli'), store }, id, { states: ['failed'] }, 'ann'))).toMatchObject({ outcome: 'retrying', tasks: 1 });
    expect((await world.backfill(id)).state).toBe('active');
    expect(await world.drive(id)).toBe('completed');
  });

  test('that is overtaken by a cancel says so and puts nothing back', async () => {
    const world = createWorld();
    failOn(world, 1);
    const id = await world.start();
    await world.drive(id);
    // Reopening, its outbox, then the tasks.
    const store = beforeTransaction(world.store, 3, () => controlBackfill(world.engine('cli'), id, 'cancel', 'bob'));
    expect(await world.run(retryTasks({ ...world.engine('cli'), store }, id, { states: ['failed'] }, 'ann'))).toEqual({ outcome: 'cancelled' });
    expect(await world.drive(id)).toBe('cancelled');
    expect((await world.task(id, 'games', world.date(1))).state).toBe('failed');
  });

  test('an approval in the moment in which a pass ends the backfill is not lost', async () => {
    const world = createWorld({ phases: { 1: { name: 'load', gate: { hold: true } } } });
    const id = await world.start();
    await world.drive(id);
    await atItsEnd(world, id);
    const end = await passWhile(world, id, () => approveGate(world.engine('cli'), id, 1, 'ann'));
    expect(end).toBe('going');
    expect(await world.drive(id)).toBe('completed');
  });
});

describe('dead letters', () => {
  test('replayed are closed only when their task has succeeded', async () => {
    const world = createWorld();
    failOn(world, 1, 2);
    const id = await world.start();
    await world.drive(id);
    const replay = (limit = 10) => world.run(replayDeadLetters(world.engine('cli'), {}, limit, 'ann'));
    expect(await replay()).toMatchObject({ replayed: 1, backfills: [{ backfillId: id }], messagesLeft: 0 });
    expect(await world.deadLetters()).toMatchObject([{ state: 'replaying' }]);
    expect(await world.drive(id)).toBe('blocked');
    expect(await world.deadLetters()).toMatchObject([{ state: 'open' }]);
    await replay();
    expect(await world.drive(id)).toBe('completed');
    expect(await world.deadLetters()).toMatchObject([{ state: 'closed', closedAt: expect.any(Number) }]);
    expect(await replay()).toMatchObject({ replayed: 0, backfills: [] });
  });

  test('all replayed after the fault is fixed complete everything', async () => {
    const world = createWorld({ days: 12 });
    world.warehouse.faults.fail('stage', 'schema_mismatch', { times: 5 });
    const ids = [await world.start({ dates: world.dates.slice(0, 6) }), await world.start({ dates: world.dates.slice(6) })];
    for (const id of ids) await world.drive(id);
    expect(await listDeadLetters(world.store, ['open'])).toHaveLength(5);
    await world.run(replayDeadLetters(world.engine('cli'), {}, 100, 'ann'));
    expect(await world.drive(ids[0] ?? '')).toBe('completed');
    // The other one had nothing dead itself: it ended because what it waited for did not come.
    expect(await retry(world, ids[1] ?? '')).toEqual({ outcome: 'retrying', tasks: 0, reopened: true });
    expect(await world.drive(ids[1] ?? '')).toBe('completed');
    expect(await listDeadLetters(world.store, ['open', 'replaying'])).toEqual([]);
    expect(world.warehouse.rowsOf('test.features')).toHaveLength(24);
  });

  test('are chosen by cause, by backfill, and no more than the limit', async () => {
    const world = createWorld();
    failOn(world, 0);
    failOn(world, 1);
    world.warehouse.faults.fail('stage', 'contract_broken', { matches: (job) => (job as { dates: readonly string[] }).dates.includes(world.date(2)) });
    const id = await world.start();
    await world.drive(id);
    const letters = await listDeadLetters(world.store, ['open']);
    const groups = Map.groupBy(letters, ({ causeGroup }) => causeGroup);
    expect([...groups.values()].map((group) => group.length).sort((a, b) => a - b)).toEqual([1, 2]);
    const large = [...groups].find(([, group]) => group.length === 2)?.[0] ?? '';
    expect(await listDeadLetters(world.store, ['open'], { causeGroup: large })).toHaveLength(2);
    expect(await listDeadLetters(world.store, ['open'], { backfillId: 'other' })).toEqual([]);
    expect(await world.run(replayDeadLetters(world.engine('cli'), { causeGroup: large }, 1, 'ann'))).toMatchObject({ replayed: 1 });
    expect(await listDeadLetters(world.store, ['open'])).toHaveLength(2);
  });
});

test('a backfill is not reopened over dates that it has not begun and that another has planned since', async () => {
  const world = createWorld({ days: 2 });
  failOn(world, 1);
  const first = await world.start({ limits: { datesPerTask: 1 } });
  expect(await world.drive(first)).toBe('blocked');
  const second = await world.start({});
  // The second has done what failed in the first; what the first never began is still before it.
  await world.pass(second);
  await world.work();
  await world.commitRung();
  expect(await retry(world, first)).toEqual({ outcome: 'overlap', backfillId: second });
  expect(await world.drive(second)).toBe('completed');
  expect(await retry(world, first)).toMatchObject({ outcome: 'retrying' });
  expect(await world.drive(first)).toBe('completed');
});

describe('a quarantined date', () => {
  test('accepted and committed between two passes of the planner is seen by the next: the backfill ends', async () => {
    const world = createWorld({ days: 2, processors: { games: { audits: [{ accepted_range: { column: 'value', min: 0 } }] } } });
    world.putGames(world.date(0), [-1]);
    const id = await world.start({ processors: ['games'], limits: { maxInFlight: 1 } });
    await world.pass(id);
    await world.work();
    // The planner has seen it quarantined, and stands still from here on.
    await world.pass(id);
    expect(await decide(world, id, 0, 'accept')).toEqual({ outcome: 'accepted' });
    await world.commitRung();
    await world.work();
    await world.commitRung();
    expect(await world.drive(id)).toBe('completed');
  });

  test('accepted is committed as it was seen', async () => {
    const { world, id } = await quarantined();
    expect(await decide(world, id, 1, 'accept')).toEqual({ outcome: 'accepted' });
    expect(await world.drive(id)).toBe('completed');
    expect(world.warehouse.rowsOf('test.games').filter((row) => row['day'] === world.date(1))).toEqual([{ day: world.date(1), item: 'i0', value: 7 }]);
    expect(world.warehouse.stagingsOf('test.games')).toEqual([]);
    expect(await decide(world, id, 1, 'accept')).toEqual({ outcome: 'not_quarantined' });
    expect((await world.auditLog()).find(({ action }) => action === 'quarantine_accept')).toMatchObject({ by: 'ann', detail: { reason: 'seen' } });
  });

  test('rejected fails, with a dead letter that says who', async () => {
    const { world, id } = await quarantined();
    expect(await decide(world, id, 1, 'reject')).toEqual({ outcome: 'rejected' });
    expect(await world.deadLetters()).toMatchObject([
      { date: world.date(1), failure: { code: 'quarantine_rejected', message: 'ann rejected the quarantined rows: seen' } },
    ]);
    expect(world.warehouse.rowsOf('test.games').filter((row) => row['day'] === world.date(1))).toHaveLength(2);
  });

  test('is computed anew where its inputs have changed since', async () => {
    const { world, id } = await quarantined();
    world.putGames(world.date(1), [7, 8]);
    expect(await decide(world, id, 1, 'accept')).toEqual({ outcome: 'computed_anew' });
    expect(await world.drive(id)).toBe('completed');
    expect(
      world.warehouse
        .rowsOf('test.games')
        .filter((row) => row['day'] === world.date(1))
        .map(({ value }) => value),
    ).toEqual([7, 8]);
  });

  test('is computed anew where a newer generation was committed since', async () => {
    const { world, id } = await quarantined();
    world.putGames(world.date(1), [7, 8]);
    expect(await world.drive(await world.start({ processors: ['games'], reprocess: 'stale' }))).toBe('completed');
    expect(await decide(world, id, 1, 'accept')).toEqual({ outcome: 'computed_anew' });
    expect(await world.drive(id)).toBe('completed');
    expect(
      world.warehouse
        .rowsOf('test.games')
        .filter((row) => row['day'] === world.date(1))
        .map(({ value }) => value),
    ).toEqual([7, 8]);
  });

  test('is computed anew where somebody accepted a later execution of the same inputs', async () => {
    const { world, id } = await quarantined();
    const other = await world.start({ processors: ['games'], dates: [world.date(1)], reprocess: 'all' });
    expect(await world.drive(other)).toBe('blocked');
    expect(await decide(world, other, 1, 'accept')).toEqual({ outcome: 'accepted' });
    expect(await world.drive(other)).toBe('completed');
    expect(await decide(world, id, 1, 'accept')).toEqual({ outcome: 'computed_anew' });
    expect(await world.drive(id)).toBe('completed');
    expect(await world.task(id, 'games', world.date(1))).toMatchObject({ state: 'unchanged' });
  });

  test('with keys that repeat or are NULL can not be accepted by anybody', async () => {
    const world = createWorld();
    world.warehouse.put(
      'source.feed',
      world.date(1),
      [1, 2].map((value) => ({ day: world.date(1), item: 'same', value })),
    );
    const id = await world.start({ processors: ['games'] });
    await world.drive(id);
    expect(await decide(world, id, 1, 'accept')).toEqual({ outcome: 'refused', why: 'unique_key: 2 rows share a key' });
    expect((await world.backfill(id)).state).toBe('blocked');
    expect(await decide(world, id, 1, 'reject')).toEqual({ outcome: 'rejected' });
  });

  test('whose kept rows are gone is computed anew by the lane', async () => {
    const { world, id } = await quarantined();
    const kept = world.warehouse.stagingsOf('test.games');
    await world.warehouse.dropStaging({ table: 'test.games', partitionColumn: 'day', key: [], columns: [] }, kept, never);
    expect(await decide(world, id, 1, 'accept')).toEqual({ outcome: 'accepted' });
    expect(await world.drive(id)).toBe('blocked');
    expect((await world.task(id, 'games', world.date(1))).state).toBe('quarantined');
  });

  test('of a cancelled backfill can not be accepted', async () => {
    const world = createWorld();
    world.putGames(world.date(1), [7]);
    await world.drive(await world.start({ processors: ['games'] }));
    world.putGames(world.date(1), [7, 8]);
    world.warehouse.put('source.feed', world.date(2), []);
    const id = await world.start({ reprocess: 'stale', processors: ['games'] });
    await world.pass(id);
    await world.work();
    await control(world, id, 'cancel');
    expect(await world.drive(id)).toBe('cancelled');
    expect((await world.states(id))['quarantined']).toEqual([`games ${world.date(2)}`]);
    expect(await decide(world, id, 2, 'accept')).toMatchObject({ outcome: 'refused' });
    expect((await world.backfill(id)).state).toBe('cancelled');
    expect((await world.task(id, 'games', world.date(2))).state).toBe('quarantined');
  });

  test('that another backfill computes now can not be accepted', async () => {
    const { world, id } = await quarantined();
    const other = await world.start({ processors: ['games'], dates: [world.date(1)], reprocess: 'all' });
    expect(await decide(world, id, 1, 'accept')).toEqual({ outcome: 'overlap', backfillId: other });
  });

  test('accepted in the moment in which a pass ends the backfill is not lost', async () => {
    const { world, id } = await quarantined();
    await atItsEnd(world, id);
    let outcome: unknown;
    const date: PartitionDate = world.date(1);
    const end = await passWhile(
      world,
      id,
      async () =>
        (outcome = await decideQuarantine(
          world.engine('cli'),
          { backfillId: id, processorId: 'games', date, decision: 'accept', by: 'ann', reason: '' },
          never,
        )),
    );
    expect(outcome).toEqual({ outcome: 'accepted' });
    expect(end).toBe('going');
    expect(await world.drive(id)).toBe('completed');
  });
});

describe('a backfill whose pipeline version is no longer the newest', () => {
  const otherwise = {
    functions: { games_otherwise: (context: Parameters<NonNullable<(typeof pipelineFunctions)[string]>>[0]) => pipelineFunctions['games']?.(context) ?? [] },
  };
  const activateNewer = async (world: World): Promise<void> => {
    world.catalog.replace({ files: { 'processors/games.sql': 'games_otherwise' } });
    expect(await world.drive(await world.start({ processors: ['games'], dates: [world.date(4)], reprocess: 'all' }))).toBe('completed');
  };
  const all = async (world: World, id: string) => [
    await world.backfill(id),
    await world.tasks(id),
    await world.gateOf(id, 1),
    await world.pipelineState(),
    await world.deadLetters(),
    await world.auditLog(),
    await world.outboxSize(),
  ];

  test('is not retried or replayed over the newer one, and nothing changes', async () => {
    const world = createWorld(otherwise);
    failOn(world, 1);
    const id = await world.start({ processors: ['games'] });
    expect(await world.drive(id)).toBe('blocked');
    await activateNewer(world);
    const before = await all(world, id);
    await expect(retry(world, id)).rejects.toMatchObject({ code: 'plan_outdated', hint: expect.stringContaining('--reprocess missing') });
    await expect(world.run(replayDeadLetters(world.engine('cli'), {}, 10, 'ann'))).rejects.toMatchObject({ code: 'plan_outdated' });
    expect(await all(world, id)).toEqual(before);
    // What the hint says does it.
    expect(await world.drive(await world.start({ processors: ['games'], reprocess: 'missing' }))).toBe('completed');
  });

  test('gets no quarantined date accepted', async () => {
    const world = createWorld(otherwise);
    await world.drive(await world.start({ processors: ['games'] }));
    world.putGames(world.date(1), [7]);
    const id = await world.start({ processors: ['games'], reprocess: 'stale' });
    expect(await world.drive(id)).toBe('blocked');
    await activateNewer(world);
    const before = await all(world, id);
    await expect(decide(world, id, 1, 'accept')).rejects.toMatchObject({ code: 'plan_outdated' });
    expect(await all(world, id)).toEqual(before);
  });

  test('is retried where what was activated since is of its own version', async () => {
    const world = createWorld(otherwise);
    failOn(world, 1);
    const id = await world.start({ processors: ['games'] });
    expect(await world.drive(id)).toBe('blocked');
    expect(await world.drive(await world.start({ processors: ['games'], dates: [world.date(4)], reprocess: 'all' }))).toBe('completed');
    expect(await retry(world, id)).toMatchObject({ outcome: 'retrying', tasks: 1 });
    expect(await world.drive(id)).toBe('completed');
  });
});
