// The message bus on Pub/Sub, pushed to: Pub/Sub calls an endpoint of ours, and the answer's status is the verdict. Subscribing
// registers the handler and no more. Understood is the wrapped form alone, Pub/Sub's default; with "payload unwrapping" the
// attributes would come as headers, and such a body is refused as malformed.
// https://docs.cloud.google.com/pubsub/docs/push#receive_push
import * as z from 'zod';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import type { Logger } from '@floodgate/core/ports/logger.ts';
import type { Delivery, MessageBus, OutgoingMessage, SubscribeOptions, Subscription, SubscriptionSpec, Verdict } from '@floodgate/core/ports/message-bus.ts';
import { toDeliveredAttributes } from './pubsub-attributes.ts';
import { checkSubscriptionSpec } from './pubsub-limits.ts';

export type PushOutcome =
  | { readonly outcome: 'acked' }
  | { readonly outcome: 'nacked' }
  /** As many as the handler takes are running. */
  | { readonly outcome: 'busy' }
  /** The handler ran longer than Pub/Sub waits: the message comes again, and the handler was told to stop. */
  | { readonly outcome: 'late' }
  | { readonly outcome: 'stopping' }
  | { readonly outcome: 'unknown_subscription' }
  /** No message of Pub/Sub's: something else calls the endpoint, or the subscription unwraps payloads. */
  | { readonly outcome: 'malformed'; readonly problem: string };

export type PubSubPushBusOptions = {
  /** Where messages are published: PubSubPublisher, or a bus that pulls. */
  readonly publisher: Pick<MessageBus, 'publish'>;
  readonly projectId: string;
  readonly clock: Clock;
  /** How long Pub/Sub waits for an answer: the ack deadline that the push subscriptions were created with. By default each spec's. */
  readonly requestTimeoutMs?: number;
  readonly logger?: Logger;
};

const envelope = z.object({
  message: z.object({
    /** Absent where a message has attributes alone. */
    data: z.base64().default(''),
    attributes: z.record(z.string(), z.string()).nullish(),
    messageId: z.string().min(1),
  }),
  /** Absent where there is no dead-letter policy. */
  deliveryAttempt: z.int().nullish(),
});

type Running = { readonly abort: AbortController; readonly settled: PromiseWithResolvers<PushOutcome> };

type Consumer = {
  readonly spec: SubscriptionSpec;
  readonly handler: (delivery: Delivery) => Promise<Verdict>;
  readonly maxOutstanding: number;
  /** Handlers at work, those included to which nobody listens any more. */
  readonly running: Set<Running>;
  isStopping: boolean;
  onIdle: (() => void) | undefined;
};

export class PubSubPushBus implements MessageBus {
  readonly #options: PubSubPushBusOptions;
  readonly #consumers = new Map<string, Consumer>();

  constructor(options: PubSubPushBusOptions) {
    this.#options = options;
  }

  publish(messages: readonly OutgoingMessage[], signal?: AbortSignal): Promise<void> {
    return this.#options.publisher.publish(messages, signal);
  }

  async subscribe(spec: SubscriptionSpec, handler: (delivery: Delivery) => Promise<Verdict>, options: SubscribeOptions): Promise<Subscription> {
    checkSubscriptionSpec(spec);
    const existing = this.#consumers.get(spec.name);
    if (existing !== undefined && !existing.isStopping)
      throw new FloodgateError('already_subscribed', `the subscription ${spec.name} has a handler in this process already: a push has one receiver`);
    const consumer: Consumer = { spec, handler, maxOutstanding: options.maxOutstanding, running: new Set(), isStopping: false, onIdle: undefined };
    this.#consumers.set(spec.name, consumer);
    return { stop: (graceMs) => this.#stop(consumer, graceMs) };
  }

  /** One push. `subscription` is its name or its whole path `projects/…/subscriptions/…`. Never throws. */
  async deliver(body: unknown, subscription: string): Promise<PushOutcome> {
    const consumer = this.#consumers.get(subscription.slice(subscription.lastIndexOf('/') + 1));
    if (consumer === undefined) return { outcome: 'unknown_subscription' };
    if (consumer.isStopping) return { outcome: 'stopping' };
    const parsed = envelope.safeParse(body);
    if (!parsed.success) return { outcome: 'malformed', problem: z.prettifyError(parsed.error) };
    if (consumer.running.size >= consumer.maxOutstanding) return { outcome: 'busy' };
    const { message, deliveryAttempt } = parsed.data;
    const { name, topic, ackDeadlineMs } = consumer.spec;
    const running: Running = { abort: new AbortController(), settled: Promise.withResolvers() };
    consumer.running.add(running);
    void this.#handle(consumer, running, {
      subscription: name,
      topic,
      attributes: toDeliveredAttributes({ topic, projectId: this.#options.projectId, messageId: message.messageId, attributes: message.attributes ?? {} }),
      // What is no UTF-8 becomes �, and whoever parses it says that it is malformed.
      data: Buffer.from(message.data, 'base64').toString('utf8'),
      deliveryAttempt: Math.max(1, deliveryAttempt ?? 1),
      signal: running.abort.signal,
    });
    const answered = new AbortController();
    void this.#giveUpAfter(this.#options.requestTimeoutMs ?? ackDeadlineMs, running, answered.signal, name);
    const outcome = await running.settled.promise;
    answered.abort();
    return outcome;
  }

  async #handle(consumer: Consumer, running: Running, delivery: Delivery): Promise<void> {
    try {
      const verdict = await consumer.handler(delivery);
      running.settled.resolve({ outcome: verdict === 'ack' ? 'acked' : 'nacked' });
    } catch (error) {
      const { subscription, deliveryAttempt } = delivery;
      this.#options.logger?.warn({ subscription, deliveryAttempt, error }, 'message handler threw');
      running.settled.resolve({ outcome: 'nacked' });
    }
    consumer.running.delete(running);
    if (consumer.running.size === 0) consumer.onIdle?.();
  }

  /** For a push the ack deadline is the time that Pub/Sub waits for the answer; there is no extending it. */
  async #giveUpAfter(ms: number, running: Running, answered: AbortSignal, subscription: string): Promise<void> {
    try {
      await this.#options.clock.sleep(ms, answered);
    } catch {
      return; // answered in time
    }
    running.abort.abort(
      new FloodgateError('deadline_exceeded', `the push of ${subscription} was not answered within ${ms / 1_000} s, after which Pub/Sub waits no longer`, {
        hint: 'have fewer dates computed together (--dates-per-task), or the message pulled (FLOODGATE_MODE=pull), where there is no such limit',
      }),
    );
    running.settled.resolve({ outcome: 'late' });
  }

  async #stop(consumer: Consumer, graceMs: number): Promise<void> {
    consumer.isStopping = true;
    if (consumer.running.size > 0 && graceMs > 0) {
      const idle = new AbortController();
      consumer.onIdle = () => idle.abort();
      try {
        await this.#options.clock.sleep(graceMs, idle.signal);
      } catch {
        // Aborted: all handlers have ended.
      }
    }
    for (const running of consumer.running) {
      running.abort.abort(new FloodgateError('subscription_stopped', `the subscription ${consumer.spec.name} has stopped`));
      running.settled.resolve({ outcome: 'stopping' });
    }
  }
}
