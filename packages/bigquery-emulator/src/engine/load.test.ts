import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Destination, LoadFormat } from '../engine-contract.ts';
import { BigQueryProblem } from '../problem.ts';
import type { TableField } from '../types.ts';
import { idOf } from './engine.fixture.ts';
import { openEngine, type DuckDbEngine } from './engine.ts';

let engine: DuckDbEngine;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'load-'));
  engine = await openEngine({ clock: { now: () => 0 } });
  await engine.datasets.create({ projectId: 'p', datasetId: 'd', location: 'US', properties: {} });
});
afterEach(async () => {
  await engine[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const json: LoadFormat = { kind: 'NEWLINE_DELIMITED_JSON', ignoreUnknownValues: false };
const csv: Extract<LoadFormat, { kind: 'CSV' }> = {
  kind: 'CSV',
  skipLeadingRows: 1,
  delimiter: ',',
  quote: '"',
  nullMarker: '',
  allowQuotedNewlines: false,
  matchesByName: false,
  ignoreUnknownValues: false,
};
const field = (name: string, type: TableField['type'], mode: TableField['mode'] = 'NULLABLE'): TableField => ({ name, type, mode });
const fields = [field('id', 'INTEGER', 'REQUIRED'), field('name', 'STRING'), field('at', 'TIMESTAMP'), field('n', 'NUMERIC')];
const into = (rest: Partial<Destination> = {}): Destination => ({
  table: idOf('t'),
  write: 'WRITE_APPEND',
  create: 'CREATE_IF_NEEDED',
  schema: { fields },
  ...rest,
});
const load = (files: readonly string[], format: LoadFormat, destination = into(), options = {}) =>
  engine.load(files, format, destination, { autodetect: false, maxBadRecords: 0, ...options });
const rows = async () => (await engine.tables.read(idOf('t'), { startIndex: 0, maxRows: 100 })).rows;
const problemOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no problem',
    (error: unknown) => (error instanceof BigQueryProblem ? `${error.reason}: ${error.message}` : String(error)),
  );

describe('JSON', () => {
  test('values by their columns, integers of 64 bits exact, gzipped or not', async () => {
    const plain = file('a.json', '{"id": 9007199254740993, "NAME": "x", "at": "2024-01-01 00:00:00 UTC", "n": 0.1}\n\n{"id": "2"}\r\n');
    const packed = file('b.json.gz', gzipSync('{"id": 3, "name": "ü"}'));
    const result = await load([plain, packed], json);
    expect(result).toMatchObject({ outputRows: 3, partitions: [], outputBytes: 8 + 3 + 8 + 16 + 8 + 8 + 4 });
    expect(await rows()).toEqual([
      ['9007199254740993', 'x', '1.7040672E9', '0.1'],
      ['2', null, null, null],
      ['3', 'ü', null, null],
    ]);
  });

  test('the first bad row is named with its file, and nothing is loaded', async () => {
    const good = file('good.json', '{"id": 1}\n');
    const bad = file('bad.json', '{"id": 1}\n{"id": "x"}\n{"id": 3');
    expect(await problemOf(load([good, bad], json))).toMatch(/^invalid: Error while reading data, error message: .*x.* File: \S*bad\.json; Row: 2$/);
    expect(engine.tables.get(idOf('t'))).toBeUndefined();
    expect(await problemOf(load([good, bad], json, into(), { maxBadRecords: 1 }))).toMatch(/too many errors \(2\).*Row: 3$/);
    expect((await load([good, bad], json, into(), { maxBadRecords: 2 })).outputRows).toBe(2);
  });

  test('unknown values are refused or ignored', async () => {
    const path = file('a.json', '{"id": 1, "other": 2}');
    expect(await problemOf(load([path], json))).toMatch(/no such field: other/);
    await load([path], { ...json, ignoreUnknownValues: true });
    expect(await rows()).toEqual([['1', null, null, null]]);
  });

  test('JSON values stand as they are; records and arrays nest', async () => {
    const nested = [{ ...field('r', 'RECORD', 'REPEATED'), fields: [field('j', 'JSON'), field('d', 'DATE', 'REPEATED')] }];
    await load([file('a.json', '{"r": [{"j": {"b": [1, null], "a": "x"}, "d": ["2024-01-01"]}]}')], json, into({ schema: { fields: nested } }));
    expect(await rows()).toEqual([[[{ v: { f: [{ v: '{"a":"x","b":[1,null]}' }, { v: [{ v: '2024-01-01' }] }] } }]]]);
  });

  test('autodetection of types that are plain to see', async () => {
    const path = file(
      'a.json',
      '{"i": 1, "f": 1, "b": true, "d": "2024-01-01", "t": "2024-01-01T00:00:00Z", "l": [1], "r": {"x": "y"}}\n{"f": 0.5, "i": null}',
    );
    await load([path], json, { table: idOf('t'), write: 'WRITE_EMPTY', create: 'CREATE_IF_NEEDED' }, { autodetect: true });
    expect(engine.tables.get(idOf('t'))?.schema.fields).toEqual([
      field('i', 'INTEGER'),
      field('f', 'FLOAT'),
      field('b', 'BOOLEAN'),
      field('d', 'DATE'),
      field('t', 'TIMESTAMP'),
      field('l', 'INTEGER', 'REPEATED'),
      { ...field('r', 'RECORD'), fields: [field('x', 'STRING')] },
    ]);
    expect(await problemOf(load([path], json, { table: idOf('u'), write: 'WRITE_EMPTY', create: 'CREATE_IF_NEEDED' }))).toBe(
      'invalid: No schema specified on job or table.',
    );
  });
});

describe('CSV', () => {
  test('quotes, NULL and the empty text', async () => {
    const path = file('a.csv', 'id,name,at,n\r\n1,"a ""b"", c",2024-01-01 00:00:00,1.5\r\n2,"",,\r\n3,,,\n');
    await load([path], csv);
    expect((await rows()).map((row) => row[1])).toEqual(['a "b", c', '', null]);
    await load([path], { ...csv, nullMarker: '\\N' }, into({ write: 'WRITE_TRUNCATE' }));
    expect((await rows()).map((row) => row[1])).toEqual(['a "b", c', '', '']);
  });

  test('line breaks inside quotes only where they are allowed; other delimiters', async () => {
    const path = file('a.csv', 'id;name;at;n\n1;"a\nb";;\n');
    expect(await problemOf(load([path], { ...csv, delimiter: ';' }))).toMatch(/Missing close quote.*Row: 2$/);
    await load([path], { ...csv, delimiter: ';', allowQuotedNewlines: true });
    expect(await rows()).toEqual([['1', 'a\nb', null, null]]);
  });

  test('columns by the names in the first line, where that is asked for', async () => {
    const byName = { ...csv, matchesByName: true, nullMarker: '\\N' };
    await load([file('a.csv', 'n,"ID"\n1.5,1\n'), file('b.csv', 'name,id\n"",2\n')], byName);
    expect(await rows()).toEqual([
      ['1', null, null, '1.5'],
      ['2', '', null, null],
    ]);
    const wider = file('c.csv', 'more,id\nx,3\n');
    expect(await problemOf(load([wider], byName))).toMatch(/the column more of \S*c\.csv is not in the schema/);
    await load([wider], { ...byName, ignoreUnknownValues: true });
    expect((await rows()).map((row) => row[0])).toEqual(['1', '2', '3']);
    expect(await problemOf(load([file('d.csv', 'id,name\n4\n')], byName))).toMatch(/Missing values in line: found 1 column\(s\) while expected 2/);
  });

  test('a row of other length, a bad value, a NULL in a REQUIRED column', async () => {
    for (const [line, message] of [
      ['1,a', 'Missing values'],
      ['1,a,,,5', 'Too many values'],
      ['x,a,,', 'x'],
      [',a,,', 'Missing required field: id'],
    ] as const)
      expect(await problemOf(load([file('a.csv', `h\n2,b,,\n${line}\n`)], csv)), line).toMatch(new RegExp(`${message}.* File: \\S*a\\.csv; Row: 3$`));
  });
});

describe('Parquet', () => {
  const write = async (name: string, select: string): Promise<string> => {
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    await connection.run(`COPY (${select}) TO '${join(folder, name)}' (FORMAT parquet)`);
    connection.closeSync();
    instance.closeSync();
    return join(folder, name);
  };
  const parquet: LoadFormat = { kind: 'PARQUET', ignoreUnknownValues: false };

  test('says its own schema', async () => {
    const path = await write(
      'a.parquet',
      `SELECT 1::INTEGER AS i, 1.5::FLOAT AS f, 'x' AS s, DATE '2024-01-01' AS d, 1.25::DECIMAL(10, 2) AS n, [1, 2] AS l, {'a': TRUE} AS r`,
    );
    const { outputRows } = await engine.load(
      [path],
      parquet,
      { table: idOf('t'), write: 'WRITE_EMPTY', create: 'CREATE_IF_NEEDED' },
      { autodetect: false, maxBadRecords: 0 },
    );
    expect(outputRows).toBe(1);
    expect(engine.tables.get(idOf('t'))?.schema.fields.map(({ name, type, mode }) => `${name} ${type} ${mode}`)).toEqual([
      'i INTEGER NULLABLE',
      'f FLOAT NULLABLE',
      's STRING NULLABLE',
      'd DATE NULLABLE',
      'n NUMERIC NULLABLE',
      'l INTEGER REPEATED',
      'r RECORD NULLABLE',
    ]);
    expect(await rows()).toEqual([['1', '1.5', 'x', '2024-01-01', '1.25', [{ v: '1' }, { v: '2' }], { f: [{ v: 'true' }] }]]);
  });

  test('must fit a schema that is given', async () => {
    const good = await write('good.parquet', `SELECT 1::BIGINT AS id, 'a' AS name, TIMESTAMP '2024-01-01 00:00:00' AS at`);
    await load([good], parquet);
    expect(await rows()).toEqual([['1', 'a', '1.7040672E9', null]]);
    const wider = await write('wider.parquet', `SELECT 2::BIGINT AS id, 'x' AS more`);
    expect(await problemOf(load([wider], parquet))).toMatch(/wider\.parquet.*Cannot add fields \(field: more\)/);
    await load([wider], { kind: 'PARQUET', ignoreUnknownValues: true });
    expect((await rows()).map((row) => row[0])).toEqual(['1', '2']);
    expect(await problemOf(load([good, await write('text.parquet', `SELECT '1' AS id`)], parquet))).toMatch(
      /text\.parquet.*Field id has type INT64, the file has STRING/,
    );
    expect(await problemOf(load([await write('null.parquet', `SELECT * FROM (VALUES (1::BIGINT), (NULL)) v(id)`)], parquet))).toMatch(
      /Required field id cannot be null\. File: \S*null\.parquet; Row: 2$/,
    );
    expect(await problemOf(load([file('none.parquet', 'no parquet')], parquet))).toMatch(/^invalid: .*none\.parquet is no Parquet file/);
    expect(await rows()).toHaveLength(2);
  });
});

test('a partition decorator takes the rows of its partition alone', async () => {
  const days = { fields: [field('day', 'DATE')] };
  const destination = into({ schema: days, partitioning: { kind: 'time', field: 'day', type: 'DAY' } });
  expect((await load([file('a.json', '{"day": "2024-01-01"}\n{"day": "2024-01-02"}')], json, destination)).partitions).toEqual(['20240101', '20240102']);
  const only = { ...destination, partitionId: '20240102', write: 'WRITE_TRUNCATE' as const };
  expect(await problemOf(load([file('b.json', '{"day": "2024-01-01"}')], json, only))).toMatch(/^invalid: Some rows belong to different partitions/);
  await load([file('c.json', '{"day": "2024-01-02"}\n{"day": "2024-01-02"}')], json, only);
  expect((await rows()).flat()).toEqual(['2024-01-01', '2024-01-02', '2024-01-02']);
});
