// A window says which upstream dates a partition reads, relative to its own date. Windows are counted in days of the
// calendar on the wall; the partitions in them are the dates of the pipeline's calendar that fall inside.
import { firstDay, fromDay, toDay, type PartitionDate } from './partition-date.ts';

/** Where a window begins: a number of days from the date, or of days from the first date of its season. */
export type WindowStart = { readonly from: 'date' | 'season'; readonly days: number };

export type Window = {
  readonly start: WindowStart;
  /** Last day relative to the date itself: 0 is the date, -1 the day before. Never positive: nothing reads the future. */
  readonly endDays: number;
};

export const sameDate: Window = { start: { from: 'date', days: 0 }, endDays: 0 };

const grammar = /^\[\s*(season)?\s*([+-]?\d+d)?\s*,\s*([+-]?\d+)d\s*\]$/;

/**
 * Reads `[-30d, -1d]`, `[0d, 0d]`, `[season, -1d]`, `[season-30d, 0d]`, and the short forms `0d` (the same date) and
 * `season` (from the first date of the season to the day before). Undefined where the text is no window.
 */
export const parseWindow = (text: string): Window | undefined => {
  const short = text.trim();
  if (short === '0d') return sameDate;
  if (short === 'season') return { start: { from: 'season', days: 0 }, endDays: -1 };
  const match = grammar.exec(short);
  if (!match || (match[1] === undefined && match[2] === undefined)) return undefined;
  // `+ 0` turns the -0 of "-0d" into 0.
  const days = match[2] === undefined ? 0 : Number.parseInt(match[2], 10) + 0;
  const endDays = Number.parseInt(match[3] ?? '', 10) + 0;
  if (endDays > 0) return undefined;
  if (match[1] === 'season') return days > 0 ? undefined : { start: { from: 'season', days }, endDays };
  return days > endDays ? undefined : { start: { from: 'date', days }, endDays };
};

export const windowExample = '[0d, 0d], [-30d, -1d], [season, -1d] or [season-30d, 0d]';

export const formatWindow = (window: Window): string => {
  const { start, endDays } = window;
  const offset = start.days === 0 ? '' : `${start.days}d`;
  return `[${start.from === 'season' ? `season${offset}` : `${start.days}d`}, ${endDays}d]`;
};

// A window as long as "everything before" may reach back past the first date there is; it ends there.
const shift = (date: PartitionDate, days: number): PartitionDate => fromDay(Math.max(firstDay, toDay(date) + days));

/** First and last day (both included) of the window of one date. `seasonStart` is the first calendar date of its season. */
export const windowRange = (
  window: Window,
  date: PartitionDate,
  seasonStart: PartitionDate,
): { readonly first: PartitionDate; readonly last: PartitionDate } => ({
  first: shift(window.start.from === 'season' ? seasonStart : date, window.start.days),
  last: shift(date, window.endDays),
});
