import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryDate, arbitraryWindow } from '../../../../test/support/arbitraries.ts';
import { addDays, partitionDate } from './partition-date.ts';
import { formatWindow, parseWindow, sameDate, windowExample, windowRange } from './window.ts';

test('every window reads back from its own text', () => {
  fc.assert(
    fc.property(arbitraryWindow, (window) => {
      expect(parseWindow(formatWindow(window))).toEqual(window);
    }),
  );
});

test('every form is read as it is meant', () => {
  const date = (days: number, endDays: number) => ({ start: { from: 'date', days }, endDays });
  const season = (days: number, endDays: number) => ({ start: { from: 'season', days }, endDays });
  expect(parseWindow('[-30d, -1d]')).toEqual(date(-30, -1));
  expect(parseWindow('[ -30d,-1d ]')).toEqual(date(-30, -1));
  expect(parseWindow('  [0d, 0d]  ')).toEqual(sameDate);
  expect(parseWindow('[-0d, -0d]')).toEqual(sameDate);
  expect(parseWindow('0d')).toEqual(sameDate);
  expect(parseWindow('season')).toEqual(season(0, -1));
  expect(parseWindow('[season, -1d]')).toEqual(season(0, -1));
  expect(parseWindow('[season, 0d]')).toEqual(season(0, 0));
  expect(parseWindow('[season-30d, 0d]')).toEqual(season(-30, 0));
});

test('each example of the message about windows is one', () => {
  for (const example of windowExample.split(/, (?=\[)| or /)) expect(parseWindow(example), example).toBeDefined();
});

describe('what is no window is refused', () => {
  test.each([
    ['the future', '[0d, 1d]'],
    ['a start after the end', '[-1d, -2d]'],
    ['a start in the season to come', '[season+1d, 0d]'],
    ['days without their unit', '[-30, -1]'],
    ['other units', '[-4w, -1d]'],
    ['no start', '[, -1d]'],
    ['no end', '[-30d, ]'],
    ['one number', '[-30d]'],
    ['no brackets', '-30d, -1d'],
    ['an unknown word', 'month'],
    ['a bare number of days', '-1d'],
    ['nothing', ''],
  ])('%s', (_, text) => expect(parseWindow(text)).toBeUndefined());
});

test('a window counts days on the wall from its date, or from the first date of its season', () => {
  const [day, season] = [partitionDate('2024-03-05'), partitionDate('2023-10-24')];
  const range = (text: string) => windowRange(parseWindow(text) ?? sameDate, day, season);
  expect(range('[-5d, -1d]')).toEqual({ first: '2024-02-29', last: '2024-03-04' });
  expect(range('0d')).toEqual({ first: day, last: day });
  expect(range('season')).toEqual({ first: season, last: '2024-03-04' });
  expect(range('[season-24d, 0d]')).toEqual({ first: '2023-09-30', last: day });
});

test('no window reads the future', () => {
  fc.assert(
    fc.property(arbitraryWindow, arbitraryDate, fc.nat(300), (window, seasonStart, days) => {
      fc.pre(seasonStart < '9990-01-01');
      const date = addDays(seasonStart, days);
      expect(windowRange(window, date, seasonStart).last <= date).toBe(true);
    }),
  );
});

test('a window longer than history begins with the first date there is', () => {
  const all = parseWindow('[-100000000d, -1d]') ?? sameDate;
  expect(windowRange(all, partitionDate('2024-01-01'), partitionDate('2023-10-24'))).toEqual({ first: '0001-01-01', last: '2023-12-31' });
});
