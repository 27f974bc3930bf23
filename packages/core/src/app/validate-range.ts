// Range: every check that a gate would make, over the committed rows of the selection, and what no gate asks: rows of dates
// that are declared to have none, or that the calendar does not have. `gate` is the same over one phase and the lookback that
// the next ones read, with what only a gate asks: freshness, version, quorum.
import { declaredSkip } from '../domain/ledger.ts';
import { datesBetween, type PartitionDate } from '../domain/partition-date.ts';
import type { Processor } from '../domain/pipeline.ts';
import type { StatusStore } from '../ports/status-store.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import { judgeFreshness } from './backfill-view.ts';
import { asCommitted, gateChecksOf, gateOf, isAccepted, isWithinQuorum } from './gate-checks.ts';
import { findOffCalendar } from './off-calendar.ts';
import type { LoadedPlan } from './plan-store.ts';
import { beginDates } from './validate-coverage.ts';
import { TableFindings, type TableReport } from './validate-report.ts';
import { addFindings, checkCommitted, couldNotTell, type RowsResult } from './validate-rows.ts';
import { dateAt, readThrough, type Scope } from './validate-scope.ts';

type Deps = { readonly store: StatusStore; readonly warehouse: Warehouse };

/** The gate's checks over the committed ones of these dates. */
const judgeRows = async (
  deps: Deps,
  scope: Scope,
  input: { readonly processor: Processor; readonly dates: readonly PartitionDate[]; readonly into: TableFindings; readonly quorum: number },
  signal: AbortSignal,
): Promise<RowsResult> => {
  const { processor, dates, into, quorum } = input;
  const entryOf = (date: PartitionDate) => scope.entryOf(processor.id, date);
  const checks = gateChecksOf(scope.plan, processor, dates, entryOf);
  const hasRows = dates.some((date) => (entryOf(date)?.rows ?? 0) > 0);
  const result = await checkCommitted({ ...deps, plan: scope.plan }, { processor, dates, checks, into, hasRows }, signal);
  const excused = new Set(
    checks.filter((check) => {
      const own = result.findings.filter(({ named, date }) => named === check && !isAccepted(named, entryOf(date)));
      const expected = [...(result.expectedOf(check)?.values() ?? [])].reduce((sum, each) => sum + each, 0);
      const offending = own.reduce((sum, each) => sum + each.offending, 0);
      return own.length > 0 && isWithinQuorum(offending, expected, quorum);
    }),
  );
  // A date without a commit is told to have none; that its rows are missing as well would only say it again.
  addFindings(
    into,
    result,
    ({ named, date }) => excused.has(named) || isAccepted(named, entryOf(date)) || (entryOf(date) === undefined && result.rowsOf(date) === 0),
  );
  for (const check of excused) into.note(`${check.name}: what is missing is within the quorum of ${quorum}`);
  if (result.isJudged) {
    into.rows = dates.reduce((sum, date) => sum + result.rowsOf(date), 0);
    for (const date of dates) if (result.rowsOf(date) === 0 && into.statusOf(date) === 'complete') into.begin(date, 'empty_ok');
  }
  return result;
};

/** Days between the first and the last wanted date that must have no rows: outside the calendar, or declared to have none. */
const emptyDays = (scope: Scope, processor: Processor): ReadonlyMap<PartitionDate, 'off_calendar' | 'declared_skip'> => {
  const { calendar } = scope.plan;
  const [first, last] = [scope.wanted[0] as number, scope.wanted.at(-1) as number];
  const days = new Map<PartitionDate, 'off_calendar' | 'declared_skip'>();
  for (const date of datesBetween(dateAt(calendar, first), dateAt(calendar, last))) {
    if (!scope.isAsked(date)) continue;
    const index = calendar.indexOf.get(date);
    if (index === undefined) days.set(date, 'off_calendar');
    else if (declaredSkip(processor, calendar, index) !== undefined) days.set(date, 'declared_skip');
  }
  return days;
};

const findStrayRows = async (deps: Deps, scope: Scope, processor: Processor, into: TableFindings, signal: AbortSignal): Promise<void> => {
  const days = emptyDays(scope, processor);
  const dates = [...days.keys()];
  const checks = [{ ...asCommitted(processor, dates, () => 0), name: 'stray_rows' }];
  const { findings } = await checkCommitted({ ...deps, plan: scope.plan }, { processor, dates, checks, into, hasRows: true }, signal);
  for (const { date, offending } of findings) {
    const why = days.get(date) === 'off_calendar' ? 'the calendar does not have the date' : 'the pipeline declares that the date has none';
    const message = `${offending} ${offending === 1 ? 'row' : 'rows'}, and ${why}; windows still read them`;
    into.add({ date, check: days.get(date) ?? 'off_calendar', message, offending, repair: '' });
  }
};

export const validateRange = async (deps: Deps, scope: Scope, signal: AbortSignal): Promise<readonly TableReport[]> => {
  const tables: TableReport[] = [];
  for (const processor of scope.processors) {
    scope.progress({ done: tables.length, total: scope.processors.length, what: processor.table });
    const into = new TableFindings(processor, 'target');
    const dates = beginDates(scope, processor, scope.wanted, into);
    const { isJudged } = await judgeRows(deps, scope, { processor, dates, into, quorum: 1 }, signal);
    const isEmpty = scope.plan.calendar.dates.every(({ date }) => scope.entryOf(processor.id, date) === undefined);
    if (isJudged || (dates.length === 0 && !isEmpty)) await findStrayRows(deps, scope, processor, into, signal);
    tables.push(into.report());
  }
  return tables;
};

const judgeFresh = async (deps: Deps, scope: Scope, tables: ReadonlyMap<Processor, TableFindings>, signal: AbortSignal): Promise<void> => {
  const { calendar } = scope.plan;
  const positions = new Map<string, readonly number[]>();
  for (const [{ id }, into] of tables) {
    const isCommitted = (date: PartitionDate): boolean => scope.entryOf(id, date) !== undefined && into.statusOf(date) !== 'insufficient_history';
    // Dates that have left the calendar have no position, and nothing that they could be fresh against.
    positions.set(
      id,
      into.dates.filter(isCommitted).flatMap((date) => calendar.indexOf.get(date) ?? []),
    );
  }
  // Freshness is asked of plans: this one has, of every position, that it is to be looked at.
  const entries = new Map(
    [...positions].map(([id, indexes]) => [
      id,
      new Map(indexes.map((index) => [index, { date: dateAt(calendar, index), kind: 'fresh', reason: 'already_fresh' } as const])),
    ]),
  );
  const plan: LoadedPlan = { ...scope.plan, entries };
  try {
    const { stale, recoded } = await judgeFreshness(deps, plan, positions, signal);
    for (const [{ id }, into] of tables) {
      for (const index of stale.get(id) ?? [])
        into.add({ date: dateAt(calendar, index), check: 'fresh', message: 'computed from inputs that have changed since', repair: 'stale' });
      for (const index of recoded.get(id) ?? [])
        into.add({
          date: dateAt(calendar, index),
          check: 'version',
          severity: 'warn',
          message: 'holds the rows of another version of this processor',
          repair: 'stale',
        });
    }
  } catch (error) {
    for (const into of tables.values()) couldNotTell(into, 'fresh', error, signal);
  }
};

/** Positions that the gate of the phase answers for: the selection, and what processors of later phases read for it. */
const gatePositions = (scope: Scope, processor: Processor): readonly number[] => {
  const { pipeline, calendar } = scope.plan;
  const later = pipeline.processors.filter(({ phase }) => phase > processor.phase);
  return [...new Set([...scope.wanted, ...readThrough(calendar, processor.table, later, scope.wanted)])].sort((a, b) => a - b);
};

/** What the gate of the phase would say of the selection and of its lookback. No plan, no backfill, nothing written. */
export const validateGate = async (deps: Deps, scope: Scope, signal: AbortSignal): Promise<readonly TableReport[]> => {
  const { calendar } = scope.plan;
  const tables = new Map<Processor, TableFindings>();
  const total = scope.processors.length + 1;
  for (const processor of scope.processors) {
    scope.progress({ done: tables.size, total, what: processor.table });
    const positions = gatePositions(scope, processor);
    const into = new TableFindings(
      processor,
      'target',
      positions.filter((index) => !scope.isWanted(index)).map((index) => dateAt(calendar, index)),
    );
    const dates = beginDates(scope, processor, positions, into);
    const { quorum } = gateOf(scope.plan, processor);
    const { isJudged } = await judgeRows(deps, scope, { processor, dates, into, quorum }, signal);
    try {
      for (const date of isJudged ? await findOffCalendar(deps, scope.plan, processor, signal) : [])
        into.add({ date, check: 'off_calendar', message: 'has rows and is not in the calendar any more; windows still read them', repair: '' });
    } catch (error) {
      couldNotTell(into, 'off_calendar', error, signal);
    }
    tables.set(processor, into);
  }
  scope.progress({ done: total - 1, total, what: 'what they were computed from' });
  await judgeFresh(deps, scope, tables, signal);
  return [...tables.values()].map((into) => into.report());
};
