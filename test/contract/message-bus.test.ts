import { join } from 'node:path';
import { SqliteDatabase } from '@floodgate/embedded/sqlite-database.ts';
import { SqliteMessageBus } from '@floodgate/embedded/sqlite-message-bus.ts';
import type { QueueRows } from '@floodgate/embedded/message-queue.ts';
import type { MessageQueue, QueueMessageBus } from '@floodgate/embedded/queue-message-bus.ts';
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
