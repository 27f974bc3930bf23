// The planner over HTTP, on a world in memory: what is asked for, and what operators do.
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { describePlan } from '@floodgate/core/app/describe-plan.ts';
import { createHttpApp } from '@floodgate/http/http-app.ts';
import { callHttp } from '@floodgate/http/http-client.ts';
import { startHttpServer, type HttpServer } from '@floodgate/http/http-server.ts';
import { createOperateRoutes } from '@floodgate/planner/operate-routes.ts';
import { createPlannerRoutes } from '@floodgate/planner/routes.ts';
import { createTemporaryFolder } from '../support/temporary-folder.ts';
import { createWorld, type World } from '../support/world.ts';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

let world: World;
let server: HttpServer;
let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
beforeEach(async () => {
  world = createWorld();
  folder = await createTemporaryFolder();
  const accept = world.planner();
  const app = createHttpApp({ logger: quiet, readiness: {}, routers: [createPlannerRoutes({ accept, describePlan }), createOperateRoutes(accept)] });
  server = await startHttpServer(app, { socket: join(folder.path, 'http.sock') });
});
afterEach(async () => {
  await server.close(0);
  await folder[Symbol.asyncDispose]();
});

// Answers are JSON of many shapes; a wrong path is undefined and fails its assertion.
// oxlint-disable-next-line typescript/no-explicit-any
type Json = any;
const call = async (method: 'GET' | 'POST', path: string, body?: unknown): Promise<Json> =>
  (await callHttp({ socket: server.address }, method, path, body)).body;

const failOn = (index: number): void =>
  world.warehouse.faults.fail('stage', 'invalid_sql', { times: 1, matches: (job) => (job as { dates: readonly string[] }).dates.includes(world.date(index)) });
const by = 'ann';

describe('a request', () => {
  test('is described where it is a dry run, and accepted where it is none', async () => {
    const request = { pipeline: 'test', processors: ['games'] };
    const { plan } = await call('POST', '/v1/backfills?dryRun=true', request);
    expect(plan).toMatchObject({ pipeline: 'test', totalTasks: 6, processors: [{ processor: 'games', tasks: { missing: 6 } }] });
    const { backfillId } = await call('POST', '/v1/backfills', request);
    expect(await call('GET', `/v1/backfills/${backfillId}`)).toMatchObject({ backfill: { state: 'active', planHash: plan.planHash }, paused: false });
  });
});

describe('an operator', () => {
  test('pauses, resumes and cancels, and what is so already is told', async () => {
    const id = await world.start({ processors: ['games'] });
    expect(await call('POST', `/v1/backfills/${id}/pause`, { by })).toEqual({ backfillId: id, outcome: 'done' });
    expect(await call('POST', `/v1/backfills/${id}/pause`)).toEqual({ backfillId: id, outcome: 'already' });
    expect(await call('GET', `/v1/backfills/${id}`)).toMatchObject({ paused: true });
    expect(await call('POST', `/v1/backfills/${id}/resume`, { by })).toMatchObject({ outcome: 'done' });
    expect(await call('POST', `/v1/backfills/${id}/cancel`, { by })).toMatchObject({ outcome: 'done' });
    expect(await world.drive(id)).toBe('cancelled');
    await expect(call('POST', `/v1/backfills/${id}/resume`)).rejects.toMatchObject({
      code: 'conflict',
      message: `backfill ${id} is cancelled: there is nothing to resume`,
    });
    const audits = await world.store.query({ collection: 'audit' });
    expect(audits.map(({ data }) => [data['by'], data['action']])).toEqual(
      expect.arrayContaining([
        [by, 'pause'],
        [by, 'resume'],
        [by, 'cancel'],
      ]),
    );
  });

  test('retries what failed', async () => {
    failOn(1);
    const id = await world.start({ processors: ['games'] });
    expect(await world.drive(id)).toBe('blocked');
    expect(await call('POST', `/v1/backfills/${id}/retry`, { by, dates: [world.date(0)] })).toMatchObject({ outcome: 'retrying', tasks: 0 });
    expect(await call('POST', `/v1/backfills/${id}/retry`, { by, dates: [world.date(1)], states: ['failed'] })).toMatchObject({
      outcome: 'retrying',
      tasks: 1,
    });
    expect(await world.drive(id)).toBe('completed');
  });

  test('lists dead letters and replays them', async () => {
    failOn(2);
    const id = await world.start({ processors: ['games'] });
    await world.drive(id);
    const { deadLetters } = await call('GET', `/v1/dead-letters?backfillId=${id}`);
    expect(deadLetters).toMatchObject([{ processorId: 'games', date: world.date(2), state: 'open', failure: { code: 'invalid_sql' } }]);
    expect((await call('GET', '/v1/dead-letters?processorId=others')).deadLetters).toEqual([]);
    expect(await call('POST', '/v1/dead-letters/replay', { by, backfillId: id })).toMatchObject({ replayed: 1, messagesLeft: 0 });
    expect(await world.drive(id)).toBe('completed');
    expect((await call('GET', '/v1/dead-letters?state=closed')).deadLetters).toHaveLength(1);
  });

  test.each([
    ['pause', { by: '' }],
    ['retry', { states: ['succeeded'] }],
    ['retry', { dates: ['2024-13-01'] }],
    ['retry', { processor: 'games' }],
    ['approve', {}],
    ['approve', { phase: 'one' }],
  ])('is told what is wrong with the body of %s %j', async (action, body) => {
    const id = await world.start({ processors: ['games'] });
    await expect(call('POST', `/v1/backfills/${id}/${action}`, body)).rejects.toMatchObject({ code: 'invalid_request' });
  });

  test('is told that there is no such backfill, and no gate to approve', async () => {
    for (const action of ['pause', 'retry']) await expect(call('POST', `/v1/backfills/nothing/${action}`)).rejects.toMatchObject({ code: 'unknown_backfill' });
    const id = await world.start({ processors: ['games'] });
    await expect(call('POST', `/v1/backfills/${id}/approve`, { phase: 1 })).rejects.toMatchObject({
      code: 'conflict',
      message: 'the gate is waiting, not held',
    });
  });
});
