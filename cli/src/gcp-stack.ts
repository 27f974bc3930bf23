// The composition root of the Google Cloud backend: Firestore, Pub/Sub and BigQuery as the services of the deployment have
// them. No services run in this process, and it has nothing that another one could not have at the same time: no home, no
// lock. What commands change, they change in the store, and ring.
import type { EngineDeps, PipelineCatalog } from '@floodgate/core/app/deps.ts';
import type { AcceptDeps } from '@floodgate/core/app/accept-request.ts';
import { createLeaseWatch } from '@floodgate/core/app/lease-watch.ts';
import { specOf } from '@floodgate/core/app/ledger-reader.ts';
import { createPlanReader } from '@floodgate/core/app/plan-store.ts';
import { reconcile } from '@floodgate/core/app/reconcile.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { Pipeline } from '@floodgate/core/domain/pipeline.ts';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import type { Ids } from '@floodgate/core/ports/ids.ts';
import type { Logger } from '@floodgate/core/ports/logger.ts';
import type { MessageBus } from '@floodgate/core/ports/message-bus.ts';
import type { ObjectStore } from '@floodgate/core/ports/object-store.ts';
import type { StatusStore } from '@floodgate/core/ports/status-store.ts';
import type { Warehouse } from '@floodgate/core/ports/warehouse.ts';
import type { Difference } from '@floodgate/gcp/resource-report.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { systemIds } from '@floodgate/system/system-ids.ts';
import type { StoreStack } from './backend.ts';
import { exportHint, type GcpSettings } from './gcp-settings.ts';
import { createLocalActions, needPipeline, type WarehouseActions } from './warehouse-actions.ts';

/** The adapters, or their twins in memory. */
export type GcpParts = {
  readonly store: StatusStore;
  readonly bus: MessageBus;
  readonly warehouse: Warehouse;
  readonly objectStore: ObjectStore | undefined;
  /** What in the deployment is not as it is declared, for these pipelines. */
  readonly inspect: (pipelines: readonly Pipeline[], signal: AbortSignal) => Promise<readonly Difference[]>;
};

export type GcpStack = StoreStack & {
  readonly engine: EngineDeps;
  readonly objectStore: ObjectStore | undefined;
  readonly inspect: GcpParts['inspect'];
  /** For plans that are made in this process. Throws where there is no folder of pipelines. */
  readonly acceptDeps: () => Promise<AcceptDeps>;
  readonly actions: () => Promise<WarehouseActions>;
};

export type GcpStackOptions = {
  readonly settings: GcpSettings;
  readonly pipelinesFolder: string;
  readonly pipelineId: string;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly ids?: Ids;
  /** Of the pipelines' folder unless said otherwise. */
  readonly catalog?: PipelineCatalog;
};

export type OpenGcpStack = (options: GcpStackOptions) => Promise<GcpStack>;

const source = '/floodgate/cli';

/** As the planner's own reconciling, which does the same every half minute. */
const outboxAgeMs = 15_000;
const queuedAgeMs = 600_000;
/** A lease of a service lives so long without a heartbeat. This process holds none. */
const leaseMs = 60_000;

export const createGcpStack = (parts: GcpParts & AsyncDisposable, options: GcpStackOptions): GcpStack => {
  const { store, bus, warehouse, objectStore, inspect } = parts;
  const { settings, pipelinesFolder, pipelineId, logger, clock = systemClock, ids = systemIds } = options;
  const deps = { store, bus, clock, ids, logger, source };
  const engine: EngineDeps = { ...deps, warehouse, lease: { holder: ids.newId(), leaseMs, isKnownDead: () => false } };
  const plans = createPlanReader(store);
  let catalog = options.catalog === undefined ? undefined : Promise.resolve(options.catalog);
  const openCatalog = (): Promise<PipelineCatalog> =>
    (catalog ??= import('@floodgate/system/pipeline-folders.ts').then(({ createFolderCatalog }) => createFolderCatalog(pipelinesFolder)));

  /** The tables that the pipeline has committed to. What the logs say costs next to nothing; counting rows might. */
  const listTables = async (signal: AbortSignal) => {
    const { processors } = await needPipeline(await openCatalog(), pipelineId);
    const listed = await Promise.all(
      processors
        .filter(({ kind }) => kind !== 'external')
        .map(async (processor) => ({ processor, log: await warehouse.readCommitLog(specOf(processor), 'all', signal) })),
    );
    return listed
      .filter(({ log }) => log.length > 0)
      .map(({ processor: { table, columns }, log }) => ({ table, rows: log.reduce((sum, { rows }) => sum + rows, 0), columns }));
  };

  return {
    deps,
    engine,
    plans,
    objectStore,
    inspect,
    acceptDeps: async () => ({ ...engine, catalog: await openCatalog(), plans, defaultMaxInFlight: 1_000 }),
    actions: async () =>
      createLocalActions({
        engine,
        catalog: await openCatalog(),
        plans,
        reconcileNow: () => reconcile({ ...engine, watch: createLeaseWatch(clock, engine.lease), outboxAgeMs, queuedAgeMs }),
        tables: async (_, signal) => listTables(signal),
        exportTable: async ({ table }) => {
          throw new FloodgateError('usage', `floodgate export: expected --backend embedded, found gcp`, { hint: exportHint(settings, table) });
        },
      }),
    [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
  };
};

export const openGcpStack: OpenGcpStack = async (options) => {
  // Google's clients take about a second to load: only a command that talks to them waits for it.
  const { connectFirestoreAdmin } = await import('@floodgate/gcp/firestore-client.ts');
  const { openGcpBackend } = await import('@floodgate/gcp/gcp-backend.ts');
  const { declareResources, inspectResources, targetDatasetsOf } = await import('@floodgate/gcp/resources.ts');
  const { settings, logger, clock = systemClock, ids = systemIds } = options;
  const backend = await openGcpBackend(settings, { clock, ids, logger, mode: 'pull' });
  const { store, bus, warehouse, objectStore, clients } = backend;
  const inspect: GcpParts['inspect'] = async (pipelines, signal) => {
    const firestoreAdmin = connectFirestoreAdmin(settings);
    try {
      const all = firestoreAdmin === undefined ? clients : { ...clients, firestoreAdmin };
      return await inspectResources(all, settings, declareResources(settings, targetDatasetsOf(pipelines)), signal);
    } finally {
      await firestoreAdmin?.close();
    }
  };
  return createGcpStack({ store, bus, warehouse, objectStore, inspect, [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose]() }, options);
};
