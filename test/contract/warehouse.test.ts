import { mkdir, mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDbWarehouse } from '@floodgate/embedded/duckdb-warehouse.ts';
import { FolderObjectStore } from '@floodgate/embedded/folder-object-store.ts';
import { writeParquet } from '@floodgate/embedded/parquet-file.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { duckdbPrelude, translateSelect } from '@floodgate/sql/translate.ts';
import { createSeededIds } from '../support/seeded-ids.ts';
import { describeWarehouseContract } from './warehouse.contract.ts';

const duckDb = async (options: { readonly maxSourceTableBytes?: number }) => {
  const folder = await mkdtemp(join(tmpdir(), 'floodgate-warehouse-'));
  const files = join(folder, 'data');
  await mkdir(files);
  const open = (): Promise<DuckDbWarehouse> =>
    DuckDbWarehouse.open({
      file: join(folder, 'warehouse.duckdb'),
      objectStore: new FolderObjectStore(files, { ids: createSeededIds(1) }),
      translate: translateSelect,
      prelude: duckdbPrelude,
      clock: systemClock,
      threads: 2,
      connections: 3,
      ...options,
    });
  let warehouse = await open();
  return {
    get warehouse() {
      return warehouse;
    },
    putSource: async (key: string, ...rest: [Parameters<typeof writeParquet>[1], Parameters<typeof writeParquet>[2]]) =>
      void (await writeParquet(join(files, key), ...rest)),
    truncateSource: (key: string) => truncate(join(files, key), 700),
    reopen: async () => {
      await warehouse[Symbol.asyncDispose]();
      warehouse = await open();
      return warehouse;
    },
    [Symbol.asyncDispose]: async () => {
      await warehouse[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
};

describeWarehouseContract('DuckDB, sources in memory', () => duckDb({}));
describeWarehouseContract('DuckDB, sources read from their files', () => duckDb({ maxSourceTableBytes: 0 }));
