// Datasets, tables and their rows as the REST API has them, through the official client.
import type { Dataset, TableMetadata } from '@google-cloud/bigquery';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { failureOf, projectId, rowsOf, startBigQuery, type TestServer } from './support/bigquery-server.ts';
import { emulatorMissing } from './support/missing.ts';

const schema = [
  { name: 'id', type: 'INT64', mode: 'REQUIRED' },
  { name: 'day', type: 'DATE', mode: 'REQUIRED' },
  { name: 'points', type: 'FLOAT64' },
];
const byDay: TableMetadata = { schema, timePartitioning: { type: 'DAY', field: 'day' }, clustering: { fields: ['id'] } };

describe.skipIf(emulatorMissing !== undefined)(emulatorMissing ?? 'BigQuery: datasets and tables', () => {
  let server: TestServer;
  let dataset: Dataset;
  let datasetId: string;
  beforeAll(async () => {
    server = await startBigQuery();
  });
  afterAll(() => server?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    dataset = await server.newDataset();
    datasetId = dataset.id ?? '';
  });

  it('changes of one table at the same time are made one after the other, and none takes another back', async () => {
    const [table] = await dataset.createTable('busy', byDay);
    const keys = Array.from({ length: 20 }, (_, index) => `key_${index}`);
    const path = `/datasets/${datasetId}/tables/busy`;
    const answers = await Promise.all(keys.map((key) => server.call('PATCH', path, { labels: { [key]: 'x' } })));
    expect(answers.map(({ status }) => status)).toEqual(keys.map(() => 200));
    expect(Object.keys((await table.getMetadata())[0].labels).toSorted()).toEqual(keys.toSorted());
    const ofDataset = await Promise.all(keys.map((key) => server.call('PATCH', `/datasets/${datasetId}`, { labels: { [key]: 'x' } })));
    expect(ofDataset.map(({ status }) => status)).toEqual(keys.map(() => 200));
    expect(Object.keys((await dataset.getMetadata())[0].labels).toSorted()).toEqual(keys.toSorted());
    const { etag } = (await table.getMetadata())[0];
    const conditional = await Promise.all(keys.map((key) => server.call('PATCH', path, { description: key }, { 'if-match': etag })));
    expect(conditional.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, ...keys.slice(1).map(() => 412)]);
  });

  // https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/datasets
  describe('datasets', () => {
    it('are made, listed, changed and deleted', async () => {
      const [made] = await dataset.getMetadata();
      expect(made).toMatchObject({
        kind: 'bigquery#dataset',
        id: `${projectId}:${datasetId}`,
        datasetReference: { projectId, datasetId },
        location: 'US',
        etag: expect.stringMatching(/./),
        creationTime: expect.stringMatching(/^\d{13}$/),
      });
      const [datasets] = await server.client.getDatasets();
      expect(datasets.map(({ id }) => id)).toContain(datasetId);
      await dataset.setMetadata({ description: 'games', labels: { season: '2024' } });
      const [changed] = await dataset.getMetadata();
      expect(changed).toMatchObject({ description: 'games', labels: { season: '2024' } });
      expect(changed.etag).not.toBe(made.etag);
      await dataset.delete();
      expect(await dataset.exists()).toEqual([false]);
    });

    it('of a name that is taken, and with tables in them, are refused', async () => {
      // https://docs.cloud.google.com/bigquery/docs/error-messages: duplicate 409, resourceInUse 400
      expect(await failureOf(server.client.createDataset(datasetId))).toMatchObject({
        code: 409,
        reason: 'duplicate',
        message: `Already Exists: Dataset ${projectId}:${datasetId}`,
      });
      await dataset.createTable('games', { schema });
      expect(await failureOf(dataset.delete())).toMatchObject({ code: 400, reason: 'resourceInUse', message: expect.stringContaining('still in use') });
      await dataset.delete({ force: true });
      expect(await failureOf(dataset.getMetadata())).toMatchObject({ code: 404, reason: 'notFound', message: `Not found: Dataset ${projectId}:${datasetId}` });
    });

    it('lend their tables a life time', async () => {
      await dataset.setMetadata({ defaultTableExpirationMs: '3600000' });
      const [{ metadata }] = (await dataset.createTable('games', { schema })) as unknown as [{ metadata: { creationTime: string; expirationTime: string } }];
      expect(Math.abs(Number(metadata.expirationTime) - Number(metadata.creationTime) - 3_600_000)).toBeLessThan(2_000);
    });
  });

  // https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tables
  describe('tables', () => {
    it('keep schema, partitioning and clustering, and say so by the names of legacy types', async () => {
      await dataset.createTable('games', { ...byDay, description: 'one row a game', labels: { phase: '3' } });
      const [metadata] = await dataset.table('games').getMetadata();
      expect(metadata).toMatchObject({
        kind: 'bigquery#table',
        id: `${projectId}:${datasetId}.games`,
        tableReference: { projectId, datasetId, tableId: 'games' },
        schema: {
          fields: [
            { name: 'id', type: 'INTEGER', mode: 'REQUIRED' },
            { name: 'day', type: 'DATE', mode: 'REQUIRED' },
            { name: 'points', type: 'FLOAT' },
          ],
        },
        timePartitioning: { type: 'DAY', field: 'day' },
        clustering: { fields: ['id'] },
        type: 'TABLE',
        location: 'US',
        numRows: '0',
        description: 'one row a game',
        labels: { phase: '3' },
      });
      const [tables] = await dataset.getTables();
      expect(tables.map(({ metadata: listed }) => listed as object)).toMatchObject([
        { tableReference: { tableId: 'games' }, timePartitioning: { type: 'DAY', field: 'day' }, clustering: { fields: ['id'] }, labels: { phase: '3' } },
      ]);
    });

    it('nest records and repeat fields', async () => {
      const fields = [
        { name: 'tags', type: 'STRING', mode: 'REPEATED' },
        {
          name: 'quarters',
          type: 'RECORD',
          mode: 'REPEATED',
          fields: [
            { name: 'n', type: 'INTEGER' },
            { name: 'points', type: 'NUMERIC' },
          ],
        },
      ];
      await dataset.createTable('games', { schema: fields });
      expect((await dataset.table('games').getMetadata())[0].schema.fields).toMatchObject(fields);
      await server.client.query(`INSERT ${datasetId}.games VALUES (['a'], [STRUCT(1 AS n, NUMERIC '1.5' AS points), STRUCT(2, NULL)])`);
      expect(await rowsOf(server.client, `SELECT q.n FROM ${datasetId}.games, UNNEST(quarters) q WHERE q.points IS NULL`)).toEqual([{ n: 2 }]);
    });

    it('of a name that is taken, and missing ones, are refused', async () => {
      await dataset.createTable('games', { schema });
      expect(await failureOf(dataset.createTable('games', { schema }))).toMatchObject({
        code: 409,
        reason: 'duplicate',
        message: `Already Exists: Table ${projectId}:${datasetId}.games`,
      });
      await dataset.table('games').delete();
      expect(await failureOf(dataset.table('games').getMetadata())).toMatchObject({
        code: 404,
        reason: 'notFound',
        message: `Not found: Table ${projectId}:${datasetId}.games`,
      });
      expect(await failureOf(dataset.table('games').delete())).toMatchObject({ code: 404 });
    });

    // https://docs.cloud.google.com/bigquery/docs/managing-table-schemas
    it('gain columns and lose REQUIRED, by a PATCH with the etag that was read; nothing else of a schema changes', async () => {
      await dataset.createTable('games', { schema });
      await server.client.query(`INSERT ${datasetId}.games VALUES (1, '2024-01-01', 2)`);
      const table = dataset.table('games');
      const [{ etag }] = await table.getMetadata();
      const wider = [{ name: 'id', type: 'INTEGER', mode: 'NULLABLE' }, ...schema.slice(1), { name: 'home', type: 'BOOLEAN' }];
      await table.setMetadata({ schema: { fields: wider }, etag });
      expect(await rowsOf(server.client, `SELECT * FROM ${datasetId}.games`)).toMatchObject([{ id: 1, home: null }]);
      // https://docs.cloud.google.com/bigquery/docs/error-messages: conditionNotMet 412
      expect(await failureOf(table.setMetadata({ description: 'late', etag }))).toMatchObject({ code: 412, reason: 'conditionNotMet' });
      const refused = async (fields: readonly object[]): Promise<unknown> => (await failureOf(table.setMetadata({ schema: { fields } } as object))).message;
      const start = `Provided Schema does not match Table ${projectId}:${datasetId}.games.`;
      expect(await refused(wider.slice(0, 3))).toBe(`${start} Field home is missing in new schema`);
      expect(await refused([...wider, { name: 'z', type: 'STRING', mode: 'REQUIRED' }])).toBe(
        `${start} Cannot add required fields to an existing schema. (field: z)`,
      );
      // Five updates of a table in ten seconds are the limit.
      server.clock.advance(10_000);
      expect(await refused([{ name: 'id', type: 'STRING' }, ...wider.slice(1)])).toBe(`${start} Field id has changed type from INTEGER to STRING`);
    });

    // https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#create_table_statement
    it('are replaced by CREATE OR REPLACE, but for how they are split', async () => {
      const name = `${datasetId}.games`;
      await server.client.query(`CREATE TABLE ${name} (day DATE, id INT64) PARTITION BY day`);
      await server.client.query(`CREATE OR REPLACE TABLE ${name} (day DATE, name STRING) PARTITION BY day AS SELECT DATE '2024-01-01', 'x'`);
      for (const [split, spec] of [
        ['', 'none'],
        ['PARTITION BY DATE_TRUNC(day, MONTH)', 'interval(type:month,field:day)'],
      ])
        expect(await failureOf(server.client.query(`CREATE OR REPLACE TABLE ${name} (day DATE) ${split}`))).toMatchObject({
          code: 400,
          message: `Cannot replace a table with a different partitioning spec. Instead, DROP the table, and then recreate it. New partitioning spec is ${spec} and existing spec is interval(type:day,field:day)`,
        });
      expect(await rowsOf(server.client, `SELECT name FROM ${name}`)).toEqual([{ name: 'x' }]);
    });

    // https://docs.cloud.google.com/bigquery/docs/managing-tables#updating_a_tables_expiration_time
    it('are gone once they have expired', async () => {
      await dataset.createTable('staging', { schema, expirationTime: String(server.clock.now() + 3_600_000) });
      await server.client.query(`INSERT ${datasetId}.staging VALUES (1, '2024-01-01', 2)`);
      server.clock.advance(3_600_000);
      expect(await dataset.table('staging').exists()).toEqual([false]);
      expect(await failureOf(server.client.query(`SELECT * FROM ${datasetId}.staging`))).toMatchObject({ code: 404, reason: 'notFound' });
      await dataset.createTable('staging', { schema });
    });

    // https://docs.cloud.google.com/bigquery/docs/managing-partitioned-tables#partition-expiration
    it('lose their partitions as these expire', async () => {
      await dataset.createTable('games', { schema, timePartitioning: { type: 'DAY', field: 'day', expirationMs: String(10 * 86_400_000) } });
      const day = (ago: number): string => new Date(server.clock.now() - ago * 86_400_000).toISOString().slice(0, 10);
      await server.client.query(`INSERT ${datasetId}.games VALUES (1, '${day(30)}', 2), (2, '${day(2)}', 2)`);
      expect(await rowsOf(server.client, `SELECT id FROM ${datasetId}.games`)).toEqual([{ id: 2 }]);
    });

    // https://docs.cloud.google.com/bigquery/docs/partitioned-tables#integer_range
    it('are split by ranges of integers, too', async () => {
      const rangePartitioning = { field: 'id', range: { start: '0', end: '100', interval: '10' } };
      await dataset.createTable('games', { schema, rangePartitioning });
      expect((await dataset.table('games').getMetadata())[0]).toMatchObject({ rangePartitioning });
      await server.client.query(`INSERT ${datasetId}.games VALUES (7, '2024-01-01', 1), (12, '2024-01-01', 1), (500, '2024-01-01', 1)`);
      expect(
        await rowsOf(server.client, `SELECT partition_id, total_rows FROM ${datasetId}.INFORMATION_SCHEMA.PARTITIONS WHERE table_name = 'games' ORDER BY 1`),
      ).toEqual([
        { partition_id: '0', total_rows: 1 },
        { partition_id: '10', total_rows: 1 },
        { partition_id: '__UNPARTITIONED__', total_rows: 1 },
      ]);
    });

    // https://docs.cloud.google.com/bigquery/docs/querying-partitioned-tables#require-partition-filter
    it('ask for a filter by partition where that is required, in DML as well', async () => {
      await dataset.createTable('games', { ...byDay, requirePartitionFilter: true });
      await server.client.query(`INSERT ${datasetId}.games VALUES (1, '2024-01-01', 1)`);
      const refused = {
        code: 400,
        reason: 'invalidQuery',
        message: expect.stringMatching(/^Cannot query over table '.*games' without a filter over column\(s\) 'day' that can be used for partition elimination/),
      };
      for (const sql of [`SELECT * FROM ${datasetId}.games`, `SELECT * FROM ${datasetId}.games WHERE id = 1`, `DELETE ${datasetId}.games WHERE id = 1`])
        expect(await failureOf(server.client.query(sql)), sql).toMatchObject(refused);
      expect(await rowsOf(server.client, `SELECT id FROM ${datasetId}.games WHERE day >= '2024-01-01'`)).toEqual([{ id: 1 }]);
    });

    // https://docs.cloud.google.com/bigquery/docs/information-schema-intro
    it('tell of themselves in INFORMATION_SCHEMA', async () => {
      await dataset.createTable('games', byDay);
      await server.client.query(`INSERT ${datasetId}.games VALUES (1, '2024-01-01', 1), (2, '2024-01-02', 1), (3, '2024-01-02', 1)`);
      const from = `${datasetId}.INFORMATION_SCHEMA`;
      expect(await rowsOf(server.client, `SELECT table_catalog, table_schema, table_name, table_type FROM ${from}.TABLES`)).toEqual([
        { table_catalog: projectId, table_schema: datasetId, table_name: 'games', table_type: 'BASE TABLE' },
      ]);
      expect(
        await rowsOf(
          server.client,
          `SELECT column_name, ordinal_position, is_nullable, data_type, is_partitioning_column, clustering_ordinal_position FROM ${from}.COLUMNS ORDER BY 2`,
        ),
      ).toEqual([
        { column_name: 'id', ordinal_position: 1, is_nullable: 'NO', data_type: 'INT64', is_partitioning_column: 'NO', clustering_ordinal_position: 1 },
        { column_name: 'day', ordinal_position: 2, is_nullable: 'NO', data_type: 'DATE', is_partitioning_column: 'YES', clustering_ordinal_position: null },
        {
          column_name: 'points',
          ordinal_position: 3,
          is_nullable: 'YES',
          data_type: 'FLOAT64',
          is_partitioning_column: 'NO',
          clustering_ordinal_position: null,
        },
      ]);
      expect(await rowsOf(server.client, `SELECT partition_id, total_rows FROM ${from}.PARTITIONS WHERE table_name = 'games' ORDER BY 1`)).toEqual([
        { partition_id: '20240101', total_rows: 1 },
        { partition_id: '20240102', total_rows: 2 },
      ]);
    });
  });

  // https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tabledata
  describe('rows', () => {
    it('are streamed in, seen at once, and read by page, by column and by place', async () => {
      await dataset.createTable('games', byDay);
      const table = dataset.table('games');
      await table.insert(Array.from({ length: 25 }, (_, id) => ({ id, day: '2024-01-01', points: id / 2 })));
      const [first, next] = await table.getRows({ maxResults: 10, autoPaginate: false });
      expect(first).toHaveLength(10);
      expect(first[3]).toEqual({ id: 3, day: { value: '2024-01-01' }, points: 1.5 });
      const [second] = await table.getRows({ ...(next as object), autoPaginate: false });
      expect((second as { id: number }[]).map(({ id }) => id)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
      expect((await table.getRows())[0]).toHaveLength(25);
      expect((await table.getRows({ selectedFields: 'id', startIndex: '23', autoPaginate: false }))[0]).toEqual([{ id: 23 }, { id: 24 }]);
      expect((await table.getMetadata())[0]).toMatchObject({ numRows: '25' });
    });

    // https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/insertAll
    it('that do not fit are named by index, and take the others down with them unless told not to', async () => {
      await dataset.createTable('games', { schema });
      const table = dataset.table('games');
      const rows = [{ id: 1, day: '2024-01-01' }, { id: 'x', day: '2024-01-01' }, { day: '2024-01-01' }, { id: 4, day: '2024-01-01', colour: 'red' }];
      const errorsOf = async (options: object): Promise<readonly (string | undefined)[]> => {
        const errors = await table.insert(rows, { ...options, partialRetries: 0 }).then(
          () => [],
          (error: unknown) => (error as { errors: readonly { row: object; errors: readonly { reason: string; message: string }[] }[] }).errors,
        );
        // In no order that the documentation names.
        return rows.map(
          (row) => errors.find((of) => JSON.stringify(of.row) === JSON.stringify(row))?.errors.map(({ reason, message }) => `${reason} ${message}`.trim())[0],
        );
      };
      expect(await errorsOf({})).toEqual([
        'stopped',
        expect.stringMatching(/^invalid ./),
        expect.stringMatching(/^invalid ./),
        expect.stringMatching(/^invalid no such field: colour/),
      ]);
      expect((await table.getRows())[0]).toEqual([]);
      expect(await errorsOf({ skipInvalidRows: true, ignoreUnknownValues: true })).toEqual([
        undefined,
        expect.stringMatching(/^invalid ./),
        expect.stringMatching(/^invalid ./),
        undefined,
      ]);
      expect((await table.getRows())[0].map(({ id }: { id: number }) => id)).toEqual([1, 4]);
    });

    // https://docs.cloud.google.com/bigquery/docs/streaming-data-into-bigquery#dataconsistency
    it('with an insertId that was seen a moment ago are not there twice', async () => {
      await dataset.createTable('games', { schema });
      const table = dataset.table('games');
      const row = { insertId: 'game-1', json: { id: 1, day: '2024-01-01' } };
      await table.insert([row], { raw: true });
      await table.insert([row, { insertId: 'game-2', json: { id: 2, day: '2024-01-01' } }], { raw: true });
      expect((await table.getRows())[0]).toHaveLength(2);
    });

    // https://docs.cloud.google.com/bigquery/docs/data-manipulation-language#dml-limitations
    it('that were streamed can be kept from UPDATE, DELETE and MERGE, as they are in the cloud for half an hour', async () => {
      await dataset.createTable('games', { schema });
      await server.control('PATCH', '/settings', { streamingBufferMs: 1_800_000 });
      try {
        await dataset.table('games').insert([{ id: 1, day: '2024-01-01' }]);
        expect(await failureOf(server.client.query(`DELETE ${datasetId}.games WHERE id = 1`))).toMatchObject({
          code: 400,
          message: expect.stringMatching(/^UPDATE or DELETE statement over table .*games would affect rows in the streaming buffer, which is not supported/),
        });
        server.clock.advance(1_800_000);
        await server.client.query(`DELETE ${datasetId}.games WHERE id = 1`);
      } finally {
        await server.control('PATCH', '/settings', { streamingBufferMs: 0 });
      }
    });

    it('must have what is REQUIRED, however they come', async () => {
      await dataset.createTable('games', { schema });
      expect(await failureOf(server.client.query(`INSERT ${datasetId}.games (id, points) VALUES (1, 2)`))).toMatchObject({ code: 400, reason: 'invalidQuery' });
      expect(await failureOf(server.client.query(`INSERT ${datasetId}.games VALUES (1, NULL, 2)`))).toMatchObject({
        code: 400,
        reason: 'invalidQuery',
        message: 'Required field day cannot be null',
      });
    });
  });
});
