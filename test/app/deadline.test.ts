// Calls of a warehouse that never answers: each is given up in time, what it was for goes on or is told, and what arrives
// late changes nothing.
import { describe, expect, test } from 'vitest';
import { deadlines, withDeadline } from '@floodgate/core/app/deadline.ts';
import type { WarehouseMethod } from '../support/warehouse-faults.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { createWorld, never, type World } from '../support/world.ts';

const table = 'test.games';
const forever = (): Promise<never> => new Promise(() => undefined);

describe('a deadline', () => {
  test('ends a call that does not listen, aborts its signal, and says what was waited for and how long', async () => {
    const clock = new ManualClock();
    let own: AbortSignal | undefined;
    const call = withDeadline(clock, 5_000, never, 'asking the oracle', (signal) => {
      own = signal;
      return forever();
    });
    await clock.advance(4_999);
    expect(own?.aborted).toBe(false);
    const failure = call.catch((error: unknown) => error);
    await clock.advance(1);
    expect(await failure).toMatchObject({ code: 'deadline_exceeded', message: 'asking the oracle took longer than 5 s' });
    expect(own?.aborted).toBe(true);
  });

  test('that is kept leaves no timer behind, whether the call succeeds, fails, or can not begin', async () => {
    const clock = new ManualClock();
    expect(await withDeadline(clock, 5_000, never, 'it', async () => 7)).toBe(7);
    await expect(withDeadline(clock, 5_000, never, 'it', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    const broken = withDeadline(clock, 5_000, never, 'it', () => {
      throw new Error('not even begun');
    });
    await expect(broken).rejects.toThrow('not even begun');
    expect(clock.sleeping).toBe(0);
  });

  test('hands on that its caller has gone, before the call and during it', async () => {
    const clock = new ManualClock();
    const ended = (signal: AbortSignal): Promise<never> =>
      new Promise((_, reject) => {
        if (signal.aborted) reject(signal.reason as Error);
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    await expect(withDeadline(clock, 5_000, AbortSignal.abort(new Error('gone before')), 'it', ended)).rejects.toThrow('gone before');
    const caller = new AbortController();
    const call = withDeadline(clock, 5_000, caller.signal, 'it', ended);
    caller.abort(new Error('gone now'));
    await expect(call).rejects.toThrow('gone now');
    expect(clock.sleeping).toBe(0);
  });
});

const stageAll = async (world: World): Promise<string> => {
  const id = await world.start({ processors: ['games'] });
  await world.pass(id);
  await world.work();
  return id;
};

const patience = 3 * deadlines.checkMs;
const serve = (world: World) => world.run(world.lane().serve(table, never), patience);

const expectExactlyOnce = async (world: World, id: string): Promise<void> => {
  expect(world.warehouse.commits.flatMap(({ written }) => written.map(({ date }) => date)).toSorted()).toEqual([...world.dates]);
  expect(await world.states(id)).toEqual({ succeeded: world.dates.map((date) => `games ${date}`) });
  expect(await world.laneOf(table)).toMatchObject({ holder: '', job: null });
  expect(world.clock.sleeping).toBe(0);
};

describe('a commit that never answers', () => {
  test('is given up and made again by the same holder; what was still on its way changes nothing when it arrives', async () => {
    const world = createWorld();
    const id = await stageAll(world);
    const held = world.warehouse.faults.hold('commit', { when: 'wire' });
    const before = world.clock.now();
    expect(await serve(world)).toMatchObject({ outcome: 'drained', dates: 6 });
    expect(world.clock.now() - before).toBeGreaterThanOrEqual(deadlines.commitMs);
    const [rows, log] = [world.warehouse.rowsOf(table), world.warehouse.logOf(table)];
    held.release();
    await world.clock.settle();
    expect([world.warehouse.rowsOf(table), world.warehouse.logOf(table)]).toEqual([rows, log]);
    await expectExactlyOnce(world, id);
  });

  test('but happened is settled from the log and not made again', async () => {
    const world = createWorld();
    const id = await stageAll(world);
    world.warehouse.faults.hold('commit', { when: 'after' });
    await serve(world);
    expect(world.warehouse.commits).toHaveLength(1);
    await expectExactlyOnce(world, id);
  });

  test('ever fails its dates in the end, one by one, with the deadline as their cause', async () => {
    const world = createWorld({ days: 2 });
    const id = await stageAll(world);
    for (let time = 0; time < 20; time += 1) world.warehouse.faults.hold('commit');
    await world.run(world.lane().serve(table, never), 20 * deadlines.commitMs);
    expect(Object.keys(await world.states(id))).toEqual(['failed']);
    expect((await world.deadLetters()).map(({ failure }) => failure)).toMatchObject(
      world.dates.map(() => ({ code: 'deadline_exceeded', message: 'committing 1 dates to test.games took longer than 600 s' })),
    );
    expect(world.warehouse.logOf(table)).toEqual([]);
  });

  test.each<WarehouseMethod>(['jobState', 'fence', 'readCommitLog'])(
    'and %s neither: all is left as it is for the next ring, which settles it',
    async (method) => {
      const world = createWorld();
      const id = await stageAll(world);
      world.warehouse.faults.hold('commit');
      world.warehouse.faults.hold(method);
      await expect(serve(world)).rejects.toMatchObject({ code: 'deadline_exceeded' });
      expect((await world.states(id))['committing']).toHaveLength(6);
      await serve(world);
      await expectExactlyOnce(world, id);
    },
  );
});

test('staging that can not be dropped holds no lane up', async () => {
  const world = createWorld();
  const id = await stageAll(world);
  world.warehouse.faults.hold('dropStaging');
  await serve(world);
  await expectExactlyOnce(world, id);
});

describe('a gate', () => {
  test.each<readonly [WarehouseMethod, string]>([
    ['runChecks', 'games rows: checking 6 dates of test.games took longer than 1800 s (look at the load of the warehouse)'],
    ['digestSource', 'games fresh: reading source.feed took longer than 600 s (look at the load of the warehouse)'],
  ])('whose %s never answers is blocked and says so', async (method, summary) => {
    const world = createWorld();
    const id = await stageAll(world);
    await serve(world);
    world.warehouse.faults.hold(method);
    await world.run(world.pass(id).then(() => undefined));
    const judged = world.gate(id, 1).catch((error: unknown) => error);
    await world.clock.advance(patience);
    expect(await judged).toEqual({ outcome: 'decided', state: 'blocked' });
    expect(await world.gateOf(id, 1)).toMatchObject({ summary });
    expect(world.clock.sleeping).toBe(0);
  });
});

test('a request whose calendar never comes is given up undecided, so that its message brings it again', async () => {
  const world = createWorld();
  world.warehouse.faults.hold('query');
  const accepted = world.accept({}, { key: 'k' }).catch((error: unknown) => error);
  await world.clock.advance(patience);
  expect(await accepted).toMatchObject({ code: 'deadline_exceeded' });
  expect(await world.decisionOf('k')).toBeUndefined();
  expect(await world.accept({}, { key: 'k' })).toMatchObject({ outcome: 'accepted' });
  expect(world.clock.sleeping).toBe(0);
});

describe('a dispatch', () => {
  test.each([
    ['before it computes', 0],
    ['after it has computed', 1],
  ])('whose sources can not be digested %s is put back, and computed later', async (_, skip) => {
    const world = createWorld({ days: 1, processors: { games: { timeout_seconds: 3_600 } } });
    const id = await world.start({ processors: ['games'] });
    await world.pass(id);
    const [dispatch] = world.takeDispatches();
    if (dispatch === undefined) throw new Error('a dispatch was expected');
    world.warehouse.faults.hold('digestSource', { skip });
    expect(await world.run(world.execute(dispatch), patience)).toMatchObject({ putBack: 1 });
    expect(await world.task(id, 'games', world.date(0))).toMatchObject({ state: 'waiting', attempt: 1, failure: { code: 'deadline_exceeded' } });
    expect(world.clock.sleeping).toBe(0);
    expect(await world.drive(id)).toBe('completed');
  });

  test('that computes has the deadline of its processor and no other', async () => {
    const world = createWorld({ days: 1, processors: { games: { timeout_seconds: 100_000 } } });
    const id = await world.start({ processors: ['games'] });
    await world.pass(id);
    const [dispatch] = world.takeDispatches();
    if (dispatch === undefined) throw new Error('a dispatch was expected');
    const held = world.warehouse.faults.hold('runChecks');
    const done = world.execute(dispatch);
    await world.clock.advance(2 * deadlines.checkMs);
    held.release();
    expect(await world.run(done)).toMatchObject({ staged: 1 });
    expect((await world.task(id, 'games', world.date(0))).state).toBe('staged');
  });
});
