// What a delivery of Pub/Sub says in our words: its attributes as the rest of Floodgate reads them.
import type { MessageAttributes, Topic } from '@floodgate/core/ports/message-bus.ts';

const requestTopic: Topic = 'floodgate-backfill-requests';
const deadLetterTopic: Topic = 'floodgate-dead-letter';

export type ReceivedMessage = {
  readonly topic: Topic;
  readonly projectId: string;
  readonly messageId: string;
  readonly attributes: MessageAttributes;
};

export const toDeliveredAttributes = (message: ReceivedMessage): MessageAttributes => {
  switch (message.topic) {
    case requestTopic:
      return supplyCloudEvent(message);
    case deadLetterTopic:
      return nameDeadLetterSource(message.attributes);
    default:
      return message.attributes;
  }
};

/**
 * Anybody may publish a request with `gcloud pubsub topics publish`, data alone. What CloudEvents wants beside it is known: the
 * id is Pub/Sub's, so that the same message delivered twice is the same request. Other topics hold our own messages; one
 * without attributes there is malformed and stays so.
 */
const supplyCloudEvent = ({ topic, projectId, messageId, attributes }: ReceivedMessage): MessageAttributes => {
  const supplied = { id: messageId, source: `//pubsub.googleapis.com/projects/${projectId}/topics/${topic}`, type: 'floodgate.backfill.requested' };
  const given = Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== ''));
  return { ...supplied, ...given };
};

/** https://docs.cloud.google.com/pubsub/docs/dead-letter-topics#forwarded_messages: Pub/Sub adds these itself, under names of its own. */
const nameDeadLetterSource = (attributes: MessageAttributes): MessageAttributes => {
  const source = attributes['CloudPubSubDeadLetterSourceSubscription'];
  if (source === undefined) return attributes;
  const attempts = attributes['CloudPubSubDeadLetterSourceDeliveryCount'];
  return { ...attributes, deadlettersource: source, ...(attempts === undefined ? {} : { deadletterattempts: attempts }) };
};
