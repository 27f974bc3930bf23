// Load and copy jobs: files of this machine, uploaded at once and in pieces, and objects of Cloud Storage.
// https://docs.cloud.google.com/bigquery/docs/batch-loading-data
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Dataset, JobLoadMetadata } from '@google-cloud/bigquery';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { failureOf, finishJob, projectId, rowsOf, startBigQuery, type Json, type TestServer } from './support/bigquery-server.ts';
import { startFakeGcs, type FakeGcs } from './support/fake-gcs.ts';
import { fakeGcsMissing } from './support/installed-tools.ts';
import { emulatorMissing } from './support/missing.ts';

const schema = {
  fields: [
    { name: 'id', type: 'INTEGER', mode: 'REQUIRED' },
    { name: 'day', type: 'DATE' },
    { name: 'points', type: 'FLOAT' },
    { name: 'name', type: 'STRING' },
  ],
};
const lines = '{"id": 1, "day": "2024-01-01", "points": 1.5, "name": "a"}\n{"id": 2, "day": "2024-01-02", "name": null}\n';
const rows = [
  { id: 1, day: { value: '2024-01-01' }, points: 1.5, name: 'a' },
  { id: 2, day: { value: '2024-01-02' }, points: null, name: null },
];

const writeParquetFile = async (path: string, select: string): Promise<void> => {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(`COPY (${select}) TO '${path}' (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
};

describe.skipIf(emulatorMissing !== undefined)(emulatorMissing ?? 'BigQuery: loads and copies', () => {
  let server: TestServer;
  let dataset: Dataset;
  let folder: string;
  beforeAll(async () => {
    server = await startBigQuery();
    folder = await mkdtemp(join(tmpdir(), 'floodgate-loads-'));
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    if (folder !== undefined) await rm(folder, { recursive: true });
  });
  beforeEach(async () => {
    dataset = await server.newDataset();
  });
  const load = async (name: string, content: string | undefined, metadata: JobLoadMetadata, table = 'games'): Promise<Json> => {
    const path = join(folder, name);
    if (content !== undefined) await writeFile(path, content);
    return await finishJob((await dataset.table(table).createLoadJob(path, metadata))[0]);
  };
  const contents = async (table = 'games', columns = '*'): Promise<readonly Json[]> =>
    await rowsOf(server.client, `SELECT ${columns} FROM ${dataset.id}.${table} ORDER BY 1`);

  describe('of files, through the client', () => {
    // https://docs.cloud.google.com/bigquery/docs/loading-data-cloud-storage-json
    it('JSON lines make a table and tell what they read', async () => {
      const job = await load('rows.json', lines, { sourceFormat: 'NEWLINE_DELIMITED_JSON', schema, timePartitioning: { type: 'DAY', field: 'day' } });
      expect(job).toMatchObject({
        status: { state: 'DONE' },
        statistics: { load: { inputFiles: '1', inputFileBytes: String(lines.length), outputRows: '2' } },
      });
      expect(await contents()).toEqual(rows);
      expect((await dataset.table('games').getMetadata())[0]).toMatchObject({
        schema: { fields: schema.fields },
        timePartitioning: { field: 'day' },
        numRows: '2',
      });
      expect(await failureOf(load('bad.json', '{"id": 3, "colour": "red"}\n', { sourceFormat: 'NEWLINE_DELIMITED_JSON' }))).toMatchObject({
        reason: 'invalid',
        message: expect.stringContaining('colour'),
      });
      await load('more.json', '{"id": 3, "colour": "red"}\n', { sourceFormat: 'NEWLINE_DELIMITED_JSON', ignoreUnknownValues: true });
      expect(await contents()).toHaveLength(3);
    });

    // https://docs.cloud.google.com/bigquery/docs/loading-data-cloud-storage-csv
    it('CSV with a header, quotes, NULLs by a marker, and another delimiter', async () => {
      const csv = { sourceFormat: 'CSV', schema, skipLeadingRows: 1, nullMarker: String.raw`\N` } as unknown as JobLoadMetadata;
      await load('rows.csv', 'id,day,points,name\n1,2024-01-01,1.5,a\n2,2024-01-02,\\N,\\N\n', csv);
      expect(await contents()).toEqual(rows);
      await load('quoted.csv', '3|2024-01-03|3|"x ""y"" | z\nnext line"\n', { sourceFormat: 'CSV', fieldDelimiter: '|', allowQuotedNewlines: true });
      expect((await contents()).at(-1)).toMatchObject({ id: 3, name: 'x "y" | z\nnext line' });
    });

    // https://docs.cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet
    it('Parquet brings its own schema', async () => {
      const path = join(folder, 'rows.parquet');
      await writeParquetFile(
        path,
        "SELECT 1::BIGINT id, DATE '2024-01-01' AS \"day\", 1.5::DOUBLE points, 'a' AS name, [1::BIGINT, 2] xs, TIMESTAMPTZ '2024-01-01 00:00:00.5+00' ts, true ok UNION ALL SELECT 2, DATE '2024-01-02', NULL, NULL, [], NULL, false",
      );
      await load('rows.parquet', undefined, { sourceFormat: 'PARQUET' });
      expect(await contents('games', 'id, day, points, name')).toEqual(rows);
      expect((await dataset.table('games').getMetadata())[0].schema.fields.map(({ type }: { type: string }) => type)).toEqual([
        'INTEGER',
        'DATE',
        'FLOAT',
        'STRING',
        expect.stringMatching(/INTEGER|RECORD/),
        'TIMESTAMP',
        'BOOLEAN',
      ]);
    });

    // https://docs.cloud.google.com/bigquery/docs/schema-detect
    it('without a schema one is detected', async () => {
      await load('detected.csv', 'id,day,ok\n1,2024-01-01,true\n2,2024-01-02,false\n', {
        sourceFormat: 'CSV',
        autodetect: true,
        skipLeadingRows: 1,
      });
      expect((await dataset.table('games').getMetadata())[0].schema.fields).toMatchObject([
        { name: 'id', type: 'INTEGER' },
        { name: 'day', type: 'DATE' },
        { name: 'ok', type: 'BOOLEAN' },
      ]);
      expect(await contents('games', 'id, ok')).toEqual([
        { id: 1, ok: true },
        { id: 2, ok: false },
      ]);
    });

    it('a bad row is named, and nothing of its file is there; some may be allowed', async () => {
      const bad = `${lines}{"id": "x"}\n{"day": "2024-01-01"}\n`;
      expect(await failureOf(load('bad.json', bad, { sourceFormat: 'NEWLINE_DELIMITED_JSON', schema }))).toMatchObject({ reason: 'invalid' });
      expect(await dataset.table('games').exists()).toEqual([false]);
      await load('bad.json', bad, { sourceFormat: 'NEWLINE_DELIMITED_JSON', schema, maxBadRecords: 2 });
      expect(await contents()).toEqual(rows);
    });

    it('appended, replaced, or refused by the table as the disposition says; into one partition, too', async () => {
      const json = { sourceFormat: 'NEWLINE_DELIMITED_JSON', schema, timePartitioning: { type: 'DAY', field: 'day' } } as const;
      await load('rows.json', lines, json);
      expect(await failureOf(load('rows.json', lines, { ...json, writeDisposition: 'WRITE_EMPTY' }))).toMatchObject({ reason: 'duplicate' });
      await load('rows.json', lines, { ...json, writeDisposition: 'WRITE_TRUNCATE' });
      expect(await contents()).toHaveLength(2);
      await load(
        'one.json',
        '{"id": 7, "day": "2024-01-01"}\n',
        { sourceFormat: 'NEWLINE_DELIMITED_JSON', writeDisposition: 'WRITE_TRUNCATE' },
        'games$20240101',
      );
      expect((await contents()).map(({ id }) => id)).toEqual([2, 7]);
    });

    it('written as a stream', async () => {
      const stream = dataset.table('games').createWriteStream({ sourceFormat: 'NEWLINE_DELIMITED_JSON', schema });
      const done = new Promise((resolve, reject) => {
        stream.on('complete', resolve).on('error', reject);
      });
      await pipeline(Readable.from(lines.split(/(?<=\n)/)), stream);
      await done;
      expect(await contents()).toEqual(rows);
    });
  });

  // https://docs.cloud.google.com/bigquery/docs/reference/api-uploads#resumable
  it('a file comes in pieces, and goes on where it was cut off', async () => {
    const start = await fetch(`${server.url}/upload/bigquery/v2/projects/${projectId}/jobs?uploadType=resumable`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        jobReference: { projectId, jobId: `upload_${dataset.id}` },
        configuration: { load: { destinationTable: { projectId, datasetId: dataset.id, tableId: 'games' }, sourceFormat: 'NEWLINE_DELIMITED_JSON', schema } },
      }),
    });
    const location = start.headers.get('location') ?? '';
    const put = (from: number, to: number | undefined) =>
      fetch(location, {
        method: 'PUT',
        headers: { 'content-range': to === undefined ? `bytes */${lines.length}` : `bytes ${from}-${to - 1}/${lines.length}` },
        body: to === undefined ? '' : lines.slice(from, to),
      });
    const first = await put(0, 40);
    expect([first.status, first.headers.get('range')]).toEqual([308, 'bytes=0-39']);
    // What was sent twice, or past a gap, isn't taken; whoever doesn't know asks.
    expect((await put(60, lines.length)).headers.get('range')).toBe('bytes=0-39');
    expect((await put(0, undefined)).headers.get('range')).toBe('bytes=0-39');
    expect((await put(40, lines.length)).status).toBe(200);
    const job = server.client.job(`upload_${dataset.id}`);
    await expect.poll(async () => (await job.getMetadata())[0].status).toEqual({ state: 'DONE' });
    expect(await contents()).toEqual(rows);
  });

  // https://docs.cloud.google.com/bigquery/docs/managing-tables#copy-table
  describe('copies', () => {
    const copy = async (from: string, to: string, metadata: object = {}): Promise<Json> =>
      await finishJob((await dataset.table(from).createCopyJob(dataset.table(to), metadata))[0]);
    beforeEach(async () => {
      await load('rows.json', lines, { sourceFormat: 'NEWLINE_DELIMITED_JSON', schema, timePartitioning: { type: 'DAY', field: 'day' } });
    });

    it('take rows, schema and partitioning along, under an id of the caller', async () => {
      await copy('games', 'kept', { jobId: `copy_${dataset.id}` });
      expect(await contents('kept')).toEqual(rows);
      expect((await dataset.table('kept').getMetadata())[0]).toMatchObject({
        timePartitioning: { field: 'day' },
        schema: { fields: [{ mode: 'REQUIRED' }, {}, {}, {}] },
      });
      expect(await failureOf(copy('games', 'other', { jobId: `copy_${dataset.id}` }))).toMatchObject({ code: 409 });
      expect((await server.client.job(`copy_${dataset.id}`).getMetadata())[0]).toMatchObject({ configuration: { jobType: 'COPY' }, status: { state: 'DONE' } });
    });

    it('of several tables, of a partition, into what is there', async () => {
      await copy('games', 'kept');
      expect(await failureOf(copy('games', 'kept', { writeDisposition: 'WRITE_EMPTY' }))).toMatchObject({ reason: 'duplicate' });
      await copy('games$20240101', 'kept', { writeDisposition: 'WRITE_APPEND' });
      expect((await contents('kept')).map(({ id }) => id)).toEqual([1, 1, 2]);
      await copy('games$20240102', 'kept$20240102', { writeDisposition: 'WRITE_TRUNCATE' });
      expect((await contents('kept')).map(({ id }) => id)).toEqual([1, 1, 2]);
      expect(await failureOf(copy('none', 'x'))).toMatchObject({ reason: 'notFound' });
    });

    // https://docs.cloud.google.com/bigquery/docs/table-snapshots-create
    it('as snapshots, which are read and not written', async () => {
      await copy('games', 'frozen', { operationType: 'SNAPSHOT' });
      await server.client.query(`DELETE ${dataset.id}.games WHERE TRUE`);
      expect(await contents('frozen')).toEqual(rows);
      expect((await dataset.table('frozen').getMetadata())[0]).toMatchObject({ type: 'SNAPSHOT' });
      expect(await failureOf(server.client.query(`DELETE ${dataset.id}.frozen WHERE TRUE`))).toMatchObject({ code: 400 });
    });
  });
});

const gcsMissing = emulatorMissing ?? (await fakeGcsMissing());

describe.skipIf(gcsMissing !== undefined)(gcsMissing ?? 'BigQuery: loads from Cloud Storage', () => {
  let server: TestServer;
  let storage: FakeGcs;
  let dataset: Dataset;
  let folder: string;
  beforeAll(async () => {
    // The first run compiles the storage server.
    storage = await startFakeGcs();
    server = await startBigQuery({ storageHost: storage.host });
    folder = await mkdtemp(join(tmpdir(), 'floodgate-loads-'));
    dataset = await server.newDataset();
    await storage.createBucket('nba');
  }, 300_000);
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await storage?.[Symbol.asyncDispose]();
    if (folder !== undefined) await rm(folder, { recursive: true });
  });
  const load = async (tableId: string, sourceUris: readonly string[], more: object): Promise<Json> => {
    const [job] = await server.client.createJob({
      configuration: { load: { sourceUris: [...sourceUris], destinationTable: { projectId, datasetId: dataset.id ?? '', tableId }, ...more } },
    });
    return await finishJob(job);
  };
  const contents = (table: string): Promise<readonly Json[]> => rowsOf(server.client, `SELECT * FROM ${dataset.id}.${table} ORDER BY 1`);

  it('of one object, and of all that a wildcard meets, compressed or not', async () => {
    const [first = '', second = ''] = lines.split(/(?<=\n)/);
    await storage.put('nba', 'raw/2024/a.json', first);
    await storage.put('nba', 'raw/2024/b.json', gzipSync(second));
    await storage.put('nba', 'raw/2023/z.json', '{"id": 99}\n');
    await load('one', ['gs://nba/raw/2024/a.json'], { sourceFormat: 'NEWLINE_DELIMITED_JSON', schema });
    expect(await contents('one')).toEqual(rows.slice(0, 1));
    const { statistics } = await load('all', ['gs://nba/raw/2024/*.json'], { sourceFormat: 'NEWLINE_DELIMITED_JSON', schema });
    expect(statistics.load).toMatchObject({ inputFiles: '2', outputRows: '2' });
    expect(await contents('all')).toEqual(rows);
  });

  it('of CSV and Parquet', async () => {
    await storage.put('nba', 'rows.csv', '1,2024-01-01,1.5,a\n');
    const path = join(folder, 'rows.parquet');
    await writeParquetFile(path, 'SELECT 2::BIGINT id, DATE \'2024-01-02\' AS "day", NULL::DOUBLE AS points, NULL::VARCHAR AS name');
    await storage.put('nba', 'rows.parquet', await readFile(path));
    await load('mixed', ['gs://nba/rows.csv'], { sourceFormat: 'CSV', schema });
    await load('mixed', ['gs://nba/rows.parquet'], { sourceFormat: 'PARQUET' });
    expect(await contents('mixed')).toEqual(rows);
  });

  it('of objects that are not there they fail, and make nothing', async () => {
    expect(await failureOf(load('none', ['gs://nba/nothing.json'], { sourceFormat: 'NEWLINE_DELIMITED_JSON', schema }))).toMatchObject({
      reason: 'notFound',
      message: 'Not found: URI gs://nba/nothing.json',
    });
    expect(await failureOf(load('none', ['gs://nba/nothing/*'], { sourceFormat: 'NEWLINE_DELIMITED_JSON', schema }))).toMatchObject({ reason: 'notFound' });
    expect(await dataset.table('none').exists()).toEqual([false]);
  });

  it('of a bad line they name the object', async () => {
    await storage.put('nba', 'bad.json', '{"id": 1}\n{"id": \n');
    expect(await failureOf(load('none', ['gs://nba/bad.json'], { sourceFormat: 'NEWLINE_DELIMITED_JSON', schema }))).toMatchObject({
      reason: 'invalid',
      message: expect.stringContaining('gs://nba/bad.json'),
    });
  });
});
