// Messages are doorbells: they say where to look, the store says what is true. So the bus may lose nothing that it has
// accepted, but may deliver it twice, late and out of order.

export const topics = [
  'floodgate-backfill-requests',
  'floodgate-tasks',
  'floodgate-commits',
  'floodgate-task-events',
  'floodgate-phase-events',
  'floodgate-dead-letter',
] as const;
export type Topic = (typeof topics)[number];

/** CloudEvents 1.0 in binary mode: the attributes carry id, source, type, subject, time; `data` is JSON text. */
export type OutgoingMessage = {
  readonly topic: Topic;
  readonly attributes: MessageAttributes;
  readonly data: string;
  /** Messages of one key are delivered in the order in which they were published, each after the one before was acked. */
  readonly orderingKey?: string;
};

export type MessageAttributes = Readonly<Record<string, string>>;

export type Delivery = {
  readonly subscription: string;
  readonly topic: Topic;
  readonly attributes: MessageAttributes;
  readonly data: string;
  /** The bus's own count of deliveries, 1-based and approximate. Decisions count attempts in the store instead. */
  readonly deliveryAttempt: number;
  /** Aborted when the subscription stops and its grace period is over. */
  readonly signal: AbortSignal;
};

/** ack: never again. nack: again after the subscription's backoff. A handler that throws nacks. */
export type Verdict = 'ack' | 'nack';

export type SubscriptionSpec = {
  readonly name: string;
  readonly topic: Topic;
  /** A delivery that is neither acked nor nacked for this long is delivered again; it is extended while its handler runs. */
  readonly ackDeadlineMs: number;
  /** Wait before a nacked or expired message comes again: `minMs` doubled with every delivery, at most `maxMs`. */
  readonly redelivery: { readonly minMs: number; readonly maxMs: number };
  /** Deliveries after which a message goes to `floodgate-dead-letter` instead, with the attribute `deadlettersource`. */
  readonly maxDeliveryAttempts: number;
};

export interface MessageBus {
  /** Durable when it resolves. All or nothing for the messages given; publishing again after an error may double them. */
  publish(messages: readonly OutgoingMessage[], signal?: AbortSignal): Promise<void>;

  /**
   * Delivers to `handler`, at most `maxOutstanding` at once. Guarantees: every message published after the subscription
   * was first declared is delivered until it is acked or dead-lettered, across kill -9; a subscription name is shared by
   * all who subscribe to it (each message goes to one of them at a time); an expired delivery may still be running.
   */
  subscribe(spec: SubscriptionSpec, handler: (delivery: Delivery) => Promise<Verdict>, options: SubscribeOptions): Promise<Subscription>;
}

export type SubscribeOptions = { readonly maxOutstanding: number };

export interface Subscription {
  /** Stops pulling, waits for running handlers up to `graceMs`, then aborts their signals and returns what is left to the bus. */
  stop(graceMs: number): Promise<void>;
}
