import { describe, expect, it } from 'vitest';
import { parseMessage } from '@floodgate/core/contracts/messages.ts';
import { topics } from '@floodgate/core/ports/message-bus.ts';
import { toDeliveredAttributes } from './pubsub-attributes.ts';

const received = { projectId: 'project-one', messageId: '77' };
const source = '//pubsub.googleapis.com/projects/project-one/topics/floodgate-backfill-requests';

describe('attributes of a request', () => {
  const topic = 'floodgate-backfill-requests';

  it('are supplied where somebody published data alone', () => {
    const attributes = toDeliveredAttributes({ ...received, topic, attributes: {} });
    expect(attributes).toEqual({ id: '77', source, type: 'floodgate.backfill.requested' });
    expect(parseMessage(attributes, '{"pipeline":"nba"}')).toMatchObject({ type: 'floodgate.backfill.requested' });
  });

  it('stay as they were given, one by one', () => {
    const attributes = { id: 'mine', source: '', owner: 'ml-team' };
    expect(toDeliveredAttributes({ ...received, topic, attributes })).toEqual({ id: 'mine', source, type: 'floodgate.backfill.requested', owner: 'ml-team' });
  });

  it('stay wrong where they are wrong', () => {
    const attributes = toDeliveredAttributes({ ...received, topic, attributes: { type: 'something.else' } });
    expect(parseMessage(attributes, '{}')).toMatchObject({ type: 'malformed' });
  });
});

it.each(topics.filter((topic) => topic !== 'floodgate-backfill-requests'))('nothing is supplied on the topic %s', (topic) => {
  expect(toDeliveredAttributes({ ...received, topic, attributes: { subject: 'x' } })).toEqual({ subject: 'x' });
});

it('a message that Pub/Sub has dead-lettered says so in our words beside Pub/Sub’s', () => {
  const attributes = {
    id: 'bad',
    CloudPubSubDeadLetterSourceDeliveryCount: '5',
    CloudPubSubDeadLetterSourceSubscription: 'floodgate-worker-tasks',
    CloudPubSubDeadLetterSourceSubscriptionProject: 'project-one',
  };
  expect(toDeliveredAttributes({ ...received, topic: 'floodgate-dead-letter', attributes })).toEqual({
    ...attributes,
    deadlettersource: 'floodgate-worker-tasks',
    deadletterattempts: '5',
  });
});
