// The pipeline's calendar: the dates on which there is something to compute, read from its source at plan time.
// A date belongs to one season; its kinds (regular, playoffs …) say which sources cover it. Dates outside the calendar
// are never guessed: a calendar that can't be read is an error, never "no games".
import type { PartitionDate } from './partition-date.ts';
import { windowRange, type Window } from './window.ts';

export type CalendarDate = {
  readonly date: PartitionDate;
  /** Name of the season, e.g. `2023-24`. Seasons are contiguous and don't overlap. */
  readonly season: string;
  /** Items (e.g. games) of each kind (e.g. `regular`) on this date, sorted by kind; never empty. */
  readonly kinds: readonly { readonly kind: string; readonly items: number }[];
};

export type Calendar = {
  readonly dates: readonly CalendarDate[];
  /** Position of a date in `dates`. */
  readonly indexOf: ReadonlyMap<PartitionDate, number>;
  /** First date of each season. */
  readonly seasonStart: ReadonlyMap<string, PartitionDate>;
};

/** Sorts the dates; throws RangeError where a date stands twice or seasons overlap. */
export const createCalendar = (dates: readonly CalendarDate[]): Calendar => {
  const sorted = [...dates].sort((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0));
  const indexOf = new Map<PartitionDate, number>();
  const seasonStart = new Map<string, PartitionDate>();
  for (const [index, entry] of sorted.entries()) {
    if (indexOf.has(entry.date)) throw new RangeError(`calendar has the date ${entry.date} twice`);
    indexOf.set(entry.date, index);
    if (!seasonStart.has(entry.season)) seasonStart.set(entry.season, entry.date);
    else if (sorted[index - 1]?.season !== entry.season) {
      throw new RangeError(
        `calendar has the date ${entry.date} of season ${entry.season} after season ${sorted[index - 1]?.season} has begun: seasons must not overlap`,
      );
    }
  }
  return { dates: sorted, indexOf, seasonStart };
};

/** Index of the first calendar date on or after `date`; `dates.length` where there is none. */
export const lowerBound = (calendar: Calendar, date: PartitionDate): number => {
  let [low, high] = [0, calendar.dates.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((calendar.dates[middle] as CalendarDate).date < date) low = middle + 1;
    else high = middle;
  }
  return low;
};

/**
 * Calendar positions `[from, to)` of the partitions in the window of the calendar date at `index`.
 * Empty (`from === to`) where the window holds no date of the calendar.
 */
export const windowIndexes = (calendar: Calendar, window: Window, index: number): { readonly from: number; readonly to: number } => {
  const entry = calendar.dates[index];
  if (entry === undefined) throw new RangeError(`no calendar date at ${index}`);
  if (window.start.from === 'date' && window.start.days === 0 && window.endDays === 0) return { from: index, to: index + 1 };
  const { first, last } = windowRange(window, entry.date, calendar.seasonStart.get(entry.season) ?? entry.date);
  const from = lowerBound(calendar, first);
  let to = lowerBound(calendar, last);
  if (calendar.dates[to]?.date === last) to += 1;
  return { from, to: Math.max(from, to) };
};
