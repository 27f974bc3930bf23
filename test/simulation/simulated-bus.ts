// A bus for simulated processes as Pub/Sub looks to its users. It keeps what the port promises and nothing more: messages
// come late, twice, out of order, while somebody works on them, or land in the dead-letter topic, as the chaos decides.
//
// Nothing polls. A publication is one wake-up of the clock, a delivery at most another one; heartbeats are one for all
// processes together, a few times per ack deadline, and only while some handler runs that long.
import { messageTypes, type MessageType } from '@floodgate/core/contracts/messages.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type {
  Delivery,
  MessageBus,
  OutgoingMessage,
  SubscribeOptions,
  Subscription,
  SubscriptionSpec,
  Topic,
  Verdict,
} from '@floodgate/core/ports/message-bus.ts';
import { backoffMs } from '@floodgate/embedded/message-queue.ts';
import type { Chaos } from './chaos.ts';
import type { FaultKind } from './faults.ts';
import type { Random } from './random.ts';
import { Heartbeats } from './simulated-bus-heartbeats.ts';
import { chooseConsumer, type BusMessage, type Consumer, type Copy, type Queue, type Running } from './simulated-bus-queue.ts';
import { BusTimers } from './simulated-bus-timers.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** How a delivery ended for the bus. `unheard`: a nack of somebody whose delivery had expired or was doubled. */
export type Settlement = 'acked' | 'ack_lost' | 'nacked' | 'unheard' | 'expired' | 'died' | 'returned';

export type SimulatedBusOptions = {
  readonly clock: SimulatedClock;
  readonly chaos: Chaos;
  readonly random: Random;
  /** Declared at once. */
  readonly subscriptions: readonly SubscriptionSpec[];
  /** The publication has happened, whatever the publisher hears of it. */
  readonly onPublish?: (process: string, messages: readonly OutgoingMessage[]) => void;
  /** A handler begins. */
  readonly onDeliver?: (process: string, delivery: Delivery) => void;
  /** A handler that expired can be heard of again: its late ack counts. */
  readonly onSettle?: (process: string, delivery: Delivery, settlement: Settlement) => void;
};

const deadLetterTopic: Topic = 'floodgate-dead-letter';

export class SimulatedBus {
  readonly #options: SimulatedBusOptions;
  readonly #timers: BusTimers;
  readonly #chaos: Chaos;
  readonly #publishing: Random;
  readonly #arriving: Random;
  readonly #choosing: Random;
  readonly #queues = new Map<string, Queue>();
  readonly #byTopic = new Map<Topic, Queue[]>();
  readonly #heartbeats: Heartbeats;
  readonly #deliveries = new Map<string, number>();
  #waiting = 0;

  constructor(options: SimulatedBusOptions) {
    const { clock, chaos, random, subscriptions } = options;
    this.#options = options;
    this.#timers = new BusTimers(clock);
    this.#heartbeats = new Heartbeats({
      clock,
      timers: this.#timers,
      onHeard: (queue) => this.#pump(queue),
      onDeath: (running, waitMs) => {
        this.#end(running, 'died');
        this.#takeBack(running, waitMs);
      },
      onExpired: (running) => {
        options.onSettle?.(running.consumer.member.process.name, running.delivery, 'expired');
        this.#takeBack(running, 0);
      },
    });
    this.#chaos = chaos;
    this.#publishing = random.fork('publishing');
    this.#arriving = random.fork('arriving');
    this.#choosing = random.fork('choosing');
    for (const spec of subscriptions) this.declare(spec);
  }

  /** Messages that are neither acked nor given up, each counted once per subscription. */
  get waiting(): number {
    return this.#waiting;
  }

  /** How often a handler began, by type of message. */
  get deliveries(): Readonly<Partial<Record<MessageType, number>>> {
    return Object.fromEntries(this.#deliveries);
  }

  /** From here on the subscription gets what is published to its topic. */
  declare(spec: SubscriptionSpec): void {
    this.#declared(spec);
  }

  /** The bus as one process has it. */
  attach(process: SimulatedProcess): MessageBus {
    return {
      publish: (messages, signal) => this.#publish(process, messages, signal),
      subscribe: (spec, handler, options) => process.call(undefined, `subscribe ${spec.name}`, async () => this.#subscribe(process, spec, handler, options)),
    };
  }

  #declared(spec: SubscriptionSpec): Queue {
    const known = this.#queues.get(spec.name);
    if (known !== undefined) {
      if (known.spec.topic === spec.topic) return known;
      throw new FloodgateError('invalid', `the subscription ${spec.name} belongs to the topic ${known.spec.topic}, not to ${spec.topic}`);
    }
    const queue: Queue = { spec, consumers: new Set(), ready: new Set(), keys: new Map() };
    this.#queues.set(spec.name, queue);
    this.#byTopic.set(spec.topic, [...this.#of(spec.topic), queue]);
    this.#heartbeats.quicken(spec.ackDeadlineMs);
    return queue;
  }

  #of(topic: Topic): readonly Queue[] {
    return this.#byTopic.get(topic) ?? [];
  }

  // ── from the publisher to the subscriptions ───────────────────────────────────────────────────────────────────────

  async #publish(process: SimulatedProcess, messages: readonly OutgoingMessage[], signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const type = messages[0]?.attributes['type'] ?? '';
    if (messages.length === 0) return;
    // What is no message of ours has no crash point: its publisher is somebody else's process.
    const point = Object.hasOwn(messageTypes, type) ? (`publish ${type as MessageType}` as const) : undefined;
    const where = `publish ${type}`;
    await process.call(point, where, async () => {
      await this.#timers.sleep(this.#publishing.int(0, 20));
      const at = `${process.name} ${where}`;
      if (process.chaos.strikes('publish_failed', at)) throw new FloodgateError('unavailable', 'the message bus could not be reached');
      this.#options.onPublish?.(process.name, messages);
      for (const message of messages) this.#accept(message);
      if (process.chaos.strikes('publish_answer_lost', at)) throw new FloodgateError('unavailable', 'the answer of the message bus was lost');
    });
  }

  #accept(message: BusMessage): void {
    for (const queue of this.#of(message.topic)) {
      this.#add(queue, message);
      if (this.#strikes('message_duplicated', queue, message)) this.#add(queue, message);
    }
  }

  #add(queue: Queue, message: BusMessage): void {
    const latencyMs = this.#arriving.int(0, 50) + this.#latenessMs(queue, message);
    const copy: Copy = { queue, message, arrivesAt: this.#now() + latencyMs, attempts: 0, holder: undefined, isDone: false };
    this.#waiting += 1;
    const { orderingKey } = message;
    if (orderingKey !== undefined) {
      const line = queue.keys.get(orderingKey);
      if (line !== undefined) return void line.push(copy);
      queue.keys.set(orderingKey, [copy]);
    }
    this.#comeAgain(copy, latencyMs);
  }

  #latenessMs(queue: Queue, message: BusMessage): number {
    if (this.#strikes('message_delayed', queue, message)) return this.#chaos.stream('message_delayed').int(60_000, 600_000);
    if (message.orderingKey === undefined && this.#strikes('message_reordered', queue, message)) return this.#chaos.stream('message_reordered').int(100, 5_000);
    return 0;
  }

  #strikes(kind: FaultKind, { spec }: Queue, { attributes }: BusMessage, process = 'bus'): boolean {
    return this.#chaos.strikes(kind, `${process} ${spec.name} ${attributes['type'] ?? ''}`);
  }

  #now(): number {
    return this.#options.clock.now();
  }

  // ── from a subscription to its subscribers ────────────────────────────────────────────────────────────────────────

  /** Nobody's for `ms`, then anybody's. */
  #comeAgain(copy: Copy, ms: number): void {
    const { queue } = copy;
    copy.holder = undefined;
    queue.ready.delete(copy);
    this.#timers.after(ms, () => {
      if (copy.isDone) return;
      if (copy.attempts >= queue.spec.maxDeliveryAttempts && this.#giveUp(copy)) return;
      queue.ready.add(copy);
      this.#pump(queue);
    });
  }

  /** Its lease ends in `ms`: then its backoff begins. Nothing where somebody else has the message by now. */
  #takeBack(running: Running, ms: number): void {
    const { copy } = running;
    if (copy.holder === running) this.#comeAgain(copy, ms + backoffMs(copy.queue.spec, copy.attempts));
  }

  #pump(queue: Queue): void {
    for (const copy of queue.ready) {
      const consumer = chooseConsumer(queue, this.#choosing);
      if (consumer === undefined) return;
      queue.ready.delete(copy);
      if (!this.#isDropped(copy)) this.#deliver(copy, consumer);
    }
  }

  #deliver(copy: Copy, consumer: Consumer): void {
    const { queue, message } = copy;
    copy.attempts += 1;
    const { topic, attributes, data } = message;
    const delivery: Delivery = { subscription: queue.spec.name, topic, attributes, data, deliveryAttempt: copy.attempts, signal: consumer.abort.signal };
    const running: Running = { copy, consumer, delivery, deliveredAt: this.#now(), isOver: false };
    copy.holder = running;
    consumer.running.add(running);
    this.#heartbeats.begin();
    void this.#handle(running);
    if (!this.#strikes('redelivered_in_work', queue, message, consumer.member.process.name)) return;
    // Half of them at the same moment, when the race is closest, half later, where work that takes time has got further.
    const random = this.#chaos.stream('redelivered_in_work');
    this.#timers.after(random.chance(0.5) ? 0 : random.int(1, 2_000), () => {
      if (copy.holder !== running) return;
      queue.ready.add(copy);
      this.#pump(queue);
    });
  }

  /** What dies or stands still here goes no further, and nothing keeps it: its verdict is never heard. */
  async #handle(running: Running): Promise<void> {
    const { consumer, delivery } = running;
    const { process } = consumer.member;
    await process.receive(undefined);
    if (running.isOver) return;
    const type = delivery.attributes['type'] ?? '';
    this.#deliveries.set(type, (this.#deliveries.get(type) ?? 0) + 1);
    this.#options.onDeliver?.(process.name, delivery);
    let verdict: Verdict = 'nack';
    try {
      verdict = await consumer.handler(delivery);
    } catch {
      // A handler that throws nacks.
    }
    await process.receive(undefined);
    if (!running.isOver) this.#settle(running, verdict);
  }

  #settle(running: Running, verdict: Verdict): void {
    const { copy, consumer } = running;
    const { queue } = copy;
    this.#end(running, copy.isDone ? (verdict === 'ack' ? 'acked' : 'unheard') : this.#hear(running, verdict));
    if (consumer.isStopping && consumer.running.size === 0) consumer.idle.abort();
    this.#pump(queue);
  }

  /** An ack counts even when it comes late: the work is done. A nack only from him who still holds the delivery. */
  #hear(running: Running, verdict: Verdict): Settlement {
    const { copy, consumer } = running;
    const { spec } = copy.queue;
    if (verdict === 'ack') {
      if (!this.#strikes('ack_lost', copy.queue, copy.message, consumer.member.process.name)) {
        this.#finish(copy);
        return 'acked';
      }
      this.#takeBack(running, spec.ackDeadlineMs);
      return 'ack_lost';
    }
    if (copy.holder !== running) return 'unheard';
    if (copy.attempts < spec.maxDeliveryAttempts || !this.#giveUp(copy)) this.#takeBack(running, 0);
    return 'nacked';
  }

  #end(running: Running, settlement: Settlement): void {
    const { consumer, delivery } = running;
    running.isOver = true;
    consumer.running.delete(running);
    this.#options.onSettle?.(consumer.member.process.name, delivery, settlement);
  }

  #finish(copy: Copy): void {
    const { queue, message } = copy;
    copy.isDone = true;
    copy.holder = undefined;
    this.#waiting -= 1;
    queue.ready.delete(copy);
    if (message.orderingKey === undefined) return;
    const line = queue.keys.get(message.orderingKey) ?? [];
    line.shift();
    const next = line[0];
    if (next === undefined) queue.keys.delete(message.orderingKey);
    else this.#comeAgain(next, next.arrivesAt - this.#now());
  }

  // ── dead letters ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Not where nobody would get it: what was accepted is never lost. Dead letters are never given up for the same reason. */
  #canBeDeadLettered({ queue }: Copy): boolean {
    return queue.spec.topic !== deadLetterTopic && this.#of(deadLetterTopic).length > 0;
  }

  #giveUp(copy: Copy): boolean {
    if (!this.#canBeDeadLettered(copy)) return false;
    this.#finish(copy);
    this.#deadLetter(copy, copy.attempts);
    return true;
  }

  #deadLetter({ queue, message }: Copy, attempts: number): void {
    const attributes = { ...message.attributes, deadlettersource: queue.spec.name, deadletterattempts: String(attempts) };
    this.#accept({ topic: deadLetterTopic, attributes, data: message.data });
  }

  /** The bus miscounts: a healthy message becomes a dead letter, and perhaps nothing else. */
  #isDropped(copy: Copy): boolean {
    if (!this.#canBeDeadLettered(copy) || !this.#strikes('dead_lettered', copy.queue, copy.message)) return false;
    const random = this.#chaos.stream('dead_lettered');
    const attempts = copy.queue.spec.maxDeliveryAttempts;
    const [isTwice, isDropped] = [random.chance(0.5), random.chance(0.5)];
    if (isDropped) this.#finish(copy);
    this.#deadLetter(copy, attempts);
    if (isTwice) this.#deadLetter(copy, attempts);
    return isDropped;
  }

  // ── subscribers ───────────────────────────────────────────────────────────────────────────────────────────────────

  #subscribe(process: SimulatedProcess, spec: SubscriptionSpec, handler: (delivery: Delivery) => Promise<Verdict>, options: SubscribeOptions): Subscription {
    const queue = this.#declared(spec);
    const member = this.#heartbeats.memberOf(process);
    const { maxOutstanding } = options;
    const consumer: Consumer = {
      queue,
      member,
      handler,
      maxOutstanding,
      running: new Set(),
      abort: new AbortController(),
      idle: new AbortController(),
      isStopping: false,
    };
    member.consumers.add(consumer);
    queue.consumers.add(consumer);
    this.#pump(queue);
    return { stop: (graceMs) => this.#stop(consumer, graceMs) };
  }

  async #stop(consumer: Consumer, graceMs: number): Promise<void> {
    const { queue, member } = consumer;
    consumer.isStopping = true;
    // It wakes early where the last handler ends.
    if (consumer.running.size > 0 && graceMs > 0) await member.process.clock.sleep(graceMs, consumer.idle.signal).catch(() => undefined);
    queue.consumers.delete(consumer);
    member.consumers.delete(consumer);
    if (consumer.running.size === 0) return;
    for (const running of consumer.running) {
      const { copy } = running;
      this.#end(running, 'returned');
      if (copy.holder !== running) continue;
      // Whoever stops has not failed: the delivery is not counted.
      copy.attempts -= 1;
      this.#comeAgain(copy, 0);
    }
    consumer.abort.abort(new FloodgateError('subscription_stopped', `the subscription ${queue.spec.name} has stopped`));
  }
}
