// The one place of the planner that reads the environment.
import { resolve } from 'node:path';
import { checkGcpSettings, gcpSettingsOf, gcpSettingsTable } from '@floodgate/gcp/read-gcp-settings.ts';
import { readSettings, wholeNumber, type Environment } from '@floodgate/system/read-settings.ts';
import { checkServiceSettings, isServiceVariable, serviceSettingsTable } from '@floodgate/system/service-settings.ts';

export const plannerSettingsTable = {
  ...serviceSettingsTable,
  ...gcpSettingsTable,
  reconcileEveryMs: { variable: 'FLOODGATE_RECONCILE_EVERY_MS', schema: wholeNumber(1_000, 86_400_000), initial: 30_000 },
  /** A task that was sent and that nobody has claimed for so long is sent anew: its message is lost, or Pub/Sub has given it up. */
  queuedAgeMs: { variable: 'FLOODGATE_QUEUED_AGE_MS', schema: wholeNumber(1_000, 86_400_000), initial: 600_000 },
  keepClosedDays: { variable: 'FLOODGATE_KEEP_CLOSED_DAYS', schema: wholeNumber(1, 36_500), initial: 90 },
  /** Tasks of one backfill that are with the workers at once, where its request says nothing. */
  maxInFlight: { variable: 'FLOODGATE_MAX_IN_FLIGHT', schema: wholeNumber(1, 100_000), initial: 1_000 },
  /** Executions that all workers together can run at once: what is grouped leaves work for each of them. */
  workers: { variable: 'FLOODGATE_WORKERS', schema: wholeNumber(1, 100_000), initial: 64 },
} as const;

/** Throws FloodgateError `invalid_settings` with every problem. */
export const readPlannerConfig = (environment: Environment) => {
  const values = readSettings(plannerSettingsTable, {
    environment,
    isKnown: isServiceVariable,
    check: (given) => [...checkGcpSettings(given), ...checkServiceSettings(given, given.pubsubEmulator !== undefined)],
  });
  return { ...values, gcp: gcpSettingsOf(values), pipelinesFolder: values.pipelinesFolder ?? resolve(import.meta.dirname, '../../../pipelines') };
};

export const systemEnvironment = (): Environment => process.env;
