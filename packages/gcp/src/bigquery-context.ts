// What the pieces of the BigQuery warehouse share.
import type { Source } from '@floodgate/core/domain/pipeline.ts';
import type { Warehouse } from '@floodgate/core/ports/warehouse.ts';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import type { BigQueryJobs } from './bigquery-jobs.ts';
import type { GcpSettings } from './settings.ts';

/** SQL in which `source.<name>` has become a table that holds the files as they are now; `version` changes with them. */
export type ResolveSources = (sql: string, sources: readonly Source[], signal: AbortSignal) => Promise<{ readonly sql: string; readonly version: string }>;

export type BigQueryContext = {
  readonly jobs: BigQueryJobs;
  readonly settings: GcpSettings;
  readonly clock: Clock;
  readonly resolveSources: ResolveSources;
};

/** What reads sources and judges rows, beside this warehouse's own work. */
export type BigQueryParts = Pick<Warehouse, 'runChecks' | 'digestSource' | 'digestTable'> & { readonly resolveSources: ResolveSources };
