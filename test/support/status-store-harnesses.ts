import { join } from 'node:path';
import { SqliteDatabase } from '@floodgate/embedded/sqlite-database.ts';
import { SqliteStatusStore } from '@floodgate/embedded/sqlite-status-store.ts';
import { contractIndexes } from '../contract/store-contract-indexes.ts';
import type { StatusStoreHarness } from '../contract/status-store.contract.ts';
import { ManualClock } from './manual-clock.ts';
import { MemoryStatusStore } from './memory-status-store.ts';
import { createSeededIds } from './seeded-ids.ts';
import { createTemporaryFolder } from './temporary-folder.ts';

export type SimulatedStoreHarness = StatusStoreHarness & { readonly pause: (ms: number) => Promise<void> };

export async function makeSqliteHarness(): Promise<SimulatedStoreHarness> {
  const folder = await createTemporaryFolder();
  const clock = new ManualClock();
  const ids = createSeededIds(1);
  const databases: SqliteDatabase[] = [];
  return {
    async open() {
      // Each a connection of its own, as each process has.
      const database = SqliteDatabase.open({ file: join(folder.path, 'floodgate.db'), clock, ids });
      databases.push(database);
      return new SqliteStatusStore(database, { clock, ids, indexes: contractIndexes });
    },
    settle: (promise) => clock.run(promise),
    pause: (ms) => clock.sleep(ms),
    async [Symbol.asyncDispose]() {
      await Promise.all(databases.map((database) => database.close()));
      await folder[Symbol.asyncDispose]();
    },
  };
}

export async function makeMemoryHarness(): Promise<SimulatedStoreHarness> {
  const clock = new ManualClock();
  const store = new MemoryStatusStore({ clock, ids: createSeededIds(1), indexes: contractIndexes });
  return {
    open: async () => store,
    settle: (promise) => clock.run(promise),
    pause: (ms) => clock.sleep(ms),
    [Symbol.asyncDispose]: async () => undefined,
  };
}
