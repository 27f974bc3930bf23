// The server around an engine and an analyzer: jobs, limits, faults, routes, put together.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import { createControlRoutes } from '../control/control-routes.ts';
import type { EmulatorClock } from '../control/emulator-clock.ts';
import { createFaults } from '../control/faults.ts';
import { defaultSettings, type Settings } from '../control/settings.ts';
import type { Engine } from '../engine-contract.ts';
import { createJobRunner } from '../jobs/job-runner.ts';
import { openJobStore } from '../jobs/job-store.ts';
import { createQueryPreparation } from '../jobs/prepare-query.ts';
import { createQuotas } from '../jobs/quotas.ts';
import { createQueryWork } from '../jobs/run-query.ts';
import { createStatementRunner } from '../jobs/run-statement.ts';
import { createTransferWork } from '../jobs/run-transfer.ts';
import { createSlots } from '../jobs/slots.ts';
import { createStreamingBuffer } from '../jobs/streaming-buffer.ts';
import type { Analyzer } from '../statement.ts';
import { createApp } from './app.ts';
import { createDatasetRoutes } from './dataset-routes.ts';
import { createJobRoutes } from './job-routes.ts';
import { createProjectRoutes } from './project-routes.ts';
import { createQueryRoutes } from './query-routes.ts';
import { createTableRoutes } from './table-routes.ts';
import { createTabledataRoutes } from './tabledata-routes.ts';
import { createUploads } from './uploads.ts';

export type ServerOptions = {
  /** 0: any that is free. */
  readonly port: number;
  readonly host?: string;
  /** Where datasets, tables and jobs are kept; in memory without it. */
  readonly folder?: string;
  /** BigQuery's quotas and limits. */
  readonly limits: boolean;
  /** How many jobs run at once. */
  readonly slots?: number;
  readonly clock?: EmulatorClock;
  /** Address of a Cloud Storage emulator, for load jobs: `STORAGE_EMULATOR_HOST`. */
  readonly storageHost?: string;
  readonly memoryLimit?: string;
};
export type Server = AsyncDisposable & { readonly url: string; readonly port: number; readonly close: () => Promise<void> };

const defaultSlots = 100;

/** The engine and the analyzer are closed with the server. */
export const serve = async (
  { port, host = '127.0.0.1', folder, limits, slots: slotCount = defaultSlots, storageHost }: ServerOptions,
  { analyzer, engine, clock }: { readonly analyzer: Analyzer; readonly engine: Engine; readonly clock: EmulatorClock },
): Promise<Server> => {
  const settings: Settings = { ...defaultSettings };
  const faults = createFaults();
  const store = openJobStore({ folder, clock });
  const quotas = createQuotas({ limits, clock });
  const streaming = createStreamingBuffer(clock, settings);
  const slots = createSlots({ count: slotCount, limitQueues: limits });
  const statements = createStatementRunner({ engine, quotas });
  const runner = createJobRunner({
    store,
    slots,
    faults,
    settings,
    clock,
    prepareQuery: createQueryPreparation({ engine, analyzer }),
    queryWork: createQueryWork({ engine, statements, store, faults, clock }),
    transferWork: createTransferWork({ engine, quotas, clock, storageHost }),
  });
  const uploads = createUploads({ clock, newId: randomUUID });
  const app = createApp({
    control: createControlRoutes({ engine, store, slots, slotCount, quotas, streaming, faults, settings, clock }),
    routes: [
      createJobRoutes({ store, runner, uploads }),
      createQueryRoutes({ engine, store, runner, limits }),
      createDatasetRoutes({ engine }),
      createTableRoutes({ engine, quotas, streaming, clock }),
      createTabledataRoutes({ engine, streaming, clock, limits }),
      createProjectRoutes({ engine }),
    ],
    faults,
    clock,
    limits,
  });
  const server = createServer(app);
  server.requestTimeout = 600_000;
  server.headersTimeout = 30_000;
  // Longer than clients keep an idle connection, so that none is closed under a request that is on its way.
  server.keepAliveTimeout = 75_000;
  server.listen(port, host);
  await once(server, 'listening');
  const { port: listening } = server.address() as AddressInfo;

  let closing: Promise<void> | undefined;
  const shutDown = async (): Promise<void> => {
    server.close();
    await runner.close();
    server.closeAllConnections();
    await uploads.close();
    store[Symbol.dispose]();
    await Promise.all([engine[Symbol.asyncDispose](), analyzer[Symbol.asyncDispose]()]);
  };
  const close = (): Promise<void> => (closing ??= shutDown());
  return { url: `http://${host}:${listening}`, port: listening, close, [Symbol.asyncDispose]: close };
};
