// The four emulators as one thing: started side by side, killed and started again one by one, each on the port that it had.
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { EmulatorHosts } from '@floodgate/gcp/settings.ts';
import { startBigQueryProcess } from './bigquery-process.ts';
import { startFirestoreEmulator } from './firestore-emulator.ts';
import type { RunningEmulator } from './java-emulator.ts';
import { emulatorNames, findMissingEmulators, type EmulatorName } from './missing-emulators.ts';
import { startPubSubEmulator } from './pubsub-emulator.ts';
import { startStorageEmulator } from './storage-emulator.ts';

export type EmulatorProcesses = AsyncDisposable & {
  readonly hosts: Required<EmulatorHosts>;
  /** kill -9; nothing is at its port until `start`. */
  readonly kill: (name: EmulatorName) => Promise<void>;
  /** At the same port as before. */
  readonly start: (name: EmulatorName) => Promise<void>;
  /** Resolves with the first that ends without having been told to. */
  readonly died: Promise<EmulatorName>;
};

/** In this order from the base port on. */
const portOffset: Readonly<Record<EmulatorName, number>> = { pubsub: 0, firestore: 1, storage: 2, bigquery: 3 };

const refuseMissing = async (): Promise<void> => {
  const missing = await findMissingEmulators();
  if (missing.length === 0) return;
  const lines = new Set(missing.map(({ message, hint }) => `  ${message}\n    ${hint.replaceAll('\n', '\n    ')}`));
  throw new FloodgateError('emulator_missing', `this machine lacks what the emulators need:\n${[...lines].join('\n')}`);
};

export const startEmulatorProcesses = async (options: { readonly basePort?: number; readonly bigqueryFolder: string }): Promise<EmulatorProcesses> => {
  await refuseMissing();
  const running = new Map<EmulatorName, RunningEmulator>();
  const ports = new Map<EmulatorName, number>();
  const { promise: died, resolve: reportDeath } = Promise.withResolvers<EmulatorName>();

  const launch: Readonly<Record<EmulatorName, (port: number | undefined) => Promise<RunningEmulator>>> = {
    pubsub: (port) => startPubSubEmulator({ port }),
    firestore: (port) => startFirestoreEmulator({ port }),
    storage: (port) => startStorageEmulator({ port }),
    bigquery: (port) => startBigQueryProcess({ port, folder: options.bigqueryFolder, storageHost: running.get('storage')?.host }),
  };
  const start = async (name: EmulatorName): Promise<void> => {
    if (running.has(name)) return;
    const emulator = await launch[name](ports.get(name) ?? (options.basePort === undefined ? undefined : options.basePort + portOffset[name]));
    running.set(name, emulator);
    ports.set(name, Number(emulator.host.split(':').at(-1)));
    void emulator.ended.then(() => {
      if (running.get(name) === emulator) reportDeath(name);
    });
  };
  const kill = async (name: EmulatorName): Promise<void> => {
    const emulator = running.get(name);
    running.delete(name);
    await emulator?.[Symbol.asyncDispose]();
  };
  const stop = async (): Promise<void> => {
    await Promise.all(emulatorNames.map(kill));
  };

  // BigQuery is told where Cloud Storage is.
  const started = await Promise.allSettled([start('pubsub'), start('firestore'), start('storage').then(() => start('bigquery'))]);
  const failures = started.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
  if (failures.length > 0) {
    await stop();
    throw failures.length === 1
      ? failures[0]
      : new AggregateError(failures, failures.map((failure) => (failure instanceof Error ? failure.message : String(failure))).join('\n'));
  }
  const hostOf = (name: EmulatorName): string => `127.0.0.1:${ports.get(name)}`;
  return {
    hosts: { pubsub: hostOf('pubsub'), firestore: hostOf('firestore'), bigquery: hostOf('bigquery'), storage: hostOf('storage') },
    kill,
    start,
    died,
    [Symbol.asyncDispose]: stop,
  };
};
