import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { Router } from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { callAction, createActionRouter } from './action-router.ts';
import { statusOfError } from './error-response.ts';
import { createHttpApp } from './http-app.ts';
import { callHttp } from './http-client.ts';
import { startHttpServer, type HttpServer, type HttpTarget } from './http-server.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const logged: object[] = [];
const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: (fields: object) => void logged.push(fields) };

const start = async (
  router: Router,
  readiness: Readonly<Record<string, () => boolean>> = {},
): Promise<{ readonly target: HttpTarget; readonly server: HttpServer }> => {
  const folder = await mkdtemp(join(tmpdir(), 'floodgate-http-'));
  const target = { socket: join(folder, 'http.sock') };
  const server = await startHttpServer(createHttpApp({ logger, readiness, routers: [router] }), target);
  cleanups.push(
    () => rm(folder, { recursive: true }),
    () => server.close(0),
  );
  return { target, server };
};

describe('a server of ours', () => {
  it('is alive before it is ready, and names the part that is not', async () => {
    let ready = false;
    const { target } = await start(Router(), { planner: () => true, worker: () => ready });
    for (const path of ['/health', '/healthz']) expect(await callHttp(target, 'GET', path)).toEqual({ status: 200, body: { status: 'ok' } });
    await expect(callHttp(target, 'GET', '/readyz')).rejects.toThrow('503');
    ready = true;
    expect(await callHttp(target, 'GET', '/readyz')).toEqual({ status: 200, body: { status: 'ready', parts: { planner: true, worker: true } } });
  });

  it('gives an error back with its code, message and hint', async () => {
    const router = Router();
    router.post('/overlapping', () => {
      throw new FloodgateError('overlap', 'backfill b1 does it already', { hint: 'wait for it' });
    });
    const { target } = await start(router);
    const error = await callHttp(target, 'POST', '/overlapping', {}).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'overlap', message: 'backfill b1 does it already', hint: 'wait for it' });
  });

  it('keeps an unexpected error to itself and logs it', async () => {
    const router = Router();
    router.get('/broken', () => {
      throw new TypeError('secret detail');
    });
    const { target } = await start(router);
    logged.length = 0;
    await expect(callHttp(target, 'GET', '/broken')).rejects.toMatchObject({ code: 'internal' });
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatchObject({ err: { message: 'secret detail' }, path: '/broken' });
  });

  it('refuses a body that is no JSON as the client’s mistake', async () => {
    const router = Router();
    router.post('/echo', (request, response) => void response.json(request.body));
    const folder = await mkdtemp(join(tmpdir(), 'floodgate-http-'));
    cleanups.push(() => rm(folder, { recursive: true }));
    const server = await startHttpServer(createHttpApp({ logger, readiness: {}, routers: [router] }), { host: '127.0.0.1', port: 0 });
    cleanups.push(() => server.close(0));
    const answer = await fetch(`${server.address}/echo`, { method: 'POST', body: '{"half": ' });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { code: 'invalid_request' } });
    const asText = await fetch(`${server.address}/echo`, { method: 'POST', body: '{"whole": 1}', headers: { 'content-type': 'text/plain' } });
    expect(await asText.json()).toEqual({ whole: 1 });
  });

  it('takes over a socket that a dead process left, and not one that is answered', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'floodgate-http-'));
    cleanups.push(() => rm(folder, { recursive: true }));
    const socket = join(folder, 'http.sock');
    await writeFile(socket, '');
    const app = createHttpApp({ logger, readiness: {}, routers: [] });
    const server = await startHttpServer(app, { socket });
    cleanups.push(() => server.close(0));
    await expect(startHttpServer(app, { socket })).rejects.toMatchObject({ code: 'address_in_use' });
    expect(await callHttp({ socket }, 'GET', '/healthz')).toMatchObject({ status: 200 });
  });

  it('answers what is under way when it closes, and cuts what outlasts the grace period', async () => {
    const router = Router();
    const release = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    router.get('/slow', (_, response) => {
      arrived.resolve();
      void release.promise.then(() => response.json({ done: true }));
    });
    router.get('/never', () => undefined);
    const { target, server } = await start(router);
    const slow = callHttp(target, 'GET', '/slow');
    await arrived.promise;
    const closing = server.close(60_000);
    release.resolve();
    expect(await slow).toMatchObject({ body: { done: true } });
    await closing;

    const second = await start(router);
    const never = callHttp(second.target, 'GET', '/never').catch((error: unknown) => error);
    await second.server.close(20);
    expect(await never).toMatchObject({ code: 'unreachable' });
  });
});

describe('the status of an error', () => {
  it.each([
    ['invalid_request', 400],
    ['overlap', 409],
    ['unknown_backfill', 404],
    ['empty_selection', 422],
    ['disk_full', 507],
    ['something_new', 500],
    ['toString', 500],
  ])('%s is %i', (code, status) => {
    expect(statusOfError(code)).toBe(status);
  });
});

describe('actions', () => {
  it('are called in the other process with any JSON, and throw there as here', async () => {
    const target = await start(
      createActionRouter({
        double: async (input) => (input === null ? 'nothing' : Number(input) * 2),
        refuse: async () => {
          throw new FloodgateError('unknown_table', 'no such table', { hint: 'look' });
        },
      }),
    ).then((started) => started.target);
    const signal = new AbortController().signal;
    expect([await callAction(target, 'double', 21, signal), await callAction(target, 'double', null, signal)]).toEqual([42, 'nothing']);
    await expect(callAction(target, 'refuse', {}, signal)).rejects.toMatchObject({ code: 'unknown_table', hint: 'look' });
    await expect(callAction(target, 'toString', {}, signal)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('are cancelled when the caller goes away', async () => {
    const [arrived, cancelled] = [Promise.withResolvers<void>(), Promise.withResolvers<unknown>()];
    const { target } = await start(
      createActionRouter({
        wait: (_, signal) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              cancelled.resolve(signal.reason);
              reject(signal.reason as Error);
            });
            arrived.resolve();
          }),
      }),
    );
    const caller = new AbortController();
    const call = callAction(target, 'wait', {}, caller.signal).catch((error: unknown) => error);
    await arrived.promise;
    caller.abort(new Error('gone'));
    expect(await call).toMatchObject({ message: 'gone' });
    expect(await cancelled.promise).toMatchObject({ code: 'cancelled' });
  });
});
