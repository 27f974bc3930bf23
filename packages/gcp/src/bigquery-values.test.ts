import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { Column, ColumnType } from '@floodgate/core/domain/pipeline.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { projectionsOf } from './bigquery-coercion.ts';
import { toJobId, toLabels } from './bigquery-jobs.ts';
import { packRows } from './bigquery-rows.ts';
import { rowOf, toQueryParameter, typeName, type Field } from './bigquery-values.ts';

const never = new AbortController().signal;
const column = (name: string, type: ColumnType): Column => ({ name, type, required: false, description: '', digits: 6 });

test.each<[Field, unknown, string, unknown]>([
  [{ name: 'c', type: 'INTEGER' }, '9007199254740993', 'INT64', '9007199254740993'],
  [{ name: 'c', type: 'INTEGER' }, '-5', 'INT64', -5],
  [{ name: 'c', type: 'FLOAT' }, '1.5', 'FLOAT64', 1.5],
  [{ name: 'c', type: 'FLOAT' }, 'NaN', 'FLOAT64', 'NaN'],
  [{ name: 'c', type: 'FLOAT64' }, '-Infinity', 'FLOAT64', '-Infinity'],
  [{ name: 'c', type: 'NUMERIC' }, '1.500', 'NUMERIC', '1.5'],
  [{ name: 'c', type: 'NUMERIC' }, '100', 'NUMERIC', '100'],
  [{ name: 'c', type: 'BOOLEAN' }, 'false', 'BOOL', false],
  [{ name: 'c', type: 'DATE' }, '2024-01-01', 'DATE', '2024-01-01'],
  [{ name: 'c', type: 'TIMESTAMP' }, '1704151800123456', 'TIMESTAMP', '2024-01-01T23:30:00.123456Z'],
  [{ name: 'c', type: 'TIMESTAMP' }, '-1', 'TIMESTAMP', '1969-12-31T23:59:59.999999Z'],
  [{ name: 'c', type: 'STRING' }, null, 'STRING', null],
  [{ name: 'c', type: 'INTEGER', mode: 'REPEATED' }, [{ v: '1' }, { v: '2' }], 'ARRAY<INT64>', [1, 2]],
  [{ name: 'c', type: 'RECORD', fields: [{ name: 'a', type: 'STRING' }] }, { f: [{ v: 'x' }] }, 'STRUCT<a STRING>', { a: 'x' }],
])('%j of %j is %s %j', (field, wire, type, value) => {
  expect(typeName(field)).toBe(type);
  expect(rowOf([field], { f: [{ v: wire }] })).toEqual({ c: value });
});

test('parameters go as text, arrays by element', () => {
  expect(toQueryParameter('a', { type: 'INT64', value: 5 })).toEqual({ name: 'a', parameterType: { type: 'INT64' }, parameterValue: { value: '5' } });
  expect(toQueryParameter('a', { type: 'DATE', value: null })).toEqual({ name: 'a', parameterType: { type: 'DATE' }, parameterValue: { value: null } });
  expect(toQueryParameter('a', { type: 'ARRAY<DATE>', value: ['2024-01-01'] })).toEqual({
    name: 'a',
    parameterType: { type: 'ARRAY', arrayType: { type: 'DATE' } },
    parameterValue: { arrayValues: [{ value: '2024-01-01' }] },
  });
});

test('labels and ids of jobs are made of what BigQuery takes, and different ids stay different', () => {
  expect(toLabels({ Backfill: 'NBA.2024/x', '1st': 'y'.repeat(80) })).toEqual({ backfill: 'nba_2024_x', l_1st: 'y'.repeat(63) });
  expect(toJobId('floodgate_a-1')).toBe('floodgate_a-1');
  expect(toJobId('a.b')).not.toBe(toJobId('a/b'));
  expect(toJobId('x'.repeat(3000)).length).toBeLessThanOrEqual(1024);
});

async function* each(rows: readonly JsonObject[]): AsyncGenerator<JsonObject> {
  yield* rows;
}

test('rows are packed as a load wants them', async () => {
  const columns = (['FLOAT64', 'NUMERIC', 'TIMESTAMP', 'ARRAY<NUMERIC>', 'INT64'] as const).map((type, index) => column(`c${index}`, type));
  const rows = [
    { c0: Number.NaN, c1: 1.5, c2: '2024-01-01 10:00:00+0130', c3: [1], c4: '9223372036854775807' },
    { c0: null, c2: '2024-01-01T10:00:00.5Z' },
  ];
  const packed = await packRows(columns, each(rows), never);
  expect(packed.rows).toBe(2);
  expect(
    gunzipSync(packed.content)
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([{ c0: 'NaN', c1: '1.5', c2: '2024-01-01T10:00:00+01:30', c3: ['1'], c4: '9223372036854775807' }, { c2: '2024-01-01T10:00:00.5Z' }]);
});

test.each<[ColumnType, unknown]>([
  ['INT64', '9223372036854775808'],
  ['INT64', 1.5],
  ['NUMERIC', '1.0000000001'],
  ['DATE', '2024-02-30'],
  ['TIMESTAMP', '2024-01-01T10:00:00'],
  ['BYTES', 'a'],
  ['ARRAY<INT64>', [null]],
  ['ARRAY<INT64>', 1],
])('a %s does not take %j', async (type, value) => {
  await expect(packRows([column('c', type)], each([{ c: value } as JsonObject]), never)).rejects.toMatchObject({
    code: 'contract_broken',
    message: expect.stringContaining('row 1: c is'),
  });
});

test('yielded types are widened as GoogleSQL does, and everything else is named', () => {
  const target = {
    table: 'nba.games',
    partitionColumn: 'd',
    key: ['d'],
    columns: [column('d', 'DATE'), column('f', 'FLOAT64'), column('n', 'NUMERIC'), column('j', 'JSON'), column('s', 'STRING')],
  };
  const yielded = (types: Readonly<Record<string, string>>) => Object.entries(types).map(([name, type]) => ({ name, type }));
  expect(projectionsOf(target, yielded({ d: 'DATE', f: 'NUMERIC', n: 'INT64', j: 'STRING', s: 'INT64' })).map(({ expression }) => expression)).toEqual([
    '`d`',
    'CAST(`f` AS FLOAT64)',
    'CAST(`n` AS NUMERIC)',
    'PARSE_JSON(`j`)',
    // Only a NULL may be an INT64 here.
    "IF(`s` IS NULL, CAST(NULL AS STRING), CAST(ERROR('s: declared STRING, the SELECT yields INT64') AS STRING))",
  ]);
  expect(() => projectionsOf(target, yielded({ d: 'TIMESTAMP', f: 'STRING', n: 'FLOAT64', s: 'STRING', x: 'INT64' }))).toThrow(
    /~ d: declared DATE, the SELECT yields TIMESTAMP\n.*~ f: declared FLOAT64, the SELECT yields STRING\n.*~ n: declared NUMERIC, the SELECT yields FLOAT64\n.*- j JSON is missing\n.*\+ x is not declared/,
  );
});
