// How the parts are put together; what each does is tested beside it and on the emulators. Opening asks nothing of anybody.
import { expect, it } from 'vitest';
import { subscriptions } from '@floodgate/core/contracts/messages.ts';
import type { MessageBus, OutgoingMessage, SubscriptionSpec } from '@floodgate/core/ports/message-bus.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { systemIds } from '@floodgate/system/system-ids.ts';
import { joinBuses, openGcpBackend } from './gcp-backend.ts';
import type { GcpSettings } from './settings.ts';

const settings: GcpSettings = {
  projectId: 'stats-prod',
  location: 'EU',
  stagingDataset: 'staging',
  bucket: undefined,
  firestoreDatabase: '(default)',
  maximumBytesBilled: undefined,
  stagePriority: 'batch',
  emulators: {},
};
const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const parts = { clock: systemClock, ids: systemIds, logger };
const emulators = { pubsub: '127.0.0.1:1', firestore: '127.0.0.1:2', bigquery: '127.0.0.1:3', storage: '127.0.0.1:4' };

const noting = () => {
  const published: (readonly OutgoingMessage[])[] = [];
  const subscribed: SubscriptionSpec[] = [];
  const bus: MessageBus = {
    publish: async (messages) => void published.push(messages),
    subscribe: async (spec) => {
      subscribed.push(spec);
      return { stop: async () => undefined };
    },
  };
  return { bus, published, subscribed };
};

it('takes pushes for all subscriptions but the lanes’, for as long as Pub/Sub waits for their answers', async () => {
  const [pull, push] = [noting(), noting()];
  const bus = joinBuses(pull.bus, push.bus);
  for (const spec of Object.values(subscriptions)) await bus.subscribe(spec, async () => 'ack', { maxOutstanding: 1 });
  expect(pull.subscribed).toEqual([subscriptions.workerCommits]);
  expect(push.subscribed.map(({ name }) => name)).toEqual(
    Object.values(subscriptions)
      .map(({ name }) => name)
      .filter((name) => name !== subscriptions.workerCommits.name),
  );
  expect(new Set(push.subscribed.map(({ ackDeadlineMs }) => ackDeadlineMs))).toEqual(new Set([600_000]));
  await bus.publish([]);
  expect([pull.published, push.published]).toEqual([[[]], []]);
});

it('has an endpoint for pushes where they are taken, and only there', async () => {
  await using pulled = await openGcpBackend({ ...settings, emulators }, { ...parts, mode: 'pull' });
  expect(pulled.push).toBeUndefined();
  await using pushed = await openGcpBackend({ ...settings, emulators }, { ...parts, mode: 'push' });
  // The emulator sends no tokens.
  expect(await pushed.push?.verify(undefined)).toEqual({ ok: true });
  await pushed.bus.subscribe(subscriptions.workerTasks, async () => 'ack', { maxOutstanding: 1 });
  const body = { message: { data: 'e30=', messageId: '1' } };
  expect(await pushed.push?.deliver(body, subscriptions.workerTasks.name)).toEqual({ outcome: 'acked' });
  expect(await pushed.push?.deliver(body, subscriptions.plannerRequests.name)).toEqual({ outcome: 'unknown_subscription' });
});

it('takes no pushes of Google’s without knowing whose they must be', async () => {
  await expect(openGcpBackend(settings, { ...parts, mode: 'push' })).rejects.toMatchObject({ code: 'invalid_settings' });
  await expect(openGcpBackend(settings, { ...parts, mode: 'push', pushAudience: 'https://planner' })).rejects.toMatchObject({ code: 'invalid_settings' });
  await using backend = await openGcpBackend(settings, { ...parts, mode: 'push', pushAudience: 'https://planner', pushServiceAccounts: ['push@stats-prod'] });
  expect(await backend.push?.verify(undefined)).toMatchObject({ ok: false, status: 401 });
});

it('has an empty object store that says what to set where no bucket is named', async () => {
  await using backend = await openGcpBackend({ ...settings, emulators }, { ...parts, mode: 'pull' });
  expect(await backend.objectStore.list('*.csv')).toEqual([]);
  for (const call of [() => backend.objectStore.read('a.csv'), () => backend.objectStore.write('a.csv', new Uint8Array())])
    await expect(call()).rejects.toMatchObject({ code: 'not_found', hint: expect.stringContaining('FLOODGATE_GCP_BUCKET') });
});
