import { expect, test } from 'vitest';
import { readCsvHeader, readParquetColumns } from './source-files.ts';

type Schema = Parameters<typeof readParquetColumns>[0]['schema'];
type Element = Schema[number];

const typesOf = (...elements: readonly Element[]): readonly string[] =>
  [...readParquetColumns({ schema: [{ name: 'root', num_children: 0 }, ...elements] })].map(([name, type]) => `${name} ${type}`);

test.each<[Omit<Element, 'name'>, string]>([
  [{ type: 'BOOLEAN' }, 'BOOL'],
  [{ type: 'INT32' }, 'INT64'],
  [{ type: 'INT64' }, 'INT64'],
  [{ type: 'INT32', converted_type: 'UINT_16' }, 'INT64'],
  [{ type: 'INT64', converted_type: 'UINT_64' }, 'UINT64'],
  [{ type: 'INT32', converted_type: 'DATE' }, 'DATE'],
  [{ type: 'INT32', logical_type: { type: 'DATE' } }, 'DATE'],
  [{ type: 'INT64', converted_type: 'TIMESTAMP_MICROS' }, 'TIMESTAMP'],
  [{ type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'NANOS' } }, 'TIMESTAMP'],
  [{ type: 'INT96' }, 'TIMESTAMP'],
  [{ type: 'FLOAT' }, 'FLOAT64'],
  [{ type: 'DOUBLE' }, 'FLOAT64'],
  [{ type: 'INT32', converted_type: 'DECIMAL', precision: 6, scale: 2 }, 'NUMERIC'],
  [{ type: 'FIXED_LEN_BYTE_ARRAY', converted_type: 'DECIMAL', precision: 38, scale: 9 }, 'NUMERIC'],
  [{ type: 'FIXED_LEN_BYTE_ARRAY', converted_type: 'DECIMAL', precision: 38, scale: 10 }, 'BIGNUMERIC'],
  [{ type: 'BYTE_ARRAY', converted_type: 'UTF8' }, 'STRING'],
  [{ type: 'BYTE_ARRAY', logical_type: { type: 'STRING' } }, 'STRING'],
  [{ type: 'BYTE_ARRAY', converted_type: 'JSON' }, 'JSON'],
  [{ type: 'BYTE_ARRAY' }, 'BYTES'],
  [{ type: 'FIXED_LEN_BYTE_ARRAY' }, 'BYTES'],
])('a column %j is loaded as %s', (element, type) => {
  expect(typesOf({ name: 'c', ...element })).toEqual([`c ${type}`]);
});

test('lists are arrays of their elements, other groups structs, and what follows them keeps its place', () => {
  const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const;
  expect(
    typesOf(
      { name: 'three_levels', converted_type: 'LIST', num_children: 1 },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      { name: 'element', repetition_type: 'OPTIONAL', ...text },
      { name: 'two_levels', logical_type: { type: 'LIST' }, num_children: 1 },
      { name: 'array', repetition_type: 'REPEATED', type: 'DOUBLE' },
      { name: 'bare', repetition_type: 'REPEATED', type: 'INT64' },
      { name: 'place', num_children: 2 },
      { name: 'x', type: 'INT32' },
      { name: 'y', ...text },
      { name: 'last', type: 'BOOLEAN' },
    ),
  ).toEqual(['three_levels ARRAY<STRING>', 'two_levels ARRAY<FLOAT64>', 'bare ARRAY<INT64>', 'place STRUCT<x INT64, y STRING>', 'last BOOL']);
});

test.each([
  ['a,b\n1,2\n', ['a', 'b']],
  ['\uFEFFa,b\r\n', ['a', 'b']],
  ['"a, ""b""\nc",d\n', ['a, "b"\nc', 'd']],
  ['a,\n', ['a', '']],
  ['a,b', undefined],
  ['"a\n', undefined],
])('the names in %j', (text, names) => {
  expect(readCsvHeader(text)).toEqual(names);
});
