// What the planner makes of messages that the bus has given up on.
import { expect, test } from 'vitest';
import { schedulerLeasePath } from '@floodgate/core/contracts/documents.ts';
import { createMessage, subscriptions } from '@floodgate/core/contracts/messages.ts';
import type { Delivery, MessageBus, OutgoingMessage, Verdict } from '@floodgate/core/ports/message-bus.ts';
import { createPlannerApp } from '@floodgate/planner/app.ts';
import { createWorld, never, type World } from '../support/world.ts';

/** A planner whose deliveries are made by hand. */
const startPlanner = async (world: World, holder: string) => {
  const handlers = new Map<string, (delivery: Delivery) => Promise<Verdict>>();
  const bus: MessageBus = {
    publish: (messages) => world.bus.publish(messages),
    subscribe: async ({ name }, handler) => {
      handlers.set(name, handler);
      return { stop: async () => undefined };
    },
  };
  const every = { gatherMs: 1, reconcileEveryMs: 3_600_000, outboxAgeMs: 1_000, queuedAgeMs: 60_000, keepClosedMs: Number.MAX_SAFE_INTEGER };
  const planner = createPlannerApp({ ...world.planner(holder), ...every, bus });
  await planner.start();
  const deliver = (subscription: string, { attributes, data, topic }: OutgoingMessage): Promise<Verdict> =>
    world.run(handlers.get(subscription)!({ subscription, topic, attributes, data, deliveryAttempt: 1, signal: never }));
  return { planner, deliver };
};

test('a request that the bus has dead-lettered is decided all the same, once', async () => {
  const world = createWorld({ days: 1 });
  const { planner, deliver } = await startPlanner(world, 'planner');
  const about = { id: 'r1', source: '/test', subject: '', time: world.clock.now(), traceparent: '' };
  const request = createMessage('floodgate.backfill.requested', { pipeline: 'test' }, about);
  for (let time = 0; time < 2; time += 1) expect(await deliver(subscriptions.plannerDeadLetters.name, request)).toBe('ack');
  expect(await world.store.query({ collection: 'backfills' })).toHaveLength(1);
  await world.run(planner.stop(0));
});

test('a planner that stops gives its backfills to the next one, which needn’t wait for its leases to die', async () => {
  const world = createWorld({ days: 2 });
  const id = await world.start({ processors: ['games'] });
  const [first, second] = [await startPlanner(world, 'first'), await startPlanner(world, 'second')];
  const rung = (): readonly OutgoingMessage[] => world.bus.published.filter(({ attributes }) => attributes['type'] === 'floodgate.backfill.moved');
  const holder = async () => (await world.store.get(schedulerLeasePath(id)))?.data['holder'];
  await world.clock.advance(10);
  expect(await holder()).toBe('first');
  const before = rung().length;
  await world.run(first.planner.stop(1_000));
  expect(await holder()).toBe('');
  expect(rung()).toHaveLength(before + 1);
  expect(await second.deliver(subscriptions.plannerTaskEvents.name, rung().at(-1)!)).toBe('ack');
  await world.clock.advance(10);
  expect(await holder()).toBe('second');
  await world.run(second.planner.stop(1_000));
});
