// The one place of the validator that reads the environment.
import { resolve } from 'node:path';
import { checkGcpSettings, gcpSettingsOf, gcpSettingsTable } from '@floodgate/gcp/read-gcp-settings.ts';
import { readSettings, type Environment } from '@floodgate/system/read-settings.ts';
import { checkServiceSettings, isServiceVariable, serviceSettingsTable } from '@floodgate/system/service-settings.ts';

export const validatorSettingsTable = { ...serviceSettingsTable, ...gcpSettingsTable } as const;

/** Throws FloodgateError `invalid_settings` with every problem. */
export const readValidatorConfig = (environment: Environment) => {
  const values = readSettings(validatorSettingsTable, {
    environment,
    isKnown: isServiceVariable,
    check: (given) => [...checkGcpSettings(given), ...checkServiceSettings(given, given.pubsubEmulator !== undefined)],
  });
  return { ...values, gcp: gcpSettingsOf(values), pipelinesFolder: values.pipelinesFolder ?? resolve(import.meta.dirname, '../../../pipelines') };
};

export const systemEnvironment = (): Environment => process.env;
