import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BigQueryProblem } from '../problem.ts';
import { scalarKinds } from '../types.ts';
import type { SqlType } from '../types.ts';
import { duckdbType } from './duckdb-type.ts';
import { columnsOf, fieldOfColumn, formatType, nameColumns, parseType, readSchema, typeOfField } from './types.ts';

const names = fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/);
const types: fc.Arbitrary<SqlType> = fc.letrec<{ type: SqlType; plain: SqlType }>((tie) => ({
  plain: fc.oneof(
    { depthSize: 'small' },
    fc.record({ kind: fc.constantFrom(...scalarKinds) }),
    fc
      .uniqueArray(fc.record({ name: names, type: tie('type') }), { selector: ({ name }) => name, minLength: 1, maxLength: 3 })
      .map((fields) => ({ kind: 'STRUCT' as const, fields })),
  ),
  type: fc.oneof(
    tie('plain'),
    tie('plain').map((element) => ({ kind: 'ARRAY' as const, element })),
  ),
})).type;

const problemOf = (act: () => unknown): BigQueryProblem => {
  try {
    act();
  } catch (error) {
    if (error instanceof BigQueryProblem) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('types as text', () => {
  it('are read as they are printed', () => {
    fc.assert(
      fc.property(types, (type) => {
        expect(parseType(formatType(type))).toEqual(type);
      }),
    );
  });

  it('are the same as columns of the REST API', () => {
    fc.assert(
      fc.property(names, types, (name, type) => {
        expect(typeOfField(fieldOfColumn({ name, type }))).toEqual(type);
      }),
    );
  });

  it.each([
    ['int64', 'INT64'],
    ['NUMERIC(10, 2)', 'NUMERIC'],
    ['array<struct<a integer, `b c` STRING(3)>>', 'ARRAY<STRUCT<a INT64, `b c` STRING>>'],
    ['STRUCT<INT64, x BOOL>', 'STRUCT<INT64, x BOOL>'],
    ['STRUCT<array ARRAY<DATE>>', 'STRUCT<array ARRAY<DATE>>'],
  ])('%s is %s', (text, printed) => expect(formatType(parseType(text))).toBe(printed));

  it.each([
    '',
    'INT63',
    'ARRAY',
    'ARRAY<ARRAY<INT64>>',
    'ARRAY<INT64',
    'STRUCT<a INT64,>',
    'INT64 INT64',
    'STRING(',
    '`INT64',
    '<>',
    'constructor',
    `${'STRUCT<a '.repeat(5000)}INT64`,
  ])('%s is refused as invalid', (text) => expect(problemOf(() => parseType(text)).reason).toBe('invalid'));

  it.each(['BIGNUMERIC', 'GEOGRAPHY', 'ARRAY<INTERVAL>', 'RANGE<DATE>'])('%s is refused by name', (text) =>
    expect(problemOf(() => parseType(text)).reason).toBe('notImplemented'),
  );

  it('are DuckDB types, names quoted and nameless fields named', () => {
    expect(duckdbType(parseType('ARRAY<STRUCT<a INT64, STRING, n NUMERIC, t TIMESTAMP, d DATETIME, b BYTES, j JSON>>'))).toBe(
      'STRUCT("a" BIGINT, "_field_2" VARCHAR, "n" DECIMAL(38, 9), "t" TIMESTAMPTZ, "d" TIMESTAMP, "b" BLOB, "j" JSON)[]',
    );
    expect(problemOf(() => duckdbType(parseType('STRUCT<a INT64, A INT64>'))).reason).toBe('notImplemented');
  });

  it('nameless columns of a result are counted among themselves', () => {
    const type: SqlType = { kind: 'INT64' };
    expect(
      nameColumns([
        { name: '', type },
        { name: 'a', type },
        { name: '', type },
      ]).map(({ name }) => name),
    ).toEqual(['f0_', 'a', 'f1_']);
  });
});

describe('readSchema', () => {
  it('takes legacy and standard names and keeps what a column says', () => {
    const schema = readSchema({
      fields: [
        { name: 'd', type: 'date', mode: 'required', description: 'day' },
        { name: 'n', type: 'NUMERIC', precision: '10', scale: 2 },
        { name: 's', type: 'STRING', maxLength: '3', policyTags: { names: [] } },
        { name: 'r', type: 'STRUCT', mode: 'REPEATED', fields: [{ name: 'x', type: 'FLOAT64' }] },
      ],
    });
    expect(schema.fields).toEqual([
      { name: 'd', type: 'DATE', mode: 'REQUIRED', description: 'day' },
      { name: 'n', type: 'NUMERIC', mode: 'NULLABLE', precision: '10', scale: '2' },
      { name: 's', type: 'STRING', mode: 'NULLABLE', maxLength: '3' },
      { name: 'r', type: 'RECORD', mode: 'REPEATED', fields: [{ name: 'x', type: 'FLOAT', mode: 'NULLABLE' }] },
    ]);
    expect(columnsOf(schema).map((column) => formatType(column.type))).toEqual(['DATE', 'NUMERIC', 'STRING', 'ARRAY<STRUCT<x FLOAT64>>']);
  });

  it.each([
    [null, 'invalid'],
    [{ fields: {} }, 'invalid'],
    [{ fields: [null] }, 'invalid'],
    [{ fields: [{ type: 'INT64' }] }, 'required'],
    [{ fields: [{ name: 'a' }] }, 'required'],
    [{ fields: [{ name: 'a', type: 'INT63' }] }, 'invalid'],
    [{ fields: [{ name: 'a', type: 'GEOGRAPHY' }] }, 'notImplemented'],
    [{ fields: [{ name: 'a b', type: 'INT64' }] }, 'notImplemented'],
    [{ fields: [{ name: '_TABLE_x', type: 'INT64' }] }, 'invalid'],
    [{ fields: [{ name: 'x'.repeat(301), type: 'INT64' }] }, 'invalid'],
    [{ fields: [{ name: 'a', type: 'INT64', mode: 'SOMETIMES' }] }, 'invalid'],
    [{ fields: [{ name: 'a', type: 'RECORD' }] }, 'invalid'],
    [{ fields: [{ name: 'a', type: 'INT64', fields: [{ name: 'b', type: 'INT64' }] }] }, 'invalid'],
    [
      {
        fields: [
          { name: 'a', type: 'INT64' },
          { name: 'A', type: 'INT64' },
        ],
      },
      'invalid',
    ],
    [{ fields: [{ name: 'a', type: 'INT64', maxLength: '3' }] }, 'invalid'],
    [{ fields: [{ name: 'a', type: 'NUMERIC', precision: '40' }] }, 'invalid'],
    [{ fields: [{ name: 'a', type: 'NUMERIC', scale: '2' }] }, 'invalid'],
    [{ fields: [{ name: 'a', type: 'STRING', collation: 'und:ci' }] }, 'notImplemented'],
    [{ fields: [{ name: 'a', type: 'STRING', description: 7 }] }, 'invalid'],
  ] as const)('%j is refused as %s', (json, reason) => expect(problemOf(() => readSchema(json)).reason).toBe(reason));

  it('refuses records nested deeper than 15', () => {
    let field: unknown = { name: 'a', type: 'INT64' };
    for (let depth = 0; depth < 15; depth += 1) field = { name: 'a', type: 'RECORD', fields: [field] };
    expect(problemOf(() => readSchema({ fields: [field] })).message).toContain('maximum nesting');
  });

  it('answers hostile input with a problem, never a crash', () => {
    fc.assert(
      fc.property(fc.anything({ maxDepth: 5 }), fc.anything(), (schema, field) => {
        for (const json of [schema, { fields: schema }, { fields: [field] }, { fields: [{ name: 'a', type: field, mode: schema }] }]) {
          try {
            readSchema(json);
          } catch (error) {
            expect(error).toBeInstanceOf(BigQueryProblem);
          }
        }
      }),
    );
  });
});
