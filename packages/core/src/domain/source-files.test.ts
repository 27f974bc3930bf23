import { expect, test } from 'vitest';
import { dateOfKey, formatOfFile, listSource } from './source-files.ts';

test.each([
  ['a.parquet', 'parquet'],
  ['a.csv', 'csv'],
  ['a/b.CSV.gz', 'csv'],
  ['a.ndjson', 'ndjson'],
  ['a/2024-01-26.ndjson.gz', 'ndjson'],
  ['a.jsonl', 'ndjson'],
  ['a', 'parquet'],
])('%s is read as %s', (name, format) => {
  expect(formatOfFile(name)).toBe(format);
});

test.each([
  ['odds/{date}.ndjson.gz', 'odds/2024-01-26.ndjson.gz', '2024-01-26'],
  ['*/odds_{date}.csv', '2020/odds_2024-01-26.csv', '2024-01-26'],
  ['odds/{date}.ndjson.gz', 'odds/2024-02-30.ndjson.gz', undefined],
  ['odds/{date}.ndjson.gz', 'odds/latest.ndjson.gz', undefined],
  ['odds/*.ndjson.gz', 'odds/2024-01-26.ndjson.gz', undefined],
])('%s has in %s the date %s', (pattern, key, date) => {
  expect(dateOfKey(pattern, key)).toBe(date);
});

const listOf = (files: readonly string[], keys: Readonly<Record<string, readonly string[]>>) =>
  listSource({ files }, (glob) => Promise.resolve((keys[glob] ?? []).map((key) => ({ key }))));

test('files are listed once, sorted, without those whose place of a date holds none', async () => {
  const listed = await listOf(['x/{date}.csv', 'x/2*.csv'], {
    'x/*.csv': ['x/old.csv', 'x/2024-01-02.csv', 'x/2024-01-01.csv'],
    'x/2*.csv': ['x/2024-01-01.csv'],
  });
  expect(listed).toEqual({
    files: [{ key: 'x/2024-01-01.csv' }, { key: 'x/2024-01-02.csv' }],
    format: 'csv',
    dates: ['2024-01-01', '2024-01-02'],
    mixed: [],
  });
});

test('where one file may hold any date, dates are not told by names', async () => {
  expect((await listOf(['a.csv', '{date}.csv'], { 'a.csv': ['a.csv'], '*.csv': ['2024-01-01.csv'] })).dates).toBeUndefined();
});

test('two formats are told by their patterns', async () => {
  expect((await listOf(['a.parquet', '{date}.csv'], { 'a.parquet': ['a.parquet'], '*.csv': ['2024-01-01.csv'] })).mixed).toEqual(['a.parquet', '{date}.csv']);
});
