// What SQLite adds to the contract (test/contract/message-bus.contract.ts): files, processes, full disks, nothing that grows.
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Delivery, OutgoingMessage, SubscriptionSpec, Verdict } from '@floodgate/core/ports/message-bus.ts';
import { startChild } from '../../../test/support/child-process.ts';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { createSeededIds } from '../../../test/support/seeded-ids.ts';
import { createTemporaryFolder } from '../../../test/support/temporary-folder.ts';
import { SqliteDatabase } from './sqlite-database.ts';
import { SqliteMessageBus } from './sqlite-message-bus.ts';
import type { QueueMessageBusOptions } from './queue-message-bus.ts';

const childProgram = join(import.meta.dirname, '../../../test/support/sqlite-child.ts');
const spec: SubscriptionSpec = {
  name: 'workers',
  topic: 'floodgate-tasks',
  ackDeadlineMs: 60_000,
  redelivery: { minMs: 1_000, maxMs: 5_000 },
  maxDeliveryAttempts: 5,
};
const deadLetters: SubscriptionSpec = { ...spec, name: 'dead-letters', topic: 'floodgate-dead-letter' };
const message = (data: string, overrides: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  topic: 'floodgate-tasks',
  attributes: { id: data },
  data,
  ...overrides,
});

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let file: string;
let clock: ManualClock;
const ids = createSeededIds(1);
const opened: { readonly database: SqliteDatabase; readonly bus: SqliteMessageBus }[] = [];
beforeEach(async () => {
  folder = await createTemporaryFolder();
  file = join(folder.path, 'floodgate.db');
  // About the time of the processes that tests start, whose clock is the real one.
  clock = new ManualClock(Date.now());
});
afterEach(async () => {
  for (const { bus, database } of opened.splice(0)) {
    await bus[Symbol.asyncDispose]();
    await database.close();
  }
  await folder[Symbol.asyncDispose]();
});

function open(options: Partial<QueueMessageBusOptions> = {}): { readonly database: SqliteDatabase; readonly bus: SqliteMessageBus } {
  const database = SqliteDatabase.open({ file, clock, ids });
  const one = { database, bus: new SqliteMessageBus(database, { clock, ids, subscriptions: [spec], ...options }) };
  opened.push(one);
  return one;
}

async function collect(
  bus: SqliteMessageBus,
  verdict: (delivery: Delivery) => Verdict | Promise<Verdict> = () => 'ack',
  of: SubscriptionSpec = spec,
): Promise<Delivery[]> {
  const deliveries: Delivery[] = [];
  const handler = async (delivery: Delivery): Promise<Verdict> => {
    deliveries.push(delivery);
    return verdict(delivery);
  };
  await bus.subscribe(of, handler, { maxOutstanding: 10 });
  return deliveries;
}

const queued = (database: SqliteDatabase): number => database.rowStatement('SELECT count(*) FROM queue').get()![0] as number;

describe('kill -9', () => {
  it('loses nothing that was published', async () => {
    await using child = startChild(childProgram, ['publish-and-hang', file]);
    expect(await child.next()).toBe('published');
    await child.kill();
    const deliveries = await collect(open().bus);
    await clock.advanceUntil(() => deliveries.length === 3);
    expect(deliveries.map((delivery) => [delivery.data, delivery.deliveryAttempt])).toEqual([
      ['1', 1],
      ['2', 1],
      ['3', 1],
    ]);
  });

  it('brings back what the dead process had, after its ack deadline where others may consume', async () => {
    const { bus } = open();
    await bus.publish([message('1'), message('2'), message('3')]);
    await using child = startChild(childProgram, ['claim-and-hang', file]);
    expect(await child.next()).toBe('claimed');
    await child.kill();
    const deliveries = await collect(bus);
    await clock.advance(50_000);
    expect(deliveries).toHaveLength(0);
    await clock.advance(20_000);
    expect(deliveries.map((delivery) => [delivery.data, delivery.deliveryAttempt] as const).toSorted(([a], [b]) => (a < b ? -1 : 1))).toEqual([
      ['1', 2],
      ['2', 2],
      ['3', 2],
    ]);
  });

  it('brings it back at once to a bus that is exclusive', async () => {
    await open().bus.publish([message('1'), message('2'), message('3')]);
    await using child = startChild(childProgram, ['claim-and-hang', file]);
    expect(await child.next()).toBe('claimed');
    await child.kill();
    const deliveries = await collect(open({ exclusive: true }).bus);
    await clock.advance(0);
    expect(deliveries.map((delivery) => [delivery.data, delivery.deliveryAttempt] as const).toSorted(([a], [b]) => (a < b ? -1 : 1))).toEqual([
      ['1', 2],
      ['2', 2],
      ['3', 2],
    ]);
  });

  it('does not hurry what waits for its backoff, even for an exclusive bus', async () => {
    const first = await collect(open().bus, () => 'nack');
    await opened[0]!.bus.publish([message('1')]);
    await clock.advanceUntil(() => first.length === 1);
    await opened[0]!.bus[Symbol.asyncDispose]();
    const second = await collect(open({ exclusive: true }).bus);
    await clock.advance(900);
    expect(second).toHaveLength(0);
    await clock.advance(200);
    expect(second).toHaveLength(1);
  });
});

describe('a full disk', () => {
  it('publishes all messages of a call or none, and says disk_full', async () => {
    const { bus, database } = open();
    await bus.publish([message('before')]);
    database.execute('PRAGMA max_page_count = 40');
    const large = 'x'.repeat(100_000);
    await expect(bus.publish([message('a'), message(large), message(large)])).rejects.toMatchObject({
      name: 'StoreError',
      code: 'disk_full',
      hint: expect.any(String),
    });
    expect(queued(database)).toBe(1);
    database.execute('PRAGMA max_page_count = 1000000');
    await bus.publish([message('after')]);
    const deliveries = await collect(bus);
    await clock.advanceUntil(() => deliveries.length === 2);
    expect(deliveries.map((delivery) => delivery.data)).toEqual(['before', 'after']);
  });

  it('says a verdict again when it could not be written, before the lease expires', async () => {
    const { bus, database } = open();
    const deliveries = await collect(bus);
    database.execute(`CREATE TRIGGER refuse BEFORE DELETE ON queue BEGIN SELECT RAISE(ABORT, 'no'); END`);
    await bus.publish([message('a')]);
    await clock.advanceUntil(() => deliveries.length === 1);
    await clock.advance(1_000);
    expect(queued(database)).toBe(1);
    database.execute('DROP TRIGGER refuse');
    await clock.advance(200);
    expect(queued(database)).toBe(0);
    expect(deliveries).toHaveLength(1);
  });
});

describe('what is kept', () => {
  it('is nothing of messages that all subscriptions have acked', async () => {
    const { bus, database } = open({ subscriptions: [spec, { ...spec, name: 'second' }, deadLetters] });
    const first = await collect(bus);
    const second = await collect(bus, () => 'ack', { ...spec, name: 'second' });
    for (let i = 0; i < 20; i += 1) await bus.publish([message(`a${i}`), message(`b${i}`, { orderingKey: 'k' })]);
    await clock.advanceUntil(() => first.length === 40 && second.length === 40);
    await clock.advance(0);
    expect(queued(database)).toBe(0);
  });

  it('is nothing of messages that nobody has subscribed to', async () => {
    const { bus, database } = open();
    await bus.publish([message('a', { topic: 'floodgate-phase-events' })]);
    expect(queued(database)).toBe(0);
  });

  it('is the message itself, as long as nobody would get its dead letter', async () => {
    const { bus, database } = open();
    const deliveries = await collect(bus, (delivery) => (delivery.deliveryAttempt < 9 ? 'nack' : 'ack'));
    await bus.publish([message('a')]);
    await clock.advanceUntil(() => deliveries.length === 9);
    await clock.advance(0);
    expect(queued(database)).toBe(0);
  });
});

it('takes an ack that comes after the lease has expired: the work is done', async () => {
  const { bus, database } = open();
  const late = Promise.withResolvers<Verdict>();
  const first = await collect(bus, () => late.promise);
  await bus.publish([message('a')]);
  await clock.advanceUntil(() => first.length === 1);
  // As if this process had been suspended for longer than its lease, and another had taken the message and sent it back.
  database.execute(`UPDATE queue SET holder = NULL, attempt = 2, due_at = ${clock.now() + 30_000}`);
  late.resolve('ack');
  await clock.advance(0);
  expect(queued(database)).toBe(0);
});

it('ignores a nack of a delivery that somebody else has by now', async () => {
  const { bus, database } = open();
  const late = Promise.withResolvers<Verdict>();
  const first = await collect(bus, () => late.promise);
  await bus.publish([message('a')]);
  await clock.advanceUntil(() => first.length === 1);
  database.execute(`UPDATE queue SET holder = 'other', attempt = 2, due_at = ${clock.now() + 30_000}`);
  late.resolve('nack');
  await clock.advance(10_000);
  expect(database.rowStatement('SELECT holder, attempt FROM queue').get()).toEqual(['other', 2]);
});

it('refuses a subscription whose name belongs to another topic', () => {
  open();
  expect(() => open({ subscriptions: [{ ...spec, topic: 'floodgate-commits' }] })).toThrow(
    expect.objectContaining({ code: 'invalid', message: expect.stringContaining('floodgate-tasks') }),
  );
});

it('delivers what its own process publishes without waiting for a poll, and finds what others publish by polling', async () => {
  const { bus } = open({ pollMs: 5_000 });
  const deliveries = await collect(bus);
  await clock.advance(10);
  const startedAt = clock.now();
  await bus.publish([message('own')]);
  await clock.settle();
  expect(deliveries).toHaveLength(1);
  await open().bus.publish([message('other')]);
  await clock.settle();
  expect(deliveries).toHaveLength(1);
  await clock.advanceUntil(() => deliveries.length === 2);
  expect(clock.now() - startedAt).toBeLessThanOrEqual(5_000);
});

it('goes on with a key, and comes again after a backoff, without waiting for a poll', async () => {
  const { bus } = open({ pollMs: 30_000 });
  const deliveries = await collect(bus, (delivery) => (delivery.data === 'nacked' && delivery.deliveryAttempt === 1 ? 'nack' : 'ack'));
  await bus.publish([1, 2, 3, 4, 5].map((n) => message(String(n), { orderingKey: 'k' })));
  await clock.settle();
  expect(deliveries.map((delivery) => delivery.data)).toEqual(['1', '2', '3', '4', '5']);
  await bus.publish([message('nacked')]);
  await clock.settle();
  await clock.advance(999);
  expect(deliveries).toHaveLength(6);
  await clock.advance(1);
  expect(deliveries).toHaveLength(7);
});

it('gives up with the last nack, not after another backoff', async () => {
  const { bus } = open({ subscriptions: [spec, deadLetters] });
  const deliveries = await collect(bus, () => 'nack');
  const dead = await collect(bus, () => 'ack', deadLetters);
  await bus.publish([message('bad')]);
  await clock.advanceUntil(() => deliveries.length === 5);
  await clock.advance(100);
  expect(dead).toHaveLength(1);
});

it('starts no handler once it is told to stop, and gives back at once what was on its way', async () => {
  const { bus } = open();
  const started: string[] = [];
  const handler = async ({ data }: Delivery): Promise<Verdict> => {
    started.push(data);
    return 'ack';
  };
  const subscription = await bus.subscribe(spec, handler, { maxOutstanding: 10 });
  await clock.settle();
  await bus.publish([message('a')]);
  // The lease of the message is being written.
  const stopping = subscription.stop(10_000);
  await clock.settle();
  await stopping;
  expect(started).toEqual([]);
  const deliveries = await collect(bus);
  await clock.settle();
  expect(deliveries.map((delivery) => delivery.deliveryAttempt)).toEqual([1]);
});

it('stops polling when the last subscription stops', async () => {
  const { bus } = open();
  const subscription = await bus.subscribe(spec, async () => 'ack', { maxOutstanding: 1 });
  await clock.settle();
  expect(clock.sleeping).toBe(1);
  await subscription.stop(1_000);
  await clock.settle();
  expect(clock.sleeping).toBe(0);
  // And begins again with the next one.
  const deliveries = await collect(bus);
  await open().bus.publish([message('a')]);
  await clock.advanceUntil(() => deliveries.length === 1);
});
