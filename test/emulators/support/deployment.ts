// A whole deployment on this machine: the emulators, and planner, worker and validator as processes of their own that can be
// killed and started again. Between them and the emulators lie lines that can be cut; the test itself talks to the emulators
// directly.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { backfillSchema, parseDocument, type BackfillDocument } from '@floodgate/core/contracts/documents.ts';
import { subscriptions } from '@floodgate/core/contracts/messages.ts';
import type { BackfillRequestInput } from '@floodgate/core/contracts/request.ts';
import type { Logger } from '@floodgate/core/ports/logger.ts';
import { startEmulators, type Emulators } from '@floodgate/emulators/start-emulators.ts';
import { openGcpBackend, type GcpBackend } from '@floodgate/gcp/gcp-backend.ts';
import type { EmulatorHosts } from '@floodgate/gcp/settings.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { systemIds } from '@floodgate/system/system-ids.ts';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { startBalancer } from './balancer.ts';

const root = join(import.meta.dirname, '../../..');
export type ServiceKind = 'planner' | 'worker' | 'validator';
type EmulatorName = keyof EmulatorHosts;

/** One line of a service's log. */
export type LogLine = Readonly<Record<string, unknown>>;

export type Service = {
  readonly kind: ServiceKind;
  readonly name: string;
  /** As leases name it; undefined until it has said so. */
  readonly holder: string | undefined;
  readonly isRunning: boolean;
  /** Where it listens; undefined until it has started. */
  readonly port: number | undefined;
  /** Everything that it has logged, over all its lives. */
  readonly log: readonly LogLine[];
  /** What was no line of JSON: a crash, as a rule. */
  readonly noise: readonly string[];
  start(): Promise<void>;
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null>;
};

export type DeploymentOptions = {
  readonly project: string;
  readonly pipelines: string;
  /** Folder of the sources' files. */
  readonly data: string;
  readonly pipeline: string;
  /** How many of each; one unless said otherwise. */
  readonly services?: Partial<Record<ServiceKind, number>>;
  /** `push`: the emulator pushes to a balancer in front of the services of each kind; lanes alone are pulled from. */
  readonly mode?: 'pull' | 'push';
  /** Variables of all services. */
  readonly environment?: Readonly<Record<string, string>>;
};

export type Deployment = AsyncDisposable & {
  readonly emulators: Emulators;
  /** The test's own view: store, warehouse and bus, on the emulators themselves. */
  readonly backend: GcpBackend;
  readonly services: readonly Service[];
  /** Lines of the services to the emulators. */
  readonly lines: Readonly<Record<EmulatorName, TcpProxy>>;
  /** Publishes a request as anybody may, and waits until it has been accepted. */
  readonly request: (input: BackfillRequestInput, withinMs: number) => Promise<BackfillDocument>;
  /** Waits for a state other than active. */
  readonly ended: (backfillId: string, withinMs: number) => Promise<BackfillDocument>;
};

const findFreePort = async (): Promise<number> => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

/** Who is pushed to in push mode. */
const pushed: readonly (readonly [name: keyof typeof subscriptions, kind: ServiceKind])[] = [
  ['plannerRequests', 'planner'],
  ['plannerTaskEvents', 'planner'],
  ['plannerPhaseEvents', 'planner'],
  ['plannerDeadLetters', 'planner'],
  ['workerTasks', 'worker'],
  ['validatorTaskEvents', 'validator'],
];

const silent: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

const createService = (kind: ServiceKind, number: number, environment: (port: number) => Readonly<Record<string, string>>): Service => {
  const log: LogLine[] = [];
  const noise: string[] = [];
  let child: ChildProcess | undefined;
  let holder: string | undefined;
  let listening: number | undefined;
  let ready = Promise.withResolvers<void>();
  let ended: Promise<unknown> = Promise.resolve();

  const hear = (line: string): void => {
    try {
      const entry = JSON.parse(line) as LogLine;
      log.push(entry);
      if (typeof entry['holder'] === 'string') holder = entry['holder'];
      if (entry['message'] !== 'service started') return;
      listening = Number(new URL(String(entry['address'])).port);
      ready.resolve();
    } catch {
      noise.push(line);
    }
  };

  return {
    kind,
    name: `${kind}-${number}`,
    get holder() {
      return holder;
    },
    get port() {
      return listening;
    },
    get isRunning() {
      return child !== undefined && child.exitCode === null && child.signalCode === null;
    },
    log,
    noise,
    start: async () => {
      holder = undefined;
      listening = undefined;
      ready = Promise.withResolvers();
      const port = await findFreePort();
      const started = spawn(process.execPath, [`services/${kind}/src/main.ts`], {
        cwd: root,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment(port) },
      });
      child = started;
      createInterface({ input: started.stdout }).on('line', hear);
      createInterface({ input: started.stderr }).on('line', hear);
      ended = once(started, 'exit');
      const failed = ended.then(() => {
        throw new Error(`${kind}-${number} ended: ${[...noise, ...log.map((line) => JSON.stringify(line))].slice(-5).join('\n')}`);
      });
      failed.catch(() => undefined); // the end of a service that had started is no failure
      await Promise.race([ready.promise, failed]);
    },
    kill: async (signal) => {
      if (child === undefined) return null;
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await ended;
      return child.exitCode;
    },
  };
};

export const startDeployment = async (options: DeploymentOptions): Promise<Deployment> => {
  const cleanup = new AsyncDisposableStack();
  try {
    const emulators = cleanup.use(
      await startEmulators({ project: options.project, pipeline: options.pipeline, pipelines: options.pipelines, data: options.data }),
    );
    const { settings } = emulators;
    const names = ['pubsub', 'firestore', 'bigquery', 'storage'] as const;
    const proxies = await Promise.all(names.map(async (name) => cleanup.use(await startTcpProxy(settings.emulators[name] as string))));
    const lines = Object.fromEntries(names.map((name, index) => [name, proxies[index]])) as Record<EmulatorName, TcpProxy>;
    const backend = cleanup.use(await openGcpBackend(settings, { clock: systemClock, ids: systemIds, logger: silent, mode: 'pull' }));
    const environment = (port: number): Readonly<Record<string, string>> => ({
      FLOODGATE_GCP_PROJECT: settings.projectId,
      FLOODGATE_GCP_LOCATION: settings.location,
      FLOODGATE_GCP_STAGING_DATASET: settings.stagingDataset,
      ...(settings.bucket === undefined ? {} : { FLOODGATE_GCP_BUCKET: settings.bucket }),
      FLOODGATE_PIPELINES: options.pipelines,
      PUBSUB_EMULATOR_HOST: lines.pubsub.host,
      FIRESTORE_EMULATOR_HOST: lines.firestore.host,
      BIGQUERY_EMULATOR_HOST: lines.bigquery.host,
      STORAGE_EMULATOR_HOST: lines.storage.host,
      FLOODGATE_MODE: options.mode ?? 'pull',
      PORT: String(port),
      ...options.environment,
    });
    const services = (['worker', 'validator', 'planner'] as const).flatMap((kind) =>
      Array.from({ length: options.services?.[kind] ?? 1 }, (_, index) => createService(kind, index + 1, environment)),
    );
    cleanup.defer(async () => {
      await Promise.all(services.map((service) => service.kill('SIGKILL')));
    });
    await Promise.all(services.map((service) => service.start()));
    if (options.mode === 'push') {
      const urls = new Map<ServiceKind, string>();
      for (const kind of ['worker', 'validator', 'planner'] as const) {
        const ports = () => services.flatMap((service) => (service.kind === kind && service.isRunning ? (service.port ?? []) : []));
        urls.set(kind, cleanup.use(await startBalancer(ports)).url);
      }
      for (const [name, kind] of pushed) {
        const subscription = subscriptions[name].name;
        await backend.clients.pubsub.subscription(subscription).modifyPushConfig({ pushEndpoint: `${urls.get(kind)}/push/${subscription}` });
      }
    }

    const poll = async <T>(what: string, withinMs: number, look: () => Promise<T | undefined>): Promise<T> => {
      const until = systemClock.now() + withinMs;
      for (;;) {
        const found = await look();
        if (found !== undefined) return found;
        if (systemClock.now() > until) throw new Error(`${what}: not within ${withinMs} ms\n${describeServices(services)}`);
        await systemClock.sleep(200);
      }
    };
    const read = async (backfillId: string): Promise<BackfillDocument | undefined> => {
      const document = await backend.store.get(`backfills/${backfillId}`);
      return document === undefined ? undefined : parseDocument(backfillSchema, document);
    };
    const owned = cleanup.move();
    return {
      emulators,
      backend,
      services,
      lines,
      request: async (input, withinMs) => {
        const before = new Set((await backend.store.query({ collection: 'backfills' })).map(({ path }) => path));
        await backend.clients.pubsub.topic('floodgate-backfill-requests').publishMessage({ data: Buffer.from(JSON.stringify(input)) });
        return poll('the request was accepted', withinMs, async () => {
          const added = (await backend.store.query({ collection: 'backfills' })).find(({ path }) => !before.has(path));
          return added === undefined ? undefined : parseDocument(backfillSchema, added);
        });
      },
      ended: (backfillId, withinMs) =>
        poll(`backfill ${backfillId} ended`, withinMs, async () => {
          const backfill = await read(backfillId);
          return backfill === undefined || backfill.state === 'active' ? undefined : backfill;
        }),
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  } catch (error) {
    await cleanup.disposeAsync();
    throw error;
  }
};

/** The end of every service's log, for the message of a test that fails. */
export const describeServices = (services: readonly Service[]): string =>
  services
    .map(({ name, isRunning, log, noise }) => {
      const bad = log.filter((line) => line['severity'] === 'ERROR' || line['severity'] === 'WARNING').slice(-5);
      return [
        `${name} (${isRunning ? 'runs' : 'has ended'}, ${log.length} lines)`,
        ...[...noise.slice(-5), ...bad.map((line) => JSON.stringify(line).slice(0, 600))].map((line) => `  ${line}`),
      ].join('\n');
    })
    .join('\n');
