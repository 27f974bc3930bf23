import { describe, expect, it } from 'vitest';
import { parseMessage, subscriptions } from '@floodgate/core/contracts/messages.ts';
import type { Delivery, OutgoingMessage, SubscriptionSpec, Verdict } from '@floodgate/core/ports/message-bus.ts';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { PubSubPushBus } from './pubsub-push-bus.ts';

const spec = subscriptions.workerTasks;
const encode = (text: string): string => Buffer.from(text).toString('base64');
const push = (data: string, more: object = {}): object => ({
  message: { data: encode(data), attributes: { id: 'e1' }, messageId: '11', message_id: '11', publishTime: '2026-01-01T00:00:00Z', ...more },
  subscription: `projects/project-one/subscriptions/${spec.name}`,
});

type Options = { readonly maxOutstanding?: number; readonly of?: SubscriptionSpec; readonly requestTimeoutMs?: number };

const open = async (handler: (delivery: Delivery) => Promise<Verdict>, { maxOutstanding = 10, of = spec, requestTimeoutMs }: Options = {}) => {
  const clock = new ManualClock();
  const published: OutgoingMessage[] = [];
  const publisher = { publish: async (messages: readonly OutgoingMessage[]) => void published.push(...messages) };
  const bus = new PubSubPushBus({ publisher, projectId: 'project-one', clock, ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }) });
  const subscription = await bus.subscribe(of, handler, { maxOutstanding });
  return { clock, bus, subscription, published };
};

/** A handler that waits to be told, and what it was given. */
const waiting = () => {
  const deliveries: Delivery[] = [];
  const verdicts: PromiseWithResolvers<Verdict>[] = [];
  const handler = (delivery: Delivery): Promise<Verdict> => {
    deliveries.push(delivery);
    verdicts.push(Promise.withResolvers());
    return verdicts.at(-1)!.promise;
  };
  return { handler, deliveries, verdicts };
};

describe('a push', () => {
  it('is delivered as it was published, with the count of deliveries', async () => {
    const { handler, deliveries, verdicts } = waiting();
    const { bus } = await open(handler);
    const outcome = bus.deliver({ ...push('{"größe":"日本 😀"}'), deliveryAttempt: 3 }, spec.name);
    expect(deliveries).toMatchObject([
      { subscription: spec.name, topic: spec.topic, attributes: { id: 'e1' }, data: '{"größe":"日本 😀"}', deliveryAttempt: 3 },
    ]);
    verdicts[0]!.resolve('ack');
    expect(await outcome).toEqual({ outcome: 'acked' });
  });

  it('is the first delivery where nobody counts, and may have no data, or no attributes', async () => {
    const seen: Delivery[] = [];
    const { bus } = await open(async (delivery) => {
      seen.push(delivery);
      return 'ack';
    });
    await bus.deliver({ message: { attributes: { id: 'e1' }, messageId: '1' } }, spec.name);
    await bus.deliver({ message: { data: encode('x'), messageId: '2' } }, spec.name);
    expect(seen).toMatchObject([
      { data: '', attributes: { id: 'e1' }, deliveryAttempt: 1 },
      { data: 'x', attributes: {}, deliveryAttempt: 1 },
    ]);
  });

  it('finds its handler by the name of the subscription or its path, and no other', async () => {
    const { bus } = await open(async () => 'ack');
    expect(await bus.deliver(push('x'), `projects/project-one/subscriptions/${spec.name}`)).toEqual({ outcome: 'acked' });
    expect(await bus.deliver(push('x'), 'floodgate-others')).toEqual({ outcome: 'unknown_subscription' });
  });

  it.each([
    ['nacked by a nack', async (): Promise<Verdict> => 'nack'],
    [
      'nacked by a handler that throws',
      async (): Promise<Verdict> => {
        throw new Error('failed');
      },
    ],
  ])('is %s', async (_, handler) => {
    const { bus } = await open(handler);
    expect(await bus.deliver(push('x'), spec.name)).toEqual({ outcome: 'nacked' });
  });

  it.each([
    ['nothing', undefined],
    ['a text', 'x'],
    ['an unwrapped payload', { pipeline: 'nba' }],
    ['a message without an id', { message: { data: encode('x') } }],
    ['data that is not base64', { message: { data: '{}!', messageId: '1' } }],
  ])('is malformed where its body is %s, and no handler hears of it', async (_, body) => {
    const { handler, deliveries } = waiting();
    const { bus } = await open(handler);
    expect(await bus.deliver(body, spec.name)).toMatchObject({ outcome: 'malformed', problem: expect.stringMatching(/./) });
    expect(deliveries).toEqual([]);
  });

  it('is no more than one of maxOutstanding at once', async () => {
    const { handler, verdicts } = waiting();
    const { bus } = await open(handler, { maxOutstanding: 2 });
    const running = [bus.deliver(push('a'), spec.name), bus.deliver(push('b'), spec.name)];
    expect(await bus.deliver(push('c'), spec.name)).toEqual({ outcome: 'busy' });
    verdicts[0]!.resolve('ack');
    await running[0];
    const next = bus.deliver(push('c'), spec.name);
    for (const verdict of verdicts) verdict.resolve('ack');
    expect(await next).toEqual({ outcome: 'acked' });
  });

  it('is given up when Pub/Sub no longer waits, and takes its place until its handler has ended', async () => {
    const { handler, deliveries, verdicts } = waiting();
    const { bus, clock } = await open(handler, { maxOutstanding: 1, requestTimeoutMs: 600_000 });
    const outcome = bus.deliver(push('a'), spec.name);
    await clock.advance(599_999);
    expect(deliveries[0]!.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(await outcome).toEqual({ outcome: 'late' });
    expect(deliveries[0]!.signal.aborted).toBe(true);
    expect(await bus.deliver(push('a'), spec.name)).toEqual({ outcome: 'busy' });
    verdicts[0]!.resolve('ack');
    await clock.advance(1);
    const again = bus.deliver(push('a'), spec.name);
    verdicts[1]!.resolve('ack');
    expect(await again).toEqual({ outcome: 'acked' });
  });

  it('is answered by running handlers within the grace of a stop, and refused after it', async () => {
    const { handler, deliveries, verdicts } = waiting();
    const { bus, clock, subscription } = await open(handler);
    const [a, b] = [bus.deliver(push('a'), spec.name), bus.deliver(push('b'), spec.name)];
    const stopped = subscription.stop(3_000);
    expect(await bus.deliver(push('c'), spec.name)).toEqual({ outcome: 'stopping' });
    verdicts[0]!.resolve('ack');
    expect(await a).toEqual({ outcome: 'acked' });
    await clock.advance(2_999);
    expect(deliveries[1]!.signal.aborted).toBe(false);
    await clock.advance(1);
    await stopped;
    expect(deliveries[1]!.signal.aborted).toBe(true);
    expect(await b).toEqual({ outcome: 'stopping' });
  });

  it('keeps a stop waiting no longer than its handlers need', async () => {
    const { handler, verdicts } = waiting();
    const { bus, clock, subscription } = await open(handler);
    const outcome = bus.deliver(push('a'), spec.name);
    const startedAt = clock.now();
    const stopped = subscription.stop(60_000);
    verdicts[0]!.resolve('nack');
    await stopped;
    expect(await outcome).toEqual({ outcome: 'nacked' });
    expect(clock.now()).toBe(startedAt);
  });
});

it('a plain request has the id of its message, delivered once or twice', async () => {
  const seen: Delivery[] = [];
  const of = subscriptions.plannerRequests;
  const { bus } = await open(
    async (delivery) => {
      seen.push(delivery);
      return 'ack';
    },
    { of },
  );
  const body = { message: { data: encode('{"pipeline":"nba"}'), messageId: '77' } };
  await bus.deliver(body, of.name);
  await bus.deliver(body, of.name);
  const parsed = seen.map(({ attributes, data }) => parseMessage(attributes, data));
  expect(parsed[0]).toMatchObject({
    type: 'floodgate.backfill.requested',
    data: { pipeline: 'nba' },
    attributes: { id: '77', source: '//pubsub.googleapis.com/projects/project-one/topics/floodgate-backfill-requests' },
  });
  expect(parsed[1]).toEqual(parsed[0]);
});

it('a push bus publishes as its publisher does, and a subscription has one handler', async () => {
  const { bus, published } = await open(async () => 'ack');
  await bus.publish([{ topic: 'floodgate-tasks', attributes: { id: '1' }, data: 'x' }]);
  expect(published).toHaveLength(1);
  await expect(bus.subscribe(spec, async () => 'ack', { maxOutstanding: 1 })).rejects.toMatchObject({ code: 'already_subscribed' });
});
