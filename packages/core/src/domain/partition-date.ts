// Partition dates are branded `YYYY-MM-DD` strings: a date of the pipeline's calendar, with no time, no zone and no
// `Date` object that could shift it by a day. All arithmetic is on days since 1970-01-01 in the proleptic Gregorian calendar.

declare const brand: unique symbol;

/** A calendar date `YYYY-MM-DD`, between 0001-01-01 and 9999-12-31. Plain string comparison orders it. */
export type PartitionDate = string & { readonly [brand]: 'PartitionDate' };

const shape = /^(\d{4})-(\d{2})-(\d{2})$/;
const dayMs = 86_400_000;

const epochDay = (year: number, month: number, day: number): number => {
  // Date.UTC reads years 0..99 as 1900..1999, so the year is set apart (ECMA-262, 21.4.3.4).
  const at = new Date(Date.UTC(2000, month - 1, day));
  at.setUTCFullYear(year, month - 1, day);
  return Math.floor(at.getTime() / dayMs);
};

/** Parses a date; undefined where it is malformed or does not exist (2023-02-29). */
export const tryPartitionDate = (text: string): PartitionDate | undefined => {
  const match = shape.exec(text);
  if (!match) return undefined;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (year < 1 || month < 1 || month > 12 || day < 1) return undefined;
  return formatDay(epochDay(year, month, day)) === text ? (text as PartitionDate) : undefined;
};

/** What is wrong with a text that is no date, in words for the person who typed it. */
export const explainBadDate = (text: string): string => {
  const match = shape.exec(text);
  if (!match) return `expected a date as YYYY-MM-DD, found "${text}"`;
  if (Number(match[1]) === 0) return `"${text}" does not exist: years go from 0001 to 9999`;
  const lastDay = new Date(Date.UTC(2000 + (Number(match[1]) % 400), Number(match[2]), 0)).getUTCDate();
  return Number(match[2]) >= 1 && Number(match[2]) <= 12
    ? `"${text}" does not exist: ${match[1]}-${match[2]} has ${lastDay} days`
    : `"${text}" does not exist: months go from 01 to 12`;
};

/** Parses a date that must be right; throws RangeError otherwise. For input of people use `tryPartitionDate`. */
export const partitionDate = (text: string): PartitionDate => {
  const date = tryPartitionDate(text);
  if (date === undefined) throw new RangeError(explainBadDate(text));
  return date;
};

/** Days since 1970-01-01. */
export const toDay = (date: PartitionDate): number => epochDay(Number(date.slice(0, 4)), Number(date.slice(5, 7)), Number(date.slice(8, 10)));

const formatDay = (day: number): string => {
  const at = new Date(day * dayMs);
  const year = String(at.getUTCFullYear()).padStart(4, '0');
  return `${year}-${String(at.getUTCMonth() + 1).padStart(2, '0')}-${String(at.getUTCDate()).padStart(2, '0')}`;
};

/** First and last date there is, as days since 1970-01-01. */
export const firstDay = epochDay(1, 1, 1);
export const lastDay = epochDay(9999, 12, 31);

/** The date of a number of days since 1970-01-01; throws RangeError outside 0001-01-01 to 9999-12-31, where texts no longer order as dates do. */
export const fromDay = (day: number): PartitionDate => {
  if (!Number.isInteger(day) || day < firstDay || day > lastDay) throw new RangeError(`day ${day} lies outside 0001-01-01 to 9999-12-31`);
  return formatDay(day) as PartitionDate;
};

export const addDays = (date: PartitionDate, days: number): PartitionDate => fromDay(toDay(date) + days);

/** Days from `from` to `to`: 0 for the same date, negative where `to` is earlier. */
export const daysBetween = (from: PartitionDate, to: PartitionDate): number => toDay(to) - toDay(from);

export const yearOf = (date: PartitionDate): number => Number(date.slice(0, 4));

export const compareDates = (a: PartitionDate, b: PartitionDate): number => (a < b ? -1 : a > b ? 1 : 0);

/** All calendar dates from `start` to `end`, both included; empty where end lies before start. */
export const datesBetween = (start: PartitionDate, end: PartitionDate): readonly PartitionDate[] => {
  const dates: PartitionDate[] = [];
  for (let day = toDay(start), last = toDay(end); day <= last; day += 1) dates.push(fromDay(day));
  return dates;
};
