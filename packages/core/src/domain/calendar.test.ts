import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arbitraryCalendar, arbitraryWindow, datesInWindow } from '../../../../test/support/arbitraries.ts';
import { allDates, dateAt, makeSeason, twoSeasons } from '../../../../test/support/pipelines.ts';
import { createCalendar, lowerBound, windowIndexes, type Calendar } from './calendar.ts';
import { addDays, partitionDate } from './partition-date.ts';
import { parseWindow, sameDate } from './window.ts';

const datesOf = (calendar: Calendar, text: string, date: string): readonly string[] => {
  const window = parseWindow(text) ?? sameDate;
  const { from, to } = windowIndexes(calendar, window, calendar.indexOf.get(partitionDate(date)) ?? Number.NaN);
  return allDates(calendar).slice(from, to);
};

test('a calendar sorts its dates and knows each position and the start of each season', () => {
  const calendar = twoSeasons();
  const shuffled = createCalendar([...calendar.dates].reverse());
  expect(shuffled).toEqual(calendar);
  for (const [index, date] of allDates(calendar).entries()) expect(calendar.indexOf.get(date)).toBe(index);
  expect([...calendar.seasonStart]).toEqual([
    ['2022', '2022-11-01'],
    ['2023', '2023-11-01'],
  ]);
});

test('a calendar with a date twice, or with seasons that overlap, is refused', () => {
  const season = makeSeason({ season: 'a', start: '2024-01-01', days: 3 });
  expect(() => createCalendar([...season, ...season.slice(1, 2)])).toThrow('calendar has the date 2024-01-02 twice');
  const inside = makeSeason({ season: 'b', start: '2024-01-02', days: 1 });
  expect(() => createCalendar([...season.filter(({ date }) => date !== '2024-01-02'), ...inside])).toThrow(
    'calendar has the date 2024-01-03 of season a after season b has begun: seasons must not overlap',
  );
});

test('the lower bound is the first date on or after the one asked for', () => {
  fc.assert(
    fc.property(
      arbitraryCalendar(),
      fc.integer({ min: -10, max: 120 }).map((days) => addDays(partitionDate('2023-12-20'), days)),
      (calendar, date) => {
        const found = allDates(calendar).findIndex((each) => each >= date);
        expect(lowerBound(calendar, date)).toBe(found === -1 ? calendar.dates.length : found);
      },
    ),
  );
});

test('the positions of a window are the calendar dates inside it, whatever the window and the calendar', () => {
  fc.assert(
    fc.property(arbitraryCalendar(20), arbitraryWindow, (calendar, window) => {
      for (let index = 0; index < calendar.dates.length; index += 1) {
        const { from, to } = windowIndexes(calendar, window, index);
        expect(from).toBeLessThanOrEqual(to);
        expect(allDates(calendar).slice(from, to)).toEqual(datesInWindow(calendar, window, index));
      }
    }),
    { numRuns: 300 },
  );
});

test('a season window begins with its own season; a window of days reaches into the season before', () => {
  const calendar = createCalendar([...makeSeason({ season: 'a', start: '2024-01-01', days: 3 }), ...makeSeason({ season: 'b', start: '2024-01-04', days: 3 })]);
  expect(datesOf(calendar, 'season', '2024-01-04')).toEqual([]);
  expect(datesOf(calendar, 'season', '2024-01-05')).toEqual(['2024-01-04']);
  expect(datesOf(calendar, '[season, 0d]', '2024-01-04')).toEqual(['2024-01-04']);
  expect(datesOf(calendar, '[season-2d, -1d]', '2024-01-04')).toEqual(['2024-01-02', '2024-01-03']);
  expect(datesOf(calendar, '[-2d, -1d]', '2024-01-04')).toEqual(['2024-01-02', '2024-01-03']);
  expect(datesOf(calendar, '[-2d, -1d]', '2024-01-01')).toEqual([]);
});

test('days off fall out of a window that spans them, at its edges too', () => {
  const calendar = createCalendar(makeSeason({ season: 'a', start: '2024-01-01', days: 8, isOff: (day) => day === 2 || day === 5 }));
  expect(datesOf(calendar, '[-4d, -1d]', '2024-01-07')).toEqual(['2024-01-04', '2024-01-05']);
  expect(datesOf(calendar, '[-1d, -1d]', '2024-01-07')).toEqual([]);
});

test('a position outside the calendar is an error, never an empty window', () => {
  const calendar = twoSeasons();
  expect(() => windowIndexes(calendar, sameDate, calendar.dates.length)).toThrow('no calendar date at 52');
  expect(() => windowIndexes(calendar, sameDate, -1)).toThrow(RangeError);
  expect(dateAt(calendar, 51)).toBe('2023-11-30');
});
