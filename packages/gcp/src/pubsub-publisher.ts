// Publishing: one request for all messages of a call to one topic, so that they stand or fall together as far as Pub/Sub can
// promise it. Requests to several topics, and what exceeds one request (1,000 messages, 10 MB), may come half through; the
// error says so, and publishing again doubles what had come through: that is what the port allows.
//
// Not through Topic.publishMessage: it gathers messages in timed batches, which a doorbell would wait for; it sends one request
// per ordering key; it stops a key for good after an error; and its requests can't be cancelled.
import { v1 } from '@google-cloud/pubsub';
import type { PubSub } from '@google-cloud/pubsub';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import type { OutgoingMessage, Topic } from '@floodgate/core/ports/message-bus.ts';
import { MessageBusError, toMessageBusError } from './pubsub-errors.ts';
import { findMessageProblem, splitIntoRequests } from './pubsub-limits.ts';

export type PubSubPublisherOptions = {
  readonly clock: Clock;
  /** Of one call, its retries included. The client tries again what may pass: its table of codes, from 100 ms doubled. */
  readonly timeoutMs?: number;
};

const defaultTimeoutMs = 30_000;

export class PubSubPublisher implements AsyncDisposable {
  readonly #pubsub: PubSub;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #client: Promise<v1.PublisherClient> | undefined;
  /** Per topic and ordering key: the last call that sends to it. Pub/Sub keeps the order of requests, not of calls under way. */
  readonly #tails = new Map<string, Promise<unknown>>();

  constructor(pubsub: PubSub, options: PubSubPublisherOptions) {
    this.#pubsub = pubsub;
    this.#clock = options.clock;
    this.#timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  }

  async publish(messages: readonly OutgoingMessage[], signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (messages.length === 0) return;
    for (const message of messages) {
      const problem = findMessageProblem(message);
      if (problem !== undefined)
        throw new MessageBusError('message_refused', `nothing was published: Pub/Sub would refuse the message ${message.attributes['id'] ?? ''}: ${problem}`);
    }
    const byTopic = Map.groupBy(messages, (message) => message.topic);
    const done = new AbortController();
    const late = new AbortController();
    // Rejects when it isn't needed any more.
    void this.#clock.sleep(this.#timeoutMs, done.signal).then(
      () => late.abort(new MessageBusError('deadline_exceeded', `publishing to ${[...byTopic.keys()].join(', ')} took longer than ${this.#timeoutMs} ms`)),
      () => undefined,
    );
    const given = signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]);
    try {
      const keys = new Set(messages.flatMap(({ topic, orderingKey }) => (orderingKey === undefined ? [] : [`${topic} ${orderingKey}`])));
      await this.#inTurn(keys, given, async () => {
        const sent = await Promise.allSettled([...byTopic].map(([topic, ofTopic]) => this.#send(topic, ofTopic, given)));
        for (const result of sent) if (result.status === 'rejected') throw result.reason;
      });
    } finally {
      done.abort();
    }
  }

  async #send(topic: Topic, messages: readonly OutgoingMessage[], signal: AbortSignal): Promise<void> {
    try {
      this.#client ??= this.#connect();
      const client = await untilAborted(this.#client, signal);
      for (const request of splitIntoRequests(messages)) {
        const messagesOfRequest = request.map(({ data, attributes, orderingKey }) => ({ data: Buffer.from(data), attributes, orderingKey: orderingKey ?? '' }));
        const call = client.publish(
          { topic: `projects/${this.#pubsub.projectId}/topics/${topic}`, messages: messagesOfRequest },
          { signal, timeout: this.#timeoutMs },
        );
        await untilAborted(call, signal);
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw toMessageBusError(error, `publish to the topic ${topic}`, 'topic');
    }
  }

  async #connect(): Promise<v1.PublisherClient> {
    // The types of the two differ in what may be undefined only.
    return new v1.PublisherClient((await this.#pubsub.getClientConfig()) as ConstructorParameters<typeof v1.PublisherClient>[0]);
  }

  /** After all earlier calls with one of these keys, failed or not: what a caller gave up, he publishes again himself. */
  async #inTurn(keys: ReadonlySet<string>, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    if (keys.size === 0) return work();
    const before = Promise.all([...keys].map((key) => this.#tails.get(key) ?? Promise.resolve()));
    const end = Promise.withResolvers<void>();
    // A call that is given up while it waits must not let the next one pass those before it.
    const tail = Promise.all([before, end.promise]);
    for (const key of keys) this.#tails.set(key, tail);
    void tail.then(() => {
      for (const key of keys) if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    try {
      await untilAborted(before, signal);
      await work();
    } finally {
      end.resolve();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const client = await this.#client?.catch(() => undefined);
    await client?.close();
  }
}

/** The answer, or the signal's reason as soon as it is aborted. */
const untilAborted = async <Answer>(call: Promise<Answer>, signal: AbortSignal): Promise<Answer> => {
  const aborted = Promise.withResolvers<never>();
  const giveUp = (): void => aborted.reject(signal.reason);
  // A call that nobody waits for any more fails for nobody.
  call.catch(() => undefined);
  if (signal.aborted) giveUp();
  signal.addEventListener('abort', giveUp);
  try {
    return await Promise.race([call, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
};
