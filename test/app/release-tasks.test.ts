// The scheduler releases what is ready, no more than may be in flight, and ends a backfill only when nothing can move.
import { describe, expect, test } from 'vitest';
import { createScheduler } from '@floodgate/core/app/release-tasks.ts';
import { controlBackfill } from '@floodgate/core/app/operate.ts';
import { createPlanReader } from '@floodgate/core/app/plan-store.ts';
import { backfillPath, gatePath, gateSchema, parseDocument, pipelineVersionPath, schedulerLeasePath } from '@floodgate/core/contracts/documents.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { afterTransaction, beforeTransaction, interposeStore } from '../support/interposed-store.ts';
import { createWorld, never, type World } from '../support/world.ts';

/** Opens the gate as the validator would, without judging. */
const setGate = (world: World, backfillId: string, phase: number, state: 'open' | 'held' | 'waiting'): Promise<void> =>
  world.store.transaction(async (transaction) => {
    const document = await transaction.get(gatePath(backfillId, phase));
    const before = document === undefined ? undefined : parseDocument(gateSchema, document);
    transaction.set(gatePath(backfillId, phase), {
      backfillId,
      phase,
      state,
      evaluation: (before?.evaluation ?? 0) + 1,
      checks: [],
      basis: 0,
      summary: '',
      repair: '',
      approvedBy: '',
      evaluatedAt: 0,
    });
  });

const released = (world: World): readonly string[] =>
  world.takeDispatches().flatMap(({ processorId, tasks }) => tasks.map(({ path }) => `${processorId} ${path.slice(-10)}`));

describe('gates', () => {
  test('a phase is released only when the gate before it is open, as the transaction sees it', async () => {
    const world = createWorld();
    const id = await world.start();
    expect(await world.pass(id)).toMatchObject({ released: 6 });
    await world.work();
    await world.commitRung();
    // Nobody has judged the gate: every partition is there, and still nothing of phase 2 may go.
    expect(await world.pass(id)).toMatchObject({ outcome: 'going', released: 0 });
    await setGate(world, id, 1, 'held');
    expect(await world.pass(id)).toMatchObject({ released: 0 });
    await setGate(world, id, 1, 'open');
    expect(await world.pass(id)).toMatchObject({ released: 6 });
  });

  test('that close between the look and the release hold everything back', async () => {
    const world = createWorld();
    const id = await world.start();
    await world.pass(id);
    await world.work();
    await world.commitRung();
    await setGate(world, id, 1, 'open');
    const scheduler = createScheduler(
      world.planner('planner', {
        // Between reading the gates and the transaction of the release.
        store: interposeStore(world.store, async ({ method, args, run }) => {
          const value = await run();
          if (method === 'getMany' && (args[0] as readonly string[]).includes(gatePath(id, 1))) await setGate(world, id, 1, 'waiting');
          return value;
        }),
      }),
      id,
    );
    world.takeDispatches();
    expect(await world.run(scheduler.pass(never))).toMatchObject({ released: 0 });
    expect(world.takeDispatches()).toEqual([]);
    expect(await world.states(id)).toEqual({ succeeded: world.dates.map((date) => `games ${date}`) });
  });

  test('and a pause that comes between the look and the release does too', async () => {
    const world = createWorld();
    const id = await world.start();
    const store = interposeStore(world.store, async ({ method, run }) => {
      // The gates are read after the control document.
      if (method === 'getMany') await controlBackfill(world.engine('cli'), id, 'pause', 'ann');
      return run();
    });
    await world.pass(id); // takes the plan's documents into the cache
    for (const task of await world.tasks(id)) await world.store.transaction(async (transaction) => transaction.delete(`backfills/${id}/tasks/${task.taskId}`));
    world.takeDispatches();
    expect(await world.run(createScheduler(world.planner('planner', { store }), id).pass(never))).toMatchObject({ released: 0 });
    expect(await world.tasks(id)).toEqual([]);
    expect(world.takeDispatches()).toEqual([]);
  });

  test('with gate mode window each date goes as soon as its own window is good', async () => {
    const world = createWorld();
    const id = await world.start({ gate: 'window' });
    await world.pass(id);
    const [first, second] = world.takeDispatches();
    for (const dispatch of [first, second]) if (dispatch !== undefined) await world.run(world.execute(dispatch));
    await world.commitRung();
    await world.pass(id);
    // rolling reads three days back, which the calendar cuts off at its first date.
    expect(released(world)).toEqual([`rolling ${world.date(0)}`, `rolling ${world.date(1)}`]);
  });

  test('gate mode window leaves the same tables', async () => {
    const [phased, windowed] = [createWorld(), createWorld()];
    expect(await phased.drive(await phased.start())).toBe('completed');
    expect(await windowed.drive(await windowed.start({ gate: 'window' }))).toBe('completed');
    for (const table of ['test.games', 'test.rolling', 'test.features']) expect(windowed.warehouse.rowsOf(table)).toEqual(phased.warehouse.rowsOf(table));
  });
});

describe('admission', () => {
  test('no more than maxInFlight are with workers and lanes, staged ones included', async () => {
    const world = createWorld({ days: 9 });
    const id = await world.start({ limits: { maxInFlight: 4 } });
    expect(await world.pass(id)).toMatchObject({ released: 4 });
    expect(await world.pass(id)).toMatchObject({ released: 0 });
    await world.work();
    expect((await world.states(id))['staged']).toHaveLength(4);
    expect(await world.pass(id)).toMatchObject({ released: 0 });
    await world.commitRung();
    expect(await world.pass(id)).toMatchObject({ released: 4 });
    expect(await world.drive(id)).toBe('completed');
  });

  test('a paused backfill releases nothing, and does not end', async () => {
    const world = createWorld();
    const id = await world.start();
    await world.run(controlBackfill(world.engine('cli'), id, 'pause', 'ann'));
    expect(await world.pass(id)).toMatchObject({ outcome: 'going', released: 0 });
    expect(await world.tasks(id)).toEqual([]);
    await world.run(controlBackfill(world.engine('cli'), id, 'resume', 'ann'));
    expect(await world.pass(id)).toMatchObject({ released: 6 });
  });

  test('spans under auto begin small, and only as many wait as keep the workers busy', async () => {
    const world = createWorld({ days: 200 });
    const id = await world.start({ processors: ['games'] });
    const sizes = async (): Promise<readonly number[]> => {
      await world.pass(id, 'planner', { workers: 2, defaultDatesPerTask: 'auto' });
      const dispatches = world.takeDispatches();
      for (const dispatch of dispatches) await world.run(world.execute(dispatch));
      await world.commitRung();
      return dispatches.map(({ tasks }) => tasks.length);
    };
    expect(await sizes()).toEqual([24, 24, 24, 24, 24, 24]);
    // Measured as fast, the rest is shared between the two workers, at most six times what was tried.
    expect(await sizes()).toEqual([28, 28]);
  });

  test('a request may say how many dates travel together', async () => {
    const world = createWorld({ days: 10 });
    const id = await world.start({ processors: ['games'], limits: { datesPerTask: 3 } });
    await world.pass(id);
    expect(world.takeDispatches().map(({ tasks }) => tasks.length)).toEqual([3, 3, 3, 1]);
  });

  test('a span never crosses a date that is not ready', async () => {
    const world = createWorld();
    await world.drive(await world.start({ processors: ['games'], dates: [world.date(2)] }));
    world.takeDispatches();
    const id = await world.start({ processors: ['games'], limits: { datesPerTask: 4 } });
    await world.pass(id);
    expect(world.takeDispatches().map(({ tasks }) => tasks.map(({ path }) => path.slice(-2)))).toEqual([
      ['01', '02'],
      ['04', '05', '06'],
    ]);
  });
});

describe('beside a backfill of higher priority', () => {
  const both = async (): Promise<{ readonly world: World; readonly low: string; readonly high: string }> => {
    const world = createWorld({ days: 8 });
    const low = await world.start({ processors: ['games'], range: { start: world.date(0), end: world.date(5) } });
    const high = await world.start({ processors: ['games'], range: { start: world.date(6), end: world.date(7) }, priority: 1 });
    return { world, low, high };
  };

  test('one dispatch is with the workers at a time, and the next one when it is staged', async () => {
    const { world, low, high } = await both();
    expect(await world.pass(low)).toMatchObject({ released: 1 });
    expect(await world.pass(low)).toMatchObject({ released: 0 });
    await world.work();
    expect(await world.pass(low)).toMatchObject({ released: 1 });
    expect(await world.pass(low)).toMatchObject({ released: 0 });
    expect(await world.pass(high)).toMatchObject({ released: 2 });
  });

  test('all go while that one is paused', async () => {
    const { world, low, high } = await both();
    await world.run(controlBackfill(world.engine('cli'), high, 'pause', 'ann'));
    expect(await world.pass(low)).toMatchObject({ released: 6 });
  });

  test('all go once that one has ended', async () => {
    const { world, low, high } = await both();
    expect(await world.pass(low)).toMatchObject({ released: 1 });
    expect(await world.drive(high)).toBe('completed');
    expect(await world.pass(low)).toMatchObject({ released: 5 });
    expect(await world.drive(low)).toBe('completed');
  });

  test('of the same priority nobody waits', async () => {
    const world = createWorld();
    const ids = [
      await world.start({ processors: ['games'], dates: world.dates.slice(0, 3) }),
      await world.start({ processors: ['games'], dates: world.dates.slice(3) }),
    ];
    for (const id of ids) expect(await world.pass(id)).toMatchObject({ released: 3 });
  });
});

describe('one planner at a time', () => {
  test('two at once release nothing twice', async () => {
    const world = createWorld();
    const id = await world.start();
    const passes = ['a', 'b', 'c'].map((holder) => createScheduler(world.planner(holder), id).pass(never));
    const outcomes = await world.run(Promise.all(passes));
    expect(outcomes.filter(({ outcome }) => outcome === 'going')).toHaveLength(1);
    const dispatched = world.takeDispatches().flatMap(({ tasks }) => tasks.map(({ path }) => path));
    expect(dispatched).toHaveLength(6);
    expect(new Set(dispatched).size).toBe(6);
  });

  test('one that died is followed by another after leaseMs, and not before', async () => {
    const world = createWorld({ leaseMs: 30_000 });
    const id = await world.start({ limits: { maxInFlight: 2 } });
    expect(await world.pass(id, 'dead')).toMatchObject({ released: 2 });
    await world.work();
    await world.commitRung();
    expect(await world.pass(id, 'heir')).toEqual({ outcome: 'not_ours' });
    await world.clock.advance(29_900);
    expect(await world.pass(id, 'heir')).toEqual({ outcome: 'not_ours' });
    await world.clock.advance(200);
    expect(await world.pass(id, 'heir')).toMatchObject({ outcome: 'going', released: 2 });
  });

  test('one that goes on after its lease was taken releases nothing', async () => {
    const world = createWorld({ leaseMs: 30_000 });
    const id = await world.start({ limits: { maxInFlight: 2 } });
    await world.pass(id, 'zombie');
    await world.pass(id, 'heir');
    await world.clock.advance(30_000);
    expect(await world.pass(id, 'heir')).toMatchObject({ outcome: 'going' });
    await world.work();
    await world.commitRung();
    expect(await world.pass(id, 'zombie')).toEqual({ outcome: 'not_ours' });
    expect(await world.pass(id, 'heir')).toMatchObject({ released: 2 });
  });

  test('one whose release went through without an answer sees what became of the task, even if it ended before the next look', async () => {
    const world = createWorld();
    world.warehouse.faults.fail('stage', 'invalid_sql', { matches: (job) => (job as { dates: readonly string[] }).dates.includes(world.date(1)) });
    const id = await world.start({ processors: ['games'] });
    const unanswered = interposeStore(world.store, async ({ method, nth, run }) => {
      const value = await run();
      // The first takes the lease, the second releases.
      if (method === 'transaction' && nth === 2) throw new Error('the answer of the store was lost');
      return value;
    });
    const scheduler = createScheduler(world.planner('planner', { store: unanswered }), id);
    await expect(world.run(scheduler.pass(never))).rejects.toThrow('was lost');
    await world.clock.advance(2_000);
    await world.reconcile();
    await world.work();
    await world.commitRung();
    await world.judgeRung();
    expect(await world.run(scheduler.pass(never))).toEqual({ outcome: 'over', state: 'blocked' });
    expect((await world.states(id))['failed']).toEqual([`games ${world.date(1)}`]);
  });

  test('one that lost its lease and has it again sees what another did meanwhile', async () => {
    const world = createWorld({ leaseMs: 30_000 });
    world.warehouse.faults.fail('stage', 'invalid_sql', { matches: (job) => (job as { dates: readonly string[] }).dates.includes(world.date(1)) });
    const id = await world.start({ processors: ['games'], limits: { maxInFlight: 1 } });
    const finish = async (): Promise<void> => {
      await world.work();
      await world.commitRung();
    };
    const takeOver = async (from: string, to: string): Promise<void> => {
      await world.pass(id, to);
      await world.clock.advance(30_000);
      expect(await world.pass(id, to), `${to} after ${from}`).toMatchObject({ outcome: 'going' });
    };
    await world.pass(id, 'first');
    await takeOver('first', 'second');
    // The second releases the rest, one by one, all of which end.
    for (let task = 0; task < 6; task += 1) {
      await finish();
      await world.pass(id, 'second');
    }
    await finish();
    await world.judgeRung();
    await world.clock.advance(1);
    await world.pass(id, 'first');
    await world.clock.advance(30_000);
    expect(await world.pass(id, 'first')).toEqual({ outcome: 'over', state: 'blocked' });
  });

  test('one that believes in its lease is stopped by the transaction', async () => {
    const world = createWorld({ leaseMs: 30_000 });
    const id = await world.start({ limits: { maxInFlight: 2 } });
    await world.pass(id, 'zombie');
    await world.work();
    await world.commitRung();
    await world.store.transaction(async (transaction) => transaction.set(`backfills/${id}/control/scheduler`, { holder: 'heir', heartbeat: 7, epoch: 2 }));
    // Its last heartbeat is younger than a third of the lease, so it does not look at the lease by itself.
    expect(await world.pass(id, 'zombie')).toMatchObject({ outcome: 'going', released: 0 });
    expect(world.takeDispatches()).toEqual([]);
  });

  test('one whose release was applied although its answer was lost continues with what the store says', async () => {
    const world = createWorld();
    const id = await world.start();
    // The first takes the lease.
    const store = afterTransaction(world.store, 2, () => Promise.reject(new Error('the answer was lost')));
    const scheduler = createScheduler(world.planner('planner', { store }), id);
    await expect(world.run(scheduler.pass(never))).rejects.toThrow('the answer was lost');
    expect(world.takeDispatches()).toEqual([]);
    // The dispatches are in the outbox, in the same transaction as the tasks.
    expect(await world.run(scheduler.pass(never))).toMatchObject({ released: 0 });
    await world.clock.advance(2_000);
    await world.reconcile();
    expect(await world.drive(id)).toBe('completed');
    expect(world.warehouse.stageJobs).toHaveLength(18);
  });
});

describe('the end', () => {
  test('by a cancel comes also where this build can not read the pipeline version', async () => {
    const world = createWorld();
    const id = await world.start({ processors: ['games'] });
    await world.pass(id);
    const path = pipelineVersionPath((await world.backfill(id)).pipelineHash);
    await world.store.transaction(async (transaction) => {
      const version = await transaction.get(path);
      transaction.set(path, { ...version?.data, files: { ...(version?.data['files'] as object), 'processors/games.sql': 'as another build would read it' } });
    });
    const scheduler = createScheduler(world.planner('planner', { plans: createPlanReader(world.store) }), id);
    await expect(world.run(scheduler.pass(never))).rejects.toMatchObject({ code: 'code_version_mismatch' });
    await world.run(controlBackfill(world.engine('cli'), id, 'cancel', 'ann'));
    expect(await world.run(scheduler.pass(never))).toEqual({ outcome: 'over', state: 'cancelled' });
    expect(await world.states(id)).toEqual({ cancelled: world.dates.map((date) => `games ${date}`) });
    expect((await world.pipelineState())?.activeBackfills).toEqual([]);
    expect(world.bus.all('floodgate.backfill.ended')).toEqual([{ backfillId: id, state: 'cancelled' }]);
  });

  test('completes when all is good, every gate is open, and nothing turned stale; once, with one message', async () => {
    const world = createWorld();
    const id = await world.start();
    expect(await world.drive(id)).toBe('completed');
    expect(await world.backfill(id)).toMatchObject({ state: 'completed', endedAt: expect.any(Number) });
    expect(world.bus.all('floodgate.backfill.ended')).toEqual([{ backfillId: id, state: 'completed' }]);
    expect((await world.pipelineState())?.activeBackfills).toEqual([]);
    expect(await world.pass(id)).toEqual({ outcome: 'over', state: 'completed' });
    expect(await world.outboxSize()).toBe(0);
    expect(await world.leases()).toEqual([]);
  });

  test('of a backfill that leaves missing dates alone waits for the validator like any other', async () => {
    const world = createWorld();
    await world.drive(await world.start({ processors: ['games'], dates: [world.date(0)] }));
    world.putGames(world.date(0), [99, 5]);
    const id = await world.start({ processors: ['games'], reprocess: 'stale' });
    await world.pass(id);
    await world.work();
    await world.commitRung();
    // Everything planned is done, the gate is not judged: its turn comes first.
    expect(await world.pass(id)).toMatchObject({ outcome: 'going' });
    expect(await world.drive(id)).toBe('completed');
  });

  test.each([
    ['that has been replaced', schedulerLeasePath, (lease: JsonObject) => ({ ...lease, epoch: Number(lease['epoch']) + 1 })],
    ['before which another has ended the backfill', backfillPath, (backfill: JsonObject) => ({ ...backfill, state: 'blocked', endedAt: 1 })],
  ] as const)('turns nothing stale for a planner %s: what it saw may be outdated', async (_, pathOf, change) => {
    const world = createWorld();
    const id = await world.start({ processors: ['games'] });
    await world.pass(id);
    await world.work();
    await world.commitRung();
    await setGate(world, id, 1, 'open');
    world.putGames(world.date(0), [99, 5]);
    const before = await world.states(id);
    expect(before).toEqual({ succeeded: world.dates.map((date) => `games ${date}`) });
    const edit = (by: (data: JsonObject) => JsonObject): Promise<void> =>
      world.store.transaction(async (transaction) => transaction.set(pathOf(id), by((await transaction.get(pathOf(id)))?.data ?? {})));
    let found: JsonObject = {};
    // The first takes the lease; the second is the one that turns tasks stale.
    const changed = beforeTransaction(world.store, 2, () =>
      edit((data) => {
        found = data;
        return change(data);
      }),
    );
    await world.run(createScheduler(world.planner('planner', { store: changed }), id).pass(never));
    expect(await world.states(id)).toEqual(before);
    // Whoever has the lease, of a backfill that is active, finds it.
    await edit(() => found);
    expect(await world.drive(id)).toBe('completed');
    expect(world.warehouse.stageJobs).toHaveLength(7);
  });

  test('is blocked where a date failed, and dates that need it never start', async () => {
    const world = createWorld();
    world.warehouse.faults.fail('stage', 'invalid_sql', { matches: (job) => (job as { dates: readonly string[] }).dates.includes(world.date(1)) });
    const id = await world.start();
    expect(await world.drive(id)).toBe('blocked');
    expect(await world.states(id)).toEqual({ succeeded: [0, 2, 3, 4, 5].map((index) => `games ${world.date(index)}`), failed: [`games ${world.date(1)}`] });
    expect(await world.gateOf(id, 1)).toMatchObject({ state: 'blocked' });
  });
});

test('progress shows what the tasks say, and an older view never takes it back', async () => {
  const world = createWorld();
  const id = await world.start();
  await world.pass(id);
  expect((await world.progressOf(id, 'games'))?.states).toBe('qqqqqq');
  expect((await world.progressOf(id, 'rolling'))?.states).toBe('......');
  await world.work();
  // Between its look and its writing, somebody who saw more has written.
  const later = { processorId: 'games', phase: 1, dates: world.dates, states: 'SSSSSq', revisions: [9, 9, 9, 9, 9, 1], updatedAt: 0 };
  // The first takes the lease.
  const store = beforeTransaction(world.store, 2, () =>
    world.store.transaction(async (transaction) => transaction.set(`backfills/${id}/progress/games`, later)),
  );
  await world.run(createScheduler(world.planner('planner', { store }), id).pass(never));
  expect(await world.progressOf(id, 'games')).toMatchObject({ states: 'SSSSSs', revisions: [9, 9, 9, 9, 9, 3] });
  expect(await world.drive(id)).toBe('completed');
  expect((await world.progressOf(id, 'features'))?.states).toBe('SSSSSS');
});
