// The smallest request that would repair what blocks a gate, as a command to copy.
import type { PartitionDate } from './partition-date.ts';

const maxListedDates = 12;

/** Dates as the shortest `--dates` or `--start/--end` that covers them. */
const dateFlags = (dates: readonly PartitionDate[]): string => {
  const sorted = [...new Set(dates)].sort();
  if (sorted.length === 0) return '';
  return sorted.length <= maxListedDates ? `--dates ${sorted.join(',')}` : `--start ${sorted[0] ?? ''} --end ${sorted.at(-1) ?? ''}`;
};

export const repairCommand = (
  backfill: { readonly backfillId: string; readonly pipelineId: string },
  failing: readonly { readonly processorId: string; readonly check: string; readonly dates: readonly PartitionDate[] }[],
): string => {
  const unaccounted = failing.some(({ check }) => check === 'accounted');
  // Tasks that failed in this very backfill are tried again inside it: their plan stands.
  if (unaccounted) return `npx floodgate retry ${backfill.backfillId}`;
  // Dates outside the calendar can't be asked for; and what has read them is stale once they are empty.
  const offCalendar = failing.some(({ check }) => check === 'off_calendar');
  if (offCalendar) return `npx floodgate reconcile --clear-off-calendar --pipeline ${backfill.pipelineId}`;
  const withDates = failing.filter(({ dates }) => dates.length > 0);
  if (withDates.length === 0) return `npx floodgate explain ${backfill.backfillId}`;
  const processors = [...new Set(withDates.map(({ processorId }) => processorId))].join(',');
  const stale = withDates.every(({ check }) => check === 'fresh');
  const mode = stale ? 'stale' : withDates.every(({ check }) => check === 'committed') ? 'missing' : 'all';
  return `npx floodgate backfill --pipeline ${backfill.pipelineId} --processors ${processors} ${dateFlags(withDates.flatMap(({ dates }) => dates))} --reprocess ${mode}`;
};
