// Dates as whole days since 1970, and the clock of the US East coast, by which games start.

const dayMs = 86_400_000;

export const toDay = (date: string): number => Date.parse(`${date}T00:00:00Z`) / dayMs;
export const toDate = (day: number): string => new Date(day * dayMs).toISOString().slice(0, 10);
/** 0 is Sunday. */
export const weekdayOf = (day: number): number => new Date(day * dayMs).getUTCDay();

/** The nth Sunday of a month (from 0). */
const sunday = (year: number, month: number, nth: number): number => {
  const first = Date.UTC(year, month, 1) / dayMs;
  return first + ((7 - weekdayOf(first)) % 7) + 7 * (nth - 1);
};

/** Summer time lasts from the second Sunday of March to the first of November. */
const hoursBehindUtc = (day: number): number => {
  const year = new Date(day * dayMs).getUTCFullYear();
  return day >= sunday(year, 2, 2) && day < sunday(year, 10, 1) ? 4 : 5;
};

/** The instant at which clocks on the East coast show so many minutes after midnight of the day. */
export const easternInstant = (day: number, minutes: number): number => day * dayMs + (hoursBehindUtc(day) * 60 + minutes) * 60_000;
export const toTimestamp = (instant: number): string => `${new Date(instant).toISOString().slice(0, 19)}Z`;
