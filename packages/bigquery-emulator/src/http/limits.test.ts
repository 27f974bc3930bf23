// Limits and faults, as a client meets them.
import { describe, expect, it } from 'vitest';
import { startFakeServer, type FakeServer } from './http.fixture.ts';

const until = async (holds: () => boolean): Promise<void> => {
  for (let tries = 0; !holds(); tries += 1) {
    if (tries > 2_000) throw new Error('it did not come true');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};

const errorOf = async (server: FakeServer, sql: string): Promise<{ reason: string; message: string } | undefined> => {
  const { body } = await server.query(sql);
  return body.error?.errors[0];
};

describe('limits', () => {
  it('two mutations of a table run, twenty wait as PENDING, the next one fails', async () => {
    await using server = await startFakeServer();
    await server.query('CREATE TABLE d.t');
    const ids = Array.from({ length: 23 }, (_, index) => `j${index}`);
    for (const id of ids) await server.insert('HOLD d.t', id);
    const refused = await server.done('j22');
    expect(refused.body.status.errorResult).toMatchObject({
      reason: 'resourcesExceeded',
      message: 'Resources exceeded during query execution: Too many DML statements outstanding against table p:d.t, limit is 20.',
    });
    await until(() => server.engine.held() === 2);
    const states = (await server.call('GET', '/jobs?maxResults=99')).body.jobs.map(({ state }: { state: string }) => state);
    expect(states.filter((state: string) => state === 'PENDING')).toHaveLength(20);
    await server.call('POST', '/jobs/j3/cancel');
    expect((await server.done('j3')).body.status.errorResult.reason).toBe('stopped');
    server.engine.release();
    await server.done('j0');
    await until(() => server.engine.held() === 2);
    expect((await server.call('GET', '/jobs/j2')).body.status.state).toBe('RUNNING');
  });

  it('25 DML statements of a table pass in ten seconds', async () => {
    await using server = await startFakeServer();
    await server.query('CREATE TABLE d.t');
    for (let count = 0; count < 25; count += 1) expect(await errorOf(server, 'INSERT d.t 1')).toBeUndefined();
    expect(await errorOf(server, 'INSERT d.t 1')).toMatchObject({
      reason: 'rateLimitExceeded',
      message: expect.stringContaining('too many table dml insert operations'),
    });
    server.clock.advance(10_000);
    expect(await errorOf(server, 'INSERT d.t 1')).toBeUndefined();
  });

  it('5 updates of the metadata of a standard table pass in ten seconds, 50 of a partitioned one', async () => {
    await using server = await startFakeServer();
    await server.query('CREATE TABLE d.t');
    for (let count = 0; count < 5; count += 1) expect((await server.call('PATCH', '/datasets/d/tables/t', { description: 'x' })).status).toBe(200);
    expect((await server.call('PATCH', '/datasets/d/tables/t', { description: 'x' })).body.error).toMatchObject({
      code: 403,
      errors: [{ reason: 'rateLimitExceeded' }],
    });
    const schema = { fields: [{ name: 'day', type: 'DATE' }] };
    await server.call('POST', '/datasets/d/tables', {
      tableReference: { datasetId: 'd', tableId: 'u' },
      schema,
      timePartitioning: { type: 'DAY', field: 'day' },
    });
    for (let count = 0; count < 50; count += 1) expect((await server.call('PATCH', '/datasets/d/tables/u', { description: 'x' })).status).toBe(200);
    expect((await server.call('PATCH', '/datasets/d/tables/u', { description: 'x' })).body.error.message).toContain(
      'too many partitioned table update operations',
    );
  });

  it('can be turned off', async () => {
    await using server = await startFakeServer({ limits: false });
    await server.query('CREATE TABLE d.t');
    for (let count = 0; count < 30; count += 1) expect(await errorOf(server, 'INSERT d.t 1')).toBeUndefined();
    const started = Array.from({ length: 25 }, (_, index) => server.insert('HOLD d.t', `j${index}`));
    await Promise.all(started);
    await until(() => server.engine.held() === 25);
  });

  it('a request of more than 10 MB is refused', async () => {
    await using server = await startFakeServer();
    const answer = await server.query('x'.repeat(10_000_001));
    expect(answer).toMatchObject({ status: 413, body: { error: { code: 413 } } });
    expect((await server.query('x'.repeat(1_100_000))).body.error.message).toContain('The query is too large');
  });
});

describe('faults', () => {
  const add = (server: FakeServer, on: 'jobs' | 'calls', rule: object) => server.call('POST', `//emulator/v1/faults/${on}`, rule);

  it('strike the n-th job that matches', async () => {
    await using server = await startFakeServer();
    await add(server, 'jobs', { match: { sqlContains: 'SELECT 1' }, when: { nth: 2 }, effect: { error: { reason: 'backendError', message: 'now' } } });
    expect(await errorOf(server, 'SELECT 1')).toBeUndefined();
    expect(await errorOf(server, 'SELECT 2')).toBeUndefined();
    expect(await errorOf(server, 'SELECT 1')).toMatchObject({ reason: 'backendError', message: 'now' });
    expect(await errorOf(server, 'SELECT 1')).toBeUndefined();
    expect((await server.call('GET', '//emulator/v1/faults')).body.faults).toMatchObject([{ id: '1', on: 'jobs', matched: 3, struck: 1 }]);
  });

  it('strike a share, the same one every time', async () => {
    await using server = await startFakeServer();
    const draw = async (): Promise<string> => {
      const { id } = (await add(server, 'jobs', { when: { share: 0.5, seed: 7 }, effect: { error: { reason: 'internalError' } } })).body;
      const struck = [];
      for (let count = 0; count < 12; count += 1) struck.push((await errorOf(server, 'SELECT 1')) === undefined ? '.' : 'x');
      await server.call('DELETE', `//emulator/v1/faults/${id}`);
      return struck.join('');
    };
    const first = await draw();
    expect(first).toContain('x');
    expect(first).toContain('.');
    expect(await draw()).toBe(first);
  });

  it('a job with a label hangs until it is cancelled', async () => {
    await using server = await startFakeServer();
    await add(server, 'jobs', { match: { labels: { a: 'b' } }, effect: { hang: true } });
    await server.insert('SELECT 1', 'j1', { labels: { a: 'b' } });
    server.clock.advance(3_600_000);
    expect((await server.call('GET', '/jobs/j1')).body.status.state).toBe('RUNNING');
    await server.call('POST', '/jobs/j1/cancel');
    expect((await server.done('j1')).body.status.errorResult.reason).toBe('stopped');
    expect(server.engine.ran).toEqual([]);
  });

  it('an answer is lost though the work is done', async () => {
    await using server = await startFakeServer();
    await server.query('CREATE TABLE d.t');
    await add(server, 'jobs', { when: { times: 1 }, effect: { loseAnswer: 'reset' } });
    await expect(server.insert('INSERT d.t 1', 'j1')).rejects.toThrow('fetch failed');
    await add(server, 'jobs', { when: { times: 1 }, effect: { loseAnswer: '503' } });
    expect((await server.insert('INSERT d.t 1', 'j2')).body.error).toMatchObject({ code: 503, errors: [{ reason: 'backendError' }] });
    expect((await server.insert('INSERT d.t 1', 'j2')).status).toBe(409);
    expect((await server.query('SELECT FROM d.t')).body.totalRows).toBe('2');
  });

  it('a statement within a script fails, and those before it stay', async () => {
    await using server = await startFakeServer();
    await server.query('CREATE TABLE d.t');
    await add(server, 'jobs', {
      match: { type: 'STATEMENT', sqlContains: 'INSERT' },
      when: { nth: 2 },
      effect: { error: { reason: 'rateLimitExceeded', message: 'slower' } },
    });
    expect(await errorOf(server, 'INSERT d.t 1;\nINSERT d.t 1;')).toMatchObject({ reason: 'rateLimitExceeded', message: 'slower at [2:1]' });
    expect((await server.query('SELECT FROM d.t')).body.totalRows).toBe('1');
  });

  it('calls fail, take their time, or lose their connection', async () => {
    await using server = await startFakeServer();
    await add(server, 'calls', { match: { method: 'get', pathContains: '/datasets' }, when: { nth: 1 }, effect: { error: { reason: 'backendError' } } });
    await add(server, 'calls', { match: { pathContains: '/datasets/d' }, when: { nth: 1 }, effect: { reset: true } });
    expect((await server.call('GET', '/datasets')).status).toBe(503);
    await expect(server.call('GET', '/datasets/d')).rejects.toThrow('fetch failed');
    await add(server, 'calls', { effect: { latencyMs: 100 } });
    const slow = server.call('GET', '/datasets/d');
    const early = await Promise.race([slow, new Promise((resolve) => setTimeout(resolve, 50, 'waiting'))]);
    expect(early).toBe('waiting');
    server.clock.advance(100);
    expect((await slow).status).toBe(200);
  });

  it('a rule that cannot be read is refused, and reset takes all away', async () => {
    await using server = await startFakeServer();
    expect((await add(server, 'jobs', { effect: { explode: true } })).body.error.message).toContain('effect.explode');
    expect((await add(server, 'jobs', { effect: { error: { reason: 'bad luck' } } })).status).toBe(400);
    await add(server, 'jobs', { effect: { hang: true } });
    await server.insert('SELECT 1', 'j1');
    const { body } = await server.call('GET', '//emulator/v1/jobs');
    expect(body.jobs).toMatchObject([{ jobId: 'j1', type: 'QUERY', state: 'RUNNING', sql: 'SELECT 1', createdAt: 1_700_000_000_000 }]);
    expect((await server.call('POST', '//emulator/v1/reset')).status).toBe(204);
    expect((await server.call('GET', '/jobs/j1')).status).toBe(404);
    expect((await server.call('GET', '/datasets')).body).not.toHaveProperty('datasets');
    expect((await server.query('SELECT 1')).status).toBe(200);
  });
});
