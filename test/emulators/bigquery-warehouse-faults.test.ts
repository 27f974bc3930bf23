// What a warehouse behind a network has to stand: lost answers, jobs that never end, quotas, several processes at once, tables
// that somebody else has touched. Faults by the emulator's control endpoint, docs/bigquery-emulator.md.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import type { StageJob, StagedDate, TableSpec, Warehouse } from '@floodgate/core/ports/warehouse.ts';
import { committedRows, commit, day, entryOf, errorOf, fill, game, gamesTable, never, stageRows, stageSelect } from '../contract/warehouse/fixture.ts';
import { stagingPrefix } from '@floodgate/sql/googlesql/names.ts';
import { rowsOf, startBigQuery, type TestServer } from './support/bigquery-server.ts';
import { bigQuerySettings, openWarehouse } from './support/bigquery-warehouse.ts';
import { describeWithEmulators } from './support/requirements.ts';

describeWithEmulators('BigQuery warehouse: faults', ['bigquery'], () => {
  let server: TestServer;
  let warehouse: Warehouse;
  const open = (): Warehouse => openWarehouse(bigQuerySettings(server));
  const fault = (match: object, effect: object, when: object = { times: 1 }): Promise<unknown> =>
    server.control('POST', '/faults/jobs', { match, when, effect });
  const executed = async (idContains: string): Promise<number> =>
    ((await server.control('GET', '/jobs')) as { jobs: { jobId: string; parentJobId?: string }[] }).jobs.filter(
      ({ jobId, parentJobId }) => parentJobId === undefined && jobId.includes(idContains),
    ).length;

  beforeAll(async () => {
    server = await startBigQuery();
    for (const dataset of ['nba', 'staging']) await server.client.createDataset(dataset, { location: 'US' });
  }, 60_000);
  afterAll(() => server?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    await server.control('DELETE', '/faults');
    await server.control('PATCH', '/settings', { streamingBufferMs: 0 });
    warehouse = open();
  });

  const prepared = async (): Promise<TableSpec> => {
    const target = gamesTable();
    await warehouse.prepareTable(target, never);
    return target;
  };
  const staged = async (rows = [game(day(1), 'a')]): Promise<{ target: TableSpec; of: ReadonlyMap<ReturnType<typeof day>, StagedDate> }> => {
    const target = await prepared();
    return { target, of: await stageRows(warehouse, target, 's', [day(1)], rows) };
  };
  const select = (id: string): string => `SELECT '${id}' AS game_id, @start_date AS game_date, 1 AS points, 1.5 AS pace`;
  const selectJob = (target: TableSpec, id = 'a'): StageJob => ({
    jobId: `stage_${target.table.replace('.', '_')}`,
    target,
    staging: 's',
    dates: [day(1)],
    body: { kind: 'select', sql: select(id), sources: [] },
    labels: {},
  });
  const committing = (target: TableSpec, of: ReadonlyMap<ReturnType<typeof day>, StagedDate>, jobId: string, signal = never) =>
    warehouse.commit({ jobId, target, strategy: 'merge', laneEpoch: 1, entries: [entryOf(day(1), 1, 's', of)], committedAt: 1_704_000_000_000 }, signal);

  it.each(['reset', '503'])('a commit whose answer is lost (%s) is done once, and answers', async (loseAnswer) => {
    const { target, of } = await staged();
    await fault({ jobIdContains: `lost_${loseAnswer}` }, { loseAnswer });
    expect(await committing(target, of, `lost_${loseAnswer}`)).toMatchObject([{ date: day(1), generation: 1, outcome: 'committed' }]);
    expect(await committedRows(warehouse, target)).toEqual([game(day(1), 'a')]);
    expect(await warehouse.jobState(`lost_${loseAnswer}`, never)).toBe('succeeded');
  });

  it('a commit that is sent again by another process after its answer was lost changes nothing', async () => {
    const { target, of } = await staged();
    const first = await committing(target, of, 'twice');
    warehouse = open();
    expect(await committing(target, of, 'twice')).toEqual(first);
    expect(await committedRows(warehouse, target)).toEqual([game(day(1), 'a')]);
  });

  it('a staging whose answer is lost is not computed twice', async () => {
    const target = await prepared();
    const job = selectJob(target);
    await fault({ jobIdContains: job.jobId }, { loseAnswer: 'reset' });
    expect((await warehouse.stage(job, never)).get(day(1))?.rows).toBe(1);
    expect(await executed(job.jobId)).toBe(1);
  });

  it('a staging job of another process is attached to while it runs, and once it is done', async () => {
    const target = await prepared();
    const job = selectJob(target);
    await fault({ jobIdContains: job.jobId }, { runMs: 700 });
    const other = open();
    const first = warehouse.stage(job, never);
    while ((await other.jobState(job.jobId, never)) !== 'running') await new Promise(setImmediate);
    const second = other.stage(job, never);
    expect(await second).toEqual(await first);
    expect(await open().stage(job, never)).toEqual(await first);
    expect(await executed(job.jobId)).toBe(1);
  });

  it('an id that other work has had already gets a number', async () => {
    const target = await prepared();
    await warehouse.stage(selectJob(target, 'before the store was lost'), never);
    const again = await open().stage(selectJob(target, 'a'), never);
    await commit(warehouse, target, [entryOf(day(1), 1, 's', again)]);
    expect((await committedRows(warehouse, target)).map(({ game_id: id }) => id)).toEqual(['a']);
    expect(await executed(selectJob(target).jobId)).toBe(2);
  });

  it('a job whose staging is gone counts as absent, and is run again', async () => {
    const target = await prepared();
    const job = selectJob(target);
    const first = await warehouse.stage(job, never);
    await warehouse.dropStaging(target, ['s'], never);
    expect(await open().jobState(job.jobId, never)).toBe('absent');
    expect(await open().stage(job, never)).toEqual(first);
  });

  it('a staging job that never ends is cancelled with whoever waits for it, from any process', async () => {
    const target = await prepared();
    const job = selectJob(target);
    await fault({ jobIdContains: job.jobId }, { hang: true });
    const ended = errorOf(warehouse.stage(job, never));
    const other = open();
    while ((await other.jobState(job.jobId, never)) !== 'running') await new Promise(setImmediate);
    await other.cancelJob(job.jobId, never);
    expect((await ended).code).toBe('cancelled');
    expect(await other.jobState(job.jobId, never)).toBe('failed');
  });

  it('a commit that never ends is rolled back when it is given up, and the fence is free', async () => {
    const { target, of } = await staged();
    await fault({ type: 'STATEMENT', sqlContains: 'COMMIT TRANSACTION' }, { hang: true });
    const stop = new AbortController();
    const ended = errorOf(committing(target, of, 'hangs', stop.signal));
    while ((await warehouse.jobState('hangs', never)) !== 'running') await new Promise(setImmediate);
    stop.abort(new Error('stop'));
    expect((await ended).code).toBe('cancelled');
    expect(await warehouse.readCommitLog(target, 'all', never)).toEqual([]);
    expect(await committedRows(warehouse, target)).toEqual([]);
    await warehouse.fence(target, 2, never);
  });

  it.each([
    ['transaction_conflict', 'invalidQuery', 'Transaction is aborted due to concurrent update against table p:nba.games. Transaction ID: x'],
    [
      'rate_limited',
      'resourcesExceeded',
      'Resources exceeded during query execution: Too many DML statements outstanding against table p:nba.games, limit is 20.',
    ],
    ['rate_limited', 'rateLimitExceeded', 'Exceeded rate limits: too many table dml operations for this table'],
    ['quota_exceeded', 'quotaExceeded', 'Quota exceeded: Your project exceeded quota for free query bytes scanned'],
    ['unavailable', 'backendError', 'Error encountered during execution. Retrying may solve the problem.'],
  ])('a commit that ends in %s (%s) has changed nothing, and can be sent again under its id', async (code, reason, message) => {
    const { target, of } = await staged();
    const jobId = `fails_${target.table.replace('.', '_')}`;
    await fault({ type: 'STATEMENT', sqlContains: 'MERGE' }, { error: { reason, message } });
    expect((await errorOf(committing(target, of, jobId))).code).toBe(code);
    expect(await warehouse.readCommitLog(target, 'all', never)).toEqual([]);
    expect(await warehouse.jobState(jobId, never)).toBe('failed');
    await committing(target, of, jobId);
    expect(await committedRows(warehouse, target)).toEqual([game(day(1), 'a')]);
  });

  it('calls that are refused for a moment are repeated', async () => {
    const { target, of } = await staged();
    await server.control('POST', '/faults/calls', {
      match: { method: 'POST' },
      when: { times: 2 },
      effect: { error: { reason: 'rateLimitExceeded', message: 'Exceeded rate limits' } },
    });
    await server.control('POST', '/faults/calls', { match: { method: 'GET' }, when: { times: 2 }, effect: { reset: true } });
    expect(await committing(target, of, 'refused_for_a_moment')).toHaveLength(1);
  });

  it('a rival that commits between the reading of the log and the transaction is seen', async () => {
    const { target, of } = await staged();
    await stageRows(warehouse, target, 'rival', [day(1)], [game(day(1), 'rival')]);
    await fault({ jobIdContains: 'overtaken' }, { queueMs: 900 });
    const slow = committing(target, of, 'overtaken');
    while ((await warehouse.jobState('overtaken', never)) !== 'running') await new Promise(setImmediate);
    const rival = await stageRows(warehouse, target, 'newer', [day(1)], [game(day(1), 'newer')]);
    const [newer] = await commit(open(), target, [entryOf(day(1), 5, 'newer', rival)]);
    expect(await slow).toEqual([newer]);
    expect((await committedRows(warehouse, target)).map(({ game_id: id }) => id)).toEqual(['newer']);
  });

  it('rows that somebody put into a date by hand go with its next commit, keys that are there twice too', async () => {
    const target = await prepared();
    await fill(warehouse, target, day(1), 1, [game(day(1), 'a')]);
    await rowsOf(server.client, `INSERT ${target.table} (game_id, game_date, points) VALUES ('a', '2024-01-01', 7), ('by hand', '2024-01-01', 8)`);
    await fill(warehouse, target, day(1), 2, [game(day(1), 'a', 99)]);
    expect(await committedRows(warehouse, target)).toEqual([game(day(1), 'a', 99)]);
  });

  it('rows that are not those that were audited are not committed, though there are as many', async () => {
    const target = await prepared();
    const of = await stageRows(warehouse, target, 's', [day(1), day(2)], [game(day(1), 'a'), game(day(2), 'b'), game(day(2), 'c')]);
    await rowsOf(server.client, `UPDATE staging.\`${target.table.replace('.', '-')}-s\` SET game_date = '2024-01-01' WHERE game_id = 'b'`);
    expect((await errorOf(commit(warehouse, target, [entryOf(day(1), 1, 's', of), entryOf(day(2), 1, 's', of)]))).code).toBe('contract_broken');
    expect(await committedRows(warehouse, target)).toEqual([]);
  });

  it('a date that has not changed is not logged either where its staging is gone', async () => {
    const { target, of } = await staged();
    const [first] = await commit(warehouse, target, [entryOf(day(1), 1, 's', of)]);
    await warehouse.dropStaging(target, ['s'], never);
    expect(await errorOf(commit(warehouse, target, [entryOf(day(1), 2, 's', of)]))).toMatchObject({ code: 'staging_missing', missing: ['s'] });
    expect(await warehouse.readCommitLog(target, 'all', never)).toEqual([first]);
  });

  it('rows in the streaming buffer are named as what is in the way', async () => {
    const { target, of } = await staged();
    await server.control('PATCH', '/settings', { streamingBufferMs: 1_800_000 });
    await server.client
      .dataset('nba')
      .table(target.table.slice(4))
      .insert([{ game_id: 'streamed', game_date: '2024-01-01' }]);
    expect((await errorOf(committing(target, of, 'streamed'))).code).toBe('streaming_buffer');
  });

  it.each<[string, JsonObject, RegExp]>([
    ['another partition column', { timePartitioning: { type: 'DAY', field: 'other' } }, /partitioned by game_date, by day: found other, by day/],
    ['months', { timePartitioning: { type: 'MONTH', field: 'game_date' } }, /found game_date, by month/],
    ['no partitions', {}, /found no partitions/],
  ])('a table with %s is refused in words', async (_, more, message) => {
    const target = gamesTable();
    const schema = [
      { name: 'game_id', type: 'STRING', mode: 'REQUIRED' },
      { name: 'game_date', type: 'DATE', mode: 'REQUIRED' },
      { name: 'other', type: 'DATE' },
    ];
    await server.client.dataset('nba').createTable(target.table.slice(4), { schema, ...more });
    const error = await errorOf(warehouse.prepareTable(target, never));
    expect([error.code, error.message]).toEqual(['schema_mismatch', expect.stringMatching(message)]);
  });

  it('a dataset that is missing or lies elsewhere is told with what to do', async () => {
    const target = { ...gamesTable(), table: 'nowhere.games' };
    expect(await errorOf(warehouse.prepareTable(target, never))).toMatchObject({
      code: 'schema_mismatch',
      message: expect.stringContaining('no dataset nowhere'),
      hint: expect.stringContaining('bq --location=US mk'),
    });
    const elsewhere = openWarehouse(bigQuerySettings(server, { location: 'EU' }));
    expect(await errorOf(elsewhere.prepareTable(gamesTable(), never))).toMatchObject({
      code: 'location_mismatch',
      message: expect.stringContaining('lies in US, jobs run in EU'),
    });
    const there = await prepared();
    const refused = { code: 'location_mismatch', message: `the table ${there.table} lies in US, jobs run in EU`, hint: expect.stringContaining('to US') };
    expect(await errorOf(elsewhere.prepareTable(there, never))).toMatchObject(refused);
    expect(await errorOf(elsewhere.inspectTable(there, never))).toMatchObject(refused);
  });

  it('partitions that would expire before they are read are refused with both numbers', async () => {
    const target = await prepared();
    const table = server.client.dataset('nba').table(target.table.slice(4));
    await table.setMetadata({ timePartitioning: { type: 'DAY', field: 'game_date', expirationMs: String(30 * 86_400_000) } });
    const error = await errorOf(stageSelect(open(), target, 's', [day(1)], select('a')));
    expect([error.code, error.message]).toEqual(['schema_mismatch', expect.stringMatching(/expire after 30 days, and 2024-01-01 is \d+ days old/)]);
  });

  it('rows that were loaded for a staging that did not come to be stand for it, and go with it', async () => {
    const target = await prepared();
    const loaded = (name: string) =>
      server.client.dataset(bigQuerySettings(server).stagingDataset).createTable(`${stagingPrefix(target.table)}${name}-rows`, { schema: 'n:INT64' });
    await loaded('half_1');
    await loaded('whole_1');
    await stageRows(warehouse, target, 'whole_1', [day(1)], []);
    expect(await warehouse.listStaging(target, never)).toEqual(['half_1', 'whole_1']);
    await warehouse.dropStaging(target, ['half_1', 'whole_1'], never);
    // Of the other one the staging is gone first, and the rows the next time.
    expect(await warehouse.listStaging(target, never)).toEqual(['whole_1']);
    await warehouse.dropStaging(target, ['whole_1'], never);
    expect(await warehouse.listStaging(target, never)).toEqual([]);
  });

  it('what a statement would read is not known while a table of it is not there', async () => {
    const target = await prepared();
    expect(await warehouse.estimateBytes(`SELECT points FROM ${target.table}`, { dialect: 'googlesql', maxRows: 0 }, never)).toBe(0);
    expect(await warehouse.estimateBytes('SELECT points FROM nba.nobody_made_this', { dialect: 'googlesql', maxRows: 0 }, never)).toBeUndefined();
  });

  it('every job says what it is for, and those of a backfill whose they are', async () => {
    const labels = { backfill: 'nba-1', processor: 'games' };
    const known = new Set((await server.client.getJobs({ maxResults: 10_000, projection: 'full' }))[0].map(({ id }) => id));
    const target = await prepared();
    const of = await warehouse.stage({ ...selectJob(target), labels }, never);
    const rows = (async function* () {
      yield game(day(2), 'b');
    })();
    await warehouse.stage({ ...selectJob(target), jobId: 'labelled_rows', staging: 'r', dates: [day(2)], body: { kind: 'rows', rows }, labels }, never);
    const checks = [{ id: 'filled', check: { type: 'not_null', columns: ['points'], minRatio: 1 } }] as const;
    await warehouse.runChecks({ target, subject: { staging: 's' }, dates: [day(1)], sources: [], checks, labels }, never);
    const entries = [entryOf(day(1), 1, 's', of)];
    await warehouse.commit({ jobId: 'labelled', target, strategy: 'merge', laneEpoch: 1, entries, committedAt: 1_704_000_000_000, labels }, never);
    await warehouse.readCommitLog(target, 'all', never);
    await warehouse.fence(target, 2, never);
    await warehouse.readStaging(target, 's', day(1), 1, never);
    await warehouse.preserveStaging(target, 's', day(1), 'kept', never);
    await warehouse.query(`SELECT COUNT(*) AS n FROM ${target.table}`, { dialect: 'googlesql', maxRows: 1 }, never);
    const made = (await server.client.getJobs({ maxResults: 10_000, projection: 'full' }))[0].filter(
      ({ id, metadata }) => !known.has(id) && metadata.statistics?.parentJobId === undefined,
    );
    const said = made.map(({ metadata }) => metadata.configuration?.labels as Record<string, string> | undefined);
    expect(said.filter((each) => each?.['floodgate'] === undefined)).toEqual([]);
    const ofBackfill = new Set(said.filter((each) => each?.['backfill'] === 'nba-1' && each['processor'] === 'games').map((each) => each?.['floodgate']));
    expect(ofBackfill).toEqual(new Set(['stage', 'check', 'commit']));
    expect(new Set(said.map((each) => each?.['floodgate']))).toEqual(new Set(['prepare', 'stage', 'check', 'commit', 'log', 'fence', 'preserve', 'query']));
  });

  it('a limit of bytes is held', async () => {
    const target = await prepared();
    await fill(warehouse, target, day(1), 1, [game(day(1), 'a')]);
    const thrifty = openWarehouse(bigQuerySettings(server, { maximumBytesBilled: 1 }));
    const sql = `SELECT game_id, game_date, points, pace FROM ${target.table} WHERE game_date BETWEEN @start_date AND @end_date`;
    expect((await errorOf(stageSelect(thrifty, target, 'costly', [day(1)], sql))).code).toBe('cost_limit_exceeded');
    expect(await thrifty.estimateBytes(`SELECT points FROM ${target.table}`, { dialect: 'googlesql', maxRows: 1 }, never)).toBe(8);
  });
});
