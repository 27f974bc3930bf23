import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryDate } from '../../../../test/support/arbitraries.ts';
import {
  addDays,
  compareDates,
  datesBetween,
  daysBetween,
  explainBadDate,
  firstDay,
  fromDay,
  lastDay,
  partitionDate,
  toDay,
  tryPartitionDate,
  yearOf,
} from './partition-date.ts';

test('every date survives the way to its day number and back', () => {
  fc.assert(
    fc.property(fc.integer({ min: firstDay, max: lastDay }), (day) => {
      const date = fromDay(day);
      expect(tryPartitionDate(date)).toBe(date);
      expect(toDay(date)).toBe(day);
    }),
  );
});

test('dates order as texts as their days do', () => {
  fc.assert(
    fc.property(arbitraryDate, arbitraryDate, (a, b) => {
      expect(Math.sign(compareDates(a, b))).toBe(Math.sign(toDay(a) - toDay(b)));
      expect(a < b).toBe(toDay(a) < toDay(b));
    }),
  );
});

test('adding days and counting days between are inverse', () => {
  fc.assert(
    fc.property(arbitraryDate, arbitraryDate, (a, b) => {
      expect(addDays(a, daysBetween(a, b))).toBe(b);
      expect(daysBetween(a, b)).toBe(0 - daysBetween(b, a) + 0);
    }),
  );
});

test('a day after the last of February is the first of March, with a 29th in leap years only', () => {
  for (const [year, isLeap] of [
    ['1900', false],
    ['1996', true],
    ['2000', true],
    ['2023', false],
    ['2024', true],
    ['2100', false],
    ['2400', true],
    ['0004', true],
    ['0100', false],
  ] as const) {
    expect(tryPartitionDate(`${year}-02-29`) !== undefined, year).toBe(isLeap);
    expect(addDays(partitionDate(`${year}-02-28`), isLeap ? 2 : 1), year).toBe(`${year}-03-01`);
  }
});

test('day numbers are those of 1970, with known anchors on both sides', () => {
  expect(toDay(partitionDate('1970-01-01'))).toBe(0);
  expect(toDay(partitionDate('1969-12-31'))).toBe(-1);
  expect(toDay(partitionDate('2000-03-01'))).toBe(11_017);
  expect(toDay(partitionDate('0001-01-01'))).toBe(-719_162);
  expect(toDay(partitionDate('0099-12-31')) + 1).toBe(toDay(partitionDate('0100-01-01')));
  expect(yearOf(partitionDate('0099-12-31'))).toBe(99);
});

test('no number outside the dates there are becomes a date', () => {
  expect(fromDay(firstDay)).toBe('0001-01-01');
  expect(fromDay(lastDay)).toBe('9999-12-31');
  expect(() => fromDay(firstDay - 1)).toThrow(RangeError);
  expect(() => addDays(partitionDate('9999-12-31'), 1)).toThrow('day 2932897 lies outside 0001-01-01 to 9999-12-31');
  expect(() => fromDay(0.5)).toThrow(RangeError);
});

test('the dates between two dates are all of them, both included, and none backwards', () => {
  expect(datesBetween(partitionDate('2024-02-27'), partitionDate('2024-03-01'))).toEqual(['2024-02-27', '2024-02-28', '2024-02-29', '2024-03-01']);
  expect(datesBetween(partitionDate('2024-02-27'), partitionDate('2024-02-27'))).toEqual(['2024-02-27']);
  expect(datesBetween(partitionDate('2024-02-27'), partitionDate('2024-02-26'))).toEqual([]);
});

test('a text that looks like a date is one exactly where the month has that day', () => {
  const twoDigits = (number: number): string => String(number).padStart(2, '0');
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9999 }), fc.integer({ min: 0, max: 14 }), fc.integer({ min: 0, max: 33 }), (year, month, day) => {
      const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
      const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
      const text = `${String(year).padStart(4, '0')}-${twoDigits(month)}-${twoDigits(day)}`;
      expect(tryPartitionDate(text) !== undefined).toBe(day >= 1 && day <= days);
    }),
  );
});

describe('a text that is no date is explained', () => {
  test.each([
    ['2023-02-29', '"2023-02-29" does not exist: 2023-02 has 28 days'],
    ['1900-02-29', '"1900-02-29" does not exist: 1900-02 has 28 days'],
    ['2024-02-30', '"2024-02-30" does not exist: 2024-02 has 29 days'],
    ['2024-04-31', '"2024-04-31" does not exist: 2024-04 has 30 days'],
    ['2024-13-01', '"2024-13-01" does not exist: months go from 01 to 12'],
    ['2024-00-10', '"2024-00-10" does not exist: months go from 01 to 12'],
    ['0000-01-01', '"0000-01-01" does not exist: years go from 0001 to 9999'],
    ['24-1-1', 'expected a date as YYYY-MM-DD, found "24-1-1"'],
    ['2024-01-01T00:00:00Z', 'expected a date as YYYY-MM-DD, found "2024-01-01T00:00:00Z"'],
    [' 2024-01-01', 'expected a date as YYYY-MM-DD, found " 2024-01-01"'],
    ['2024-01-01\n', 'expected a date as YYYY-MM-DD, found "2024-01-01\n"'],
    ['', 'expected a date as YYYY-MM-DD, found ""'],
  ])('%j', (text, message) => {
    expect(tryPartitionDate(text)).toBeUndefined();
    expect(explainBadDate(text)).toBe(message);
    expect(() => partitionDate(text)).toThrow(new RangeError(message));
  });
});
