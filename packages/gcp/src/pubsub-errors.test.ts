import { expect, it } from 'vitest';
import { codeOfPubSubError, MessageBusError, toMessageBusError } from './pubsub-errors.ts';

const grpcError = (code: number): Error => Object.assign(new Error(`${code} SOMETHING: why`), { code });

it.each([
  [1, 'cancelled'],
  [2, 'unavailable'],
  [3, 'message_refused'],
  [4, 'deadline_exceeded'],
  [5, 'topic_missing'],
  [7, 'permission_denied'],
  [8, 'rate_limited'],
  [9, 'message_refused'],
  [10, 'unavailable'],
  [13, 'unavailable'],
  [14, 'unavailable'],
  [16, 'permission_denied'],
  [6, 'unknown'],
  [12, 'unknown'],
] as const)('gRPC status %i is %s', (status, code) => {
  expect(codeOfPubSubError(grpcError(status), 'topic')).toBe(code);
});

it('what is missing is named', () => {
  expect(codeOfPubSubError(grpcError(5), 'subscription')).toBe('subscription_missing');
});

it.each([
  [new Error('Could not load the default credentials. Browse to …'), 'permission_denied'],
  [Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 'unknown'],
  ['a text', 'unknown'],
  [undefined, 'unknown'],
] as const)('%s has no status and is judged all the same', (error, code) => {
  expect(codeOfPubSubError(error, 'topic')).toBe(code);
});

it('the error says what was tried and keeps its cause, and one of ours stays as it is', () => {
  const cause = grpcError(14);
  const error = toMessageBusError(cause, 'publish to the topic floodgate-tasks', 'topic');
  expect(error).toMatchObject({ code: 'unavailable', message: 'could not publish to the topic floodgate-tasks: 14 SOMETHING: why', cause });
  expect(error.hint).toContain('may come twice');
  expect(error).toBeInstanceOf(MessageBusError);
  expect(toMessageBusError(error, 'anything', 'topic')).toBe(error);
});
