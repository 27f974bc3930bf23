import { describe, expect, it } from 'vitest';
import { subscriptions } from '@floodgate/core/contracts/messages.ts';
import type { OutgoingMessage, SubscriptionSpec } from '@floodgate/core/ports/message-bus.ts';
import { checkSubscriptionSpec, findMessageProblem, splitIntoRequests } from './pubsub-limits.ts';

const message = (overrides: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  topic: 'floodgate-tasks',
  attributes: { id: '1' },
  data: '{}',
  ...overrides,
});

describe('a message', () => {
  it.each([
    ['as it should be', {}],
    ['with the most data', { data: 'x'.repeat(10_000_000) }],
    ['without data', { data: '' }],
    ['without attributes', { attributes: {} }],
    ['with the longest value', { attributes: { key: 'x'.repeat(1_024) } }],
    ['with the most attributes', { attributes: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`a${i}`, 'x'])) }],
  ])('%s is taken', (_, overrides) => {
    expect(findMessageProblem(message(overrides))).toBeUndefined();
  });

  it.each([
    ['nothing in it', { data: '', attributes: {} }, 'neither data nor attributes'],
    ['too much data', { data: 'ö'.repeat(5_000_001) }, '10000002 bytes'],
    ['too many attributes', { attributes: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`a${i}`, 'x'])) }, '101 attributes'],
    ['a value too long', { attributes: { key: 'ö'.repeat(513) } }, '"key" has 1026 bytes'],
    ['a name too long', { attributes: { ['k'.repeat(257)]: 'x' } }, '256 bytes'],
    ['an empty name', { attributes: { '': 'x' } }, '1 to 256 bytes'],
    ['a name of Google’s', { attributes: { googclient: 'x' } }, 'Google keeps to itself'],
    ['an ordering key too long', { orderingKey: 'k'.repeat(1_001) }, '1001 bytes'],
  ])('with %s is refused', (_, overrides, problem) => {
    expect(findMessageProblem(message(overrides))).toContain(problem);
  });
});

describe('requests', () => {
  it('hold as many messages as Pub/Sub takes, in their order', () => {
    const messages = Array.from({ length: 2_001 }, (_, i) => message({ data: String(i) }));
    const requests = splitIntoRequests(messages);
    expect(requests.map((request) => request.length)).toEqual([1_000, 1_000, 1]);
    expect(requests.flat()).toEqual(messages);
  });

  it('hold as many bytes as Pub/Sub takes', () => {
    const messages = Array.from({ length: 5 }, (_, i) => message({ data: String(i).repeat(4_000_000) }));
    expect(splitIntoRequests(messages).map((request) => request.length)).toEqual([2, 2, 1]);
  });
});

describe('a subscription', () => {
  it.each(Object.values(subscriptions).map((spec) => [spec.name, spec] as const))('%s is one that Pub/Sub can have', (_, spec) => {
    expect(() => checkSubscriptionSpec(spec)).not.toThrow();
  });

  const base = subscriptions.workerTasks;
  it.each([
    [{ ackDeadlineMs: 10_000 }, { ackDeadlineMs: 9_000 }],
    [{ ackDeadlineMs: 600_000 }, { ackDeadlineMs: 601_000 }],
    [{ ackDeadlineMs: 11_000 }, { ackDeadlineMs: 11_500 }],
    [{ redelivery: { minMs: 0, maxMs: 600_000 } }, { redelivery: { minMs: 0, maxMs: 600_001 } }],
    [{ redelivery: { minMs: 5, maxMs: 5 } }, { redelivery: { minMs: 6, maxMs: 5 } }],
    [{ redelivery: { minMs: 0, maxMs: 5 } }, { redelivery: { minMs: -1, maxMs: 5 } }],
    [{ maxDeliveryAttempts: 5 }, { maxDeliveryAttempts: 4 }],
    [{ maxDeliveryAttempts: 100 }, { maxDeliveryAttempts: 101 }],
    [{ name: 'abc' }, { name: 'ab' }],
    [{ name: 'workers' }, { name: 'google-workers' }],
  ] satisfies (readonly [Partial<SubscriptionSpec>, Partial<SubscriptionSpec>])[])('may have %o and not %o', (good, bad) => {
    expect(() => checkSubscriptionSpec({ ...base, ...good })).not.toThrow();
    expect(() => checkSubscriptionSpec({ ...base, ...bad })).toThrow(expect.objectContaining({ code: 'invalid_subscription' }));
  });

  it('is told all that is wrong with it at once', () => {
    const spec = { ...base, ackDeadlineMs: 5_000, maxDeliveryAttempts: 1 };
    expect(() => checkSubscriptionSpec(spec)).toThrow(/ackDeadlineMs: expected 10000 to 600000, found 5000; maxDeliveryAttempts: expected 5 to 100, found 1/);
  });
});
