// Planner, worker and validator as processes on this machine, at the emulators: what runs on Cloud Run otherwise. They end with us,
// however we end; nothing of theirs is lost by that, since nothing lives in them.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProgram, type RunningEmulator } from './java-emulator.ts';

const services = ['planner', 'worker', 'validator'] as const;
type ServiceName = (typeof services)[number];

export type LocalService = { readonly name: ServiceName; readonly url: string; readonly log: string };

export type LocalServices = AsyncDisposable & {
  readonly running: readonly LocalService[];
  /** Resolves with the first that ends without having been told to. */
  readonly died: Promise<ServiceName>;
};

export type LocalServicesOptions = {
  readonly environment: Readonly<Record<string, string>>;
  /** Where their logs are written. */
  readonly folder: string;
  /** The planner's port; the others get the next two. */
  readonly basePort: number | undefined;
};

/** Keeps the log, and lets the one who starts it read along. `env -i`: they refuse variables that they don't know. */
const logged = 'log=$1; shift; "$@" 2>&1 | tee "$log"';

export const startLocalServices = async ({ environment, folder, basePort }: LocalServicesOptions): Promise<LocalServices> => {
  await mkdir(folder, { recursive: true });
  const { promise: died, resolve: reportDeath } = Promise.withResolvers<ServiceName>();
  let isStopping = false;
  const start = async (name: ServiceName, index: number): Promise<{ readonly service: LocalService; readonly process: RunningEmulator }> => {
    const log = join(folder, `${name}.log`);
    const main = fileURLToPath(new URL(`../../../services/${name}/src/main.ts`, import.meta.url));
    const running = await startProgram(
      {
        name,
        args: (host, port) => {
          const variables = Object.entries({ ...environment, FLOODGATE_HOST: host, FLOODGATE_PORT: String(port), FLOODGATE_MODE: 'pull' });
          return ['-i', ...variables.map(([variable, value]) => `${variable}=${value}`), 'sh', '-c', logged, 'sh', log, process.execPath, main];
        },
        readyText: 'service started',
        readyPath: '/healthz',
      },
      'env',
      { port: basePort === undefined ? undefined : basePort + index },
    );
    void running.ended.then(() => {
      if (!isStopping) reportDeath(name);
    });
    return { service: { name, url: `http://${running.host}`, log }, process: running };
  };
  const started = await Promise.allSettled(services.map(start));
  const running = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const stop = async (): Promise<void> => {
    isStopping = true;
    await Promise.all(running.map((each) => each.process[Symbol.asyncDispose]()));
  };
  const failed = started.find((each) => each.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  return { running: running.map(({ service }) => service), died, [Symbol.asyncDispose]: stop };
};
