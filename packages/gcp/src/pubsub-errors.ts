// What Pub/Sub's errors mean for us: one table from gRPC's status codes to ours.
import { FloodgateError } from '@floodgate/core/domain/errors.ts';

export const messageBusErrorCodes = [
  'unavailable',
  'deadline_exceeded',
  'rate_limited',
  'permission_denied',
  'topic_missing',
  'subscription_missing',
  'message_refused',
  'cancelled',
  'unknown',
] as const;
export type MessageBusErrorCode = (typeof messageBusErrorCodes)[number];

export class MessageBusError extends FloodgateError<MessageBusErrorCode> {}

/** https://grpc.github.io/grpc/core/md_doc_statuscodes.html, in the words of https://docs.cloud.google.com/pubsub/docs/reference/error-codes */
const codeOfStatus: Readonly<Record<number, MessageBusErrorCode>> = {
  1: 'cancelled',
  2: 'unavailable', // UNKNOWN: "retry with backoff"
  3: 'message_refused', // INVALID_ARGUMENT
  4: 'deadline_exceeded',
  7: 'permission_denied',
  8: 'rate_limited', // RESOURCE_EXHAUSTED
  9: 'message_refused', // FAILED_PRECONDITION: e.g. a region that the topic's storage policy forbids
  10: 'unavailable', // ABORTED: "retry with backoff"
  13: 'unavailable', // INTERNAL: "retry with backoff"
  14: 'unavailable',
  16: 'permission_denied', // UNAUTHENTICATED
};

const notFound = 5;

const hints: Partial<Record<MessageBusErrorCode, string>> = {
  unavailable: 'is Pub/Sub within reach? It is tried again; what was published may come twice',
  deadline_exceeded: 'is Pub/Sub within reach? It is tried again; what was published may come twice',
  rate_limited: 'https://console.cloud.google.com/iam-admin/quotas shows which quota of Pub/Sub is used up',
  permission_denied: 'npx floodgate doctor --backend gcp names the missing permission; without credentials: gcloud auth application-default login',
  topic_missing: 'npx floodgate doctor --backend gcp lists all that is missing and how to create it',
};

/** `what` was tried on which resource, e.g. "publish to the topic floodgate-tasks". */
export const toMessageBusError = (error: unknown, what: string, resource: 'topic' | 'subscription'): MessageBusError => {
  if (error instanceof MessageBusError) return error;
  const code = codeOfPubSubError(error, resource);
  const text = (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
  const hint = hints[code];
  return new MessageBusError(code, `could not ${what}: ${text}`, { cause: error, ...(hint === undefined ? {} : { hint }) });
};

export const codeOfPubSubError = (error: unknown, resource: 'topic' | 'subscription'): MessageBusErrorCode => {
  const status = statusOf(error);
  if (status === notFound) return resource === 'topic' ? 'topic_missing' : 'subscription_missing';
  // Whoever has no credentials at all gets an error of the authentication library, without a status.
  if (status === undefined && error instanceof Error && /could not load the default credentials/i.test(error.message)) return 'permission_denied';
  return (status === undefined ? undefined : codeOfStatus[status]) ?? 'unknown';
};

const statusOf = (error: unknown): number | undefined =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
