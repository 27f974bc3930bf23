// What is said of services that answer, that don't, and that have another time.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import { probeCredentials, probeFirestoreMode, probeServices } from './probe-connections.ts';
import type { GcpSettings } from './settings.ts';

const settingsOf = (emulators: GcpSettings['emulators']): GcpSettings => ({
  projectId: 'p1',
  location: 'EU',
  stagingDataset: 'staging',
  bucket: undefined,
  firestoreDatabase: '(default)',
  maximumBytesBilled: undefined,
  stagePriority: 'batch',
  emulators,
});
const never = new AbortController().signal;
const now = Date.parse('2026-01-03T12:00:00Z');
const clock: Clock = {
  now: () => now,
  // Time stands still: only what is aborted ends.
  sleep: (_, signal) =>
    new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason as Error));
    }),
};

const startServer = async (date: string, status = 404): Promise<{ readonly host: string } & AsyncDisposable> => {
  const server: Server = createServer((_, response) => {
    response.writeHead(status, { date });
    response.end();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => void server.close(() => resolve())),
  };
};

test('a service that refuses has answered, and its date is the time', async () => {
  await using server = await startServer('Sat, 03 Jan 2026 12:00:01 GMT', 403);
  expect(await probeServices(settingsOf({ bigquery: server.host }), clock, never)).toEqual([
    { subject: 'network', verdict: 'ok', message: 'BigQuery answers (emulators)', advice: '' },
    { subject: 'clock', verdict: 'ok', message: 'as the servers have it', advice: '' },
  ]);
});

test('a clock that is minutes off is told, by the answer that differs least', async () => {
  await using late = await startServer('Sat, 03 Jan 2026 11:55:00 GMT');
  await using later = await startServer('Sat, 03 Jan 2026 11:50:00 GMT');
  expect((await probeServices(settingsOf({ bigquery: late.host, storage: later.host }), clock, never))[1]).toMatchObject({
    subject: 'clock',
    verdict: 'warn',
    message: expect.stringContaining('found this machine 300 s ahead') as unknown,
  });
});

test('a service that is not there is named with its address', async () => {
  const findings = await probeServices(settingsOf({ pubsub: '127.0.0.1:9' }), clock, never);
  expect(findings).toMatchObject([
    { subject: 'network', verdict: 'fail', message: expect.stringMatching(/Pub\/Sub is not within reach: .*127\.0\.0\.1:9/) as unknown },
  ]);
});

test('an emulator needs no credentials and has no mode', async () => {
  const settings = settingsOf({ firestore: '127.0.0.1:9' });
  expect(await probeCredentials(settings, never)).toMatchObject({ verdict: 'ok' });
  expect(await probeFirestoreMode(settings, never)).toEqual([]);
});

test('without credentials it is said how to get them', async () => {
  const before = { ...process.env };
  process.env['GOOGLE_APPLICATION_CREDENTIALS'] = '/nowhere/key.json';
  try {
    expect(await probeCredentials(settingsOf({}), never)).toMatchObject({
      verdict: 'fail',
      advice: expect.stringContaining('gcloud auth application-default login') as unknown,
    });
  } finally {
    process.env = before;
  }
});
