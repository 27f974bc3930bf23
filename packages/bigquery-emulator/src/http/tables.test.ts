// Datasets, tables, rows and media over HTTP, around a faked engine.
import { gzipSync } from 'node:zlib';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { startFakeServer, type FakeServer } from './http.fixture.ts';

const table = (tableId: string, more: object = {}) => ({
  tableReference: { projectId: 'p', datasetId: 'd', tableId },
  schema: {
    fields: [
      { name: 'n', type: 'INT64' },
      { name: 'day', type: 'DATE', mode: 'REQUIRED' },
    ],
  },
  ...more,
});

describe('datasets', () => {
  it('are made, changed, listed and deleted', async () => {
    await using server = await startFakeServer();
    const made = await server.call('POST', '/datasets', { datasetReference: { datasetId: 'e' }, location: 'EU', labels: { a: 'b', c: 'd' }, description: 'x' });
    expect(made.body).toMatchObject({
      kind: 'bigquery#dataset',
      id: 'p:e',
      location: 'EU',
      labels: { a: 'b', c: 'd' },
      description: 'x',
      creationTime: '1700000000000',
    });
    expect((await server.call('POST', '/datasets', { datasetReference: { datasetId: 'e' } })).body.error).toMatchObject({
      code: 409,
      message: 'Already Exists: Dataset p:e',
    });
    const patched = await server.call('PATCH', '/datasets/e', { labels: { a: null, f: 'g' }, description: null }, { 'if-match': made.body.etag });
    expect(patched.body.labels).toEqual({ c: 'd', f: 'g' });
    expect(patched.body).not.toHaveProperty('description');
    expect((await server.call('PATCH', '/datasets/e', { description: 'y' }, { 'if-match': made.body.etag })).status).toBe(412);
    expect((await server.call('GET', '/datasets?filter=labels.f:g')).body.datasets.map(({ id }: { id: string }) => id)).toEqual(['p:e']);
    const page = await server.call('GET', '/datasets?maxResults=1');
    expect((await server.call('GET', `/datasets?maxResults=1&pageToken=${page.body.nextPageToken}`)).body.datasets[0].id).toBe('p:e');
    await server.query('CREATE TABLE e.t');
    expect((await server.call('DELETE', '/datasets/e')).body.error.errors[0].reason).toBe('resourceInUse');
    expect((await server.call('DELETE', '/datasets/e?deleteContents=true')).status).toBe(204);
    expect((await server.call('GET', '/datasets/e')).body.error).toMatchObject({ code: 404, message: 'Not found: Dataset p:e', status: 'NOT_FOUND' });
  });

  it('give their tables an expiration', async () => {
    await using server = await startFakeServer();
    await server.call('PATCH', '/datasets/d', { defaultTableExpirationMs: '3600000' });
    const expires = String(1_700_000_000_000 + 3_600_000);
    expect((await server.call('POST', '/datasets/d/tables', table('t'))).body.expirationTime).toBe(expires);
    await server.query('CREATE TABLE d.u');
    expect((await server.call('GET', '/datasets/d/tables/u')).body.expirationTime).toBe(expires);
  });

  it('refuse by name what they do not know', async () => {
    await using server = await startFakeServer();
    expect((await server.call('PATCH', '/datasets/d', { isCaseInsensitive: true })).body.error).toMatchObject({
      code: 501,
      message: expect.stringContaining('isCaseInsensitive'),
    });
    expect((await server.call('GET', '/datasets/d/routines')).body.error.message).toContain('GET /projects/p/datasets/d/routines');
  });
});

describe('tables', () => {
  it('show their layout, and patches change it', async () => {
    await using server = await startFakeServer();
    const made = await server.call(
      'POST',
      '/datasets/d/tables',
      table('t', {
        timePartitioning: { type: 'DAY', field: 'day', expirationMs: '86400000' },
        clustering: { fields: ['n'] },
        requirePartitionFilter: true,
        labels: { a: 'b' },
      }),
    );
    expect(made.body).toMatchObject({
      id: 'p:d.t',
      type: 'TABLE',
      schema: {
        fields: [
          { name: 'n', type: 'INTEGER', mode: 'NULLABLE' },
          { name: 'day', mode: 'REQUIRED' },
        ],
      },
      timePartitioning: { type: 'DAY', field: 'day', expirationMs: '86400000' },
      clustering: { fields: ['n'] },
      requirePartitionFilter: true,
      labels: { a: 'b' },
      numRows: '0',
      numBytes: '0',
    });
    const patched = await server.call(
      'PATCH',
      '/datasets/d/tables/t',
      { expirationTime: '1800000000000', requirePartitionFilter: false },
      { 'if-match': made.body.etag },
    );
    expect(patched.body).toMatchObject({ expirationTime: '1800000000000', labels: { a: 'b' } });
    expect(patched.body).not.toHaveProperty('requirePartitionFilter');
    expect((await server.call('PATCH', '/datasets/d/tables/t', { expirationTime: null })).body).not.toHaveProperty('expirationTime');
    expect((await server.call('PATCH', '/datasets/d/tables/t', {}, { 'if-match': made.body.etag })).status).toBe(412);
    expect((await server.call('PUT', '/datasets/d/tables/t', table('t'))).body).not.toHaveProperty('labels');
    expect((await server.call('GET', '/datasets/d/tables')).body).toMatchObject({
      totalItems: 1,
      tables: [{ id: 'p:d.t', timePartitioning: { field: 'day' } }],
    });
    expect((await server.call('GET', '/datasets/d/tables/t?view=BASIC&selectedFields=day')).body.schema.fields).toHaveLength(1);
    expect((await server.call('DELETE', '/datasets/d/tables/t')).status).toBe(204);
    expect((await server.call('GET', '/datasets/d/tables/t')).body.error.message).toBe('Not found: Table p:d.t');
  });

  it('refuse partitioning by ingestion time, views and decorators', async () => {
    await using server = await startFakeServer();
    expect((await server.call('POST', '/datasets/d/tables', table('t', { timePartitioning: { type: 'DAY' } }))).body.error.message).toContain('ingestion time');
    expect((await server.call('POST', '/datasets/d/tables', table('t', { view: { query: 'SELECT 1' } }))).body.error).toMatchObject({
      code: 501,
      message: expect.stringContaining('view'),
    });
    expect((await server.call('GET', '/datasets/d/tables/t$20240101')).status).toBe(501);
  });

  it('that are snapshots can be read and not written', async () => {
    await using server = await startFakeServer();
    await server.query('CREATE TABLE d.t');
    await server.query('INSERT d.t 3');
    const copy = { sourceTable: { datasetId: 'd', tableId: 't' }, destinationTable: { datasetId: 'd', tableId: 's' }, operationType: 'SNAPSHOT' };
    await server.call('POST', '/jobs', { jobReference: { jobId: 'j1' }, configuration: { copy } });
    expect((await server.done('j1')).body).toMatchObject({ status: { state: 'DONE' }, statistics: { copy: { copiedRows: '3' } } });
    expect((await server.call('GET', '/datasets/d/tables/s')).body).toMatchObject({
      type: 'SNAPSHOT',
      snapshotDefinition: { baseTableReference: { tableId: 't' } },
    });
    expect((await server.query('INSERT d.s 1')).body.error.message).toContain('is a snapshot');
    expect((await server.query('SELECT FROM d.s')).body.totalRows).toBe('3');
  });
});

describe('rows', () => {
  const insertAll = (server: FakeServer, body: object) => server.call('POST', '/datasets/d/tables/t/insertAll', body);

  it('are streamed once for each insertId, and told apart where they are bad', async () => {
    await using server = await startFakeServer();
    await server.query('CREATE TABLE d.t');
    const rows = [{ insertId: 'a', json: { n: 1 } }, { insertId: 'a', json: { n: 1 } }, { json: { n: 2 } }];
    expect((await insertAll(server, { rows })).body).toEqual({ kind: 'bigquery#tableDataInsertAllResponse' });
    await insertAll(server, { rows: rows.slice(0, 1) });
    expect((await server.call('GET', '/datasets/d/tables/t/data')).body).toMatchObject({
      kind: 'bigquery#tableDataList',
      totalRows: '2',
      rows: [{ f: [{ v: '1' }] }, { f: [{ v: '2' }] }],
    });
    const mixed = [
      { insertId: 'b', json: { n: 3 } },
      { insertId: 'c', json: { n: 'x' } },
    ];
    expect((await insertAll(server, { rows: mixed })).body.insertErrors).toMatchObject([
      { index: 1, errors: [{ reason: 'invalid', location: 'n' }] },
      { index: 0, errors: [{ reason: 'stopped' }] },
    ]);
    // The id of a row that was not written is free again.
    expect((await insertAll(server, { rows: mixed, skipInvalidRows: true })).body.insertErrors).toHaveLength(1);
    server.clock.advance(60_000);
    await insertAll(server, { rows: rows.slice(0, 1) });
    expect((await server.call('GET', '/datasets/d/tables/t/data?startIndex=1&maxResults=2')).body).toMatchObject({
      totalRows: '4',
      rows: [{ f: [{ v: '2' }] }, { f: [{ v: '3' }] }],
    });
    expect((await insertAll(server, { rows: [] })).body.error.message).toBe('No rows present in the request.');
    expect((await insertAll(server, { rows, templateSuffix: '_x' })).body.error.message).toContain('templateSuffix');
  });

  it('in the streaming buffer are shown, where one is set', async () => {
    await using server = await startFakeServer();
    await server.query('CREATE TABLE d.t');
    await server.call('PATCH', '//emulator/v1/settings', { streamingBufferMs: 1_800_000 });
    await insertAll(server, { rows: [{ json: { n: 1 } }] });
    const buffer = async (): Promise<unknown> => (await server.call('GET', '/datasets/d/tables/t')).body.streamingBuffer;
    expect(await buffer()).toMatchObject({ estimatedRows: '1', oldestEntryTime: '1700000000000' });
    server.clock.advance(1_800_000);
    expect(await buffer()).toBeUndefined();
  });
});

describe('load jobs', () => {
  const configuration = (more: object = {}) => ({
    load: { destinationTable: { datasetId: 'd', tableId: 't' }, sourceFormat: 'NEWLINE_DELIMITED_JSON', ...more },
  });
  const job = (jobId: string, more: object = {}) => ({ jobReference: { projectId: 'p', jobId }, configuration: configuration(more) });
  const upload = '//upload/bigquery/v2/projects/p/jobs';

  it('take media in one request', async () => {
    await using server = await startFakeServer();
    const parts = [`--xyz\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(job('j1'))}`, '--xyz\r\ncontent-type: */*\r\n\r\n1\n2\n', '--xyz--'];
    const answer = await server.call('POST', `${upload}?uploadType=multipart`, parts.join('\r\n'), { 'content-type': 'multipart/related; boundary="xyz"' });
    expect(answer.body.jobReference.jobId).toBe('j1');
    expect((await server.done('j1')).body).toMatchObject({
      status: { state: 'DONE' },
      statistics: { load: { inputFiles: '1', inputFileBytes: '4', outputRows: '2' } },
    });
    const broken = await server.call('POST', `${upload}?uploadType=multipart`, '--xyz\r\n\r\n{}', { 'content-type': 'multipart/related; boundary=xyz' });
    expect(broken.body.error.message).toContain('Malformed multipart body');
  });

  it('take media in pieces', async () => {
    await using server = await startFakeServer();
    const started = await server.call('POST', `${upload}?uploadType=resumable`, job('j1'));
    const path = `/${(started.headers.get('location') ?? '').slice(server.url.length)}`;
    const first = await server.call('PUT', path, '1\n2\n', { 'content-range': 'bytes 0-3/*' });
    expect([first.status, first.headers.get('range')]).toEqual([308, 'bytes=0-3']);
    // A piece that came before is not written twice; how far it is can be asked.
    expect((await server.call('PUT', path, '1\n2\n', { 'content-range': 'bytes 0-3/*' })).headers.get('range')).toBe('bytes=0-3');
    expect((await server.call('PUT', path, undefined, { 'content-range': 'bytes */*' })).status).toBe(308);
    const last = await server.call('PUT', path, '3\n', { 'content-range': 'bytes 4-5/6' });
    expect(last.body.jobReference.jobId).toBe('j1');
    expect((await server.done('j1')).body.statistics.load.outputRows).toBe('3');
    expect((await server.call('PUT', path, '3\n')).status).toBe(404);
  });

  it('read objects of a storage emulator, with a wildcard and compressed', async () => {
    const objects: Readonly<Record<string, Buffer>> = {
      'in/a.json': Buffer.from('1\n2\n'),
      'in/b.json': gzipSync('3\n'),
      'in/c.csv': Buffer.from('9\n'),
      'bad.json': Buffer.from('bad'),
    };
    const storage = createServer((request, response) => {
      const url = new URL(request.url ?? '', 'http://x');
      const name = decodeURIComponent(url.pathname.split('/o/')[1] ?? '');
      if (name !== '') return void (objects[name] === undefined ? response.writeHead(404).end() : response.end(objects[name]));
      const prefix = url.searchParams.get('prefix') ?? '';
      response.end(
        JSON.stringify({
          items: Object.keys(objects)
            .filter((key) => key.startsWith(prefix))
            .map((key) => ({ name: key })),
        }),
      );
    }).listen(0);
    await using server = await startFakeServer({ storageHost: `localhost:${(storage.address() as AddressInfo).port}` });
    try {
      await server.call('POST', '/jobs', job('j1', { sourceUris: ['gs://bucket/in/*.json'] }));
      expect((await server.done('j1')).body.statistics.load).toMatchObject({ inputFiles: '2', outputRows: '3' });
      await server.call('POST', '/jobs', job('j2', { sourceUris: ['gs://bucket/none/*'] }));
      expect((await server.done('j2')).body.status.errorResult).toEqual({ reason: 'notFound', message: 'Not found: URI gs://bucket/none/*' });
      await server.call('POST', '/jobs', job('j3', { sourceUris: ['gs://bucket/bad.json'] }));
      expect((await server.done('j3')).body.status.errorResult.message).toBe('Error while reading data: row 1 of gs://bucket/bad.json');
    } finally {
      storage.close();
    }
  });

  it('without a storage emulator are refused by name', async () => {
    await using server = await startFakeServer();
    await server.call('POST', '/jobs', job('j1', { sourceUris: ['gs://bucket/a'] }));
    expect((await server.done('j1')).body.status.errorResult).toMatchObject({
      reason: 'notImplemented',
      message: expect.stringContaining('STORAGE_EMULATOR_HOST'),
    });
    expect((await server.call('POST', '/jobs', job('j2', { sourceUris: ['gs://b/a'], sourceFormat: 'AVRO' }))).body.error.message).toContain('AVRO');
  });
});
