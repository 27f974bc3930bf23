// What a bus keeps of messages, and the rules by which they wait, are leased, come again and are given up. All of it runs inside
// one write of the queue, so each step happens as a whole or not at all.
//
// One row for each message and subscription. A row's `dueAt` says when it may be delivered. Leasing moves it past the lease and
// the backoff behind it: a lease that expires needs nobody to notice. Of the rows of one ordering key only the first is ever
// due; the others wait at `never` until the one before them is removed.
import type { MessageAttributes, OutgoingMessage, SubscriptionSpec, Topic } from '@floodgate/core/ports/message-bus.ts';

const never = Number.MAX_SAFE_INTEGER;
const deadLetterTopic: Topic = 'floodgate-dead-letter';

/** Rows of one place of storage. Subscriptions are named; ids grow with the order of publishing. */
export interface QueueRows {
  /** Names of the topic's subscriptions. */
  subscriptionsOf(topic: Topic): readonly string[];
  insert(row: NewRow): void;
  /** Rows due, the longest first, then by id. */
  due(subscription: string, now: number, limit: number): readonly Row[];
  /** With `holder: undefined` the row is nobody's. */
  update(id: number, change: RowChange): void;
  /** Only where `holder` still has this delivery; says whether. */
  updateHeld(delivery: Row, change: RowChange): boolean;
  /** False where it is gone already. */
  remove(id: number): boolean;
  /** The first row of a key. */
  firstOfKey(subscription: string, orderingKey: string): { readonly id: number } | undefined;
}

export type NewRow = {
  readonly subscription: string;
  readonly dueAt: number;
  readonly orderingKey: string | undefined;
  readonly attributes: MessageAttributes;
  readonly data: string;
};

export type Row = NewRow & { readonly id: number; readonly attempt: number; readonly holder: string | undefined };

export type RowChange = { readonly dueAt: number; readonly attempt: number; readonly holder: string | undefined };

/** What a bus has to say about a delivery. `row` is as it was leased. */
export type Settlement = {
  readonly kind: 'ack' | 'nack' | 'extend' | 'return';
  readonly spec: SubscriptionSpec;
  readonly row: Row;
};

export function publishRows(rows: QueueRows, messages: readonly Pick<OutgoingMessage, 'topic' | 'attributes' | 'data' | 'orderingKey'>[], now: number): void {
  for (const { topic, attributes, data, orderingKey } of messages) {
    for (const subscription of rows.subscriptionsOf(topic)) {
      const waits = orderingKey !== undefined && rows.firstOfKey(subscription, orderingKey) !== undefined;
      rows.insert({ subscription, dueAt: waits ? never : now, orderingKey, attributes, data });
    }
  }
}

/** Leases up to `limit` due messages to `holder`. `exhausted` where no more were due. */
export function leaseRows(
  rows: QueueRows,
  spec: SubscriptionSpec,
  holder: string,
  limit: number,
  now: number,
): { readonly leased: readonly Row[]; readonly exhausted: boolean } {
  const due = rows.due(spec.name, now, limit);
  const leased: Row[] = [];
  for (const row of due) {
    // Its last delivery expired: the process died of it, or hung.
    if (row.attempt >= spec.maxDeliveryAttempts && giveUp(rows, row, now)) continue;
    const attempt = row.attempt + 1;
    rows.update(row.id, { dueAt: leaseEnd(spec, attempt, now), attempt, holder });
    leased.push({ ...row, attempt, holder });
  }
  return { leased, exhausted: due.length < limit };
}

/** An ack counts even when it comes late: the work is done. All else counts only from him who still holds the delivery. */
export function settleRow(rows: QueueRows, { kind, spec, row }: Settlement, now: number): void {
  const { attempt, holder } = row;
  switch (kind) {
    case 'ack':
      return removeRow(rows, row, now);
    case 'extend':
      rows.updateHeld(row, { dueAt: leaseEnd(spec, attempt, now), attempt, holder });
      return;
    case 'return':
      // Whoever stops has not failed: the delivery is not counted, and the next one may begin at once.
      rows.updateHeld(row, { dueAt: now, attempt: attempt - 1, holder: undefined });
      return;
    case 'nack':
      if (rows.updateHeld(row, { dueAt: now + backoffMs(spec, attempt), attempt, holder: undefined }) && attempt >= spec.maxDeliveryAttempts) {
        giveUp(rows, row, now);
      }
  }
}

/** After the given number of deliveries. */
export function backoffMs(spec: SubscriptionSpec, attempt: number): number {
  // Bounded exponent: 2 ** 2000 is Infinity, and Infinity times 0 is no number.
  return Math.min(spec.redelivery.maxMs, spec.redelivery.minMs * 2 ** Math.min(attempt - 1, 40));
}

function leaseEnd(spec: SubscriptionSpec, attempt: number, now: number): number {
  return now + spec.ackDeadlineMs + backoffMs(spec, attempt);
}

/**
 * Moves a message to the dead-letter topic. Not where nobody would get it there (no subscription): then it stays and comes
 * again, since nothing that was accepted may be lost. Dead letters themselves are never given up for the same reason.
 */
function giveUp(rows: QueueRows, row: Row, now: number): boolean {
  const targets = rows.subscriptionsOf(deadLetterTopic);
  if (targets.length === 0 || targets.includes(row.subscription)) return false;
  const attributes = { ...row.attributes, deadlettersource: row.subscription, deadletterattempts: String(row.attempt) };
  publishRows(rows, [{ topic: deadLetterTopic, attributes, data: row.data }], now);
  removeRow(rows, row, now);
  return true;
}

function removeRow(rows: QueueRows, row: Row, now: number): void {
  if (!rows.remove(row.id) || row.orderingKey === undefined) return;
  const next = rows.firstOfKey(row.subscription, row.orderingKey);
  if (next !== undefined) rows.update(next.id, { dueAt: now, attempt: 0, holder: undefined });
}
