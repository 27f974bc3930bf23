// The message bus in memory: the rules and the delivery of the embedded bus over arrays.
import { StoreError } from '@floodgate/core/ports/status-store.ts';
import type { SubscriptionSpec, Topic } from '@floodgate/core/ports/message-bus.ts';
import type { NewRow, QueueRows, Row, RowChange } from '@floodgate/embedded/message-queue.ts';
import { QueueMessageBus } from '@floodgate/embedded/queue-message-bus.ts';
import type { MessageQueue, QueueMessageBusOptions } from '@floodgate/embedded/queue-message-bus.ts';

/** `queue` outlives the bus, as a file would: a test that "restarts" gives it to the next one. */
export function createMemoryMessageBus(queue: MessageQueue, options: QueueMessageBusOptions): QueueMessageBus {
  return new QueueMessageBus(queue, options);
}

export class MemoryMessageQueue implements MessageQueue, QueueRows {
  readonly #topics = new Map<string, Topic>();
  /** By subscription, in the order of publishing. */
  readonly #rows = new Map<string, Map<number, Row>>();
  #lastId = 0;

  /** Messages that are kept, over all subscriptions. */
  get size(): number {
    return [...this.#rows.values()].reduce((sum, rows) => sum + rows.size, 0);
  }

  declare({ name, topic }: SubscriptionSpec): void {
    const declared = this.#topics.get(name) ?? topic;
    if (declared !== topic) throw new StoreError('invalid', `the subscription ${name} belongs to the topic ${declared}, not to ${topic}`);
    this.#topics.set(name, topic);
    if (!this.#rows.has(name)) this.#rows.set(name, new Map());
  }

  /** Nothing in the rules throws half-way: no undoing is needed. */
  async write<T>(work: (rows: QueueRows) => T): Promise<T> {
    return work(this);
  }

  nextDueAt(subscription: string): number | undefined {
    let next: number | undefined;
    for (const { dueAt } of this.#of(subscription).values()) {
      if (next === undefined || dueAt < next) next = dueAt;
    }
    return next;
  }

  releaseAll(now: number): void {
    for (const rows of this.#rows.values()) {
      for (const row of rows.values()) {
        if (row.holder !== undefined) rows.set(row.id, { ...row, dueAt: now, holder: undefined });
      }
    }
  }

  subscriptionsOf(topic: Topic): readonly string[] {
    return [...this.#topics].filter(([, of]) => of === topic).map(([name]) => name);
  }

  insert(row: NewRow): void {
    this.#lastId += 1;
    this.#of(row.subscription).set(this.#lastId, { ...row, id: this.#lastId, attempt: 0, holder: undefined });
  }

  due(subscription: string, now: number, limit: number): readonly Row[] {
    return [...this.#of(subscription).values()]
      .filter((row) => row.dueAt <= now)
      .sort((a, b) => a.dueAt - b.dueAt || a.id - b.id)
      .slice(0, limit);
  }

  update(id: number, change: RowChange): void {
    const rows = this.#holding(id);
    rows?.set(id, { ...rows.get(id)!, ...change });
  }

  updateHeld(delivery: Row, change: RowChange): boolean {
    const row = this.#of(delivery.subscription).get(delivery.id);
    if (row?.holder !== delivery.holder || row?.attempt !== delivery.attempt) return false;
    this.update(delivery.id, change);
    return true;
  }

  remove(id: number): boolean {
    return this.#holding(id)?.delete(id) ?? false;
  }

  firstOfKey(subscription: string, orderingKey: string): { readonly id: number } | undefined {
    for (const row of this.#of(subscription).values()) {
      if (row.orderingKey === orderingKey) return row;
    }
    return undefined;
  }

  #of(subscription: string): Map<number, Row> {
    return this.#rows.get(subscription)!;
  }

  #holding(id: number): Map<number, Row> | undefined {
    for (const rows of this.#rows.values()) {
      if (rows.has(id)) return rows;
    }
    return undefined;
  }
}
