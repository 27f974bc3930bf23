// The message bus in the home's SQLite file: rows of the table `queue`, in the same transactions as everything else. Which
// rules hold for them is in message-queue.ts, who gets them when in queue-message-bus.ts.
import type { MessageAttributes, SubscriptionSpec, Topic } from '@floodgate/core/ports/message-bus.ts';
import { StoreError } from '@floodgate/core/ports/status-store.ts';
import type { NewRow, QueueRows, Row, RowChange } from './message-queue.ts';
import { QueueMessageBus } from './queue-message-bus.ts';
import type { MessageQueue, QueueMessageBusOptions } from './queue-message-bus.ts';
import type { RowStatement, SqliteDatabase, SqlValue } from './sqlite-database.ts';

export class SqliteMessageBus extends QueueMessageBus {
  constructor(database: SqliteDatabase, options: QueueMessageBusOptions) {
    super(new SqliteMessageQueue(database), options);
  }
}

class SqliteMessageQueue implements MessageQueue {
  readonly #database: SqliteDatabase;
  readonly #rows: SqliteQueueRows;
  readonly #nextDue: RowStatement;

  constructor(database: SqliteDatabase) {
    this.#database = database;
    this.#rows = new SqliteQueueRows(database);
    this.#nextDue = database.rowStatement('SELECT min(due_at) FROM queue WHERE subscription = (SELECT id FROM subscriptions WHERE name = ?)');
  }

  declare({ name, topic }: SubscriptionSpec): void {
    const find = this.#database.rowStatement('SELECT topic FROM subscriptions WHERE name = ?');
    if (find.get(name) === undefined) {
      this.#database.writeAtOpen(() => {
        this.#database.rowStatement('INSERT INTO subscriptions (name, topic) VALUES (?, ?) ON CONFLICT (name) DO NOTHING').run(name, topic);
      });
    }
    const declared = find.get(name)?.[0];
    if (declared !== topic)
      throw new StoreError('invalid', `the subscription ${name} belongs to the topic ${declared}, not to ${topic}`, {
        hint: 'Give the new subscription another name.',
      });
  }

  write<T>(work: (rows: QueueRows) => T): Promise<T> {
    return this.#database.write(() => {
      this.#rows.begin();
      return work(this.#rows);
    });
  }

  nextDueAt(subscription: string): number | undefined {
    return (this.#nextDue.get(subscription)?.[0] ?? undefined) as number | undefined;
  }

  releaseAll(now: number): void {
    this.#database.writeAtOpen(() => {
      this.#database.rowStatement('UPDATE queue SET due_at = ?, holder = NULL WHERE holder IS NOT NULL').run(now);
    });
  }
}

const rowColumns = 'id, due_at, ordering_key, attributes, data, attempt, holder';

class SqliteQueueRows implements QueueRows {
  readonly #subscriptions: RowStatement;
  readonly #insert: RowStatement;
  readonly #due: RowStatement;
  readonly #update: RowStatement;
  readonly #updateHeld: RowStatement;
  readonly #delete: RowStatement;
  readonly #firstOfKey: RowStatement;
  /** Read once in each write: other processes may have declared more since the one before. */
  #byTopic = new Map<Topic, string[]>();
  #ids = new Map<string, number>();

  constructor(database: SqliteDatabase) {
    this.#subscriptions = database.rowStatement('SELECT id, name, topic FROM subscriptions ORDER BY id');
    this.#insert = database.rowStatement('INSERT INTO queue (subscription, due_at, attempt, ordering_key, attributes, data) VALUES (?, ?, 0, ?, ?, ?)');
    this.#due = database.rowStatement(`SELECT ${rowColumns} FROM queue WHERE subscription = ? AND due_at <= ? ORDER BY due_at, id LIMIT ?`);
    this.#update = database.rowStatement('UPDATE queue SET due_at = ?, attempt = ?, holder = ? WHERE id = ?');
    this.#updateHeld = database.rowStatement('UPDATE queue SET due_at = ?, attempt = ?, holder = ? WHERE id = ? AND holder = ? AND attempt = ?');
    this.#delete = database.rowStatement('DELETE FROM queue WHERE id = ?');
    this.#firstOfKey = database.rowStatement('SELECT id FROM queue WHERE subscription = ? AND ordering_key = ? ORDER BY id LIMIT 1');
  }

  begin(): void {
    this.#byTopic = new Map();
    this.#ids = new Map();
    for (const [id, name, topic] of this.#subscriptions.all()) {
      this.#ids.set(name as string, id as number);
      const names = this.#byTopic.get(topic as Topic) ?? [];
      this.#byTopic.set(topic as Topic, names);
      names.push(name as string);
    }
  }

  subscriptionsOf(topic: Topic): readonly string[] {
    return this.#byTopic.get(topic) ?? [];
  }

  insert({ subscription, dueAt, orderingKey, attributes, data }: NewRow): void {
    this.#insert.run(this.#idOf(subscription), dueAt, orderingKey ?? null, JSON.stringify(attributes), data);
  }

  due(subscription: string, now: number, limit: number): readonly Row[] {
    return this.#due.all(this.#idOf(subscription), now, limit).map((row) => toRow(subscription, row));
  }

  update(id: number, { dueAt, attempt, holder }: RowChange): void {
    this.#update.run(dueAt, attempt, holder ?? null, id);
  }

  updateHeld(delivery: Row, { dueAt, attempt, holder }: RowChange): boolean {
    return Number(this.#updateHeld.run(dueAt, attempt, holder ?? null, delivery.id, delivery.holder ?? null, delivery.attempt).changes) > 0;
  }

  remove(id: number): boolean {
    return Number(this.#delete.run(id).changes) > 0;
  }

  firstOfKey(subscription: string, orderingKey: string): { readonly id: number } | undefined {
    const row = this.#firstOfKey.get(this.#idOf(subscription), orderingKey);
    return row === undefined ? undefined : { id: row[0] as number };
  }

  #idOf(subscription: string): number {
    return this.#ids.get(subscription)!;
  }
}

function toRow(subscription: string, [id, dueAt, orderingKey, attributes, data, attempt, holder]: readonly SqlValue[]): Row {
  return {
    id: id as number,
    subscription,
    dueAt: dueAt as number,
    orderingKey: (orderingKey ?? undefined) as string | undefined,
    attributes: JSON.parse(attributes as string) as MessageAttributes,
    data: data as string,
    attempt: attempt as number,
    holder: (holder ?? undefined) as string | undefined,
  };
}
