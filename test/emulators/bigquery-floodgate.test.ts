// What Floodgate itself does on BigQuery: rows are staged by a query job under an id of ours, and committed by MERGE with
// literal dates in a transaction with the commit log, behind a fence that lets only the newest generation through.
// docs/architecture.md; https://docs.cloud.google.com/bigquery/docs/transactions
import type { Dataset } from '@google-cloud/bigquery';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { failureOf, rowsOf, runJob, startBigQuery, type TestServer } from './support/bigquery-server.ts';
import { emulatorMissing } from './support/missing.ts';

const dates = ['2024-01-14', '2024-01-17'];
const literals = dates.map((date) => `DATE '${date}'`).join(', ');

describe.skipIf(emulatorMissing !== undefined)(emulatorMissing ?? 'BigQuery: stage, commit, fence', () => {
  let server: TestServer;
  let dataset: Dataset;
  let target: string;
  let log: string;
  beforeAll(async () => {
    server = await startBigQuery();
  });
  afterAll(() => server?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    await server.control('DELETE', '/faults');
    dataset = await server.newDataset();
    target = `${dataset.id}.team_games`;
    log = `${dataset.id}._floodgate_commits_team_games`;
    await server.client.query(`
      CREATE TABLE IF NOT EXISTS ${target} (game_id STRING NOT NULL, game_date DATE NOT NULL, points INT64, _row_hash STRING, _generation INT64, processed_at TIMESTAMP)
        PARTITION BY game_date CLUSTER BY game_id OPTIONS (require_partition_filter = TRUE);
      CREATE TABLE IF NOT EXISTS ${log} (\`date\` DATE, generation INT64 NOT NULL, content_hash STRING NOT NULL, row_count INT64 NOT NULL, committed_at TIMESTAMP NOT NULL, outcome STRING NOT NULL);
      MERGE ${log} t USING (SELECT 1) ON t.\`date\` IS NULL
        WHEN NOT MATCHED THEN INSERT (\`date\`, generation, content_hash, row_count, committed_at, outcome) VALUES (NULL, 0, '', 0, TIMESTAMP '1970-01-01 00:00:00+00', 'fence');`);
    await server.client.query(
      `INSERT ${target} SELECT CONCAT('old', CAST(n AS STRING)), day, n, 'h', 1, CURRENT_TIMESTAMP() FROM UNNEST([DATE '2024-01-13', DATE '2024-01-14', DATE '2024-01-17']) day, UNNEST([1, 2]) n`,
    );
  });

  const stage = async (name: string, generation: number): Promise<void> => {
    await runJob(server.client, {
      // Rows of the task's dates, with a hash of each.
      query: `SELECT CONCAT('g', CAST(n AS STRING)) AS game_id, day AS game_date, n * @factor AS points, TO_HEX(SHA256(CONCAT(CAST(day AS STRING), '|', CAST(n AS STRING)))) AS _row_hash, ${generation} AS _generation
        FROM UNNEST(@dates) AS day, UNNEST([2, 3]) AS n`,
      params: { dates: dates.map((date) => server.client.date(date)), factor: generation },
      jobId: `stage_${dataset.id}_${name}`,
      destination: dataset.table(`_staged_${name}`),
      writeDisposition: 'WRITE_TRUNCATE',
      labels: { floodgate: 'stage' },
    });
    await dataset.table(`_staged_${name}`).setMetadata({ expirationTime: String(server.clock.now() + 86_400_000) });
  };
  const commit = (name: string, generation: number): string => `
    BEGIN TRANSACTION;
    UPDATE ${log} SET generation = @generation WHERE \`date\` IS NULL AND generation <= @generation;
    ASSERT @@row_count = 1 AS 'fenced out';
    MERGE ${target} AS t USING (SELECT * FROM ${dataset.id}._staged_${name} WHERE game_date IN (${literals})) AS s
      ON t.game_date IN (${literals}) AND t.game_date = s.game_date AND t.game_id = s.game_id
      WHEN MATCHED AND t._row_hash <> s._row_hash THEN UPDATE SET points = s.points, _row_hash = s._row_hash, _generation = s._generation, processed_at = CURRENT_TIMESTAMP()
      WHEN NOT MATCHED BY TARGET THEN INSERT (game_id, game_date, points, _row_hash, _generation, processed_at) VALUES (game_id, game_date, points, _row_hash, _generation, CURRENT_TIMESTAMP())
      WHEN NOT MATCHED BY SOURCE AND t.game_date IN (${literals}) THEN DELETE;
    DELETE ${log} WHERE \`date\` IN (${literals});
    INSERT ${log} (\`date\`, generation, content_hash, row_count, committed_at, outcome)
      SELECT game_date, ${generation}, TO_HEX(SHA256(STRING_AGG(_row_hash, '' ORDER BY _row_hash))), COUNT(*), CURRENT_TIMESTAMP(), 'committed'
      FROM ${dataset.id}._staged_${name} GROUP BY game_date;
    COMMIT TRANSACTION;`;
  const submit = async (name: string, generation: number, jobId = `commit_${dataset.id}_${name}`): Promise<void> => {
    const [job] = await server.client.createQueryJob({ query: commit(name, generation), params: { generation }, jobId, labels: { floodgate: 'commit' } });
    await job.getQueryResults();
  };
  const rows = async (): Promise<readonly string[]> =>
    (
      await rowsOf(
        server.client,
        `SELECT CONCAT(CAST(game_date AS STRING), ' ', game_id, ' ', CAST(points AS STRING), ' ', CAST(_generation AS STRING)) r FROM ${target} WHERE game_date >= '2020-01-01' ORDER BY 1`,
      )
    ).map(({ r }) => r as string);
  const logged = async (): Promise<unknown> =>
    await rowsOf(server.client, `SELECT CAST(\`date\` AS STRING) \`date\`, generation, row_count FROM ${log} ORDER BY 1`);

  it('a commit replaces its dates and no others, with the log, all at once', async () => {
    await stage('a', 7);
    await submit('a', 7);
    expect(await rows()).toEqual(['2024-01-13 old1 1 1', '2024-01-13 old2 2 1', ...dates.flatMap((date) => [`${date} g2 14 7`, `${date} g3 21 7`])]);
    expect(await logged()).toEqual([{ date: null, generation: 7, row_count: 0 }, ...dates.map((date) => ({ date, generation: 7, row_count: 2 }))]);
    // The counts of the whole script, as the job tells them: the fence; 4 new rows and 4 old; 2 lines of the log.
    const [{ statistics }] = await server.client.job(`commit_${dataset.id}_a`).getMetadata();
    expect(statistics.query.dmlStats).toEqual({ insertedRowCount: '6', updatedRowCount: '1', deletedRowCount: '4' });
    expect((await dataset.table('_staged_a').getMetadata())[0]).toMatchObject({ numRows: '4', expirationTime: expect.stringMatching(/^\d+$/) });
  });

  it('rows that have not changed are left as they are', async () => {
    await stage('a', 7);
    await submit('a', 7);
    await stage('b', 8);
    await submit('b', 8);
    // The hash leaves the points out.
    expect((await rows()).slice(2)).toEqual(dates.flatMap((date) => [`${date} g2 14 7`, `${date} g3 21 7`]));
    expect(await logged()).toMatchObject([{ generation: 8 }, { generation: 8 }, { generation: 8 }]);
  });

  it('an older generation is fenced out and writes nothing', async () => {
    await Promise.all([stage('old', 5), stage('new', 6)]);
    await submit('new', 6);
    const before = [await rows(), await logged()];
    expect(await failureOf(submit('old', 5))).toMatchObject({ reason: 'invalidQuery', message: expect.stringContaining('fenced out') });
    expect([await rows(), await logged()]).toEqual(before);
  });

  it('of two lanes that race for the fence one commits, and the other learns it and tries again or gives up', async () => {
    await Promise.all([stage('a', 5), stage('b', 6)]);
    // Both are past BEGIN before either writes.
    await server.control('POST', '/faults/jobs', { match: { type: 'STATEMENT', sqlContains: `UPDATE ${log}` }, effect: { runMs: 300 } });
    const race = (suffix: string) =>
      Promise.all(
        [['a', 5] as const, ['b', 6] as const].map(([name, generation]) =>
          submit(name, generation, `race_${suffix}_${dataset.id}_${name}`).then(
            () => 'committed',
            (error: Error) => error.message,
          ),
        ),
      );
    const outcomes = await race('1');
    expect(outcomes.filter((outcome) => outcome === 'committed')).toHaveLength(1);
    expect(outcomes.find((outcome) => outcome !== 'committed')).toMatch(
      /Transaction is aborted due to concurrent update against table .*_floodgate_commits_team_games/,
    );
    const winner = outcomes[0] === 'committed' ? 5 : 6;
    expect(await logged()).toEqual([{ date: null, generation: winner, row_count: 0 }, ...dates.map((date) => ({ date, generation: winner, row_count: 2 }))]);
    expect((await rows()).slice(2).every((row) => row.endsWith(` ${winner}`))).toBe(true);
    // Again: the newer one gets through whatever happened before, and then the older one never.
    await server.control('DELETE', '/faults');
    await submit('b', 6, `again_${dataset.id}_b`);
    expect(await failureOf(submit('a', 5, `again_${dataset.id}_a`))).toMatchObject({ message: expect.stringContaining('fenced out') });
    expect(await logged()).toMatchObject([{ generation: 6 }, { generation: 6 }, { generation: 6 }]);
  });

  it('whoever lost the answer to a commit finds the job by its id, and can not commit twice', async () => {
    await stage('a', 7);
    await server.control('POST', '/faults/jobs', { match: { jobIdContains: `commit_${dataset.id}` }, when: { times: 1 }, effect: { loseAnswer: 'reset' } });
    await failureOf(submit('a', 7));
    expect(await failureOf(submit('a', 7))).toMatchObject({ code: 409, reason: 'duplicate' });
    expect((await server.client.job(`commit_${dataset.id}_a`).getMetadata())[0].status).toEqual({ state: 'DONE' });
    expect((await logged()) as object[]).toHaveLength(3);
  });

  it('a commit that is cancelled in its midst is rolled back, and the fence is free', async () => {
    await stage('a', 7);
    await server.control('POST', '/faults/jobs', { match: { type: 'STATEMENT', sqlContains: 'COMMIT' }, when: { times: 1 }, effect: { hang: true } });
    const before = [await rows(), await logged()];
    const [job] = await server.client.createQueryJob({ query: commit('a', 7), params: { generation: 7 }, jobId: `commit_${dataset.id}_a` });
    await expect
      .poll(
        async () =>
          (await server.control('GET', '/jobs')).jobs.filter(
            (child: { parentJobId?: string; state: string }) => child.parentJobId === job.id && child.state === 'DONE',
          ).length,
      )
      .toBe(6);
    await job.cancel();
    expect(await failureOf(job.getQueryResults())).toMatchObject({ reason: 'stopped' });
    expect([await rows(), await logged()]).toEqual(before);
    await submit('a', 7, `again_${dataset.id}`);
    expect(await rows()).not.toEqual(before[0]);
  });
});
