// The lane commits staged partitions of one table in batches, and whatever dies in between, each date exactly once.
import { describe, expect, test } from 'vitest';
import { createCommitLanes, type LaneDeps } from '@floodgate/core/app/commit-lane.ts';
import { controlBackfill } from '@floodgate/core/app/operate.ts';
import { lanePath } from '@floodgate/core/contracts/documents.ts';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import { WarehouseError, type CommitBatch } from '@floodgate/core/ports/warehouse.ts';
import { afterTransaction, beforeTransaction, dyingStore, interposeStore } from '../support/interposed-store.ts';
import { createWorld, never, type World } from '../support/world.ts';

const table = 'test.games';

/** A backfill of games whose dates are all staged, one staging each unless `datesPerTask` says otherwise. */
const stageAll = async (world: World, request: Parameters<World['start']>[0] = {}): Promise<string> => {
  const id = await world.start({ processors: ['games'], ...request });
  await world.pass(id);
  await world.work();
  return id;
};

const serve = (world: World, holder = 'worker', more: Partial<LaneDeps> = {}) => world.run(world.lane(holder, more).serve(table, never));

/** Dates of each commit, in order. */
const commitSizes = (world: World): readonly number[] => world.warehouse.commits.map(({ written }) => written.length);

/** Each date written once, the log and the ledger saying the same, nothing left behind. */
const expectExactlyOnce = async (world: World, id: string): Promise<void> => {
  const written = world.warehouse.commits.flatMap((commit) => commit.written.map(({ date }) => date));
  expect([...written].sort()).toEqual([...world.dates]);
  expect(await world.states(id)).toEqual({ succeeded: world.dates.map((date) => `games ${date}`) });
  for (const entry of world.warehouse.logOf(table))
    expect(await world.ledgerEntry('games', entry.date)).toMatchObject({
      generation: entry.generation,
      contentHash: entry.contentHash,
      rows: entry.rows,
      backfillId: id,
    });
  expect(await world.laneOf(table)).toMatchObject({ holder: '', job: null });
};

/** A clock on which no heartbeat ever comes. */
const heartless = (world: World): Clock => ({ now: () => world.clock.now(), sleep: () => new Promise(() => undefined) });

describe('batches', () => {
  test('gather what is staged, up to maxDates', async () => {
    const world = createWorld({ days: 7 });
    const id = await stageAll(world);
    expect(await serve(world, 'worker', { maxDates: 3 })).toEqual({ outcome: 'drained', commits: 3, dates: 7 });
    expect(commitSizes(world)).toEqual([3, 3, 1]);
    await expectExactlyOnce(world, id);
    expect(world.warehouse.stagingsOf(table)).toEqual([]);
  });

  test('take whole stagings; a longer span commits alone', async () => {
    const world = createWorld({ days: 9 });
    const id = await stageAll(world, { limits: { datesPerTask: 4 } });
    await serve(world, 'worker', { maxDates: 3 });
    expect(commitSizes(world).toSorted((a, b) => a - b)).toEqual([1, 4, 4]);
    await expectExactlyOnce(world, id);
  });

  test('leave stagings for later that the limit of one look has cut in two', async () => {
    const world = createWorld({ days: 500 });
    const early = await stageAll(world, { range: { start: world.date(0), end: world.date(99) }, limits: { datesPerTask: 100 } });
    await world.clock.advance(10);
    const late = await stageAll(world, { range: { start: world.date(100), end: world.date(499) }, limits: { datesPerTask: 200 } });
    await serve(world, 'worker', { maxDates: 1_000 });
    expect(commitSizes(world)).toEqual([100, 400]);
    for (const id of [early, late]) expect(Object.keys(await world.states(id))).toEqual(['succeeded']);
  });

  test('wait for company as long as they may, and no longer', async () => {
    const world = createWorld({ days: 2 });
    const id = await world.start({ processors: ['games'] });
    await world.pass(id);
    const [first, second] = world.takeDispatches();
    if (first === undefined || second === undefined) throw new Error('two dispatches were expected');
    await world.run(world.execute(first));
    const service = world.lane('worker', { lingerMs: 500 }).serve(table, never);
    await world.clock.advance(400);
    expect(world.warehouse.commits).toEqual([]);
    await world.run(world.execute(second), 50);
    await world.clock.advance(150);
    expect(commitSizes(world)).toEqual([2]);
    expect(await world.run(service)).toMatchObject({ commits: 1 });
  });

  test('tell the planner and the validator once per commit', async () => {
    const world = createWorld();
    const id = await stageAll(world);
    world.bus.take('floodgate.tasks.ended');
    await serve(world);
    expect(world.bus.take('floodgate.tasks.ended')).toEqual([{ backfillId: id, phases: [1] }]);
  });

  test('of two backfills with one date commit one after the other, and the newer one stays', async () => {
    const world = createWorld({ days: 2 });
    const older = await stageAll(world);
    // The overlap check would refuse this; two backfills of one date meet in a lane all the same after a crash at the wrong time.
    await world.store.transaction(async (transaction) =>
      transaction.set('pipelines/test', { pipelineId: 'test', sequence: 1, activation: 1, activeBackfills: [] }),
    );
    world.putGames(world.date(0), [500, 600]);
    await world.clock.advance(1);
    const newer = await stageAll(world, { dates: [world.date(0)] });
    await serve(world);
    expect(commitSizes(world)).toEqual([2, 1]);
    expect(world.warehouse.commits.map(({ jobId }) => jobId)).toHaveLength(new Set(world.warehouse.commits.map(({ jobId }) => jobId)).size);
    expect((await world.task(newer, 'games', world.date(0))).state).toBe('succeeded');
    expect((await world.task(older, 'games', world.date(0))).state).toBe('succeeded');
    expect(
      world.warehouse
        .rowsOf(table)
        .filter((row) => row['day'] === world.date(0))
        .map(({ value }) => value),
    ).toEqual([500, 600]);
    expect(await world.ledgerEntry('games', world.date(0))).toMatchObject({ backfillId: newer });
  });
});

describe('who may commit', () => {
  test('a paused backfill keeps its staged dates out of the lane until it is resumed', async () => {
    const world = createWorld();
    const id = await stageAll(world);
    await world.run(controlBackfill(world.engine('cli'), id, 'pause', 'ann'));
    expect(await serve(world)).toEqual({ outcome: 'drained', commits: 0, dates: 0 });
    expect((await world.states(id))['staged']).toHaveLength(6);
    world.bus.take('floodgate.lane.rung');
    await world.run(controlBackfill(world.engine('cli'), id, 'resume', 'ann'));
    expect(world.bus.take('floodgate.lane.rung')).toEqual([{ table }]);
    await serve(world);
    await expectExactlyOnce(world, id);
  });

  test('more staged dates of a paused backfill than one look reads keep nobody else from committing', async () => {
    const world = createWorld({ days: 460 });
    const paused = await stageAll(world, { range: { start: world.date(0), end: world.date(454) }, limits: { datesPerTask: 60 } });
    await world.run(controlBackfill(world.engine('cli'), paused, 'pause', 'ann'));
    await world.clock.advance(10);
    const other = await stageAll(world, { range: { start: world.date(455), end: world.date(459) } });
    expect(await serve(world)).toEqual({ outcome: 'drained', commits: 1, dates: 5 });
    expect(await world.states(other)).toEqual({ succeeded: world.dates.slice(455).map((date) => `games ${date}`) });
    expect((await world.states(paused))['staged']).toHaveLength(455);
  });

  test('a cancel takes what is staged and leaves what is being committed', async () => {
    const world = createWorld({ days: 4 });
    const id = await stageAll(world);
    const held = world.warehouse.faults.hold('commit');
    const service = world.lane('worker', { maxDates: 2 }).serve(table, never);
    await world.clock.advance(1);
    expect((await world.states(id))['committing']).toHaveLength(2);
    await world.run(controlBackfill(world.engine('cli'), id, 'cancel', 'ann'));
    expect(await world.pass(id)).toMatchObject({ outcome: 'going' });
    expect(await world.states(id)).toMatchObject({
      committing: [`games ${world.date(0)}`, `games ${world.date(1)}`],
      cancelled: [`games ${world.date(2)}`, `games ${world.date(3)}`],
    });
    held.release();
    expect(await world.run(service)).toMatchObject({ outcome: 'drained', dates: 2 });
    expect(await world.pass(id)).toEqual({ outcome: 'over', state: 'cancelled' });
    expect(await world.states(id)).toMatchObject({
      succeeded: [`games ${world.date(0)}`, `games ${world.date(1)}`],
      cancelled: [`games ${world.date(2)}`, `games ${world.date(3)}`],
    });
    expect(world.warehouse.rowsOf(table)).toHaveLength(4);
  });

  test('a pause that comes between choosing and recording the batch holds it back', async () => {
    const world = createWorld();
    const id = await stageAll(world);
    const store = interposeStore(world.store, async ({ method, run }) => {
      const value = await run();
      if (method === 'getMany') await controlBackfill(world.engine('cli'), id, 'pause', 'ann');
      return value;
    });
    await world.run(createCommitLanes({ ...world.worker(), store }).serve(table, never));
    expect(world.warehouse.commits).toEqual([]);
    expect((await world.states(id))['staged']).toHaveLength(6);
  });
});

const giveToHeir = (world: World): Promise<void> =>
  world.store.transaction(async (transaction) => {
    const lane = (await transaction.get(lanePath(table)))?.data;
    transaction.set(lanePath(table), { ...lane, holder: 'heir', epoch: 2, heartbeat: 99, job: { jobId: 'of the heir', tasks: [] } });
  });

describe('a crash', () => {
  /** Kills the holder at a point of its way, then lets another take over after the lease. */
  const recover = async (world: World, id: string): Promise<void> => {
    expect(await serve(world, 'heir')).toEqual({ outcome: 'held_by_other' });
    await world.clock.advance(29_000);
    expect(await serve(world, 'heir')).toEqual({ outcome: 'held_by_other' });
    await world.clock.advance(1_000);
    expect(await serve(world, 'heir')).toMatchObject({ outcome: 'drained' });
    await expectExactlyOnce(world, id);
    expect(await world.drive(id)).toBe('completed');
  };

  /** The n-th transaction of a lane: 1 enters, 2 records the job, 3 settles. */
  const die = async (world: World, when: 'before' | 'after', number: number): Promise<void> => {
    const { store, died } = dyingStore(world.store, when, number);
    void createCommitLanes({ ...world.worker('dead'), store, clock: heartless(world) }).serve(table, never);
    await world.run(died);
  };

  test('before the job is recorded leaves the dates staged', async () => {
    const world = createWorld();
    const id = await stageAll(world);
    await die(world, 'before', 2);
    expect((await world.states(id))['staged']).toHaveLength(6);
    await recover(world, id);
    expect(commitSizes(world)).toEqual([6]);
  });

  test('after the job is recorded, before the commit: the dates are committed by the next holder', async () => {
    const world = createWorld();
    const id = await stageAll(world);
    await die(world, 'after', 2);
    expect((await world.states(id))['committing']).toHaveLength(6);
    expect((await world.laneOf(table))?.job?.tasks).toHaveLength(6);
    expect(commitSizes(world)).toEqual([]);
    await recover(world, id);
    expect(commitSizes(world)).toEqual([6]);
  });

  test('over dates that were committed before: what the log still holds of them is not taken for this commit', async () => {
    const world = createWorld();
    await world.drive(await world.start({ processors: ['games'] }));
    world.warehouse.commits.length = 0;
    const id = await stageAll(world, { reprocess: 'all' });
    await die(world, 'after', 2);
    await serve(world, 'heir');
    await world.clock.advance(30_000);
    expect(await serve(world, 'heir')).toMatchObject({ outcome: 'drained', dates: 6 });
    expect(await world.states(id)).toEqual({ unchanged: world.dates.map((date) => `games ${date}`) });
    expect(commitSizes(world)).toEqual([6]);
  });

  test('after the commit, before its settlement: the next holder settles from the log and commits nothing again', async () => {
    const world = createWorld();
    const id = await stageAll(world);
    await die(world, 'before', 3);
    expect(commitSizes(world)).toEqual([6]);
    expect((await world.states(id))['committing']).toHaveLength(6);
    expect(await world.ledgerEntry('games', world.date(0))).toBeUndefined();
    await recover(world, id);
    expect(commitSizes(world)).toEqual([6]);
  });

  test('after the settlement, before the staging is dropped: the orphans are all that is left', async () => {
    const world = createWorld();
    const id = await stageAll(world);
    await die(world, 'after', 3);
    expect(await world.states(id)).toEqual({ succeeded: world.dates.map((date) => `games ${date}`) });
    expect(world.warehouse.stagingsOf(table)).toHaveLength(6);
    await recover(world, id);
  });

  test('of the lane with a commit still on its way: it is fenced when it arrives', async () => {
    const world = createWorld();
    const id = await stageAll(world);
    const held = world.warehouse.faults.hold('commit', { when: 'wire' });
    const { store } = dyingStore(world.store, 'before', 3);
    const outcome = createCommitLanes({ ...world.worker('dead'), store, clock: heartless(world) }).serve(table, never);
    void outcome.catch(() => undefined);
    await world.run(held.reached);
    await serve(world, 'heir');
    await world.clock.advance(30_000);
    expect(await serve(world, 'heir')).toMatchObject({ outcome: 'drained', commits: 1, dates: 6 });
    const [rows, log] = [world.warehouse.rowsOf(table), world.warehouse.logOf(table)];
    held.release();
    await world.clock.settle();
    expect(world.warehouse.rowsOf(table)).toEqual(rows);
    expect(world.warehouse.logOf(table)).toEqual(log);
    expect(world.warehouse.commits).toHaveLength(1);
    await expectExactlyOnce(world, id);
  });

  test('of the holder while its commit runs: the next one cancels it and commits anew', async () => {
    const world = createWorld();
    const id = await stageAll(world);
    const held = world.warehouse.faults.hold('commit');
    const { store } = dyingStore(world.store, 'before', 3);
    void createCommitLanes({ ...world.worker('dead'), store, clock: heartless(world) })
      .serve(table, never)
      .catch(() => undefined);
    await world.run(held.reached);
    await serve(world, 'heir');
    await world.clock.advance(30_000);
    expect(await serve(world, 'heir')).toMatchObject({ outcome: 'drained', commits: 1, dates: 6 });
    await expectExactlyOnce(world, id);
  });
});

describe('a holder that lost its lane', () => {
  test('settles nothing: its commit happened under its epoch, and the new holder reads that in the log', async () => {
    const world = createWorld();
    const id = await stageAll(world);
    const held = world.warehouse.faults.hold('commit', { when: 'after' });
    // Its heartbeats don't get through.
    const slow = createCommitLanes({ ...world.worker('slow'), clock: heartless(world) }).serve(table, never);
    await world.run(held.reached);
    await serve(world, 'heir');
    await world.clock.advance(30_000);
    const heir = world.lane('heir').serve(table, never);
    await world.clock.settle();
    held.release();
    await world.run(heir);
    expect(commitSizes(world)).toEqual([6]);
    await expectExactlyOnce(world, id);
    void slow.catch(() => undefined);
  });

  test.each([
    ['records no batch', 2],
    ['settles nothing', 3],
    ['does not leave for the new one', 4],
  ] as const)('%s', async (_, number) => {
    const world = createWorld();
    const id = await stageAll(world);
    const store = beforeTransaction(world.store, number, () => giveToHeir(world));
    expect(await world.run(createCommitLanes({ ...world.worker('slow'), store }).serve(table, never))).toEqual({ outcome: 'held_by_other' });
    expect(await world.laneOf(table)).toMatchObject({ holder: 'heir', epoch: 2, job: { jobId: 'of the heir' }, rung: true });
    expect(Object.keys(await world.states(id))).toEqual([number === 2 ? 'staged' : number === 3 ? 'committing' : 'succeeded']);
  });

  test('stops as soon as a heartbeat tells it', async () => {
    const world = createWorld({ days: 4 });
    await stageAll(world);
    const held = world.warehouse.faults.hold('commit');
    const service = world.lane('slow', { maxDates: 2 }).serve(table, never);
    await world.run(held.reached);
    await world.store.transaction(async (transaction) => {
      const lane = (await transaction.get(lanePath(table)))?.data;
      transaction.set(lanePath(table), { ...lane, holder: 'heir', epoch: 2, heartbeat: 99 });
    });
    await world.clock.advance(10_000);
    // It rings the new holder and goes.
    expect(await world.run(service)).toEqual({ outcome: 'held_by_other' });
    expect(await world.laneOf(table)).toMatchObject({ holder: 'heir', rung: true });
  });
});

describe('a commit that fails', () => {
  test('with a conflict is tried again without end and without a trace', async () => {
    const world = createWorld();
    const id = await stageAll(world);
    world.warehouse.faults.fail('commit', 'transaction_conflict', { times: 8 });
    expect(await serve(world)).toMatchObject({ outcome: 'drained', dates: 6 });
    await expectExactlyOnce(world, id);
    expect((await world.tasks(id)).every(({ failure, attempt }) => failure === null && attempt === 1)).toBe(true);
  });

  test('only in its answer is settled from the log and not made again', async () => {
    const world = createWorld();
    const id = await stageAll(world);
    world.warehouse.faults.fail('commit', 'unavailable', { when: 'after' });
    expect(await serve(world)).toMatchObject({ outcome: 'drained', dates: 6 });
    expect(commitSizes(world)).toEqual([6]);
    await expectExactlyOnce(world, id);
  });

  test('in its answer while its job is still on its way can never commit what was given back', async () => {
    const world = createWorld({ days: 1 });
    const id = await stageAll(world);
    let late: Promise<unknown> = Promise.resolve();
    // The first request is answered by an error at once, and arrives ten seconds later.
    const warehouse = new Proxy(world.warehouse, {
      get: (real, name) => {
        if (name !== 'commit') return (Reflect.get(real, name) as () => unknown).bind(real);
        return async (batch: CommitBatch) => {
          late = world.clock.sleep(10_000).then(() => real.commit(batch, never));
          throw new WarehouseError('unavailable', 'no answer');
        };
      },
    });
    // Somebody cancels while the lane waits before its next try.
    const cancelling = world.clock.sleep(1).then(() => controlBackfill(world.engine('cli'), id, 'cancel', 'ann'));
    await world.run(createCommitLanes({ ...world.worker(), warehouse }).serve(table, never));
    await world.run(cancelling);
    expect(await world.drive(id)).toBe('cancelled');
    await expect(world.run(late)).rejects.toMatchObject({ code: 'lane_fenced' });
    expect(world.warehouse.logOf(table)).toEqual([]);
    expect(world.warehouse.rowsOf(table)).toEqual([]);
  });

  test('for one bad staging does not fail the others', async () => {
    const world = createWorld();
    const id = await stageAll(world);
    const bad = world.date(2);
    world.warehouse.faults.fail('commit', 'contract_broken', {
      times: 99,
      matches: (batch) => (batch as CommitBatch).entries.some(({ date }) => date === bad),
    });
    await serve(world);
    expect(await world.states(id)).toEqual({ succeeded: world.dates.filter((date) => date !== bad).map((date) => `games ${date}`), failed: [`games ${bad}`] });
    expect(await world.deadLetters()).toMatchObject([{ date: bad, state: 'open', failure: { code: 'contract_broken' } }]);
    expect(await world.drive(id)).toBe('blocked');
  });

  test('for missing staging computes those dates again and commits the others', async () => {
    const world = createWorld();
    const id = await stageAll(world);
    const lost = (await world.task(id, 'games', world.date(1))).staged?.staging ?? '';
    await world.warehouse.dropStaging({ table, partitionColumn: 'day', key: [], columns: [] }, [lost], never);
    await serve(world);
    expect(await world.task(id, 'games', world.date(1))).toMatchObject({ state: 'waiting', staged: null, attempt: 0 });
    expect((await world.states(id))['succeeded']).toHaveLength(5);
    expect(await world.drive(id)).toBe('completed');
    expect(world.warehouse.stageJobs).toHaveLength(7);
    await expectExactlyOnce(world, id);
  });

  test('because the disk is full halts the worker; the dates are staged again for another', async () => {
    const world = createWorld();
    const id = await stageAll(world);
    world.warehouse.faults.fail('commit', 'disk_full');
    expect(await serve(world)).toMatchObject({ outcome: 'halt', failure: { code: 'disk_full' } });
    expect((await world.states(id))['staged']).toHaveLength(6);
    expect(await world.laneOf(table)).toMatchObject({ holder: '', job: null });
    await serve(world, 'another');
    await expectExactlyOnce(world, id);
  });

  test.each([
    ['the fence', 'fence'],
    ['the log', 'readCommitLog'],
    ['the state of the job', 'jobState'],
  ] as const)('while %s can not be asked leaves all as it is for the next ring', async (_, method) => {
    const world = createWorld();
    const id = await stageAll(world);
    world.warehouse.faults.fail('commit', 'unavailable');
    world.warehouse.faults.fail('readCommitLog', 'unavailable', { times: 1 });
    await expect(serve(world)).rejects.toMatchObject({ code: 'unavailable' });
    expect((await world.states(id))['committing']).toHaveLength(6);
    world.warehouse.faults.fail(method, 'unavailable');
    await expect(serve(world)).rejects.toMatchObject({ code: 'unavailable' });
    await serve(world);
    await expectExactlyOnce(world, id);
  });
});

describe('what the log says', () => {
  test('a newer generation supersedes: the older date is good and changes nothing', async () => {
    const world = createWorld({ days: 1 });
    const id = await stageAll(world);
    // Something newer was committed meanwhile, by a later backfill.
    const [task] = await world.tasks(id);
    await world.warehouse.prepareTable(
      { table, partitionColumn: 'day', key: ['day', 'item'], columns: world.warehouse.stageJobs[0]?.target.columns ?? [] },
      never,
    );
    const target = world.warehouse.stageJobs[0]?.target;
    if (task === undefined || target === undefined) throw new Error('nothing was staged');
    const rows = (async function* () {
      yield { day: world.date(0), item: 'newer', value: 1 };
    })();
    const staged = await world.warehouse.stage(
      { jobId: 'newer', target, staging: 'newer', dates: [world.date(0)], body: { kind: 'rows', rows }, labels: {} },
      never,
    );
    const entry = {
      date: world.date(0),
      generation: task.generation + 1_000_000,
      staging: 'newer',
      contentHash: staged.get(world.date(0))?.contentHash ?? '',
      rows: 1,
      backfillId: 'later',
      rewrite: false,
    };
    await world.warehouse.commit({ jobId: 'newer commit', target, strategy: 'merge', laneEpoch: 1, entries: [entry], committedAt: 1 }, never);
    await serve(world);
    expect((await world.tasks(id))[0]).toMatchObject({ state: 'superseded' });
    expect(world.warehouse.rowsOf(table)).toEqual([{ day: world.date(0), item: 'newer', value: 1 }]);
  });

  test('the same content is unchanged: no row is written, the ledger takes the new generation', async () => {
    const world = createWorld();
    await world.drive(await world.start({ processors: ['games'] }));
    const before = await world.ledgerEntry('games', world.date(0));
    world.warehouse.put('source.feed', world.date(0), [
      { day: world.date(0), item: 'i0', value: 1, noise: 1 },
      { day: world.date(0), item: 'i1', value: 10 },
    ]);
    const id = await world.start({ processors: ['games'], reprocess: 'stale' });
    expect(await world.drive(id)).toBe('completed');
    expect(await world.states(id)).toEqual({ unchanged: [`games ${world.date(0)}`] });
    const after = await world.ledgerEntry('games', world.date(0));
    expect(after?.contentHash).toBe(before?.contentHash);
    expect(after?.generation).toBeGreaterThan(before?.generation ?? 0);
    expect(after?.inputDigest).not.toBe(before?.inputDigest);
  });

  test('reprocess all writes rows that were damaged by hand', async () => {
    const world = createWorld();
    await world.drive(await world.start({ processors: ['games'] }));
    const whole = world.warehouse.rowsOf(table);
    world.warehouse.damage(table, world.date(3), []);
    await world.drive(await world.start({ processors: ['games'], reprocess: 'missing' }));
    expect(world.warehouse.rowsOf(table)).toHaveLength(10);
    const id = await world.start({ processors: ['games'], reprocess: 'all' });
    expect(await world.drive(id)).toBe('completed');
    expect(world.warehouse.rowsOf(table)).toEqual(whole);
  });
});

describe('a doorbell', () => {
  test('that rings a lane in service makes it look again', async () => {
    const world = createWorld({ days: 2 });
    const id = await world.start({ processors: ['games'] });
    await world.pass(id);
    const [first, second] = world.takeDispatches();
    if (first === undefined || second === undefined) throw new Error('two dispatches were expected');
    await world.run(world.execute(first));
    const held = world.warehouse.faults.hold('dropStaging');
    const service = world.lane().serve(table, never);
    await world.run(held.reached);
    await world.run(world.execute(second));
    expect(await world.run(world.lane().serve(table, never))).toEqual({ outcome: 'rung' });
    held.release();
    expect(await world.run(service)).toMatchObject({ commits: 2, dates: 2 });
  });

  test('of another process makes the holder look again before it leaves', async () => {
    const world = createWorld({ days: 2 });
    const id = await world.start({ processors: ['games'] });
    await world.pass(id);
    const [first, second] = world.takeDispatches();
    if (first === undefined || second === undefined) throw new Error('two dispatches were expected');
    await world.run(world.execute(first));
    const held = world.warehouse.faults.hold('dropStaging');
    const service = world.lane().serve(table, never);
    await world.run(held.reached);
    await world.run(world.execute(second));
    expect(await serve(world, 'another')).toEqual({ outcome: 'held_by_other' });
    held.release();
    expect(await world.run(service)).toMatchObject({ commits: 2, dates: 2 });
  });

  test.each([2, 3])('of another process between a look and what follows it makes the holder look again (transaction %i)', async (number) => {
    const world = createWorld({ days: 1 });
    const id = await world.start({ processors: ['games'] });
    await world.pass(id);
    const [dispatch] = world.takeDispatches();
    if (dispatch === undefined) throw new Error('a dispatch was expected');
    // The first enters; nothing is there to record; the second takes the promise of a look back; the third leaves.
    const store = beforeTransaction(world.store, number, async () => {
      await world.execute(dispatch);
      expect(await world.lane('another').serve(table, never)).toEqual({ outcome: 'held_by_other' });
    });
    expect(await world.run(createCommitLanes({ ...world.worker(), store }).serve(table, never))).toMatchObject({ outcome: 'drained', commits: 1 });
    expect(await world.states(id)).toEqual({ succeeded: [`games ${world.date(0)}`] });
  });

  test.each(['leaves', 'finds the lane taken'] as const)('that comes in the very moment in which the lane %s is not lost', async (moment) => {
    const world = createWorld({ days: 1 });
    const id = await world.start({ processors: ['games'] });
    await world.pass(id);
    const [dispatch] = world.takeDispatches();
    if (dispatch === undefined) throw new Error('a dispatch was expected');
    if (moment === 'finds the lane taken')
      await world.store.transaction(async (transaction) =>
        transaction.set(lanePath(table), { table, epoch: 1, holder: 'other', heartbeat: 1, rung: false, job: null }),
      );
    // Everything happens between the transaction's effect and its answer: rows are staged, and the doorbell finds a lane in service.
    const store = afterTransaction(world.store, moment === 'leaves' ? 3 : 1, async () => {
      await world.execute(dispatch);
      if (moment === 'finds the lane taken') {
        // The other holder looked before the rows were there, and leaves.
        await world.store.transaction(async (transaction) =>
          transaction.set(lanePath(table), { table, epoch: 1, holder: '', heartbeat: 2, rung: false, job: null }),
        );
      }
      expect(await lanes.serve(table, never)).toEqual({ outcome: 'rung' });
    });
    const lanes = createCommitLanes({ ...world.worker(), store });
    await world.run(lanes.serve(table, never));
    expect(await world.states(id)).toEqual({ succeeded: [`games ${world.date(0)}`] });
  });
});

test('a lane whose recorded job names no task any more goes on', async () => {
  const world = createWorld();
  await world.store.transaction(async (transaction) =>
    transaction.set(lanePath(table), {
      table,
      epoch: 1,
      holder: 'dead',
      heartbeat: 1,
      rung: false,
      job: { jobId: 'old', tasks: [{ path: 'backfills/gone/tasks/gone', generation: 1 }] },
    }),
  );
  await serve(world);
  await world.clock.advance(30_000);
  const id = await stageAll(world);
  expect(await serve(world)).toMatchObject({ outcome: 'drained', dates: 6 });
  await expectExactlyOnce(world, id);
});
