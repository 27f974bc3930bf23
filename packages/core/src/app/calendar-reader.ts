// The calendar is read from its source at plan time and its digest is part of the plan. What can't be read is an error:
// an empty or malformed calendar never means "no games" (P94: gap tools silently used another source).
import * as z from 'zod';
import { createCalendar, type Calendar, type CalendarDate } from '../domain/calendar.ts';
import { canonicalJson, digestText } from '../domain/digest.ts';
import { FloodgateError } from '../domain/errors.ts';
import { tryPartitionDate, type PartitionDate } from '../domain/partition-date.ts';
import type { Pipeline } from '../domain/pipeline.ts';
import type { Warehouse } from '../ports/warehouse.ts';

const maxRows = 100_000;

const rowSchema = z.object({
  date: z.string().refine((text) => tryPartitionDate(text) !== undefined, 'expected a DATE'),
  season: z.string().min(1),
  kind: z.string().min(1),
  items: z.coerce.number().int().min(1),
});

export const readCalendar = async (
  warehouse: Warehouse,
  pipeline: Pipeline,
  signal: AbortSignal,
): Promise<{ readonly calendar: Calendar; readonly digest: string }> => {
  const { rows } = await warehouse.query(pipeline.calendar.sql, { dialect: 'googlesql', sources: pipeline.sources, maxRows }, signal);
  const unreadable = (message: string) =>
    new FloodgateError('calendar_unreadable', `calendar of pipeline ${pipeline.id}: ${message}`, {
      hint: 'it must yield date DATE, season STRING, kind STRING, items INT64, at least one row; check the calendar query and the source that it reads',
    });
  if (rows.length === 0) throw unreadable('expected rows, found none');
  if (rows.length >= maxRows) throw unreadable(`expected fewer than ${maxRows} rows, found more`);
  const dates = new Map<string, { date: PartitionDate; season: string; kinds: { kind: string; items: number }[] }>();
  for (const row of rows) {
    const parsed = rowSchema.safeParse(row);
    if (!parsed.success) throw unreadable(`row ${JSON.stringify(row)}: ${z.prettifyError(parsed.error)}`);
    const { date, season, kind, items } = parsed.data;
    const entry = dates.get(date) ?? { date: date as PartitionDate, season, kinds: [] };
    if (entry.season !== season) throw unreadable(`date ${date} lies in two seasons, ${entry.season} and ${season}`);
    entry.kinds.push({ kind, items });
    dates.set(date, entry);
  }
  const sorted: CalendarDate[] = [...dates.values()].map((entry) => ({ ...entry, kinds: entry.kinds.sort((a, b) => (a.kind < b.kind ? -1 : 1)) }));
  const calendar = createCalendar(sorted);
  return { calendar, digest: digestText(canonicalJson(calendar.dates)) };
};
