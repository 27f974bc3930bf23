// The message bus on Pub/Sub, pulled from. What Pub/Sub promises otherwise than the embedded bus stands in docs/backends.md:
// what is given back when a subscription stops waits as long as a nacked message, and counts as a delivery.
import type { PubSub } from '@google-cloud/pubsub';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import type { Logger } from '@floodgate/core/ports/logger.ts';
import { topics } from '@floodgate/core/ports/message-bus.ts';
import type { Delivery, MessageBus, OutgoingMessage, SubscribeOptions, Subscription, SubscriptionSpec, Verdict } from '@floodgate/core/ports/message-bus.ts';
import { codeOfPubSubError, MessageBusError, toMessageBusError } from './pubsub-errors.ts';
import { checkSubscriptionSpec } from './pubsub-limits.ts';
import { PubSubPublisher } from './pubsub-publisher.ts';
import { PullSubscription } from './pubsub-pull.ts';
import { bounded } from './resource-report.ts';
import { createSubscriptionCommand, ensurePubSub } from './resources-pubsub.ts';

export type PubSubMessageBusOptions = {
  readonly clock: Clock;
  readonly logger?: Logger;
  /** Of one call of publish, its retries included. */
  readonly publishTimeoutMs?: number;
  /** Topics and subscriptions are made where they are missing: emulators and tests. Elsewhere a missing one is an error. */
  readonly declare?: boolean;
};

export class PubSubMessageBus implements MessageBus, AsyncDisposable {
  readonly #pubsub: PubSub;
  readonly #options: PubSubMessageBusOptions;
  readonly #publisher: PubSubPublisher;
  readonly #subscriptions = new Set<PullSubscription>();

  /** The client stays its owner's: closing the bus doesn't close it. */
  constructor(pubsub: PubSub, options: PubSubMessageBusOptions) {
    this.#pubsub = pubsub;
    this.#options = options;
    this.#publisher = new PubSubPublisher(pubsub, {
      clock: options.clock,
      ...(options.publishTimeoutMs === undefined ? {} : { timeoutMs: options.publishTimeoutMs }),
    });
  }

  publish(messages: readonly OutgoingMessage[], signal?: AbortSignal): Promise<void> {
    return this.#publisher.publish(messages, signal);
  }

  async subscribe(spec: SubscriptionSpec, handler: (delivery: Delivery) => Promise<Verdict>, options: SubscribeOptions): Promise<Subscription> {
    checkSubscriptionSpec(spec);
    if (this.#options.declare === true) await ensurePubSub(this.#pubsub, topics, [spec], this.#pubsub.projectId, new AbortController().signal);
    else await this.#expectSubscription(spec);
    const { clock, logger } = this.#options;
    const pull = new PullSubscription(this.#pubsub, spec, handler, { clock, logger, maxOutstanding: options.maxOutstanding });
    this.#subscriptions.add(pull);
    return {
      stop: async (graceMs) => {
        await pull.stop(graceMs);
        this.#subscriptions.delete(pull);
      },
    };
  }

  async #expectSubscription(spec: SubscriptionSpec): Promise<void> {
    try {
      await bounded(this.#pubsub.subscription(spec.name).getMetadata(), new AbortController().signal);
    } catch (error) {
      const code = codeOfPubSubError(error, 'subscription');
      if (code === 'subscription_missing')
        throw new MessageBusError('subscription_missing', `the subscription ${spec.name} is not in the project ${this.#pubsub.projectId}`, {
          cause: error,
          hint: createSubscriptionCommand(spec),
        });
      // Pulling needs roles/pubsub.subscriber, looking at it roles/pubsub.viewer: who may only pull, pulls, and is told by the stream.
      if (code !== 'permission_denied') throw toMessageBusError(error, `look at the subscription ${spec.name}`, 'subscription');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.stop(0)));
    await this.#publisher[Symbol.asyncDispose]();
  }
}
