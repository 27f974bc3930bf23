// The BigQuery warehouse on the emulator, each with a process's view of its own.
import type { BigQueryParts } from '@floodgate/gcp/bigquery-context.ts';
import { connectBigQuery } from '@floodgate/gcp/bigquery-client.ts';
import { BigQueryJobs } from '@floodgate/gcp/bigquery-jobs.ts';
import { BigQueryWarehouse } from '@floodgate/gcp/bigquery-warehouse.ts';
import type { GcpSettings } from '@floodgate/gcp/settings.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { systemIds } from '@floodgate/system/system-ids.ts';
import { projectId, type TestServer } from './bigquery-server.ts';

export const bigQuerySettings = ({ url }: Pick<TestServer, 'url'>, more: Partial<GcpSettings> = {}): GcpSettings => ({
  projectId,
  location: 'US',
  stagingDataset: 'staging',
  bucket: undefined,
  firestoreDatabase: '(default)',
  maximumBytesBilled: undefined,
  stagePriority: 'interactive',
  emulators: { bigquery: url.replace('http://', '') },
  ...more,
});

export const openJobs = (settings: GcpSettings): BigQueryJobs => new BigQueryJobs(connectBigQuery(settings), settings, { clock: systemClock, ids: systemIds });

export const openWarehouse = (settings: GcpSettings, parts: BigQueryParts): BigQueryWarehouse =>
  new BigQueryWarehouse({ jobs: openJobs(settings), settings, clock: systemClock, parts });

/** Of tests that neither check nor digest anything. */
export const noParts: BigQueryParts = {
  resolveSources: async (sql) => ({ sql, version: '' }),
  runChecks: () => Promise.reject(new Error('no test asks for checks here')),
  digestSource: () => Promise.reject(new Error('no test asks for digests here')),
  digestTable: () => Promise.reject(new Error('no test asks for digests here')),
};
