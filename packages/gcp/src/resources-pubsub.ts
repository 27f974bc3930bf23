// Topics and subscriptions: as Floodgate declares them, made where they are missing, and compared with what is there.
import type { PubSub, Subscription, SubscriptionMetadata } from '@google-cloud/pubsub';
import { subscriptions } from '@floodgate/core/contracts/messages.ts';
import type { SubscriptionSpec, Topic } from '@floodgate/core/ports/message-bus.ts';
import { bounded, ensure, inspect, outcomeOfError } from './resource-report.ts';
import type { Difference, EnsuredResource } from './resource-report.ts';

export type DeclaredSubscription = SubscriptionSpec & {
  /** Where Pub/Sub sends its messages; undefined: they are pulled. */
  readonly push?: PushTarget;
  /** Whoever declares it does not know whether it is pushed, and where to: either is right. */
  readonly mayBePushed?: boolean;
  /**
   * Keeps the order of messages with ordering keys. Off, since none of ours has one; and a subscription that keeps it never
   * dead-letters on Google's emulator (0.8.20): its stream breaks instead, again and again.
   */
  readonly ordered?: boolean;
};

export type PushTarget = {
  readonly endpoint: string;
  /** Whose token Pub/Sub sends along, and for whom it is meant. */
  readonly serviceAccount: string;
  readonly audience: string;
};

/** Pub/Sub's most, which a pushed message's handler has in all: nobody extends it while it works. */
export const pushAckDeadlineMs = 600_000;

/**
 * Pulled from wherever the others are pushed: a lane is served for as long as its table has work, and the ack deadline of a push,
 * within which it must be answered, is 600 s at most and can't be extended.
 */
export const alwaysPulled: ReadonlySet<string> = new Set([subscriptions.workerCommits.name]);

const deadLetterTopic: Topic = 'floodgate-dead-letter';
const secondMs = 1_000;
const dayMs = 86_400_000;
/** Pub/Sub's default: https://docs.cloud.google.com/pubsub/docs/subscription-properties#message-retention */
const retentionMs = 7 * dayMs;

type Duration = { readonly seconds?: unknown; readonly nanos?: unknown };
const duration = (ms: number): { seconds: number; nanos: number } => ({ seconds: Math.floor(ms / secondMs), nanos: (ms % secondMs) * 1_000_000 });
const durationMs = (value: Duration | null | undefined): number =>
  value === null || value === undefined ? 0 : Number(value.seconds ?? 0) * secondMs + Number(value.nanos ?? 0) / 1_000_000;

const topicPath = (projectId: string, topic: string): string => `projects/${projectId}/topics/${topic}`;

/** What the subscription is created with. */
export const subscriptionSettings = (declared: DeclaredSubscription, projectId: string): SubscriptionMetadata => ({
  ackDeadlineSeconds: declared.ackDeadlineMs / secondMs,
  retryPolicy: { minimumBackoff: duration(declared.redelivery.minMs), maximumBackoff: duration(declared.redelivery.maxMs) },
  // The dead letters' own subscription has none: what it can't handle would come back to it for ever, as a new message each time.
  ...(declared.topic === deadLetterTopic
    ? {}
    : { deadLetterPolicy: { deadLetterTopic: topicPath(projectId, deadLetterTopic), maxDeliveryAttempts: declared.maxDeliveryAttempts } }),
  enableMessageOrdering: declared.ordered ?? false,
  // Empty: never. By default a subscription that nobody has pulled from for 31 days is deleted with its messages:
  // https://docs.cloud.google.com/pubsub/docs/subscription-properties#expiration_period
  expirationPolicy: {},
  messageRetentionDuration: duration(retentionMs),
  ...(declared.push === undefined
    ? {}
    : {
        pushConfig: {
          pushEndpoint: declared.push.endpoint,
          oidcToken: { serviceAccountEmail: declared.push.serviceAccount, audience: declared.push.audience },
        },
      }),
});

/** Topics first: a subscription needs its own and the dead letters'. */
export const ensurePubSub = async (
  pubsub: PubSub,
  topics: readonly Topic[],
  declaredSubscriptions: readonly DeclaredSubscription[],
  projectId: string,
  signal: AbortSignal,
): Promise<readonly EnsuredResource[]> => [
  ...(await Promise.all(topics.map((topic) => ensure(`topic ${topic}`, () => pubsub.createTopic(topic), signal)))),
  ...(await Promise.all(
    declaredSubscriptions.map((declared) =>
      ensure(
        `subscription ${declared.name}`,
        () => pubsub.createSubscription(declared.topic, declared.name, subscriptionSettings(declared, projectId)),
        signal,
      ),
    ),
  )),
];

type Finding = Omit<Difference, 'resource'>;

/** Each property that Floodgate relies on, with how one that differs is put right. */
export const compareSubscription = (declared: DeclaredSubscription, found: SubscriptionMetadata, projectId: string): readonly Finding[] => {
  const findings: Finding[] = [];
  const update = `gcloud pubsub subscriptions update ${declared.name}`;
  const again = `it can't be changed: stop the services, gcloud pubsub subscriptions delete ${declared.name}, create it anew; what was in it is sent again by \`floodgate reconcile\``;
  const expect = (what: string, expected: unknown, actual: unknown, hint: string): void => {
    if (expected !== actual) findings.push({ problem: `${what}: expected ${String(expected)}, found ${String(actual)}`, hint });
  };

  expect('topic', topicPath(projectId, declared.topic), found.topic, again);
  const isPushed = declared.mayBePushed === true && (found.pushConfig?.pushEndpoint || '') !== '';
  const ackDeadlineSeconds = (isPushed ? pushAckDeadlineMs : declared.ackDeadlineMs) / secondMs;
  expect('ack deadline in seconds', ackDeadlineSeconds, found.ackDeadlineSeconds, `${update} --ack-deadline=${ackDeadlineSeconds}`);
  const { minMs, maxMs } = declared.redelivery;
  const retryHint = `${update} --min-retry-delay=${minMs / secondMs}s --max-retry-delay=${maxMs / secondMs}s`;
  if (found.retryPolicy === null || found.retryPolicy === undefined) {
    findings.push({ problem: `retry policy: expected ${minMs} to ${maxMs} ms, found none: a nacked message comes again at once`, hint: retryHint });
  } else {
    expect('shortest wait before a redelivery in ms', minMs, durationMs(found.retryPolicy.minimumBackoff), retryHint);
    expect('longest wait before a redelivery in ms', maxMs, durationMs(found.retryPolicy.maximumBackoff), retryHint);
  }
  const dead = found.deadLetterPolicy ?? undefined;
  if (declared.topic === deadLetterTopic) {
    expect('dead-letter topic', 'none', dead?.deadLetterTopic || 'none', `${update} --clear-dead-letter-policy`);
  } else {
    const hint = `${update} --dead-letter-topic=${deadLetterTopic} --max-delivery-attempts=${declared.maxDeliveryAttempts}`;
    expect('dead-letter topic', topicPath(projectId, deadLetterTopic), dead?.deadLetterTopic || 'none', hint);
    if (dead !== undefined) expect('deliveries before the dead-letter topic', declared.maxDeliveryAttempts, dead.maxDeliveryAttempts, hint);
  }
  expect('message ordering', declared.ordered ?? false, found.enableMessageOrdering ?? false, again);
  // No policy at all is the default one.
  const ttlMs = found.expirationPolicy === null || found.expirationPolicy === undefined ? 31 * dayMs : durationMs(found.expirationPolicy.ttl);
  if (ttlMs > 0) {
    findings.push({
      problem: `expiration: expected never, found ${ttlMs / dayMs} days: unused for that long, it is deleted, and what is published then is lost`,
      hint: `${update} --expiration-period=never`,
    });
  }
  if (found.filter !== null && found.filter !== undefined && found.filter !== '') {
    findings.push({ problem: `filter: expected none, found ${found.filter}: messages that it leaves out are lost`, hint: again });
  }
  expect('detached', false, found.detached ?? false, again);
  findings.push(...comparePush(declared, found.pushConfig ?? undefined, update));
  return findings;
};

const comparePush = (declared: DeclaredSubscription, found: SubscriptionMetadata['pushConfig'], update: string): readonly Finding[] => {
  const endpoint = found?.pushEndpoint || 'none';
  const { push } = declared;
  if (push === undefined && declared.mayBePushed === true && endpoint !== 'none') return compareUnknownPush(declared.name, endpoint, found, update);
  if (push === undefined) {
    return endpoint === 'none' ? [] : [{ problem: `push endpoint: expected none (the services pull), found ${endpoint}`, hint: `${update} --push-endpoint=` }];
  }
  const hint = `${update} --push-endpoint=${push.endpoint} --push-auth-service-account=${push.serviceAccount} --push-auth-token-audience=${push.audience}`;
  const wrong: readonly (readonly [string, string, string])[] = [
    ['push endpoint', push.endpoint, endpoint],
    ['service account of the push token', push.serviceAccount, found?.oidcToken?.serviceAccountEmail || 'none'],
    ['audience of the push token', push.audience, found?.oidcToken?.audience || 'none'],
  ];
  return wrong
    .filter(([, expected, actual]) => expected !== actual)
    .map(([what, expected, actual]) => ({ problem: `${what}: expected ${expected}, found ${actual}`, hint }));
};

/** What every service expects of whatever is pushed to it. */
const compareUnknownPush = (name: string, endpoint: string, found: SubscriptionMetadata['pushConfig'], update: string): readonly Finding[] => {
  const config = '--push-auth-service-account=<of FLOODGATE_PUSH_SERVICE_ACCOUNTS> --push-auth-token-audience=<FLOODGATE_PUSH_AUDIENCE>';
  const path = `/push/${name}`;
  const findings: Finding[] = [];
  if (URL.parse(endpoint)?.pathname !== path)
    findings.push({
      problem: `push endpoint: expected one that ends in ${path}, found ${endpoint}`,
      hint: `${update} --push-endpoint=https://<service>${path} ${config}`,
    });
  const { serviceAccountEmail, audience } = found?.oidcToken ?? {};
  if (!serviceAccountEmail || !audience)
    findings.push({
      problem: `push token: expected a service account and an audience, found ${serviceAccountEmail || 'no account'} and ${audience || 'no audience'}: the services refuse what comes without`,
      hint: `${update} --push-endpoint=${endpoint} ${config}`,
    });
  return findings;
};

export const inspectPubSub = async (
  pubsub: PubSub,
  topics: readonly Topic[],
  declaredSubscriptions: readonly DeclaredSubscription[],
  projectId: string,
  signal: AbortSignal,
): Promise<readonly Difference[]> => {
  const ofTopics = topics.map((name) => {
    const topic = pubsub.topic(name);
    const advice = { missing: `gcloud pubsub topics create ${name}`, denied: 'grant roles/pubsub.viewer' };
    return inspect(
      `topic ${name}`,
      advice,
      async () => {
        await bounded(topic.getMetadata(), signal);
        return missingPermissions(topic.iam, ['pubsub.topics.publish'], 'grant roles/pubsub.publisher on it to whom the services run as', signal);
      },
      signal,
    );
  });
  const ofSubscriptions = declaredSubscriptions.map((declared) => {
    const subscription = pubsub.subscription(declared.name);
    const advice = { missing: createSubscriptionCommand(declared), denied: 'grant roles/pubsub.viewer' };
    return inspect(
      `subscription ${declared.name}`,
      advice,
      async () => {
        const [found] = await bounded(subscription.getMetadata(), signal);
        return [
          ...compareSubscription(declared, found as SubscriptionMetadata, projectId),
          // Push needs none of the services.
          ...(declared.push === undefined
            ? await missingPermissions(
                subscription.iam,
                ['pubsub.subscriptions.consume'],
                'grant roles/pubsub.subscriber on it to whom the services run as',
                signal,
              )
            : []),
        ];
      },
      signal,
    );
  });
  return (await Promise.all([...ofTopics, ...ofSubscriptions])).flat();
};

export const createSubscriptionCommand = (declared: DeclaredSubscription): string => {
  const { name, topic, ackDeadlineMs, redelivery, maxDeliveryAttempts, push } = declared;
  return [
    `gcloud pubsub subscriptions create ${name} --topic=${topic} --ack-deadline=${ackDeadlineMs / secondMs}${declared.ordered === true ? ' --enable-message-ordering' : ''}`,
    `--expiration-period=never --min-retry-delay=${redelivery.minMs / secondMs}s --max-retry-delay=${redelivery.maxMs / secondMs}s`,
    ...(topic === deadLetterTopic ? [] : [`--dead-letter-topic=${deadLetterTopic} --max-delivery-attempts=${maxDeliveryAttempts}`]),
    ...(push === undefined
      ? []
      : [`--push-endpoint=${push.endpoint} --push-auth-service-account=${push.serviceAccount} --push-auth-token-audience=${push.audience}`]),
  ].join(' ');
};

type Iam = Subscription['iam'];

/** As far as the service tells: an emulator has no permissions and says so. */
const missingPermissions = async (iam: Iam, permissions: readonly string[], hint: string, signal: AbortSignal): Promise<readonly Finding[]> => {
  try {
    const [granted] = await bounded(iam.testPermissions([...permissions]), signal);
    return permissions.filter((permission) => !granted[permission]).map((permission) => ({ problem: `permission ${permission} is missing`, hint }));
  } catch (error) {
    if (outcomeOfError(error) === 'unsupported') return [];
    throw error;
  }
};
