// What commands need of the embedded backend without opening it: beside embedded-stack.ts the only file that knows it. DuckDB
// and the SQL's translation are loaded where they are asked for.
import { join } from 'node:path';
import type { ObjectInfo, ObjectStore } from '@floodgate/core/ports/object-store.ts';
import { FolderObjectStore } from '@floodgate/embedded/folder-object-store.ts';
import type { writeParquet as WriteParquet } from '@floodgate/embedded/parquet-file.ts';
import { systemIds } from '@floodgate/system/system-ids.ts';

export { createHome, findHomeHolder, HomeError, type HomeHolder } from '@floodgate/embedded/home-lock.ts';

export const storeFile = (home: string): string => join(home, 'floodgate.sqlite');
export const warehouseFile = (home: string): string => join(home, 'warehouse.duckdb');

export const listFiles = (folder: string, glob: string): Promise<readonly ObjectInfo[]> => new FolderObjectStore(folder, { ids: systemIds }).list(glob);

export const openFolder = (folder: string): ObjectStore => new FolderObjectStore(folder, { ids: systemIds });

/** Tells the types that a pipeline's SQL yields. */
export const openTypeReader = async () => {
  const { createTypeReader } = await import('@floodgate/embedded/duckdb-type-check.ts');
  const { duckdbPrelude, translateSelect } = await import('@floodgate/sql/translate.ts');
  return createTypeReader({ translate: translateSelect, prelude: duckdbPrelude });
};

export const writeParquet: typeof WriteParquet = async (...input) => (await import('@floodgate/embedded/parquet-file.ts')).writeParquet(...input);
