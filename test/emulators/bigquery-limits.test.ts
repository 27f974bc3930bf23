// The limits of the cloud, in its words. https://docs.cloud.google.com/bigquery/quotas
// https://docs.cloud.google.com/bigquery/docs/troubleshoot-quotas
import { bigquery } from '@floodgate/cloud-limits/limits.ts';
import type { Dataset } from '@google-cloud/bigquery';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { failureOf, rowsOf, startBigQuery, type Failure, type TestServer } from './support/bigquery-server.ts';
import { emulatorMissing } from './support/missing.ts';

const { dml, standardTable, partitionedTable } = bigquery;

describe.skipIf(emulatorMissing !== undefined)(emulatorMissing ?? 'BigQuery: limits', () => {
  let server: TestServer;
  let dataset: Dataset;
  let t: string;
  beforeAll(async () => {
    server = await startBigQuery();
  });
  afterAll(() => server?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    await server.control('DELETE', '/faults');
    dataset = await server.newDataset();
    t = `${dataset.id}.games`;
    await server.client.query(`CREATE TABLE ${t} (id INT64, day DATE) PARTITION BY day`);
    await server.client.query(`INSERT ${t} VALUES (1, '2024-01-01')`);
    // The INSERT is one of the statements that are counted.
    server.clock.advance(10_000);
  });
  const failures = async (calls: readonly Promise<unknown>[]): Promise<readonly Failure[]> =>
    (await Promise.allSettled(calls)).flatMap((outcome) => {
      if (outcome.status === 'fulfilled') return [];
      const { code, message, errors } = outcome.reason as { code: number; message: string; errors?: readonly { reason: string }[] };
      return [{ code, message, reason: errors?.[0]?.reason ?? '' }];
    });

  // https://docs.cloud.google.com/bigquery/docs/data-manipulation-language#mutate-concurrency
  it('two mutating statements of a table run, twenty wait, and the next one fails at once', async () => {
    await server.control('POST', '/faults/jobs', { match: { sqlContains: `slowly ${dataset.id}` }, effect: { hang: true } });
    const start = (index: number) =>
      server.client.createQueryJob({ query: `DELETE ${t} WHERE id = ${index + 100} -- slowly ${dataset.id}`, jobId: `${dataset.id}_${index}` });
    const jobs = await Promise.all(Array.from({ length: dml.runningMutationsPerTable + dml.queuedMutationsPerTable }, (_, index) => start(index)));
    const states = async (): Promise<readonly unknown[]> => await Promise.all(jobs.map(async ([job]) => (await job.getMetadata())[0].status.state));
    await expect.poll(async () => (await states()).filter((state) => state === 'RUNNING').length).toBe(2);
    expect((await states()).filter((state) => state === 'PENDING')).toHaveLength(20);
    expect(await failureOf(start(22).then(([job]) => job.getQueryResults()))).toMatchObject({
      reason: 'resourcesExceeded',
      message: expect.stringMatching(/^Resources exceeded during query execution: Too many DML statements outstanding against table .*games, limit is 20\.$/),
    });
    // INSERT and reads don't wait with them.
    await server.client.query(`INSERT ${t} VALUES (2, '2024-01-01')`);
    await Promise.all(jobs.map(([job]) => job.cancel()));
    await expect.poll(async () => (await states()).every((state) => state === 'DONE')).toBe(true);
    expect(await rowsOf(server.client, `SELECT COUNT(*) n FROM ${t}`)).toEqual([{ n: 2 }]);
  });

  it('25 DML statements of a table in ten seconds, INSERT included, by table', async () => {
    const insert = (table: string) => server.client.query(`INSERT ${table} VALUES (7, '2024-01-01')`);
    await server.client.query(`CREATE TABLE ${dataset.id}.other (id INT64, day DATE)`);
    const refused = await failures(Array.from({ length: dml.statementsPerTablePerWindow + 2 }, () => insert(t)));
    expect(refused).toEqual(
      Array.from({ length: 2 }, () => ({
        code: 403,
        reason: 'rateLimitExceeded',
        message: expect.stringMatching(/^Exceeded rate limits: too many table dml insert operations for this table\./),
      })),
    );
    await insert(`${dataset.id}.other`);
    server.clock.advance(dml.statementsWindowMs);
    await insert(t);
  });

  it('five updates of a table in ten seconds, fifty of a partitioned one', async () => {
    await server.client.query(`CREATE TABLE ${dataset.id}.plain (id INT64)`);
    const update = (table: string, index: number) => dataset.table(table).setMetadata({ description: String(index) });
    const many = async (table: string, count: number): Promise<readonly Failure[]> => {
      const found: Failure[] = [];
      for (let index = 0; index < count; index += 1) found.push(...(await failures([update(table, index)])));
      return found;
    };
    expect(await many('plain', standardTable.metadataUpdatesPerWindow + 1)).toMatchObject([
      { code: 403, reason: 'rateLimitExceeded', message: expect.stringMatching(/^Exceeded rate limits: too many table update operations for this table\./) },
    ]);
    expect(await many('games', partitionedTable.metadataUpdatesPerWindow + 1)).toMatchObject([
      {
        code: 403,
        reason: 'rateLimitExceeded',
        message: expect.stringMatching(/^Exceeded rate limits: too many partitioned table update operations for this table\./),
      },
    ]);
    server.clock.advance(10_000);
    expect(await many('plain', 1)).toEqual([]);
  });

  // https://docs.cloud.google.com/bigquery/quotas#partitioned_tables
  it('4,000 partitions written by one job', async () => {
    const write = (days: number) =>
      server.client.createQueryJob({
        query: `SELECT DATE_ADD(DATE '2000-01-01', INTERVAL n DAY) AS day, n FROM UNNEST(GENERATE_ARRAY(1, ${days})) n`,
        destination: dataset.table(`days_${days}`),
        timePartitioning: { type: 'DAY', field: 'day' },
      });
    await (await write(partitionedTable.maxPartitionsPerJob))[0].getQueryResults({ maxResults: 1, autoPaginate: false });
    expect(await failureOf(write(partitionedTable.maxPartitionsPerJob + 1).then(([job]) => job.getQueryResults()))).toMatchObject({
      reason: 'invalidQuery',
      message: expect.stringMatching(/^Too many partitions produced by query, allowed 4000, query produces at least 4001 partitions/),
    });
  });

  it('partition modifications of a day: jobs with a destination count, DML does not', async () => {
    // A job may begin while the quota isn't used up: eight of 4,000 partitions do.
    const write = (index: number) =>
      server.client
        .createQueryJob({
          query: `SELECT DATE_ADD(DATE '2000-01-01', INTERVAL n DAY) AS day, n FROM UNNEST(GENERATE_ARRAY(1, 4000)) n -- ${index}`,
          destination: dataset.table('days'),
          timePartitioning: { type: 'DAY', field: 'day' },
          writeDisposition: 'WRITE_TRUNCATE',
        })
        .then(([job]) => job.getQueryResults({ maxResults: 1, autoPaginate: false }));
    for (let index = 0; index < 8; index += 1) await write(index);
    expect(await failureOf(write(8))).toMatchObject({
      reason: 'quotaExceeded',
      message: expect.stringMatching(/^Quota exceeded: Your table exceeded quota for Number of partition modifications to a column partitioned table/),
    });
    await server.client.query(`UPDATE ${dataset.id}.days SET n = 0 WHERE day = '2000-01-02'`);
    // Given back bit by bit over the day; the emulator counts in hours.
    server.clock.advance(25 * 3_600_000);
    await write(9);
  });

  it('a statement and a request can be too long', async () => {
    expect(await failureOf(server.client.query(`SELECT 1 -- ${'x'.repeat(bigquery.query.maxSqlCharacters)}`))).toMatchObject({
      code: 400,
      message: expect.stringMatching(/1024\.00K characters/),
    });
    const { status } = await server.call('POST', '/queries', {
      query: 'SELECT 1',
      useLegacySql: false,
      labels: { a: 'x'.repeat(bigquery.query.maxRequestBytes) },
    });
    expect(status).toBe(413);
  });

  it('none of them where they are turned off', async () => {
    await using free = await startBigQuery({ limits: false });
    const other = await free.newDataset();
    await free.client.query(`CREATE TABLE ${other.id}.games (id INT64)`);
    expect(await failures(Array.from({ length: 30 }, (_, index) => free.client.query(`INSERT ${other.id}.games VALUES (${index})`)))).toEqual([]);
  });
});
