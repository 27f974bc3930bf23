// The engine of the contract: one DuckDB with its catalog, and what works on it.
import type { Engine, OpenEngine } from '../engine-contract.ts';
import { splitDecorator } from './stored-table.ts';
import { Catalog } from './catalog.ts';
import { copyTables } from './copy.ts';
import { Database } from './database.ts';
import { createDatasets } from './datasets.ts';
import { readInformationSchemaName, schemaOfView } from './information-schema.ts';
import { Keeper } from './keeper.ts';
import { loadFiles } from './load.ts';
import type { Services } from './run.ts';
import { ScanPlanner } from './scan-plan.ts';
import { EngineSession } from './session.ts';
import { createTables } from './tables.ts';
import { Units } from './unit.ts';

/** Beyond the contract: what tests want to turn. */
export type DuckDbEngine = Engine & {
  /** How long rows of streaming inserts count as buffered: until then UPDATE, DELETE, MERGE and TRUNCATE of them fail. 0 at first. */
  readonly setStreamingBufferMs: (bufferMs: number) => void;
  /** How often a statement that lost against a concurrent one is run again before it fails. 3 at first, as on BigQuery. */
  readonly setDmlRetries: (retries: number) => void;
};

export const openEngine = (async ({ folder, clock, memoryLimit, partitionLimits }): Promise<DuckDbEngine> => {
  const database = await Database.open(folder, memoryLimit);
  const catalog = new Catalog();
  const connection = await database.connect();
  await catalog.load(connection);
  database.release(connection);
  const planner = await ScanPlanner.open();
  const services: Services = { database, units: new Units(database, catalog, clock), planner, partitionLimits };
  const keeper = new Keeper(services);
  let retries = 3;
  return {
    datasets: createDatasets(services),
    tables: createTables(services, keeper),
    openSession: async () => new EngineSession(services, keeper, { dmlRetries: () => retries }, await database.connect()),
    load: (files, format, destination, options) => loadFiles(services, keeper, files, format, destination, options),
    copy: (sources, destination) => copyTables(services, keeper, sources, destination),
    lookUp: (id) => {
      const view = readInformationSchemaName(id);
      return view === undefined ? catalog.table(splitDecorator(id).table, clock.now())?.schema : schemaOfView(view);
    },
    setStreamingBufferMs: (bufferMs) => keeper.setBufferMs(bufferMs),
    setDmlRetries: (count) => {
      retries = count;
    },
    [Symbol.asyncDispose]: async () => {
      await planner.close();
      await database.close();
    },
  };
}) satisfies OpenEngine;
