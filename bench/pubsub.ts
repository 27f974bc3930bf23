// What the message bus costs beside Google's bare client, on one emulator in one run: messages published and pulled a second, and
// how long a doorbell takes from publish to handler. `node bench/pubsub.ts [messages]`. The emulator is most of it: compare the
// lines with one another, not with the service.
import type { PubSub } from '@google-cloud/pubsub';
import type { OutgoingMessage, SubscriptionSpec } from '@floodgate/core/ports/message-bus.ts';
import { topics } from '@floodgate/core/ports/message-bus.ts';
import { startPubSubEmulator } from '@floodgate/emulators/pubsub-emulator.ts';
import { connectPubSub } from '@floodgate/gcp/pubsub-client.ts';
import { PubSubMessageBus } from '@floodgate/gcp/pubsub-message-bus.ts';
import { ensurePubSub } from '@floodgate/gcp/resources-pubsub.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';

const count = Number(process.argv[2] ?? 10_000);
const perCall = 100;
const callsAtOnce = 8;
const maxOutstanding = 100;
const rounds = 3;
const doorbells = 300;

await using emulator = await startPubSubEmulator();
const spec = (name: string): SubscriptionSpec => ({
  name,
  topic: 'floodgate-tasks',
  ackDeadlineMs: 60_000,
  redelivery: { minMs: 200, maxMs: 30_000 },
  maxDeliveryAttempts: 100,
});
const message = (i: number): OutgoingMessage => ({
  topic: 'floodgate-tasks',
  attributes: { id: String(i), source: '/bench', type: 'floodgate.tasks.dispatched', subject: 'x', time: '2026-01-01T00:00:00Z' },
  data: JSON.stringify({ dispatchId: `d${i}`, backfillId: 'b', processorId: 'p', tasks: [{ path: `backfills/b/tasks/${i}`, epoch: 1 }] }),
});

type Side = {
  readonly publish: (messages: readonly OutgoingMessage[]) => Promise<void>;
  /** Calls back for each message, which is acked. */
  readonly pull: (onMessage: () => void) => Promise<void>;
  readonly close: () => Promise<void>;
};
type Sides = Readonly<Record<string, (pubsub: PubSub) => Promise<Side>>>;

const sides: Sides = {
  'bare client, its defaults': async (pubsub) => {
    const topic = pubsub.topic('floodgate-tasks');
    const subscription = pubsub.subscription('workers', { flowControl: { maxMessages: maxOutstanding } });
    return {
      publish: async (messages) => {
        await Promise.all(messages.map(({ data, attributes }) => topic.publishMessage({ data: Buffer.from(data), attributes })));
      },
      pull: async (onMessage) => {
        subscription.on('message', (received) => {
          onMessage();
          received.ack();
        });
      },
      close: () => subscription.close(),
    };
  },
  'message bus': async (pubsub) => {
    const bus = new PubSubMessageBus(pubsub, { clock: systemClock });
    return {
      publish: (messages) => bus.publish(messages),
      pull: async (onMessage) => {
        await bus.subscribe(
          spec('workers'),
          async () => {
            onMessage();
            return 'ack';
          },
          { maxOutstanding },
        );
      },
      close: () => bus[Symbol.asyncDispose](),
    };
  },
};

const seconds = (since: number): number => (performance.now() - since) / 1_000;
const at = (sorted: readonly number[], part: number): string => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(1);

const measure = async (open: (pubsub: PubSub) => Promise<Side>, projectId: string): Promise<string> => {
  const pubsub = connectPubSub({ projectId, emulators: { pubsub: emulator.host } });
  await ensurePubSub(pubsub, topics, [spec('workers')], projectId, AbortSignal.timeout(10_000));
  const side = await open(pubsub);

  const calls = Array.from({ length: count / perCall }, (_, call) => Array.from({ length: perCall }, (_unused, i) => message(call * perCall + i)));
  await side.publish([message(-1)]); // connects
  const publishedAt = performance.now();
  const publishNext = async (): Promise<void> => {
    for (let call = calls.pop(); call !== undefined; call = calls.pop()) await side.publish(call);
  };
  await Promise.all(Array.from({ length: callsAtOnce }, publishNext));
  const published = count / seconds(publishedAt);

  let pulled = 0;
  let onPull = (): void => undefined;
  const all = Promise.withResolvers<void>();
  const pulledAt = performance.now();
  await side.pull(() => {
    pulled += 1;
    if (pulled === count + 1) all.resolve();
    onPull();
  });
  await all.promise;
  const pulledASecond = count / seconds(pulledAt);

  const times: number[] = [];
  for (let i = 0; i < doorbells; i += 1) {
    const rung = Promise.withResolvers<void>();
    onPull = rung.resolve;
    const rungAt = performance.now();
    await Promise.all([side.publish([message(i)]), rung.promise]);
    times.push(performance.now() - rungAt);
  }
  times.sort((a, b) => a - b);
  await side.close();
  await pubsub.close();
  return `published ${published.toFixed(0)}/s, pulled ${pulledASecond.toFixed(0)}/s, doorbell p50 ${at(times, 0.5)} ms, p99 ${at(times, 0.99)} ms`;
};

for (let round = 1; round <= rounds; round += 1) {
  for (const [i, [name, open]] of Object.entries(sides).entries()) console.log(`round ${round}, ${name}: ${await measure(open, `bench-${round}-${i}`)}`);
}
