// What a validation is about: the pipeline as its folder reads today, its calendar, the partitions that the selection names and
// those that it reads. Nothing is written, by any validation: no table is made, no ledger entry mended.
import type { BackfillRequest } from '../contracts/request.ts';
import { windowIndexes, type Calendar } from '../domain/calendar.ts';
import { FloodgateError } from '../domain/errors.ts';
import { declaredSkip, type LedgerEntry, type SkipReason } from '../domain/ledger.ts';
import type { PartitionDate } from '../domain/partition-date.ts';
import type { Processor } from '../domain/pipeline.ts';
import { selectDates, selectProcessors, type SelectedDates } from '../domain/selection.ts';
import type { LedgerYearDocument } from '../contracts/documents.ts';
import type { Clock } from '../ports/clock.ts';
import type { StatusStore } from '../ports/status-store.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import { readCalendar } from './calendar-reader.ts';
import type { PipelineCatalog } from './deps.ts';
import { ledgerPathsFor, readLedgerYears, viewOf } from './ledger-reader.ts';
import type { LoadedPlan } from './plan-store.ts';

export type ValidateDeps = {
  readonly store: StatusStore;
  readonly warehouse: Warehouse;
  readonly clock: Clock;
  readonly catalog: PipelineCatalog;
};

/** How far a validation is; `what` is what it looks at now. */
export type ValidationProgress = (step: { readonly done: number; readonly total: number; readonly what: string }) => void;

export type Selection = Pick<BackfillRequest, 'pipeline' | 'range' | 'dates' | 'exclude' | 'phases' | 'processors'>;

export type Scope = {
  /** Without entries: a validation plans nothing. */
  readonly plan: LoadedPlan;
  readonly dates: SelectedDates;
  /** Selected processors, upstreams first. */
  readonly processors: readonly Processor[];
  /** Calendar positions of the wanted dates, ascending. */
  readonly wanted: readonly number[];
  readonly isWanted: (index: number) => boolean;
  /** Whether the selection itself, as it was typed, holds the day: of the calendar or not. */
  readonly isAsked: (date: PartitionDate) => boolean;
  readonly years: ReadonlyMap<string, LedgerYearDocument>;
  readonly entryOf: (processorId: string, date: PartitionDate) => LedgerEntry | undefined;
  readonly progress: ValidationProgress;
};

const askedOf = ({ range, dates, exclude }: Selection): ((date: PartitionDate) => boolean) => {
  const ranges = [range ?? []].flat();
  const all = ranges.length === 0 && dates === undefined;
  const isExcluded = (date: PartitionDate): boolean =>
    exclude.some((entry) => (typeof entry === 'string' ? entry === date : date >= entry.start && date <= entry.end));
  return (date) => (all || dates?.includes(date) === true || ranges.some(({ start, end }) => date >= start && date <= end)) && !isExcluded(date);
};

/** Throws FloodgateError `unknown_pipeline`, `unknown_processor`, `empty_selection`, `calendar_unreadable`. */
export const openScope = async (deps: ValidateDeps, selection: Selection, progress: ValidationProgress, signal: AbortSignal): Promise<Scope> => {
  const loaded = await deps.catalog.load(selection.pipeline);
  if (loaded === undefined)
    throw new FloodgateError('unknown_pipeline', `pipeline: expected one of ${deps.catalog.ids.join(', ')}, found "${selection.pipeline}"`);
  const { pipeline } = loaded;
  const ids = selectProcessors(pipeline, selection);
  progress({ done: 0, total: 0, what: 'the calendar' });
  const { calendar } = await readCalendar(deps.warehouse, pipeline, signal);
  const dates = selectDates(calendar, selection);
  const computed = pipeline.processors.filter(({ kind }) => kind !== 'external');
  const years = await readLedgerYears(deps.store, ledgerPathsFor(pipeline, computed, calendar, { first: 0, last: calendar.dates.length - 1 }));
  const wanted = [...dates.wanted].map((date) => calendar.indexOf.get(date) as number).sort((a, b) => a - b);
  const isIn = new Set(wanted);
  return {
    plan: { pipeline, calendar, entries: new Map() },
    dates,
    processors: pipeline.processors.filter(({ id }) => ids.has(id)),
    wanted,
    isWanted: (index) => isIn.has(index),
    isAsked: askedOf(selection),
    years,
    entryOf: viewOf(pipeline.id, years, new Map()).entry,
    progress,
  };
};

export const dateAt = (calendar: Calendar, index: number): PartitionDate => {
  const entry = calendar.dates[index];
  if (entry === undefined) throw new RangeError(`no calendar date at ${index}`);
  return entry.date;
};

/** Positions of a table that the readers need for these of theirs, ascending. Declared skips read nothing, optional edges need nothing. */
export const readThrough = (calendar: Calendar, table: string, readers: readonly Processor[], positions: readonly number[]): readonly number[] => {
  const read = new Set<number>();
  for (const reader of readers) {
    const windows = reader.upstreams.filter((upstream) => upstream.table === table && upstream.optional !== true).map(({ window }) => window);
    if (windows.length === 0) continue;
    for (const index of positions) {
      if (declaredSkip(reader, calendar, index) !== undefined) continue;
      for (const window of windows) {
        const { from, to } = windowIndexes(calendar, window, index);
        for (let at = from; at < to; at += 1) read.add(at);
      }
    }
  }
  return [...read].sort((a, b) => a - b);
};

/** A declared skip as the status of its date: too early for the processor, or nothing that should be there. */
export const skipStatus = (reason: SkipReason): 'insufficient_history' | 'empty_ok' =>
  reason === 'bootstrap' || reason === 'insufficient_history' ? 'insufficient_history' : 'empty_ok';
