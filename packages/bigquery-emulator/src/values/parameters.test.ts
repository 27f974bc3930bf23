import { DuckDBListValue } from '@duckdb/node-api';
import type { DuckDBStructValue } from '@duckdb/node-api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BigQueryProblem } from '../problem.ts';
import type { ScalarKind } from '../types.ts';
import { readParameters } from './parameters.ts';
import { formatType } from './types.ts';
import { encodeCell } from './wire.ts';

const scalar = (name: string | undefined, type: string, value?: unknown) => ({
  ...(name === undefined ? {} : { name }),
  parameterType: { type },
  parameterValue: value === undefined ? {} : { value },
});

describe('readParameters', () => {
  it.each([
    ['INT64', '-5', '-5'],
    ['INTEGER', '5', '5'],
    ['FLOAT64', 'NaN', 'NaN'],
    ['FLOAT64', 1.5, '1.5'],
    ['NUMERIC', '99999999999999999999999999999.999999999', '99999999999999999999999999999.999999999'],
    ['BOOL', true, 'true'],
    ['BOOL', 'false', 'false'],
    ['STRING', "it's", "it's"],
    ['BYTES', 'AAEC', 'AAEC'],
    ['DATE', '2024-02-29', '2024-02-29'],
    ['DATETIME', '2024-01-01 00:00:00.000001', '2024-01-01T00:00:00.000001'],
    ['TIME', '12:00:00', '12:00:00'],
    ['TIMESTAMP', '2024-01-01 00:00:00.000000+00:00', '1.7040672E9'],
    ['TIMESTAMP', '2024-01-01T00:00:00Z', '1.7040672E9'],
    ['JSON', '{"a": 1}', '{"a":1}'],
  ] as const)('%s %j is the cell %s, and NULL without a value', (type, value, cell) => {
    const parameter = readParameters('NAMED', [scalar('Day', type, value)]).get('day');
    expect(parameter).toBeDefined();
    expect(encodeCell(parameter?.value ?? null, parameter?.type ?? { kind: 'BOOL' satisfies ScalarKind })).toBe(cell);
    expect(readParameters('NAMED', [scalar('Day', type)]).get('day')?.value).toBeNull();
  });

  it('names positional ones by their place', () => {
    const parameters = readParameters('POSITIONAL', [scalar(undefined, 'INT64', '1'), scalar('', 'STRING', 'x')]);
    expect([...parameters].map(([name, { value }]) => [name, value])).toEqual([
      ['_p1', 1n],
      ['_p2', 'x'],
    ]);
  });

  it('reads ARRAY and STRUCT, one in the other', () => {
    const parameter = readParameters('NAMED', [
      {
        name: 'rows',
        parameterType: {
          type: 'ARRAY',
          arrayType: {
            type: 'STRUCT',
            structTypes: [
              { name: 'd', type: { type: 'DATE' } },
              { name: 'xs', type: { type: 'ARRAY', arrayType: { type: 'INT64' } } },
            ],
          },
        },
        parameterValue: {
          arrayValues: [{ structValues: { d: { value: '2024-01-01' }, xs: { arrayValues: [{ value: '1' }, { value: null }] } } }, { structValues: {} }],
        },
      },
    ]).get('rows');
    expect(formatType(parameter?.type ?? { kind: 'BOOL' })).toBe('ARRAY<STRUCT<d DATE, xs ARRAY<INT64>>>');
    const list = parameter?.value as DuckDBListValue;
    const [first, second] = list.items as DuckDBStructValue[];
    expect(encodeCell(first?.entries['xs'] ?? null, { kind: 'ARRAY', element: { kind: 'INT64' } })).toEqual([{ v: '1' }, { v: null }]);
    expect(second?.entries).toEqual({ d: null, xs: new DuckDBListValue([]) });
  });

  it('none is none', () => expect(readParameters(undefined, undefined).size).toBe(0));

  it.each([
    ['NAMED', {}, 'a list is expected'],
    ['SIDEWAYS', [], 'parameterMode'],
    ['NAMED', [null], 'an object is expected'],
    ['NAMED', [scalar(undefined, 'INT64', '1')], 'Invalid parameter name'],
    ['POSITIONAL', [scalar('a', 'INT64', '1')], 'have no names'],
    ['NAMED', [scalar('a', 'INT64', '1'), scalar('A', 'INT64', '1')], 'Duplicate parameter name a'],
    ['NAMED', [{ name: 'a' }], 'has no type'],
    ['NAMED', [scalar('a', 'INT63', '1')], 'INT63'],
    ['NAMED', [scalar('a', 'INT64', 'x')], 'Query parameter @a: invalid value for INT64: "x"'],
    ['NAMED', [scalar('a', 'INT64', 2 ** 60)], 'invalid value for INT64'],
    ['NAMED', [scalar('a', 'DATE', {})], 'invalid value for DATE'],
    ['NAMED', [{ name: 'a', parameterType: { type: 'ARRAY', arrayType: { type: 'ARRAY', arrayType: { type: 'INT64' } } } }], 'ARRAY of ARRAY'],
    ['NAMED', [{ name: 'a', parameterType: { type: 'ARRAY', arrayType: { type: 'INT64' } }, parameterValue: { value: '[1]' } }], 'needs arrayValues'],
    [
      'NAMED',
      [{ name: 'a', parameterType: { type: 'STRUCT', structTypes: [{ name: 'x', type: { type: 'INT64' } }] }, parameterValue: { structValues: { y: {} } } }],
      'no field y',
    ],
  ] as const)('%s %j is refused: %s', (mode, parameters, message) => {
    expect(() => readParameters(mode, parameters)).toThrow(expect.objectContaining({ reason: 'invalid', message: expect.stringContaining(message) as string }));
  });

  it('answers hostile input with a problem, never a crash', () => {
    fc.assert(
      fc.property(
        fc.anything(),
        fc.anything(),
        fc.anything(),
        fc.constantFrom('INT64', 'JSON', 'STRING', 'TIMESTAMP', 'ARRAY', 'STRUCT', 'BYTES'),
        (mode, list, value, type) => {
          for (const parameters of [
            list,
            [list],
            [{ name: 'a', parameterType: { type, arrayType: list, structTypes: list }, parameterValue: value }],
            [scalar('a', type, value)],
          ]) {
            try {
              readParameters(mode === 'x' ? mode : 'NAMED', parameters);
              readParameters(mode, parameters);
            } catch (error) {
              expect(error).toBeInstanceOf(BigQueryProblem);
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
