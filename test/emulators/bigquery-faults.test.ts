// Faults that are ordered from the control endpoint, and what survives the emulator's own death.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BigQuery, Dataset } from '@google-cloud/bigquery';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callServer, connect, failureOf, rowsOf, startBigQuery, type TestServer } from './support/bigquery-server.ts';
import { startEmulatorProcess } from './support/emulator-process.ts';
import { emulatorMissing } from './support/missing.ts';

describe.skipIf(emulatorMissing !== undefined)(emulatorMissing ?? 'BigQuery: faults by order', () => {
  let server: TestServer;
  let dataset: Dataset;
  let t: string;
  beforeAll(async () => {
    server = await startBigQuery({ slots: 3 });
  });
  afterAll(() => server?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    await server.control('DELETE', '/faults');
    dataset = await server.newDataset();
    t = `${dataset.id}.games`;
    await server.client.query(`CREATE TABLE ${t} (id INT64)`);
  });
  const count = async (): Promise<number> => (await rowsOf(server.client, `SELECT COUNT(*) n FROM ${t}`))[0].n;
  const fault = (rule: object) => server.control('POST', '/faults/jobs', rule);

  it.each([
    ['rateLimitExceeded', 403],
    ['quotaExceeded', 403],
    ['backendError', 503],
    ['internalError', 500],
    ['resourcesExceeded', 400],
    ['jobInternalError', 400],
  ])('a job fails with %s before its work, so often as is said', async (reason, code) => {
    await fault({ match: { sqlContains: t, type: 'QUERY' }, when: { times: 2 }, effect: { error: { reason, message: 'by order' } } });
    const insert = () => server.client.query(`INSERT ${t} VALUES (1)`);
    for (const _ of [1, 2]) expect(await failureOf(insert())).toMatchObject({ code, reason, message: 'by order' });
    await insert();
    expect(await count()).toBe(1);
  });

  it('by label, by id, the nth only, and in the same share every time', async () => {
    const submit = (jobId: string, labels: Record<string, string> = {}) =>
      server.client.createQueryJob({ query: `INSERT ${t} VALUES (1)`, jobId: `${jobId}_${dataset.id}`, labels }).then(([job]) => job.getQueryResults());
    await fault({ match: { labels: { lane: 'a' } }, effect: { error: { reason: 'backendError', message: 'lane a' } } });
    await fault({ match: { jobIdContains: `commit_${dataset.id}` }, effect: { error: { reason: 'backendError', message: 'commit' } } });
    expect(await failureOf(submit('x', { lane: 'a' }))).toMatchObject({ message: 'lane a' });
    await submit('y', { lane: 'b' });
    expect(await failureOf(submit('commit'))).toMatchObject({ message: 'commit' });
    const strikes = async (): Promise<readonly boolean[]> => {
      await server.control('DELETE', '/faults');
      await fault({ match: { sqlContains: dataset.id }, when: { share: 0.5, seed: 7 }, effect: { error: { reason: 'backendError', message: 'half' } } });
      const struck: boolean[] = [];
      for (let index = 0; index < 12; index += 1)
        struck.push(
          await server.client.query(`SELECT '${dataset.id}'`).then(
            () => false,
            () => true,
          ),
        );
      return struck;
    };
    const first = await strikes();
    expect(new Set(first).size).toBe(2);
    expect(await strikes()).toEqual(first);
    await server.control('DELETE', '/faults');
    await fault({ match: { sqlContains: dataset.id }, when: { nth: 2 }, effect: { error: { reason: 'backendError', message: 'second' } } });
    const third = [] as string[];
    for (let index = 0; index < 3; index += 1)
      third.push(
        await server.client.query(`SELECT '${dataset.id}'`).then(
          () => 'ok',
          (error: Error) => error.message,
        ),
      );
    expect(third).toEqual(['ok', 'second', 'ok']);
    const [{ matched, struck }] = (await server.control('GET', '/faults')).faults;
    expect({ matched, struck }).toEqual({ matched: 3, struck: 1 });
  });

  it.each(['reset', '503'])('an answer is lost (%s) after the work was done; by its id the job is found', async (loseAnswer) => {
    await fault({ match: { jobIdContains: `commit_${dataset.id}` }, effect: { loseAnswer } });
    const submit = () => server.client.createQueryJob({ query: `INSERT ${t} VALUES (1)`, jobId: `commit_${dataset.id}` });
    const lost = await failureOf(submit());
    if (loseAnswer === '503') expect(lost.code).toBe(503);
    else expect(lost.code).not.toBe(409);
    expect(await failureOf(submit())).toMatchObject({ code: 409 });
    const [{ status, statistics }] = await server.client.job(`commit_${dataset.id}`).getMetadata();
    expect([status.state, statistics.query.numDmlAffectedRows]).toEqual(['DONE', '1']);
    expect(await count()).toBe(1);
  });

  it('one statement of a script fails, and a transaction is gone with it', async () => {
    await fault({
      match: { type: 'STATEMENT', sqlContains: 'COMMIT' },
      when: { times: 1 },
      effect: { error: { reason: 'backendError', message: 'before the commit' } },
    });
    const script = () => server.client.query(`BEGIN TRANSACTION; INSERT ${t} VALUES (1); COMMIT TRANSACTION;`);
    expect(await failureOf(script())).toMatchObject({ reason: 'backendError' });
    expect(await count()).toBe(0);
    await script();
    expect(await count()).toBe(1);
  });

  it('calls are slow, refused, or cut off', async () => {
    const path = `/datasets/${dataset.id}/tables/games`;
    await server.control('POST', '/faults/calls', {
      match: { method: 'GET', pathContains: path },
      when: { nth: 1 },
      effect: { error: { reason: 'backendError', message: 'by order' } },
    });
    await server.control('POST', '/faults/calls', { match: { method: 'GET', pathContains: path }, when: { nth: 2 }, effect: { reset: true } });
    await server.control('POST', '/faults/calls', { match: { method: 'GET', pathContains: path }, when: { nth: 3 }, effect: { latencyMs: 250 } });
    const get = () => server.call('GET', path);
    expect((await get()).status).toBe(503);
    await expect(get()).rejects.toThrow('fetch failed');
    const startedAt = performance.now();
    expect((await get()).status).toBe(200);
    expect(performance.now() - startedAt).toBeGreaterThan(240);
  });

  it('jobs wait for a slot, in their order; the clock moves those that sleep', async () => {
    await fault({ match: { sqlContains: `nap ${dataset.id}` }, effect: { runMs: 3_600_000 } });
    const jobs = await Promise.all([1, 2, 3, 4].map((index) => server.client.createQueryJob({ query: `SELECT ${index} -- nap ${dataset.id}` })));
    const states = async (): Promise<string> =>
      (await Promise.all(jobs.map(async ([job]) => (await job.getMetadata())[0].status.state as string))).toSorted().join(' ');
    await expect.poll(states).toBe('PENDING RUNNING RUNNING RUNNING');
    server.clock.advance(3_600_000);
    await expect.poll(states).toBe('DONE DONE DONE RUNNING');
    server.clock.advance(3_600_000);
    await expect.poll(states).toBe('DONE DONE DONE DONE');
  });

  it('tells every statement that it has run, in order', async () => {
    await server.client.query(`INSERT ${t} VALUES (1); DELETE ${t} WHERE TRUE;`);
    const { jobs } = await server.control('GET', '/jobs');
    expect(jobs.slice(-3)).toMatchObject([
      { state: 'DONE', statementType: 'SCRIPT' },
      { sql: `INSERT ${t} VALUES (1)`, numDmlAffectedRows: '1', parentJobId: jobs.at(-3).jobId },
      { sql: `DELETE ${t} WHERE TRUE`, numDmlAffectedRows: '1' },
    ]);
  });

  it('a rule that it does not understand is refused', async () => {
    const { status, body } = await callServer(server.url, 'POST', '//emulator/v1/faults/jobs', { match: { colour: 'red' }, effect: { hang: true } });
    expect([status, body.error.errors[0].reason]).toEqual([501, 'notImplemented']);
  });
});

describe.skipIf(emulatorMissing !== undefined)(emulatorMissing ?? 'BigQuery: npm run bigquery-emulator', () => {
  it('loses nothing that it has answered, and nothing else becomes true, over kill -9 under load', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'floodgate-bigquery-'));
    try {
      const acknowledged = new Set<number>();
      const submitted = new Set<number>();
      await using first = await startEmulatorProcess(['--dir', folder, '--no-limits']);
      const client = connect(first.url);
      await client.createDataset('nba');
      await client.query('CREATE TABLE nba.games (id INT64, day DATE) PARTITION BY day; CREATE TABLE nba.log (id INT64);');
      // Each lane writes two tables in a transaction, under an id that it knows, until the process is gone.
      const lane = async (own: BigQuery, start: number): Promise<void> => {
        for (let id = start; ; id += 3) {
          submitted.add(id);
          const query = `BEGIN TRANSACTION; INSERT nba.games VALUES (${id}, '2024-01-01'); INSERT nba.log VALUES (${id}); COMMIT TRANSACTION;`;
          const [job] = await own.createQueryJob({ query, jobId: `commit_${id}` });
          await job.getQueryResults();
          acknowledged.add(id);
        }
      };
      const lanes = Promise.allSettled([0, 1, 2].map((start) => lane(connect(first.url), start)));
      await expect.poll(() => acknowledged.size, { timeout: 20_000 }).toBeGreaterThan(8);
      await first.kill('SIGKILL');
      await lanes;
      await using second = await startEmulatorProcess(['--dir', folder, '--no-limits']);
      const again = connect(second.url);
      const idsOf = async (table: string): Promise<readonly number[]> =>
        (await rowsOf(again, `SELECT id FROM nba.${table} ORDER BY id`)).map(({ id }) => id as number);
      const [games, log] = [await idsOf('games'), await idsOf('log')];
      expect(games).toEqual(log);
      expect(games.filter((id) => !submitted.has(id))).toEqual([]);
      expect([...acknowledged].filter((id) => !games.includes(id))).toEqual([]);
      for (const id of acknowledged) expect((await again.job(`commit_${id}`).getMetadata())[0].status).toMatchObject({ state: 'DONE' });
      expect(await failureOf(again.createQueryJob({ query: 'SELECT 1', jobId: `commit_${[...acknowledged][0]}` }))).toMatchObject({ code: 409 });
      expect((await again.dataset('nba').table('games').getMetadata())[0]).toMatchObject({ timePartitioning: { type: 'DAY', field: 'day' } });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
