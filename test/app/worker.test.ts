// The worker as a process: where nothing can be recorded it stops, and its message is there for the next one.
import { expect, test } from 'vitest';
import { subscriptions } from '@floodgate/core/contracts/messages.ts';
import type { MessageBus } from '@floodgate/core/ports/message-bus.ts';
import { StoreError } from '@floodgate/core/ports/status-store.ts';
import { createWorkerApp, workerRoles, type WorkerRole } from '@floodgate/worker/app.ts';
import { interposeStore } from '../support/interposed-store.ts';
import { createMemoryMessageBus, MemoryMessageQueue } from '../support/memory-message-bus.ts';
import { createWorld, type World } from '../support/world.ts';

const startWorker = async (world: World) => {
  const queue = new MemoryMessageQueue();
  const all = Object.values(subscriptions);
  for (const spec of all) queue.declare(spec);
  const bus = createMemoryMessageBus(queue, { clock: world.clock, ids: world.ids, subscriptions: all, pollMs: 250 });
  const halts: string[] = [];
  const disk = { isFull: true };
  const store = interposeStore(world.store, async ({ method, run }) => {
    if (disk.isFull && method === 'transaction') throw new StoreError('disk_full', 'no space left');
    return run();
  });
  const app = createWorkerApp({ ...world.worker('worker', { store }), bus, concurrency: 1, lanes: 1, onHalt: ({ code }) => void halts.push(code) });
  await app.start();
  return { app, bus, halts, disk, queue };
};

test.each([
  ['a dispatch', 'floodgate.tasks.dispatched'],
  ['a lane', 'floodgate.lane.rung'],
] as const)('%s that meets a full disk under the store halts the process, and the message is not lost', async (_, type) => {
  const world = createWorld({ days: 1 });
  const id = await world.start({ processors: ['games'] });
  await world.pass(id);
  if (type === 'floodgate.lane.rung') await world.work();
  const message = world.bus.published.find(({ attributes }) => attributes['type'] === type);
  if (message === undefined) throw new Error(`a message ${type} was expected`);
  const { app, bus, halts, disk, queue } = await startWorker(world);
  await bus.publish([message]);
  await world.clock.advance(1);
  expect(halts).toEqual(['disk_full']);
  expect(queue.size).toBe(1);
  disk.isFull = false;
  await world.clock.advance(5_000);
  expect(Object.keys(await world.states(id))).toEqual(['succeeded']);
  expect(halts).toEqual(['disk_full']);
  await world.run(app.stop(1_000));
});

test('a dispatch of a backfill that was deleted is a dead letter that says so, once however often it comes', async () => {
  const world = createWorld({ days: 1 });
  const id = await world.start({ processors: ['games'] });
  await world.pass(id);
  const message = world.bus.published.find(({ attributes }) => attributes['type'] === 'floodgate.tasks.dispatched');
  if (message === undefined) throw new Error('a dispatch was expected');
  await world.store.transaction(async (transaction) => transaction.delete(`backfills/${id}`));
  const { app, bus, disk, queue } = await startWorker(world);
  disk.isFull = false;
  await bus.publish([message, message]);
  await world.clock.advance(1_000);
  expect(queue.size).toBe(0);
  expect(await world.deadLetters()).toMatchObject([
    { kind: 'message', failure: { code: 'unknown_backfill', message: `1 dates of games were dispatched for ${id}, and there is no such backfill` } },
  ]);
  await world.run(app.stop(1_000));
});

/** Notes who subscribes and how it is stopped; `busyMs` is how long the dispatches take to end. */
const createStoppingBus = (world: World, busyMs: number) => {
  const stops: (readonly [subscription: string, graceMs: number])[] = [];
  const subscribed: string[] = [];
  const bus: MessageBus = {
    publish: async () => undefined,
    subscribe: async ({ name }) => {
      subscribed.push(name);
      return {
        stop: async (graceMs) => {
          stops.push([name, graceMs]);
          if (name === subscriptions.workerTasks.name) await world.clock.sleep(Math.min(busyMs, graceMs));
        },
      };
    },
  };
  return { bus, stops, subscribed };
};

const startStopping = async (roles: readonly WorkerRole[], busyMs: number, graceMs: number) => {
  const world = createWorld({ days: 1 });
  const { bus, stops, subscribed } = createStoppingBus(world, busyMs);
  const app = createWorkerApp({ ...world.worker(), bus, concurrency: 1, lanes: 1, onHalt: () => undefined, roles: new Set(roles) });
  const before = app.isReady();
  await app.start();
  const during = app.isReady();
  await world.run(app.stop(graceMs));
  return { stops, subscribed, ready: [before, during, app.isReady()] };
};

test.each([
  [['compute'], [subscriptions.workerTasks.name]],
  [['commit'], [subscriptions.workerCommits.name]],
  [workerRoles, [subscriptions.workerTasks.name, subscriptions.workerCommits.name]],
] as const)('a worker of the roles %j takes the messages of %j and no others', async (roles, names) => {
  const { subscribed, stops, ready } = await startStopping(roles, 0, 1_000);
  expect(subscribed).toEqual(names);
  expect(stops.map(([name]) => name)).toEqual(names);
  expect(ready).toEqual([false, true, false]);
});

test('dispatches and lanes end within one grace period, and there is time left for what is given back', async () => {
  const { workerTasks, workerCommits } = subscriptions;
  expect((await startStopping(workerRoles, 60_000, 10_000)).stops).toEqual([
    [workerTasks.name, 7_000],
    [workerCommits.name, 3_000],
  ]);
  expect((await startStopping(workerRoles, 500, 10_000)).stops).toEqual([
    [workerTasks.name, 7_000],
    [workerCommits.name, 9_500],
  ]);
  expect((await startStopping(['compute'], 60_000, 10_000)).stops).toEqual([[workerTasks.name, 7_000]]);
  expect((await startStopping(['commit'], 0, 10_000)).stops).toEqual([[workerCommits.name, 10_000]]);
});

test('a worker that stops waits until what it held has been given back, although its bus doesn’t', async () => {
  const world = createWorld({ days: 1 });
  const id = await world.start({ processors: ['games'] });
  await world.pass(id);
  const message = world.bus.published.find(({ attributes }) => attributes['type'] === 'floodgate.tasks.dispatched');
  if (message === undefined) throw new Error('a dispatch was expected');
  const abort = new AbortController();
  const end = Promise.withResolvers<void>();
  let isHeld = true;
  const store = interposeStore(world.store, async ({ method, run }) => {
    // The claim goes through; what comes after the abort waits for the test.
    if (method === 'transaction' && abort.signal.aborted) {
      await end.promise;
      isHeld = false;
    }
    return run();
  });
  const held = world.warehouse.faults.hold('stage');
  const bus: MessageBus = {
    publish: async () => undefined,
    subscribe: async ({ name, topic }, handler) => {
      if (name === subscriptions.workerTasks.name)
        void handler({ subscription: name, topic, attributes: message.attributes, data: message.data, deliveryAttempt: 1, signal: abort.signal });
      return { stop: async () => abort.abort(new Error('stopped')) };
    },
  };
  const app = createWorkerApp({ ...world.worker('worker', { store }), bus, concurrency: 1, lanes: 1, onHalt: () => undefined });
  await app.start();
  await world.run(held.reached);
  const stopped = world.run(app.stop(0));
  await world.clock.advance(1_000);
  expect(isHeld).toBe(true);
  end.resolve();
  await stopped;
  expect(Object.keys(await world.states(id))).not.toContain('running');
});
