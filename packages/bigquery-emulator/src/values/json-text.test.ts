import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isZetaSqlInstalled, isZetaSqlRequired, startZetaSql } from '../../../../test/support/zetasql.ts';
import type { ZetaSql } from '../../../../test/support/zetasql.ts';
import { normalizeJson } from './json-text.ts';

const samples = [
  '{"b":1,"a":1,"b":2}',
  '{"é":1,"z":2,"😀":3,"\\uff00":4,"":5}',
  ' [ 1 , {"a" : null} , true, false ] ',
  '"a\\u0001\\u007f\\/\\"\\b <>&\\u2028"',
  '-0',
  '-0.0',
  '0.0',
  '1.0',
  '1.10',
  '1E5',
  '0.1',
  '0.0001',
  '0.00009',
  '1e-5',
  '1.5e-7',
  '1e14',
  '1e15',
  '123456789012345.0',
  '100000000000000000000',
  '5e-324',
  '9223372036854775807',
  '-9223372036854775808',
  '9223372036854775808',
  '18446744073709551615',
  '18446744073709551616',
  '-9223372036854775809',
  '0.12345678901234567890',
  '1e400',
  '0.30000000000000004',
  '1.7976931348623157e308',
  '',
  ' ',
  '01',
  '+1',
  '1.',
  '.5',
  'nan',
  'tru',
  '{"a":1,}',
  '[1,]',
  '[,1]',
  '{"a"}',
  '{1:2}',
  '[1 2]',
  '1 2',
  ']',
  '"\\ud800"',
  '"\\x"',
  '"a',
  '"\n"',
];

describe('normalizeJson', () => {
  it('prints what is JSON already as it prints it the second time', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'grapheme' }), (text) => {
        const once = normalizeJson(text);
        fc.pre(once !== undefined);
        expect(normalizeJson(once)).toBe(once);
        // Numbers apart, whose digits JSON.parse may lose: the same value.
        expect(JSON.parse(once)).toEqual(JSON.parse(text, (_key, value: unknown) => (Object.is(value, -0) ? 0 : value)));
      }),
    );
  });

  it('takes 500 levels and refuses more, however many', () => {
    const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    expect(normalizeJson(nested(500))).toBe(nested(500));
    expect(normalizeJson(nested(502))).toBeUndefined();
    expect(normalizeJson(nested(1_000_000))).toBeUndefined();
  });
});

describe.skipIf(!isZetaSqlInstalled && !isZetaSqlRequired)("normalizeJson and Google's PARSE_JSON", () => {
  let google: ZetaSql | undefined;
  beforeAll(async () => {
    google = await startZetaSql();
  });
  afterAll(() => google?.close());

  it.each(samples)('agree on %j', async (text) => {
    const answer = await google?.evaluate('SELECT TO_JSON_STRING(SAFE.PARSE_JSON(@text)) AS printed, SAFE.PARSE_JSON(@text) IS NULL AS refused', {
      text: { type: 'STRING', value: text },
    });
    const [printed, isRefused] = answer?.rows[0] ?? [];
    expect(normalizeJson(text)).toBe(isRefused === true ? undefined : printed);
  });
});
