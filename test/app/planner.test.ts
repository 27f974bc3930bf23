// What the planner makes of messages that the bus has given up on.
import { expect, test } from 'vitest';
import { createMessage } from '@floodgate/core/contracts/messages.ts';
import type { Delivery, MessageBus, Verdict } from '@floodgate/core/ports/message-bus.ts';
import { createPlannerApp } from '@floodgate/planner/app.ts';
import { createWorld, never } from '../support/world.ts';

test('a request that the bus has dead-lettered is decided all the same, once', async () => {
  const world = createWorld({ days: 1 });
  const handlers = new Map<string, (delivery: Delivery) => Promise<Verdict>>();
  const bus: MessageBus = {
    publish: (messages) => world.bus.publish(messages),
    subscribe: async ({ name }, handler) => {
      handlers.set(name, handler);
      return { stop: async () => undefined };
    },
  };
  const every = { gatherMs: 1, reconcileEveryMs: 3_600_000, outboxAgeMs: 1_000, queuedAgeMs: 60_000, keepClosedMs: Number.MAX_SAFE_INTEGER };
  const planner = createPlannerApp({ ...world.planner('planner'), ...every, bus });
  await planner.start();
  const { attributes, data, topic } = createMessage(
    'floodgate.backfill.requested',
    { pipeline: 'test' },
    { id: 'r1', source: '/test', subject: '', time: world.clock.now(), traceparent: '' },
  );
  const delivery: Delivery = { subscription: 'floodgate-planner-dead-letters', topic, attributes, data, deliveryAttempt: 1, signal: never };
  for (let time = 0; time < 2; time += 1) expect(await world.run(handlers.get(delivery.subscription)!(delivery))).toBe('ack');
  expect(await world.store.query({ collection: 'backfills' })).toHaveLength(1);
  await planner.stop(0);
});
