// MERGE in its generality, what DML tells of itself, scripts, and transactions with their conflicts.
// https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax
import type { Dataset } from '@google-cloud/bigquery';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { failureOf, rowsOf, runJob, startBigQuery, type TestServer } from './support/bigquery-server.ts';
import { emulatorMissing } from './support/missing.ts';

describe.skipIf(emulatorMissing !== undefined)(emulatorMissing ?? 'BigQuery: DML, scripts, transactions', () => {
  let server: TestServer;
  let dataset: Dataset;
  let t: string;
  let s: string;
  beforeAll(async () => {
    server = await startBigQuery();
  });
  afterAll(() => server?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    dataset = await server.newDataset();
    [t, s] = [`${dataset.id}.target`, `${dataset.id}.staged`];
    await server.client.query(`CREATE TABLE ${t} (day DATE, id INT64, points FLOAT64) PARTITION BY day`);
    await server.client.query(`CREATE TABLE ${s} (day DATE, id INT64, points FLOAT64)`);
    await server.client.query(`INSERT ${t} VALUES ('2024-01-01', 1, 1), ('2024-01-01', 2, 2), ('2024-01-02', 3, 3), ('2024-01-03', 4, 4)`);
    await server.client.query(`INSERT ${s} VALUES ('2024-01-01', 1, 10), ('2024-01-02', 5, 50)`);
  });
  const contents = async (table = t): Promise<readonly string[]> =>
    (
      await rowsOf(
        server.client,
        `SELECT CONCAT(CAST(id AS STRING), ' ', CAST(day AS STRING), ' ', CAST(points AS STRING)) line FROM ${table} ORDER BY id, points`,
      )
    ).map(({ line }) => line);
  /** Inserted, updated, deleted, and their sum, as the job tells them. */
  const countsOf = async (query: string): Promise<readonly number[]> => {
    const { metadata } = await runJob(server.client, { query });
    const { dmlStats, numDmlAffectedRows } = metadata.statistics.query;
    return [dmlStats.insertedRowCount, dmlStats.updatedRowCount, dmlStats.deletedRowCount, numDmlAffectedRows].map(Number);
  };

  // https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/Job#DmlStats
  it('statements count what they insert, update and delete', async () => {
    expect(await countsOf(`INSERT ${t} (day, id) SELECT day, id + 100 FROM ${s}`)).toEqual([2, 0, 0, 2]);
    expect(await countsOf(`UPDATE ${t} SET points = points + 1 WHERE id < 3`)).toEqual([0, 2, 0, 2]);
    expect(await countsOf(`UPDATE ${t} t SET points = s.points FROM ${s} s WHERE t.id = s.id`)).toEqual([0, 1, 0, 1]);
    expect(await countsOf(`DELETE FROM ${t} WHERE id IN (SELECT id + 100 FROM ${s})`)).toEqual([0, 0, 2, 2]);
    expect(await countsOf(`UPDATE ${t} SET points = 0 WHERE FALSE`)).toEqual([0, 0, 0, 0]);
    expect(await contents()).toEqual(['1 2024-01-01 10', '2 2024-01-01 3', '3 2024-01-02 3', '4 2024-01-03 4']);
    await server.client.query(`TRUNCATE TABLE ${t}`);
    expect(await contents()).toEqual([]);
  });

  // https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax#merge_statement
  describe('MERGE', () => {
    it('takes its alias for no table, while somebody makes and drops one of that name and dataset', async () => {
      const defaultDataset = { datasetId: dataset.id };
      const merge = 'MERGE target t USING (SELECT * FROM staged) s ON t.id = s.id WHEN NOT MATCHED THEN INSERT ROW';
      const others = ['CREATE TABLE t (x INT64)', 'INSERT t VALUES (1)', 'CREATE OR REPLACE TABLE t AS SELECT 1 AS id', 'DROP TABLE t'];
      let isDone = false;
      const other = async (): Promise<void> => {
        while (!isDone) for (const query of others) await server.call('POST', '/queries', { query, useLegacySql: false, defaultDataset });
      };
      const client = async (): Promise<readonly unknown[]> => {
        const answers: unknown[] = [];
        for (let count = 0; count < 6; count += 1) {
          const query = count % 2 === 0 ? merge : `${merge} -- ${Math.random()}`;
          answers.push((await server.call('POST', '/queries', { query, useLegacySql: false, defaultDataset })).body.error?.message);
        }
        return answers;
      };
      const [, answers] = await Promise.all([other(), Promise.all(Array.from({ length: 4 }, client)).finally(() => (isDone = true))]);
      expect(answers.flat()).toEqual(Array.from({ length: 24 }, () => undefined));
    });

    it('takes a query as its source, literal dates in ON, and many WHENs of which the first that holds acts', async () => {
      expect(
        await countsOf(`MERGE INTO ${t} AS t
          USING (SELECT day, id, SUM(points) AS points FROM ${s} GROUP BY day, id) AS s
          ON t.id = s.id AND t.day IN (DATE '2024-01-01', DATE '2024-01-02')
          WHEN MATCHED AND s.points > 1000 THEN DELETE
          WHEN MATCHED AND t.points < s.points THEN UPDATE SET points = s.points, day = t.day
          WHEN MATCHED THEN DELETE
          WHEN NOT MATCHED BY TARGET AND s.id = 77 THEN INSERT (id) VALUES (0)
          WHEN NOT MATCHED BY TARGET THEN INSERT (day, id, points) VALUES (s.day, s.id, s.points * 2)
          WHEN NOT MATCHED BY SOURCE AND t.day = '2024-01-02' THEN UPDATE SET points = -1
          WHEN NOT MATCHED BY SOURCE AND t.day IN ('2024-01-01', '2024-01-02') THEN DELETE`),
      ).toEqual([1, 2, 1, 4]);
      expect(await contents()).toEqual(['1 2024-01-01 10', '3 2024-01-02 -1', '4 2024-01-03 4', '5 2024-01-02 100']);
    });

    it('ON FALSE replaces the partitions that a condition names; INSERT ROW takes every column by place', async () => {
      expect(
        await countsOf(`MERGE ${t} t USING ${s} s ON FALSE
          WHEN NOT MATCHED BY SOURCE AND t.day IN ('2024-01-01', '2024-01-02') THEN DELETE
          WHEN NOT MATCHED THEN INSERT ROW`),
      ).toEqual([2, 0, 3, 5]);
      expect(await contents()).toEqual(['1 2024-01-01 10', '4 2024-01-03 4', '5 2024-01-02 50']);
    });

    it('refuses two source rows for a target row, and leaves it alone', async () => {
      await server.client.query(`INSERT ${s} VALUES ('2024-01-01', 1, 11)`);
      const merge = (when: string): string => `MERGE ${t} t USING ${s} s ON t.id = s.id ${when}`;
      for (const when of ['WHEN MATCHED THEN UPDATE SET points = s.points', 'WHEN MATCHED THEN DELETE'])
        expect(await failureOf(server.client.query(merge(when)))).toMatchObject({
          code: 400,
          reason: 'invalidQuery',
          message: 'UPDATE/MERGE must match at most one source row for each target row',
        });
      expect(await contents()).toHaveLength(4);
      expect(await countsOf(merge("WHEN NOT MATCHED THEN INSERT (day, id) VALUES ('2024-05-05', s.id)"))).toEqual([1, 0, 0, 1]);
    });

    it('takes two lines of one source that both are new', async () => {
      await server.client.query(`INSERT ${s} VALUES ('2024-01-02', 5, 51)`);
      expect(await countsOf(`MERGE ${t} t USING ${s} s ON t.id = s.id WHEN NOT MATCHED THEN INSERT ROW`)).toEqual([2, 0, 0, 2]);
    });

    it('is refused where it reads a row twice by name, or a WHEN comes out of its place', async () => {
      expect(await failureOf(server.client.query(`MERGE ${t} t USING ${s} s ON t.id = s.id WHEN NOT MATCHED THEN DELETE`))).toMatchObject({
        code: 400,
        reason: 'invalidQuery',
      });
      expect(await failureOf(server.client.query(`MERGE ${t} t USING ${s} s ON id = 1 WHEN MATCHED THEN DELETE`))).toMatchObject({
        code: 400,
        message: expect.stringMatching(/^Column name id is ambiguous at \[1:\d+\]$/),
      });
    });

    it('takes parameters', async () => {
      const [job] = await server.client.createQueryJob({
        query: `MERGE ${t} t USING (SELECT * FROM ${s} WHERE day IN UNNEST(@days)) s ON t.id = s.id AND t.day IN UNNEST(@days)
          WHEN MATCHED THEN UPDATE SET points = @points WHEN NOT MATCHED BY SOURCE AND t.day IN UNNEST(@days) THEN DELETE`,
        params: { days: [server.client.date('2024-01-01')], points: 7.5 },
      });
      await job.getQueryResults();
      expect(await contents()).toEqual(['1 2024-01-01 7.5', '3 2024-01-02 3', '4 2024-01-03 4']);
    });
  });

  // https://docs.cloud.google.com/bigquery/docs/multi-statement-queries
  describe('scripts', () => {
    it('run each statement as a child job, and end with the rows of the last SELECT', async () => {
      const { job, rows, metadata } = await runJob(server.client, {
        query: `INSERT ${t} VALUES ('2024-01-04', 6, 6);\n\nDELETE ${t} WHERE id > 3;\nSELECT COUNT(*) AS n FROM ${t};`,
        labels: { task: 'script' },
      });
      expect(rows).toEqual([{ n: 3 }]);
      expect(metadata.statistics).toMatchObject({ numChildJobs: '3', query: { statementType: 'SCRIPT' } });
      const [children] = await server.client.getJobs({ parentJobId: job.id ?? '' });
      const described = await Promise.all(children.map(async (child) => (await child.getMetadata())[0]));
      expect(described.toReversed()).toMatchObject([
        {
          statistics: {
            parentJobId: job.id,
            query: { statementType: 'INSERT', numDmlAffectedRows: '1' },
            scriptStatistics: { evaluationKind: 'STATEMENT', stackFrames: [{ startLine: 1, startColumn: 1 }] },
          },
        },
        { statistics: { query: { statementType: 'DELETE', numDmlAffectedRows: '2' }, scriptStatistics: { stackFrames: [{ startLine: 3 }] } } },
        { statistics: { query: { statementType: 'SELECT' } } },
      ]);
      // https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/jobs/list: children are told only to whoever asks for them.
      expect((await server.client.getJobs({ maxResults: 1, autoPaginate: false }))[0].map(({ id }) => id)).toEqual([job.id]);
    });

    it('stop at the first error, keep what was done before it, and say where it stands', async () => {
      const failure = await failureOf(server.client.query(`DELETE ${t} WHERE id = 1;\nSELECT 1 /\n  (id - 2) FROM ${t};\nDELETE ${t} WHERE TRUE;`));
      expect(failure).toMatchObject({ code: 400, reason: 'invalidQuery', message: expect.stringMatching(/^Query error: division by zero.* at \[2:1\]$/) });
      expect(await contents()).toHaveLength(3);
    });

    it('are looked through for errors of syntax before anything runs', async () => {
      expect(await failureOf(server.client.query(`DELETE ${t} WHERE TRUE;\nSELEC 1;`))).toMatchObject({
        code: 400,
        message: expect.stringMatching(/^Syntax error: .*\[2:1\]$/),
      });
      expect(await contents()).toHaveLength(4);
    });

    it('see the tables that they make', async () => {
      await server.client.query(`CREATE TABLE ${dataset.id}.made AS SELECT 1 AS a; INSERT ${dataset.id}.made VALUES (2); DROP TABLE ${s};`);
      expect(await rowsOf(server.client, `SELECT SUM(a) a FROM ${dataset.id}.made`)).toEqual([{ a: 3 }]);
      expect(await dataset.table('staged').exists()).toEqual([false]);
    });

    // https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/system-variables
    it('know by @@row_count what the last DML statement changed', async () => {
      expect(await rowsOf(server.client, `UPDATE ${t} SET points = 0 WHERE id < 4; SELECT @@row_count AS n;`)).toEqual([{ n: 3 }]);
    });

    // https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/debugging-statements#assert
    it('stop at an ASSERT that does not hold', async () => {
      await server.client.query(`ASSERT (SELECT COUNT(*) FROM ${t}) = 4; ASSERT EXISTS (SELECT 1 FROM ${s}) AS 'staged';`);
      expect(
        await failureOf(server.client.query(`UPDATE ${t} SET points = 0 WHERE FALSE; ASSERT @@row_count = 1 AS 'the fence has moved'; DELETE ${t} WHERE TRUE`)),
      ).toMatchObject({
        code: 400,
        reason: 'invalidQuery',
        message: expect.stringContaining('the fence has moved'),
      });
      expect(await contents()).toHaveLength(4);
    });
  });

  // https://docs.cloud.google.com/bigquery/docs/transactions
  describe('transactions', () => {
    const hold = (marker: string, runMs: number) =>
      server.control('POST', '/faults/jobs', { match: { type: 'STATEMENT', sqlContains: marker }, effect: { runMs } });
    const outcomeOf = (call: Promise<unknown>): Promise<string> =>
      call.then(
        () => 'committed',
        (error: Error) => error.message,
      );

    it('commit all of their tables or none', async () => {
      const script = (end: string): string => `BEGIN TRANSACTION; DELETE ${t} WHERE id < 3; INSERT ${s} VALUES ('2024-02-02', 9, 9); ${end};`;
      for (const end of ['ROLLBACK TRANSACTION', 'SELECT 1']) await server.client.query(script(end));
      expect(await failureOf(server.client.query(script('SELECT 1 / 0; COMMIT TRANSACTION')))).toMatchObject({ code: 400, reason: 'invalidQuery' });
      expect([await contents(), await contents(s)].map(({ length }) => length)).toEqual([4, 2]);
      await server.client.query(script('COMMIT TRANSACTION'));
      expect([await contents(), await contents(s)].map(({ length }) => length)).toEqual([2, 3]);
    });

    it('see what they have changed, and nobody else does before they commit', async () => {
      const marker = `'held ${dataset.id}'`;
      await hold(marker, 400);
      const script = runJob(server.client, {
        query: `BEGIN TRANSACTION; DELETE ${t} WHERE TRUE; SELECT ${marker}; COMMIT TRANSACTION; SELECT COUNT(*) AS n FROM ${t};`,
      });
      await expect
        .poll(async () =>
          (await server.control('GET', '/jobs')).jobs.some((job: { sql?: string; state: string }) => job.sql === `SELECT ${marker}` && job.state === 'RUNNING'),
        )
        .toBe(true);
      expect(await contents()).toHaveLength(4);
      expect((await script).rows).toEqual([{ n: 0 }]);
    });

    it('name their transaction in each child job', async () => {
      const { job } = await runJob(server.client, { query: `BEGIN TRANSACTION; DELETE ${t} WHERE id = 1; COMMIT TRANSACTION;` });
      const [children] = await server.client.getJobs({ parentJobId: job.id ?? '' });
      const ids = await Promise.all(children.map(async (child) => (await child.getMetadata())[0].statistics.transactionInfo?.transactionId));
      expect(new Set(ids).size).toBe(1);
      expect(ids[0]).toMatch(/./);
    });

    // https://docs.cloud.google.com/bigquery/docs/transactions#transaction_concurrency
    it('of two that change one table, the later is told that it lost', async () => {
      const marker = `'both ${dataset.id}'`;
      await hold(marker, 300);
      const script = (id: number): string =>
        `BEGIN TRANSACTION; SELECT ${marker}; UPDATE ${t} SET points = ${id}00 WHERE id = ${id}; SELECT ${marker}; COMMIT TRANSACTION;`;
      const outcomes = await Promise.all([1, 4].map((id) => outcomeOf(server.client.query(script(id)))));
      expect(outcomes.toSorted((a, b) => a.length - b.length)).toEqual([
        'committed',
        expect.stringMatching(/Transaction is aborted due to concurrent update against table .*target\. Transaction ID: \S+ at \[1:\d+\]$/),
      ]);
      expect((await contents()).filter((line) => line.endsWith('00'))).toHaveLength(1);
    });

    it('of two that insert, or read what the other changes, both commit', async () => {
      const marker = `'insert ${dataset.id}'`;
      await hold(marker, 200);
      const insert = (id: number): string =>
        `BEGIN TRANSACTION; SELECT ${marker}; INSERT ${t} VALUES ('2024-03-03', ${id}, 0); SELECT ${marker}; COMMIT TRANSACTION;`;
      const read = `BEGIN TRANSACTION; SELECT COUNT(*) FROM ${t}; SELECT ${marker}; INSERT ${s} SELECT * FROM ${t} WHERE id = 1; COMMIT TRANSACTION;`;
      expect(await Promise.all([insert(20), insert(21), read].map((sql) => outcomeOf(server.client.query(sql))))).toEqual([
        'committed',
        'committed',
        'committed',
      ]);
      expect(await contents()).toHaveLength(6);
    });

    it('make no tables, and are not nested', async () => {
      expect(await failureOf(server.client.query(`BEGIN TRANSACTION; CREATE TABLE ${dataset.id}.made (a INT64); COMMIT TRANSACTION`))).toMatchObject({
        code: 400,
        reason: 'invalidQuery',
      });
      expect(await failureOf(server.client.query('BEGIN TRANSACTION; BEGIN TRANSACTION; COMMIT TRANSACTION'))).toMatchObject({
        code: 400,
        reason: 'invalidQuery',
      });
      expect(await failureOf(server.client.query('COMMIT TRANSACTION'))).toMatchObject({ code: 400, reason: 'invalidQuery' });
      expect(await dataset.table('made').exists()).toEqual([false]);
    });
  });
});
