import { join } from 'node:path';
import { SqliteDatabase } from '@floodgate/embedded/sqlite-database.ts';
import { SqliteStatusStore } from '@floodgate/embedded/sqlite-status-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryStatusStore } from '../support/memory-status-store.ts';
import { createSeededIds } from '../support/seeded-ids.ts';
import { createTemporaryFolder } from '../support/temporary-folder.ts';
import { contractIndexes, describeStatusStoreContract } from './status-store.contract.ts';
import type { StatusStoreHarness } from './status-store.contract.ts';

const makeSqliteHarness = async (): Promise<StatusStoreHarness> => {
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
    async [Symbol.asyncDispose]() {
      await Promise.all(databases.map((database) => database.close()));
      await folder[Symbol.asyncDispose]();
    },
  };
};

const makeMemoryHarness = async (): Promise<StatusStoreHarness> => {
  const clock = new ManualClock();
  const store = new MemoryStatusStore({ clock, ids: createSeededIds(1), indexes: contractIndexes });
  return {
    open: async () => store,
    settle: (promise) => clock.run(promise),
    [Symbol.asyncDispose]: async () => undefined,
  };
};

describeStatusStoreContract('SQLite', makeSqliteHarness);
describeStatusStoreContract('memory', makeMemoryHarness);
