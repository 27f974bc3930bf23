// What crosses the bus. Every message is a doorbell: it names where to look and carries nothing that the store does not
// say better. Unknown keys are ignored between services, since a rolling deploy has two versions.
import * as z from 'zod';
import type { MessageAttributes, OutgoingMessage, SubscriptionSpec, Topic } from '../ports/message-bus.ts';

export const schemaVersion = '1';

const dispatch = z.object({
  dispatchId: z.string(),
  backfillId: z.string(),
  processorId: z.string(),
  /** Each with the epoch at which it was released: a message of an older release claims nothing. */
  tasks: z.array(z.object({ path: z.string(), epoch: z.int() })).min(1),
});
export type Dispatch = z.output<typeof dispatch>;

/** Type of the CloudEvent → its topic and the schema of its data. */
export const messageTypes = {
  'floodgate.backfill.requested': { topic: 'floodgate-backfill-requests', data: z.record(z.string(), z.unknown()) },
  'floodgate.tasks.dispatched': { topic: 'floodgate-tasks', data: dispatch },
  'floodgate.lane.rung': { topic: 'floodgate-commits', data: z.object({ table: z.string() }) },
  /** Something in this backfill moved (or should): the planner looks again. */
  'floodgate.backfill.moved': { topic: 'floodgate-task-events', data: z.object({ backfillId: z.string() }) },
  /** Tasks of this phase reached terminal states: the validator looks whether it is drained. */
  'floodgate.tasks.ended': { topic: 'floodgate-task-events', data: z.object({ backfillId: z.string(), phases: z.array(z.int()) }) },
  'floodgate.phase.completed': { topic: 'floodgate-phase-events', data: z.object({ backfillId: z.string(), phase: z.int() }) },
  'floodgate.phase.held': { topic: 'floodgate-phase-events', data: z.object({ backfillId: z.string(), phase: z.int() }) },
  'floodgate.phase.blocked': {
    topic: 'floodgate-phase-events',
    data: z.object({
      backfillId: z.string(),
      phase: z.int(),
      failing: z.array(z.object({ processorId: z.string(), dates: z.array(z.string()) })),
      repair: z.string(),
    }),
  },
  'floodgate.backfill.ended': { topic: 'floodgate-phase-events', data: z.object({ backfillId: z.string(), state: z.string() }) },
} as const satisfies Record<string, { topic: Topic; data: z.ZodType }>;

export type MessageType = keyof typeof messageTypes;
export type MessageData<Type extends MessageType> = z.output<(typeof messageTypes)[Type]['data']>;

export type Envelope = { readonly id: string; readonly source: string; readonly subject: string; readonly time: number; readonly traceparent: string };

export const createMessage = <Type extends MessageType>(type: Type, data: MessageData<Type>, envelope: Envelope): OutgoingMessage => ({
  topic: messageTypes[type].topic,
  attributes: {
    specversion: '1.0',
    id: envelope.id,
    source: envelope.source,
    type,
    subject: envelope.subject,
    time: new Date(envelope.time).toISOString(),
    schemaversion: schemaVersion,
    traceparent: envelope.traceparent,
  },
  data: JSON.stringify(data),
});

export type ParsedMessage = {
  [Type in MessageType]: { readonly type: Type; readonly data: MessageData<Type>; readonly attributes: MessageAttributes };
}[MessageType];

/** Reads a message, or says what is wrong with it: such a message is recorded as a dead letter and acked, never nacked. */
export const parseMessage = (attributes: MessageAttributes, data: string): ParsedMessage | { readonly type: 'malformed'; readonly problem: string } => {
  const malformed = (problem: string) => ({ type: 'malformed' as const, problem });
  const type = attributes['type'] ?? '';
  if (!Object.hasOwn(messageTypes, type))
    return malformed(`attribute "type": expected one of ${Object.keys(messageTypes).join(', ')}, found ${type === '' ? 'none' : `"${type}"`}`);
  // CloudEvents demands both; without them two requests without a key of their own would be taken for one.
  for (const name of ['id', 'source']) {
    if ((attributes[name] ?? '') === '') return malformed(`attribute "${name}": expected a text that tells this event from others, found none`);
  }
  const version = attributes['schemaversion'] ?? schemaVersion;
  if (version !== schemaVersion) return malformed(`attribute "schemaversion": expected "${schemaVersion}", found "${version}"`);
  let json: unknown;
  try {
    json = JSON.parse(data);
  } catch (error) {
    return malformed(`the data is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = messageTypes[type as MessageType].data.safeParse(json);
  if (!parsed.success) return malformed(z.prettifyError(parsed.error));
  return { type, data: parsed.data, attributes } as ParsedMessage;
};

// ── subscriptions ───────────────────────────────────────────────────────────────────────────────────────────────────
// Ack deadlines are below Pub/Sub's 600 s; a handler that works longer is extended by the bus. Decisions count attempts
// in the store, so the bus's own limit is far above any of ours.

const subscription = (name: string, topic: Topic): SubscriptionSpec => ({
  name,
  topic,
  ackDeadlineMs: 60_000,
  redelivery: { minMs: 200, maxMs: 30_000 },
  maxDeliveryAttempts: 100,
});

export const subscriptions = {
  plannerRequests: subscription('floodgate-planner-requests', 'floodgate-backfill-requests'),
  plannerTaskEvents: subscription('floodgate-planner-task-events', 'floodgate-task-events'),
  plannerPhaseEvents: subscription('floodgate-planner-phase-events', 'floodgate-phase-events'),
  workerTasks: subscription('floodgate-worker-tasks', 'floodgate-tasks'),
  workerCommits: subscription('floodgate-worker-commits', 'floodgate-commits'),
  validatorTaskEvents: subscription('floodgate-validator-task-events', 'floodgate-task-events'),
  plannerDeadLetters: subscription('floodgate-planner-dead-letters', 'floodgate-dead-letter'),
} as const satisfies Record<string, SubscriptionSpec>;
