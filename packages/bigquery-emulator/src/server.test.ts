// The whole server, with Google's analyzer and DuckDB in it, through the official Node client and as a process of its own.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BigQuery, type BigQueryOptions } from '@google-cloud/bigquery';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { defaultFolder, packageFolder } from './analyzer/install.ts';
import { createEmulatorClock, type EmulatorClock } from './control/emulator-clock.ts';
import type { Server } from './http/serve.ts';
import { startServer } from './server.ts';

/** 340 MB, fetched only on request: `npm ci --prefix tools/zetasql`. */
const isMissing = !existsSync(packageFolder(defaultFolder)) && process.env['REQUIRE_ZETASQL'] !== '1';

const connect = (url: string): BigQuery =>
  new BigQuery({
    projectId: 'p',
    apiEndpoint: url,
    retryOptions: { autoRetry: false },
    // No credentials of whoever runs the tests are looked for.
    authClient: { getRequestHeaders: async () => new Headers({ authorization: 'Bearer nobody' }) } as unknown as NonNullable<BigQueryOptions['authClient']>,
  });

const errorOf = async (call: Promise<unknown>): Promise<{ readonly code?: number; readonly message: string; readonly reason?: string }> => {
  try {
    await call;
  } catch (error) {
    const { code, message, errors } = error as { code?: number; message: string; errors?: readonly { readonly reason: string }[] };
    return { message, ...(code === undefined ? {} : { code }), ...(errors?.[0] === undefined ? {} : { reason: errors[0].reason }) };
  }
  throw new Error('it succeeded');
};

const schema = [
  { name: 'id', type: 'INT64', mode: 'REQUIRED' },
  { name: 'day', type: 'DATE', mode: 'REQUIRED' },
  { name: 'points', type: 'FLOAT64' },
];

describe.skipIf(isMissing)('through the official client', () => {
  let server: Server;
  let client: BigQuery;
  let clock: EmulatorClock;
  beforeAll(async () => {
    clock = createEmulatorClock();
    server = await startServer({ port: 0, limits: true, clock });
    client = connect(server.url);
  }, 60_000);
  afterAll(() => server?.close());
  beforeEach(async () => {
    await fetch(`${server.url}/emulator/v1/reset`, { method: 'POST' });
    await client.createDataset('nba');
    await client.dataset('nba').createTable('games', { schema, timePartitioning: { type: 'DAY', field: 'day' } });
    await client.query("INSERT nba.games (id, day, points) VALUES (1, '2024-01-01', 1.5), (2, '2024-01-02', NULL)");
  });
  const rowsOf = async (query: string, params?: Readonly<Record<string, unknown>>): Promise<readonly unknown[]> =>
    (await client.query({ query, ...(params === undefined ? {} : { params }) }))[0] as readonly unknown[];
  const ids = async (): Promise<unknown> =>
    ((await rowsOf('SELECT STRING_AGG(CAST(id AS STRING), "," ORDER BY id) ids FROM nba.games')) as { ids: string }[])[0]?.ids;

  it('parameters go in and typed rows come out', async () => {
    expect(
      await rowsOf(
        'SELECT id, day, points, TIMESTAMP "2024-01-01 00:00:00.123456+00" ts, [1, 2] a, STRUCT("x" AS s) t FROM nba.games WHERE id >= @least ORDER BY id',
        { least: 1 },
      ),
    ).toMatchObject([
      { id: 1, day: { value: '2024-01-01' }, points: 1.5, ts: { value: '2024-01-01T00:00:00.123456000Z' }, a: [1, 2], t: { s: 'x' } },
      { id: 2, day: { value: '2024-01-02' }, points: null },
    ]);
    expect(await rowsOf('SELECT COUNT(*) n FROM nba.games WHERE day IN UNNEST(@days)', { days: [client.date('2024-01-02')] })).toEqual([{ n: 1 }]);
  });

  it('a job id is taken once, and a job tells what it has changed', async () => {
    const merge = `MERGE nba.games t USING (SELECT 2 id, DATE '2024-01-02' day, 7.5 points UNION ALL SELECT 3, '2024-01-03', 8) s
      ON t.id = s.id AND t.day IN ('2024-01-02', '2024-01-03')
      WHEN MATCHED THEN UPDATE SET points = s.points WHEN NOT MATCHED THEN INSERT ROW WHEN NOT MATCHED BY SOURCE AND t.day = '2024-01-01' THEN DELETE`;
    const [job] = await client.createQueryJob({ query: merge, jobId: 'commit_1', labels: { task: 'a' } });
    await job.getQueryResults();
    const [metadata] = await job.getMetadata();
    expect(metadata).toMatchObject({
      status: { state: 'DONE' },
      configuration: { labels: { task: 'a' } },
      statistics: {
        query: { statementType: 'MERGE', numDmlAffectedRows: '3', dmlStats: { insertedRowCount: '1', updatedRowCount: '1', deletedRowCount: '1' } },
      },
    });
    expect(await errorOf(client.createQueryJob({ query: merge, jobId: 'commit_1' }))).toEqual({
      code: 409,
      reason: 'duplicate',
      message: 'Already Exists: Job p:US.commit_1',
    });
    expect(await ids()).toBe('2,3');
  });

  it('a script commits as one, or not at all', async () => {
    const script = (last: string): string =>
      `BEGIN TRANSACTION;\nDELETE nba.games WHERE day = '2024-01-01';\nSELECT @@row_count AS n;\n${last};\nCOMMIT TRANSACTION;`;
    expect(await errorOf(client.query(script('SELECT 1 / 0')))).toMatchObject({
      code: 400,
      reason: 'invalidQuery',
      message: expect.stringMatching(/^Query error: division by zero.* at \[4:1\]$/i),
    });
    expect(await ids()).toBe('1,2');
    const [job] = await client.createQueryJob(script("INSERT nba.games VALUES (9, '2024-01-09', 1)"));
    expect((await job.getQueryResults())[0]).toEqual([{ n: 1 }]);
    const [children] = await client.getJobs({ parentJobId: job.id ?? '' });
    expect(children).toHaveLength(5);
    expect(await ids()).toBe('2,9');
  });

  it('what is wrong is said in the words of the cloud', async () => {
    expect(await errorOf(client.query('SELECT FORM nba.games'))).toMatchObject({ code: 400, reason: 'invalidQuery' });
    expect(await errorOf(client.query('SELECT * FROM nba.nothing'))).toMatchObject({
      code: 404,
      reason: 'notFound',
      message: expect.stringContaining('Not found: Table p:nba.nothing was not found in location US'),
    });
    expect(await errorOf(client.query('SELECT * FROM nowhere.nothing'))).toMatchObject({
      code: 404,
      message: expect.stringContaining('Not found: Dataset p:nowhere'),
    });
    expect(await errorOf(client.query('DECLARE x INT64; SELECT x'))).toMatchObject({ code: 501, reason: 'notImplemented' });
  });

  it('files are loaded, tables copied and kept as snapshots, results written to a table', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'emulator-test-'));
    try {
      const file = join(folder, 'rows.json');
      writeFileSync(file, '{"id": 5, "day": "2024-02-01", "points": 2}\n{"id": 6, "day": "2024-02-02"}\n');
      const [loaded] = await client.dataset('nba').table('games').load(file, { sourceFormat: 'NEWLINE_DELIMITED_JSON' });
      expect(loaded).toMatchObject({ status: { state: 'DONE' }, statistics: { load: { outputRows: '2' } } });
    } finally {
      rmSync(folder, { recursive: true });
    }
    await client
      .dataset('nba')
      .table('games')
      .copy(client.dataset('nba').table('kept'), { operationType: 'SNAPSHOT' } as object);
    expect((await client.dataset('nba').table('kept').getMetadata())[0]).toMatchObject({ type: 'SNAPSHOT', numRows: '4', timePartitioning: { field: 'day' } });
    expect((await errorOf(client.query('DELETE nba.kept WHERE TRUE'))).message).toContain('is a snapshot');
    const [job] = await client.createQueryJob({
      query: 'SELECT id, day FROM nba.kept',
      destination: client.dataset('nba').table('result'),
      writeDisposition: 'WRITE_TRUNCATE',
    });
    await job.getQueryResults();
    expect((await client.dataset('nba').table('result').getRows({ maxResults: 3, autoPaginate: false }))[0]).toHaveLength(3);
  });

  it('streamed rows are there at once and can be kept from DML', async () => {
    const games = client.dataset('nba').table('games');
    await fetch(`${server.url}/emulator/v1/settings`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ streamingBufferMs: 60_000 }),
    });
    await games.insert([{ id: 7, day: '2024-03-01', points: 1 }]);
    expect(await ids()).toBe('1,2,7');
    expect((await errorOf(client.query('DELETE nba.games WHERE id = 7'))).message).toContain('would affect rows in the streaming buffer');
    clock.advance(60_000);
    await client.query('DELETE nba.games WHERE id = 7');
    expect(await ids()).toBe('1,2');
    expect(await errorOf(games.insert([{ id: 'x', day: '2024-03-01' }]))).toMatchObject({ message: '' });
  });

  it('statements that wait for a transaction do not keep it from its end', async () => {
    const slow = { match: { type: 'STATEMENT', sqlContains: 'SELECT 42' }, effect: { runMs: 1_000 } };
    await fetch(`${server.url}/emulator/v1/faults/jobs`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(slow) });
    const update = (points: number): string => `UPDATE nba.games SET points = ${points} WHERE id = 1`;
    const transaction = client.query(`BEGIN TRANSACTION; ${update(1)}; SELECT 42; ${update(2)}; COMMIT TRANSACTION;`);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await Promise.all([transaction, client.query(update(3)), client.query(update(4))]);
    expect(await rowsOf('SELECT points > 2 AS last FROM nba.games WHERE id = 1')).toEqual([{ last: true }]);
  });

  it('of two transactions on one table one is told that it lost', async () => {
    const script = (id: number): string =>
      `BEGIN TRANSACTION; UPDATE nba.games SET points = ${id} WHERE id = 1; SELECT COUNT(*) FROM UNNEST(GENERATE_ARRAY(1, 100)); COMMIT TRANSACTION;`;
    const rule = { match: { type: 'STATEMENT', sqlContains: 'COMMIT' }, effect: { runMs: 300 } };
    await fetch(`${server.url}/emulator/v1/faults/jobs`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(rule) });
    const outcomes = await Promise.all(
      [11, 12].map((id) =>
        client.query(script(id)).then(
          () => 'committed',
          ({ message }: Error) => message,
        ),
      ),
    );
    expect(outcomes.toSorted()).toEqual([
      expect.stringMatching(/^Query error: Transaction is aborted due to concurrent update against table p:nba\.games/),
      'committed',
    ]);
  });
});

const startProcess = async (folder: string): Promise<{ readonly process: ChildProcess; readonly url: string }> => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), '--port', '0', '--dir', folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const [, url] = /^BigQuery emulator is ready at (\S+)$/.exec(line) ?? [];
    if (url !== undefined) return { process: child, url };
  }
  throw new Error('the process ended before it was ready');
};

describe.skipIf(isMissing)('as a process', () => {
  it('keeps what it has answered over kill -9, and ends cleanly on SIGTERM', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'emulator-test-'));
    try {
      const first = await startProcess(folder);
      const client = connect(first.url);
      await client.createDataset('nba');
      await client.dataset('nba').createTable('games', { schema });
      const [job] = await client.createQueryJob({ query: "INSERT nba.games VALUES (1, '2024-01-01', 1)", jobId: 'commit_1' });
      await job.getQueryResults();
      // A folder and a port have one owner; who comes second leaves nothing behind.
      await expect(startServer({ port: 0, limits: true, folder })).rejects.toThrow('lock');
      await expect(startServer({ port: Number(new URL(first.url).port), limits: true })).rejects.toThrow('EADDRINUSE');
      first.process.kill('SIGKILL');
      await once(first.process, 'exit');
      const second = await startProcess(folder);
      const again = connect(second.url);
      expect((await again.query('SELECT COUNT(*) n FROM nba.games'))[0]).toEqual([{ n: 1 }]);
      expect((await again.job('commit_1', { location: 'US' }).getMetadata())[0]).toMatchObject({
        status: { state: 'DONE' },
        statistics: { query: { numDmlAffectedRows: '1' } },
      });
      expect((await errorOf(again.createQueryJob({ query: 'SELECT 1', jobId: 'commit_1' }))).code).toBe(409);
      second.process.kill('SIGTERM');
      expect(await once(second.process, 'exit')).toEqual([0, null]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 60_000);
});
