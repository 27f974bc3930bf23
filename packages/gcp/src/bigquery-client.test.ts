import { afterEach, expect, it, vi } from 'vitest';
import { connectBigQuery } from './bigquery-client.ts';
import type { GcpSettings } from './settings.ts';

const settings = { projectId: 'my-project', location: 'EU', emulators: { bigquery: '127.0.0.1:9050' } } as GcpSettings;

afterEach(() => {
  vi.unstubAllEnvs();
});

it.each(['127.0.0.1:9050', 'http://127.0.0.1:9050', ''])('calls the emulator of the settings where BIGQUERY_EMULATOR_HOST is "%s"', (host) => {
  vi.stubEnv('BIGQUERY_EMULATOR_HOST', host);
  expect(connectBigQuery(settings).baseUrl).toBe('http://127.0.0.1:9050/bigquery/v2');
});
