// Every guarantee in the comments of ports/message-bus.ts, for any adapter. Times are those that Pub/Sub accepts too.
import { describe, expect, test } from 'vitest';
import type { Delivery, MessageBus, OutgoingMessage, SubscriptionSpec, Verdict } from '@floodgate/core/ports/message-bus.ts';

/** One bus as a process would have it. */
export type OpenBus = {
  readonly bus: MessageBus;
  /** Ends it as kill -9 would: nothing more is said to the storage, handlers hang for ever. */
  die(): void;
};

/** A storage of its own for each test, and its time. */
export type MessageBusHarness = AsyncDisposable & {
  /** Another process on the same storage. The subscriptions are declared when it resolves; `ordered` where keys are published. */
  open(options: { readonly subscriptions: readonly SubscriptionSpec[]; readonly ordered?: boolean }): Promise<OpenBus>;
  now(): number;
  /** Lets time pass. */
  pass(ms: number): Promise<void>;
  /** Lets so much of it pass that what should not come would have come. Where time is real, it may be shorter. */
  quiet?(ms: number): Promise<void>;
  /** Lets time pass until it is so; throws when that takes more than `maxMs` of it. */
  until(done: () => boolean, maxMs?: number): Promise<void>;
  /** By how much a delivery may come later than promised. */
  readonly slackMs: number;
};

/** In what a bus differs from the port's comments, each with its reason. */
export type MessageBusDifferences = {
  /** What is given back at a stop waits as if it were nacked. */
  readonly returnedWait?: string;
  /** Deliveries of dead letters may all say that they are the first. */
  readonly deadLettersUncounted?: string;
  /** A message with an ordering key is never given up. */
  readonly orderedNeverGivenUp?: string;
  /** What should be redelivered after the death of a process may be sent to the dead process first, an ack deadline each time. */
  readonly deadStreams?: string;
  /** One process may have got more than it asked for, while another one is idle. */
  readonly hoards?: string;
  /** Waits between deliveries grow by a rule of its own, within the bounds of the subscription. */
  readonly ownWaits?: string;
  /** What takes five ack deadlines is left out. */
  readonly tooSlow?: string;
};

function testSpec(overrides: Partial<SubscriptionSpec> = {}): SubscriptionSpec {
  return { name: 'workers', topic: 'floodgate-tasks', ackDeadlineMs: 10_000, redelivery: { minMs: 1_000, maxMs: 5_000 }, maxDeliveryAttempts: 5, ...overrides };
}

function testMessage(data: string, overrides: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return { topic: 'floodgate-tasks', attributes: { id: data, source: '/test', type: 'test' }, data, ...overrides };
}

const deadLetterSpec = testSpec({ name: 'dead-letters', topic: 'floodgate-dead-letter' });

/** What a test works with. */
type Given = ReturnType<typeof given>;

const given = (harness: MessageBusHarness) => ({
  harness,
  open: async (...subscriptions: SubscriptionSpec[]): Promise<MessageBus> => (await harness.open({ subscriptions })).bus,
  openOrdered: async (...subscriptions: SubscriptionSpec[]): Promise<MessageBus> => (await harness.open({ subscriptions, ordered: true })).bus,
  quiet: (ms: number): Promise<void> => harness.quiet?.(ms) ?? harness.pass(ms),
  /** Subscribes and notes what comes. */
  collect: async (bus: MessageBus, spec: SubscriptionSpec, verdict: (delivery: Delivery) => Verdict | Promise<Verdict> = () => 'ack', maxOutstanding = 10) => {
    const deliveries: Delivery[] = [];
    const times: number[] = [];
    const subscription = await bus.subscribe(
      spec,
      async (delivery) => {
        deliveries.push(delivery);
        times.push(harness.now());
        return verdict(delivery);
      },
      { maxOutstanding },
    );
    return { deliveries, times, subscription, data: () => deliveries.map((delivery) => delivery.data) };
  },
});

export function describeMessageBusContract(name: string, makeHarness: () => Promise<MessageBusHarness>, differences: MessageBusDifferences = {}): void {
  /**
   * A harness of its own for each test, so that a suite whose time is real may run them at once. Runs unless there is a reason not to,
   * which then stands beside its name.
   */
  const itUnless = (reason: string | undefined, sentence: string, body: (given: Given) => Promise<void>): void =>
    test.skipIf(reason !== undefined)(reason === undefined ? sentence : `${sentence} (${reason})`, async () => {
      await using harness = await makeHarness();
      await body(given(harness));
    });
  const it = (sentence: string, body: (given: Given) => Promise<void>): void => itUnless(undefined, sentence, body);

  describe(`message bus contract: ${name}`, () => {
    describe('publish and deliver', () => {
      it('delivers topic, attributes and data as they were published', async ({ harness, open, collect }) => {
        const spec = testSpec();
        const bus = await open(spec);
        const { deliveries } = await collect(bus, spec);
        const attributes = { id: '1', source: '/planner', type: 'floodgate.task', subject: 'größe 日本 😀', traceparent: '00-a-b-01' };
        await bus.publish([{ topic: 'floodgate-tasks', attributes, data: '{"größe":"日本 😀","n":1}' }]);
        await harness.until(() => deliveries.length === 1);
        expect(deliveries[0]).toMatchObject({
          subscription: 'workers',
          topic: 'floodgate-tasks',
          attributes,
          data: '{"größe":"日本 😀","n":1}',
          deliveryAttempt: 1,
        });
        expect(deliveries[0]!.signal.aborted).toBe(false);
      });

      it('never delivers again what was acked', async ({ harness, open, quiet, collect }) => {
        const spec = testSpec();
        const bus = await open(spec);
        const first = await collect(bus, spec);
        await bus.publish([testMessage('a'), testMessage('b')]);
        await harness.until(() => first.deliveries.length === 2);
        await first.subscription.stop(1_000);
        const second = await collect(await open(spec), spec);
        await quiet(30_000);
        expect(first.data().toSorted()).toEqual(['a', 'b']);
        expect(second.data()).toEqual([]);
      });

      it('delivers what was published after the subscription was declared and before anybody subscribed', async ({ harness, open, collect }) => {
        const spec = testSpec();
        await (await open(spec)).publish([testMessage('a')]);
        const { deliveries } = await collect(await open(spec), spec);
        await harness.until(() => deliveries.length === 1);
      });

      it('delivers what another process publishes', async ({ harness, open, collect }) => {
        const spec = testSpec();
        const { deliveries } = await collect(await open(spec), spec);
        await (await open(spec)).publish([testMessage('a')]);
        await harness.until(() => deliveries.length === 1);
      });

      it('gives every subscription of a topic its own copy', async ({ harness, open, quiet, collect }) => {
        const [one, two] = [testSpec({ name: 'one' }), testSpec({ name: 'two' })];
        const bus = await open(one, two);
        const first = await collect(bus, one);
        const second = await collect(bus, two, (delivery) => (delivery.deliveryAttempt === 1 ? 'nack' : 'ack'));
        await bus.publish([testMessage('a')]);
        await harness.until(() => first.deliveries.length === 1 && second.deliveries.length === 2);
        await quiet(20_000);
        expect([first.deliveries.length, second.deliveries.length]).toEqual([1, 2]);
      });

      it('delivers to a subscription that another process has declared since this one began', async ({ harness, open, collect }) => {
        const bus = await open(testSpec());
        await bus.publish([testMessage('before')]);
        const late = testSpec({ name: 'late' });
        const other = await open(late);
        await bus.publish([testMessage('after')]);
        const { data } = await collect(other, late);
        await harness.until(() => data().includes('after'));
      });

      it('delivers only what is of the topic', async ({ harness, open, collect }) => {
        const spec = testSpec();
        const events = testSpec({ name: 'events', topic: 'floodgate-task-events' });
        const bus = await open(spec, events);
        const { data } = await collect(bus, spec);
        await bus.publish([testMessage('event', { topic: 'floodgate-task-events' }), testMessage('task')]);
        await harness.until(() => data().length === 1);
        expect(data()).toEqual(['task']);
      });

      it('shares a subscription among all who subscribe to its name: each message goes to one of them', async ({ harness, open, quiet, collect }) => {
        const spec = testSpec();
        const [busA, busB] = [await open(spec), await open(spec)];
        const gate = Promise.withResolvers<void>();
        const wait = async (): Promise<Verdict> => gate.promise.then(() => 'ack' as const);
        const a = await collect(busA, spec, wait, 5);
        const b = await collect(busB, spec, wait, 5);
        await busA.publish(Array.from({ length: 10 }, (_, i) => testMessage(`m${i}`)));
        await harness.until(() => a.deliveries.length + b.deliveries.length === (differences.hoards === undefined ? 10 : 5));
        gate.resolve();
        await quiet(20_000);
        expect([...a.data(), ...b.data()].toSorted()).toEqual(Array.from({ length: 10 }, (_, i) => `m${i}`));
      });

      it('has at most maxOutstanding messages with the handler at once, and goes on as they finish', async ({ harness, open, quiet, collect }) => {
        const spec = testSpec();
        const bus = await open(spec);
        const running: PromiseWithResolvers<Verdict>[] = [];
        const { deliveries } = await collect(
          bus,
          spec,
          () => {
            const verdict = Promise.withResolvers<Verdict>();
            running.push(verdict);
            return verdict.promise;
          },
          3,
        );
        await bus.publish(Array.from({ length: 7 }, (_, i) => testMessage(`m${i}`)));
        for (const expected of [3, 6, 7]) {
          await harness.until(() => deliveries.length === expected);
          await quiet(2_000);
          expect(deliveries).toHaveLength(expected);
          for (const verdict of running.splice(0)) verdict.resolve('ack');
        }
      });

      it('publishes nothing where the signal is aborted already', async ({ harness, open, collect }) => {
        const spec = testSpec();
        const bus = await open(spec);
        const { data } = await collect(bus, spec);
        const reason = new Error('stopped');
        await expect(bus.publish([testMessage('a'), testMessage('b')], AbortSignal.abort(reason))).rejects.toBe(reason);
        await bus.publish([testMessage('c')]);
        await harness.until(() => data().length === 1);
        expect(data()).toEqual(['c']);
      });

      it('publishes no message without complaint', async ({ open }) => {
        const bus = await open(testSpec());
        await bus.publish([]);
      });
    });

    describe('redelivery', () => {
      it('delivers a nacked message again, each time after twice the wait, up to maxMs', async ({ harness, open, collect }) => {
        const spec = testSpec({ maxDeliveryAttempts: 20 });
        const bus = await open(spec, deadLetterSpec);
        const { deliveries, times } = await collect(bus, spec, (delivery) => (delivery.deliveryAttempt < 6 ? 'nack' : 'ack'));
        await bus.publish([testMessage('a')]);
        await harness.until(() => deliveries.length === 6);
        const waits = times.slice(1).map((time, i) => time - times[i]!);
        if (differences.ownWaits === undefined) {
          for (const [i, expected] of [1_000, 2_000, 4_000, 5_000, 5_000].entries()) {
            expect(waits[i]).toBeGreaterThanOrEqual(expected);
            expect(waits[i]).toBeLessThanOrEqual(expected + harness.slackMs);
          }
        } else {
          expect(Math.max(...waits)).toBeGreaterThanOrEqual(1_000);
          expect(Math.max(...waits)).toBeLessThanOrEqual(5_000 + harness.slackMs);
        }
        expect(deliveries.map((delivery) => delivery.deliveryAttempt)).toEqual([1, 2, 3, 4, 5, 6]);
      });

      it('takes an error thrown by the handler for a nack', async ({ harness, open, collect }) => {
        const spec = testSpec();
        const bus = await open(spec);
        const { deliveries } = await collect(bus, spec, (delivery) => {
          if (delivery.deliveryAttempt === 1) throw new Error('handler failed');
          return 'ack';
        });
        await bus.publish([testMessage('a')]);
        await harness.until(() => deliveries.length === 2);
      });

      it('goes on with other messages while one waits to come again', async ({ harness, open, collect }) => {
        const spec = testSpec();
        const bus = await open(spec);
        const { data, times } = await collect(bus, spec, (delivery) => (delivery.data === 'bad' && delivery.deliveryAttempt === 1 ? 'nack' : 'ack'), 1);
        await bus.publish([testMessage('bad'), testMessage('good')]);
        await harness.until(() => data().length === 3);
        expect(data()).toEqual(['bad', 'good', 'bad']);
        expect(times[1]! - times[0]!).toBeLessThan(1_000);
      });

      it('delivers once while the handler runs, however long that takes', async ({ harness, open, quiet, collect }) => {
        const spec = testSpec();
        const bus = await open(spec);
        const gate = Promise.withResolvers<Verdict>();
        const { deliveries } = await collect(bus, spec, () => gate.promise);
        const other = await collect(await open(spec), spec);
        await bus.publish([testMessage('a')]);
        await harness.until(() => deliveries.length + other.deliveries.length === 1);
        // More than twice the ack deadline, at least.
        await harness.pass(differences.tooSlow === undefined ? 45_000 : 22_000);
        gate.resolve('ack');
        await quiet(30_000);
        expect(deliveries.length + other.deliveries.length).toBe(1);
      });

      it('delivers again what a process had when it died, after the ack deadline and its backoff', async ({ harness, open, collect }) => {
        const spec = testSpec();
        const dead = await harness.open({ subscriptions: [spec] });
        const first = await collect(dead.bus, spec, () => new Promise<Verdict>(() => undefined));
        await dead.bus.publish([testMessage('a')]);
        await harness.until(() => first.deliveries.length === 1);
        dead.die();
        const second = await collect(await open(spec), spec);
        await harness.until(() => second.deliveries.length === 1, differences.deadStreams === undefined ? 60_000 : 105_000);
        expect(second.times[0]! - first.times[0]!).toBeGreaterThanOrEqual(10_000);
        if (differences.deadStreams === undefined) {
          expect(second.times[0]! - first.times[0]!).toBeLessThanOrEqual(11_000 + harness.slackMs);
          expect(second.deliveries[0]!.deliveryAttempt).toBe(2);
        } else {
          expect(second.deliveries[0]!.deliveryAttempt).toBeGreaterThanOrEqual(2);
        }
      });

      it('keeps for others what a dead process had published', async ({ harness, open, collect }) => {
        const spec = testSpec();
        const dead = await harness.open({ subscriptions: [spec] });
        await dead.bus.publish([testMessage('a')]);
        dead.die();
        const { data } = await collect(await open(spec), spec);
        await harness.until(() => data().length === 1);
      });

      it('delivers every message at least once, whatever the verdicts', async ({ harness, open, quiet, collect }) => {
        const spec = testSpec({ maxDeliveryAttempts: 100 });
        const bus = await open(spec, deadLetterSpec);
        const acked = new Set<string>();
        // Nacks each message as often as its number says.
        const { deliveries } = await collect(bus, spec, ({ data, deliveryAttempt }) => {
          if (deliveryAttempt <= Number(data) % 4) return 'nack';
          acked.add(data);
          return 'ack';
        });
        for (let i = 0; i < 40; i += 8) await bus.publish(Array.from({ length: 8 }, (_, k) => testMessage(String(i + k))));
        await harness.until(() => acked.size === 40);
        await quiet(30_000);
        expect(deliveries).toHaveLength(40 + 10 * (1 + 2 + 3));
      });
    });

    describe('dead letters', () => {
      it('moves a message to the dead-letter topic after maxDeliveryAttempts deliveries, and says where it comes from', async ({
        harness,
        open,
        quiet,
        collect,
      }) => {
        const spec = testSpec();
        const bus = await open(spec, deadLetterSpec);
        const source = await collect(bus, spec, () => 'nack');
        const dead = await collect(bus, deadLetterSpec);
        await bus.publish([testMessage('bad')]);
        await harness.until(() => dead.deliveries.length === 1);
        await quiet(30_000);
        expect(source.deliveries).toHaveLength(5);
        expect(dead.deliveries).toHaveLength(1);
        expect(dead.deliveries[0]).toMatchObject({ topic: 'floodgate-dead-letter', data: 'bad', deliveryAttempt: 1 });
        expect(dead.deliveries[0]!.attributes).toMatchObject({
          id: 'bad',
          source: '/test',
          type: 'test',
          deadlettersource: 'workers',
          deadletterattempts: '5',
        });
      });

      itUnless(differences.tooSlow, 'gives up a message of which every process dies', async ({ harness, open, collect }) => {
        const spec = testSpec();
        let deliveries = 0;
        while (deliveries < 5) {
          const mortal = await harness.open({ subscriptions: [spec, deadLetterSpec] });
          const victim = await collect(mortal.bus, spec, () => new Promise<Verdict>(() => undefined));
          if (deliveries === 0) await mortal.bus.publish([testMessage('poison')]);
          await harness.until(() => victim.deliveries.length === 1);
          deliveries += 1;
          mortal.die();
        }
        const bus = await open(spec, deadLetterSpec);
        const source = await collect(bus, spec);
        const dead = await collect(bus, deadLetterSpec);
        await harness.until(() => dead.deliveries.length === 1);
        expect(source.deliveries).toHaveLength(0);
      });

      it('never gives up a dead letter', async ({ harness, open, collect }) => {
        const spec = { ...deadLetterSpec, redelivery: { minMs: 200, maxMs: 1_000 } };
        const bus = await open(spec);
        const { deliveries } = await collect(bus, spec, () => (deliveries.length <= 8 ? 'nack' : 'ack'));
        await bus.publish([testMessage('bad', { topic: 'floodgate-dead-letter' })]);
        await harness.until(() => deliveries.length === 9, 120_000);
        expect(deliveries.every((delivery) => delivery.data === 'bad' && delivery.attributes['deadlettersource'] === undefined)).toBe(true);
        if (differences.deadLettersUncounted === undefined) {
          expect(deliveries.map((delivery) => delivery.deliveryAttempt)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
        }
      });
    });

    describe('ordering keys', () => {
      const keyed = (data: string, orderingKey: string): OutgoingMessage => testMessage(data, { orderingKey });

      it('delivers messages of one key in the order of publishing, each after the one before was acked', async ({ harness, openOrdered, quiet, collect }) => {
        const spec = testSpec();
        const bus = await openOrdered(spec);
        const running: { data: string; verdict: PromiseWithResolvers<Verdict> }[] = [];
        const { data } = await collect(bus, spec, (delivery) => {
          const verdict = Promise.withResolvers<Verdict>();
          running.push({ data: delivery.data, verdict });
          return verdict.promise;
        });
        await bus.publish([keyed('a1', 'a'), keyed('a2', 'a'), keyed('b1', 'b'), testMessage('free')]);
        await bus.publish([keyed('a3', 'a')]);
        await harness.until(() => running.length === 3);
        await quiet(2_000);
        expect(data().toSorted()).toEqual(['a1', 'b1', 'free']);
        running.find((item) => item.data === 'a1')!.verdict.resolve('ack');
        await harness.until(() => data().includes('a2'));
        await quiet(2_000);
        expect(data()).not.toContain('a3');
        running.find((item) => item.data === 'a2')!.verdict.resolve('ack');
        await harness.until(() => data().includes('a3'));
      });

      it('holds back a key while its first message waits to come again, and nothing else', async ({ harness, openOrdered, collect }) => {
        const spec = testSpec();
        const bus = await openOrdered(spec);
        const { data } = await collect(bus, spec, (delivery) => (delivery.data === 'a1' && delivery.deliveryAttempt < 3 ? 'nack' : 'ack'));
        await bus.publish([keyed('a1', 'a'), keyed('a2', 'a'), keyed('b1', 'b'), keyed('b2', 'b')]);
        await harness.until(() => data().length === 6);
        expect(data().filter((item) => item.startsWith('a'))).toEqual(['a1', 'a1', 'a1', 'a2']);
        expect(data().indexOf('b2')).toBeLessThan(data().lastIndexOf('a1'));
      });

      itUnless(differences.orderedNeverGivenUp, 'goes on with a key when its first message was given up', async ({ harness, openOrdered, collect }) => {
        const spec = testSpec();
        const bus = await openOrdered(spec, deadLetterSpec);
        const { data } = await collect(bus, spec, (delivery) => (delivery.data === 'a1' ? 'nack' : 'ack'));
        await bus.publish([keyed('a1', 'a'), keyed('a2', 'a')]);
        await harness.until(() => data().includes('a2'));
        expect(data()).toEqual(['a1', 'a1', 'a1', 'a1', 'a1', 'a2']);
      });

      itUnless(differences.deadStreams, 'keeps the order of a key over the death of a process', async ({ harness, openOrdered, collect }) => {
        const spec = testSpec();
        const dead = await harness.open({ subscriptions: [spec], ordered: true });
        const first = await collect(dead.bus, spec, () => new Promise<Verdict>(() => undefined));
        await dead.bus.publish([keyed('a1', 'a'), keyed('a2', 'a'), keyed('a3', 'a')]);
        await harness.until(() => first.deliveries.length === 1);
        dead.die();
        const second = await collect(await openOrdered(spec), spec);
        await harness.until(() => second.deliveries.length === 3);
        expect(second.data()).toEqual(['a1', 'a2', 'a3']);
      });
    });

    describe('stop', () => {
      it('waits for running handlers, whose verdicts count, and takes nothing new', async ({ harness, open, quiet, collect }) => {
        const spec = testSpec();
        const bus = await open(spec);
        const gate = Promise.withResolvers<Verdict>();
        const first = await collect(bus, spec, () => gate.promise, 1);
        await bus.publish([testMessage('a'), testMessage('b')]);
        await harness.until(() => first.deliveries.length === 1);
        let stopped = false;
        const stopping = first.subscription.stop(60_000).then(() => (stopped = true));
        await harness.pass(5_000);
        expect(stopped).toBe(false);
        gate.resolve('ack');
        await harness.until(() => stopped, 20_000);
        await stopping;
        expect(first.deliveries[0]!.signal.aborted).toBe(false);
        const second = await collect(bus, spec);
        await quiet(30_000);
        expect([first.data(), second.data()]).toEqual([['a'], ['b']]);
      });

      it('aborts the signals when the grace period is over and returns what is left to the bus', async ({ harness, open, collect }) => {
        const spec = testSpec();
        const bus = await open(spec);
        const first = await collect(bus, spec, () => new Promise<Verdict>(() => undefined));
        await bus.publish([testMessage('a'), testMessage('b')]);
        await harness.until(() => first.deliveries.length === 2);
        const startedAt = harness.now();
        let stoppedAt: number | undefined;
        const stopping = first.subscription.stop(3_000).then(() => (stoppedAt = harness.now()));
        await harness.pass(2_500);
        expect(first.deliveries.some((delivery) => delivery.signal.aborted)).toBe(false);
        await harness.until(() => stoppedAt !== undefined);
        await stopping;
        expect(stoppedAt! - startedAt).toBeGreaterThanOrEqual(3_000);
        expect(first.deliveries.every((delivery) => delivery.signal.aborted)).toBe(true);
        const second = await collect(bus, spec);
        await harness.until(() => second.deliveries.length === 2);
        // Returned, not expired: they come at once.
        const waitMs = differences.returnedWait === undefined ? 0 : spec.redelivery.minMs;
        expect(second.times[0]! - stoppedAt!).toBeLessThanOrEqual(waitMs + harness.slackMs);
      });

      it('hears no verdict of a handler that ends after its message was returned', async ({ harness, open, quiet, collect }) => {
        const spec = testSpec();
        const bus = await open(spec);
        const gate = Promise.withResolvers<Verdict>();
        const first = await collect(bus, spec, () => gate.promise);
        await bus.publish([testMessage('a')]);
        await harness.until(() => first.deliveries.length === 1);
        const stopping = first.subscription.stop(0);
        await harness.until(() => first.deliveries[0]!.signal.aborted);
        await stopping;
        gate.resolve('ack');
        await quiet(1_000);
        const second = await collect(bus, spec);
        await harness.until(() => second.deliveries.length === 1);
      });

      it('leaves the other subscribers of the name alone', async ({ harness, open, collect }) => {
        const spec = testSpec();
        const bus = await open(spec);
        const one = await collect(bus, spec);
        const two = await collect(bus, spec);
        const stopping = one.subscription.stop(1_000);
        await harness.until(() => true);
        await stopping;
        await bus.publish([testMessage('a')]);
        await harness.until(() => two.deliveries.length === 1);
        expect(one.deliveries).toHaveLength(0);
      });
    });
  });
}
