// The warehouse contract on BigQuery's emulator; its sources and checks are in bigquery-sources.test.ts, where there are files. What only a warehouse behind a network has to stand is in bigquery-warehouse-faults.test.ts.
import { afterAll, beforeAll, describe } from 'vitest';
import { describeCommits } from '../contract/warehouse/commit.contract.ts';
import { describeStaging } from '../contract/warehouse/staging.contract.ts';
import { describeTables } from '../contract/warehouse/tables.contract.ts';
import { startBigQuery, type TestServer } from './support/bigquery-server.ts';
import { bigQuerySettings, openWarehouse } from './support/bigquery-warehouse.ts';
import { describeWithEmulators } from './support/requirements.ts';

describeWithEmulators('BigQuery warehouse', ['bigquery'], () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startBigQuery();
    for (const dataset of ['nba', 'staging']) await server.client.createDataset(dataset, { location: 'US' });
  }, 60_000);
  afterAll(() => server?.[Symbol.asyncDispose]());
  const open = () => openWarehouse(bigQuerySettings(server));
  const make = async () => ({
    warehouse: open(),
    reopen: async () => open(),
    storesNullArraysEmpty: true,
    propertyRuns: 5,
    [Symbol.asyncDispose]: async () => undefined,
  });
  describe('warehouse contract: BigQuery', () => {
    describeTables(make);
    describeStaging(make);
    describeCommits(make);
  });
});
