// The delivery side of a bus over a queue of rows: who is handed what, when, and what becomes of the verdicts. Publishing, verdicts,
// heartbeats and new leases that come together are one write of the queue. Publishers of this process wake the subscribers at
// once; what other processes publish, and what becomes due, is found by polling.
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import type { Ids } from '@floodgate/core/ports/ids.ts';
import type { Logger } from '@floodgate/core/ports/logger.ts';
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
import { backoffMs, leaseRows, publishRows, settleRow } from './message-queue.ts';
import type { QueueRows, Row, Settlement } from './message-queue.ts';

export interface MessageQueue {
  /** Notes a subscription: from here on it gets what is published to its topic. Throws where the name has another topic. */
  declare(spec: SubscriptionSpec): void;
  /** Runs `work` in one atomic unit, soon, possibly several times; resolves when it is durable. */
  write<T>(work: (rows: QueueRows) => T): Promise<T>;
  /** When the next message of these becomes due; undefined where none will. */
  nextDueAt(subscription: string): number | undefined;
  /** Ends all leases at once: those of a process that is gone. */
  releaseAll(now: number): void;
}

export type QueueMessageBusOptions = {
  readonly clock: Clock;
  readonly ids: Ids;
  /** Declared at once, so that nothing is lost that is published before the first subscriber comes. */
  readonly subscriptions: readonly SubscriptionSpec[];
  /** No other process consumes: what a former process had leased is available again at once, not after its ack deadline. */
  readonly exclusive?: boolean;
  /** How often to look for what other processes published. */
  readonly pollMs?: number;
  readonly logger?: Logger;
};

const defaultPollMs = 100;
/** A delivery is extended when this part of its ack deadline is over: two heartbeats may fail. */
const heartbeatPart = 1 / 3;

type Consumer = {
  readonly spec: SubscriptionSpec;
  readonly handler: (delivery: Delivery) => Promise<Verdict>;
  readonly maxOutstanding: number;
  /** In the order of their next heartbeat. */
  readonly running: Set<RunningDelivery>;
  /** More may be due than what it has. */
  hungry: boolean;
  stopping: boolean;
  onIdle: (() => void) | undefined;
};

type RunningDelivery = { readonly row: Row; readonly abort: AbortController; extendAt: number };

export class QueueMessageBus implements MessageBus, AsyncDisposable {
  readonly #queue: MessageQueue;
  readonly #options: QueueMessageBusOptions;
  readonly #holder: string;
  readonly #pollMs: number;
  readonly #consumers = new Set<Consumer>();
  #settlements: Settlement[] = [];
  /** The step under way, and whether another one must follow it. */
  #step: Promise<void> | undefined;
  #stepAgain = false;
  /** The sleep of the poll loop, while there is one. */
  #sleep: { readonly wake: AbortController; readonly until: number } | undefined;
  /** Something is known to happen then. */
  #wakeAt = Number.POSITIVE_INFINITY;

  constructor(queue: MessageQueue, options: QueueMessageBusOptions) {
    this.#queue = queue;
    this.#options = options;
    this.#holder = options.ids.newId();
    this.#pollMs = options.pollMs ?? defaultPollMs;
    for (const spec of options.subscriptions) queue.declare(spec);
    if (options.exclusive === true) queue.releaseAll(options.clock.now());
  }

  async publish(messages: readonly OutgoingMessage[], signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (messages.length === 0) return;
    const now = this.#options.clock.now();
    await this.#queue.write((rows) => publishRows(rows, messages, now));
    this.#wakeTopics(new Set(messages.map((message) => message.topic)));
  }

  async subscribe(spec: SubscriptionSpec, handler: (delivery: Delivery) => Promise<Verdict>, options: SubscribeOptions): Promise<Subscription> {
    this.#queue.declare(spec);
    const consumer: Consumer = { spec, handler, maxOutstanding: options.maxOutstanding, running: new Set(), hungry: true, stopping: false, onIdle: undefined };
    this.#consumers.add(consumer);
    this.#requestStep();
    if (this.#sleep === undefined) void this.#poll();
    return { stop: (graceMs) => this.#stop(consumer, graceMs) };
  }

  #wakeTopics(topics: ReadonlySet<Topic>): void {
    if (this.#makeHungry((consumer) => topics.has(consumer.spec.topic))) this.#requestStep();
  }

  #makeHungry(which: (consumer: Consumer) => boolean): boolean {
    let some = false;
    for (const consumer of this.#consumers) {
      if (which(consumer)) some = consumer.hungry = true;
    }
    return some;
  }

  #requestStep(): void {
    this.#stepAgain = true;
    this.#step ??= this.#runSteps();
  }

  async #runSteps(): Promise<void> {
    while (this.#stepAgain) {
      this.#stepAgain = false;
      await this.#runStep();
    }
    this.#step = undefined;
  }

  /** Says what is to be said of running deliveries and leases new ones: one write, none where there is nothing to do. */
  async #runStep(): Promise<void> {
    const now = this.#options.clock.now();
    this.#addHeartbeats(now);
    const settlements = this.#settlements;
    this.#settlements = [];
    try {
      const able = [...this.#consumers].filter((consumer) => consumer.hungry && !consumer.stopping && freeSlots(consumer) > 0);
      // Asked before: a write that finds nothing due costs 20 times as much. A verdict needs the write anyway.
      const wanting = settlements.length > 0 ? able : able.filter((consumer) => this.#isDue(consumer, now));
      if (settlements.length === 0 && wanting.length === 0) return;
      const leases = await this.#queue.write((rows) => {
        for (const settlement of settlements) settleRow(rows, settlement, now);
        return wanting.map((consumer) => leaseRows(rows, consumer.spec, this.#holder, freeSlots(consumer), now));
      });
      for (const [i, consumer] of wanting.entries()) {
        const { leased, exhausted } = leases[i]!;
        if (exhausted) consumer.hungry = false;
        for (const row of leased) void this.#deliver(consumer, row, now);
      }
    } catch (error) {
      // The verdicts are said again at the next poll. Should this last, the leases expire and the messages come again.
      this.#settlements.unshift(...settlements);
      this.#options.logger?.error({ error }, 'message queue could not be reached');
    }
  }

  #isDue(consumer: Consumer, now: number): boolean {
    const dueAt = this.#queue.nextDueAt(consumer.spec.name);
    if (dueAt !== undefined && dueAt <= now) return true;
    consumer.hungry = false;
    if (dueAt !== undefined) this.#wakeNotLaterThan(dueAt);
    return false;
  }

  async #deliver(consumer: Consumer, row: Row, now: number): Promise<void> {
    const { spec } = consumer;
    const running: RunningDelivery = { row, abort: new AbortController(), extendAt: now + spec.ackDeadlineMs * heartbeatPart };
    // It was on its way while the subscription stopped.
    if (consumer.stopping) return this.#settle(consumer, running, 'return');
    consumer.running.add(running);
    this.#wakeNotLaterThan(running.extendAt);
    let verdict: Verdict = 'nack';
    try {
      const { attributes, data, attempt } = row;
      verdict = await consumer.handler({
        subscription: spec.name,
        topic: spec.topic,
        attributes,
        data,
        deliveryAttempt: attempt,
        signal: running.abort.signal,
      });
    } catch (error) {
      this.#options.logger?.warn({ subscription: spec.name, deliveryAttempt: row.attempt, error }, 'message handler threw');
    }
    // Otherwise the subscription has stopped and given it back.
    if (consumer.running.delete(running)) this.#settle(consumer, running, verdict);
    if (consumer.running.size === 0) consumer.onIdle?.();
  }

  #settle(consumer: Consumer, { row }: RunningDelivery, kind: 'ack' | 'nack' | 'return'): void {
    const { spec } = consumer;
    this.#settlements.push({ kind, spec, row });
    if (kind === 'nack') this.#wakeNotLaterThan(this.#options.clock.now() + backoffMs(spec, row.attempt));
    // The next message of the key is due now, and what is given back is due for others.
    else if (kind === 'return' || row.orderingKey !== undefined) this.#makeHungry((other) => other.spec.name === spec.name);
    this.#requestStep();
  }

  #addHeartbeats(now: number): void {
    for (const consumer of this.#consumers) {
      for (const running of consumer.running) {
        if (running.extendAt > now) break;
        this.#settlements.push({ kind: 'extend', spec: consumer.spec, row: running.row });
        running.extendAt = now + consumer.spec.ackDeadlineMs * heartbeatPart;
        // To the end: the set stays in the order of the next heartbeat.
        consumer.running.delete(running);
        consumer.running.add(running);
      }
    }
  }

  async #poll(): Promise<void> {
    while (this.#consumers.size > 0) {
      const now = this.#options.clock.now();
      const until = Math.min(now + this.#pollMs, this.#wakeAt, ...[...this.#consumers].map(nextHeartbeatAt));
      this.#wakeAt = Number.POSITIVE_INFINITY;
      const wake = new AbortController();
      this.#sleep = { wake, until };
      // Rejects when it is woken: then there is an earlier time to sleep until, or nobody left to poll for.
      const slept = await this.#options.clock.sleep(Math.max(0, until - now), wake.signal).then(
        () => true,
        () => false,
      );
      if (slept) {
        this.#makeHungry(() => true);
        this.#requestStep();
        await this.#step;
      }
    }
    this.#sleep = undefined;
  }

  #wakeNotLaterThan(at: number): void {
    this.#wakeAt = Math.min(this.#wakeAt, at);
    if (this.#sleep !== undefined && at < this.#sleep.until) this.#sleep.wake.abort('woken');
  }

  async #stop(consumer: Consumer, graceMs: number): Promise<void> {
    consumer.stopping = true;
    // Leases that are on their way come in and are given back.
    await this.#step;
    if (consumer.running.size > 0 && graceMs > 0) await this.#waitIdle(consumer, graceMs);
    for (const running of consumer.running) {
      running.abort.abort(new FloodgateError('subscription_stopped', `the subscription ${consumer.spec.name} has stopped`));
      this.#settle(consumer, running, 'return');
    }
    consumer.running.clear();
    this.#consumers.delete(consumer);
    if (this.#consumers.size === 0) this.#sleep?.wake.abort('woken');
    await this.#step;
  }

  async #waitIdle(consumer: Consumer, graceMs: number): Promise<void> {
    const idle = new AbortController();
    consumer.onIdle = () => idle.abort();
    await this.#options.clock.sleep(graceMs, idle.signal).catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#consumers].map((consumer) => this.#stop(consumer, 0)));
  }
}

function freeSlots(consumer: Consumer): number {
  return consumer.maxOutstanding - consumer.running.size;
}

/** The first of the set: it is kept in this order. */
function nextHeartbeatAt(consumer: Consumer): number {
  for (const running of consumer.running) return running.extendAt;
  return Number.POSITIVE_INFINITY;
}
