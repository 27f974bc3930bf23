import { join } from 'node:path';
import { SqliteDatabase } from '@floodgate/embedded/sqlite-database.ts';
import { SqliteMessageBus } from '@floodgate/embedded/sqlite-message-bus.ts';
import type { QueueRows } from '@floodgate/embedded/message-queue.ts';
import type { MessageQueue, QueueMessageBus } from '@floodgate/embedded/queue-message-bus.ts';
import type { MessageBus, Subscription } from '@floodgate/core/ports/message-bus.ts';
import { Chaos } from '../simulation/chaos.ts';
import { createRandom, type Random } from '../simulation/random.ts';
import { SimulatedBus } from '../simulation/simulated-bus.ts';
import { SimulatedClock } from '../simulation/simulated-clock.ts';
import { SimulatedProcess } from '../simulation/simulated-process.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { createMemoryMessageBus, MemoryMessageQueue } from '../support/memory-message-bus.ts';
import { createSeededIds } from '../support/seeded-ids.ts';
import { createTemporaryFolder } from '../support/temporary-folder.ts';
import { describeMessageBusContract } from './message-bus.contract.ts';
import type { MessageBusHarness } from './message-bus.contract.ts';

const timing = (clock: ManualClock): Pick<MessageBusHarness, 'now' | 'pass' | 'until' | 'slackMs'> => ({
  now: () => clock.now(),
  pass: (ms) => clock.advance(ms),
  until: (done, maxMs) => clock.advanceUntil(done, maxMs),
  // One poll.
  slackMs: 100,
});

describeMessageBusContract('SQLite', async () => {
  const folder = await createTemporaryFolder();
  const clock = new ManualClock();
  const ids = createSeededIds(1);
  const databases: SqliteDatabase[] = [];
  const buses: QueueMessageBus[] = [];
  return {
    ...timing(clock),
    async open({ subscriptions }) {
      // Each a connection of its own, as each process has.
      const database = SqliteDatabase.open({ file: join(folder.path, 'floodgate.db'), clock, ids });
      const bus = new SqliteMessageBus(database, { clock, ids, subscriptions });
      databases.push(database);
      buses.push(bus);
      return { bus, die: () => void database.close() };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(buses.map((bus) => bus[Symbol.asyncDispose]()));
      await Promise.all(databases.map((database) => database.close()));
      await folder[Symbol.asyncDispose]();
    },
  };
});

describeMessageBusContract('memory', async () => {
  const clock = new ManualClock();
  const ids = createSeededIds(1);
  const shared = new MemoryMessageQueue();
  const buses: QueueMessageBus[] = [];
  return {
    ...timing(clock),
    async open({ subscriptions }) {
      const queue = new MortalQueue(shared);
      const bus = createMemoryMessageBus(queue, { clock, ids, subscriptions });
      buses.push(bus);
      return { bus, die: () => queue.die() };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(buses.map((bus) => bus[Symbol.asyncDispose]()));
    },
  };
});

describeMessageBusContract('simulated', async () => {
  const clock = new SimulatedClock();
  const chaos = new Chaos({ random: createRandom(1), now: () => clock.now(), rates: {}, most: 0, crashes: [] });
  const shared = new SimulatedBus({ clock, chaos, random: steadyArrival(createRandom(1)), subscriptions: [] });
  let processes = 0;
  return {
    now: () => clock.now(),
    pass: (ms) => takeTime(clock, clock.sleep(ms)),
    async until(done, maxMs = 60_000) {
      const late = new AbortController();
      let isLate = false;
      void clock.sleep(maxMs, late.signal).then(
        () => (isLate = true),
        () => undefined, // in time
      );
      await clock.run(() => done() || isLate, Number.POSITIVE_INFINITY);
      late.abort();
      if (!done()) throw new Error(`did not happen within ${maxMs} ms of simulated time`);
    },
    slackMs: 1,
    async open({ subscriptions }) {
      for (const spec of subscriptions) shared.declare(spec);
      processes += 1;
      const process = new SimulatedProcess(`process-${processes}`, clock, chaos);
      return { bus: takingTime(clock, shared.attach(process)), die: () => process.die() };
    },
    async [Symbol.asyncDispose]() {},
  };
});

/** Arrivals by chance would reorder what is published at once, as Pub/Sub does: the suite counts on the order where it asks for one handler. */
function steadyArrival(random: Random): Random {
  return { ...random, fork: (name) => (name === 'arriving' ? { ...random.fork(name), int: () => 25 } : random.fork(name)) };
}

/** Its calls need simulated time, and the suite awaits them without letting any pass. */
function takingTime(clock: SimulatedClock, bus: MessageBus): MessageBus {
  return {
    publish: (messages, signal) => takeTime(clock, bus.publish(messages, signal)),
    subscribe: (spec, handler, options) => takeTime<Subscription>(clock, bus.subscribe(spec, handler, options)),
  };
}

async function takeTime<T>(clock: SimulatedClock, call: Promise<T>): Promise<T> {
  let isOver = false;
  const end = (): void => {
    isOver = true;
  };
  call.then(end, end);
  await clock.run(() => isOver, Number.POSITIVE_INFINITY);
  return call;
}

/** The way of one process to the shared queue, which ends with it. */
class MortalQueue implements MessageQueue {
  readonly #queue: MessageQueue;
  #dead = false;

  constructor(queue: MessageQueue) {
    this.#queue = queue;
  }

  die(): void {
    this.#dead = true;
  }

  declare(...args: Parameters<MessageQueue['declare']>): void {
    this.#queue.declare(...args);
  }

  async write<T>(work: (rows: QueueRows) => T): Promise<T> {
    if (this.#dead) throw new Error('this process is dead');
    return this.#queue.write(work);
  }

  nextDueAt(subscription: string): number | undefined {
    return this.#dead ? undefined : this.#queue.nextDueAt(subscription);
  }

  releaseAll(now: number): void {
    this.#queue.releaseAll(now);
  }
}
