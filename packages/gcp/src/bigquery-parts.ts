// What reads sources and judges rows, put together for the warehouse.
import type { Clock } from '@floodgate/core/ports/clock.ts';
import { runBigQueryChecks } from './bigquery-checks.ts';
import { cancelled } from './bigquery-client.ts';
import type { BigQueryParts } from './bigquery-context.ts';
import { digestRelation } from './bigquery-digest.ts';
import type { BigQueryJobs } from './bigquery-jobs.ts';
import { SourceTables } from './bigquery-sources.ts';
import type { GcpSettings } from './settings.ts';
import type { SourceFiles } from './source-files.ts';

export type BigQueryPartsOptions = {
  readonly jobs: BigQueryJobs;
  readonly settings: GcpSettings;
  readonly clock: Clock;
  /** Where the sources' files are; undefined: every source is missing. */
  readonly store: SourceFiles | undefined;
};

export const createBigQueryParts = (options: BigQueryPartsOptions): BigQueryParts => {
  const { jobs, settings, clock } = options;
  const sources = new SourceTables(options);
  const context = { jobs, settings, clock, resolveSources: sources.resolveSources };
  return {
    resolveSources: sources.resolveSources,
    runChecks: (job, signal) => runBigQueryChecks(context, job, signal),
    digestSource: (source, range, signal) => sources.digestSource(source, range, signal),
    digestTable: async ({ table, partitionColumn, columns }, range, signal) => {
      if (signal.aborted) throw cancelled(signal);
      return digestRelation(jobs, table, partitionColumn, columns, range, signal);
    },
  };
};
