// `npm run emulators` as its user runs it, and the emulators as tests have them: what is in them, what a restart loses, and what of a
// deployment is told when somebody has changed it.
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { subscriptions } from '@floodgate/core/contracts/messages.ts';
import { environmentOf, startEmulators, type Emulators } from '@floodgate/emulators/start-emulators.ts';
import { readSettings } from '@floodgate/system/read-settings.ts';
import { checkGcpSettings, gcpSettingsOf, gcpSettingsTable } from '@floodgate/gcp/read-gcp-settings.ts';
import { ensureResources, inspectResources } from '@floodgate/gcp/resources.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTemporaryFolder } from '../support/temporary-folder.ts';
import { describeWithEmulators } from './support/requirements.ts';

const root = join(import.meta.dirname, '../..');
const fixtures = join(root, 'test/e2e/fixtures');
const { signal } = new AbortController();

const isAnswered = (host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const [address = '', port] = host.split(':');
    const socket = connect(Number(port), address);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

const writeOrders = (folder: string): Promise<void> => writeFile(join(folder, 'orders_2024.csv'), 'order_id,day,season,amount,note\na,2024-01-01,24,1,\n');

type Command = {
  readonly said: string[];
  /** Resolves with the line; rejects where the command ends before it. */
  readonly says: (text: string) => Promise<string>;
  /** As a terminal does it: to npm and all that it has started. */
  readonly interrupt: (signal: NodeJS.Signals) => void;
  readonly ended: Promise<number | null>;
};

const runCommand = (args: readonly string[], folder: string, environment: Readonly<Record<string, string>> = {}): Command => {
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn('npm', ['run', '--silent', '--prefix', root, 'emulators', '--', ...args], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const said: string[] = [];
  const waiting: ((line: string) => void)[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      said.push(line);
      for (const hear of waiting) hear(line);
    });
  }
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return {
    said,
    ended,
    says: (text) =>
      Promise.race([
        new Promise<string>((resolve) => {
          waiting.push((line) => {
            if (line.includes(text)) resolve(line);
          });
        }),
        ended.then((code) => Promise.reject(new Error(`ended with ${code} before it said "${text}":\n${said.join('\n')}`))),
      ]),
    interrupt: (name) => {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    },
  };
};

const readEnvironment = async (file: string): Promise<Readonly<Record<string, string>>> =>
  Object.fromEntries([...(await readFile(file, 'utf8')).matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name = '', value = '']) => [name, value]));

describeWithEmulators('npm run emulators', ['pubsub', 'firestore', 'storage', 'bigquery'], () => {
  it('starts all four, puts a deployment into them, sees that each works, and ends them', async () => {
    await using folder = await createTemporaryFolder();
    await writeOrders(folder.path);
    const command = runCommand(['--pipelines', fixtures, '--pipeline', 'shop', '--data', folder.path], folder.path);
    expect(await command.ended, command.said.join('\n')).toBe(0);
    const said = command.said.join('\n');
    expect(said).toMatch(/Pub\/Sub +127\.0\.0\.1:\d+ +6 topics, 7 subscriptions/);
    expect(said).toMatch(/BigQuery +\S+ +datasets floodgate_staging, shop\w*(, shop\w+)*; 4 tables of shop/);
    expect(said).toMatch(/Cloud Storage +\S+ +bucket floodgate-local, 1 file: orders_2024\.csv/);
    for (const what of ['Pub/Sub: a message', 'Firestore: a document', 'Cloud Storage: an object', 'BigQuery: a query']) expect(said).toContain(`✓ ${what}`);
    expect(command.said.at(-1)).toBe('All four work; ending them');
    for (const [host] of said.matchAll(/127\.0\.0\.1:\d+/g)) expect(await isAnswered(host), host).toBe(false);
  });

  it('with --keep stays until Ctrl-C, with the variables for another shell in a file, and leaves nothing behind', async () => {
    await using folder = await createTemporaryFolder();
    const command = runCommand(['--keep', '--pipelines', fixtures, '--pipeline', 'shop', '--project', 'shop-emulated'], folder.path);
    await command.says('Ctrl-C ends them');
    const file = join(folder.path, '.floodgate/emulators.env');
    const environment = await readEnvironment(file);
    // What the services and the command line make of them.
    const settings = gcpSettingsOf(readSettings(gcpSettingsTable, { environment, check: checkGcpSettings }));
    expect(settings).toMatchObject({ projectId: 'shop-emulated', bucket: 'shop-emulated', stagingDataset: 'floodgate_staging' });
    expect(environmentOf(settings)).toEqual(environment);
    const hosts = Object.values(settings.emulators);
    expect(await Promise.all(hosts.map(isAnswered))).toEqual([true, true, true, true]);
    expect(command.said.join('\n')).toContain('  source .floodgate/emulators.env');
    expect(command.said.join('\n')).toMatch(/ npx floodgate backfill --backend gcp --pipeline shop /);

    command.interrupt('SIGINT');
    // npm itself ends by the signal; the output is closed by the last of all.
    await command.ended;
    expect(command.said.at(-1)).toBe('Ending them');
    expect(await Promise.all(hosts.map(isAnswered))).toEqual([false, false, false, false]);
    expect(existsSync(file)).toBe(false);
  });

  it('takes the emulators along when it is killed', async () => {
    await using folder = await createTemporaryFolder();
    const command = runCommand(['--keep', '--pipelines', fixtures, '--pipeline', 'shop'], folder.path);
    await command.says('Ctrl-C ends them');
    const hosts = [...command.said.join('\n').matchAll(/127\.0\.0\.1:\d+/g)].map(([host]) => host);
    command.interrupt('SIGKILL');
    await command.ended;
    // The kernel closes the pipe, and the watch beside each emulator ends it.
    for (const host of new Set(hosts)) while (await isAnswered(host)) await sleep(20);
    expect(new Set(hosts).size).toBe(4);
  });

  it('says all that is wrong with its arguments, and which pipelines there are', async () => {
    const wrong = runCommand(['--base-port', 'x', '--services'], root);
    expect(await wrong.ended).toBe(2);
    expect(wrong.said.join('\n')).toMatch(/--base-port: .*\n--services: .*\nusage: /);
    const unknown = runCommand(['--pipelines', fixtures, '--pipeline', 'shp'], root);
    expect(await unknown.ended).toBe(2);
    expect(unknown.said[0]).toMatch(/Starting/);
    expect(unknown.said[1]).toMatch(/there is no pipeline shp in .*; it has shop/);
  });

  it('says what this machine lacks, and how to get it, before it starts anything', async () => {
    const command = runCommand([], root, { JAVA_HOME: '/nowhere' });
    expect(await command.ended).toBe(4);
    expect(command.said.join('\n')).toMatch(/this machine lacks what the emulators need:\n.*no Java to run it.*\n +install a Java runtime/);
  });
});

describeWithEmulators('emulators in a test', ['pubsub', 'firestore', 'storage', 'bigquery'], () => {
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  let emulators: Emulators;
  beforeAll(async () => {
    folder = await createTemporaryFolder();
    await writeOrders(folder.path);
    emulators = await startEmulators({ pipelines: fixtures, pipeline: 'shop', data: folder.path });
  });
  afterAll(async () => {
    await emulators?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  const inspect = async (): Promise<readonly string[]> => {
    const { backend, settings, declared } = emulators;
    return (await inspectResources(backend.clients, settings, declared, signal)).map(({ resource, problem }) => `${resource}: ${problem}`);
  };
  const ensure = () => ensureResources(emulators.backend.clients, emulators.settings, emulators.declared, signal);

  it('have everything that is declared', async () => {
    expect(await inspect()).toEqual([]);
  });

  it('take the declaration again, from several places at once, and change nothing', async () => {
    const outcomes = (await Promise.all([ensure(), ensure(), ensure()])).flat().map(({ outcome }) => outcome);
    expect(new Set(outcomes)).toEqual(new Set(['exists']));
    const { backend } = emulators;
    await backend.clients.pubsub.subscription(subscriptions.workerTasks.name).delete();
    const again = (await Promise.all([ensure(), ensure(), ensure()])).flat().filter(({ resource }) => resource === 'subscription floodgate-worker-tasks');
    // Whoever was quickest has made it. The emulator lets two of them win where they ask at the same moment; both ask for the same.
    const made = again.map(({ outcome }) => outcome);
    expect(new Set(made).difference(new Set(['created', 'exists']))).toEqual(new Set());
    expect(made).toContain('created');
    expect(await inspect()).toEqual([]);
  });

  it('tell in words what was changed or taken away', async () => {
    const { pubsub, bigquery, storage } = emulators.backend.clients;
    const { settings } = emulators;
    await pubsub.subscription('floodgate-worker-tasks').delete();
    await pubsub.createSubscription('floodgate-tasks', 'floodgate-worker-tasks', { ackDeadlineSeconds: 10, expirationPolicy: { ttl: { seconds: 86_400 } } });
    await pubsub.subscription('floodgate-worker-commits').delete();
    await pubsub.topic('floodgate-phase-events').delete();
    await bigquery.dataset('shop_raw').setMetadata({ defaultTableExpirationMs: '3600000' });
    await bigquery.dataset(settings.stagingDataset).delete({ force: true });
    const bucket = storage.bucket(settings.bucket ?? '');
    await bucket.deleteFiles({ force: true });
    await bucket.delete();
    expect((await inspect()).toSorted()).toEqual([
      'bucket floodgate-local: is not there',
      'dataset floodgate_staging: is not there',
      'dataset shop_raw: default table expiration: expected none, found 1 hours: tables of processors would be deleted, commit logs too',
      'subscription floodgate-planner-phase-events: topic: expected projects/floodgate-local/topics/floodgate-phase-events, found _deleted-topic_',
      'subscription floodgate-worker-commits: is not there',
      'subscription floodgate-worker-tasks: ack deadline in seconds: expected 60, found 10',
      'subscription floodgate-worker-tasks: dead-letter topic: expected projects/floodgate-local/topics/floodgate-dead-letter, found none',
      'subscription floodgate-worker-tasks: expiration: expected never, found 1 days: unused for that long, it is deleted, and what is published then is lost',
      'subscription floodgate-worker-tasks: retry policy: expected 200 to 30000 ms, found none: a nacked message comes again at once',
      'topic floodgate-phase-events: is not there',
    ]);

    // What is missing is made; what somebody has set otherwise is left to him.
    expect((await ensure()).flatMap(({ resource, outcome }) => (outcome === 'created' ? [resource] : [])).toSorted()).toEqual([
      'bucket floodgate-local',
      'dataset floodgate_staging',
      'subscription floodgate-worker-commits',
      'topic floodgate-phase-events',
    ]);
    expect((await inspect()).map((line) => line.split(':', 1)[0])).toEqual(expect.arrayContaining(['subscription floodgate-worker-tasks', 'dataset shop_raw']));
  });

  it('lose at a restart: documents and messages; not tables, and the sources’ files are put back', async () => {
    const { backend, hosts } = emulators;
    const { pubsub, bigquery } = backend.clients;
    await backend.store.transaction(async (transaction) => transaction.set('backfills/b', { state: 'active' }));
    await bigquery.query({ query: 'CREATE TABLE shop_raw.kept AS SELECT 7 AS seven', location: emulators.settings.location });
    const publish = (text: string) => pubsub.topic('floodgate-task-events').publishMessage({ data: Buffer.from(text) });
    await publish('before');

    for (const name of ['firestore', 'bigquery', 'pubsub', 'storage'] as const) {
      await emulators.kill(name);
      expect(await isAnswered(hosts[name])).toBe(false);
      await emulators.restart(name);
      expect(await isAnswered(hosts[name])).toBe(true);
    }

    expect(await backend.store.get('backfills/b')).toBeUndefined();
    expect((await bigquery.query({ query: 'SELECT seven FROM shop_raw.kept', location: emulators.settings.location }))[0]).toEqual([{ seven: 7 }]);
    expect((await backend.objectStore.list('orders_*.csv')).map(({ key }) => key)).toEqual(['orders_2024.csv']);
    const received = Promise.withResolvers<string>();
    const subscription = pubsub.subscription('floodgate-validator-task-events');
    subscription.on('error', received.reject).on('message', (message) => {
      message.ack();
      received.resolve(message.data.toString());
    });
    await publish('after');
    expect(await received.promise).toBe('after');
    await subscription.close();
  });
});
