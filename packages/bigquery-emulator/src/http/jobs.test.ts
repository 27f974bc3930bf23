// Jobs over HTTP, around an engine and an analyzer that are faked: states, ids, results, scripts, errors.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startFakeServer } from './http.fixture.ts';

describe('jobs.insert', () => {
  it('runs a query and tells all about it', async () => {
    await using server = await startFakeServer();
    const inserted = await server.insert('SELECT 7', 'j1', { labels: { a: 'b' } });
    expect(inserted.status).toBe(200);
    expect(inserted.body).toMatchObject({ kind: 'bigquery#job', id: 'p:US.j1', jobReference: { projectId: 'p', jobId: 'j1', location: 'US' } });
    const { body } = await server.done('j1');
    expect(body.status).toEqual({ state: 'DONE' });
    expect(body.configuration).toMatchObject({
      jobType: 'QUERY',
      labels: { a: 'b' },
      query: { query: 'SELECT 7', priority: 'INTERACTIVE', destinationTable: { datasetId: '_anonymous' } },
    });
    expect(body.statistics).toMatchObject({ creationTime: '1700000000000', startTime: '1700000000000', endTime: '1700000000000', totalBytesProcessed: '8' });
    expect(body.statistics.query).toMatchObject({ statementType: 'SELECT', totalBytesProcessed: '8', totalBytesBilled: '10485760', cacheHit: false });
    const results = await server.call('GET', '/queries/j1');
    expect(results.body).toMatchObject({
      jobComplete: true,
      totalRows: '1',
      rows: [{ f: [{ v: '7' }] }],
      schema: { fields: [{ name: 'n', type: 'INTEGER' }] },
    });
  });

  it('takes an id once', async () => {
    await using server = await startFakeServer();
    await server.insert('SELECT 7', 'j1');
    const second = await server.insert('SELECT 8', 'j1');
    expect(second).toMatchObject({
      status: 409,
      body: { error: { code: 409, status: 'ALREADY_EXISTS', errors: [{ reason: 'duplicate', domain: 'global', message: 'Already Exists: Job p:US.j1' }] } },
    });
  });

  it('answers 200 with a failed job to a query that is wrong, and to one that fails while it runs', async () => {
    await using server = await startFakeServer();
    const wrong = await server.insert('SELEC 1', 'j1');
    expect(wrong.status).toBe(200);
    expect(wrong.body.status).toMatchObject({
      state: 'DONE',
      errorResult: { reason: 'invalidQuery', location: 'query', message: 'Syntax error: Unexpected identifier "SELEC" at [1:1]' },
    });
    await server.insert('FAIL', 'j2');
    const failed = await server.done('j2');
    expect(failed.body.status).toMatchObject({ errorResult: { reason: 'invalidQuery' }, errors: [{ reason: 'invalidQuery' }] });
    const results = await server.call('GET', '/queries/j2');
    expect(results).toMatchObject({ status: 400, body: { error: { errors: [{ reason: 'invalidQuery', location: 'q', locationType: 'parameter' }] } } });
  });

  it('refuses by name what it does not know, and keeps no job of it', async () => {
    await using server = await startFakeServer();
    const extract = await server.call('POST', '/jobs', { jobReference: { jobId: 'j1' }, configuration: { extract: {} } });
    expect(extract).toMatchObject({
      status: 501,
      body: { error: { errors: [{ reason: 'notImplemented', message: expect.stringContaining('extract jobs') }] } },
    });
    const field = await server.call('POST', '/jobs', {
      configuration: { query: { query: 'SELECT 1', useLegacySql: false, scriptOptions: { keyResultStatement: 'LAST' } } },
    });
    expect(field.body.error.message).toContain('configuration.query.scriptOptions');
    const legacy = await server.call('POST', '/jobs', { configuration: { query: { query: 'SELECT 1' } } });
    expect(legacy.body.error.message).toContain('legacy SQL');
    expect((await server.call('GET', '/jobs')).body.jobs).toEqual([]);
  });

  it('keeps no job of a dry run, and estimates', async () => {
    await using server = await startFakeServer();
    await server.query('CREATE TABLE d.t');
    await server.query('INSERT d.t 10');
    const dry = await server.call('POST', '/jobs', { configuration: { dryRun: true, query: { query: 'SELECT FROM d.t', useLegacySql: false } } });
    expect(dry.body).toMatchObject({
      status: { state: 'DONE' },
      statistics: { totalBytesProcessed: '80', query: { statementType: 'SELECT', totalBytesBilled: '0', schema: { fields: [{ name: 'n' }] } } },
    });
    expect(dry.body.jobReference.jobId).toBeUndefined();
    const wrong = await server.call('POST', '/jobs', { configuration: { dryRun: true, query: { query: 'SELEC', useLegacySql: false } } });
    expect(wrong.status).toBe(400);
    expect((await server.call('GET', '/jobs')).body.jobs).toHaveLength(2);
  });

  it('refuses a query that would cost more than it may', async () => {
    await using server = await startFakeServer();
    await server.query('CREATE TABLE d.t');
    await server.query('INSERT d.t 10');
    const answer = await server.query('SELECT FROM d.t', { maximumBytesBilled: '1000000' });
    expect(answer.body.error.errors[0]).toMatchObject({
      reason: 'bytesBilledLimitExceeded',
      message: 'Query exceeded limit for bytes billed: 1000000. 10485760 or higher required.',
    });
    expect((await server.query('SELECT FROM d.t', { maximumBytesBilled: '10485760' })).status).toBe(200);
  });

  it('runs a job where its dataset is, and finds no other', async () => {
    await using server = await startFakeServer();
    await server.engine.datasets.create({ projectId: 'p', datasetId: 'e', location: 'europe-west1', properties: {} });
    await server.query('CREATE TABLE e.t');
    await server.insert('SELECT FROM e.t', 'j1');
    expect((await server.call('GET', '/jobs/j1')).status).toBe(404);
    expect((await server.call('GET', '/jobs/j1?location=europe-west1')).body.jobReference.location).toBe('europe-west1');
    const destination = { datasetId: 'd', tableId: 'u' };
    const across = await server.call('POST', '/jobs', {
      configuration: { query: { query: 'SELECT FROM e.t', useLegacySql: false, destinationTable: destination } },
    });
    expect(across.body.status.errorResult.message).toBe('Not found: Dataset p:d was not found in location europe-west1');
    const elsewhere = await server.query('SELECT FROM e.t', { location: 'US' });
    expect(elsewhere).toMatchObject({ status: 404, body: { error: { message: 'Not found: Dataset p:e was not found in location US' } } });
  });
});

describe('a job under way', () => {
  it('waits for a slot, runs, and is cancelled', async () => {
    await using server = await startFakeServer({ slots: 1 });
    await server.query('CREATE TABLE d.t');
    await server.insert('HOLD d.t', 'j1');
    await server.insert('SELECT 1', 'j2');
    expect((await server.call('GET', '/jobs/j1')).body.status.state).toBe('RUNNING');
    expect((await server.call('GET', '/jobs/j2')).body.status.state).toBe('PENDING');
    expect((await server.call('GET', '/jobs?stateFilter=pending')).body.jobs.map(({ id }: { id: string }) => id)).toEqual(['p:US.j2']);
    expect((await server.call('GET', '/queries/j2?timeoutMs=0')).body).toMatchObject({ jobComplete: false, jobReference: { jobId: 'j2' } });
    await server.call('POST', '/jobs/j2/cancel');
    expect((await server.done('j2')).body.status.errorResult).toEqual({
      reason: 'stopped',
      message: 'Job execution was cancelled: User requested cancellation',
    });
    await server.call('POST', '/jobs/j1/cancel');
    expect((await server.done('j1')).body.status.errorResult.reason).toBe('stopped');
    expect((await server.query('SELECT 3')).status).toBe(200);
  });

  it('ends at its timeout', async () => {
    await using server = await startFakeServer();
    await server.query('CREATE TABLE d.t');
    await server.insert('HOLD d.t', 'j1', { jobTimeoutMs: '5000' });
    server.clock.advance(4_999);
    expect((await server.call('GET', '/jobs/j1')).body.status.state).toBe('RUNNING');
    server.clock.advance(1);
    expect((await server.done('j1')).body.status.errorResult).toEqual({ reason: 'stopped', message: 'Job execution was cancelled: Job timed out after 5 sec' });
  });

  it('finds what its tables have become while it waited', async () => {
    await using server = await startFakeServer();
    await server.query('CREATE TABLE d.t');
    await server.call('PATCH', '//emulator/v1/settings', { queueMs: 10 });
    await server.insert('SELECT FROM d.t', 'j1');
    await server.engine.tables.delete({ projectId: 'p', datasetId: 'd', tableId: 't' });
    server.clock.advance(10);
    expect((await server.done('j1')).body.status.errorResult).toMatchObject({
      reason: 'notFound',
      message: 'Not found: Table p:d.t was not found in location US at [1:1]',
    });
  });

  it('takes the time that was set for its queue and its run', async () => {
    await using server = await startFakeServer();
    await server.call('PATCH', '//emulator/v1/settings', { queueMs: 10, runMs: 20 });
    await server.insert('SELECT 1', 'j1');
    const state = async (): Promise<string> => (await server.call('GET', '/jobs/j1')).body.status.state;
    expect(await state()).toBe('PENDING');
    await server.call('POST', '//emulator/v1/clock', { advanceMs: 10 });
    expect(await state()).toBe('RUNNING');
    expect(server.engine.ran).toEqual([]);
    await server.call('POST', '//emulator/v1/clock', { advanceMs: 20 });
    expect((await server.done('j1')).body.statistics).toMatchObject({ creationTime: '1700000000000', startTime: '1700000000010', endTime: '1700000000030' });
  });
});

describe('jobs.query', () => {
  it('answers an equal request of the last 15 minutes with the same job', async () => {
    await using server = await startFakeServer();
    await server.query('CREATE TABLE d.t');
    const first = await server.query('INSERT d.t 2', { requestId: 'r1' });
    expect(first.body).toMatchObject({
      jobComplete: true,
      numDmlAffectedRows: '2',
      dmlStats: { insertedRowCount: '2', updatedRowCount: '0', deletedRowCount: '0' },
    });
    const again = await server.query('INSERT d.t 2', { requestId: 'r1' });
    expect(again.body.jobReference).toEqual(first.body.jobReference);
    await server.query('INSERT d.t 3', { requestId: 'r1' });
    server.clock.advance(15 * 60_000 + 1);
    await server.query('INSERT d.t 2', { requestId: 'r1' });
    expect((await server.query('SELECT FROM d.t')).body.totalRows).toBe('7');
  });

  it('pages through rows, and answers 400 to a wrong query', async () => {
    await using server = await startFakeServer();
    await server.query('CREATE TABLE d.t');
    await server.query('INSERT d.t 5');
    const first = await server.query('SELECT FROM d.t', { maxResults: 2 });
    expect(first.body.rows).toHaveLength(2);
    const { jobId } = first.body.jobReference;
    const second = await server.call('GET', `/queries/${jobId}?pageToken=${first.body.pageToken}&maxResults=9`);
    expect(second.body.rows.map(({ f }: { f: { v: string }[] }) => f[0]?.v)).toEqual(['2', '3', '4']);
    expect(second.body.pageToken).toBeUndefined();
    expect((await server.call('GET', `/queries/${jobId}?startIndex=4&formatOptions.useInt64Timestamp=True`)).body.rows).toHaveLength(1);
    expect((await server.call('GET', `/queries/${jobId}?pageToken=abc`)).status).toBe(400);
    expect(await server.query('SELEC')).toMatchObject({
      status: 400,
      body: { error: { status: 'INVALID_ARGUMENT', errors: [{ reason: 'invalidQuery', location: 'q' }] } },
    });
  });

  it('says that it is not complete after timeoutMs', async () => {
    await using server = await startFakeServer();
    await server.query('CREATE TABLE d.t');
    const answer = await server.query('HOLD d.t', { timeoutMs: 0 });
    expect(answer.body).toMatchObject({ jobComplete: false, jobReference: { location: 'US' } });
    server.engine.release();
    const results = await server.call('GET', `/queries/${answer.body.jobReference.jobId}`);
    expect(results.body).toMatchObject({ jobComplete: true, numDmlAffectedRows: '0' });
    expect(results.body.totalRows).toBeUndefined();
  });
});

describe('a script', () => {
  it('has a child job for each statement and the rows of its last SELECT', async () => {
    await using server = await startFakeServer();
    await server.insert('CREATE TABLE d.t;\nINSERT d.t 3;\nSELECT 5;\nUPDATE d.t;', 'j1');
    const { body } = await server.done('j1');
    expect(body.status).toEqual({ state: 'DONE' });
    expect(body.statistics).toMatchObject({ numChildJobs: '4', query: { statementType: 'SCRIPT', numDmlAffectedRows: '6' } });
    const children = (await server.call('GET', '/jobs?parentJobId=j1&projection=full')).body.jobs.reverse();
    expect(children.map(({ statistics }: { statistics: { query: { statementType: string } } }) => statistics.query.statementType)).toEqual([
      'CREATE_TABLE',
      'INSERT',
      'SELECT',
      'UPDATE',
    ]);
    expect(children[1].statistics).toMatchObject({
      parentJobId: 'j1',
      scriptStatistics: { evaluationKind: 'STATEMENT', stackFrames: [{ startLine: 2, startColumn: 1, text: 'INSERT d.t 3' }] },
      query: { dmlStats: { insertedRowCount: '3' } },
    });
    expect((await server.call('GET', '/queries/j1')).body.rows).toEqual([{ f: [{ v: '5' }] }]);
    expect((await server.call('GET', '/jobs')).body.jobs).toHaveLength(1);
    expect(server.engine.ran.map(({ rowCount }) => rowCount)).toEqual([null, null, 3n, 3n]);
  });

  it('names the statement that failed, runs none after it, and rolls back what it left open', async () => {
    await using server = await startFakeServer();
    await server.query('CREATE TABLE d.t');
    const answer = await server.query('BEGIN TRANSACTION;\nINSERT d.t 1;\nFAIL;\nCOMMIT TRANSACTION;');
    expect(answer).toMatchObject({ status: 400, body: { error: { message: 'Query error: Division by zero: 1 / 0 at [3:1]' } } });
    expect(server.engine.ran.map(({ sql }) => sql)).toEqual(['CREATE TABLE d.t', 'BEGIN TRANSACTION', 'INSERT d.t 1', 'FAIL']);
    expect(server.engine.rolledBack()).toBe(1);
  });

  it('with a syntax error anywhere runs nothing, one with a missing table runs up to it', async () => {
    await using server = await startFakeServer();
    await server.query('CREATE TABLE d.t');
    const syntax = await server.query('INSERT d.t 1;\nSELEC;');
    expect(syntax.body.error.message).toBe('Syntax error: Unexpected identifier "SELEC" at [2:1]');
    const missing = await server.query('INSERT d.t 1;\nSELECT FROM d.u;');
    expect(missing).toMatchObject({ status: 404, body: { error: { message: 'Not found: Table p:d.u was not found in location US at [2:1]' } } });
    expect((await server.query('SELECT FROM d.t')).body.totalRows).toBe('1');
    expect((await server.query('BEGIN TRANSACTION')).body.error.message).toBe('Transaction control statements are supported only in scripts or sessions');
  });
});

describe('after kill -9', () => {
  it('a job that was done is done as before, one that ran has failed, and both ids are taken', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'jobs-test-'));
    try {
      // Never closed before the second one reads what it has written.
      const first = await startFakeServer({ folder });
      await first.query('CREATE TABLE d.t');
      await first.insert('INSERT d.t 2', 'done');
      await first.done('done');
      await first.insert('HOLD d.t', 'running');
      await using second = await startFakeServer({ folder });
      expect((await second.call('GET', '/jobs/done')).body).toMatchObject({ status: { state: 'DONE' }, statistics: { query: { numDmlAffectedRows: '2' } } });
      expect((await second.call('GET', '/jobs/running')).body.status).toMatchObject({ state: 'DONE', errorResult: { reason: 'jobInternalError' } });
      expect((await second.insert('SELECT 1', 'done')).status).toBe(409);
      expect((await second.insert('SELECT 1', 'running')).status).toBe(409);
      await first[Symbol.asyncDispose]();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
