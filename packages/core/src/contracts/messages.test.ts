import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { topics } from '../ports/message-bus.ts';
import { createMessage, messageTypes, parseMessage, schemaVersion, subscriptions, type Envelope, type MessageData, type MessageType } from './messages.ts';

const envelope: Envelope = {
  id: 'e1',
  source: 'floodgate/planner',
  subject: 'b1',
  time: Date.UTC(2026, 0, 3, 12),
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
};

const examples: { readonly [Type in MessageType]: MessageData<Type> } = {
  'floodgate.backfill.requested': { pipeline: 'nba', range: { start: '2024-01-01', end: '2024-01-02' } },
  'floodgate.tasks.dispatched': { dispatchId: 'd1', backfillId: 'b1', processorId: 'games', tasks: [{ path: 'backfills/b1/tasks/t1', epoch: 1 }] },
  'floodgate.lane.rung': { table: 'silver.games' },
  'floodgate.backfill.moved': { backfillId: 'b1' },
  'floodgate.tasks.ended': { backfillId: 'b1', phases: [2, 3] },
  'floodgate.phase.completed': { backfillId: 'b1', phase: 2 },
  'floodgate.phase.held': { backfillId: 'b1', phase: 2 },
  'floodgate.phase.blocked': { backfillId: 'b1', phase: 2, failing: [{ processorId: 'games', dates: ['2024-01-01'] }], repair: 'floodgate backfill nba' },
  'floodgate.backfill.ended': { backfillId: 'b1', state: 'completed' },
};
const types = Object.keys(examples) as readonly MessageType[];

test.each(types)('%s arrives as it was sent', (type) => {
  const message = createMessage(type, examples[type], envelope);
  expect(message.topic).toBe(messageTypes[type].topic);
  expect(parseMessage(message.attributes, message.data)).toEqual({ type, data: examples[type], attributes: message.attributes });
});

test('every type has an example here, and goes to a topic that somebody subscribes to', () => {
  expect([...types].sort()).toEqual(Object.keys(messageTypes).sort());
  const subscribed = Object.values(subscriptions).map(({ topic }) => topic);
  for (const { topic } of Object.values(messageTypes)) expect(subscribed).toContain(topic);
  expect(new Set(subscribed)).toEqual(new Set(topics));
});

test('the attributes are those of a CloudEvent in binary mode', () => {
  expect(createMessage('floodgate.lane.rung', { table: 't' }, envelope).attributes).toEqual({
    specversion: '1.0',
    id: 'e1',
    source: 'floodgate/planner',
    type: 'floodgate.lane.rung',
    subject: 'b1',
    time: '2026-01-03T12:00:00.000Z',
    schemaversion: '1',
    traceparent: envelope.traceparent,
  });
});

describe('between two versions', () => {
  const { attributes } = createMessage('floodgate.lane.rung', { table: 't' }, envelope);
  test('a key that this version does not know is left out', () => {
    expect(parseMessage(attributes, '{"table": "t", "shard": 3}')).toMatchObject({ type: 'floodgate.lane.rung', data: { table: 't' } });
    expect(parseMessage(attributes, '{"table": "t", "shard": 3}')).not.toHaveProperty('data.shard');
  });
  test('a message without a version is one of this version', () => {
    const { schemaversion: _, ...without } = attributes;
    expect(parseMessage(without, '{"table": "t"}')).toMatchObject({ type: 'floodgate.lane.rung' });
  });
  test('all keys of a request pass, since its own reader names those it does not know', () => {
    expect(parseMessage({ id: 'e1', source: 's', type: 'floodgate.backfill.requested' }, '{"pipeline": "nba", "rnage": 1}')).toMatchObject({
      data: { pipeline: 'nba', rnage: 1 },
    });
  });
});

describe('what is malformed is said to be, with its reason', () => {
  const known = Object.keys(messageTypes).join(', ');
  test.each([
    ['no type', {}, '{}', `attribute "type": expected one of ${known}, found none`],
    ['a type of somebody else', { type: 'order.created' }, '{}', `attribute "type": expected one of ${known}, found "order.created"`],
    ['an inherited name for a type', { type: 'toString' }, '{}', `attribute "type": expected one of ${known}, found "toString"`],
    ['no id', { type: 'floodgate.lane.rung', id: '' }, '{"table": "t"}', 'attribute "id": expected a text that tells this event from others, found none'],
    [
      'no source',
      { type: 'floodgate.lane.rung', source: '' },
      '{"table": "t"}',
      'attribute "source": expected a text that tells this event from others, found none',
    ],
    ['a version to come', { type: 'floodgate.lane.rung', schemaversion: '2' }, '{"table": "t"}', 'attribute "schemaversion": expected "1", found "2"'],
    ['data that is no JSON', { type: 'floodgate.lane.rung' }, '{table}', 'the data is not JSON: '],
    ['no data', { type: 'floodgate.lane.rung' }, '', 'the data is not JSON: '],
    ['data of another shape', { type: 'floodgate.lane.rung' }, '[]', 'expected object, received array'],
    ['a key that is missing', { type: 'floodgate.phase.held' }, '{"backfillId": "b1"}', 'at phase'],
    ['a value of another type', { type: 'floodgate.phase.held' }, '{"backfillId": "b1", "phase": "2"}', 'at phase'],
    ['a dispatch of nothing', { type: 'floodgate.tasks.dispatched' }, '{"dispatchId": "d", "backfillId": "b", "processorId": "p", "tasks": []}', 'at tasks'],
    ['a request that is a list', { type: 'floodgate.backfill.requested' }, '[1]', 'expected record, received array'],
  ])('%s', (_, attributes, data, problem) => {
    const parsed = parseMessage({ id: 'e1', source: 's', ...attributes }, data);
    expect(parsed).toMatchObject({ type: 'malformed', problem: expect.stringContaining(problem) });
  });

  test('nothing that comes makes the reader throw', () => {
    const arbitraryAttributes = fc.dictionary(
      fc.constantFrom('type', 'schemaversion', 'id', 'source'),
      fc.oneof(fc.constantFrom(...types, schemaVersion), fc.string()),
    );
    fc.assert(
      fc.property(arbitraryAttributes, fc.oneof(fc.json(), fc.string()), (attributes, data) => {
        expect(['malformed', ...types]).toContain(parseMessage({ id: 'e1', source: 's', ...attributes }, data).type);
      }),
      { numRuns: 300 },
    );
  });
});

test('subscriptions have names of their own and deadlines that Pub/Sub can keep', () => {
  const specs = Object.values(subscriptions);
  expect(new Set(specs.map(({ name }) => name)).size).toBe(specs.length);
  for (const { ackDeadlineMs, redelivery, maxDeliveryAttempts } of specs) {
    expect(ackDeadlineMs).toBeGreaterThanOrEqual(10_000);
    expect(ackDeadlineMs).toBeLessThanOrEqual(600_000);
    expect(redelivery.minMs).toBeLessThanOrEqual(redelivery.maxMs);
    expect(redelivery.maxMs).toBeLessThanOrEqual(600_000);
    expect(maxDeliveryAttempts).toBeGreaterThanOrEqual(5);
    expect(maxDeliveryAttempts).toBeLessThanOrEqual(100);
  }
});
