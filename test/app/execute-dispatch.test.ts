// What a worker does with a dispatch: claims once, computes under a lease, and records exactly one outcome for each date.
import { describe, expect, test } from 'vitest';
import { executeDispatch } from '@floodgate/core/app/execute-dispatch.ts';
import { explainWaiting } from '@floodgate/core/app/explain.ts';
import { controlBackfill } from '@floodgate/core/app/operate.ts';
import { readHeldUp } from '@floodgate/core/app/read-held-up.ts';
import type { Dispatch } from '@floodgate/core/contracts/messages.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { ledgerPathOf } from '@floodgate/core/domain/ledger.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { WarehouseError, type CheckJob } from '@floodgate/core/ports/warehouse.ts';
import { interposeStore } from '../support/interposed-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { pipelineFunctions } from '../support/pipeline-folder.ts';
import { createWorld, never, type World } from '../support/world.ts';

/** A backfill of one date of games, released. */
const releaseOne = async (world: World): Promise<{ readonly id: string; readonly dispatch: Dispatch }> => {
  const id = await world.start({ processors: ['games'], dates: [world.date(0)] });
  await world.pass(id);
  const [dispatch] = world.takeDispatches();
  if (dispatch === undefined) throw new Error('nothing was dispatched');
  return { id, dispatch };
};

const gamesOf = (world: World, id: string, index = 0) => world.task(id, 'games', world.date(index));

describe('a claim', () => {
  test('of a message that comes twice executes once', async () => {
    const world = createWorld();
    const { id, dispatch } = await releaseOne(world);
    expect(await world.run(world.execute(dispatch))).toMatchObject({ outcome: 'done', staged: 1 });
    expect(await world.run(world.execute(dispatch, 'another'))).toEqual({ outcome: 'dropped', why: 'not_claimable' });
    expect(world.warehouse.stageJobs).toHaveLength(1);
    expect(await gamesOf(world, id)).toMatchObject({ state: 'staged', attempt: 1, epoch: 1 });
  });

  test('of a message that two workers get at once is made by one of them', async () => {
    const world = createWorld();
    const { id, dispatch } = await releaseOne(world);
    const outcomes = await world.run(Promise.all(['a', 'b', 'c'].map((holder) => world.execute(dispatch, holder))));
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['done', 'dropped', 'dropped']);
    expect(world.warehouse.stageJobs).toHaveLength(1);
    expect((await gamesOf(world, id)).attempt).toBe(1);
  });

  test('by a message of an older release takes nothing', async () => {
    const world = createWorld();
    const { id, dispatch } = await releaseOne(world);
    await world.clock.advance(61_000);
    expect((await world.reconcile()).queuedRecovered).toBe(1);
    await world.pass(id);
    expect(await world.run(world.execute(dispatch))).toEqual({ outcome: 'dropped', why: 'not_claimable' });
    expect(await gamesOf(world, id)).toMatchObject({ state: 'queued', epoch: 1, attempt: 0 });
    expect(await world.drive(id)).toBe('completed');
    expect(world.warehouse.stageJobs).toHaveLength(1);
  });

  test('does not begin after a pause: the task waits, no attempt charged, and goes on after the resume', async () => {
    const world = createWorld();
    const { id, dispatch } = await releaseOne(world);
    await world.run(controlBackfill(world.engine('cli'), id, 'pause', 'ann'));
    expect(await world.run(world.execute(dispatch))).toMatchObject({ outcome: 'done', staged: 0 });
    expect(await gamesOf(world, id)).toMatchObject({ state: 'waiting', attempt: 0, notBefore: 0 });
    expect(world.warehouse.stageJobs).toEqual([]);
    expect(await world.leases()).toEqual([]);
    await world.run(controlBackfill(world.engine('cli'), id, 'resume', 'ann'));
    expect(await world.run(world.execute(dispatch))).toEqual({ outcome: 'dropped', why: 'not_claimable' });
    expect(await world.drive(id)).toBe('completed');
  });

  test('does not begin after a cancel', async () => {
    const world = createWorld();
    const { id, dispatch } = await releaseOne(world);
    await world.run(controlBackfill(world.engine('cli'), id, 'cancel', 'ann'));
    expect(await world.run(world.execute(dispatch))).toEqual({ outcome: 'dropped', why: 'not_claimable' });
    expect(await world.drive(id)).toBe('cancelled');
    expect(await gamesOf(world, id)).toMatchObject({ state: 'cancelled' });
  });

  test('finds an upstream gone and gives the task back, no attempt charged', async () => {
    const world = createWorld();
    await world.drive(await world.start({ processors: ['games'] }));
    const id = await world.start({ processors: ['rolling'], dates: [world.date(0)] });
    await world.judgeRung();
    await world.pass(id);
    const path = ledgerPathOf('test', 'games', world.date(0));
    const ledger = await world.store.get(path);
    await world.store.transaction(async (transaction) => transaction.delete(path));
    await world.work();
    expect(await world.task(id, 'rolling', world.date(0))).toMatchObject({
      state: 'waiting',
      attempt: 0,
      failure: { code: 'upstream_not_ready', message: `upstream games ${world.date(0)} is not committed` },
    });
    await world.store.transaction(async (transaction) => transaction.set(path, ledger?.data ?? {}));
    expect(await world.drive(id)).toBe('completed');
  });

  test('of what the ledger holds already executes nothing', async () => {
    const world = createWorld();
    await world.drive(await world.start());
    // The source says something else that games doesn't take over: what it yields is the same.
    world.warehouse.put(
      'source.feed',
      world.date(2),
      [1, 2].map((_, index) => ({ day: world.date(2), item: `i${index}`, value: index === 0 ? 3 : 30, noise: 1 })),
    );
    const before = world.warehouse.stageJobs.length;
    const id = await world.start({ reprocess: 'stale' });
    expect(await world.drive(id)).toBe('completed');
    expect(world.warehouse.stageJobs.slice(before).map(({ target }) => target.table)).toEqual(['test.games']);
    const states = await world.states(id);
    expect(Object.keys(states)).toEqual(['unchanged']);
    expect(states['unchanged']).toContain(`rolling ${world.date(5)}`);
  });
});

describe('a lease', () => {
  test('kept by heartbeats lets long work live', async () => {
    const world = createWorld({ leaseMs: 30_000 });
    const { id, dispatch } = await releaseOne(world);
    const held = world.warehouse.faults.hold('stage');
    const work = world.execute(dispatch);
    for (let at = 0; at < 300_000; at += 5_000) {
      await world.clock.advance(5_000);
      expect((await world.reconcile()).leasesRecovered).toBe(0);
    }
    held.release();
    expect(await world.run(work)).toMatchObject({ outcome: 'done', staged: 1 });
    expect(await gamesOf(world, id)).toMatchObject({ state: 'staged', attempt: 1 });
    expect(await world.leases()).toEqual([]);
  });

  test('of a worker that died is recovered after leaseMs, with its attempt charged', async () => {
    const world = createWorld({ leaseMs: 30_000 });
    const { id, dispatch } = await releaseOne(world);
    // Its clock stands still: no heartbeat any more. It has no job yet that could be adopted.
    void executeDispatch({ ...world.worker('dead'), clock: new ManualClock() }, dispatch, never);
    world.warehouse.faults.hold('prepareTable');
    await world.clock.advance(1);
    expect((await gamesOf(world, id)).state).toBe('running');
    await world.reconcile();
    await world.clock.advance(29_900);
    expect((await world.reconcile()).leasesRecovered).toBe(0);
    await world.clock.advance(100);
    expect(await world.reconcile()).toMatchObject({ leasesRecovered: 1, tasksRecovered: 1 });
    expect(await gamesOf(world, id)).toMatchObject({ state: 'waiting', attempt: 1, epoch: 2, failure: { code: 'lease_expired' } });
    expect(await world.drive(id)).toBe('completed');
    expect((await gamesOf(world, id)).attempt).toBe(2);
  });

  test('that dies again and again ends in the dead letters; of a span only the date that kills', async () => {
    const world = createWorld({ days: 30, leaseMs: 30_000 });
    const deadly = world.date(17);
    const id = await world.start({ processors: ['games'], limits: { datesPerTask: 30 } });
    let deaths = 0;
    for (let round = 0; round < 40; round += 1) {
      await world.pass(id);
      for (const dispatch of world.takeDispatches()) {
        const kills = dispatch.tasks.some(({ path }) => path.endsWith(deadly)) && (await gamesOf(world, id, 17)).attempt < 12;
        if (!kills) {
          await world.run(world.execute(dispatch));
          continue;
        }
        // It stands still in the middle for ever.
        const held = world.warehouse.faults.hold('prepareTable');
        void executeDispatch({ ...world.worker(`victim ${deaths}`), clock: new ManualClock() }, dispatch, never);
        await world.run(held.reached);
        deaths += 1;
      }
      await world.commitRung();
      await world.judgeRung();
      await world.reconcile();
      await world.clock.advance(30_000);
      await world.reconcile();
    }
    expect(deaths).toBe(12);
    expect((await world.states(id))['failed']).toEqual([`games ${deadly}`]);
    expect((await world.states(id))['succeeded']).toHaveLength(29);
    expect(await world.deadLetters()).toMatchObject([
      { date: deadly, attempts: 12, failure: { code: 'attempts_exhausted', message: expect.stringContaining('stopped renewing its lease') } },
    ]);
    expect(await world.drive(id)).toBe('blocked');
  });

  test('that was taken away aborts the work', async () => {
    const world = createWorld({ leaseMs: 30_000 });
    const { id, dispatch } = await releaseOne(world);
    world.warehouse.faults.hold('stage');
    const work = world.execute(dispatch);
    await world.clock.advance(1);
    const [lease] = await world.leases();
    await world.store.transaction(async (transaction) => transaction.delete(`leases/${lease?.dispatchId ?? ''}`));
    // Not by the deadline, which is ten minutes away.
    expect(await world.run(work, 11_000)).toMatchObject({ outcome: 'done', staged: 0 });
    expect(world.warehouse.stagingsOf('test.games')).toEqual([]);
    expect((await gamesOf(world, id)).state).toBe('waiting');
  });

  test.each([
    ['stages', () => undefined],
    ['fails', (world: World) => world.warehouse.faults.fail('stage', 'invalid_sql', { when: 'after' })],
    [
      'quarantines',
      (world: World) =>
        world.warehouse.put(
          'source.feed',
          world.date(0),
          [1, 1].map((value) => ({ day: world.date(0), item: 'same', value })),
        ),
    ],
  ] as const)('lost to another worker: a zombie that %s in the end changes nothing', async (_, spoil) => {
    const world = createWorld({ leaseMs: 30_000 });
    const { id, dispatch } = await releaseOne(world);
    // Its job is not known yet when the next claim asks for it; adoption.test.ts has those that are.
    const held = world.warehouse.faults.hold('stage', { when: 'wire' });
    const zombie = executeDispatch({ ...world.worker('zombie'), clock: new ManualClock() }, dispatch, never);
    await world.clock.advance(1);
    await world.reconcile();
    await world.clock.advance(30_000);
    expect((await world.reconcile()).tasksRecovered).toBe(1);
    expect(await world.drive(id)).toBe('completed');
    const [task, rows, log] = [await gamesOf(world, id), world.warehouse.rowsOf('test.games'), world.warehouse.logOf('test.games')];
    const published = world.bus.published.length;
    spoil(world);
    held.release();
    expect(await world.run(zombie)).toMatchObject({ outcome: 'done', staged: 0, failed: 0, quarantined: 0, putBack: 0 });
    expect(await gamesOf(world, id)).toEqual(task);
    expect(world.warehouse.rowsOf('test.games')).toEqual(rows);
    expect(world.warehouse.logOf('test.games')).toEqual(log);
    expect(await world.deadLetters()).toEqual([]);
    expect(world.bus.published).toHaveLength(published);
    expect((await world.backfill(id)).state).toBe('completed');
  });
});

test.each(['stages', 'fails'] as const)('a zombie that %s while the next worker computes leaves the task to that one', async (ends) => {
  const world = createWorld({ leaseMs: 30_000 });
  const { id, dispatch } = await releaseOne(world);
  const [first, second] = [world.warehouse.faults.hold('stage', { when: 'wire' }), world.warehouse.faults.hold('stage', { when: 'wire' })];
  const zombie = executeDispatch({ ...world.worker('zombie'), clock: new ManualClock() }, dispatch, never);
  await world.run(first.reached);
  await world.reconcile();
  await world.clock.advance(30_000);
  await world.reconcile();
  await world.pass(id);
  const [again] = world.takeDispatches();
  if (again === undefined) throw new Error('it was not released again');
  const heir = world.execute(again, 'heir');
  await world.run(second.reached);
  const running = await gamesOf(world, id);
  expect(running).toMatchObject({ state: 'running', epoch: 3 });
  if (ends === 'fails') world.warehouse.faults.fail('stage', 'invalid_sql', { when: 'after' });
  first.release();
  await world.run(zombie);
  expect(await gamesOf(world, id)).toEqual(running);
  expect((await world.leases()).map(({ holder }) => holder)).toEqual(['heir']);
  second.release();
  expect(await world.run(heir)).toMatchObject({ staged: 1 });
  expect(await world.drive(id)).toBe('completed');
});

describe('inputs', () => {
  test('of a source that change under the computation: it is computed again, no attempt charged', async () => {
    const world = createWorld();
    const { id, dispatch } = await releaseOne(world);
    world.warehouse.faults.during('stage', () => world.putGames(world.date(0), [7, 8, 9]), { when: 'after' });
    expect(await world.run(world.execute(dispatch))).toMatchObject({ staged: 0, putBack: 1 });
    expect(await gamesOf(world, id)).toMatchObject({ state: 'waiting', attempt: 0, failure: { code: 'inputs_changed' } });
    expect(world.warehouse.stagingsOf('test.games')).toEqual([]);
    expect(await world.drive(id)).toBe('completed');
    expect(world.warehouse.rowsOf('test.games').map(({ value }) => value)).toEqual([7, 8, 9]);
  });

  test('of another table that are committed anew under the computation count the same', async () => {
    const world = createWorld();
    await world.drive(await world.start({ processors: ['games'] }));
    const id = await world.start({ processors: ['rolling'], dates: [world.date(3)] });
    await world.judgeRung();
    await world.pass(id);
    const path = ledgerPathOf('test', 'games', world.date(1));
    const commitElsewhere = (contentHash: string): Promise<void> =>
      world.store.transaction(async (transaction) => {
        const entries = (await transaction.get(path))?.data['entries'] as Record<string, JsonObject>;
        transaction.set(path, { entries: { ...entries, [world.date(1)]: { ...entries[world.date(1)], contentHash } } });
      });
    world.warehouse.faults.during('stage', () => commitElsewhere('another'));
    await world.work();
    expect(await world.task(id, 'rolling', world.date(3))).toMatchObject({ state: 'waiting', attempt: 0, failure: { code: 'inputs_changed' } });
    expect(await world.drive(id)).toBe('completed');
    expect(await world.task(id, 'rolling', world.date(3))).toMatchObject({ state: 'succeeded', attempt: 1 });
  });

  test('that changed and changed back under the computation count the same, although their content is what it was', async () => {
    const world = createWorld();
    const commitGames = async (values: readonly number[]): Promise<string | undefined> => {
      world.putGames(world.date(1), values);
      const id = await world.start({ processors: ['games'], dates: [world.date(1)], reprocess: 'stale' });
      expect(await world.drive(id)).toBe('completed');
      return (await world.ledgerEntry('games', world.date(1)))?.contentHash;
    };
    expect(await world.drive(await world.start({ processors: ['games'] }))).toBe('completed');
    const before = (await world.ledgerEntry('games', world.date(1)))?.contentHash;
    const id = await world.start({ processors: ['rolling'], dates: [world.date(3)] });
    await world.judgeRung();
    await world.pass(id);
    const [dispatch] = world.takeDispatches();
    if (dispatch === undefined) throw new Error('nothing was dispatched');
    const ofRolling = (job: unknown): boolean => (job as CheckJob).target.table === 'test.rolling';
    const [stage, checks] = [world.warehouse.faults.hold('stage'), world.warehouse.faults.hold('runChecks', { matches: ofRolling })];
    const work = world.execute(dispatch);
    await world.run(stage.reached);
    expect(await commitGames([100, 200])).not.toBe(before);
    // It reads what will not last.
    stage.release();
    await world.run(checks.reached);
    expect(await commitGames([2, 20])).toBe(before);
    checks.release();
    expect(await world.run(work)).toMatchObject({ staged: 0, putBack: 1 });
    expect(await world.task(id, 'rolling', world.date(3))).toMatchObject({ state: 'waiting', attempt: 0, failure: { code: 'inputs_changed' } });
    expect(await world.drive(id)).toBe('completed');
    expect(world.warehouse.rowsOf('test.rolling').map(({ total }) => total)).toEqual([10, 100]);
  });
});

describe('errors', () => {
  test('that may pass are tried again after a pause, until the attempts are used up', async () => {
    const world = createWorld({ processors: { games: { retry: { max_attempts: 3, base_seconds: 10, max_seconds: 60 } } } });
    const { id, dispatch } = await releaseOne(world);
    world.warehouse.faults.fail('stage', 'unavailable', { times: 3, message: 'the engine is away' });
    await world.run(world.execute(dispatch));
    const first = await gamesOf(world, id);
    expect(first).toMatchObject({ state: 'waiting', attempt: 1, failure: { code: 'unavailable', class: 'transient' } });
    expect(first.notBefore).toBeGreaterThan(world.clock.now());
    expect(await world.pass(id)).toMatchObject({ outcome: 'going', released: 0, wakeAt: first.notBefore });
    expect(await world.drive(id)).toBe('blocked');
    expect(await gamesOf(world, id)).toMatchObject({ state: 'failed', attempt: 3, deadLetter: true, failure: { code: 'unavailable' } });
    expect(await world.deadLetters()).toMatchObject([
      {
        kind: 'task',
        state: 'open',
        backfillId: id,
        processorId: 'games',
        date: world.date(0),
        attempts: 3,
        failure: { code: 'unavailable', message: 'the engine is away' },
      },
    ]);
    expect(world.warehouse.faults.spent).toBe(true);
  });

  test('that pass in time leave no trace but the attempts', async () => {
    const world = createWorld();
    const { id } = await releaseOne(world);
    world.bus.published.length = 0;
    world.warehouse.faults.fail('stage', 'timeout', { times: 2 });
    await world.clock.advance(61_000);
    await world.reconcile();
    expect(await world.drive(id)).toBe('completed');
    expect(await gamesOf(world, id)).toMatchObject({ state: 'succeeded', attempt: 3, failure: null, deadLetter: false });
    expect(await world.deadLetters()).toEqual([]);
  });

  test('that will not pass go to the dead letters at once', async () => {
    const world = createWorld();
    const { id, dispatch } = await releaseOne(world);
    world.warehouse.faults.fail('stage', 'invalid_sql', { message: 'no such column "x"' });
    expect(await world.run(world.execute(dispatch))).toMatchObject({ failed: 1 });
    expect(await gamesOf(world, id)).toMatchObject({ state: 'failed', attempt: 1, failure: { code: 'invalid_sql', class: 'permanent' } });
    expect(await world.deadLetters()).toHaveLength(1);
    expect(world.bus.take('floodgate.tasks.ended')).toContainEqual({ backfillId: id, phases: [1] });
  });

  test('of the data halve the span until the date stands alone: 7 of 8 succeed, no attempt charged', async () => {
    let poisoned = '';
    const games: (typeof pipelineFunctions)[string] = (context) => {
      if (context.first <= poisoned && poisoned <= context.last) throw new WarehouseError('data_error', 'Bad INT64 value');
      return pipelineFunctions['games']?.(context) ?? [];
    };
    const world = createWorld({ days: 8, functions: { games } });
    poisoned = world.date(4);
    const id = await world.start({ processors: ['games'], limits: { datesPerTask: 8 } });
    expect(await world.drive(id)).toBe('blocked');
    const states = await world.states(id);
    expect(states['failed']).toEqual([`games ${poisoned}`]);
    expect(states['succeeded']).toHaveLength(7);
    for (const task of await world.tasks(id)) expect(task.attempt).toBe(1);
    expect(world.warehouse.stageJobs.length).toBeLessThan(8);
    expect(await world.deadLetters()).toMatchObject([{ date: poisoned, attempts: 1, failure: { code: 'data_error' } }]);
    expect(world.warehouse.rowsOf('test.games')).toHaveLength(14);
  });

  test('of the statement itself fail all dates of the span at once', async () => {
    const world = createWorld({
      functions: {
        games: () => {
          throw new WarehouseError('invalid_sql', 'it does not compile');
        },
      },
    });
    const id = await world.start({ processors: ['games'], limits: { datesPerTask: 6 } });
    expect(await world.drive(id)).toBe('blocked');
    expect((await world.states(id))['failed']).toHaveLength(6);
    expect(world.warehouse.stageJobs).toHaveLength(1);
    expect(new Set((await world.deadLetters()).map(({ causeGroup }) => causeGroup)).size).toBe(1);
  });

  test('after the deadline the work is given up and tried again', async () => {
    const world = createWorld({ processors: { games: { timeout_seconds: 20 } } });
    const { id, dispatch } = await releaseOne(world);
    world.warehouse.faults.hold('stage');
    const work = world.execute(dispatch);
    await world.clock.advance(19_900);
    expect((await gamesOf(world, id)).state).toBe('running');
    await world.clock.advance(200);
    expect(await world.run(work)).toMatchObject({ putBack: 1 });
    expect(await gamesOf(world, id)).toMatchObject({
      state: 'waiting',
      attempt: 1,
      failure: { code: 'deadline_exceeded', message: 'games took longer than 20 s for 1 dates' },
    });
    expect(await world.drive(id)).toBe('completed');
  });

  test('a message that is taken away because its time is over counts as an attempt, so that it does not come for ever', async () => {
    const world = createWorld();
    const { id, dispatch } = await releaseOne(world);
    world.warehouse.faults.hold('stage');
    const stop = new AbortController();
    const work = world.execute(dispatch, 'worker', stop.signal);
    await world.clock.advance(1);
    stop.abort(new FloodgateError('deadline_exceeded', 'the push was not answered within 600 s'));
    expect(await world.run(work)).toMatchObject({ outcome: 'done', putBack: 1 });
    expect(await gamesOf(world, id)).toMatchObject({ state: 'waiting', attempt: 1, failure: { code: 'deadline_exceeded' } });
  });

  test('a worker that shuts down gives its tasks back, no attempt charged', async () => {
    const world = createWorld();
    const { id, dispatch } = await releaseOne(world);
    world.warehouse.faults.hold('stage');
    const stop = new AbortController();
    const work = world.execute(dispatch, 'worker', stop.signal);
    await world.clock.advance(1);
    stop.abort(new Error('stop'));
    expect(await world.run(work)).toMatchObject({ outcome: 'done', putBack: 1 });
    expect(await gamesOf(world, id)).toMatchObject({ state: 'waiting', attempt: 0, notBefore: 0, failure: { code: 'shutdown' } });
    expect(await world.leases()).toEqual([]);
    expect(await world.drive(id)).toBe('completed');
  });

  test('a full disk halts the worker; what it held is given back', async () => {
    const world = createWorld();
    const { id, dispatch } = await releaseOne(world);
    world.warehouse.faults.fail('stage', 'disk_full');
    expect(await world.run(world.execute(dispatch))).toMatchObject({ outcome: 'halt', failure: { code: 'disk_full' } });
    expect(await gamesOf(world, id)).toMatchObject({ state: 'waiting', attempt: 0 });
  });

  test('when nothing can be recorded, the lease dies and the task comes back', async () => {
    const world = createWorld({ leaseMs: 30_000 });
    const { id, dispatch } = await releaseOne(world);
    let isAway = false;
    const store = interposeStore(world.store, ({ method, run }) =>
      isAway && method === 'transaction' ? Promise.reject(new Error('the store is away')) : run(),
    );
    world.warehouse.faults.during('stage', () => void (isAway = true));
    await expect(world.run(executeDispatch({ ...world.worker('cut off'), store }, dispatch, never))).rejects.toThrow('the store is away');
    await world.reconcile();
    await world.clock.advance(30_000);
    expect((await world.reconcile()).tasksRecovered).toBe(1);
    expect(await world.drive(id)).toBe('completed');
    expect(world.warehouse.rowsOf('test.games')).toHaveLength(2);
  });
});

describe('upstreams of which nothing lies in the window', () => {
  const onlyBefore = { processors: { rolling: { upstreams: { 'test.games': '[-3d, -1d]' } } } };
  const games = { table: 'test.games', columns: [], partitionColumn: 'day', key: ['day', 'item'], write: 'merge' } as const;

  test('have their tables made before the statement names them', async () => {
    const world = createWorld(onlyBefore);
    const id = await world.start({ processors: ['rolling'], dates: [world.date(0)] });
    expect(await world.run(world.warehouse.inspectTable(games, never))).toEqual({ state: 'absent' });
    expect(await world.drive(id)).toBe('completed');
    expect(await world.run(world.warehouse.inspectTable(games, never))).not.toEqual({ state: 'absent' });
  });
});

describe('code processors', () => {
  const code = { processors: { rolling: { kind: 'code' } } };

  test('yield rows from what they query', async () => {
    const world = createWorld({
      ...code,
      functions: { one_day: ({ read, params }) => read('test.games').filter((row) => row['day'] === params?.['start_date']) },
      code: async function* ({ query }) {
        for (const row of await query('one_day')) yield { day: row['day'] ?? null, item: row['item'] ?? null, total: 1 };
      },
    });
    const id = await world.start();
    expect(await world.drive(id)).toBe('completed');
    expect(world.warehouse.rowsOf('test.rolling')).toHaveLength(12);
  });

  test('of another version than planned are not ready here: put back after a pause, no attempt charged', async () => {
    const world = createWorld(code);
    const id = await world.start({ processors: ['rolling'], dates: [world.date(0)] });
    for (let round = 0; round < 4; round += 1) {
      await world.pass(id);
      await world.work();
      await world.commitRung();
      await world.judgeRung();
    }
    const task = await world.task(id, 'rolling', world.date(0));
    expect(task).toMatchObject({ state: 'waiting', attempt: 0, failure: { code: 'code_version_mismatch', class: 'not_ready' } });
    expect(task.notBefore).toBeGreaterThanOrEqual(world.clock.now() + 5_000);
  });

  test('of another version than planned stay together, wait longer each time, and are told of', async () => {
    const world = createWorld(code);
    const id = await world.start({ processors: ['rolling'], dates: [world.date(0), world.date(1), world.date(2)], limits: { datesPerTask: 3 } });
    const pauses: number[] = [];
    while (pauses.length < 3) {
      await world.pass(id);
      await world.work();
      await world.commitRung();
      await world.judgeRung();
      const waiting = (await world.tasks(id)).filter(({ processorId, failure }) => processorId === 'rolling' && failure !== null);
      if (waiting.length === 0) continue;
      const [until, ...others] = new Set(waiting.map(({ notBefore }) => notBefore));
      // One pause for the three, or they would come back as three dispatches.
      expect([waiting.length, others]).toEqual([3, []]);
      pauses.push((until ?? 0) - world.clock.now());
      await world.clock.advance(pauses.at(-1) ?? 0);
    }
    for (const [index, pause] of pauses.entries()) expect(pause).toBeGreaterThanOrEqual(5_000 * 2 ** index);
    expect(await readHeldUp(world.store, id)).toMatchObject([{ processorId: 'rolling', dates: 3, failure: { code: 'code_version_mismatch' } }]);
    const waiting = await explainWaiting({ store: world.store, plans: world.plans, now: world.clock.now() - 1 }, id);
    expect(waiting.find(({ processorId }) => processorId === 'rolling')?.why).toMatch(
      /^it is tried again after a pause \(code_version_mismatch: .* is not as it was planned any more\)$/,
    );
  });

  test('that throw count as unknown errors, with few attempts', async () => {
    const world = createWorld({
      ...code,
      code: async function* () {
        yield* [];
        throw new TypeError('x is not a function');
      },
    });
    const id = await world.start({ processors: ['rolling'], dates: [world.date(0)] });
    expect(await world.drive(id)).toBe('blocked');
    expect(await world.task(id, 'rolling', world.date(0))).toMatchObject({
      state: 'failed',
      attempt: 2,
      failure: { code: 'processor_error', class: 'unknown', message: expect.stringContaining('TypeError: x is not a function') },
    });
  });
});
