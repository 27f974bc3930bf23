// Values on their way in, as parameters, and on their way out, as the official client and the wire have them.
// https://docs.cloud.google.com/bigquery/docs/parameterized-queries
// https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-types
import type { Dataset } from '@google-cloud/bigquery';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failureOf, rowsOf, startBigQuery, type Json, type TestServer } from './support/bigquery-server.ts';
import { emulatorMissing } from './support/missing.ts';

/** Type, the value as the REST API takes it, and as it comes back; the value as a literal, where the emulator knows one. */
const scalars: readonly (readonly [type: string, sent: string, wire: string, literal: string | undefined])[] = [
  ['INT64', '-9223372036854775808', '-9223372036854775808', '-9223372036854775808'],
  ['FLOAT64', '0.1', '0.1', '0.1'],
  ['FLOAT64', 'NaN', 'NaN', undefined],
  ['FLOAT64', '-Infinity', '-Infinity', undefined],
  ['NUMERIC', '12345678901234567890.123456789', '12345678901234567890.123456789', "NUMERIC '12345678901234567890.123456789'"],
  ['BOOL', 'true', 'true', 'TRUE'],
  ['STRING', "Luka Dončić's 🏀", "Luka Dončić's 🏀", `"Luka Dončić's 🏀"`],
  ['BYTES', 'AP8Q', 'AP8Q', String.raw`b'\x00\xff\x10'`],
  ['DATE', '2024-02-29', '2024-02-29', "DATE '2024-02-29'"],
  ['DATETIME', '2024-02-29T23:59:59.123456', '2024-02-29T23:59:59.123456', "DATETIME '2024-02-29 23:59:59.123456'"],
  ['TIME', '23:59:59.123456', '23:59:59.123456', undefined],
  ['TIMESTAMP', '2024-02-29 23:59:59.123456+00:00', '1709251199123456', "TIMESTAMP '2024-02-29 23:59:59.123456 UTC'"],
];
/** https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tables#TableFieldSchema.FIELDS.type */
const wireType = (type: string): string => ({ INT64: 'INTEGER', FLOAT64: 'FLOAT', BOOL: 'BOOLEAN' })[type] ?? type;

describe.skipIf(emulatorMissing !== undefined)(emulatorMissing ?? 'BigQuery: values', () => {
  let server: TestServer;
  let dataset: Dataset;
  beforeAll(async () => {
    server = await startBigQuery();
    dataset = await server.newDataset();
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  const query = async (sql: string, more: object = {}): Promise<Json> => {
    const { status, body } = await server.call('POST', '/queries', { query: sql, useLegacySql: false, formatOptions: { useInt64Timestamp: true }, ...more });
    expect(body).toMatchObject({ jobComplete: true });
    expect(status).toBe(200);
    return body;
  };
  const named = (parameters: Readonly<Record<string, readonly [type: object, value: object]>>): object => ({
    parameterMode: 'NAMED',
    queryParameters: Object.entries(parameters).map(([name, [parameterType, parameterValue]]) => ({ name, parameterType, parameterValue })),
  });

  // https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/jobs/query#QueryParameter
  describe('as parameters', () => {
    it.each(scalars)('%s %s is what the literal is, NULL is NULL, and both come back as such', async (type, sent, wire, literal) => {
      const { rows, schema } = await query(
        `SELECT @p AS p, ${literal === undefined ? 'TRUE' : `@p = ${literal}`} AS is_same, @n AS n, @n IS NULL AS is_null`,
        named({ p: [{ type }, { value: sent }], n: [{ type }, { value: null }] }),
      );
      expect(rows).toEqual([{ f: [{ v: wire }, { v: 'true' }, { v: null }, { v: 'true' }] }]);
      expect(schema.fields.slice(0, 2)).toMatchObject([
        { name: 'p', type: wireType(type) },
        { name: 'is_same', type: 'BOOLEAN' },
      ]);
    });

    it.each(scalars)('an array of %s (%s), and an empty one', async (type, sent, wire) => {
      const array = { type: 'ARRAY', arrayType: { type } };
      const { rows, schema } = await query(
        'SELECT @p AS p, ARRAY_LENGTH(@e) AS e',
        named({ p: [array, { arrayValues: [{ value: sent }, { value: sent }] }], e: [array, { arrayValues: [] }] }),
      );
      expect(rows).toEqual([{ f: [{ v: [{ v: wire }, { v: wire }] }, { v: '0' }] }]);
      expect(schema.fields[0]).toMatchObject({ name: 'p', type: wireType(type), mode: 'REPEATED' });
    });

    it('structs, arrays of structs, and what nests in them', async () => {
      const game = {
        type: 'STRUCT',
        structTypes: [
          { name: 'day', type: { type: 'DATE' } },
          { name: 'points', type: { type: 'ARRAY', arrayType: { type: 'INT64' } } },
        ],
      };
      const value = (day: string, ...points: readonly number[]): object => ({
        structValues: { day: { value: day }, points: { arrayValues: points.map((point) => ({ value: String(point) })) } },
      });
      const { rows } = await query(
        'SELECT @one.day AS day, @one AS one, (SELECT SUM(p) FROM UNNEST(@games) g, UNNEST(g.points) p WHERE g.day > @one.day) AS later',
        named({
          one: [game, value('2024-01-01', 1, 2)],
          games: [{ type: 'ARRAY', arrayType: game }, { arrayValues: [value('2024-01-01', 10), value('2024-01-02', 20, 30)] }],
        }),
      );
      expect(rows).toEqual([{ f: [{ v: '2024-01-01' }, { v: { f: [{ v: '2024-01-01' }, { v: [{ v: '1' }, { v: '2' }] }] } }, { v: '50' }] }]);
    });

    it('go in by place, too', async () => {
      const [rows] = await server.client.query({ query: 'SELECT ? AS a, ? AS b, ? - 1 AS c', params: ['x', server.client.date('2024-01-01'), 3] });
      expect(rows).toEqual([{ a: 'x', b: { value: '2024-01-01' }, c: 2 }]);
    });

    it('of JavaScript become the types that the client takes them for', async () => {
      const { client } = server;
      const params = {
        i: 7,
        f: 1.5,
        s: 'text',
        b: true,
        d: client.date('2024-01-02'),
        dt: client.datetime('2024-01-02 03:04:05'),
        t: client.time('03:04:05'),
        ts: client.timestamp(new Date('2024-01-02T03:04:05.678Z')),
        days: [client.date('2024-01-01'), client.date('2024-01-02')],
        game: { id: 1, name: 'g' },
      };
      const [row] = await rowsOf(
        client,
        'SELECT @i + 1 i, @f f, @s s, NOT @b b, @d d, @dt dt, @t t, @ts ts, @d IN UNNEST(@days) is_within, @game.name name',
        params,
      );
      expect(row).toEqual({
        i: 8,
        f: 1.5,
        s: 'text',
        b: false,
        d: { value: '2024-01-02' },
        dt: { value: '2024-01-02T03:04:05' },
        t: { value: '03:04:05' },
        ts: { value: '2024-01-02T03:04:05.678Z' },
        is_within: true,
        name: 'g',
      });
    });

    it('that are missing, or not of their type, are named', async () => {
      expect(await failureOf(rowsOf(server.client, 'SELECT @missing'))).toMatchObject({
        code: 400,
        reason: 'invalidQuery',
        message: "Query parameter 'missing' not found at [1:8]",
      });
      const { status, body } = await server.call('POST', '/queries', {
        query: 'SELECT @p',
        useLegacySql: false,
        ...named({ p: [{ type: 'DATE' }, { value: '2024-02-30' }] }),
      });
      expect([status, body.error.errors[0].reason]).toEqual([400, 'invalid']);
      expect(body.error.message).toMatch(/p|2024-02-30/);
    });
  });

  describe('on the wire', () => {
    // https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/DataFormatOptions
    it('a TIMESTAMP is seconds with a fraction, or whole microseconds where that is asked for', async () => {
      const sql = "SELECT TIMESTAMP '2024-02-29 23:59:59.123456 UTC' AS ts, TIMESTAMP '1969-12-31 23:59:59.5 UTC' AS early";
      const seconds = await server.call('POST', '/queries', { query: sql, useLegacySql: false });
      expect(seconds.body.rows[0].f.map(({ v }: { v: string }) => Number(v))).toEqual([1_709_251_199.123456, -0.5]);
      expect((await query(sql)).rows[0].f).toEqual([{ v: '1709251199123456' }, { v: '-500000' }]);
    });

    it('every type has its name, and the modes NULLABLE and REPEATED', async () => {
      const known = scalars.filter(([, , , literal]) => literal !== undefined);
      const columns = known.map(([, , , literal], index) => `${literal} AS c${index}, [${literal}] AS a${index}`).join(', ');
      const { rows, schema } = await query(`SELECT ${columns}, STRUCT(1 AS x, [STRUCT('y' AS y)] AS ys) AS s`);
      expect(schema.fields).toMatchObject([
        ...known.flatMap(([type], index) => [
          { name: `c${index}`, type: wireType(type), mode: 'NULLABLE' },
          { name: `a${index}`, type: wireType(type), mode: 'REPEATED' },
        ]),
        {
          name: 's',
          type: 'RECORD',
          fields: [
            { name: 'x', type: 'INTEGER' },
            { name: 'ys', type: 'RECORD', mode: 'REPEATED', fields: [{ name: 'y', type: 'STRING' }] },
          ],
        },
      ]);
      expect(rows[0].f).toEqual([
        ...known.flatMap(([, , wire]) => [{ v: wire }, { v: [{ v: wire }] }]),
        { v: { f: [{ v: '1' }, { v: [{ v: { f: [{ v: 'y' }] } }] }] } },
      ]);
    });

    it('JSON and TIME come out as they went in', async () => {
      await dataset.createTable('texts', {
        schema: [
          { name: 'j', type: 'JSON' },
          { name: 't', type: 'TIME' },
        ],
      });
      await dataset.table('texts').insert([{ j: '{"b": [1, null, "x"], "a": {}}', t: '23:59:59.5' }]);
      const { rows, schema } = await query(`SELECT j, t FROM ${dataset.id}.texts`);
      expect(schema.fields).toMatchObject([{ type: 'JSON' }, { type: 'TIME' }]);
      // Members of objects are kept in the order of their names: https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/json_functions#parse_json
      expect(rows[0].f).toEqual([{ v: '{"a":{},"b":[1,null,"x"]}' }, { v: expect.stringMatching(/^23:59:59\.50*$/) }]);
    });

    it('the client makes values of them', async () => {
      const [row] = await rowsOf(
        server.client,
        `SELECT 1 i, 1.5 f, NUMERIC '1.25' n, TRUE b, 's' s, b'abc' y, DATE '2024-01-02' d, DATETIME '2024-01-02 03:04:05' dt,
          TIMESTAMP '2024-01-02 03:04:05.678901+00' ts, [1, 2] a, STRUCT(1 AS x, ['y'] AS y) r, CAST(NULL AS STRING) z, CAST([] AS ARRAY<INT64>) e`,
      );
      expect({ ...row, n: String(row.n) }).toEqual({
        i: 1,
        f: 1.5,
        n: '1.25',
        b: true,
        s: 's',
        y: Buffer.from('abc'),
        d: { value: '2024-01-02' },
        dt: { value: '2024-01-02T03:04:05' },
        ts: { value: '2024-01-02T03:04:05.678901000Z' },
        a: [1, 2],
        r: { x: 1, y: ['y'] },
        z: null,
        e: [],
      });
    });

    it('columns without a name get one', async () => {
      expect(await rowsOf(server.client, "SELECT 1, 'x', 2 AS f0")).toEqual([{ f0_: 1, f1_: 'x', f0: 2 }]);
    });
  });

  // The range of each type: https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-types
  it('of every type, at both ends of their ranges, survive a table', async () => {
    const ends: readonly (readonly [string, ...string[]])[] = [
      ['INT64', '-9223372036854775808', '9223372036854775807'],
      ['FLOAT64', '-1.7976931348623157e308', '5e-324'],
      ['NUMERIC', "NUMERIC '-99999999999999999999999999999.999999999'", "NUMERIC '99999999999999999999999999999.999999999'"],
      ['DATE', "DATE '0001-01-01'", "DATE '9999-12-31'"],
      ['DATETIME', "DATETIME '0001-01-01 00:00:00'", "DATETIME '9999-12-31 23:59:59.999999'"],
      ['TIMESTAMP', "TIMESTAMP '0001-01-01 00:00:00+00'", "TIMESTAMP '9999-12-31 23:59:59.999999+00'"],
      ['STRING', "''", String.raw`'a\nb\t"\''`],
      ['BYTES', "b''", String.raw`b'\xff\xfe'`],
    ];
    const name = `${dataset.id}.ends`;
    await server.client.query(`CREATE TABLE ${name} (side INT64, ${ends.map(([type], index) => `c${index} ${type}`).join(', ')})`);
    for (const side of [1, 2]) await server.client.query(`INSERT ${name} VALUES (${side}, ${ends.map((values) => values[side]).join(', ')})`);
    const direct = await query(
      [1, 2]
        .map((side) => `SELECT ${side} AS side, ${ends.map((values, index) => `${values[side]} AS c${index}`).join(', ')}`)
        .join(' UNION ALL ')
        .concat(' ORDER BY side'),
    );
    const stored = await query(`SELECT * FROM ${name} ORDER BY side`);
    expect(stored.rows).toEqual(direct.rows);
    expect(stored.rows[1].f.slice(1).map(({ v }: { v: string }) => v)).toEqual([
      '9223372036854775807',
      '5.0E-324',
      '99999999999999999999999999999.999999999',
      '9999-12-31',
      '9999-12-31T23:59:59.999999',
      '253402300799999999',
      'a\nb\t"\'',
      '//4=',
    ]);
  });
});
