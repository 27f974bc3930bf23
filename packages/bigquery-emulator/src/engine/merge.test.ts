// The examples of https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax#merge_examples, what they leave written
// by hand, and the rules around them.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
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
});
afterEach(() => fixture[Symbol.asyncDispose]());

const fill = async (): Promise<void> => {
  await fixture.run(`INSERT d.Inventory (product, quantity) VALUES ('dishwasher', 20), ('dryer', 30), ('oven', 5), ('top load washer', 10)`);
  await fixture.run(
    `INSERT d.NewArrivals VALUES ('dryer', 200, 'warehouse #2'), ('microwave', 20, 'warehouse #1'), ('oven', 300, 'warehouse #1'), ('top load washer', 100, 'warehouse #1')`,
  );
};
const merge = async (sql: string) => (await fixture.run(sql)).dml;
const contents = (table: string) => fixture.rows(`SELECT * FROM d.${table} ORDER BY 1, 2`);

test('what is not there is inserted, by the first clause that it meets', async () => {
  await fixture.run('CREATE TABLE d.DetailedInventory (product STRING, quantity INT64, supply_constrained BOOL, comments STRING)');
  await fixture.run(`INSERT d.DetailedInventory (product, quantity) VALUES ('dryer', 1)`);
  await fill();
  expect(
    await merge(`MERGE d.DetailedInventory T USING d.Inventory S ON T.product = S.product
      WHEN NOT MATCHED AND S.quantity < 20 THEN INSERT (product, quantity, supply_constrained, comments) VALUES (product, quantity, true, 'low')
      WHEN NOT MATCHED THEN INSERT (product, quantity, supply_constrained) VALUES (product, quantity, false)`),
  ).toEqual({ inserted: 3, updated: 0, deleted: 0 });
  expect(await contents('DetailedInventory')).toEqual([
    ['dishwasher', '20', 'false', null],
    ['dryer', '1', null, null],
    ['oven', '5', 'true', 'low'],
    ['top load washer', '10', 'true', 'low'],
  ]);
});

test('updated where it is there, inserted where not', async () => {
  await fill();
  expect(
    await merge(`MERGE d.Inventory T USING d.NewArrivals S ON T.product = S.product
      WHEN MATCHED THEN UPDATE SET quantity = T.quantity + S.quantity
      WHEN NOT MATCHED THEN INSERT (product, quantity) VALUES (product, quantity)`),
  ).toEqual({ inserted: 1, updated: 3, deleted: 0 });
  expect(await contents('Inventory')).toEqual([
    ['dishwasher', '20', null],
    ['dryer', '230', null],
    ['microwave', '20', null],
    ['oven', '305', null],
    ['top load washer', '110', null],
  ]);
});

test('updated or deleted by what the rows hold; a table merged with itself', async () => {
  await fill();
  expect(
    await merge(`MERGE d.NewArrivals T USING (SELECT * FROM d.NewArrivals WHERE warehouse <> 'warehouse #2') S ON T.product = S.product
      WHEN MATCHED AND T.quantity = 100 THEN UPDATE SET quantity = T.quantity + 20
      WHEN MATCHED THEN DELETE`),
  ).toEqual({ inserted: 0, updated: 1, deleted: 2 });
  expect(await contents('NewArrivals')).toEqual([
    ['dryer', '200', 'warehouse #2'],
    ['top load washer', '120', 'warehouse #1'],
  ]);
});

test('ON FALSE replaces what a condition names, without joining', async () => {
  await fill();
  expect(
    await merge(`MERGE d.Inventory T USING d.NewArrivals S ON FALSE
      WHEN NOT MATCHED AND product LIKE '%washer%' THEN INSERT (product, quantity) VALUES (product, quantity)
      WHEN NOT MATCHED BY SOURCE AND product LIKE '%washer%' THEN DELETE`),
  ).toEqual({ inserted: 1, updated: 0, deleted: 2 });
  expect(await contents('Inventory')).toEqual([
    ['dryer', '30', null],
    ['oven', '5', null],
    ['top load washer', '100', null],
  ]);
});

test('INSERT ROW takes the columns of the source by their place', async () => {
  await fixture.run('CREATE TABLE d.copy (what STRING, how_many INT64, place STRING)');
  await fill();
  expect(await merge('MERGE d.copy USING d.NewArrivals ON FALSE WHEN NOT MATCHED THEN INSERT ROW')).toEqual({ inserted: 4, updated: 0, deleted: 0 });
  expect(await contents('copy')).toEqual(await contents('NewArrivals'));
});

test('NOT MATCHED BY SOURCE updates and deletes, first clause first; a NULL key matches nothing', async () => {
  await fill();
  await fixture.run(`INSERT d.Inventory (product, quantity) VALUES (NULL, 1)`);
  await fixture.run(`INSERT d.NewArrivals (product, quantity) VALUES (NULL, 2)`);
  expect(
    await merge(`MERGE d.Inventory T USING d.NewArrivals S ON T.product = S.product
      WHEN NOT MATCHED BY SOURCE AND T.quantity = 20 THEN UPDATE SET quantity = 0, supply_constrained = TRUE
      WHEN NOT MATCHED BY SOURCE THEN DELETE
      WHEN NOT MATCHED BY TARGET AND S.product IS NULL THEN INSERT (product, quantity) VALUES ('nameless', S.quantity)`),
  ).toEqual({ inserted: 1, updated: 1, deleted: 1 });
  expect(await contents('Inventory')).toEqual([
    ['dishwasher', '0', 'true'],
    ['dryer', '30', null],
    ['nameless', '2', null],
    ['oven', '5', null],
    ['top load washer', '10', null],
  ]);
});

test('a target row that two source rows would change is an error; two that change nothing are none', async () => {
  await fill();
  await fixture.run(`INSERT d.NewArrivals VALUES ('dryer', 7, 'warehouse #9')`);
  const both = (clause: string) => `MERGE d.Inventory T USING d.NewArrivals S ON T.product = S.product ${clause}`;
  const problem = 'invalidQuery: UPDATE/MERGE must match at most one source row for each target row';
  expect(await fixture.refusal(both('WHEN MATCHED THEN UPDATE SET quantity = S.quantity'))).toBe(problem);
  expect(await fixture.refusal(both('WHEN MATCHED THEN DELETE'))).toBe(problem);
  expect(await merge(both('WHEN MATCHED AND S.quantity = 7 THEN UPDATE SET quantity = S.quantity'))).toEqual({ inserted: 0, updated: 1, deleted: 0 });
  expect(await merge(both('WHEN NOT MATCHED THEN INSERT (product) VALUES (product)'))).toEqual({ inserted: 1, updated: 0, deleted: 0 });
});

test('a clause is evaluated for its own rows alone', async () => {
  await fill();
  expect(
    await merge(`MERGE d.Inventory T USING d.NewArrivals S ON T.product = S.product
      WHEN MATCHED AND S.quantity <> 200 THEN UPDATE SET quantity = CAST(1000 / (S.quantity - 200) AS INT64)`),
  ).toEqual({ inserted: 0, updated: 2, deleted: 0 });
});

test('an error in one clause leaves nothing of the others', async () => {
  await fill();
  const before = await contents('Inventory');
  expect(
    await fixture.refusal(`MERGE d.Inventory T USING d.NewArrivals S ON T.product = S.product
      WHEN MATCHED THEN DELETE
      WHEN NOT MATCHED THEN INSERT (product, quantity) VALUES (product, CAST(1 / 0 AS INT64))`),
  ).toMatch(/^invalidQuery: division by zero/);
  expect(await contents('Inventory')).toEqual(before);
});

test('a row is inserted into the columns that are named, and columns may be called like types', async () => {
  await fixture.run('CREATE TABLE d.dated (id INT64, date DATE, note STRING DEFAULT "none")');
  const result = await merge(`MERGE d.dated T USING (SELECT DATE '2024-01-01' AS date, 1 AS id UNION ALL SELECT DATE '2024-01-02', 2) S
    ON T.date = S.date WHEN NOT MATCHED AND S.id = 1 THEN INSERT (date, id) ROW WHEN NOT MATCHED THEN INSERT (id, date) VALUES (id + 10, date)`);
  expect(result).toEqual({ inserted: 2, updated: 0, deleted: 0 });
  expect(await merge(`MERGE d.dated T USING (SELECT 1 AS id) S ON T.id = S.id WHEN MATCHED THEN UPDATE SET date = DATE '2024-02-01'`)).toEqual({
    inserted: 0,
    updated: 1,
    deleted: 0,
  });
  expect(await contents('dated')).toEqual([
    ['1', '2024-02-01', 'none'],
    ['12', '2024-01-02', 'none'],
  ]);
});

test('REQUIRED holds in every clause', async () => {
  await fixture.run('CREATE TABLE d.r (k INT64 NOT NULL, v STRING NOT NULL)');
  await fixture.run(`INSERT d.r VALUES (1, 'a')`);
  const source = '(SELECT 1 AS k, CAST(NULL AS STRING) AS v) S ON T.k = S.k';
  expect(await fixture.refusal(`MERGE d.r T USING ${source} WHEN MATCHED THEN UPDATE SET v = S.v`)).toBe('invalidQuery: Required field v cannot be null');
  expect(await fixture.refusal(`MERGE d.r T USING ${source} AND FALSE WHEN NOT MATCHED THEN INSERT ROW`)).toBe('invalidQuery: Required field v cannot be null');
  expect(await contents('r')).toEqual([['1', 'a']]);
});

test('50 partitions merge into a million rows quickly', async () => {
  await fixture.run(`CREATE TABLE d.big (day DATE, k INT64, v FLOAT64, name STRING) PARTITION BY day OPTIONS (require_partition_filter = TRUE)`);
  await fixture.run(`INSERT d.big SELECT DATE_ADD(DATE '2020-01-01', INTERVAL i DAY), k, k * 0.5, CONCAT('name ', CAST(k AS STRING))
    FROM UNNEST(GENERATE_ARRAY(0, 999)) AS i, UNNEST(GENERATE_ARRAY(1, 1000)) AS k`);
  const days = Array.from({ length: 50 }, (_, index) => `DATE '${new Date(Date.UTC(2022, 0, 1 + index)).toISOString().slice(0, 10)}'`).join(', ');
  await fixture.run(`CREATE TABLE d.staged AS SELECT day, k + 10 AS k, v + 1 AS v, name FROM d.big WHERE day IN (${days})`);
  const started = performance.now();
  const result = await fixture.run(`MERGE d.big T USING d.staged S ON T.day IN (${days}) AND T.day = S.day AND T.k = S.k
    WHEN MATCHED AND (T.v <> S.v) THEN UPDATE SET v = S.v, name = S.name
    WHEN NOT MATCHED BY TARGET THEN INSERT (day, k, v, name) VALUES (S.day, S.k, S.v, S.name)
    WHEN NOT MATCHED BY SOURCE AND T.day IN (${days}) THEN DELETE`);
  const elapsedMs = performance.now() - started;
  expect(result.dml).toEqual({ inserted: 500, updated: 49_500, deleted: 500 });
  // A join over the whole table with all its columns takes several times as long.
  expect(elapsedMs).toBeLessThan(3_000);
  // The dates' partitions of target and staged rows, and no others.
  expect(result.bytesProcessed).toBeGreaterThan(50_000 * 24);
  expect(result.bytesProcessed).toBeLessThan(50_000 * 80);
}, 60_000);
