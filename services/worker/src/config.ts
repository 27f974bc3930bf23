// The one place of the worker that reads the environment.
import { resolve } from 'node:path';
import { checkGcpSettings, gcpSettingsOf, gcpSettingsTable } from '@floodgate/gcp/read-gcp-settings.ts';
import { readFetchSettings } from '@floodgate/system/fetch-settings.ts';
import { commaSeparated, readSettings, wholeNumber, type Environment } from '@floodgate/system/read-settings.ts';
import { checkServiceSettings, isServiceVariable, serviceSettingsTable } from '@floodgate/system/service-settings.ts';
import * as z from 'zod';
import { workerRoles } from './app.ts';

export const workerSettingsTable = {
  ...serviceSettingsTable,
  ...gcpSettingsTable,
  roles: {
    variable: 'FLOODGATE_ROLES',
    schema: commaSeparated.pipe(z.array(z.enum(workerRoles, `expected some of ${workerRoles.join(', ')}`))).transform((roles) => new Set(roles)),
    initial: new Set(workerRoles),
  },
  /** Dispatches at once: each waits for BigQuery most of its time. */
  concurrency: { variable: 'FLOODGATE_CONCURRENCY', schema: wholeNumber(1, 1_000), initial: 16 },
  /** Tables whose lanes are served at once. */
  lanes: { variable: 'FLOODGATE_LANES', schema: wholeNumber(1, 1_000), initial: 16 },
} as const;

/** Throws FloodgateError `invalid_settings` with every problem. */
export const readWorkerConfig = (environment: Environment) => {
  const values = readSettings(workerSettingsTable, {
    environment,
    isKnown: isServiceVariable,
    check: (given) => [...checkGcpSettings(given), ...checkServiceSettings(given, given.pubsubEmulator !== undefined)],
  });
  const fetchSettingsOf = (pipelineId: string): Readonly<Record<string, string>> => readFetchSettings(environment, pipelineId).settings;
  return {
    ...values,
    fetchSettingsOf,
    gcp: gcpSettingsOf(values),
    pipelinesFolder: values.pipelinesFolder ?? resolve(import.meta.dirname, '../../../pipelines'),
  };
};

export const systemEnvironment = (): Environment => process.env;
