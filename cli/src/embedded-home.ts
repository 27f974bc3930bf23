// What commands need of the embedded backend without opening it: beside embedded-stack.ts the only file that knows it.
import type { ObjectInfo } from '@floodgate/core/ports/object-store.ts';
import { FolderObjectStore } from '@floodgate/embedded/folder-object-store.ts';
import { createTypeReader } from '@floodgate/embedded/duckdb-type-check.ts';
import { systemIds } from '@floodgate/system/system-ids.ts';
import { duckdbPrelude, translateSelect } from '@floodgate/sql/translate.ts';

export { createHome, findHomeHolder, HomeError, type HomeHolder } from '@floodgate/embedded/home-lock.ts';
export { systemClock } from '@floodgate/system/system-clock.ts';
export { writeParquet } from '@floodgate/embedded/parquet-file.ts';

export const listFiles = (folder: string, glob: string): Promise<readonly ObjectInfo[]> => new FolderObjectStore(folder, { ids: systemIds }).list(glob);

/** Tells the types that a pipeline's SQL yields. */
export const openTypeReader = () => createTypeReader({ translate: translateSelect, prelude: duckdbPrelude });
