import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTcpProxy } from './tcp-proxy.ts';

const server = createServer((_, response) => response.end('there'));
let target: string;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

/** Every call on a connection of its own. */
const call = async (host: string, timeoutMs = 200): Promise<string> => {
  const sent = request({ host: host.split(':')[0], port: host.split(':')[1], agent: false, signal: AbortSignal.timeout(timeoutMs) });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return (await response.toArray()).join('');
};
const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'answered',
    (error: unknown) => (error as { readonly code: unknown }).code,
  );

test('passes everything on until it is cut, and again once it is healed', async () => {
  await using proxy = await startTcpProxy(target);
  expect(await call(proxy.host)).toBe('there');
  proxy.cut();
  expect(await codeOf(call(proxy.host))).toBe('ECONNRESET');
  expect(proxy.hit).toBeGreaterThanOrEqual(1);
  proxy.heal();
  expect(await call(proxy.host)).toBe('there');
});

test('keeps silent while it is stalled, and lets what waited through once it is healed', async () => {
  await using proxy = await startTcpProxy(target);
  proxy.stall();
  expect(await codeOf(call(proxy.host, 100))).toBe('ABORT_ERR');
  const waiting = call(proxy.host, 5_000);
  while (proxy.hit < 2) await new Promise((resolve) => void setTimeout(resolve, 5));
  proxy.heal();
  expect(await waiting).toBe('there');
});
