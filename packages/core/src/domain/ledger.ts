// The ledger says what is committed now, per partition, across all backfills. Freshness is derived from it, never stored:
// a partition is stale when the digest of its inputs, or the hash of its code, differs from what it was computed with.
import type { Calendar } from './calendar.ts';
import { windowIndexes } from './calendar.ts';
import { digestText } from './digest.ts';
import { daysBetween, yearOf, type PartitionDate } from './partition-date.ts';
import type { Pipeline, Processor, Upstream } from './pipeline.ts';
import { formatWindow } from './window.ts';

export type LedgerEntry = {
  readonly generation: number;
  readonly contentHash: string;
  readonly rows: number;
  readonly codeHash: string;
  readonly inputDigest: string;
  readonly backfillId: string;
  /** Milliseconds since 1970-01-01. */
  readonly committedAt: number;
  /** Measured computing time of this date: the span's, divided by its dates. */
  readonly computeMs: number;
  /** Blocking audits that a person accepted for these rows. */
  readonly accepted?: readonly string[];
};

/** One document holds a year, so that an entry is never alone in a document nor a document without bound. */
export const ledgerPath = (pipelineId: string, processorId: string, year: number): string => `ledger/${pipelineId}:${processorId}:${year}`;
export const ledgerPathOf = (pipelineId: string, processorId: string, date: PartitionDate): string => ledgerPath(pipelineId, processorId, yearOf(date));

/** Reads the state of the world that freshness depends on; the caller has loaded it before. */
export type LedgerView = {
  readonly entry: (processorId: string, date: PartitionDate) => LedgerEntry | undefined;
  /** Digest of the rows that a source (`source.x`) or an external table has for a date; undefined: no rows. */
  readonly sourceDigest: (table: string, date: PartitionDate) => string | undefined;
};

/** Why a partition is declared never to exist; undefined where it should. */
export type SkipReason = 'no_source_data' | 'bootstrap' | 'insufficient_history' | 'never';

export const declaredSkip = (processor: Processor, calendar: Calendar, index: number): SkipReason | undefined => {
  const entry = calendar.dates[index];
  if (entry === undefined) throw new RangeError(`no calendar date at ${index}`);
  if (processor.never.some(({ first, last }) => entry.date >= first && entry.date <= last)) return 'never';
  const { covers } = processor;
  if (covers !== undefined && !entry.kinds.some(({ kind }) => covers.includes(kind))) return 'no_source_data';
  const seasonStart = calendar.seasonStart.get(entry.season) ?? entry.date;
  if (processor.bootstrapDays > 0 && daysBetween(seasonStart, entry.date) < processor.bootstrapDays) return 'bootstrap';
  if (processor.minHistoryDates > 0 && index - (calendar.indexOf.get(seasonStart) ?? 0) < processor.minHistoryDates) return 'insufficient_history';
  return undefined;
};

// The window breaks the tie between two edges to one table, so that their order never matters.
const edgeName = ({ table, window }: Upstream): string => `${table} ${formatWindow(window)}`;

/**
 * One look at everything that the partition reads: per upstream table, the content hash of each partition in its window,
 * the absent ones included, so that a partition that appears later is noticed like one that changes. `generations` takes
 * those of the same partitions; sources and external tables have none.
 */
const walkInputs = (pipeline: Pipeline, processor: Processor, calendar: Calendar, index: number, view: LedgerView, generations?: number[]): string => {
  const parts: string[] = [];
  for (const upstream of [...processor.upstreams].sort((a, b) => (edgeName(a) < edgeName(b) ? -1 : 1))) {
    const producer = pipeline.processors.find(({ table }) => table === upstream.table);
    const { from, to } = windowIndexes(calendar, upstream.window, index);
    // What is optional is part of the digest where it is there: whoever never had it keeps his digests.
    if (!upstream.optional) parts.push(upstream.table);
    for (let at = from; at < to; at += 1) {
      const date = (calendar.dates[at] as Calendar['dates'][number]).date;
      if (producer === undefined || producer.kind === 'external') {
        parts.push(date, view.sourceDigest(upstream.table, date) ?? 'absent');
        continue;
      }
      const entry = view.entry(producer.id, date);
      if (!upstream.optional) parts.push(date, entry?.contentHash ?? 'absent');
      else if (entry !== undefined) parts.push(upstream.table, date, entry.contentHash);
      generations?.push(entry?.generation ?? -1);
    }
  }
  return parts.join('|');
};

/** Digest of the content of everything that the partition reads: what freshness is judged by. */
export const inputDigest = (pipeline: Pipeline, processor: Processor, calendar: Calendar, index: number, view: LedgerView): string =>
  digestText(walkInputs(pipeline, processor, calendar, index, view));

export type InputDigests = {
  readonly inputDigest: string;
  /** Over the generations instead of the content: it differs after any commit in a window, and never comes back. */
  readonly inputVersion: string;
};

/**
 * Both digests by one walk, for whoever brackets a read with them. Content alone can't: where an upstream changed and
 * changed back meanwhile (A, B, A), the rows may be made of B although the content is what it was.
 */
export const digestInputs = (pipeline: Pipeline, processor: Processor, calendar: Calendar, index: number, view: LedgerView): InputDigests => {
  const generations: number[] = [];
  const content = walkInputs(pipeline, processor, calendar, index, view, generations);
  return { inputDigest: digestText(content), inputVersion: digestText(generations.join('|')) };
};

/** In place of a backfill's id, where a date was emptied after it had left the calendar: if it comes back, it was never computed. */
export const clearedBy = 'off-calendar';

export type Freshness = 'missing' | 'fresh' | 'stale_code' | 'stale_input';

export const freshnessOf = (pipeline: Pipeline, processor: Processor, calendar: Calendar, index: number, view: LedgerView): Freshness => {
  const entry = view.entry(processor.id, (calendar.dates[index] as Calendar['dates'][number]).date);
  if (entry === undefined || entry.backfillId === clearedBy) return 'missing';
  if (entry.codeHash !== processor.codeHash) return 'stale_code';
  return entry.inputDigest === inputDigest(pipeline, processor, calendar, index, view) ? 'fresh' : 'stale_input';
};
