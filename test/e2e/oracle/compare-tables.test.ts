import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import { beforeEach, expect, test } from 'vitest';
import { compareTables, describeDifferences } from './compare-tables.ts';

let connection: DuckDBConnection;

beforeEach(async () => {
  connection = await (await DuckDBInstance.create(':memory:')).connect();
  return () => connection.closeSync();
});

const compare = async (actual: string, expected: string, columns: readonly string[] | 'shared' = 'shared') =>
  compareTables(connection, `(${actual})`, `(${expected})`, columns, ['k']);

/** The lines about two one-row tables whose column v holds the given SQL expressions. */
const compareValues = async (actual: string, expected: string) =>
  describeDifferences(await compare(`SELECT 1 AS k, ${actual} AS v`, `SELECT 1 AS k, ${expected} AS v`));

test('equal tables have no differences, whatever the order of their columns', async () => {
  const comparison = await compare(`SELECT 'x' AS v, 1 AS k`, `SELECT 1 AS k, 'x' AS v`);
  expect(describeDifferences(comparison)).toEqual([]);
  expect(comparison).toMatchObject({ rows: { actual: 1, expected: 1 }, compared: ['k', 'v'], onlyActual: [], onlyExpected: [] });
});

test('differences are counted per column, with three examples at most and their keys', async () => {
  const comparison = await compare('SELECT i AS k, i + 1 AS v, 7 AS same FROM range(5) AS r(i)', 'SELECT i AS k, i AS v, 7 AS same FROM range(5) AS r(i)');
  expect(comparison.differences).toEqual([
    {
      column: 'v',
      rows: 5,
      examples: [
        { key: { k: '0' }, actual: '1', expected: '0' },
        { key: { k: '1' }, actual: '2', expected: '1' },
        { key: { k: '2' }, actual: '3', expected: '2' },
      ],
    },
  ]);
});

test('missing and extra rows are counted, a NULL in the key pairs with a NULL', async () => {
  const comparison = await compare('SELECT unnest([1, 2, NULL]) AS k', 'SELECT unnest([2, 3, 4, NULL]) AS k');
  expect(comparison.missing).toEqual({ rows: 2, examples: [{ k: 3 }, { k: 4 }] });
  expect(comparison.extra).toEqual({ rows: 1, examples: [{ k: 1 }] });
  expect(describeDifferences(comparison)).toHaveLength(2);
});

test('a key that stands twice is reported on its side, even where all its cells are right', async () => {
  const comparison = await compare('SELECT unnest([1, 1, 2]) AS k', 'SELECT unnest([1, 2]) AS k');
  expect(comparison.duplicateKeys).toEqual({ actual: 1, expected: 0 });
  expect(describeDifferences(comparison)).toEqual(['1 keys stand more than once']);
});

test('columns of one side only are named, never compared', async () => {
  const comparison = await compare('SELECT 1 AS k, 2 AS a, 3 AS both', 'SELECT 1 AS k, 9 AS e, 3 AS both');
  expect(comparison).toMatchObject({ compared: ['k', 'both'], onlyActual: ['a'], onlyExpected: ['e'], differences: [] });
});

test('a named column or key that one side lacks is an error, no silent pass', async () => {
  await expect(compare('SELECT 1 AS k, 2 AS v', 'SELECT 1 AS k', ['v'])).rejects.toThrow('column v is missing');
  await expect(compare('SELECT 1 AS x', 'SELECT 1 AS k')).rejects.toThrow('column k is missing');
});

test.each([
  ['a float within one part in a thousand million', '1000000.0001::DOUBLE', '1000000.0::DOUBLE'],
  ['a decimal and the float of the same value', '1.25::DECIMAL(6,2)', '1.25::DOUBLE'],
  ['integers of different width', '5::SMALLINT', '5::BIGINT'],
  ['NULL and NULL', 'NULL::DOUBLE', 'NULL::DOUBLE'],
  ['NaN and NaN', `'NaN'::DOUBLE`, `'NaN'::DOUBLE`],
  ['an instant with and without its zone', `'2024-01-01 00:00:00+00'::TIMESTAMPTZ`, `'2024-01-01 00:00:00'::TIMESTAMP`],
])('%s count as equal', async (_, actual, expected) => {
  expect(await compareValues(actual, expected)).toEqual([]);
});

test.each([
  ['a float beyond the tolerance', '1000000.01::DOUBLE', '1000000.0::DOUBLE'],
  ['a small number and zero', '1e-12::DOUBLE', '0::DOUBLE'],
  ['NULL and zero', 'NULL::DOUBLE', '0::DOUBLE'],
  ['NULL and an empty text', 'NULL::VARCHAR', `''`],
  ['NaN and a number', `'NaN'::DOUBLE`, '1::DOUBLE'],
  ['infinity and a number', `'Infinity'::DOUBLE`, '1::DOUBLE'],
  ['FALSE and NULL', 'false', 'NULL::BOOLEAN'],
  ['neighbouring large integers', '9007199254740993::BIGINT', '9007199254740992::BIGINT'],
  ['a text and a number that looks the same', `'7'`, '7'],
])('%s count as different', async (_, actual, expected) => {
  expect(await compareValues(actual, expected)).toHaveLength(1);
});
