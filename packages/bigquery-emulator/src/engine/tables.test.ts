import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Destination } from '../engine-contract.ts';
import { BigQueryProblem } from '../problem.ts';
import type { Analyzer } from '../statement.ts';
import type { TableField } from '../types.ts';
import { idOf, openFixture, projectId, startTestAnalyzer, type EngineFixture } from './engine.fixture.ts';

let analyzer: Analyzer;
let fixture: EngineFixture;
beforeAll(async () => {
  analyzer = await startTestAnalyzer();
});
afterAll(() => analyzer[Symbol.asyncDispose]());
beforeEach(async () => {
  fixture = await openFixture(analyzer);
});
afterEach(() => fixture[Symbol.asyncDispose]());

const dayMs = 86_400_000;
const field = (name: string, type: TableField['type'], mode: TableField['mode'] = 'NULLABLE'): TableField => ({ name, type, mode });
const into = (tableId: string, rest: Partial<Destination> = {}): Destination => ({
  table: idOf(tableId),
  write: 'WRITE_EMPTY',
  create: 'CREATE_IF_NEEDED',
  ...rest,
});
const problemOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no problem',
    (error: unknown) => (error instanceof BigQueryProblem ? `${error.reason}: ${error.message}` : String(error)),
  );
const pages = (tableId: string, page = { startIndex: 0, maxRows: 100 }) => fixture.engine.tables.read(idOf(tableId), page);

describe('results', () => {
  test('columns without names get theirs, two of one name are refused', async () => {
    const { columns, rowsIn } = await fixture.run('SELECT 1, 2 AS a, [3]');
    expect(columns.map(({ name }) => name)).toEqual(['f0_', 'a', 'f1_']);
    expect(rowsIn?.datasetId).toBe('_anonymous');
    expect(fixture.engine.tables.list({ projectId, datasetId: '_anonymous' })).toEqual([]);
    expect(await fixture.refusal('SELECT 1 AS a, 2 AS A')).toMatch(
      /^invalidQuery: Duplicate column names in the result are not supported. Found duplicate\(s\): [aA]/,
    );
  });

  test('keep the order of the query through pages, and are gone after a day', async () => {
    const { rowsIn, totalRows } = await fixture.run('SELECT n FROM UNNEST(GENERATE_ARRAY(1, 30000)) AS n ORDER BY MOD(n, 10), n DESC');
    expect(totalRows).toBe(30_000);
    const read = async (startIndex: number, maxRows: number) =>
      (await fixture.engine.tables.read(rowsIn ?? idOf(''), { startIndex, maxRows })).rows.map(([n]) => Number(n));
    expect(await read(0, 3)).toEqual([30_000, 29_990, 29_980]);
    expect(await read(29_998, 5)).toEqual([19, 9]);
    fixture.clock.at += dayMs;
    expect(await problemOf(read(0, 1))).toMatch(/^notFound: /);
  });
});

describe('destinations', () => {
  test('WRITE_EMPTY makes, and refuses a table that has rows', async () => {
    const { rowsIn, totalRows } = await fixture.run('SELECT 1 AS a', { destination: into('x') });
    expect([rowsIn?.tableId, totalRows]).toEqual(['x', 1]);
    expect(await fixture.refusal('SELECT 1 AS a', { destination: into('x') })).toBe('duplicate: Already Exists: Table p:d.x');
    await fixture.run('TRUNCATE TABLE d.x');
    await fixture.run('SELECT 2 AS a', { destination: into('x') });
    expect((await pages('x')).rows).toEqual([['2']]);
  });

  test('CREATE_NEVER wants the table there', async () => {
    expect(await fixture.refusal('SELECT 1 AS a', { destination: into('x', { create: 'CREATE_NEVER' }) })).toBe('notFound: Not found: Table p:d.x');
  });

  test('WRITE_TRUNCATE replaces the schema, WRITE_APPEND must fit it', async () => {
    await fixture.run(`SELECT 1 AS a, 'x' AS b`, { destination: into('x') });
    const append = into('x', { write: 'WRITE_APPEND' });
    await fixture.run(`SELECT 'y' AS B, 2 AS a`, { destination: append });
    await fixture.run('SELECT 3 AS a', { destination: append });
    expect((await pages('x')).rows).toEqual([
      ['1', 'x'],
      ['2', 'y'],
      ['3', null],
    ]);
    expect(await fixture.refusal('SELECT 1 AS c', { destination: append })).toBe('invalidQuery: Invalid schema update. Cannot add fields (field: c)');
    expect(await fixture.refusal(`SELECT '1' AS a`, { destination: append })).toMatch(/changed type from INT64 to STRING/);
    await fixture.run('SELECT TRUE AS other', { destination: into('x', { write: 'WRITE_TRUNCATE' }) });
    expect(fixture.engine.tables.get(idOf('x'))?.schema.fields).toEqual([field('other', 'BOOLEAN')]);
  });

  test('a partition decorator replaces one partition and takes no rows of others', async () => {
    await fixture.run(`CREATE TABLE d.x PARTITION BY day AS SELECT day, 1 AS v FROM UNNEST([DATE '2024-01-01', DATE '2024-01-02']) AS day`);
    const only = into('x', { write: 'WRITE_TRUNCATE', partitionId: '20240102' });
    const { partitions } = await fixture.run(`SELECT DATE '2024-01-02' AS day, v FROM UNNEST([7, 8]) AS v`, { destination: only });
    expect(partitions).toEqual(['20240102']);
    expect(await fixture.refusal(`SELECT DATE '2024-01-01' AS day, 9 AS v`, { destination: only })).toMatch(
      /^invalid: Some rows belong to different partitions/,
    );
    expect((await pages('x')).rows).toEqual([
      ['2024-01-01', '1'],
      ['2024-01-02', '7'],
      ['2024-01-02', '8'],
    ]);
    expect((await pages('x$20240101')).rows).toEqual([['2024-01-01', '1']]);
    expect((await pages('x$20240102')).totalRows).toBe(2);
  });
});

describe('partitions', () => {
  test.each([
    ['TIMESTAMP', 'TIMESTAMP_TRUNC(c, HOUR)', `TIMESTAMP '2024-03-05 23:30:00-01:00'`, '2024030600'],
    ['DATETIME', 'DATETIME_TRUNC(c, MONTH)', `DATETIME '2024-03-05 23:30:00'`, '202403'],
    ['DATE', 'DATE_TRUNC(c, YEAR)', `DATE '2024-03-05'`, '2024'],
    ['TIMESTAMP', 'DATE(c)', `TIMESTAMP '2024-03-05 23:30:00-01:00'`, '20240306'],
    ['INT64', 'RANGE_BUCKET(c, GENERATE_ARRAY(0, 100, 10))', '37', '30'],
  ])('of %s by %s', async (type, by, value, id) => {
    await fixture.run(`CREATE TABLE d.x (c ${type}) PARTITION BY ${by}`);
    await fixture.run(`INSERT d.x VALUES (${value}), (NULL)`);
    expect(await fixture.rows('SELECT partition_id, total_rows FROM d.INFORMATION_SCHEMA.PARTITIONS ORDER BY 1')).toEqual([
      [id, '1'],
      ['__NULL__', '1'],
    ]);
    expect((await pages(`x$${id}`)).totalRows).toBe(1);
  });

  test('expire with their rows, counted from their start', async () => {
    await fixture.run(`CREATE TABLE d.x (day DATE) PARTITION BY day OPTIONS (partition_expiration_days = 3)`);
    await fixture.run(`INSERT d.x VALUES (DATE '2024-01-08'), (DATE '2024-01-09'), (NULL)`);
    expect((await pages('x')).totalRows).toBe(3);
    fixture.clock.at = Date.UTC(2024, 0, 11);
    expect(await fixture.rows('SELECT day FROM d.x ORDER BY 1')).toEqual([[null], ['2024-01-09']]);
  });

  test('a filter that is required is required of reads and changes, and of nothing less than a filter', async () => {
    await fixture.run(`CREATE TABLE d.x (day DATE, k INT64) PARTITION BY day OPTIONS (require_partition_filter = TRUE)`);
    const refused = `invalidQuery: Cannot query over table 'p.d.x' without a filter over column(s) 'day' that can be used for partition elimination`;
    const source = '(SELECT 1 AS k) s';
    for (const sql of [
      'SELECT COUNT(*) FROM d.x',
      'SELECT * FROM d.x WHERE k = 1',
      `SELECT * FROM d.x WHERE day = DATE '2024-01-01' OR k = 1`,
      `WITH c AS (SELECT * FROM d.x) SELECT c.day FROM c JOIN d.x AS y ON c.k = y.k WHERE c.day = DATE '2024-01-01'`,
      'SELECT * FROM d.x WHERE FALSE',
      'UPDATE d.x SET k = 1 WHERE k = 2',
      'DELETE d.x WHERE TRUE',
      `MERGE d.x t USING ${source} ON t.k = s.k WHEN MATCHED THEN DELETE`,
      `MERGE d.x t USING ${source} ON t.k = s.k AND t.day = DATE '2024-01-01' WHEN NOT MATCHED BY SOURCE THEN DELETE`,
      `INSERT d.x SELECT * FROM d.x`,
      'CREATE TABLE d.y AS SELECT * FROM d.x',
    ])
      expect(await fixture.refusal(sql), sql).toBe(refused);
    for (const sql of [
      `SELECT * FROM d.x WHERE day = DATE '2024-01-01' AND k = 1`,
      `SELECT * FROM d.x WHERE day IN (DATE '2024-01-01', DATE '2024-01-05')`,
      `SELECT * FROM d.x WHERE day BETWEEN DATE '2024-01-01' AND DATE '2024-01-05'`,
      `SELECT * FROM d.x WHERE day IS NOT NULL`,
      `SELECT * FROM d.x WHERE EXTRACT(YEAR FROM day) = 2024`,
      `WITH c AS (SELECT * FROM d.x) SELECT * FROM c WHERE day > DATE '2024-01-01'`,
      `UPDATE d.x SET k = 1 WHERE day < DATE '2024-01-01'`,
      `MERGE d.x t USING ${source} ON t.k = s.k AND t.day = DATE '2024-01-01' WHEN NOT MATCHED THEN INSERT (k) VALUES (s.k) WHEN NOT MATCHED BY SOURCE AND t.day = DATE '2024-01-01' THEN DELETE`,
      `MERGE d.x t USING ${source} ON FALSE WHEN NOT MATCHED BY SOURCE AND day = DATE '2024-01-01' THEN DELETE`,
      'INSERT d.x (k) VALUES (1)',
    ])
      await fixture.run(sql);
    expect(await problemOf(fixture.dryRun('SELECT * FROM d.x'))).toBe(refused);
  });
});

describe('bytes', () => {
  test('of the columns that are read, of the partitions that a literal filter leaves', async () => {
    await fixture.run(`CREATE TABLE d.x PARTITION BY day AS SELECT day, 1 AS v, 'abc' AS s FROM UNNEST([DATE '2024-01-01', DATE '2024-01-02']) AS day`);
    const bytesOf = async (sql: string) => [await fixture.dryRun(sql), (await fixture.run(sql)).bytesProcessed];
    expect(await bytesOf('SELECT * FROM d.x')).toEqual([42, 42]);
    expect(await bytesOf('SELECT s FROM d.x')).toEqual([10, 10]);
    expect(await bytesOf('SELECT COUNT(*) FROM d.x')).toEqual([0, 0]);
    expect(await bytesOf(`SELECT s FROM d.x WHERE day = DATE '2024-01-02'`)).toEqual([13, 13]);
    expect(
      await bytesOf(`WITH y AS (SELECT s, day FROM d.x WHERE day IN (DATE '2024-01-02', DATE '2024-01-04')) SELECT s FROM y WHERE day IN (DATE '2024-01-02')`),
    ).toEqual([13, 13]);
    expect(await bytesOf(`SELECT 1`)).toEqual([0, 0]);
    expect(await bytesOf('CREATE OR REPLACE TABLE d.y (a INT64)')).toEqual([0, 0]);
    // All columns of what an UPDATE could change.
    expect(await bytesOf(`UPDATE d.x SET v = 2 WHERE day = DATE '2024-01-02'`)).toEqual([21, 21]);
  });
});

describe('DDL', () => {
  test('CREATE TABLE keeps what it says', async () => {
    await fixture.run(`CREATE TABLE d.x (a INT64 NOT NULL OPTIONS (description = 'the a'), n NUMERIC(5, 2), s ARRAY<STRUCT<x STRING>>, ts TIMESTAMP)
      PARTITION BY TIMESTAMP_TRUNC(ts, HOUR) CLUSTER BY a
      OPTIONS (expiration_timestamp = TIMESTAMP '2025-01-01 00:00:00 UTC', partition_expiration_days = 1.5, require_partition_filter = TRUE, description = 'd', labels = [('k', 'v')])`);
    expect(fixture.engine.tables.get(idOf('x'))).toMatchObject({
      schema: {
        fields: [
          { name: 'a', type: 'INTEGER', mode: 'REQUIRED', description: 'the a' },
          { name: 'n', type: 'NUMERIC', mode: 'NULLABLE', precision: '5', scale: '2' },
          { name: 's', type: 'RECORD', mode: 'REPEATED', fields: [field('x', 'STRING')] },
          field('ts', 'TIMESTAMP'),
        ],
      },
      partitioning: { kind: 'time', field: 'ts', type: 'HOUR', expirationMs: 1.5 * dayMs },
      clustering: ['a'],
      requirePartitionFilter: true,
      expiresAt: Date.UTC(2025, 0, 1),
      properties: { description: 'd', labels: { k: 'v' } },
    });
  });

  test('CREATE, OR REPLACE, IF NOT EXISTS, DROP, IF EXISTS', async () => {
    const operation = async (sql: string) => (await fixture.run(sql)).ddl?.operation;
    expect(await operation('CREATE TABLE d.x AS SELECT 1 AS a')).toBe('CREATE');
    expect(await fixture.refusal('CREATE TABLE d.x (a INT64)')).toBe('duplicate: Already Exists: Table p:d.x');
    expect(await operation('CREATE TABLE IF NOT EXISTS d.x (b INT64)')).toBe('SKIP');
    expect((await pages('x')).rows).toEqual([['1']]);
    expect(await operation(`CREATE OR REPLACE TABLE d.x (b STRING, c INT64 NOT NULL) AS SELECT 'q', 4`)).toBe('REPLACE');
    expect((await pages('x')).rows).toEqual([['q', '4']]);
    expect(await operation('DROP TABLE d.x')).toBe('DROP');
    expect(await operation('DROP TABLE IF EXISTS d.x')).toBe('SKIP');
    expect(await fixture.refusal('DROP TABLE d.x')).toMatch(/^notFound: /);
  });

  test('datasets', async () => {
    await fixture.run('CREATE SCHEMA e OPTIONS (location = "EU", default_table_expiration_days = 1)');
    expect(fixture.engine.datasets.get({ projectId, datasetId: 'e' })?.location).toBe('EU');
    await fixture.run('CREATE TABLE e.x (a INT64)');
    expect(await fixture.refusal('DROP SCHEMA e')).toBe('resourceInUse: Dataset p:e is still in use');
    fixture.clock.at += dayMs;
    expect(fixture.engine.tables.get({ projectId, datasetId: 'e', tableId: 'x' })).toBeUndefined();
    await fixture.run('DROP SCHEMA e');
    expect(await fixture.refusal('DROP SCHEMA e')).toMatch(/^notFound: /);
    expect(fixture.engine.datasets.projects()).toEqual(['p']);
  });

  test('columns of names that differ by case alone are one', async () => {
    expect(
      await problemOf(
        fixture.engine.tables.create({
          ...idOf('x'),
          schema: { fields: [field('a', 'STRING'), field('A', 'STRING')] },
          requirePartitionFilter: false,
          properties: {},
        }),
      ),
    ).toMatch(/^invalid: Duplicate field name "A"/);
  });
});

describe('tables.patch', () => {
  const draft = {
    ...idOf('x'),
    schema: { fields: [field('a', 'INTEGER', 'REQUIRED'), { ...field('r', 'RECORD', 'REPEATED'), fields: [field('x', 'STRING')] }] },
    requirePartitionFilter: false,
    properties: {},
  };

  test('adds columns and fields of records, and relaxes REQUIRED; old rows have NULL and empty arrays there', async () => {
    const before = await fixture.engine.tables.create(draft);
    await fixture.run(`INSERT d.x VALUES (1, [STRUCT('q' AS x)])`);
    const fields = [
      field('a', 'INTEGER'),
      { ...field('r', 'RECORD', 'REPEATED'), fields: [field('x', 'STRING'), field('y', 'DATE')] },
      field('b', 'STRING'),
      field('many', 'INTEGER', 'REPEATED'),
    ];
    const after = await fixture.engine.tables.patch(idOf('x'), { schema: { fields } }, before.etag);
    expect(after.etag).not.toBe(before.etag);
    await fixture.run(`INSERT d.x (a) VALUES (NULL)`);
    expect((await pages('x')).rows).toEqual([
      ['1', [{ v: { f: [{ v: 'q' }, { v: null }] } }], null, []],
      [null, [], null, []],
    ]);
    expect(await fixture.rows('SELECT r[OFFSET(0)].y FROM d.x WHERE a = 1')).toEqual([[null]]);
    expect(await problemOf(fixture.engine.tables.patch(idOf('x'), { properties: {} }, before.etag))).toMatch(/^conditionNotMet: /);
  });

  test.each([
    ['a column is left out', [field('a', 'INTEGER', 'REQUIRED')], /missing in new schema/],
    ['a type changes', [field('a', 'STRING', 'REQUIRED'), draft.schema.fields[1]], /changed type/],
    ['NULLABLE becomes REQUIRED', [...draft.schema.fields, field('z', 'STRING', 'REQUIRED')], /Cannot add required fields/],
  ])('is refused where %s', async (_, fields, message) => {
    await fixture.engine.tables.create(draft);
    expect(await problemOf(fixture.engine.tables.patch(idOf('x'), { schema: { fields: fields as TableField[] } }))).toMatch(message);
  });

  test('an expiration is set, and taken away', async () => {
    await fixture.engine.tables.create(draft);
    await fixture.engine.tables.patch(idOf('x'), { expiresAt: fixture.clock.at + 1_000 });
    await fixture.engine.tables.patch(idOf('x'), { expiresAt: null });
    fixture.clock.at += 2_000;
    expect(fixture.engine.tables.get(idOf('x'))).toBeDefined();
    await fixture.engine.tables.patch(idOf('x'), { expiresAt: fixture.clock.at + 1 });
    fixture.clock.at += 1;
    expect([fixture.engine.tables.get(idOf('x')), fixture.engine.lookUp(idOf('x'))]).toEqual([undefined, undefined]);
    await fixture.engine.tables.create(draft);
    expect((await fixture.engine.tables.stats(idOf('x'))).numRows).toBe(0);
  });
});

describe('streaming inserts', () => {
  beforeEach(() => fixture.run(`CREATE TABLE d.x (a INT64 NOT NULL, b STRING DEFAULT 'none', c ARRAY<DATE>)`));
  const insert = (rows: readonly Readonly<Record<string, unknown>>[], skipInvalid = false) =>
    fixture.engine.tables.insertAll(idOf('x'), rows, { skipInvalid, ignoreUnknown: false });

  test('bad rows are told by index, and hold back the others unless they are skipped', async () => {
    const rows = [{ a: 1 }, { b: 'x' }, { a: '2', B: null, c: ['2024-01-01'] }, { a: 3, z: 1 }];
    expect((await insert(rows)).map(({ index, errors }) => [index, errors[0]?.message])).toEqual([
      [1, 'Missing required field: a.'],
      [3, 'no such field: z.'],
    ]);
    expect((await pages('x')).totalRows).toBe(0);
    await insert(rows, true);
    expect((await pages('x')).rows).toEqual([
      ['1', 'none', []],
      ['2', null, [{ v: '2024-01-01' }]],
    ]);
  });

  test('rows in the buffer are read, and not changed until they have left it', async () => {
    fixture.engine.setStreamingBufferMs(60_000);
    await fixture.run(`INSERT d.x (a) VALUES (1)`);
    await insert([{ a: 2 }, { a: 3 }]);
    expect(await fixture.rows('SELECT a FROM d.x ORDER BY a')).toEqual([['1'], ['2'], ['3']]);
    expect(await fixture.engine.tables.stats(idOf('x'))).toMatchObject({ numRows: 3 });
    const refused = 'would affect rows in the streaming buffer, which is not supported';
    expect(await fixture.refusal('UPDATE d.x SET a = 9 WHERE a = 2')).toBe(`invalidQuery: UPDATE or DELETE statement over table p.d.x ${refused}`);
    expect(await fixture.refusal('DELETE d.x WHERE TRUE')).toMatch(refused);
    expect(await fixture.refusal('TRUNCATE TABLE d.x')).toMatch(refused);
    expect(await fixture.refusal('MERGE d.x USING (SELECT 3 AS a) s ON x.a = s.a WHEN MATCHED THEN DELETE')).toMatch(refused);
    // They match all the same.
    expect((await fixture.run('MERGE d.x USING (SELECT 3 AS a) s ON x.a = s.a WHEN NOT MATCHED THEN INSERT (a) VALUES (s.a)')).dml?.inserted).toBe(0);
    expect((await fixture.run('UPDATE d.x SET a = 10 WHERE a = 1')).dml?.updated).toBe(1);
    fixture.clock.at += 60_000;
    expect((await fixture.run('DELETE d.x WHERE a < 4')).dml?.deleted).toBe(2);
    expect((await pages('x')).rows).toEqual([['10', 'none', []]]);
  });
});

test('copies take rows, schema and layout, and append tables of one schema', async () => {
  await fixture.run(`CREATE TABLE d.x (day DATE NOT NULL, v INT64) PARTITION BY day CLUSTER BY v`);
  await fixture.run(`INSERT d.x VALUES (DATE '2024-01-01', 1), (DATE '2024-01-02', 2)`);
  expect(await fixture.engine.copy([idOf('x'), idOf('x$20240102')], into('y'))).toEqual({ copiedRows: 3, partitions: ['20240101', '20240102'] });
  expect(fixture.engine.tables.get(idOf('y'))).toMatchObject({
    partitioning: { field: 'day' },
    clustering: ['v'],
    schema: fixture.engine.tables.get(idOf('x'))?.schema,
  });
  expect(await problemOf(fixture.engine.copy([idOf('x')], into('y')))).toBe('duplicate: Already Exists: Table p:d.y');
  await fixture.engine.copy([idOf('x')], into('y', { write: 'WRITE_TRUNCATE' }));
  expect((await pages('y')).totalRows).toBe(2);
});

test('a job that writes too many partitions is refused before anything is written', async () => {
  await fixture[Symbol.asyncDispose]();
  fixture = await openFixture(analyzer, undefined, { perJob: 3, perTable: 4 });
  const days = (from: number, count: number) =>
    `SELECT DATE_ADD(DATE '2024-01-0${from}', INTERVAL n DAY) AS day FROM UNNEST(GENERATE_ARRAY(0, ${count - 1})) AS n`;
  expect(await fixture.refusal(`CREATE TABLE d.x PARTITION BY day AS ${days(1, 4)}`)).toMatch(/^invalidQuery: Too many partitions produced by query/);
  await fixture.run(`CREATE TABLE d.x PARTITION BY day AS ${days(1, 3)}`);
  expect(await fixture.refusal(days(4, 2), { destination: into('x', { write: 'WRITE_APPEND' }) })).toMatch(/^invalidQuery: Too many partitions of table/);
  expect((await pages('x')).totalRows).toBe(3);
});
