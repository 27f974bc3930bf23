// A state change and the messages that it causes are one transaction: the messages are written beside the state as outbox
// documents, sent after the transaction, and again by the reconciler until the bus has taken them (P26: a flag was set
// before the call that it announced; the call failed; the date was stuck).
import { createMessage, type MessageData, type MessageType } from '../contracts/messages.ts';
import { outboxPath, outboxSchema, parseDocument } from '../contracts/documents.ts';
import { topics, type OutgoingMessage, type Topic } from '../ports/message-bus.ts';
import type { StoredDocument, StoreTransaction } from '../ports/status-store.ts';
import type { StoreDeps } from './deps.ts';

export type Send = <Type extends MessageType>(type: Type, data: MessageData<Type>, about: { readonly subject: string; readonly traceparent: string }) => void;

type Pending = { readonly path: string; readonly message: OutgoingMessage };

/** Runs a transaction whose `send` writes to the outbox, then delivers what it wrote. */
export const transact = async <T>(deps: StoreDeps, body: (transaction: StoreTransaction, send: Send) => Promise<T>): Promise<T> => {
  let pending: Pending[] = [];
  const result = await deps.store.transaction(async (transaction) => {
    pending = [];
    const send: Send = (type, data, { subject, traceparent }) => {
      const id = deps.ids.newId();
      pending.push({ path: outboxPath(id), message: createMessage(type, data, { id, source: deps.source, subject, time: deps.clock.now(), traceparent }) });
    };
    const value = await body(transaction, send);
    for (const { path, message } of pending) {
      transaction.create(path, {
        topic: message.topic,
        attributes: message.attributes,
        data: message.data,
        orderingKey: message.orderingKey ?? null,
        createdAt: deps.clock.now(),
      });
    }
    return value;
  });
  await deliver(deps, pending);
  return result;
};

/**
 * Sends and removes outbox documents. A failure is logged and left to the reconciler: the state change has happened, and
 * the message will be sent. Between sending and removing lies a crash that doubles the message; receivers expect that.
 */
const deliver = async (deps: StoreDeps, pending: readonly Pending[]): Promise<void> => {
  if (pending.length === 0) return;
  try {
    await deps.bus.publish(pending.map(({ message }) => message));
    await deps.store.transaction(async (transaction) => {
      for (const { path } of pending) transaction.delete(path);
    });
  } catch (error) {
    deps.logger.warn({ messages: pending.length, err: error }, 'outbox not delivered; the reconciler will');
  }
};

const toPending = (document: StoredDocument): Pending => {
  const stored = parseDocument(outboxSchema, document);
  const topic = topics.find((known): known is Topic => known === stored.topic);
  if (topic === undefined) throw new TypeError(`outbox document ${document.path} names the unknown topic ${stored.topic}`);
  const message = { topic, attributes: stored.attributes, data: stored.data };
  return { path: document.path, message: stored.orderingKey === null ? message : { ...message, orderingKey: stored.orderingKey } };
};

/** Sends what was left behind by a crash or an unavailable bus: documents older than `minAgeMs`. Returns how many. */
export const drainOutbox = async (deps: StoreDeps, minAgeMs: number): Promise<number> => {
  const left = await deps.store.query({
    group: 'outbox',
    where: [{ field: 'createdAt', op: '<=', value: deps.clock.now() - minAgeMs }],
    orderBy: { field: 'createdAt', direction: 'asc' },
    limit: 500,
  });
  await deliver(deps, left.map(toPending));
  return left.length;
};
