// What is wrong is answered with the HTTP status, reason, place and words of the cloud.
// https://docs.cloud.google.com/bigquery/docs/error-messages
import type { Dataset } from '@google-cloud/bigquery';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failureOf, projectId, startBigQuery, type TestServer } from './support/bigquery-server.ts';
import { emulatorMissing } from './support/missing.ts';

describe.skipIf(emulatorMissing !== undefined)(emulatorMissing ?? 'BigQuery: errors', () => {
  let server: TestServer;
  let dataset: Dataset;
  beforeAll(async () => {
    server = await startBigQuery();
    dataset = await server.newDataset();
    await server.client.query(`CREATE TABLE ${dataset.id}.games (id INT64, day DATE, name STRING) PARTITION BY day`);
    await server.client.query(`INSERT ${dataset.id}.games VALUES (1, '2024-01-01', 'x')`);
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  const inTheWordsOf = (text: string): string => text.replaceAll('{d}', dataset.id ?? '').replaceAll('{p}', projectId);
  const cases: readonly (readonly [sql: string, code: number, reason: string, message: RegExp])[] = [
    // Found by the parser and the analyzer, with line and column.
    ['SELECT FORM x', 400, 'invalidQuery', /^Syntax error: Unexpected identifier "x" at \[1:13\]$|^Unrecognized name: FORM at \[1:8\]$/],
    ['SELEC 1', 400, 'invalidQuery', /^Syntax error: Unexpected identifier "SELEC" at \[1:1\]$/],
    ['SELECT 1 FROM', 400, 'invalidQuery', /^Syntax error: Unexpected end of script|^Syntax error: Unexpected end of statement at \[1:14\]$/],
    ['SELECT\n  id,\n  colour\nFROM {d}.games', 400, 'invalidQuery', /^Unrecognized name: colour at \[3:3\]$/],
    ['SELECT nmae FROM {d}.games', 400, 'invalidQuery', /^Unrecognized name: nmae; Did you mean name\? at \[1:8\]$/],
    ['SELECT NO_SUCH(1)', 400, 'invalidQuery', /^Function not found: NO_SUCH at \[1:8\]$/],
    ['SELECT id + name FROM {d}.games', 400, 'invalidQuery', /^No matching signature for operator \+/],
    [
      'SELECT id, COUNT(*) FROM {d}.games',
      400,
      'invalidQuery',
      /^SELECT list expression references column id which is neither grouped nor aggregated at \[1:8\]$/,
    ],
    [
      "INSERT {d}.games (id) VALUES ('x')",
      400,
      'invalidQuery',
      /^Value has type STRING which cannot be inserted into column id, which has type INT64 at \[1:\d+\]$/,
    ],
    ['UPDATE {d}.games SET id = 1', 400, 'invalidQuery', /WHERE/],
    ['CREATE TABLE {d}.games (id INT64)', 409, 'duplicate', /^Already Exists: Table {p}:{d}\.games/],
    // Tables and datasets that are not there.
    ['SELECT * FROM {d}.nothing', 404, 'notFound', /^Not found: Table {p}:{d}\.nothing was not found in location US/],
    ['SELECT * FROM nowhere.games', 404, 'notFound', /^Not found: Dataset {p}:nowhere was not found in location US/],
    ['DELETE {d}.nothing WHERE TRUE', 404, 'notFound', /^Not found: Table {p}:{d}\.nothing/],
    ['DROP TABLE {d}.nothing', 404, 'notFound', /^Not found: Table {p}:{d}\.nothing/],
    ['SELECT * FROM games', 400, 'invalid', /^Table "games" must be qualified with a dataset \(e\.g\. dataset\.table\)/],
    // Found while it runs. The words are not the cloud's own everywhere.
    ['SELECT 1 / (id - 1) FROM {d}.games', 400, 'invalidQuery', /^division by zero/],
    ['SELECT CAST(name AS INT64) FROM {d}.games', 400, 'invalidQuery', /^bad int64 value: x/i],
    ["SELECT PARSE_DATE('%F', name) FROM {d}.games", 400, 'invalidQuery', /parse .*string "x"/],
    [
      'SELECT (SELECT x FROM UNNEST([id, 2]) x) FROM {d}.games',
      400,
      'invalidQuery',
      /^(Scalar subquery produced more than one element|More than one row returned by a subquery)/,
    ],
    ["SELECT ERROR('no games') FROM {d}.games", 400, 'invalidQuery', /^no games$/],
    ['SELECT [1, 2][OFFSET(id + 5)] FROM {d}.games', 400, 'invalidQuery', /^Array index .*is out of bounds/i],
    ['SELECT 9223372036854775807 + id FROM {d}.games', 400, 'invalidQuery', /overflow.*9223372036854775807 \+ 1/i],
    ["ASSERT (SELECT COUNT(*) FROM {d}.games) = 7 AS 'seven games'", 400, 'invalidQuery', /^(Assertion failed: )?seven games/],
    // What this server can't do is said by name instead of guessed.
    ['SELECT ST_GEOGPOINT(1, 2)', 501, 'notImplemented', /GEOGRAPHY|ST_GEOGPOINT/i],
    ['EXECUTE IMMEDIATE "SELECT 1"', 501, 'notImplemented', /EXECUTE IMMEDIATE/],
    ["EXPORT DATA OPTIONS (uri = 'gs://b/*.csv', format = 'CSV') AS SELECT 1", 501, 'notImplemented', /EXPORT/i],
    ['CREATE VIEW {d}.v AS SELECT 1 AS a', 501, 'notImplemented', /VIEW/i],
    ['SELECT * FROM {d}.games FOR SYSTEM_TIME AS OF CURRENT_TIMESTAMP()', 501, 'notImplemented', /cannot be parsed/],
  ];

  it.each(cases)('%s', async (sql, code, reason, message) => {
    const text = inTheWordsOf(sql);
    const expected = { code, reason, message: expect.stringMatching(new RegExp(inTheWordsOf(message.source), message.flags)) };
    // Of jobs.query at once; of a job when its results are asked for, and in its status.
    expect(await failureOf(server.client.query(text))).toMatchObject(expected);
    // The client gives what it finds in a job's status no code.
    const outcome = await failureOf(server.client.createQueryJob({ query: text }).then(([job]) => job.getQueryResults()));
    expect(outcome).toMatchObject({ reason, message: expected.message });
  });

  it('a job that failed tells its error in its status, and is DONE', async () => {
    const [job] = await server.client.createQueryJob(`SELECT 1 / (id - 1) FROM ${dataset.id}.games`);
    await failureOf(job.getQueryResults());
    const [{ status }] = await job.getMetadata();
    expect(status).toMatchObject({
      state: 'DONE',
      errorResult: { reason: 'invalidQuery', location: 'query', message: expect.stringMatching(/^division by zero/) },
    });
    expect(status.errors).toMatchObject([status.errorResult]);
  });

  it('the body has code, status and a list of errors; an error of the SQL lies in `q`', async () => {
    const { status, body } = await server.call('POST', '/queries', { query: 'SELEC 1', useLegacySql: false });
    expect(status).toBe(400);
    expect(body).toEqual({
      error: {
        code: 400,
        status: 'INVALID_ARGUMENT',
        message: 'Syntax error: Unexpected identifier "SELEC" at [1:1]',
        errors: [
          {
            domain: 'global',
            reason: 'invalidQuery',
            location: 'q',
            locationType: 'parameter',
            message: 'Syntax error: Unexpected identifier "SELEC" at [1:1]',
          },
        ],
      },
    });
  });

  it.each([
    ['a body that is no JSON', 'POST', '/queries', '{', 400, 'parseError'],
    ['a query that is missing', 'POST', '/queries', { useLegacySql: false }, 400, 'required'],
    ['a job without work', 'POST', '/jobs', { configuration: {} }, 400, 'required'],
    [
      'a job id with a blank',
      'POST',
      '/jobs',
      { jobReference: { projectId, jobId: 'a b' }, configuration: { query: { query: 'SELECT 1', useLegacySql: false } } },
      400,
      'invalid',
    ],
    ['a label in capitals', 'POST', '/jobs', { configuration: { query: { query: 'SELECT 1', useLegacySql: false }, labels: { Task: 'a' } } }, 400, 'invalid'],
    ['a job that is not there', 'GET', '/jobs/none', undefined, 404, 'notFound'],
    ['legacy SQL', 'POST', '/queries', { query: 'SELECT 1' }, 501, 'notImplemented'],
    ['a field that nobody knows', 'POST', '/queries', { query: 'SELECT 1', useLegacySql: false, colour: 'red' }, 501, 'notImplemented'],
    [
      'an option that is not honoured',
      'POST',
      '/jobs',
      { configuration: { query: { query: 'SELECT 1', useLegacySql: false, schemaUpdateOptions: ['ALLOW_FIELD_ADDITION'] } } },
      501,
      'notImplemented',
    ],
    ['an extract job', 'POST', '/jobs', { configuration: { extract: { destinationUris: ['gs://b/o'] } } }, 501, 'notImplemented'],
    ['models', 'GET', '/datasets/nba_1/models', undefined, 501, 'notImplemented'],
    ['routines', 'GET', '/datasets/nba_1/routines', undefined, 501, 'notImplemented'],
    ['a service beyond BigQuery', 'GET', '//storage/v1/b', undefined, 501, 'notImplemented'],
  ] as const)('%s', async (_what, method, path, sent, status, reason) => {
    const answer = await server.call(method, path, sent);
    expect([answer.status, answer.body.error.errors[0].reason]).toEqual([status, reason]);
    if (status === 501) expect(answer.body.error.message).toMatch(/does not implement \S/);
  });

  it('a table of a name that no table can have is refused', async () => {
    expect(await failureOf(dataset.createTable('a/b', { schema: 'a' }))).toMatchObject({ code: 400, reason: 'invalid' });
    expect(await failureOf(dataset.createTable('a', { schema: [{ name: 'a', type: 'COLOUR' }] }))).toMatchObject({ code: 400, reason: 'invalid' });
  });
});
