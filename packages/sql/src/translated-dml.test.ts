/** The DuckDB texts inside translated DML, put together in the plainest way, and what DuckDB makes of them. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DuckDBConnection } from '@duckdb/node-api';
import { openDuckdb } from './corpus/duckdb.ts';
import { quoteIdentifier } from './printed.ts';
import { translateStatement } from './translate-statement.ts';
import type { Assignment, MergeWhen, TranslatedStatement, Value } from './translated-statement.ts';

const STATS = {
  name: 'd.stats',
  columns: [
    { name: 'id', type: 'INT64' },
    { name: 'day', type: 'DATE' },
    { name: 'pts', type: 'INT64' },
    { name: 'note', type: 'STRING' },
    { name: 'rate', type: 'NUMERIC' },
  ],
  rows: [
    [1, '2024-01-01', 10, 'a', '1.5'],
    [2, '2024-01-01', 20, null, null],
    [3, '2024-01-02', 30, 'c', '3'],
    [4, '2024-01-03', 40, 'd', '4'],
  ],
} as const;
const STAGED = {
  name: 'd.staged',
  columns: [
    { name: 'id', type: 'INT64' },
    { name: 'day', type: 'DATE' },
    { name: 'pts', type: 'INT64' },
  ],
  rows: [
    [1, '2024-01-01', 11],
    [2, '2024-01-01', 20],
    [5, '2024-01-02', 50],
    [6, '2024-01-02', 0],
  ],
} as const;
const TABLES = [STATS, STAGED];

let duckdb: DuckDBConnection;
beforeEach(async () => {
  duckdb = await openDuckdb(TABLES);
});
afterEach(() => duckdb.closeSync());

const tableName = (path: readonly string[]): string => path.map(quoteIdentifier).join('.');

function translate(sql: string): { readonly statement: TranslatedStatement; readonly parameters: readonly string[] } {
  const result = translateStatement(sql, {
    parameterTypes: { days: 'ARRAY<DATE>', ids: 'ARRAY<INT64>', rows: 'ARRAY<STRUCT<id INT64, pts INT64>>' },
    tableName,
    columnTypes: (path, column) => TABLES.find(({ name }) => name === path.join('.'))?.columns.find(({ name }) => name === column)?.type,
  });
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('; '));
  return result;
}

const printValue = (value: Value): string => (typeof value === 'string' ? value : 'DEFAULT');
const printSet = (set: readonly Assignment[]): string => set.map(({ path, value }) => `${quoteIdentifier(path.join('.'))} = ${printValue(value)}`).join(', ');
const printColumns = (columns: readonly string[] | undefined): string => (columns === undefined ? '' : `(${columns.map(quoteIdentifier).join(', ')})`);

function printWhen({ match, condition, action }: MergeWhen): string {
  const when = { matched: 'MATCHED', not_matched_by_target: 'NOT MATCHED', not_matched_by_source: 'NOT MATCHED BY SOURCE' }[match];
  const start = `WHEN ${when}${condition === undefined ? '' : ` AND ${condition}`} THEN`;
  switch (action.kind) {
    case 'update':
      return `${start} UPDATE SET ${printSet(action.set)}`;
    case 'delete':
      return `${start} DELETE`;
    case 'insert':
      return `${start} INSERT ${printColumns(action.columns)} VALUES (${action.values.map(printValue).join(', ')})`;
    case 'insert_row':
      return `${start} INSERT *`;
  }
}

function assemble(statement: TranslatedStatement): string {
  switch (statement.kind) {
    case 'insert': {
      const { source } = statement;
      const rows = source.kind === 'query' ? source.sql : `VALUES ${source.rows.map((row) => `(${row.map(printValue).join(', ')})`).join(', ')}`;
      return `INSERT INTO ${tableName(statement.target)} ${printColumns(statement.columns)} ${rows}`;
    }
    case 'update':
      return `UPDATE ${tableName(statement.target)} AS ${quoteIdentifier(statement.alias)} SET ${printSet(statement.set)}${statement.from === undefined ? '' : ` FROM ${statement.from}`} WHERE ${statement.where}`;
    case 'delete':
      return `DELETE FROM ${tableName(statement.target)} AS ${quoteIdentifier(statement.alias)} WHERE ${statement.where}`;
    case 'merge':
      return `MERGE INTO ${tableName(statement.target)} AS ${quoteIdentifier(statement.alias)} USING ${statement.source} ON ${statement.on} ${statement.whens.map(printWhen).join(' ')}`;
    default:
      throw new Error(`${statement.kind} is no DML`);
  }
}

async function stats(): Promise<string[]> {
  const result = await duckdb.runAndReadAll('SELECT id, day, pts, note, rate FROM d.stats ORDER BY id, day, pts');
  return result.getRowsJson().map((row) => row.join(' '));
}

async function run(sql: string): Promise<string[]> {
  await duckdb.run(assemble(translate(sql).statement));
  return stats();
}

test('INSERT of values, with DEFAULT, and of a query', async () => {
  await run("INSERT d.stats (id, note, pts) VALUES (7, 'it\\'s', DEFAULT), (8, UPPER('é'), 1 + 1)");
  expect(
    await run(
      'INSERT INTO d.stats (id, day, pts) WITH s AS (SELECT * FROM d.staged WHERE pts > 15) SELECT id + 100, DATE_SUB(day, INTERVAL 1 DAY), pts FROM s',
    ),
  ).toEqual([
    '1 2024-01-01 10 a 1.500000000',
    '2 2024-01-01 20  ',
    '3 2024-01-02 30 c 3.000000000',
    '4 2024-01-03 40 d 4.000000000',
    "7   it's ",
    '8  2 É ',
    '102 2023-12-31 20  ',
    '105 2024-01-01 50  ',
  ]);
});

test('INSERT of rows that came as a parameter', async () => {
  const { statement, parameters } = translate('INSERT INTO d.stats (id, pts) SELECT id, pts * 2 FROM UNNEST(@rows)');
  expect(parameters).toEqual(['rows']);
  const literal = assemble(statement).replace('$rows', '[{id: 70, pts: 1}, {id: 71, pts: NULL}]');
  await duckdb.run(literal);
  expect((await stats()).slice(4)).toEqual(['70  2  ', '71    ']);
});

test('UPDATE with FROM, and of NUMERIC by its type', async () => {
  expect(
    await run("UPDATE d.stats AS s SET pts = g.pts + 1, s.rate = rate / 7, note = IFNULL(note, 'new') FROM d.staged AS g WHERE s.id = g.id AND s.pts <> g.pts"),
  ).toEqual(['1 2024-01-01 12 a 0.214285714', '2 2024-01-01 20  ', '3 2024-01-02 30 c 3.000000000', '4 2024-01-03 40 d 4.000000000']);
});

test('DELETE by a subquery', async () => {
  expect(await run('DELETE d.stats t WHERE t.day IN (SELECT day FROM d.staged) AND NOT EXISTS (SELECT 1 FROM d.staged AS s WHERE s.id = t.id)')).toEqual([
    '1 2024-01-01 10 a 1.500000000',
    '2 2024-01-01 20  ',
    '4 2024-01-03 40 d 4.000000000',
  ]);
});

test('the MERGE of a commit: changed rows updated, new ones inserted, those of its dates that are gone deleted', async () => {
  const sql = `MERGE INTO d.stats AS T USING (SELECT * FROM d.staged WHERE pts > 0) AS S ON T.id = S.id AND T.day = S.day AND T.day IN (DATE '2024-01-01', DATE '2024-01-02')
    WHEN MATCHED AND T.pts IS DISTINCT FROM S.pts THEN UPDATE SET pts = S.pts, note = 'changed'
    WHEN NOT MATCHED BY TARGET THEN INSERT (id, day, pts, rate) VALUES (S.id, S.day, S.pts, S.pts / NUMERIC '3')
    WHEN NOT MATCHED BY SOURCE AND T.day IN (DATE '2024-01-01', DATE '2024-01-02') THEN DELETE`;
  expect(await run(sql)).toEqual([
    '1 2024-01-01 11 changed 1.500000000',
    '2 2024-01-01 20  ',
    '4 2024-01-03 40 d 4.000000000',
    '5 2024-01-02 50  16.666666667',
  ]);
});

test('MERGE ON FALSE replaces what a condition names', async () => {
  const sql = `MERGE d.stats AS T USING (SELECT id, day, pts, 'x' AS note, CAST(NULL AS NUMERIC) AS rate FROM d.staged WHERE id = 5) AS S ON FALSE
    WHEN NOT MATCHED BY SOURCE AND day = DATE '2024-01-02' THEN DELETE WHEN NOT MATCHED THEN INSERT ROW`;
  expect(await run(sql)).toEqual(['1 2024-01-01 10 a 1.500000000', '2 2024-01-01 20  ', '4 2024-01-03 40 d 4.000000000', '5 2024-01-02 50 x ']);
});
