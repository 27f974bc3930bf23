// What Pub/Sub takes, checked before it is asked: a message that it would refuse must not leave half of a call published, and
// a subscription that it can't have is a mistake of the declaration.
import type { OutgoingMessage, SubscriptionSpec } from '@floodgate/core/ports/message-bus.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';

/** https://docs.cloud.google.com/pubsub/quotas#resource_limits; "10 MB" and "1 KB" are read as the smaller of their meanings. */
const maxDataBytes = 10_000_000;
const maxAttributes = 100;
const maxAttributeKeyBytes = 256;
const maxAttributeValueBytes = 1_024;
const maxOrderingKeyBytes = 1_000;
const maxMessagesPerRequest = 1_000;
const maxRequestBytes = 10_000_000;

/** https://docs.cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions */
const ackDeadlineMs = { min: 10_000, max: 600_000 };
const backoffMs = { min: 0, max: 600_000 };
const deliveryAttempts = { min: 5, max: 100 };
/** https://docs.cloud.google.com/pubsub/docs/pubsub-basics#resource_names */
const resourceName = /^(?!goog)[A-Za-z][\w.~+%-]{2,254}$/;

/** What Pub/Sub would refuse of this message; undefined: nothing. */
export const findMessageProblem = ({ data, attributes, orderingKey }: OutgoingMessage): string | undefined => {
  const entries = Object.entries(attributes);
  const dataBytes = Buffer.byteLength(data);
  if (dataBytes > maxDataBytes) return `its data has ${dataBytes} bytes, at most ${maxDataBytes} are allowed`;
  if (dataBytes === 0 && entries.length === 0) return 'it has neither data nor attributes';
  if (entries.length > maxAttributes) return `it has ${entries.length} attributes, at most ${maxAttributes} are allowed`;
  for (const [key, value] of entries) {
    if (key === '' || Buffer.byteLength(key) > maxAttributeKeyBytes) return `the name of attribute "${key}" must have 1 to ${maxAttributeKeyBytes} bytes`;
    if (key.startsWith('goog')) return `the name of attribute "${key}" starts with "goog", which Google keeps to itself`;
    const valueBytes = Buffer.byteLength(value);
    if (valueBytes > maxAttributeValueBytes) return `attribute "${key}" has ${valueBytes} bytes, at most ${maxAttributeValueBytes} are allowed`;
  }
  if (orderingKey !== undefined && Buffer.byteLength(orderingKey) > maxOrderingKeyBytes)
    return `its ordering key has ${Buffer.byteLength(orderingKey)} bytes, at most ${maxOrderingKeyBytes} are allowed`;
  return undefined;
};

/** Of the encoded message, from above: field tags and lengths are at most 12 bytes a field. */
const encodedBytes = ({ data, attributes, orderingKey }: OutgoingMessage): number => {
  const ofAttributes = Object.entries(attributes).reduce((bytes, [key, value]) => bytes + Buffer.byteLength(key) + Buffer.byteLength(value) + 36, 0);
  return Buffer.byteLength(data) + ofAttributes + Buffer.byteLength(orderingKey ?? '') + 36;
};

/** In as few requests as Pub/Sub allows, in the given order. */
export const splitIntoRequests = (messages: readonly OutgoingMessage[]): readonly (readonly OutgoingMessage[])[] => {
  const requests: OutgoingMessage[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const message of messages) {
    const ofMessage = encodedBytes(message);
    const last = requests.at(-1);
    if (last === undefined || last.length >= maxMessagesPerRequest || bytes + ofMessage > maxRequestBytes) {
      requests.push([message]);
      bytes = ofMessage;
    } else {
      last.push(message);
      bytes += ofMessage;
    }
  }
  return requests;
};

/** Throws, with all problems in one error, where Pub/Sub can't have such a subscription. */
export const checkSubscriptionSpec = (spec: SubscriptionSpec): void => {
  const problems = [
    ...(resourceName.test(spec.name) ? [] : [`name: expected 3 to 255 letters, digits and -._~+%, a letter first and not "goog", found "${spec.name}"`]),
    ...outside('ackDeadlineMs', spec.ackDeadlineMs, ackDeadlineMs),
    ...(spec.ackDeadlineMs % 1_000 === 0 ? [] : [`ackDeadlineMs: expected whole seconds, found ${spec.ackDeadlineMs}`]),
    ...outside('redelivery.minMs', spec.redelivery.minMs, backoffMs),
    ...outside('redelivery.maxMs', spec.redelivery.maxMs, backoffMs),
    ...(spec.redelivery.minMs <= spec.redelivery.maxMs
      ? []
      : [`redelivery: expected minMs <= maxMs, found ${spec.redelivery.minMs} and ${spec.redelivery.maxMs}`]),
    ...outside('maxDeliveryAttempts', spec.maxDeliveryAttempts, deliveryAttempts),
  ];
  if (problems.length > 0)
    throw new FloodgateError('invalid_subscription', `Pub/Sub can't have the subscription ${spec.name}: ${problems.join('; ')}`, {
      hint: 'https://docs.cloud.google.com/pubsub/docs/subscription-properties',
    });
};

const outside = (what: string, value: number, { min, max }: { readonly min: number; readonly max: number }): readonly string[] =>
  value >= min && value <= max ? [] : [`${what}: expected ${min} to ${max}, found ${value}`];
