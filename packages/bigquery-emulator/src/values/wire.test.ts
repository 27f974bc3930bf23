import { DuckDBDateValue, DuckDBInstance, DuckDBListValue, DuckDBStructValue, DuckDBTimestampTZValue } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BigQueryProblem } from '../problem.ts';
import { scalarKinds } from '../types.ts';
import type { DuckDBValue, ScalarKind, SqlType, TableField } from '../types.ts';
import { bindType, duckdbType } from './duckdb-type.ts';
import { parseScalar } from './scalar.ts';
import { bytesOfColumnSql } from './size.ts';
import { fieldOfColumn, parseType } from './types.ts';
import { decodeJsonCell, encodeCell } from './wire.ts';

let connection: DuckDBConnection;
beforeAll(async () => {
  connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
});
afterAll(() => connection.closeSync());

/** Through a table, as the engine keeps it. */
async function throughDuckdb(value: DuckDBValue, type: SqlType): Promise<DuckDBValue> {
  await connection.run(`CREATE OR REPLACE TABLE kept (v ${duckdbType(type)})`);
  await connection.run('INSERT INTO kept VALUES ($v)', { v: value }, { v: bindType(type) });
  return ((await connection.runAndReadAll('SELECT v FROM kept')).getRows()[0] as DuckDBValue[])[0] as DuckDBValue;
}
const sizeOf = async (type: SqlType): Promise<bigint> =>
  BigInt(((await connection.runAndReadAll(`SELECT ${bytesOfColumnSql('v', type)} FROM kept`)).getRows()[0] as DuckDBValue[])[0] as bigint | number);

const two = (value: number): string => String(value).padStart(2, '0');
const dates = fc
  .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));
const times = fc
  .tuple(fc.nat(23), fc.nat(59), fc.nat(59), fc.oneof(fc.constant(0), fc.nat(999_999)))
  .map(([h, m, s, micros]) => `${two(h)}:${two(m)}:${two(s)}${micros === 0 ? '' : `.${String(micros).padStart(6, '0')}`}`);
const numerics = fc.bigInt({ min: -(10n ** 38n - 1n), max: 10n ** 38n - 1n }).map((value) => {
  const digits = String(value < 0n ? -value : value).padStart(10, '0');
  const text = `${digits.slice(0, -9)}.${digits.slice(-9)}`.replace(/\.?0+$/u, '');
  return value < 0n ? `-${text}` : text;
});
/** Canonical cells of every kind: what goes in as such comes out as such. */
const cells: Record<ScalarKind, fc.Arbitrary<string>> = {
  INT64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  FLOAT64: fc
    .double()
    .filter((value) => value !== 0)
    .map((value) => String(value)),
  NUMERIC: numerics,
  BOOL: fc.boolean().map(String),
  STRING: fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant('a\0b')),
  BYTES: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('base64')),
  DATE: dates,
  TIME: times,
  DATETIME: fc.tuple(dates, times).map(([date, time]) => `${date}T${time}`),
  TIMESTAMP: fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n }).map(String),
  JSON: fc.json({ stringUnit: 'grapheme' }).map((text) => (parseScalar('JSON', text) as string | undefined) ?? 'null'),
};

const isoOf = (micros: bigint): string => {
  const rest = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  return `${new Date(Number((micros - rest) / 1000n)).toISOString().slice(0, 19)}.${String(rest).padStart(6, '0')}Z`;
};

describe('cells', () => {
  it.each(scalarKinds)('%s: what is sent is kept by DuckDB and read again unchanged', async (kind) => {
    const type: SqlType = { kind };
    const field = fieldOfColumn({ name: 'a', type });
    await fc.assert(
      fc.asyncProperty(cells[kind], async (cell) => {
        const sent = kind === 'TIMESTAMP' ? isoOf(BigInt(cell)) : cell;
        const read = encodeCell(await throughDuckdb(decodeJsonCell(sent, field), type), type, { useInt64Timestamp: true });
        if (kind === 'FLOAT64') expect(Number(read)).toBe(Number(cell));
        else expect(read).toBe(cell);
      }),
      { numRuns: 60 },
    );
  });

  it('ARRAY and STRUCT nest, with NULL inside of a STRUCT and a NULL array as an empty one', async () => {
    const type = parseType('ARRAY<STRUCT<a INT64, b ARRAY<STRING>, c STRUCT<d DATE>>>');
    const field = fieldOfColumn({ name: 'r', type });
    const value = decodeJsonCell([{ a: '1', b: ['x', 'yé'], c: { d: '2024-02-29' } }, { A: null, c: null }, {}], field);
    const kept = await throughDuckdb(value, type);
    expect(encodeCell(kept, type)).toEqual([
      { v: { f: [{ v: '1' }, { v: [{ v: 'x' }, { v: 'yé' }] }, { v: { f: [{ v: '2024-02-29' }] } }] } },
      { v: { f: [{ v: null }, { v: [] }, { v: null }] } },
      { v: { f: [{ v: null }, { v: [] }, { v: null }] } },
    ]);
    expect(encodeCell(null, type)).toEqual([]);
    // INT64, two STRINGs of one and three bytes, DATE; nothing for NULL.
    expect(await sizeOf(type)).toBe(8n + 3n + 5n + 8n);
  });

  it.each([
    ['INT64', '7', 8n],
    ['NUMERIC', '7', 16n],
    ['BOOL', 'true', 1n],
    ['STRING', 'né', 5n],
    ['BYTES', 'AAEC', 5n],
    ['TIMESTAMP', '2024-01-01 00:00:00', 8n],
    ['JSON', '{"a": 1}', 7n],
  ] as const)('%s %s is %s bytes', async (kind, text, bytes) => {
    await throughDuckdb(parseScalar(kind, text) ?? null, { kind });
    expect(await sizeOf({ kind })).toBe(bytes);
    await throughDuckdb(null, { kind });
    expect(await sizeOf({ kind })).toBe(0n);
  });

  it.each([
    [0n, '0.0', '0'],
    [1_704_067_200_000_000n, '1.7040672E9', '1704067200000000'],
    [1_704_067_200_123_456n, '1.704067200123456E9', '1704067200123456'],
    [-62_135_596_800_000_000n, '-6.21355968E10', '-62135596800000000'],
    [253_402_300_799_999_999n, '2.534023008E11', '253402300799999999'],
    [-1n, '-1.0E-6', '-1'],
  ])('a TIMESTAMP of %s microseconds is %s seconds', (micros, seconds, integer) => {
    const value = new DuckDBTimestampTZValue(micros);
    expect(encodeCell(value, { kind: 'TIMESTAMP' })).toBe(seconds);
    expect(encodeCell(value, { kind: 'TIMESTAMP' }, { useInt64Timestamp: true })).toBe(integer);
  });

  it.each([
    [1, '1.0'],
    [0.1, '0.1'],
    [-1.5, '-1.5'],
    [1e7, '1.0E7'],
    [1.25e-4, '1.25E-4'],
    [Number.NaN, 'NaN'],
    [-Infinity, '-Infinity'],
  ])('a FLOAT64 of %s is %s', (value, cell) => expect(encodeCell(value, { kind: 'FLOAT64' })).toBe(cell));

  it('a value that BigQuery could not have is an error of ours, not a cell', () => {
    expect(() => encodeCell(2n ** 63n, { kind: 'INT64' })).toThrow(BigQueryProblem);
    expect(() => encodeCell(DuckDBDateValue.PosInf, { kind: 'DATE' })).toThrow(BigQueryProblem);
    expect(() => encodeCell('1', { kind: 'INT64' })).toThrow(BigQueryProblem);
    expect(() => encodeCell(new DuckDBListValue([]), parseType('STRUCT<a INT64>'))).toThrow(BigQueryProblem);
  });

  it('JSON is printed compact, its keys sorted, 64-bit integers exact', () => {
    expect(encodeCell('{"b": [1, 2.50, 9223372036854775807, 18446744073709551615, 1e3], "a": "é\\u0041"}', { kind: 'JSON' })).toBe(
      '{"a":"éA","b":[1,2.5,9223372036854775807,18446744073709551615,1000.0]}',
    );
  });
});

const fieldOf = (type: TableField['type'], more: Partial<TableField> = {}): TableField => ({ name: 'a', type, mode: 'NULLABLE', ...more });
const record = fieldOf('RECORD', { fields: [{ name: 'b', type: 'INTEGER', mode: 'REQUIRED' }] });

describe('decodeJsonCell', () => {
  it.each([
    [7, fieldOf('INTEGER'), '7'],
    ['-9223372036854775808', fieldOf('INTEGER'), '-9223372036854775808'],
    [1.5, fieldOf('NUMERIC'), '1.5'],
    ['-0.000000001', fieldOf('NUMERIC'), '-0.000000001'],
    ['1e3', fieldOf('NUMERIC'), '1000'],
    ['inf', fieldOf('FLOAT'), 'Infinity'],
    ['NaN', fieldOf('FLOAT'), 'NaN'],
    [true, fieldOf('BOOLEAN'), 'true'],
    ['False', fieldOf('BOOLEAN'), 'false'],
    ['2024-2-9', fieldOf('DATE'), '2024-02-09'],
    ['2024-01-01 1:02:03.5', fieldOf('DATETIME'), '2024-01-01T01:02:03.500000'],
    ['2024-01-01', fieldOf('DATETIME'), '2024-01-01T00:00:00'],
    ['23:59:59.999999', fieldOf('TIME'), '23:59:59.999999'],
    ['2024-01-01T00:00:00+01:30', fieldOf('TIMESTAMP'), '1.7040618E9'],
    [1_704_067_200.5, fieldOf('TIMESTAMP'), '1.7040672005E9'],
    ['2024-01-01 00:00:00 UTC', fieldOf('TIMESTAMP'), '1.7040672E9'],
    ['-_-_', fieldOf('BYTES'), '+/+/'],
    [null, fieldOf('DATE'), null],
    [undefined, fieldOf('DATE', { mode: 'REPEATED' }), []],
    ['abc', fieldOf('STRING', { maxLength: '3' }), 'abc'],
    ['12.34', fieldOf('NUMERIC', { precision: '4', scale: '2' }), '12.34'],
  ] as const)('%j in %j is the cell %j', (json, field, cell) => {
    const value = decodeJsonCell(json, field);
    const type = field.mode === 'REPEATED' ? parseType(`ARRAY<${field.type}>`) : parseType(field.type);
    expect(encodeCell(value, type)).toEqual(cell);
  });

  it.each([
    ['1.5', fieldOf('INTEGER'), 'Cannot convert value to integer (bad value): 1.5'],
    ['9223372036854775808', fieldOf('INTEGER'), 'Cannot convert value to integer'],
    [2 ** 60, fieldOf('INTEGER'), 'unsupported'],
    ['0.0000000001', fieldOf('NUMERIC'), 'Cannot convert value to numeric'],
    ['1e29', fieldOf('NUMERIC'), 'Cannot convert value to numeric'],
    [true, fieldOf('STRING'), 'Conversion from bool to string is unsupported.'],
    [7, fieldOf('STRING'), 'Conversion from int64 to string is unsupported.'],
    ['yes?', fieldOf('BOOLEAN'), 'Cannot convert value to boolean'],
    ['2023-02-29', fieldOf('DATE'), 'Cannot convert value to date'],
    ['0000-01-01', fieldOf('DATE'), 'Cannot convert value to date'],
    ['24:00:00', fieldOf('TIME'), 'Cannot convert value to time'],
    ['9999-12-31T23:59:59-01:00', fieldOf('TIMESTAMP'), 'Cannot convert value to timestamp'],
    ['2024-01-01T00:00:00+14:01', fieldOf('TIMESTAMP'), 'Cannot convert value to timestamp'],
    ['2024-01-01T00:00:00.1234567Z', fieldOf('TIMESTAMP'), 'Cannot convert value to timestamp'],
    [1e300, fieldOf('TIMESTAMP'), 'unsupported'],
    ['a*b', fieldOf('BYTES'), 'Cannot convert value to bytes'],
    ['{', fieldOf('JSON'), 'Cannot convert value to JSON'],
    ['1e400', fieldOf('JSON'), 'Cannot convert value to JSON'],
    ['[0.12345678901234567890]', fieldOf('JSON'), 'Cannot convert value to JSON'],
    [{}, fieldOf('STRING'), 'This field: a is not a record.'],
    [[1], fieldOf('INTEGER'), 'Array specified for non-repeated field: a.'],
    [1, fieldOf('INTEGER', { mode: 'REPEATED' }), 'Repeated field must be imported as a JSON array. Field: a.'],
    [[null], fieldOf('INTEGER', { mode: 'REPEATED' }), 'Only optional fields can be set to NULL.'],
    [null, fieldOf('INTEGER', { mode: 'REQUIRED' }), 'Missing required field: a.'],
    [{}, record, 'Missing required field: a.b.'],
    [{ b: 1, c: 2 }, record, 'no such field: a.c.'],
    [{ b: 1, B: 2 }, record, 'Repeated value for field a.B.'],
    ['{}', record, 'This field: a is a record.'],
    ['abcd', fieldOf('STRING', { maxLength: '3' }), 'maximum length 3'],
    ['123.4', fieldOf('NUMERIC', { precision: '4', scale: '2' }), "can't hold"],
    ['1.234', fieldOf('NUMERIC', { precision: '4', scale: '2' }), "can't hold"],
  ] as const)('%j in %j is refused: %s', (json, field, message) => {
    expect(() => decodeJsonCell(json, field)).toThrow(expect.objectContaining({ reason: 'invalid', message: expect.stringContaining(message) as string }));
  });

  it('names the field, and drops unknown keys only when asked to', () => {
    expect(() => decodeJsonCell({ b: 'x' }, record)).toThrow(expect.objectContaining({ location: 'a.b' }));
    expect(decodeJsonCell({ b: 1, c: 2 }, record, { ignoreUnknown: true })).toEqual(new DuckDBStructValue({ b: 1n }));
  });

  it('refuses zones by name instead of guessing them', () => {
    expect(() => decodeJsonCell('2024-01-01 00:00:00 America/New_York', fieldOf('TIMESTAMP'))).toThrow(expect.objectContaining({ reason: 'notImplemented' }));
  });

  it('answers hostile input with a problem, never a crash', () => {
    const fields = scalarKinds.map((kind) => fieldOfColumn({ name: 'a', type: { kind } }));
    const hostile = fc.oneof(
      fc.anything({ withBigInt: true, withDate: true }),
      fc.constantFrom('[', '['.repeat(100_000), '1'.repeat(200_000), '1e999999999', '-'.repeat(9), '\ud800'),
    );
    fc.assert(
      fc.property(hostile, fc.constantFrom(...fields, record, fieldOf('DATE', { mode: 'REPEATED' })), (json, field) => {
        try {
          decodeJsonCell(json, field);
        } catch (error) {
          expect(error).toBeInstanceOf(BigQueryProblem);
        }
      }),
      { numRuns: 500 },
    );
  });
});
