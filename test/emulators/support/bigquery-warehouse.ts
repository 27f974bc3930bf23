// The BigQuery warehouse on the emulator, each with a process's view of its own.
import { connectBigQuery } from '@floodgate/gcp/bigquery-client.ts';
import { BigQueryJobs } from '@floodgate/gcp/bigquery-jobs.ts';
import { createBigQueryParts } from '@floodgate/gcp/bigquery-parts.ts';
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

/** Without a bucket: every source is missing. */
export const openWarehouse = (settings: GcpSettings): BigQueryWarehouse => {
  const options = { jobs: openJobs(settings), settings, clock: systemClock };
  return new BigQueryWarehouse({ ...options, parts: createBigQueryParts({ ...options, store: undefined }) });
};
