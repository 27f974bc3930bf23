import { afterEach, expect, it, vi } from 'vitest';
import { connectStorage } from './storage-client.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

it.each(['127.0.0.1:4443', 'http://127.0.0.1:4443', ''])('calls the emulator of the settings where STORAGE_EMULATOR_HOST is "%s"', (host) => {
  vi.stubEnv('STORAGE_EMULATOR_HOST', host);
  expect(connectStorage({ projectId: 'my-project', emulators: { storage: '127.0.0.1:4443' } }).baseUrl).toBe('http://127.0.0.1:4443/storage/v1');
});
