// The composition root of the embedded backend: SQLite, DuckDB and the three services in one process, on one home folder.
// The only place of the CLI that knows which backend it runs.
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { adoptCommitLogs } from '@floodgate/core/app/adopt-logs.ts';
import type { CodeCatalog, CodeFunction, EngineDeps, PipelineCatalog, StoreDeps } from '@floodgate/core/app/deps.ts';
import { createPlanReader, type PlanReader } from '@floodgate/core/app/plan-store.ts';
import { subscriptions } from '@floodgate/core/contracts/messages.ts';
import { storeIndexes } from '@floodgate/core/contracts/store-indexes.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { Pipeline } from '@floodgate/core/domain/pipeline.ts';
import type { Failure } from '@floodgate/core/domain/failure.ts';
import { lintPipeline } from '@floodgate/core/pipeline/lint.ts';
import { formatProblem, type Problem } from '@floodgate/core/pipeline/problem.ts';
import { readPipeline } from '@floodgate/core/pipeline/read-pipeline.ts';
import type { Logger } from '@floodgate/core/ports/logger.ts';
import { DuckDbWarehouse } from '@floodgate/embedded/duckdb-warehouse.ts';
import { FolderObjectStore } from '@floodgate/embedded/folder-object-store.ts';
import { acquireHomeLock, createHome } from '@floodgate/embedded/home-lock.ts';
import { SqliteDatabase } from '@floodgate/embedded/sqlite-database.ts';
import { SqliteMessageBus } from '@floodgate/embedded/sqlite-message-bus.ts';
import { SqliteStatusStore } from '@floodgate/embedded/sqlite-status-store.ts';
import { systemClock } from '@floodgate/embedded/system-clock.ts';
import { systemIds } from '@floodgate/embedded/system-ids.ts';
import { createPlannerApp, type PlannerApp, type PlannerDeps } from '@floodgate/planner/app.ts';
import { duckdbPrelude, translateSelect } from '@floodgate/sql/translate.ts';
import { createValidatorApp, type ValidatorApp } from '@floodgate/validator/app.ts';
import { createWorkerApp, type WorkerApp } from '@floodgate/worker/app.ts';
import { importVersion } from './import-version.ts';
import { sqlAnalyzer } from './sql-analyzer.ts';

export const storeFile = (home: string): string => join(home, 'floodgate.sqlite');
export const warehouseFile = (home: string): string => join(home, 'warehouse.duckdb');

/** All text files of a pipeline folder, by path relative to it. Undefined where there is no such folder. */
export const readPipelineFolder = async (folder: string): Promise<ReadonlyMap<string, string> | undefined> => {
  const files = new Map<string, string>();
  const walk = async (at: string): Promise<void> => {
    for (const entry of await readdir(at, { withFileTypes: true })) {
      const path = join(at, entry.name);
      if (entry.isDirectory() && entry.name !== 'node_modules') await walk(path);
      // Only what decides rows: pipeline.yaml, SQL, and the code of code processors.
      else if (entry.isFile() && isPipelineText(relative(folder, path).split(sep).join('/')))
        files.set(relative(folder, path).split(sep).join('/'), await readFile(path, 'utf8'));
    }
  };
  try {
    await walk(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  return files;
};

const isPipelineText = (path: string): boolean =>
  path === 'pipeline.yaml' || path.endsWith('.sql') || (path.startsWith('processors/') && path.endsWith('.ts') && !path.endsWith('.test.ts'));

type Loaded = { readonly pipeline: Pipeline; readonly files: ReadonlyMap<string, string> };

const refuse = (pipelineId: string, problems: readonly Problem[], shown: number): never => {
  const more = problems.length > shown ? [`and ${problems.length - shown} more`] : [];
  const listed = [...problems.slice(0, shown).map(formatProblem), ...more].join('\n');
  throw new FloodgateError('invalid_pipeline', `pipeline ${pipelineId} has ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}:\n${listed}`, {
    hint: `npx floodgate lint --pipeline ${pipelineId}`,
  });
};

const readFolder = async (pipelinesFolder: string, pipelineId: string): Promise<Loaded | undefined> => {
  if (!/^[a-z][a-z0-9_]*$/.test(pipelineId)) return undefined;
  const files = await readPipelineFolder(join(pipelinesFolder, pipelineId));
  if (files === undefined || !files.has('pipeline.yaml')) return undefined;
  const read = readPipeline(files);
  return read.ok ? { pipeline: read.pipeline, files } : refuse(pipelineId, read.problems, read.problems.length);
};

/** Lint can find as many as there are statements; the command that the error names tells them all. */
const shownLintProblems = 5;
const knownGood = new Set<string>();

/**
 * SQL that no backend would run, that reads outside its windows or what is not declared, is refused before anything is
 * planned: nobody is relied upon to have run lint before. A version is looked at once.
 */
const refuseUnclean = (pipelineId: string, { pipeline, files }: Loaded): void => {
  if (knownGood.has(pipeline.hash)) return;
  const errors = lintPipeline(pipeline, files, sqlAnalyzer).filter(({ severity }) => severity === 'error');
  if (errors.length > 0) refuse(pipelineId, errors, shownLintProblems);
  knownGood.add(pipeline.hash);
};

/** Pipelines as folders below `pipelinesFolder`, read, validated and linted at every request. */
export const createFolderCatalog = async (pipelinesFolder: string): Promise<PipelineCatalog> => {
  const entries = await readdir(pipelinesFolder, { withFileTypes: true }).catch(() => {
    throw new FloodgateError('unknown_pipeline', `there is no folder of pipelines at ${pipelinesFolder}`, { hint: 'name it with --pipelines' });
  });
  return {
    ids: entries
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort(),
    load: async (pipelineId) => {
      const loaded = await readFolder(pipelinesFolder, pipelineId);
      if (loaded === undefined) return undefined;
      refuseUnclean(pipelineId, loaded);
      return { pipeline: loaded.pipeline, files: Object.fromEntries(loaded.files) };
    },
  };
};

/** Code processors run from the folder, and only in the version that the plan pinned. What else is in the folder by then is not asked. */
const createFolderCode =
  (pipelinesFolder: string): CodeCatalog =>
  async (pipelineId, processor) => {
    const current = (await readFolder(pipelinesFolder, pipelineId))?.pipeline.processors.find(({ id }) => id === processor.id);
    if (current === undefined || current.codeHash !== processor.codeHash) return undefined;
    const loaded = (await importVersion(join(pipelinesFolder, pipelineId, processor.sourceFile), processor.codeHash)) as { readonly rows?: CodeFunction };
    return loaded.rows;
  };

/** What a command in a second terminal needs: the shared SQLite file, no warehouse, no services. */
export type StoreStack = AsyncDisposable & { readonly deps: StoreDeps; readonly plans: PlanReader };

const subscriptionList = Object.values(subscriptions);

export const openStore = (home: string, logger: Logger, exclusive = false): StoreStack => {
  const database = SqliteDatabase.open({ file: storeFile(home), clock: systemClock, ids: systemIds });
  const store = new SqliteStatusStore(database, { clock: systemClock, ids: systemIds, indexes: storeIndexes });
  const bus = new SqliteMessageBus(database, { clock: systemClock, ids: systemIds, subscriptions: subscriptionList, exclusive, logger });
  return {
    deps: { store, bus, clock: systemClock, ids: systemIds, logger, source: '/floodgate/cli' },
    plans: createPlanReader(store),
    async [Symbol.asyncDispose]() {
      await bus[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
};

export type StackOptions = {
  readonly home: string;
  readonly pipelinesFolder: string;
  /** Folder of the sources' files; undefined: processors of kind load fail with source_missing. */
  readonly dataFolder: string | undefined;
  /** Dispatches executed at once. */
  readonly workers: number;
  readonly logger: Logger;
  readonly memoryLimitBytes?: number;
  readonly onEnded?: (backfillId: string, state: string) => void;
};

export type EmbeddedStack = AsyncDisposable & {
  readonly engine: EngineDeps;
  readonly catalog: PipelineCatalog;
  readonly plans: PlanReader;
  readonly warehouse: DuckDbWarehouse;
  /** For use cases that the planner offers beside its subscriptions: accepting a request and answering it. */
  readonly plannerDeps: PlannerDeps;
  readonly planner: PlannerApp;
  readonly worker: WorkerApp;
  readonly validator: ValidatorApp;
  readonly startServices: () => Promise<void>;
  /** Finishes or returns what is held. */
  readonly stopServices: (graceMs: number) => Promise<void>;
  /** Resolves if a worker finds that nothing can go on in this process. */
  readonly halted: Promise<Failure>;
};

/**
 * Takes the home's lock and opens store and warehouse. Throws HomeError `home_in_use` where another process runs on it.
 * Nothing of a former process is alive then, so its leases and deliveries count as dead at once.
 */
export const openEmbeddedStack = async (options: StackOptions): Promise<EmbeddedStack> => {
  const home = await createHome(options.home);
  const cleanup = new AsyncDisposableStack();
  try {
    cleanup.use(await acquireHomeLock(home, { clock: systemClock }));
    const opened = cleanup.use(openStore(home, options.logger, true));
    const objectStore = options.dataFolder === undefined ? undefined : new FolderObjectStore(options.dataFolder, { ids: systemIds });
    const warehouse = cleanup.use(
      await DuckDbWarehouse.open({
        file: warehouseFile(home),
        ...(objectStore === undefined ? {} : { objectStore }),
        translate: translateSelect,
        prelude: duckdbPrelude,
        clock: systemClock,
        connections: options.workers + 3,
        ...(options.memoryLimitBytes === undefined ? {} : { memoryLimitBytes: options.memoryLimitBytes }),
      }),
    );
    const holder = systemIds.newId();
    const lease = { holder, leaseMs: 30_000, isKnownDead: (other: string) => other !== holder };
    const engine: EngineDeps = { ...opened.deps, warehouse, lease };
    const catalog = await createFolderCatalog(options.pipelinesFolder);
    const halted = Promise.withResolvers<Failure>();
    const plannerDeps: PlannerDeps = {
      ...engine,
      source: '/floodgate/planner',
      catalog,
      plans: opened.plans,
      defaultMaxInFlight: 1_000,
      workers: options.workers,
      defaultDatesPerTask: 'auto',
      autoTargetMs: 1_000,
      progressEveryMs: 300,
      gatherMs: 2,
      reconcileEveryMs: 5_000,
      // This process alone sends: what lies in the outbox at start was left behind.
      outboxAgeMs: 2_000,
      queuedAgeMs: 600_000,
      keepClosedMs: 90 * 86_400_000,
      ...(options.onEnded === undefined ? {} : { onEnded: options.onEnded }),
    };
    await adoptCommitLogs(plannerDeps, new AbortController().signal);
    const planner = createPlannerApp(plannerDeps);
    const worker = createWorkerApp({
      ...engine,
      source: '/floodgate/worker',
      plans: opened.plans,
      code: createFolderCode(options.pipelinesFolder),
      lingerMs: 500,
      batchEveryMs: 0,
      maxDates: 50,
      concurrency: options.workers,
      lanes: 16,
      onHalt: (failure) => halted.resolve(failure),
    });
    const validator = createValidatorApp({ ...engine, source: '/floodgate/validator', plans: opened.plans, gatherMs: 20 });
    const owned = cleanup.move();
    return {
      engine,
      catalog,
      plans: opened.plans,
      warehouse,
      plannerDeps,
      planner,
      worker,
      validator,
      startServices: async () => {
        await worker.start();
        await validator.start();
        await planner.start();
      },
      stopServices: async (graceMs) => {
        await worker.stop(graceMs);
        await validator.stop(graceMs);
        await planner.stop(graceMs);
      },
      halted: halted.promise,
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  } catch (error) {
    await cleanup.disposeAsync();
    throw error;
  }
};
