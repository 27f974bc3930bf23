// What `npm run emulators` does and says.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { checkEmulators } from './check-emulators.ts';
import { workingFolder, type Options } from './config.ts';
import { startLocalServices, type LocalServices } from './local-services.ts';
import { environmentOf, startEmulators, type Emulators } from './start-emulators.ts';

export type Surroundings = {
  readonly say: (line: string) => void;
  /** What every process needs, whatever it runs: PATH and the like. */
  readonly environment: Readonly<Record<string, string>>;
  /** Somebody wants an end of it. */
  readonly interrupted: AbortSignal;
};

/** Resolves when everything that it started is gone again. */
export const runEmulators = async (options: Options, { say, environment, interrupted }: Surroundings): Promise<void> => {
  const { isOver, release } = waitFor(interrupted);
  using _ = { [Symbol.dispose]: release };
  say('Starting Pub/Sub, Firestore, Cloud Storage and BigQuery on this machine');
  const starting = startEmulators({
    project: options.project,
    pipeline: options.pipeline,
    ...(options.pipelines === undefined ? {} : { pipelines: options.pipelines }),
    ...(options.data === undefined ? {} : { data: options.data }),
    ...(options.basePort === undefined ? {} : { basePort: options.basePort }),
    ...(options.folder === undefined ? {} : { bigqueryFolder: options.folder }),
  });
  // Interrupted while it starts: what has started by then is ended by the kernel, with us.
  starting.catch(() => undefined);
  const emulators = await Promise.race([starting, isOver]);
  if (emulators === undefined) return;
  await using cleanup = new AsyncDisposableStack();
  cleanup.use(emulators);
  describe(emulators, options, say);

  for (const { what, ms } of await checkEmulators(emulators.backend, emulators.settings.bucket ?? '')) say(`✓ ${what} (${ms} ms)`);
  if (!options.keep || interrupted.aborted) {
    say('All four work; ending them');
    return;
  }

  const variables = environmentOf(emulators.settings);
  const folder = workingFolder();
  let services: LocalServices | undefined;
  if (options.services) {
    services = cleanup.use(
      await startLocalServices({
        environment: { ...environment, ...variables, ...(options.pipelines === undefined ? {} : { FLOODGATE_PIPELINES: options.pipelines }) },
        folder: join(folder, '.floodgate', 'services'),
        basePort: options.basePort === undefined ? undefined : options.basePort + 4,
      }),
    );
    for (const { name, url, log } of services.running) say(`✓ ${name} at ${url}, log in ${relative(folder, log)}`);
  }
  const exports = Object.entries(variables).map(([name, value]) => `export ${name}='${value}'`);
  if (options.envFile !== undefined) {
    const { envFile } = options;
    await mkdir(dirname(envFile), { recursive: true });
    await writeFile(envFile, `${exports.join('\n')}\n`);
    // Its ports are nobody's afterwards, or somebody else's.
    cleanup.defer(() => rm(envFile, { force: true }));
  }
  say(['', ...exports, '', 'In another shell:', ...nextCommands(options, folder), '', 'Ctrl-C ends them'].join('\n'));
  const died = await Promise.race([isOver, emulators.died, ...(services === undefined ? [] : [services.died])]);
  if (died !== undefined) throw new FloodgateError('emulator_ended', `${died} has ended by itself; the others are ended too`);
  say('Ending them');
};

/**
 * Emulators don't keep the process that started them alive, and a signal that is waited for doesn't either: a pending sleep does.
 */
const waitFor = (interrupted: AbortSignal): { readonly isOver: Promise<undefined>; readonly release: () => void } => {
  const released = new AbortController();
  const either = AbortSignal.any([interrupted, released.signal]);
  const forever = Number.MAX_SAFE_INTEGER;
  return { isOver: systemClock.sleep(forever, either).then(doNothing, doNothing), release: () => released.abort() };
};
const doNothing = (): undefined => undefined;

const describe = ({ hosts, declared, tables, uploaded, absent, settings }: Emulators, options: Options, say: (line: string) => void): void => {
  say(`  Pub/Sub        ${hosts.pubsub}  ${declared.topics.length} topics, ${declared.subscriptions.length} subscriptions`);
  say(`  Firestore      ${hosts.firestore}  database ${settings.firestoreDatabase}`);
  say(`  BigQuery       ${hosts.bigquery}  datasets ${declared.datasets.map(({ name }) => name).join(', ')}; ${tables.length} tables of ${options.pipeline}`);
  say(
    `  Cloud Storage  ${hosts.storage}  bucket ${settings.bucket}, ${uploaded.length === 0 ? 'empty' : `${uploaded.length} ${uploaded.length === 1 ? 'file' : 'files'}: ${uploaded.join(', ')}`}`,
  );
  if (options.data === undefined) say(`  No --data folder was given: backfills of ${options.pipeline} will find no files of their sources`);
  else if (absent.length > 0) say(`  No files in ${options.data} for the sources ${absent.join(', ')}`);
};

const nextCommands = ({ envFile, services, pipeline }: Options, folder: string): readonly string[] => [
  `  source ${envFile === undefined ? '<file>' : relative(folder, envFile)}`,
  ...(services ? [] : ['  for service in planner worker validator; do FLOODGATE_PORT=0 node services/$service/src/main.ts & done']),
  `  npx floodgate backfill --backend gcp${pipeline === 'nba' ? '' : ` --pipeline ${pipeline}`} --start 2024-01-01 --end 2024-01-31`,
];
