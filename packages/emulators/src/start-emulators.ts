// Everything that a deployment on Google Cloud has, on this machine: the emulators, and in them the topics, subscriptions, datasets,
// tables and the bucket with the sources' files. For `npm run emulators`, and for tests.
//
// What a restart loses: Pub/Sub's emulator its messages (topics and subscriptions are declared anew), Firestore's everything,
// fake-gcs-server its objects (the sources' files are put back), BigQuery's nothing.
import { glob, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assertNever } from '@floodgate/core/domain/assert-never.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { Pipeline } from '@floodgate/core/domain/pipeline.ts';
import { openGcpBackend, type GcpBackend } from '@floodgate/gcp/gcp-backend.ts';
import { declareResources, ensureResources, targetDatasetsOf, type DeclaredResources } from '@floodgate/gcp/resources.ts';
import type { EmulatorHosts, GcpSettings } from '@floodgate/gcp/settings.ts';
import type { TableSpec } from '@floodgate/core/ports/warehouse.ts';
import { createFolderCatalog } from '@floodgate/system/pipeline-folders.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { systemIds } from '@floodgate/system/system-ids.ts';
import { startEmulatorProcesses } from './emulator-processes.ts';
import { emulatorNames, type EmulatorName } from './missing-emulators.ts';

export type EmulatorsOptions = {
  readonly project?: string;
  /** Folder of the pipelines; those of this repository unless said otherwise. */
  readonly pipelines?: string;
  /** Whose datasets and tables are made; none: only the staging dataset. */
  readonly pipeline?: string;
  /** Folder of the files that the pipeline's sources name; put into the bucket. */
  readonly data?: string;
  /** Pub/Sub's port; Firestore, Cloud Storage and BigQuery get the next three. Free ones unless said otherwise. */
  readonly basePort?: number;
  /** Where BigQuery keeps its tables; a folder that is gone afterwards unless said otherwise. */
  readonly bigqueryFolder?: string;
};

export type Emulators = AsyncDisposable & {
  readonly settings: GcpSettings;
  readonly hosts: Required<EmulatorHosts>;
  /** The adapters of Floodgate, connected to them. */
  readonly backend: GcpBackend;
  /** Everything that was made in them. */
  readonly declared: DeclaredResources;
  readonly tables: readonly string[];
  /** Keys of the files in the bucket. */
  readonly uploaded: readonly string[];
  /** Sources of which the data folder has no file. */
  readonly absent: readonly string[];
  /** kill -9; nothing answers at its port until `restart`. */
  readonly kill: (name: EmulatorName) => Promise<void>;
  /** Kills and starts it at the same port, then declares and uploads anew what it has lost. */
  readonly restart: (name: EmulatorName) => Promise<void>;
  /** Resolves with the first that ends without having been told to. */
  readonly died: Promise<EmulatorName>;
};

const ownPipelines = fileURLToPath(new URL('../../../pipelines', import.meta.url));
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

const loadPipeline = async (folder: string, id: string): Promise<Pipeline> => {
  const catalog = await createFolderCatalog(folder);
  const loaded = await catalog.load(id);
  if (loaded === undefined) {
    throw new FloodgateError('unknown_pipeline', `there is no pipeline ${id} in ${folder}; it has ${catalog.ids.join(', ')}`, {
      hint: 'name one of them with --pipeline',
    });
  }
  return loaded.pipeline;
};

type SourceFile = { readonly key: string; readonly path: string };

const findSourceFiles = async (pipeline: Pipeline, folder: string): Promise<{ readonly files: readonly SourceFile[]; readonly absent: readonly string[] }> => {
  const files = new Map<string, SourceFile>();
  const absent: string[] = [];
  for (const source of pipeline.sources) {
    const keys = (await Array.fromAsync(glob(source.files, { cwd: folder }))).map((key) => key.replaceAll('\\', '/'));
    if (keys.length === 0) absent.push(source.name);
    for (const key of keys) files.set(key, { key, path: join(folder, key) });
  }
  return { files: [...files.values()], absent };
};

const settingsFor = (project: string, emulators: EmulatorHosts): GcpSettings => ({
  projectId: project,
  location: 'US',
  stagingDataset: 'floodgate_staging',
  bucket: project,
  firestoreDatabase: '(default)',
  maximumBytesBilled: undefined,
  stagePriority: 'interactive',
  emulators,
});

/** Throws one FloodgateError `emulator_missing` with all that this machine lacks. */
export const startEmulators = async (options: EmulatorsOptions = {}): Promise<Emulators> => {
  const cleanup = new AsyncDisposableStack();
  try {
    // What is wrong with the pipeline or the data is said before anything starts.
    const pipeline = options.pipeline === undefined ? undefined : await loadPipeline(options.pipelines ?? ownPipelines, options.pipeline);
    const { files, absent } = pipeline === undefined || options.data === undefined ? { files: [], absent: [] } : await findSourceFiles(pipeline, options.data);

    const bigqueryFolder = options.bigqueryFolder ?? (await mkdtemp(join(tmpdir(), 'floodgate-bigquery-')));
    if (options.bigqueryFolder === undefined) cleanup.defer(() => rm(bigqueryFolder, { recursive: true, force: true }));
    const processes = cleanup.use(await startEmulatorProcesses({ bigqueryFolder, ...(options.basePort === undefined ? {} : { basePort: options.basePort }) }));
    const settings = settingsFor(options.project ?? 'floodgate-local', processes.hosts);
    const backend = cleanup.use(await openGcpBackend(settings, { clock: systemClock, ids: systemIds, logger: silent, mode: 'pull' }));
    const targets = pipeline?.processors.filter(({ kind }) => kind !== 'external') ?? [];
    const declared = declareResources(settings, pipeline === undefined ? [] : targetDatasetsOf([pipeline]));
    const prepare = createPreparation(backend, settings, { declared, targets, files });
    await Promise.all(emulatorNames.map(prepare));

    const owned = cleanup.move();
    return {
      settings,
      hosts: processes.hosts,
      backend,
      declared,
      tables: targets.map(({ table }) => table),
      uploaded: files.map(({ key }) => key),
      absent,
      kill: processes.kill,
      restart: async (name) => {
        await processes.kill(name);
        await processes.start(name);
        await prepare(name);
      },
      died: processes.died,
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  } catch (error) {
    await cleanup.disposeAsync();
    throw error;
  }
};

type Preparation = (part: EmulatorName) => Promise<void>;

/** Puts into an emulator what a deployment has there. Twice is as good as once. */
const createPreparation = (
  backend: GcpBackend,
  settings: GcpSettings,
  { declared, targets, files }: { readonly declared: DeclaredResources; readonly targets: readonly TableSpec[]; readonly files: readonly SourceFile[] },
): Preparation => {
  const { signal } = new AbortController();
  const nothing: DeclaredResources = { ...declared, topics: [], subscriptions: [], datasets: [], bucket: undefined };
  const ensure = (part: Partial<DeclaredResources>) => ensureResources(backend.clients, settings, { ...nothing, ...part }, signal);

  return async (part) => {
    switch (part) {
      case 'pubsub':
        await ensure({ topics: declared.topics, subscriptions: declared.subscriptions });
        return;
      case 'storage':
        await ensure({ bucket: declared.bucket });
        for (const { key, path } of files) await backend.clients.storage.bucket(declared.bucket ?? '').upload(path, { destination: key, resumable: false });
        return;
      case 'bigquery':
        await ensure({ datasets: declared.datasets });
        for (const target of targets) await backend.warehouse.prepareTable(target, signal);
        return;
      case 'firestore':
        // Documents make their collections, and the emulator asks for no index.
        return;
      default:
        assertNever(part);
    }
  };
};

/** For a shell, and for whatever the shell starts: as config.ts of the services and of the command line reads it. */
export const environmentOf = (settings: GcpSettings): Readonly<Record<string, string>> => {
  const { pubsub, firestore, bigquery, storage } = settings.emulators;
  const values: Readonly<Record<string, string | undefined>> = {
    PUBSUB_EMULATOR_HOST: pubsub,
    FIRESTORE_EMULATOR_HOST: firestore,
    // Google's libraries for these two want a scheme.
    BIGQUERY_EMULATOR_HOST: bigquery === undefined ? undefined : `http://${bigquery}`,
    STORAGE_EMULATOR_HOST: storage === undefined ? undefined : `http://${storage}`,
    FLOODGATE_GCP_PROJECT: settings.projectId,
    FLOODGATE_GCP_LOCATION: settings.location,
    FLOODGATE_GCP_STAGING_DATASET: settings.stagingDataset,
    FLOODGATE_GCP_BUCKET: settings.bucket,
    FLOODGATE_GCP_FIRESTORE_DATABASE: settings.firestoreDatabase,
    FLOODGATE_GCP_MAX_BYTES_BILLED: settings.maximumBytesBilled === undefined ? undefined : String(settings.maximumBytesBilled),
    FLOODGATE_GCP_STAGE_PRIORITY: settings.stagePriority,
  };
  return Object.fromEntries(Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])));
};
