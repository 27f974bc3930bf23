// Every guarantee of packages/core/src/ports/warehouse.ts, for any warehouse: one line each in the runners beside this file.
import { describe } from 'vitest';
import { describeChecks } from './warehouse/checks.contract.ts';
import { describeCommits } from './warehouse/commit.contract.ts';
import type { MakeHarness } from './warehouse/fixture.ts';
import { describeSources } from './warehouse/sources.contract.ts';
import { describeStaging } from './warehouse/staging.contract.ts';
import { describeTables } from './warehouse/tables.contract.ts';

export const describeWarehouseContract = (name: string, make: MakeHarness): void => {
  describe(`warehouse contract: ${name}`, () => {
    describeTables(make);
    describeStaging(make);
    describeChecks(make);
    describeCommits(make);
    describeSources(make);
  });
};
