import { makeMemoryHarness, makeSqliteHarness } from '../support/status-store-harnesses.ts';
import { describeStatusStoreContract } from './status-store.contract.ts';

describeStatusStoreContract('SQLite', makeSqliteHarness);
describeStatusStoreContract('memory', makeMemoryHarness);
