import { subscriptions } from '@floodgate/core/contracts/messages.ts';
import { topics } from '@floodgate/core/ports/message-bus.ts';
import { describe, expect, it } from 'vitest';
import { bounded, ensure, inspect, outcomeOfError } from './resource-report.ts';
import { compareDataset } from './resources-bigquery.ts';
import { canLoadFrom } from './resources-storage.ts';
import { declareResources, targetDatasetsOf } from './resources.ts';
import type { GcpSettings } from './settings.ts';

const settings: GcpSettings = {
  projectId: 'my-project',
  location: 'EU',
  stagingDataset: 'staging',
  bucket: 'files',
  firestoreDatabase: '(default)',
  maximumBytesBilled: undefined,
  stagePriority: 'batch',
  emulators: {},
};
const { signal } = new AbortController();
const advice = { missing: 'make it', denied: 'ask for it' };
const failing = (code: unknown) => async (): Promise<never> => {
  throw Object.assign(new Error('no\nat all'), { code });
};

describe('what a deployment has', () => {
  it('is every topic and subscription of the contracts, the datasets once each, and the bucket', () => {
    const declared = declareResources(settings, ['nba', 'staging', 'nba']);
    expect(declared.topics).toEqual(topics);
    expect(declared.subscriptions).toMatchObject(Object.values(subscriptions));
    expect(declared.subscriptions.flatMap(({ name, mayBePushed }) => (mayBePushed ? [] : name))).toEqual([subscriptions.workerCommits.name]);
    expect(declared.datasets).toEqual([
      { name: 'staging', use: 'staging' },
      { name: 'nba', use: 'target' },
    ]);
    expect(declared.bucket).toBe('files');
  });

  it('gives a pushed subscription all the time that Pub/Sub has, since nobody extends it', () => {
    const push = { endpoint: 'https://worker', serviceAccount: 'a@b', audience: 'c' };
    const declared = declareResources(settings, [], { workerTasks: push }).subscriptions;
    expect(declared.filter((each) => each.push !== undefined)).toEqual([{ ...subscriptions.workerTasks, ackDeadlineMs: 600_000, push }]);
  });

  it('has the datasets that a pipeline writes, and not those that it only reads', () => {
    const processors = [
      { kind: 'sql', table: 'b.one' },
      { kind: 'external', table: 'theirs.two' },
      { kind: 'load', table: 'a.three' },
      { kind: 'code', table: 'b.four' },
    ] as never;
    expect(targetDatasetsOf([{ processors }])).toEqual(['a', 'b']);
  });
});

describe('a dataset', () => {
  const target = { name: 'nba', use: 'target' } as const;
  it('is as it must be in the settings’ location, whatever its letters’ case, without expirations', () => {
    expect(compareDataset(target, { location: 'eu', defaultTableExpirationMs: '0' }, settings)).toEqual([]);
  });

  it.each([
    [{ location: 'US' }, /^location: expected EU, found US/, /FLOODGATE_GCP_LOCATION=US/],
    [
      { location: 'EU', defaultTableExpirationMs: '3600000' },
      /^default table expiration: expected none, found 1 hours/,
      /bq update --default_table_expiration 0 my-project:nba/,
    ],
    [
      { location: 'EU', defaultPartitionExpirationMs: '5184000000' },
      /^default partition expiration: expected none, found 60 days/,
      /--default_partition_expiration 0 my-project:nba/,
    ],
  ])('is not: %j', (found, problem, hint) => {
    expect(compareDataset(target, found, settings)).toEqual([{ problem: expect.stringMatching(problem), hint: expect.stringMatching(hint) }]);
  });

  it('may let tables of the staging dataset expire', () => {
    expect(compareDataset({ name: 'staging', use: 'staging' }, { location: 'EU', defaultTableExpirationMs: '3600000' }, settings)).toEqual([]);
  });
});

it.each([
  ['EU', 'US', true],
  ['EU', 'EU', true],
  ['EUROPE-WEST1', 'EU', true],
  ['EUROPE-WEST2', 'EU', false],
  ['EUR4', 'EU', true],
  ['US', 'EU', false],
  ['US-CENTRAL1', 'us-central1', true],
  ['US-EAST1', 'us-central1', false],
  ['EU', 'europe-west1', false],
])('BigQuery loads from a bucket in %s into datasets in %s: %s', (bucket, dataset, loads) => {
  expect(canLoadFrom(bucket, dataset)).toBe(loads);
});

describe('calls', () => {
  it.each([
    [5, 'missing'],
    [404, 'missing'],
    [6, 'exists'],
    [409, 'exists'],
    [7, 'denied'],
    [403, 'denied'],
    [16, 'unauthenticated'],
    [401, 'unauthenticated'],
    [12, 'unsupported'],
    [501, 'unsupported'],
    [14, 'failed'],
    ['ECONNREFUSED', 'failed'],
  ])('code %s is: %s', (code, outcome) => {
    expect(outcomeOfError(Object.assign(new Error(), { code }))).toBe(outcome);
  });

  it('take what somebody else has made meanwhile for as good', async () => {
    expect(await ensure('it', failing(6), signal)).toEqual({ resource: 'it', outcome: 'exists' });
    expect(await ensure('it', async () => undefined, signal)).toEqual({ resource: 'it', outcome: 'created' });
    await expect(ensure('it', failing(7), signal)).rejects.toMatchObject({ code: 7 });
  });

  it.each([
    [404, 'is not there', 'make it'],
    [7, 'may not be looked at: no', 'ask for it'],
    [401, 'refuses these credentials: no', /gcloud auth application-default login/],
    [14, 'could not be looked at: no', /within reach/],
  ])('that fail with %s are told as a difference, so that one hides nothing of the others', async (code, problem, hint) => {
    expect(await inspect('it', advice, failing(code), signal)).toEqual([
      { resource: 'it', problem, hint: typeof hint === 'string' ? hint : expect.stringMatching(hint) },
    ]);
  });

  it('are given up when the signal aborts, and that is no difference', async () => {
    const abort = new AbortController();
    const never = new Promise<never>(() => undefined);
    const looking = inspect('it', advice, () => bounded(never, abort.signal), abort.signal);
    const reason = new Error('enough');
    abort.abort(reason);
    await expect(looking).rejects.toBe(reason);
    await expect(bounded(never, abort.signal)).rejects.toBe(reason);
  });
});
