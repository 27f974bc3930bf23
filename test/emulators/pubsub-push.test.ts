// Pushes of the emulator to an endpoint of ours: what it sends is what PubSubPushBus understands, and what it is answered decides.
// The emulator sends no token, also where the subscription asks for one; push-token.test.ts has real signatures.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { PubSub } from '@google-cloud/pubsub';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { parseMessage, subscriptions } from '@floodgate/core/contracts/messages.ts';
import { topics } from '@floodgate/core/ports/message-bus.ts';
import type { Delivery, OutgoingMessage, SubscriptionSpec, Verdict } from '@floodgate/core/ports/message-bus.ts';
import type { RunningEmulator } from '@floodgate/emulators/java-emulator.ts';
import { startPubSubEmulator } from '@floodgate/emulators/pubsub-emulator.ts';
import { connectPubSub } from '@floodgate/gcp/pubsub-client.ts';
import { PubSubPublisher } from '@floodgate/gcp/pubsub-publisher.ts';
import { PubSubPushBus } from '@floodgate/gcp/pubsub-push-bus.ts';
import { statusOfPush } from '@floodgate/http/push-router.ts';
import { ensurePubSub } from '@floodgate/gcp/resources-pubsub.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { describeWithEmulators } from './support/requirements.ts';

const testSpec = (overrides: Partial<SubscriptionSpec> = {}): SubscriptionSpec => ({
  name: 'workers',
  topic: 'floodgate-tasks',
  ackDeadlineMs: 10_000,
  redelivery: { minMs: 100, maxMs: 500 },
  maxDeliveryAttempts: 5,
  ...overrides,
});
const message = (data: string, overrides: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  topic: 'floodgate-tasks',
  attributes: { id: data, source: '/test', type: 'test' },
  data,
  ...overrides,
});

describeWithEmulators('push on the Pub/Sub emulator', ['pubsub'], () => {
  let emulator: RunningEmulator;
  beforeAll(async () => {
    emulator = await startPubSubEmulator();
  });
  afterAll(() => emulator[Symbol.asyncDispose]());

  let projects = 0;
  let pubsub: PubSub;
  let bus: PubSubPushBus;
  let ends: (() => Promise<unknown> | void)[];
  let requests: IncomingMessage[];
  let statuses: number[];

  beforeEach(async () => {
    projects += 1;
    const projectId = `push-${projects}`;
    [ends, requests, statuses] = [[], [], []];
    pubsub = connectPubSub({ projectId, emulators: { pubsub: emulator.host } });
    const publisher = new PubSubPublisher(pubsub, { clock: systemClock });
    bus = new PubSubPushBus({ publisher, projectId, clock: systemClock });
    ends.push(
      () => publisher[Symbol.asyncDispose](),
      () => pubsub.close(),
    );
  });
  afterEach(async () => {
    for (const end of ends) await end();
  });

  /** An endpoint, and push subscriptions to it. */
  const declare = async (...specs: readonly SubscriptionSpec[]): Promise<void> => {
    const server = createServer((request, response) => {
      requests.push(request);
      void text(request).then(async (body) => {
        const outcome = await bus.deliver(JSON.parse(body), decodeURIComponent(request.url!.split('/').at(-1)!));
        statuses.push(statusOfPush[outcome.outcome]);
        response.writeHead(statusOfPush[outcome.outcome]).end();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ends.push(() => {
      server.closeAllConnections();
      server.close();
    });
    const push = (name: string) => ({
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/push/${name}`,
      serviceAccount: 'pusher@project-one.iam.gserviceaccount.com',
      audience: 'https://worker.example',
    });
    const declared = specs.map((spec) => ({ ...spec, push: push(spec.name) }));
    await ensurePubSub(pubsub, topics, declared, pubsub.projectId, AbortSignal.timeout(10_000));
  };

  const collect = async (spec: SubscriptionSpec, verdict: (delivery: Delivery) => Verdict | Promise<Verdict>, maxOutstanding = 10) => {
    const deliveries: Delivery[] = [];
    await bus.subscribe(
      spec,
      async (delivery) => {
        deliveries.push(delivery);
        return verdict(delivery);
      },
      { maxOutstanding },
    );
    return deliveries;
  };

  const until = async (done: () => boolean): Promise<void> => {
    for (const endsAt = Date.now() + 60_000; !done(); await systemClock.sleep(5)) {
      if (Date.now() > endsAt) throw new Error('did not happen within 60 s');
    }
  };

  it('delivers what was published, once, and without a token', async () => {
    const spec = testSpec();
    await declare(spec);
    const deliveries = await collect(spec, () => 'ack');
    await bus.publish([message('{"größe":"日本 😀"}')]);
    await until(() => deliveries.length === 1);
    await systemClock.sleep(3_000);
    expect(deliveries).toMatchObject([{ subscription: 'workers', topic: 'floodgate-tasks', data: '{"größe":"日本 😀"}', deliveryAttempt: 1 }]);
    expect(deliveries[0]!.attributes).toMatchObject({ source: '/test', type: 'test' });
    expect(statuses).toEqual([204]);
    expect(requests[0]!.headers.authorization).toBeUndefined();
  });

  it('comes again after a nack, until it goes to the dead letters, which say where it came from', async () => {
    const spec = testSpec();
    const deadSpec = testSpec({ name: 'dead-letters', topic: 'floodgate-dead-letter' });
    await declare(spec, deadSpec);
    const deliveries = await collect(spec, () => 'nack');
    const dead = await collect(deadSpec, () => 'ack');
    await bus.publish([message('bad')]);
    await until(() => dead.length === 1);
    // Pub/Sub counts them in the body of the push, the emulator (0.8.20) does not, also where it dead-letters by its own count.
    expect(deliveries).toHaveLength(5);
    expect(dead[0]).toMatchObject({ data: 'bad', attributes: { id: 'bad', deadlettersource: 'workers', deadletterattempts: '5' } });
  });

  it('waits outside while the handler has as many as it takes', async () => {
    const spec = testSpec({ maxDeliveryAttempts: 100 });
    await declare(spec);
    const first = Promise.withResolvers<Verdict>();
    let running = 0;
    let mostRunning = 0;
    const acked = new Set<string>();
    await collect(
      spec,
      async ({ data }): Promise<Verdict> => {
        running += 1;
        mostRunning = Math.max(mostRunning, running);
        if (acked.size === 0) await first.promise;
        running -= 1;
        acked.add(data);
        return 'ack';
      },
      2,
    );
    await bus.publish(Array.from({ length: 6 }, (_, i) => message(`m${i}`)));
    await until(() => statuses.includes(429));
    first.resolve('ack');
    await until(() => acked.size === 6);
    expect(mostRunning).toBe(2);
  });

  it('comes again where nobody has subscribed yet', async () => {
    const spec = testSpec({ maxDeliveryAttempts: 100 });
    await declare(spec);
    await bus.publish([message('early')]);
    await until(() => statuses.includes(404));
    const deliveries = await collect(spec, () => 'ack');
    await until(() => deliveries.length === 1);
    await until(() => statuses.includes(204));
    expect(deliveries).toMatchObject([{ data: 'early' }]);
  });

  it('makes a request of what `gcloud pubsub topics publish` sends', async () => {
    await declare(subscriptions.plannerRequests);
    const deliveries = await collect(subscriptions.plannerRequests, () => 'ack');
    await bus.publish([{ topic: 'floodgate-backfill-requests', attributes: {}, data: '{"pipeline":"nba"}' }]);
    await until(() => deliveries.length === 1);
    const { attributes, data } = deliveries[0]!;
    expect(parseMessage(attributes, data)).toMatchObject({ type: 'floodgate.backfill.requested', data: { pipeline: 'nba' } });
    expect(attributes['id']).toMatch(/^\d+$/);
  });
});
