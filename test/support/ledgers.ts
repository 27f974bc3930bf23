// A ledger in memory that behaves as committing does: what a partition contains is a pure function of its code and of
// what it read, so computing it again from the same inputs yields the same content hash.
import type { Calendar } from '@floodgate/core/domain/calendar.ts';
import { digestText } from '@floodgate/core/domain/digest.ts';
import { declaredSkip, inputDigest, type LedgerEntry, type LedgerView } from '@floodgate/core/domain/ledger.ts';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Pipeline } from '@floodgate/core/domain/pipeline.ts';
import { makePlan, type Plan, type PlanInput } from '@floodgate/core/domain/plan.ts';
import { allDates, dateAt, processorOf } from './pipelines.ts';

export type TestLedger = {
  readonly view: LedgerView;
  /** Computes and commits one partition from what the ledger holds now; `overrides` make it differ from an honest commit. */
  readonly commit: (processorId: string, date: PartitionDate, overrides?: Partial<LedgerEntry>) => LedgerEntry;
  readonly remove: (processorId: string, date: PartitionDate) => void;
  /** Rows of a source or external table; every date has some unless it is told otherwise. */
  readonly setSource: (table: string, date: PartitionDate, digest: string | undefined) => void;
  /** Commits every task of the plan, upstreams first. */
  readonly complete: (plan: Plan) => void;
  /** Commits every partition that is not a declared skip. */
  readonly fill: () => TestLedger;
};

export const createTestLedger = (pipeline: Pipeline, calendar: Calendar): TestLedger => {
  const entries = new Map<string, LedgerEntry>();
  const sources = new Map<string, string | undefined>();
  const keyOf = (name: string, date: PartitionDate): string => `${name}|${date}`;
  let generation = 0;
  const view: LedgerView = {
    entry: (processorId, date) => entries.get(keyOf(processorId, date)),
    sourceDigest: (table, date) => {
      const key = keyOf(table, date);
      return sources.has(key) ? sources.get(key) : `rows of ${key}`;
    },
  };
  const commit = (processorId: string, date: PartitionDate, overrides: Partial<LedgerEntry> = {}): LedgerEntry => {
    const processor = processorOf(pipeline, processorId);
    const index = calendar.indexOf.get(date);
    if (index === undefined) throw new RangeError(`${date} is no date of the calendar`);
    const digest = inputDigest(pipeline, processor, calendar, index, view);
    generation += 1;
    const entry: LedgerEntry = {
      generation,
      contentHash: digestText(`${processor.codeHash}|${date}|${digest}`),
      rows: 10,
      codeHash: processor.codeHash,
      inputDigest: digest,
      backfillId: 'b1',
      committedAt: generation,
      computeMs: 5,
      ...overrides,
    };
    entries.set(keyOf(processorId, date), entry);
    return entry;
  };
  const ledger: TestLedger = {
    view,
    commit,
    remove: (processorId, date) => void entries.delete(keyOf(processorId, date)),
    setSource: (table, date, digest) => void sources.set(keyOf(table, date), digest),
    complete: (plan) => {
      for (const { id } of pipeline.processors) {
        for (const { kind, date } of plan.processors.get(id) ?? []) if (kind === 'task') commit(id, date);
      }
    },
    fill: () => {
      for (const processor of pipeline.processors.filter(({ kind }) => kind !== 'external')) {
        for (let index = 0; index < calendar.dates.length; index += 1) {
          if (declaredSkip(processor, calendar, index) === undefined) commit(processor.id, dateAt(calendar, index));
        }
      }
      return ledger;
    },
  };
  return ledger;
};

/** Input of a plan over everything, of the mode `missing`, that nobody else plans; every part can be replaced. */
export const planInput = (pipeline: Pipeline, calendar: Calendar, ledger: TestLedger, overrides: Partial<PlanInput> = {}): PlanInput => ({
  pipeline,
  calendar,
  calendarDigest: 'calendar-1',
  processors: new Set(pipeline.processors.filter(({ kind }) => kind !== 'external').map(({ id }) => id)),
  dates: new Set(allDates(calendar)),
  reprocess: 'missing',
  gate: 'phase',
  view: ledger.view,
  plannedBy: () => undefined,
  hasFailed: () => false,
  ...overrides,
});

/** The plan, where no overlap is expected. */
export const planOf = (input: PlanInput): Plan => {
  const outcome = makePlan(input);
  if (outcome.outcome !== 'planned') throw new Error(`backfill ${outcome.backfillId} already plans ${outcome.processorId}`);
  return outcome.plan;
};

/** `processor date reason` of every entry of one kind, in the plan's order. */
export const listEntries = (plan: Plan, wanted: 'task' | 'fresh' | 'skip' | 'await' = 'task'): readonly string[] =>
  [...plan.processors].flatMap(([id, entries]) => entries.filter(({ kind }) => kind === wanted).map(({ date, reason }) => `${id} ${date} ${reason}`));

/** `processor date` of every task of the plan. */
export const taskKeys = (plan: Plan): ReadonlySet<string> =>
  new Set([...plan.processors].flatMap(([id, entries]) => entries.filter(({ kind }) => kind === 'task').map(({ date }) => `${id} ${date}`)));
