// The command line on a deployment: the commands as processes of their own, against the emulators, with planner, worker and
// validator running. A pipeline of two tables in which one day fails and another is held back.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DoctorOutput } from '@floodgate/cli/output-schema.ts';
import { startLocalServices, type LocalServices } from '@floodgate/emulators/local-services.ts';
import { environmentOf, startEmulators, type Emulators } from '@floodgate/emulators/start-emulators.ts';
import { createTemporaryFolder } from '../support/temporary-folder.ts';
import { describeWithEmulators } from './support/requirements.ts';

const root = join(import.meta.dirname, '../..');
const pipelines = join(import.meta.dirname, 'fixtures');
const takings = (amounts: readonly number[]): string =>
  ['day,amount', ...amounts.map((amount, index) => `2024-01-${String(index + 1).padStart(2, '0')},${amount}`), ''].join('\n');

const schema = JSON.parse(await readFile(join(root, 'docs/cli-output.schema.json'), 'utf8')) as object;
const ajv = new Ajv2020({ formats: { 'date-time': true }, strict: false });
ajv.addSchema(schema, 'cli');

type Ran = { readonly exitCode: number | null; readonly out: string; readonly err: string };

describeWithEmulators('the command line on a deployment', ['pubsub', 'firestore', 'bigquery', 'storage'], () => {
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  let emulators: Emulators;
  let services: LocalServices;

  const environment = (more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    ...environmentOf(emulators.settings),
    FLOODGATE_BACKEND: 'gcp',
    FLOODGATE_PIPELINES: pipelines,
    FLOODGATE_PIPELINE: 'till',
    ...more,
  });
  const begin = (words: readonly string[], more?: Readonly<Record<string, string>>): { readonly child: ChildProcess; readonly ended: Promise<Ran> } => {
    const child = spawn(process.execPath, [join(root, 'cli/src/main.ts'), ...words], {
      cwd: folder.path,
      env: environment(more),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => void (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => void (err += chunk.toString()));
    return { child, ended: once(child, 'close').then(() => ({ exitCode: child.exitCode, out, err })) };
  };
  const run = (words: readonly string[], more?: Readonly<Record<string, string>>): Promise<Ran> => begin(words, more).ended;
  const documentOf = ({ out, err }: Ran, name: string): unknown => {
    expect(out, err).not.toBe('');
    const document: unknown = JSON.parse(out);
    expect(ajv.validate({ $ref: `cli#/$defs/${name}` }, document), `${ajv.errorsText()}: ${out}`).toBe(true);
    return document;
  };
  const upload = (amounts: readonly number[]): Promise<void> => emulators.backend.objectStore.write('takings_2024.csv', Buffer.from(takings(amounts)));
  const startServices = (): Promise<LocalServices> =>
    startLocalServices({
      environment: {
        PATH: process.env['PATH'] ?? '',
        HOME: process.env['HOME'] ?? '',
        ...environmentOf(emulators.settings),
        FLOODGATE_PIPELINES: pipelines,
        FLOODGATE_RECONCILE_EVERY_MS: '5000',
        // Services are killed here, and a lane that one of them held is free when its lease is over.
        FLOODGATE_LEASE_MS: '6000',
      },
      folder: join(folder.path, 'logs'),
      basePort: undefined,
    });

  beforeAll(async () => {
    folder = await createTemporaryFolder();
    await writeFile(join(folder.path, 'takings_2024.csv'), takings([5, 13, -7, 20]));
    emulators = await startEmulators({ project: 'floodgate-cli', pipeline: 'till', pipelines, data: folder.path });
    services = await startServices();
  }, 300_000);

  afterAll(async () => {
    await services?.[Symbol.asyncDispose]();
    await emulators?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  test('doctor finds nothing to mend', async () => {
    const { ok, findings } = documentOf(await run(['doctor', '--json']), 'doctor') as DoctorOutput;
    expect(findings.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
    expect(ok).toBe(true);
    expect(findings.map(({ subject }) => subject)).toEqual(
      expect.arrayContaining(['credentials', 'network', 'resources', 'indexes', 'store', 'services', 'staging', 'pipeline', 'sources', 'calendar', 'tables']),
    );
  });

  let backfillId = '';

  test('plan tells what a backfill would do, with the bytes that BigQuery estimates', async () => {
    const plan = documentOf(await run(['plan', '--json']), 'plan') as {
      readonly totalTasks: number;
      readonly processors: readonly { readonly bytes: number | null }[];
    };
    expect(plan.totalTasks).toBe(8);
    expect(plan.processors.every(({ bytes }) => bytes !== null)).toBe(true);
  });

  const validate = async (...words: readonly string[]): Promise<string> => {
    const ran = await run(['validate', ...words, '--json']);
    return `${(documentOf(ran, 'validation') as { readonly verdict: string }).verdict} ${ran.exitCode}`;
  };

  test('validate says of BigQuery that the tables could be computed and are not, and computes nothing', async () => {
    expect([await validate('preflight'), await validate('range'), await validate('gate', '2')]).toEqual(['ready 0', 'not_ready 1', 'not_ready 1']);
    // They are made with the deployment; only their rows are missing.
    expect(documentOf(await run(['sql', '--json', 'SELECT COUNT(*) AS n FROM till.checked']), 'sql')).toEqual([{ n: 0 }]);
  }, 300_000);

  test('backfill runs to its end, with one date in the dead letters and one in quarantine', async () => {
    const ran = await run(['backfill', '--json', '--reason', 'first takings']);
    const output = documentOf(ran, 'backfill') as { readonly backfillId: string; readonly tasks: object };
    expect(ran.err).toContain('Request published in project floodgate-cli');
    expect([ran.exitCode, output.tasks]).toEqual([1, expect.objectContaining({ failed: 1, quarantined: 1 })]);
    backfillId = output.backfillId;
    const status = await run(['status', backfillId]);
    expect(status.out).toContain(backfillId);
    expect(JSON.parse((await run(['dlq', 'list', '--json'])).out)).toMatchObject([{ processor: 'noted', date: '2024-01-02' }]);
    expect((await run(['explain', backfillId, 'noted', '2024-01-02'])).out).toContain('takings of thirteen');
  });

  test('a mended source, dlq replay and quarantine accept bring it to completion', async () => {
    expect((await run(['quarantine', 'show', 'noted', '2024-01-03'])).out).toContain('-7');
    const accepted = await run(['quarantine', 'accept', 'noted', '2024-01-03', '--reason', 'a refund']);
    expect([accepted.exitCode, accepted.out]).toEqual([0, expect.stringContaining('is accepted: its rows are committed as they are')]);
    await upload([5, 14, -7, 20]);
    const replayed = await run(['dlq', 'replay', '--all']);
    expect(replayed.out).toContain('1 date replayed.');
    const watched = await run(['watch', backfillId, '--json']);
    expect([watched.exitCode, documentOf(watched, 'backfill')]).toEqual([0, expect.objectContaining({ state: 'completed' })]);
    const rows = await run(['sql', '--json', 'SELECT day, share FROM till.checked ORDER BY day']);
    expect(documentOf(rows, 'sql')).toEqual([
      { day: '2024-01-01', share: 0.05 },
      { day: '2024-01-02', share: 0.14 },
      { day: '2024-01-03', share: -0.07 },
      { day: '2024-01-04', share: 0.2 },
    ]);
  }, 300_000);

  test('validate finds all that was promised, what a person accepted included, and damage by hand on its date', async () => {
    expect([await validate('range'), await validate('gate', '1'), await validate('gate', '2')]).toEqual(['ready 0', 'ready 0', 'ready 0']);
    expect([await validate('preflight', '--phases', '2'), await validate('contamination')]).toEqual(['ready 0', 'ready 0']);
    await emulators.backend.clients.bigquery.query("DELETE FROM till.checked WHERE day = '2024-01-02'");
    const { out } = await run(['validate', 'range']);
    expect(out).toContain('2024-01-02  as_committed  0 rows are in the table, 1 was committed');
    expect(await validate('gate', '2', '--dates', '2024-01-03')).toBe('ready 0');
    const repair = await run(['backfill', '--processors', 'checked', '--dates', '2024-01-02', '--reprocess', 'all', '--json']);
    expect([repair.exitCode, await validate('range')]).toEqual([0, 'ready 0']);
  }, 300_000);

  test('a backfill is paused, resumed and cancelled from other processes; Ctrl-C leaves it to the services', async () => {
    // So many dates, one at a time, that it can't end before somebody decides about it.
    await upload(Array.from({ length: 31 }, (_, index) => index + 100));
    const { child, ended } = begin(['backfill', '--reprocess', 'all', '--max-in-flight', '1']);
    let said = '';
    child.stdout?.on('data', (chunk: Buffer) => void (said += chunk.toString()));
    await expect.poll(() => /Accepted as (till-\w+)/.exec(said)?.[1], { timeout: 60_000, interval: 200 }).toBeDefined();
    const id = /Accepted as (till-\w+)/.exec(said)?.[1] ?? '';
    expect((await run(['pause', id])).out).toContain('paused: nothing new begins');
    child.kill('SIGINT');
    const stopped = await ended;
    expect([stopped.exitCode, stopped.out]).toEqual([4, expect.stringContaining(`the deployment in project floodgate-cli goes on with ${id}`)]);
    const resumed = await run(['resume', id]);
    expect(resumed.out).toContain('goes on with it. Follow: npx floodgate watch');
    const cancelled = await run(['cancel', id]);
    expect(cancelled.exitCode).toBe(0);
    const watched = await run(['watch', id, '--json']);
    expect([watched.exitCode, documentOf(watched, 'backfill')]).toEqual([4, expect.objectContaining({ state: 'cancelled' })]);
  }, 300_000);

  test('where no planner runs, backfill says so and loses nothing', async () => {
    await services[Symbol.asyncDispose]();
    // Its emulator would first send what comes to the streams of the dead, for an ack deadline of a minute.
    await emulators.restart('pubsub');
    const words = ['backfill', '--dates', '2024-01-01', '--reprocess', 'all', '--idempotency-key', 'late'];
    const alone = await run([...words, '--decision-within', '3']);
    expect([alone.exitCode, alone.err]).toEqual([
      4,
      expect.stringContaining('no planner in project floodgate-cli has decided the request within 3 s; it is not lost'),
    ]);
    services = await startServices();
    const again = await run([...words, '--json']);
    expect([again.exitCode, again.err]).toEqual([0, expect.stringContaining('as till-')]);
  }, 300_000);

  test('doctor tells each fault of a deployment, with what to do', async () => {
    const { pubsub, bigquery } = emulators.backend.clients;
    await pubsub.subscription('floodgate-worker-tasks').delete();
    await pubsub
      .subscription('floodgate-validator-task-events')
      .setMetadata({ deadLetterPolicy: { deadLetterTopic: 'projects/floodgate-cli/topics/floodgate-dead-letter', maxDeliveryAttempts: 5 } });
    await bigquery.dataset('till').table('checked').delete();
    await bigquery.dataset('till').createTable('checked', { schema: [{ name: 'day', type: 'STRING' }] });
    const expiring = await bigquery.dataset('till').table('noted').getMetadata();
    await bigquery
      .dataset('till')
      .table('noted')
      .setMetadata({ timePartitioning: { ...(expiring[0] as { timePartitioning: object }).timePartitioning, expirationMs: String(30 * 86_400_000) } });
    await bigquery.dataset('till').setMetadata({ defaultTableExpirationMs: String(7 * 86_400_000) });
    const ran = await run(['doctor', '--json']);
    const { ok, findings } = documentOf(ran, 'doctor') as DoctorOutput;
    const faults = findings.filter(({ verdict }) => verdict === 'fail').map(({ subject, message }) => `${subject}: ${message}`);
    expect([ran.exitCode, ok]).toEqual([4, false]);
    for (const fault of [
      /resources: subscription floodgate-worker-tasks: is not there/,
      /resources: subscription floodgate-validator-task-events: deliveries before the dead-letter topic: expected 100, found 5/,
      /resources: dataset till: default table expiration: expected none, found 7 days/,
      /tables: till\.checked is not as declared/,
      /tables: partitions of till\.noted expire after 30 days, and the calendar begins on 2024-01-01/,
    ])
      expect(
        faults.filter((text) => fault.test(text)),
        `${String(fault)} in\n${faults.join('\n')}`,
      ).toHaveLength(1);
    for (const { verdict, advice } of findings) if (verdict === 'fail') expect(advice).not.toBe('');
  }, 120_000);

  test('doctor sees a planner at work, and misses one that is not there while a backfill is active', async () => {
    // Whoever should work on it was taken away above, so it stays active.
    const detached = await run(['backfill', '--detach', '--reprocess', 'all']);
    expect(detached.exitCode, detached.err).toBe(0);
    const subjectOf = async (): Promise<DoctorOutput['findings'][number] | undefined> =>
      (documentOf(await run(['doctor', '--json']), 'doctor') as DoctorOutput).findings.find(({ subject }) => subject === 'services');
    expect(await subjectOf()).toMatchObject({ verdict: 'ok', message: 'a planner is at work' });
    await services[Symbol.asyncDispose]();
    expect(await subjectOf()).toMatchObject({
      verdict: 'fail',
      message: expect.stringContaining('expected a sign of life of a planner within 30 s, found none') as unknown,
    });
  }, 300_000);

  test('doctor says at once that nothing answers', async () => {
    const { findings } = documentOf(await run(['doctor', '--json'], { FIRESTORE_EMULATOR_HOST: '127.0.0.1:9' }), 'doctor') as DoctorOutput;
    expect(findings.filter(({ verdict }) => verdict === 'fail')).toMatchObject([
      { subject: 'network', message: expect.stringContaining('Firestore is not within reach') as unknown },
    ]);
  });
});
