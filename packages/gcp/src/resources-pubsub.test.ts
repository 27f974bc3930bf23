import { subscriptions } from '@floodgate/core/contracts/messages.ts';
import { expect, it } from 'vitest';
import { compareSubscription, subscriptionSettings, type DeclaredSubscription } from './resources-pubsub.ts';

const projectId = 'my-project';
const declared: DeclaredSubscription = subscriptions.workerTasks;
const push = { endpoint: 'https://worker.example/push', serviceAccount: 'pusher@my-project.iam.gserviceaccount.com', audience: 'worker' };
/** As the service gives it back. */
const found = (of: DeclaredSubscription = declared) => ({ ...subscriptionSettings(of, projectId), topic: `projects/${projectId}/topics/${of.topic}` });

it('finds nothing on what was made as it is declared, pulled or pushed', () => {
  for (const each of Object.values(subscriptions)) {
    expect(compareSubscription(each, found(each), projectId)).toEqual([]);
    expect(compareSubscription({ ...each, push }, found({ ...each, push }), projectId)).toEqual([]);
  }
});

it('never forwards what the dead letters’ own subscription can’t handle', () => {
  expect(subscriptionSettings(subscriptions.plannerDeadLetters, projectId)).not.toHaveProperty('deadLetterPolicy');
  const looping = { ...found(subscriptions.plannerDeadLetters), deadLetterPolicy: { deadLetterTopic: `projects/${projectId}/topics/floodgate-dead-letter` } };
  expect(compareSubscription(subscriptions.plannerDeadLetters, looping, projectId)).toEqual([
    {
      problem: `dead-letter topic: expected none, found projects/${projectId}/topics/floodgate-dead-letter`,
      hint: 'gcloud pubsub subscriptions update floodgate-planner-dead-letters --clear-dead-letter-policy',
    },
  ]);
});

const update = 'gcloud pubsub subscriptions update floodgate-worker-tasks';
it.each([
  [
    'another topic',
    { topic: '_deleted-topic_' },
    /^topic: expected projects\/my-project\/topics\/floodgate-tasks, found _deleted-topic_$/,
    /^it can't be changed: /,
  ],
  ['another ack deadline', { ackDeadlineSeconds: 10 }, /^ack deadline in seconds: expected 60, found 10$/, `${update} --ack-deadline=60`],
  ['no retry policy', { retryPolicy: null }, /^retry policy: expected 200 to 30000 ms, found none/, `${update} --min-retry-delay=0.2s --max-retry-delay=30s`],
  [
    'another shortest wait',
    { retryPolicy: { minimumBackoff: { seconds: 10 }, maximumBackoff: { seconds: 30 } } },
    /^shortest wait .* expected 200, found 10000$/,
    /min-retry-delay=0\.2s/,
  ],
  [
    'another longest wait',
    { retryPolicy: { minimumBackoff: { nanos: 200_000_000 }, maximumBackoff: { seconds: '600' } } },
    /^longest wait .* expected 30000, found 600000$/,
    /max-retry-delay=30s/,
  ],
  [
    'no dead-letter policy',
    { deadLetterPolicy: null },
    /^dead-letter topic: expected projects\/my-project\/topics\/floodgate-dead-letter, found none$/,
    /--dead-letter-topic=floodgate-dead-letter/,
  ],
  [
    'another dead-letter topic',
    { deadLetterPolicy: { deadLetterTopic: 'projects/p/topics/x', maxDeliveryAttempts: 100 } },
    /^dead-letter topic: .*found projects\/p\/topics\/x$/,
    /--dead-letter-topic/,
  ],
  [
    'fewer deliveries',
    { deadLetterPolicy: { deadLetterTopic: `projects/${projectId}/topics/floodgate-dead-letter`, maxDeliveryAttempts: 5 } },
    /^deliveries before the dead-letter topic: expected 100, found 5$/,
    /--max-delivery-attempts=100/,
  ],
  ['an ordering', { enableMessageOrdering: true }, /^message ordering: expected false, found true$/, /^it can't be changed: /],
  ['the default expiration', { expirationPolicy: null }, /^expiration: expected never, found 31 days/, `${update} --expiration-period=never`],
  ['an expiration', { expirationPolicy: { ttl: { seconds: '86400' } } }, /^expiration: expected never, found 1 days/, `${update} --expiration-period=never`],
  ['a filter', { filter: 'attributes.a = "b"' }, /^filter: expected none, found attributes.a = "b"/, /^it can't be changed/],
  ['a detached one', { detached: true }, /^detached: expected false, found true$/, /^it can't be changed/],
  [
    'a push endpoint',
    { pushConfig: { pushEndpoint: 'https://else.where' } },
    /^push endpoint: expected none .*found https:\/\/else\.where$/,
    `${update} --push-endpoint=`,
  ],
])('tells %s, and how to put it right', (_, change, problem, hint) => {
  expect(compareSubscription(declared, { ...found(), ...change }, projectId)).toEqual([
    { problem: expect.stringMatching(problem), hint: typeof hint === 'string' ? hint : expect.stringMatching(hint) },
  ]);
});

it('tells a subscription that must be ordered and is not', () => {
  const ordered = { ...declared, ordered: true };
  expect(compareSubscription(ordered, found(ordered), projectId)).toEqual([]);
  expect(compareSubscription(ordered, found(), projectId)).toEqual([
    { problem: 'message ordering: expected true, found false', hint: expect.stringMatching(/^it can't be changed: /) },
  ]);
});

it('tells a pushed subscription that pushes nowhere, as nobody, for somebody else', () => {
  const problems = compareSubscription({ ...declared, push }, found(), projectId).map(({ problem }) => problem);
  expect(problems).toEqual([
    'push endpoint: expected https://worker.example/push, found none',
    'service account of the push token: expected pusher@my-project.iam.gserviceaccount.com, found none',
    'audience of the push token: expected worker, found none',
  ]);
});

it('takes a subscription of which nobody says whether it is pushed as it is, and tells a push that the services would refuse', () => {
  const either = { ...declared, mayBePushed: true };
  const oidcToken = { serviceAccountEmail: push.serviceAccount, audience: push.audience };
  const pushedTo = (pushEndpoint: string, more: object = { oidcToken }) => ({
    ...found(),
    ackDeadlineSeconds: 600,
    pushConfig: { pushEndpoint, ...more },
  });
  const endpoint = `https://worker.example/push/${declared.name}`;
  expect(compareSubscription(either, found(), projectId)).toEqual([]);
  expect(compareSubscription(either, pushedTo(endpoint), projectId)).toEqual([]);
  const problems = compareSubscription(either, { ...pushedTo('https://worker.example/', {}), ackDeadlineSeconds: 10 }, projectId).map(({ problem }) => problem);
  expect(problems).toEqual([
    'ack deadline in seconds: expected 600, found 10',
    `push endpoint: expected one that ends in /push/${declared.name}, found https://worker.example/`,
    'push token: expected a service account and an audience, found no account and no audience: the services refuse what comes without',
  ]);
});
