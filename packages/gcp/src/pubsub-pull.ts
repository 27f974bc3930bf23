// One subscription that is pulled from: the client's stream and leases, our handlers and verdicts.
//
// The client leases what it has pulled until its verdict is said. The server sends `maxOutstanding` at most to each stream, so there
// is one stream: with more, what exceeds it would lie here under lease while other processes are idle. What exceeds it all
// the same (a message can overtake the answer to an ack) waits here rather than in the client, which would not give it back
// when the subscription stops before the time for that is over.
import { Duration, SubscriptionCloseBehaviors } from '@google-cloud/pubsub';
import type { Message, PubSub, SubscriberOptions, Subscription as ClientSubscription } from '@google-cloud/pubsub';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import type { Logger } from '@floodgate/core/ports/logger.ts';
import type { Delivery, Subscription, SubscriptionSpec, Verdict } from '@floodgate/core/ports/message-bus.ts';
import { toDeliveredAttributes } from './pubsub-attributes.ts';
import { toMessageBusError } from './pubsub-errors.ts';

export type PullOptions = {
  readonly clock: Clock;
  readonly logger?: Logger | undefined;
  readonly maxOutstanding: number;
};

/** Verdicts that come together are one call. Each frees a slot only when it was sent, so a longer wait would slow small slots down. */
const verdictBatchMs = 5;
/** A handler may run for as long as it wants; Pub/Sub keeps a message for a week at most. */
const maxExtension = Duration.from({ hours: 7 * 24 });
/** The client's own time for the last verdicts when it closes (FINAL_NACK_TIMEOUT). */
const lastVerdictsMs = 1_000;
/** Beyond which a close that hangs is no longer waited for; what it had comes again after the ack deadline. */
const closeTimeoutMs = 5_000;
const firstReopenMs = 1_000;
const maxReopenMs = 60_000;

type Running = { readonly message: Message; readonly abort: AbortController };

export class PullSubscription implements Subscription {
  readonly #spec: SubscriptionSpec;
  readonly #handler: (delivery: Delivery) => Promise<Verdict>;
  readonly #options: PullOptions;
  readonly #client: ClientSubscription;
  readonly #clientOptions: SubscriberOptions;
  readonly #projectId: string;
  readonly #running = new Set<Running>();
  /** More than what may run at once. */
  readonly #waiting: Message[] = [];
  /** Of each ordering key that has a message with the handler: those that came after it. */
  readonly #held = new Map<string, Message[]>();
  readonly #stopping = new AbortController();
  #onIdle: (() => void) | undefined;
  #stopped: Promise<void> | undefined;
  #reopenMs = firstReopenMs;

  constructor(pubsub: PubSub, spec: SubscriptionSpec, handler: (delivery: Delivery) => Promise<Verdict>, options: PullOptions) {
    this.#spec = spec;
    this.#handler = handler;
    this.#options = options;
    this.#projectId = pubsub.projectId;
    const ackDeadline = Duration.from({ milliseconds: spec.ackDeadlineMs });
    this.#clientOptions = {
      flowControl: { maxMessages: options.maxOutstanding, allowExcessMessages: true },
      streamingOptions: { maxStreams: 1 },
      batching: { maxMilliseconds: verdictBatchMs },
      // Otherwise the client chooses its own by how long handlers took, from 10 s on.
      minAckDeadline: ackDeadline,
      maxAckDeadline: ackDeadline,
      maxExtensionTime: maxExtension,
    };
    this.#client = pubsub.subscription(spec.name, this.#clientOptions);
    this.#client.on('error', (error) => void this.#reopen(error));
    // The first listener opens the stream.
    this.#client.on('message', (message) => this.#take(message));
  }

  /** The client mends what may pass. What it gives up (subscription deleted, permission lost) may be put right by a person. */
  async #reopen(error: unknown): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    const retryInMs = this.#reopenMs;
    this.#reopenMs = Math.min(this.#reopenMs * 2, maxReopenMs);
    const problem = toMessageBusError(error, `pull from the subscription ${this.#spec.name}`, 'subscription');
    this.#options.logger?.error({ subscription: this.#spec.name, code: problem.code, error: problem, retryInMs }, 'subscription can not be pulled from');
    await sleepUnlessAborted(this.#options.clock, retryInMs, this.#stopping.signal);
    // The client gave it all back when the stream ended: it comes again.
    this.#waiting.splice(0);
    this.#held.clear();
    if (!this.#stopping.signal.aborted && !this.#client.isOpen) this.#client.open();
  }

  #take(message: Message): void {
    this.#reopenMs = firstReopenMs;
    if (this.#stopping.signal.aborted) return message.nack();
    const { orderingKey } = message;
    if (orderingKey !== undefined && orderingKey !== '') {
      const held = this.#held.get(orderingKey);
      // Pub/Sub hands them over in order, without waiting for the verdict on the one before.
      if (held !== undefined) return void held.push(message);
      this.#held.set(orderingKey, []);
    }
    this.#start(message);
  }

  #start(message: Message): void {
    if (this.#running.size < this.#options.maxOutstanding) void this.#handle(message);
    else this.#waiting.push(message);
  }

  async #handle(message: Message): Promise<void> {
    const running: Running = { message, abort: new AbortController() };
    this.#running.add(running);
    const { name, topic } = this.#spec;
    let verdict: Verdict = 'nack';
    try {
      verdict = await this.#handler({
        subscription: name,
        topic,
        attributes: toDeliveredAttributes({ topic, projectId: this.#projectId, messageId: message.id, attributes: message.attributes }),
        data: message.data.toString('utf8'),
        // Counted only where there is a dead-letter policy.
        deliveryAttempt: Math.max(1, message.deliveryAttempt),
        signal: running.abort.signal,
      });
    } catch (error) {
      this.#options.logger?.warn({ subscription: name, messageId: message.id, deliveryAttempt: message.deliveryAttempt, error }, 'message handler threw');
    }
    // Otherwise the subscription has stopped and given it back.
    if (this.#running.delete(running)) {
      if (verdict === 'ack') message.ack();
      else message.nack();
      this.#goOn(message.orderingKey, verdict);
      const next = this.#waiting.shift();
      if (next !== undefined) this.#start(next);
    }
    if (this.#running.size === 0) this.#onIdle?.();
  }

  #goOn(orderingKey: string | undefined, verdict: Verdict): void {
    const held = orderingKey === undefined ? undefined : this.#held.get(orderingKey);
    if (orderingKey === undefined || held === undefined) return;
    // Pub/Sub delivers a nacked message again with all that came after it: these here would come before it.
    if (verdict === 'nack') for (const message of held.splice(0)) message.nack();
    const next = held.shift();
    if (next === undefined) this.#held.delete(orderingKey);
    else this.#start(next);
  }

  stop(graceMs: number): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  async #stop(graceMs: number): Promise<void> {
    this.#stopping.abort(new FloodgateError('subscription_stopped', `the subscription ${this.#spec.name} has stopped`));
    for (const notBegun of [this.#waiting, ...this.#held.values()]) for (const message of notBegun.splice(0)) message.nack();
    // Ends the stream at once, and goes on extending and acknowledging until all is said or its time is over.
    this.#client.setOptions({
      ...this.#clientOptions,
      closeOptions: { behavior: SubscriptionCloseBehaviors.WaitForProcessing, timeout: Duration.from({ milliseconds: graceMs + lastVerdictsMs }) },
    });
    const endsAt = this.#options.clock.now() + graceMs;
    const closed = this.#client.close().catch((error: unknown) => {
      this.#options.logger?.warn({ subscription: this.#spec.name, error }, 'subscription did not close');
    });
    await this.#within(graceMs, this.#idle());
    for (const running of this.#running) {
      running.abort.abort(this.#stopping.signal.reason);
      running.message.nack();
    }
    this.#running.clear();
    await this.#within(Math.max(0, endsAt - this.#options.clock.now()) + closeTimeoutMs, closed);
  }

  #idle(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const earlier = this.#onIdle;
      this.#onIdle = () => {
        earlier?.();
        resolve();
      };
    });
  }

  async #within(ms: number, event: Promise<void>): Promise<void> {
    const over = new AbortController();
    await Promise.race([event, sleepUnlessAborted(this.#options.clock, ms, over.signal)]);
    over.abort();
  }
}

const sleepUnlessAborted = async (clock: Clock, ms: number, signal: AbortSignal): Promise<void> => {
  try {
    await clock.sleep(ms, signal);
  } catch {
    // Aborted: what it waited for has come.
  }
};
