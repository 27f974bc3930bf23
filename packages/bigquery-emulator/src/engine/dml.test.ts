// The tables and examples of https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax, what they leave written by hand.
import { DuckDBListValue } from '@duckdb/node-api';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Analyzer } from '../statement.ts';
import { openFixture, startTestAnalyzer, type EngineFixture } from './engine.fixture.ts';

let analyzer: Analyzer;
let fixture: EngineFixture;
beforeAll(async () => {
  analyzer = await startTestAnalyzer();
});
afterAll(() => analyzer[Symbol.asyncDispose]());
beforeEach(async () => {
  fixture = await openFixture(analyzer);
  await fixture.run('CREATE TABLE d.Inventory (product STRING, quantity INT64, supply_constrained BOOL)');
  await fixture.run('CREATE TABLE d.NewArrivals (product STRING, quantity INT64, warehouse STRING)');
  await fixture.run('CREATE TABLE d.Warehouse (warehouse STRING, state STRING)');
  await fixture.run(`CREATE TABLE d.DetailedInventory (product STRING, quantity INT64, supply_constrained BOOL,
    comments ARRAY<STRUCT<created DATE, comment STRING>>,
    specifications STRUCT<color STRING, warranty STRING, dimensions STRUCT<depth FLOAT64, height FLOAT64, width FLOAT64>>)`);
});
afterEach(() => fixture[Symbol.asyncDispose]());

const inventory = () => fixture.rows('SELECT * FROM d.Inventory ORDER BY product, quantity');
const fill = async (): Promise<void> => {
  await fixture.run(
    `INSERT d.Inventory (product, quantity) VALUES ('dishwasher', 30), ('dryer', 30), ('front load washer', 20), ('microwave', 20), ('oven', 5), ('top load washer', 10)`,
  );
  await fixture.run(`INSERT d.NewArrivals VALUES ('dryer', 200, 'warehouse #2'), ('oven', 300, 'warehouse #3'), ('top load washer', 100, 'warehouse #1')`);
  await fixture.run(`INSERT d.Warehouse VALUES ('warehouse #1', 'WA'), ('warehouse #2', 'CA'), ('warehouse #3', 'WA')`);
};
const dmlOf = async (sql: string) => (await fixture.run(sql)).dml;

describe('INSERT', () => {
  test('columns that are not named are NULL, arrays empty', async () => {
    expect(await dmlOf(`INSERT d.Inventory (quantity, product) VALUES (10, 'top load washer'), (20, 'front load washer')`)).toEqual({
      inserted: 2,
      updated: 0,
      deleted: 0,
    });
    expect(await inventory()).toEqual([
      ['front load washer', '20', null],
      ['top load washer', '10', null],
    ]);
    await fixture.run(`INSERT d.DetailedInventory (product) VALUES ('x')`);
    expect(await fixture.rows('SELECT comments, specifications FROM d.DetailedInventory')).toEqual([[[], null]]);
  });

  test('of a query, of a query of the table itself, and of a scalar subquery', async () => {
    await fill();
    await fixture.run(`INSERT d.Inventory (product, quantity) SELECT product, quantity * 2 FROM d.Inventory WHERE quantity > 20`);
    await fixture.run(`INSERT d.Inventory (product, quantity) VALUES ('sum', (SELECT SUM(quantity) FROM d.NewArrivals))`);
    expect((await inventory()).filter(([name]) => ['dishwasher', 'dryer', 'sum'].includes(String(name)))).toEqual([
      ['dishwasher', '30', null],
      ['dishwasher', '60', null],
      ['dryer', '30', null],
      ['dryer', '60', null],
      ['sum', '600', null],
    ]);
  });

  test('nested values', async () => {
    await fixture.run(
      `INSERT d.DetailedInventory VALUES ('top load washer', 10, FALSE, [STRUCT(CURRENT_DATE AS created, 'comment1' AS comment), STRUCT(DATE '2016-01-01' AS created, 'comment2' AS comment)], STRUCT('white' AS color, '1 year' AS warranty, STRUCT(30 AS depth, 40 AS height, 28 AS width) AS dimensions))`,
    );
    expect(await fixture.rows('SELECT comments, specifications FROM d.DetailedInventory')).toEqual([
      [
        [{ v: { f: [{ v: '2024-01-10' }, { v: 'comment1' }] } }, { v: { f: [{ v: '2016-01-01' }, { v: 'comment2' }] } }],
        { f: [{ v: 'white' }, { v: '1 year' }, { v: { f: [{ v: '30.0' }, { v: '40.0' }, { v: '28.0' }] } }] },
      ],
    ]);
  });

  test('defaults of columns, named or not', async () => {
    await fixture.run(`CREATE TABLE d.withDefaults (a INT64 DEFAULT 7, b STRING DEFAULT 'x' NOT NULL, c TIMESTAMP DEFAULT CURRENT_TIMESTAMP())`);
    await fixture.run('INSERT d.withDefaults (a) VALUES (1), (DEFAULT)');
    await fixture.run(`INSERT d.withDefaults (b) SELECT 'y'`);
    expect(await fixture.rows('SELECT a, b, FORMAT_TIMESTAMP("%F", c) FROM d.withDefaults ORDER BY a, b')).toEqual([
      ['1', 'x', '2024-01-10'],
      ['7', 'x', '2024-01-10'],
      ['7', 'y', '2024-01-10'],
    ]);
  });

  test('a NULL in a REQUIRED column leaves nothing of the statement', async () => {
    await fixture.run('CREATE TABLE d.required (a INT64 NOT NULL)');
    expect(await fixture.refusal('INSERT d.required SELECT a FROM UNNEST([1, NULL, 2]) AS a')).toBe('invalidQuery: Required field a cannot be null');
    expect(await fixture.rows('SELECT COUNT(*) FROM d.required')).toEqual([['0']]);
  });

  test('parameters of types hold: length, precision and scale', async () => {
    await fixture.run('CREATE TABLE d.narrow (s STRING(3), n NUMERIC(4, 1))');
    await fixture.run(`INSERT d.narrow VALUES ('abc', 123.45)`);
    expect(await fixture.rows('SELECT * FROM d.narrow')).toEqual([['abc', '123.5']]);
    expect(await fixture.refusal(`INSERT d.narrow VALUES ('abcd', 1)`)).toMatch(/^invalidQuery: .*maximum length 3/);
    expect(await fixture.refusal(`INSERT d.narrow VALUES ('a', 1000)`)).toMatch(/^invalidQuery: .*out of range/);
  });
});

describe('DELETE', () => {
  test('by a condition and by a subquery', async () => {
    await fill();
    expect(await dmlOf('DELETE d.Inventory WHERE quantity = 0')).toEqual({ inserted: 0, updated: 0, deleted: 0 });
    expect(await dmlOf('DELETE d.Inventory i WHERE i.product NOT IN (SELECT product from d.NewArrivals)')).toEqual({ inserted: 0, updated: 0, deleted: 3 });
    expect(
      await dmlOf('DELETE d.Inventory WHERE EXISTS (SELECT * FROM d.NewArrivals n WHERE Inventory.product = n.product AND n.quantity = 300)'),
    ).toMatchObject({ deleted: 1 });
    expect(await inventory()).toEqual([
      ['dryer', '30', null],
      ['top load washer', '10', null],
    ]);
  });

  test('TRUNCATE tells how many rows there were', async () => {
    await fill();
    expect(await dmlOf('TRUNCATE TABLE d.Inventory')).toEqual({ inserted: 0, updated: 0, deleted: 6 });
    expect(await inventory()).toEqual([]);
  });
});

describe('UPDATE', () => {
  test('with WHERE', async () => {
    await fill();
    expect(await dmlOf(`UPDATE d.Inventory SET quantity = quantity - 10, supply_constrained = DEFAULT WHERE product like '%washer%'`)).toEqual({
      inserted: 0,
      updated: 3,
      deleted: 0,
    });
    expect(await inventory()).toEqual([
      ['dishwasher', '20', null],
      ['dryer', '30', null],
      ['front load washer', '10', null],
      ['microwave', '20', null],
      ['oven', '5', null],
      ['top load washer', '0', null],
    ]);
  });

  test('with a join in FROM, and with joins among it', async () => {
    await fill();
    await fixture.run(`UPDATE d.Inventory SET quantity = quantity + (SELECT quantity FROM d.NewArrivals WHERE Inventory.product = NewArrivals.product), supply_constrained = false
      WHERE product IN (SELECT product FROM d.NewArrivals)`);
    await fixture.run(
      `UPDATE d.Inventory i SET quantity = i.quantity + n.quantity, supply_constrained = true FROM d.NewArrivals n WHERE i.product = n.product AND n.quantity > 100`,
    );
    expect(
      await dmlOf(`UPDATE d.Inventory SET product = CONCAT(Inventory.product, ' ', w.state) FROM d.NewArrivals n JOIN d.Warehouse w ON n.warehouse = w.warehouse
        WHERE Inventory.product = n.product AND w.state = 'CA'`),
    ).toMatchObject({ updated: 1 });
    expect(await inventory()).toEqual([
      ['dishwasher', '30', null],
      ['dryer CA', '430', 'true'],
      ['front load washer', '20', null],
      ['microwave', '20', null],
      ['oven', '605', 'true'],
      ['top load washer', '110', 'false'],
    ]);
  });

  test('nested fields, one and two deep, and arrays', async () => {
    await fixture.run(
      `INSERT d.DetailedInventory (product, specifications) VALUES ('dryer', STRUCT('white' AS color, '1 year' AS warranty, STRUCT(30.0 AS depth, 40.0 AS height, 28.0 AS width) AS dimensions))`,
    );
    await fixture.run(`UPDATE d.DetailedInventory SET specifications.color = 'black', specifications.dimensions.width = 29, quantity = 3 WHERE true`);
    await fixture.run(
      `UPDATE d.DetailedInventory SET comments = ARRAY_CONCAT(comments, [STRUCT(DATE '2016-01-01' AS created, 'comment1' AS comment)]) WHERE true`,
    );
    expect(await fixture.rows('SELECT quantity, comments, specifications FROM d.DetailedInventory')).toEqual([
      [
        '3',
        [{ v: { f: [{ v: '2016-01-01' }, { v: 'comment1' }] } }],
        { f: [{ v: 'black' }, { v: '1 year' }, { v: { f: [{ v: '30.0' }, { v: '40.0' }, { v: '29.0' }] } }] },
      ],
    ]);
  });

  test('two source rows for one target row fail, and nothing is changed', async () => {
    await fill();
    await fixture.run(`INSERT d.NewArrivals VALUES ('dryer', 1, 'warehouse #1')`);
    expect(await fixture.refusal('UPDATE d.Inventory i SET quantity = n.quantity FROM d.NewArrivals n WHERE i.product = n.product')).toBe(
      'invalidQuery: UPDATE/MERGE must match at most one source row for each target row',
    );
    expect(await fixture.rows(`SELECT quantity FROM d.Inventory WHERE product = 'dryer'`)).toEqual([['30']]);
  });
});

test('an error while a statement evaluates leaves the table as it was', async () => {
  await fill();
  expect(await fixture.refusal('UPDATE d.Inventory SET quantity = CAST(100 / (quantity - 5) AS INT64) WHERE TRUE')).toMatch(/^invalidQuery: division by zero/);
  expect(await fixture.rows('SELECT SUM(quantity) FROM d.Inventory')).toEqual([['115']]);
});

test('the fields of a STRUCT go by their place, whatever their names', async () => {
  await fixture.run('CREATE TABLE d.t (s STRUCT<a INT64, b INT64>, many ARRAY<STRUCT<a INT64, b INT64>>)');
  await fixture.run('INSERT d.t SELECT STRUCT(1 AS b, 2 AS a), [STRUCT(3 AS x, 4 AS y)]');
  await fixture.run('INSERT d.t SELECT IF(FALSE, STRUCT(1 AS b, 2 AS a), NULL), []');
  expect(await fixture.rows('SELECT s.a, s.b, many FROM d.t ORDER BY 1')).toEqual([
    [null, null, []],
    ['1', '2', [{ v: { f: [{ v: '3' }, { v: '4' }] } }]],
  ]);
});

test('a parameter of which DuckDB learns the type late is one like any other', async () => {
  // len($list) has no type for DuckDB until a value is bound.
  await fixture.run('CREATE TABLE d.lengths (n INT64, m INT64)');
  const parameters = new Map([['p', { type: { kind: 'ARRAY', element: { kind: 'INT64' } } as const, value: new DuckDBListValue([4n, 5n]) }]]);
  const run = (sql: string) => fixture.run(sql, { parameters });
  await run('INSERT d.lengths VALUES (ARRAY_LENGTH(@p), 1)');
  await run('INSERT d.lengths SELECT ARRAY_LENGTH(@p) + 1, 2');
  await run('UPDATE d.lengths SET m = m + ARRAY_LENGTH(@p) WHERE TRUE');
  await run('MERGE d.lengths t USING (SELECT ARRAY_LENGTH(@p) + 5 AS n) s ON t.n = s.n WHEN NOT MATCHED THEN INSERT (n, m) VALUES (s.n, ARRAY_LENGTH(@p))');
  expect(await fixture.rows('SELECT n, m, ARRAY_LENGTH(@p) FROM d.lengths ORDER BY 1', { parameters })).toEqual([
    ['2', '3', '2'],
    ['3', '4', '2'],
    ['7', '2', '2'],
  ]);
});
