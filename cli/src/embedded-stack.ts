// The composition root of the embedded backend: SQLite, DuckDB and the three services in one process, on one home folder.
// The only place of the CLI that knows which backend it runs.
import { createSurroundings } from '@floodgate/core/app/code-surroundings.ts';
import { adoptCommitLogs } from '@floodgate/core/app/adopt-logs.ts';
import type { EngineDeps, PipelineCatalog } from '@floodgate/core/app/deps.ts';
import { createPlanReader, type PlanReader } from '@floodgate/core/app/plan-store.ts';
import { subscriptions } from '@floodgate/core/contracts/messages.ts';
import { storeIndexes } from '@floodgate/core/contracts/store-indexes.ts';
import type { Failure } from '@floodgate/core/domain/failure.ts';
import type { Logger } from '@floodgate/core/ports/logger.ts';
import { DuckDbWarehouse } from '@floodgate/embedded/duckdb-warehouse.ts';
import { FolderObjectStore } from '@floodgate/embedded/folder-object-store.ts';
import { acquireHomeLock, createHome } from '@floodgate/embedded/home-lock.ts';
import { SqliteDatabase } from '@floodgate/embedded/sqlite-database.ts';
import { SqliteMessageBus } from '@floodgate/embedded/sqlite-message-bus.ts';
import { SqliteStatusStore } from '@floodgate/embedded/sqlite-status-store.ts';
import { createPlannerApp, type PlannerApp, type PlannerDeps } from '@floodgate/planner/app.ts';
import { duckdbPrelude, translateSelect } from '@floodgate/sql/translate.ts';
import { createFolderCatalog, createFolderCode } from '@floodgate/system/pipeline-folders.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { systemIds } from '@floodgate/system/system-ids.ts';
import { createValidatorApp, type ValidatorApp } from '@floodgate/validator/app.ts';
import { createWorkerApp, type WorkerApp } from '@floodgate/worker/app.ts';
import type { StoreStack } from './backend.ts';
import { storeFile, warehouseFile } from './embedded-home.ts';

export { storeFile, warehouseFile };
export type { StoreStack };

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
  /** Settings of code that fetches into the data folder; undefined: nothing is fetched. */
  readonly fetchSettings?: Readonly<Record<string, string>>;
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
      surroundings: createSurroundings(options.fetchSettings === undefined ? {} : { landing: objectStore, settingsOf: () => options.fetchSettings ?? {} }),
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
