// Dates that were committed while the calendar had them, and that it does not have any more: a game was postponed (P73).
// No plan names such a date, so nothing computes it anew, while windows of days go on reading its rows.
import { yearOf, type PartitionDate } from '../domain/partition-date.ts';
import { ledgerPath } from '../domain/ledger.ts';
import type { Processor } from '../domain/pipeline.ts';
import type { StatusStore } from '../ports/status-store.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import { readLedgerYears, specOf } from './ledger-reader.ts';
import type { LoadedPlan } from './plan-store.ts';

/**
 * Dates on which the processor's table holds rows although the plan's calendar has no such date, ascending. Only between
 * the calendar's first and last date: a calendar may be that of a part of history, and says nothing of what lies outside.
 * What kinds of items a date has is not asked (`covers`): a date that lost those of one kind is still in the calendar.
 *
 * The ledger says which dates to look at, the table whether their rows are still there: once somebody has deleted them,
 * nothing is wrong any more, and the ledger would never say so.
 */
export const findOffCalendar = async (
  deps: { readonly store: StatusStore; readonly warehouse: Warehouse },
  { pipeline, calendar }: Pick<LoadedPlan, 'pipeline' | 'calendar'>,
  processor: Processor,
  signal: AbortSignal,
): Promise<readonly PartitionDate[]> => {
  const [first, last] = [calendar.dates[0]?.date, calendar.dates.at(-1)?.date];
  if (first === undefined || last === undefined) return [];
  const paths: string[] = [];
  for (let year = yearOf(first); year <= yearOf(last); year += 1) paths.push(ledgerPath(pipeline.id, processor.id, year));
  const dates = [...(await readLedgerYears(deps.store, paths)).values()]
    .flatMap(({ entries }) => Object.entries(entries))
    .filter(([, { rows }]) => rows > 0)
    .map(([date]) => date as PartitionDate)
    .filter((date) => date > first && date < last && !calendar.indexOf.has(date))
    .sort();
  if (dates.length === 0) return [];
  const target = specOf(processor);
  await deps.warehouse.prepareTable(target, signal);
  const check = { type: 'rows', expected: new Map(dates.map((date) => [date, 0])) } as const;
  const job = { target, subject: 'committed', dates, checks: [{ id: 'off_calendar', check }], sources: [], labels: { processor: processor.id } } as const;
  const { findings } = await deps.warehouse.runChecks(job, signal);
  return findings.map(({ date }) => date).sort();
};
