// The settings of the three services, as Cloud Run gives them.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gcpSettingsTable } from '@floodgate/gcp/read-gcp-settings.ts';
import { plannerSettingsTable, readPlannerConfig } from '@floodgate/planner/config.ts';
import type { Environment } from '@floodgate/system/read-settings.ts';
import { serviceSettingsTable } from '@floodgate/system/service-settings.ts';
import { readValidatorConfig, validatorSettingsTable } from '@floodgate/validator/config.ts';
import { readWorkerConfig, workerSettingsTable } from '@floodgate/worker/config.ts';

const least = { FLOODGATE_GCP_PROJECT: 'stats-prod', FLOODGATE_GCP_LOCATION: 'EU' };
const services = [
  ['planner', readPlannerConfig],
  ['worker', readWorkerConfig],
  ['validator', readValidatorConfig],
] as const;

const problemsOf = (read: (environment: Environment) => unknown, environment: Environment): readonly string[] => {
  try {
    read(environment);
    return [];
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid_settings' });
    return (error as Error).message.split('\n').map((line) => line.trim());
  }
};

describe.each(services)('the settings of the %s', (_, read) => {
  it('need to say where, and have defaults for the rest', () => {
    expect(read(least)).toMatchObject({
      gcp: { projectId: 'stats-prod', location: 'EU', stagingDataset: 'floodgate_staging' },
      mode: 'pull',
      host: '0.0.0.0',
      port: 8_080,
      graceMs: 8_000,
      leaseMs: 60_000,
      logLevel: 'info',
      pipelinesFolder: join(import.meta.dirname, '../../pipelines'),
    });
  });

  it('take the port and the revision of Cloud Run', () => {
    expect(read({ ...least, PORT: '9090', K_REVISION: 'planner-00007-abc', K_SERVICE: 'planner' })).toMatchObject({
      port: 9_090,
      revision: 'planner-00007-abc',
    });
    expect(read({ ...least, PORT: '9090', FLOODGATE_PORT: '1' }).port).toBe(1);
  });

  it('tell everything that is wrong with them at once, those of Google Cloud too', () => {
    const environment = { FLOODGATE_GCP_LOCATION: 'E U', FLOODGATE_LOG_LEVEL: 'loud', FLOODGATE_GCP_BUKCET: 'x', PORT: 'http', FLOODGATE_MODE: 'poll' };
    const problems = problemsOf(read, environment);
    expect(problems).toHaveLength(7);
    expect(problems).toEqual([
      '6 settings are not valid:',
      'FLOODGATE_GCP_BUKCET: unknown variable; did you mean FLOODGATE_GCP_BUCKET?',
      'FLOODGATE_LOG_LEVEL: expected one of debug, info, warn, error, found "loud"',
      'PORT: expected a whole number from 0 to 65535, found "http"',
      'FLOODGATE_MODE: expected one of pull, push, found "poll"',
      'FLOODGATE_GCP_PROJECT or GOOGLE_CLOUD_PROJECT: not set',
      'FLOODGATE_GCP_LOCATION: expected a location of BigQuery, e.g. EU or us-central1, found "E U"',
    ]);
  });

  it('must say who may push, but to an emulator', () => {
    const push = { ...least, FLOODGATE_MODE: 'push' };
    expect(
      problemsOf(read, push)
        .slice(1)
        .map((problem) => problem.split(':')[0]),
    ).toEqual(['FLOODGATE_PUSH_AUDIENCE', 'FLOODGATE_PUSH_SERVICE_ACCOUNTS']);
    const told = { ...push, FLOODGATE_PUSH_AUDIENCE: 'https://planner', FLOODGATE_PUSH_SERVICE_ACCOUNTS: 'push@stats-prod.iam, other@stats-prod.iam,' };
    expect(read(told)).toMatchObject({ mode: 'push', pushAudience: 'https://planner', pushServiceAccounts: ['push@stats-prod.iam', 'other@stats-prod.iam'] });
    const emulated = { PUBSUB_EMULATOR_HOST: '127.0.0.1:1', FIRESTORE_EMULATOR_HOST: '127.0.0.1:2', BIGQUERY_EMULATOR_HOST: '127.0.0.1:3' };
    expect(problemsOf(read, { ...push, ...emulated })).toEqual([]);
  });

  it('refuse emulators of some of Google’s services only', () => {
    expect(problemsOf(read, { ...least, PUBSUB_EMULATOR_HOST: '127.0.0.1:1' })).toEqual([expect.stringContaining("can't be mixed")]);
  });
});

describe('the roles of a worker', () => {
  it('are both, unless some are named', () => {
    expect(readWorkerConfig(least).roles).toEqual(new Set(['compute', 'commit']));
    expect(readWorkerConfig({ ...least, FLOODGATE_ROLES: 'commit' }).roles).toEqual(new Set(['commit']));
    expect(readWorkerConfig({ ...least, FLOODGATE_ROLES: 'commit, compute' }).roles).toEqual(new Set(['commit', 'compute']));
  });

  it.each(['commits', 'commit;compute', ','])('are not %s', (text) => {
    expect(problemsOf(readWorkerConfig, { ...least, FLOODGATE_ROLES: text })).toEqual([
      expect.stringMatching(/^FLOODGATE_ROLES: expected (some of compute, commit|a list)/),
    ]);
  });
});

describe('one environment for all services', () => {
  it('is known to each of them, whoever reads which of it', () => {
    const names = [plannerSettingsTable, workerSettingsTable, validatorSettingsTable].flatMap((table) => Object.values(table).map(({ variable }) => variable));
    const own = [...new Set(names)].filter(
      (name) => !Object.values({ ...serviceSettingsTable, ...gcpSettingsTable }).some(({ variable }) => variable === name),
    );
    expect(own.length).toBeGreaterThan(5);
    // Refused for its value where it is read, and nowhere for its name.
    for (const name of own) for (const [, read] of services) expect(problemsOf(read, { ...least, [name]: '-' }).join()).not.toContain('unknown variable');
  });
});
