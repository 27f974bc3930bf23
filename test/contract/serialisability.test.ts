import { makeMemoryHarness, makeSqliteHarness } from '../support/status-store-harnesses.ts';
import { describeSerialisability } from './serialisability.contract.ts';

describeSerialisability('SQLite, two connections', makeSqliteHarness, 60);
describeSerialisability('memory', makeMemoryHarness, 300);
