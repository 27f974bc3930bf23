import { expect, it } from 'vitest';
import { StoreError } from '@floodgate/core/ports/status-store.ts';
import { WarehouseError } from '@floodgate/core/ports/warehouse.ts';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { checkBackend } from './check-backend.ts';
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

const check = (get: () => Promise<undefined>, call: () => Promise<unknown>, options: { readonly clock?: ManualClock; readonly signal?: AbortSignal } = {}) =>
  checkBackend({ store: { get }, jobs: { calls: { call } } }, settings, options.clock ?? new ManualClock(), options.signal ?? new AbortController().signal);

const answered = async (): Promise<undefined> => undefined;
const silence = (): Promise<never> => new Promise(() => undefined);

it('is content where database and dataset answer', async () => {
  await expect(check(answered, answered)).resolves.toBeUndefined();
});

it('names everything that can’t be used at once, each with what to do', async () => {
  const error = await check(
    async () => Promise.reject(new StoreError('unavailable', 'the database does not exist', { hint: 'gcloud firestore databases create' })),
    async () => Promise.reject(new WarehouseError('permission_denied', 'Access Denied')),
  ).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'unavailable', hint: expect.stringContaining('floodgate doctor --backend gcp') });
  expect((error as Error).message.split('\n')).toEqual([
    'Firestore, database (default) of the project stats-prod: the database does not exist (gcloud firestore databases create)',
    'BigQuery, dataset stats-prod.staging: Access Denied',
  ]);
});

it('gives up on what doesn’t answer, and says which that is', async () => {
  const clock = new ManualClock();
  const checking = check(answered, silence, { clock }).catch((thrown: unknown) => thrown);
  await clock.advance(20_000);
  expect(await checking).toMatchObject({ code: 'unavailable', message: 'BigQuery, dataset stats-prod.staging: no answer within 20 s' });
  expect(clock.sleeping).toBe(0);
});

it('stops when it is told to', async () => {
  const [clock, abort] = [new ManualClock(), new AbortController()];
  const checking = check(silence, silence, { clock, signal: abort.signal }).catch((thrown: unknown) => thrown);
  abort.abort(new Error('stop'));
  expect(await checking).toMatchObject({ message: 'stop' });
  expect(clock.sleeping).toBe(0);
});
