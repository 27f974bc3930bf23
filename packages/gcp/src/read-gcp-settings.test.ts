import { describe, expect, it } from 'vitest';
import { readSettings } from '@floodgate/system/read-settings.ts';
import { checkGcpSettings, gcpSettingsOf, gcpSettingsTable } from './read-gcp-settings.ts';

const read = (environment: Readonly<Record<string, string>>) => gcpSettingsOf(readSettings(gcpSettingsTable, { environment, check: checkGcpSettings }));
const problemsOf = (environment: Readonly<Record<string, string>>): string => {
  try {
    read(environment);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};

const least = { FLOODGATE_GCP_PROJECT: 'stats-prod', FLOODGATE_GCP_LOCATION: 'EU' };
const emulators = { PUBSUB_EMULATOR_HOST: '127.0.0.1:8085', FIRESTORE_EMULATOR_HOST: 'localhost:8080', BIGQUERY_EMULATOR_HOST: 'http://127.0.0.1:9050/' };

describe('settings of Google Cloud', () => {
  it('need project and location, and have defaults for the rest', () => {
    expect(read(least)).toEqual({
      projectId: 'stats-prod',
      location: 'EU',
      stagingDataset: 'floodgate_staging',
      bucket: undefined,
      firestoreDatabase: '(default)',
      maximumBytesBilled: undefined,
      stagePriority: 'batch',
      emulators: {},
    });
    expect(problemsOf({})).toBe('2 settings are not valid:\n  FLOODGATE_GCP_PROJECT or GOOGLE_CLOUD_PROJECT: not set\n  FLOODGATE_GCP_LOCATION: not set');
  });

  it('take the project of GOOGLE_CLOUD_PROJECT where no other is named', () => {
    expect(read({ GOOGLE_CLOUD_PROJECT: 'example.com:stats-prod', FLOODGATE_GCP_LOCATION: 'EU' }).projectId).toBe('example.com:stats-prod');
    expect(read({ ...least, GOOGLE_CLOUD_PROJECT: 'other-project' }).projectId).toBe('stats-prod');
  });

  it.each([
    ['FLOODGATE_GCP_PROJECT', '123456789'],
    ['FLOODGATE_GCP_LOCATION', 'europe west'],
    ['FLOODGATE_GCP_STAGING_DATASET', 'stats.staging'],
    ['FLOODGATE_GCP_BUCKET', 'gs://files'],
    ['FLOODGATE_GCP_FIRESTORE_DATABASE', 'def'],
    ['FLOODGATE_GCP_MAX_BYTES_BILLED', '10GB'],
    ['FLOODGATE_GCP_STAGE_PRIORITY', 'high'],
    ['PUBSUB_EMULATOR_HOST', 'https://127.0.0.1:8085'],
    ['BIGQUERY_EMULATOR_HOST', '127.0.0.1'],
  ])('refuse %s=%s', (variable, text) => {
    const problem = problemsOf({ ...least, [variable]: text });
    expect(problem.startsWith(`${variable}: expected `)).toBe(true);
    expect(problem).toContain(`found "${text}"`);
  });

  it('take hosts of emulators with and without a scheme', () => {
    expect(read({ ...least, ...emulators, STORAGE_EMULATOR_HOST: 'http://[::1]:4443' }).emulators).toEqual({
      pubsub: '127.0.0.1:8085',
      firestore: 'localhost:8080',
      bigquery: '127.0.0.1:9050',
      storage: '[::1]:4443',
    });
  });

  it('refuse some emulators without the others', () => {
    expect(problemsOf({ ...least, BIGQUERY_EMULATOR_HOST: '127.0.0.1:9050' })).toBe(
      "PUBSUB_EMULATOR_HOST, FIRESTORE_EMULATOR_HOST: not set although BIGQUERY_EMULATOR_HOST is; emulators can't be mixed with Google's services",
    );
    expect(problemsOf({ ...least, ...emulators, FLOODGATE_GCP_BUCKET: 'files' })).toMatch(
      /^STORAGE_EMULATOR_HOST: not set although PUBSUB_EMULATOR_HOST, .* are;/,
    );
  });

  it('miss no emulator of Cloud Storage where no bucket is named', () => {
    expect(problemsOf({ ...least, ...emulators })).toBe('');
  });
});
