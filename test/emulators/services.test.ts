// Planner, worker and validator as processes of their own, on Google's emulators and ours: a request that is published as anybody may
// publish it becomes rows; who is told to stop gives back what it holds; who can't start says why.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseDocument, taskCollection, taskSchema, type TaskDocument } from '@floodgate/core/contracts/documents.ts';
import { subscriptions } from '@floodgate/core/contracts/messages.ts';
import { createTemporaryFolder } from '../support/temporary-folder.ts';
import { describeServices, startDeployment, type Deployment, type Service } from './support/deployment.ts';
import { describeWithEmulators } from './support/requirements.ts';

const pipelines = join(import.meta.dirname, 'fixtures');
const all = ['pubsub', 'firestore', 'bigquery', 'storage'] as const;
const input = { pipeline: 'tiny', range: { start: '2024-01-01', end: '2024-01-06' }, requestedBy: 'test', reason: 'services' } as const;

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let deployment: Deployment;

const open = async (project: string, options: Partial<Parameters<typeof startDeployment>[0]> = {}): Promise<void> => {
  folder = await createTemporaryFolder();
  const rows = Array.from({ length: 6 }, (_, index) => `2024-01-0${index + 1},${(index + 1) * 10}`);
  await writeFile(join(folder.path, 'days_2024.csv'), ['day,number', ...rows, ''].join('\n'));
  deployment = await startDeployment({ project, pipelines, pipeline: 'tiny', data: folder.path, ...options });
};
const close = async (): Promise<void> => {
  await deployment?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
};

const serviceOf = (kind: Service['kind']): Service => deployment.services.find((service) => service.kind === kind) as Service;
const doubles = async (): Promise<readonly unknown[]> => {
  const sql = 'SELECT day, number FROM tiny.doubles WHERE day BETWEEN @start AND @end ORDER BY day';
  const params = { start: '2024-01-01', end: '2024-01-31' };
  return (await deployment.backend.warehouse.query(sql, { dialect: 'googlesql', params, maxRows: 100 }, AbortSignal.timeout(30_000))).rows;
};
const expected = Array.from({ length: 6 }, (_, index) => ({ day: `2024-01-0${index + 1}`, number: (index + 1) * 20 }));
const tasksOf = async (backfillId: string): Promise<readonly TaskDocument[]> =>
  (await deployment.backend.store.query({ collection: taskCollection(backfillId) })).map((document) => parseDocument(taskSchema, document));
/** Lines of all services that say that something went wrong. */
const errorsOf = () =>
  deployment.services.flatMap(({ name, log, noise }) => [
    ...noise,
    ...log.filter(({ severity }) => severity === 'ERROR').map((line) => `${name}: ${JSON.stringify(line)}`),
  ]);

const until = async (what: string, look: () => Promise<boolean>): Promise<void> => {
  await expect.poll(look, { timeout: 40_000, interval: 50, message: `${what}\n${describeServices(deployment.services)}` }).toBe(true);
};

describeWithEmulators('services that pull', all, () => {
  beforeAll(
    () => open('services-pull', { environment: { FLOODGATE_GRACE_MS: '5000', FLOODGATE_LEASE_MS: '3000', FLOODGATE_RECONCILE_EVERY_MS: '1000' } }),
    120_000,
  );
  afterAll(close);

  test('make tables of a plain message, and log each message that they handled', async () => {
    const { backfillId } = await deployment.request(input, 60_000);
    expect(await deployment.ended(backfillId, 110_000)).toMatchObject({ state: 'completed' });
    expect(await doubles()).toEqual(expected);
    expect(errorsOf()).toEqual([]);
    const handled = serviceOf('worker').log.filter(({ message }) => message === 'message handled');
    expect(handled.filter(({ type }) => type === 'floodgate.tasks.dispatched').length).toBeGreaterThanOrEqual(12);
    expect(handled[0]).toMatchObject({
      severity: 'INFO',
      service: 'worker',
      verdict: 'ack',
      deliveryAttempt: 1,
      messageId: expect.any(String),
      tookMs: expect.any(Number),
    });
  }, 200_000);

  test('give back what they hold when they are told to stop, and no attempt is charged', async () => {
    const control = async (method: 'POST' | 'DELETE', path: string, body?: object): Promise<void> => {
      const response = await fetch(`http://${deployment.emulators.hosts.bigquery}/emulator/v1${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      expect(response.status).toBeLessThan(300);
    };
    const worker = serviceOf('worker');
    // The worker's jobs alone: plans and gates go on.
    await control('POST', '/faults/jobs', { match: { labels: { processor: 'days' } }, effect: { runMs: 30_000 } });
    const { backfillId } = await deployment.request({ ...input, reprocess: 'all', reason: 'stopped' }, 60_000);
    await until('dispatches run', async () => (await tasksOf(backfillId)).some(({ state }) => state === 'running'));
    const startedAt = performance.now();
    expect(await worker.kill('SIGTERM')).toBe(0);
    // Its grace period and what it keeps for closing; the jobs would have taken 30 s.
    expect(performance.now() - startedAt).toBeLessThan(8_000);
    expect(worker.log.map(({ message }) => message)).toContain('service stopped');
    expect(worker.log.map(({ message }) => message)).not.toContain('not everything ended in time');
    const given = await tasksOf(backfillId);
    expect(given.filter(({ state }) => state === 'running')).toEqual([]);
    expect(given.every(({ attempt }) => attempt === 0)).toBe(true);
    await control('DELETE', '/faults');
    await worker.start();
    expect(await deployment.ended(backfillId, 110_000)).toMatchObject({ state: 'completed' });
    expect(await doubles()).toEqual(expected);
  }, 200_000);

  describe('that can’t start', () => {
    const start = async (kind: string, changed: Readonly<Record<string, string>>) => {
      const { settings } = deployment.emulators;
      const child = spawn(process.execPath, [`services/${kind}/src/main.ts`], {
        cwd: join(import.meta.dirname, '../..'),
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          FLOODGATE_GCP_PROJECT: settings.projectId,
          FLOODGATE_GCP_LOCATION: settings.location,
          FLOODGATE_PIPELINES: pipelines,
          FLOODGATE_PORT: '0',
          PUBSUB_EMULATOR_HOST: settings.emulators.pubsub,
          FIRESTORE_EMULATOR_HOST: settings.emulators.firestore,
          BIGQUERY_EMULATOR_HOST: settings.emulators.bigquery,
          ...changed,
        },
      });
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      const [code] = (await once(child, 'close')) as [number | null];
      const lines = output
        .trim()
        .split('\n')
        .map(
          (line) =>
            JSON.parse(line) as { readonly severity: string; readonly code?: string; readonly hint?: string; readonly err?: { readonly message: string } },
        );
      return { code, error: lines.find(({ severity }) => severity === 'ERROR') };
    };

    test('say that the project has no dataset, and what to do', async () => {
      const { code, error } = await start('validator', { FLOODGATE_GCP_PROJECT: 'another-project' });
      expect([code, error?.code]).toEqual([1, 'unavailable']);
      expect(error?.err?.message).toContain('BigQuery, dataset another-project.floodgate_staging');
      expect(error?.hint).toContain('floodgate doctor --backend gcp');
    });

    test('say that a subscription is missing, and how to create it', async () => {
      const subscription = deployment.backend.clients.pubsub.subscription(subscriptions.workerCommits.name);
      await subscription.delete();
      const { code, error } = await start('worker', {});
      expect([code, error?.code]).toEqual([1, 'subscription_missing']);
      expect(error?.hint).toContain(`gcloud pubsub subscriptions create ${subscriptions.workerCommits.name}`);
    });
  });
});

describeWithEmulators('services that are pushed to', all, () => {
  beforeAll(() => open('services-push', { mode: 'push', services: { worker: 2 } }), 120_000);
  afterAll(close);

  test('make tables of a plain message; lanes alone are pulled from', async () => {
    const { backfillId } = await deployment.request(input, 60_000);
    expect(await deployment.ended(backfillId, 110_000)).toMatchObject({ state: 'completed' });
    expect(await doubles()).toEqual(expected);
    expect(errorsOf()).toEqual([]);
  }, 200_000);
});
