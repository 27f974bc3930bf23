import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHttpApp } from './http-app.ts';
import { startHttpServer, type HttpServer } from './http-server.ts';
import { createPushRouter, pushOutcomes, statusOfPush, type PushDelivery } from './push-router.ts';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

let server: HttpServer;
let socket: string;
let answer: () => Promise<PushDelivery>;
let delivered: (readonly [body: unknown, subscription: string])[] = [];
let recorded: (readonly [text: string, subscription: string, problem: string])[] = [];
let isStoreDown = false;

beforeEach(async () => {
  socket = join(await mkdtemp(join(tmpdir(), 'floodgate-push-')), 'http.sock');
  [delivered, recorded, isStoreDown] = [[], [], false];
  const router = createPushRouter({
    verify: async (authorization) => {
      if (authorization === 'Bearer right') return { ok: true };
      return authorization === undefined ? { ok: false, status: 401, why: 'no token' } : { ok: false, status: 403, why: 'the token of another account' };
    },
    deliver: async (body, subscription) => {
      delivered.push([body, subscription]);
      return answer();
    },
    recordMalformed: async (text, subscription, problem) => {
      if (isStoreDown) throw new Error('the store is down');
      recorded.push([text, subscription, problem]);
    },
    logger: quiet,
  });
  server = await startHttpServer(createHttpApp({ logger: quiet, readiness: {}, routers: [], rawRouters: [router] }), { socket });
});
afterEach(async () => {
  await server.close(0);
  await rm(join(socket, '..'), { recursive: true, force: true });
});

const push = (body: string, authorization?: string, subscription = 'worker-tasks'): Promise<number> =>
  new Promise((resolve, reject) => {
    const outgoing = request(
      { socketPath: socket, method: 'POST', path: `/push/${subscription}`, headers: authorization === undefined ? {} : { authorization } },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });

describe('a push', () => {
  it.each(pushOutcomes.map((outcome) => [outcome, statusOfPush[outcome]] as const))('that is %s is answered with %i', async (outcome, status) => {
    answer = async () => ({ outcome });
    expect(await push('{"message":{"data":"e30="}}', 'Bearer right')).toBe(status);
    expect(delivered).toEqual([[{ message: { data: 'e30=' } }, 'worker-tasks']]);
  });

  it('is acked by those statuses only that Pub/Sub takes for an ack', () => {
    const acks = pushOutcomes.filter((outcome) => [102, 200, 201, 202, 204].includes(statusOfPush[outcome]));
    expect(acks).toEqual(['acked', 'malformed']);
  });

  it.each([
    [undefined, 401],
    ['Bearer wrong', 403],
  ])('with the authorization %s is refused with %i, and nothing of it is read or kept', async (authorization, status) => {
    expect(await push('no JSON at all', authorization)).toBe(status);
    expect([delivered, recorded]).toEqual([[], []]);
  });

  it('whose body is no message is kept as it came and acked', async () => {
    answer = async () => ({ outcome: 'malformed', problem: 'message.data: expected a text' });
    expect(await push('{"message":1}', 'Bearer right')).toBe(204);
    expect(recorded).toEqual([['{"message":1}', 'worker-tasks', 'message.data: expected a text']]);
  });

  it('whose body is no JSON is kept too, and handed to nobody', async () => {
    expect(await push('pipeline=nba', 'Bearer right')).toBe(204);
    expect(delivered).toEqual([]);
    expect(recorded).toEqual([['pipeline=nba', 'worker-tasks', expect.stringContaining('not JSON')]]);
  });

  it('that could not be kept comes again', async () => {
    isStoreDown = true;
    expect(await push('pipeline=nba', 'Bearer right')).toBe(500);
  });

  it('whose handler throws comes again', async () => {
    answer = async () => Promise.reject(new Error('the store is down'));
    expect(await push('{}', 'Bearer right')).toBe(500);
  });

  it('may be as large as Pub/Sub’s largest message', async () => {
    answer = async () => ({ outcome: 'acked' });
    expect(await push(JSON.stringify({ message: { data: 'a'.repeat(13_400_000) } }), 'Bearer right')).toBe(204);
  });
});
