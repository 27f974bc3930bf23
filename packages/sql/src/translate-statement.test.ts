import { describe, expect, test } from 'vitest';
import { translateStatement } from './translate-statement.ts';
import type { TranslatedStatement } from './translated-statement.ts';

const tableName = (path: readonly string[]): string => `"tables"."${path.join('/')}"`;

function translate(sql: string, parameterTypes: Readonly<Record<string, string>> = {}): TranslatedStatement {
  const result = translateStatement(sql, { parameterTypes, tableName });
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('; '));
  return result.statement;
}

function refusal(sql: string) {
  const result = translateStatement(sql, { parameterTypes: {}, tableName });
  return result.ok ? undefined : result.problems[0];
}

describe('queries', () => {
  test('tables are named by whoever runs the statement, from the path with its quotes resolved', () => {
    const paths: (readonly string[])[] = [];
    const sql =
      'SELECT 1 FROM `p-1.d.t`, my-project.d.u, d.`v`, w, d.INFORMATION_SCHEMA.TABLES, `p`.d.INFORMATION_SCHEMA.COLUMNS AS c, `p.d`.INFORMATION_SCHEMA.PARTITIONS';
    const result = translateStatement(sql, {
      parameterTypes: {},
      tableName: (path) => {
        paths.push(path);
        return `t${paths.length}`;
      },
    });
    expect(paths).toEqual([
      ['p-1', 'd', 't'],
      ['my-project', 'd', 'u'],
      ['d', 'v'],
      ['w'],
      ['d', 'INFORMATION_SCHEMA', 'TABLES'],
      ['p', 'd', 'INFORMATION_SCHEMA', 'COLUMNS'],
      ['p', 'd', 'INFORMATION_SCHEMA', 'PARTITIONS'],
    ]);
    expect(result).toMatchObject({
      statement: {
        sql: expect.stringContaining('t1 AS "t", t2 AS "u", t3 AS "v", t4 AS "w", t5 AS "TABLES", t6 AS "c", t7 AS "PARTITIONS"') as string,
      },
    });
  });

  test('a CTE goes before a table of its name, and is not seen outside its query', () => {
    const sql = 'SELECT * FROM (WITH t AS (SELECT 1 AS a) SELECT a FROM T) AS x, t';
    expect(translate(sql)).toMatchObject({
      sql: 'SELECT *\nFROM (WITH "t" AS (SELECT 1::BIGINT AS "a")\nSELECT "a" AS "a"\nFROM "T" AS "T") AS "x", "tables"."t" AS "t"',
    });
  });

  test('parameters have any type; their names are in lower case', () => {
    const sql = 'SELECT x, @Day AS day FROM UNNEST(@Ids) AS x WHERE x IN UNNEST(@ids) AND @who.name = @j AND @t IS NULL';
    const result = translateStatement(sql, {
      parameterTypes: { ids: 'ARRAY<INT64>', day: 'DATE', who: 'STRUCT<name STRING, tags ARRAY<STRING>>', j: 'JSON', t: 'TIME' },
      tableName,
    });
    expect(result).toMatchObject({
      ok: true,
      parameters: ['ids', 'day', 'who', 'j', 't'],
      statement: {
        sql: [
          'SELECT "x" AS "x", CAST($day AS DATE) AS "day"',
          'FROM (SELECT unnest(CAST($ids AS BIGINT[])) AS "x") AS _fg_unnest_1',
          `WHERE ((("x" IN (SELECT unnest(CAST($ids AS BIGINT[])))) AND (struct_extract(CAST($who AS STRUCT("name" VARCHAR, "tags" VARCHAR[])), 'name') = CAST($j AS JSON))) AND (CAST($t AS TIME) IS NULL))`,
        ].join('\n'),
      },
    });
  });

  test('what the statement is told when it runs: the last row count, and the present', () => {
    const result = translateStatement("SELECT @@row_count AS n, CURRENT_TIMESTAMP() AS a, CURRENT_DATE('Asia/Tokyo') AS b, CURRENT_DATETIME AS c", {
      parameterTypes: {},
      tableName,
    });
    expect(result).toEqual({
      ok: true,
      parameters: ['sys_row_count', 'sys_now'],
      statement: {
        kind: 'query',
        sql: `SELECT CAST($sys_row_count AS BIGINT) AS "n", CAST($sys_now AS TIMESTAMPTZ) AS "a", CAST((CAST($sys_now AS TIMESTAMPTZ) AT TIME ZONE 'Asia/Tokyo') AS DATE) AS "b", (CAST($sys_now AS TIMESTAMPTZ) AT TIME ZONE 'UTC') AS "c"`,
      },
    });
  });
});

describe('DML', () => {
  test.each(['INSERT INTO d.t', 'INSERT d.t', '-- INSERT\ninsert\n`d.t`', '/* INTO */ INSERT `d`.t'])('%s VALUES', (start) => {
    expect(translate(`${start} (a, B) VALUES (1, DEFAULT), ('it''s', 1 + 1)`.replace("''", "\\'"))).toEqual({
      kind: 'insert',
      target: ['d', 't'],
      columns: ['a', 'B'],
      source: {
        kind: 'values',
        rows: [
          ['1::BIGINT', { default: true }],
          ["'it''s'", '(1::BIGINT + 1)'],
        ],
      },
    });
  });

  test.each(['SELECT a FROM d.s', '(SELECT a FROM d.s)'])('INSERT of %s', (query) => {
    expect(translate(`INSERT t ${query}`)).toEqual({
      kind: 'insert',
      target: ['t'],
      source: { kind: 'query', sql: 'SELECT "a" AS "a"\nFROM "tables"."d/s" AS "s"' },
    });
  });

  test('a column that is called DEFAULT is quoted', () => {
    expect(translate('UPDATE d.t SET a = `DEFAULT`, b = DEFAULT WHERE TRUE')).toMatchObject({ set: [{ value: '"DEFAULT"' }, { value: { default: true } }] });
  });

  test('UPDATE with FROM, joins, fields and its alias', () => {
    expect(translate('UPDATE d.t AS x SET a = s.a + 1, x.b.c = u.k FROM d.s AS s JOIN d.u ON s.k = u.k WHERE x.id = s.id')).toEqual({
      kind: 'update',
      target: ['d', 't'],
      alias: 'x',
      set: [
        { path: ['a'], value: 'fg_maybe_finite(("s"."a" + 1))' },
        { path: ['b', 'c'], value: '"u"."k"' },
      ],
      from: '"tables"."d/s" AS "s"\nJOIN "tables"."d/u" AS "u" ON ("s"."k" = "u"."k")',
      where: '("x"."id" = "s"."id")',
    });
  });

  test.each(['DELETE FROM `p.d.t` x', 'DELETE p.d.t AS x'])('%s', (start) => {
    expect(translate(`${start} WHERE x.a IN (SELECT a FROM d.s)`)).toEqual({
      kind: 'delete',
      target: ['p', 'd', 't'],
      alias: 'x',
      where: '("x"."a" IN (SELECT "a" AS "a"\nFROM "tables"."d/s" AS "s"))',
    });
  });

  test('a MERGE with every kind of clause', () => {
    const sql = `MERGE INTO d.t AS T USING (SELECT id, pts FROM d.s WHERE game_date = @day) AS S ON T.id = S.id AND T.day = @day
      WHEN MATCHED AND T.pts <> S.pts THEN UPDATE SET pts = S.pts, T.n = DEFAULT
      WHEN MATCHED THEN DELETE
      WHEN NOT MATCHED AND S.pts > 0 THEN INSERT (id, pts) VALUES (S.id, DEFAULT)
      WHEN NOT MATCHED BY TARGET THEN INSERT ROW
      WHEN NOT MATCHED BY SOURCE AND T.day IN (DATE '2024-01-01') THEN UPDATE SET pts = 0
      WHEN NOT MATCHED BY SOURCE THEN DELETE`;
    expect(translate(sql, { day: 'DATE' })).toEqual({
      kind: 'merge',
      target: ['d', 't'],
      alias: 'T',
      source: '(SELECT "id" AS "id", "pts" AS "pts"\nFROM "tables"."d/s" AS "s"\nWHERE ("game_date" = CAST($day AS DATE))) AS "S"',
      sourceAlias: 'S',
      on: '(("T"."id" = "S"."id") AND ("T"."day" = CAST($day AS DATE)))',
      whens: [
        {
          match: 'matched',
          condition: '("T"."pts" <> "S"."pts")',
          action: {
            kind: 'update',
            set: [
              { path: ['pts'], value: '"S"."pts"' },
              { path: ['n'], value: { default: true } },
            ],
          },
        },
        { match: 'matched', action: { kind: 'delete' } },
        {
          match: 'not_matched_by_target',
          condition: '("S"."pts" > 0)',
          action: { kind: 'insert', columns: ['id', 'pts'], values: ['"S"."id"', { default: true }] },
        },
        { match: 'not_matched_by_target', action: { kind: 'insert_row' } },
        {
          match: 'not_matched_by_source',
          condition: `("T"."day" IN (CAST('2024-01-01' AS DATE)))`,
          action: { kind: 'update', set: [{ path: ['pts'], value: '0::BIGINT' }] },
        },
        { match: 'not_matched_by_source', action: { kind: 'delete' } },
      ],
    });
  });

  test('a MERGE with columns that are called like types', () => {
    const sql = `MERGE d.t t USING d.s s ON t.date = DATE '2024-01-01' WHEN MATCHED THEN UPDATE SET date = s.date, time = CAST(s.x AS DATE)
      WHEN NOT MATCHED THEN INSERT (date, id, timestamp) VALUES (date, 1, DATE(timestamp))`;
    expect(translate(sql)).toMatchObject({
      on: `("t"."date" = CAST('2024-01-01' AS DATE))`,
      whens: [
        {
          action: {
            set: [
              { path: ['date'], value: '"s"."date"' },
              { path: ['time'], value: 'fg_date("s"."x")' },
            ],
          },
        },
        { action: { columns: ['date', 'id', 'timestamp'], values: ['"date"', '1::BIGINT', 'CAST("timestamp" AS DATE)'] } },
      ],
    });
  });

  test('a MERGE that inserts the row into some columns', () => {
    expect(translate('MERGE d.t USING d.s ON FALSE WHEN NOT MATCHED THEN INSERT (a, date) ROW')).toMatchObject({
      whens: [{ action: { kind: 'insert_row', columns: ['a', 'date'] } }],
    });
    expect(translate('MERGE d.t USING d.s ON FALSE WHEN NOT MATCHED THEN INSERT (a) VALUES (row)')).toMatchObject({
      whens: [{ action: { kind: 'insert', columns: ['a'], values: ['"row"'] } }],
    });
  });

  test('a MERGE whose alias is the name of its source’s dataset', () => {
    expect(translate('MERGE d.t d USING d.s AS s ON d.id = s.id WHEN MATCHED THEN DELETE')).toMatchObject({ target: ['d', 't'], alias: 'd', sourceAlias: 's' });
  });

  test('a MERGE ON FALSE, from a table without an alias, or a query without one', () => {
    expect(translate('MERGE d.t USING d.s ON FALSE WHEN NOT MATCHED THEN INSERT VALUES (1, DEFAULT)')).toMatchObject({
      alias: 't',
      source: '"tables"."d/s" AS "s"',
      sourceAlias: 's',
      on: 'false',
      whens: [{ action: { kind: 'insert', values: ['1::BIGINT', { default: true }] } }],
    });
    expect(translate('MERGE d.t USING (SELECT 1 AS a) ON FALSE WHEN NOT MATCHED THEN INSERT ROW')).toMatchObject({
      source: '(SELECT 1::BIGINT AS "a") AS "_fg_source"',
      sourceAlias: '_fg_source',
    });
  });

  test('TRUNCATE', () => expect(translate('TRUNCATE TABLE `p.d.t`')).toEqual({ kind: 'truncate', target: ['p', 'd', 't'] }));
});

describe('DDL', () => {
  test('a table with columns, partitions, clusters and options', () => {
    const sql = `CREATE OR REPLACE TABLE \`my-p.d\`.t (
      id INT64 NOT NULL OPTIONS(description = 'it\\'s, a "key"'),
      \`order\` ARRAY<STRUCT<a INT64, b ARRAY<STRING(10)>>>, -- NOT NULL
      minutes NUMERIC(5, 1) DEFAULT ROUND(1.5, 0), at TIMESTAMP DEFAULT CURRENT_TIMESTAMP() NOT NULL
    ) PARTITION BY DATE_TRUNC(day, MONTH) CLUSTER BY id, \`order\`
    OPTIONS(description = "d", require_partition_filter = TRUE, partition_expiration_days = 2.5, labels = [('a', 'b')], expiration_timestamp = TIMESTAMP '2030-01-01');`;
    expect(translate(sql)).toEqual({
      kind: 'create_table',
      target: ['my-p', 'd', 't'],
      orReplace: true,
      ifNotExists: false,
      columns: [
        { name: 'id', type: 'INT64', notNull: true, options: { description: 'it\'s, a "key"' } },
        { name: 'order', type: 'ARRAY<STRUCT<a INT64, b ARRAY<STRING(10)>>>', notNull: false, options: {} },
        { name: 'minutes', type: 'NUMERIC(5, 1)', notNull: false, options: {}, default: { googleSql: 'ROUND(1.5, 0)', sql: 'fg_round(1.5e0, 0)' } },
        { name: 'at', type: 'TIMESTAMP', notNull: true, options: {}, default: { googleSql: 'CURRENT_TIMESTAMP()', sql: 'CAST($sys_now AS TIMESTAMPTZ)' } },
      ],
      partitionBy: { kind: 'trunc', column: 'day', part: 'MONTH' },
      clusterBy: ['id', 'order'],
      options: {
        description: 'd',
        require_partition_filter: true,
        partition_expiration_days: 2.5,
        labels: [['a', 'b']],
        expiration_timestamp: { expression: "CAST('2030-01-01' AS TIMESTAMPTZ)" },
      },
    });
  });

  test.each([
    ['game_date', { kind: 'column', column: 'game_date' }],
    ['DATE(ts)', { kind: 'trunc', column: 'ts', part: 'DAY' }],
    ['TIMESTAMP_TRUNC(ts, HOUR)', { kind: 'trunc', column: 'ts', part: 'HOUR' }],
    ['RANGE_BUCKET(id, GENERATE_ARRAY(-10, 100, 5))', { kind: 'range', column: 'id', start: -10, end: 100, interval: 5 }],
  ])('PARTITION BY %s', (partition, partitionBy) => {
    expect(translate(`CREATE TABLE IF NOT EXISTS d.t PARTITION BY ${partition} AS SELECT 'AS' AS a FROM d.s`)).toEqual({
      kind: 'create_table',
      target: ['d', 't'],
      orReplace: false,
      ifNotExists: true,
      partitionBy,
      options: {},
      query: `SELECT 'AS' AS "a"\nFROM "tables"."d/s" AS "s"`,
    });
  });

  test.each(['LIKE', 'COPY', 'CLONE'])('CREATE TABLE … %s', (word) => {
    expect(translate(`CREATE TABLE d.t ${word} p.d.s OPTIONS(description='x')`)).toMatchObject({
      source: { kind: word.toLowerCase(), table: ['p', 'd', 's'] },
      options: { description: 'x' },
    });
  });

  test('what is dropped, datasets, transactions, assertions', () => {
    expect(translate('DROP TABLE IF EXISTS d.t;')).toEqual({ kind: 'drop_table', target: ['d', 't'], ifExists: true });
    expect(translate('CREATE SCHEMA IF NOT EXISTS p.d OPTIONS(location="US")')).toEqual({
      kind: 'create_schema',
      target: ['p', 'd'],
      ifNotExists: true,
      options: { location: 'US' },
    });
    expect(translate('DROP SCHEMA d CASCADE')).toEqual({ kind: 'drop_schema', target: ['d'], ifExists: false, cascade: true });
    expect(translate('begin transaction;')).toEqual({ kind: 'begin' });
    expect(translate('COMMIT TRANSACTION')).toEqual({ kind: 'commit' });
    expect(translate('ROLLBACK')).toEqual({ kind: 'rollback' });
    expect(translate("ASSERT @@row_count = 1 AS 'one fence row'")).toEqual({
      kind: 'assert',
      expression: '(CAST($sys_row_count AS BIGINT) = 1)',
      description: 'one fence row',
    });
    expect(translate("ASSERT(EXISTS(SELECT CAST(1 AS STRING) FROM d.t WHERE s = ' AS '))")).toEqual({
      kind: 'assert',
      expression: `(EXISTS (SELECT CAST(1::BIGINT AS VARCHAR) AS "f0_"\nFROM "tables"."d/t" AS "t"\nWHERE ("s" = ' AS ')))`,
    });
  });
});

describe('refusals', () => {
  test.each([
    ['SELECT a FROM d.t AS t, t.xs AS x', 'array join', 1, 25],
    ['SELECT @sys_now', '@sys_now', undefined, undefined],
    ['SELECT @@error.message', '@@error.message', undefined, undefined],
    ['SELECT SESSION_USER()', 'SESSION_USER', 1, 8],
    ['UPDATE d.t SET a = 1', 'UPDATE', undefined, undefined],
    ['MERGE d.t AS T USING UNNEST([1]) AS x ON FALSE WHEN NOT MATCHED THEN INSERT ROW', 'syntax', 1, 28],
    ['CREATE VIEW d.v AS SELECT 1', 'CREATE VIEW', 1, 8],
    ['CREATE TEMP TABLE t (a INT64)', 'CREATE TEMP', 1, 8],
    ['CREATE OR REPLACE SCHEMA d', 'CREATE SCHEMA', 1, 19],
    ['CREATE TABLE d.t (a GEOGRAPHY)', 'GEOGRAPHY', undefined, undefined],
    ['CREATE TABLE d.t (a BIGNUMERIC)', 'BIGNUMERIC', undefined, undefined],
    ['CREATE TABLE d.t (a STRUCT<INT64, STRING>)', 'STRUCT', undefined, undefined],
    ['CREATE TABLE d.t (a STRUCT<b INT64 NOT NULL>)', 'NOT NULL', 1, 45],
    ["CREATE TABLE d.t (a STRING COLLATE 'und:ci')", 'COLLATE', 1, 28],
    ['CREATE TABLE d.t (a INT64, PRIMARY KEY (a) NOT ENFORCED)', 'PRIMARY KEY', 1, 28],
    ['CREATE TABLE d.t (a INT64) PARTITION BY _PARTITIONDATE', 'ingestion-time partitioning', 1, 41],
    ['ALTER TABLE d.t ADD COLUMN b INT64', 'ALTER', 1, 1],
    ['DROP VIEW d.v', 'DROP VIEW', 1, 6],
    ['DECLARE x INT64', 'DECLARE', 1, 1],
    ["EXECUTE IMMEDIATE 'SELECT 1'", 'EXECUTE', 1, 1],
  ])('%s', (sql, construct, line, column) => {
    expect(refusal(sql)).toMatchObject({ construct, ...(line === undefined ? {} : { line, column }) });
  });

  test('a problem stands where it was written, behind INTO that was left out and DDL that the parser never saw', () => {
    expect(refusal("INSERT d.t\nSELECT 'é', NET.HOST(a) FROM d.s")).toMatchObject({ line: 2 });
    expect(refusal("CREATE TABLE d.t PARTITION BY a OPTIONS(description='a long text')\nAS SELECT 1,\n  APPROX_TOP_COUNT(a, 1) FROM d.s")).toMatchObject({
      line: 3,
      column: 3,
    });
  });
});
