import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arbitraryDate } from '../../../../test/support/arbitraries.ts';
import { dateRangeSchema, partitionDateSchema } from './common.ts';

const messagesOf = (result: { readonly error?: { readonly issues: readonly { readonly message: string }[] } | undefined }): readonly string[] =>
  result.error?.issues.map(({ message }) => message) ?? [];

test('every date there is passes unchanged', () => {
  fc.assert(
    fc.property(arbitraryDate, (date) => {
      expect(partitionDateSchema.parse(date)).toBe(date);
    }),
  );
});

test('a date that does not exist is explained', () => {
  expect(messagesOf(partitionDateSchema.safeParse('2023-02-29'))).toEqual(['"2023-02-29" does not exist: 2023-02 has 28 days']);
  expect(messagesOf(partitionDateSchema.safeParse('yesterday'))).toEqual(['expected a date as YYYY-MM-DD, found "yesterday"']);
});

test('a range is one exactly where it does not end before it starts', () => {
  fc.assert(
    fc.property(arbitraryDate, arbitraryDate, (start, end) => {
      const expected = start <= end ? [] : [`the range ends (${end}) before it starts (${start}): swap start and end`];
      expect(messagesOf(dateRangeSchema.safeParse({ start, end }))).toEqual(expected);
    }),
  );
});

test('the order of dates that do not exist is no second problem', () => {
  expect(messagesOf(dateRangeSchema.safeParse({ start: '2023-02-31', end: '2023-02-30' }))).toHaveLength(2);
});
