import { expect, it } from 'vitest';
import type { Delivery, MessageBus, SubscriptionSpec, Verdict } from '@floodgate/core/ports/message-bus.ts';
import { logDeliveries } from './logged-bus.ts';

const spec: SubscriptionSpec = {
  name: 'worker-tasks',
  topic: 'floodgate-tasks',
  ackDeadlineMs: 60_000,
  redelivery: { minMs: 1, maxMs: 2 },
  maxDeliveryAttempts: 5,
};

/** Hands one delivery to whoever subscribes, and what came of it to the test. */
const deliverOnce = async (handler: (delivery: Delivery) => Promise<Verdict>, signal = new AbortController().signal) => {
  const lines: (readonly [string, object, string])[] = [];
  const log = (level: string) => (fields: object, message: string) => void lines.push([level, fields, message]);
  const logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
  let result: unknown;
  const delivery: Delivery = {
    subscription: spec.name,
    topic: spec.topic,
    attributes: { id: 'm1', type: 'floodgate.tasks.dispatched', subject: 'b1', traceparent: '00-a-b-01' },
    data: '{}',
    deliveryAttempt: 3,
    signal,
  };
  const bus: MessageBus = {
    publish: async () => undefined,
    subscribe: async (_spec, handle) => {
      result = await handle(delivery).catch((error: unknown) => error);
      return { stop: async () => undefined };
    },
  };
  let now = 0;
  await logDeliveries(bus, { clock: { now: () => (now += 5), sleep: async () => undefined }, logger }).subscribe(spec, handler, { maxOutstanding: 1 });
  return { lines, result };
};

it('writes one line for a message that was handled', async () => {
  const { lines, result } = await deliverOnce(async () => 'nack');
  expect(result).toBe('nack');
  const fields = {
    subscription: 'worker-tasks',
    messageId: 'm1',
    type: 'floodgate.tasks.dispatched',
    subject: 'b1',
    traceparent: '00-a-b-01',
    deliveryAttempt: 3,
  };
  expect(lines).toEqual([['info', { ...fields, verdict: 'nack', tookMs: 5 }, 'message handled']]);
});

it('writes an error for one whose handler throws, and lets the bus see it', async () => {
  const error = new Error('store gone');
  const { lines, result } = await deliverOnce(async () => Promise.reject(error));
  expect(result).toBe(error);
  expect(lines).toMatchObject([['error', { verdict: 'nack', err: error }, 'message not handled']]);
});

it('takes one that was aborted for given back', async () => {
  const { lines } = await deliverOnce(async () => Promise.reject(new Error('stopped')), AbortSignal.abort());
  expect(lines).toMatchObject([['info', { verdict: 'nack' }, 'message given back']]);
});
