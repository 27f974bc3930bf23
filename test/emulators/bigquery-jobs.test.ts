// Query jobs: ids, states, destinations, paging, dry runs, cancelling, through the official client.
// https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/jobs
import type { Dataset } from '@google-cloud/bigquery';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { failureOf, projectId, rowsOf, runJob, startBigQuery, type TestServer } from './support/bigquery-server.ts';
import { emulatorMissing } from './support/missing.ts';

describe.skipIf(emulatorMissing !== undefined)(emulatorMissing ?? 'BigQuery: query jobs', () => {
  let server: TestServer;
  let dataset: Dataset;
  let games: string;
  beforeAll(async () => {
    server = await startBigQuery();
  });
  afterAll(() => server?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    dataset = await server.newDataset();
    games = `${dataset.id}.games`;
    await server.client.query(`CREATE TABLE ${games} (id INT64, day DATE, points FLOAT64) PARTITION BY day`);
    await server.client.query(`INSERT ${games} VALUES (1, '2024-01-01', 1.5), (2, '2024-01-01', 2), (3, '2024-01-02', 3)`);
  });

  it('say what they were and what they did', async () => {
    const { metadata } = await runJob(server.client, { query: `SELECT id FROM ${games} WHERE day = '2024-01-01'`, labels: { task: 'a_1' }, priority: 'BATCH' });
    expect(metadata).toMatchObject({
      kind: 'bigquery#job',
      jobReference: { projectId, location: 'US' },
      status: { state: 'DONE' },
      configuration: { jobType: 'QUERY', labels: { task: 'a_1' }, query: { priority: 'BATCH', useLegacySql: false, destinationTable: { projectId } } },
      statistics: {
        query: {
          statementType: 'SELECT',
          totalBytesProcessed: '32',
          cacheHit: false,
          referencedTables: [{ projectId, datasetId: dataset.id, tableId: 'games' }],
        },
      },
    });
    const { creationTime, startTime, endTime } = metadata.statistics;
    expect(Number(creationTime)).toBeLessThanOrEqual(Number(startTime));
    expect(Number(startTime)).toBeLessThanOrEqual(Number(endTime));
    expect(metadata.status.errorResult).toBeUndefined();
  });

  // https://docs.cloud.google.com/bigquery/docs/running-jobs#generate-jobid
  it('keep the id that the caller has chosen, once and for all, whatever became of them', async () => {
    const insert = `INSERT ${games} VALUES (9, '2024-01-09', 1)`;
    const [first, ...others] = await Promise.all(
      [1, 2, 3].map(() =>
        server.client.createQueryJob({ query: insert, jobId: `commit_${dataset.id}` }).then(
          ([job]) => ({ job }),
          (error: { code: number; message: string }) => error,
        ),
      ),
    ).then((all) => all.toSorted((a, b) => Number('code' in a) - Number('code' in b)));
    for (const other of others) expect(other).toMatchObject({ code: 409, message: `Already Exists: Job ${projectId}:US.commit_${dataset.id}` });
    if (first === undefined || !('job' in first)) throw new Error('none was taken');
    await first.job.getQueryResults();
    expect(await rowsOf(server.client, `SELECT COUNT(*) n FROM ${games}`)).toEqual([{ n: 4 }]);
    // Whoever lost the answer asks by id.
    const [found] = await server.client.job(`commit_${dataset.id}`).getMetadata();
    expect(found).toMatchObject({ status: { state: 'DONE' }, statistics: { query: { numDmlAffectedRows: '1' } } });
    await failureOf(server.client.createQueryJob({ query: 'SELECT 1 / 0', jobId: `failed_${dataset.id}` }).then(([job]) => job.getQueryResults()));
    expect(await failureOf(server.client.createQueryJob({ query: 'SELECT 1', jobId: `failed_${dataset.id}` }))).toMatchObject({
      code: 409,
      reason: 'duplicate',
    });
  });

  it('are found by id and place, and listed newest first', async () => {
    await runJob(server.client, { query: 'SELECT 1', jobId: `one_${dataset.id}` });
    await runJob(server.client, { query: 'SELECT 2', jobId: `two_${dataset.id}` });
    const [jobs] = await server.client.getJobs({ maxResults: 2, autoPaginate: false });
    expect(jobs.map(({ id }) => id)).toEqual([`two_${dataset.id}`, `one_${dataset.id}`]);
    expect(await failureOf(server.client.job(`two_${dataset.id}`, { location: 'EU' }).getMetadata())).toMatchObject({ code: 404, reason: 'notFound' });
    expect(await failureOf(server.client.job('none').getMetadata())).toMatchObject({ code: 404, reason: 'notFound' });
  });

  // https://docs.cloud.google.com/bigquery/docs/writing-results
  describe('with a destination', () => {
    const results = async (): Promise<unknown> => await rowsOf(server.client, `SELECT * FROM ${dataset.id}.result ORDER BY 1`);
    const write = (query: string, more: object = {}) => runJob(server.client, { query, destination: dataset.table('result'), ...more });

    it('make it, with partitioning and clustering, and refuse one that has rows', async () => {
      await write(`SELECT id, day FROM ${games}`, { timePartitioning: { type: 'DAY', field: 'day' }, clustering: { fields: ['id'] } });
      expect((await dataset.table('result').getMetadata())[0]).toMatchObject({
        numRows: '3',
        timePartitioning: { type: 'DAY', field: 'day' },
        clustering: { fields: ['id'] },
      });
      expect(await failureOf(write('SELECT 1 AS id'))).toMatchObject({
        reason: 'duplicate',
        message: `Already Exists: Table ${projectId}:${dataset.id}.result`,
      });
    });

    it('append or replace as their disposition says; CREATE_NEVER wants it there', async () => {
      expect(await failureOf(write('SELECT 1 AS id', { createDisposition: 'CREATE_NEVER' }))).toMatchObject({ reason: 'notFound' });
      await write('SELECT 1 AS id');
      await write('SELECT 2 AS id', { writeDisposition: 'WRITE_APPEND' });
      expect(await results()).toEqual([{ id: 1 }, { id: 2 }]);
      await write("SELECT 'x' AS name", { writeDisposition: 'WRITE_TRUNCATE' });
      expect(await results()).toEqual([{ name: 'x' }]);
      expect(await failureOf(write('SELECT 3 AS id', { writeDisposition: 'WRITE_APPEND' }))).toMatchObject({
        reason: 'invalidQuery',
        message: expect.stringMatching(/schema/i),
      });
    });

    // https://docs.cloud.google.com/bigquery/docs/managing-partition-data#write-to-partition
    it('replace one partition that `$` names, and take no rows of others', async () => {
      const partition = (id: string) => ({ destination: dataset.table(`games$${id}`), writeDisposition: 'WRITE_TRUNCATE' });
      await write(`SELECT 7 AS id, DATE '2024-01-01' AS day, 7.5 AS points`, partition('20240101'));
      expect(await rowsOf(server.client, `SELECT id FROM ${games} ORDER BY 1`)).toEqual([{ id: 3 }, { id: 7 }]);
      expect(await failureOf(write(`SELECT 8 AS id, DATE '2024-01-05' AS day, 7.5 AS points`, partition('20240102')))).toMatchObject({ reason: 'invalid' });
      expect(await rowsOf(server.client, `SELECT id FROM ${games} ORDER BY 1`)).toEqual([{ id: 3 }, { id: 7 }]);
    });

    it('that fail leave nothing', async () => {
      expect(await failureOf(write(`SELECT 1 / (id - 3) AS x FROM ${games}`))).toMatchObject({ reason: 'invalidQuery' });
      expect(await dataset.table('result').exists()).toEqual([false]);
    });
  });

  // https://docs.cloud.google.com/bigquery/docs/paging-results
  it('give their rows by page, by token and by place', async () => {
    const [job] = await server.client.createQueryJob('SELECT n FROM UNNEST(GENERATE_ARRAY(1, 250)) n ORDER BY n');
    const [first, next, response] = await job.getQueryResults({ maxResults: 100, autoPaginate: false });
    expect(first).toHaveLength(100);
    expect(response).toMatchObject({ totalRows: '250', jobComplete: true, schema: { fields: [{ name: 'n', type: 'INTEGER' }] } });
    const [second] = await job.getQueryResults({ ...(next as object), autoPaginate: false });
    expect(second[0]).toEqual({ n: 101 });
    expect((await job.getQueryResults({ startIndex: '240', autoPaginate: false } as object))[0]).toHaveLength(10);
    expect((await job.getQueryResults())[0]).toHaveLength(250);
    // And once more by jobs.query itself.
    expect((await server.client.query({ query: 'SELECT n FROM UNNEST(GENERATE_ARRAY(1, 250)) n', maxResults: 30 }))[0]).toHaveLength(250);
  });

  // https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/jobs/query#body.QueryRequest.FIELDS.request_id
  it('are not made twice for one requestId', async () => {
    const body = { query: `INSERT ${games} VALUES (5, '2024-01-05', 1)`, useLegacySql: false, requestId: `again-${dataset.id}` };
    const answers = [await server.call('POST', '/queries', body), await server.call('POST', '/queries', body)];
    expect(answers.map(({ body: { numDmlAffectedRows } }) => numDmlAffectedRows)).toEqual(['1', '1']);
    expect(answers[1]?.body.jobReference).toEqual(answers[0]?.body.jobReference);
    expect(await rowsOf(server.client, `SELECT COUNT(*) n FROM ${games}`)).toEqual([{ n: 4 }]);
  });

  it('that take longer than jobs.query waits are asked for later', async () => {
    await server.control('POST', '/faults/jobs', { match: { sqlContains: `slow ${dataset.id}` }, effect: { runMs: 300 } });
    const { body } = await server.call('POST', '/queries', { query: `SELECT 7 AS n -- slow ${dataset.id}`, useLegacySql: false, timeoutMs: 1 });
    expect(body).toMatchObject({ jobComplete: false, jobReference: { projectId } });
    expect(body.rows).toBeUndefined();
    expect((await server.client.job(body.jobReference.jobId).getQueryResults())[0]).toEqual([{ n: 7 }]);
  });

  // https://docs.cloud.google.com/bigquery/docs/running-queries#dry-run
  it('that are only tried cost nothing and change nothing, but name errors, columns and bytes', async () => {
    const [job] = await server.client.createQueryJob({ query: `SELECT id, points FROM ${games} WHERE day = '2024-01-02'`, dryRun: true });
    expect(job.metadata).toMatchObject({
      status: { state: 'DONE' },
      statistics: {
        totalBytesProcessed: '24',
        query: {
          statementType: 'SELECT',
          schema: {
            fields: [
              { name: 'id', type: 'INTEGER' },
              { name: 'points', type: 'FLOAT' },
            ],
          },
        },
      },
    });
    await server.client.createQueryJob({ query: `DELETE ${games} WHERE TRUE`, dryRun: true });
    expect(await rowsOf(server.client, `SELECT COUNT(*) n FROM ${games}`)).toEqual([{ n: 3 }]);
    expect(await failureOf(server.client.createQueryJob({ query: 'SELECT nothing', dryRun: true }))).toMatchObject({
      code: 400,
      reason: 'invalidQuery',
      message: 'Unrecognized name: nothing at [1:8]',
    });
  });

  // https://docs.cloud.google.com/bigquery/docs/best-practices-costs#restrict-bytes-billed
  it('that would bill more than they may are refused before they run', async () => {
    expect(await failureOf(server.client.query({ query: `SELECT * FROM ${games}`, maximumBytesBilled: '1' }))).toMatchObject({
      code: 400,
      reason: 'bytesBilledLimitExceeded',
      message: 'Query exceeded limit for bytes billed: 1. 10485760 or higher required.',
    });
    expect(await rowsOf(server.client, `SELECT COUNT(*) n FROM ${games}`)).toEqual([{ n: 3 }]);
  });

  it('read names without a dataset in their default dataset', async () => {
    const [rows] = await server.client.query({ query: 'SELECT COUNT(*) n FROM games', defaultDataset: { projectId, datasetId: dataset.id } } as object);
    expect(rows).toEqual([{ n: 3 }]);
  });

  // https://docs.cloud.google.com/bigquery/docs/managing-jobs#cancel_jobs
  it('are cancelled while they run and while they wait, and have then done nothing', async () => {
    await server.control('POST', '/faults/jobs', { match: { jobIdContains: `hangs_${dataset.id}` }, effect: { hang: true } });
    const [job] = await server.client.createQueryJob({ query: `DELETE ${games} WHERE TRUE`, jobId: `hangs_${dataset.id}` });
    await job.cancel();
    expect(await failureOf(job.getQueryResults())).toMatchObject({ reason: 'stopped', message: expect.stringContaining('cancel') });
    const [{ status }] = await job.getMetadata();
    expect(status).toMatchObject({ state: 'DONE', errorResult: { reason: 'stopped' } });
    expect(await rowsOf(server.client, `SELECT COUNT(*) n FROM ${games}`)).toEqual([{ n: 3 }]);
  });

  it('end at the time that they are given', async () => {
    const query = 'SELECT COUNT(*) FROM UNNEST(GENERATE_ARRAY(1, 200000)) a, UNNEST(GENERATE_ARRAY(1, 200000)) b WHERE MOD(a * b, 7) = 8';
    expect(await failureOf(server.client.createQueryJob({ query, jobTimeoutMs: 300 }).then(([job]) => job.getQueryResults()))).toMatchObject({
      reason: 'stopped',
    });
  });

  // https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/jobs/delete
  it('can be forgotten once they are done', async () => {
    const { job } = await runJob(server.client, { query: 'SELECT 1' });
    await job.delete();
    expect(await failureOf(job.getMetadata())).toMatchObject({ code: 404 });
  });
});
