// The validator's decision: a phase is complete when it is drained, every planned partition is accounted for, and its
// checks hold over the committed rows of the range and of the lookback that the next phase will read. A check that can't
// be evaluated blocks (P78: on any exception the gate published everything).
import {
  backfillPath,
  gatePath,
  gateSchema,
  parseDocument,
  taskCollection,
  taskSchema,
  type BackfillDocument,
  type CheckOutcome,
  type GateDocument,
  type GateState,
  type TaskDocument,
} from '../contracts/documents.ts';
import { toFailure } from '../domain/failure.ts';
import { ledgerPathOf } from '../domain/ledger.ts';
import type { PartitionDate } from '../domain/partition-date.ts';
import type { Processor } from '../domain/pipeline.ts';
import { repairCommand } from '../domain/repair.ts';
import { findStuck } from '../domain/schedule.ts';
import { inFlightStates, isGood, isTerminal, openStates } from '../domain/task-state.ts';
import type { NamedCheck } from './audit-staged.ts';
import type { Finding } from '../ports/warehouse.ts';
import { judgeFreshness, openView, plannedProcessors } from './backfill-view.ts';
import { bindWarehouse } from './deadline.ts';
import type { EngineDeps } from './deps.ts';
import { gateChecksOf, gateOf, isAccepted, isWithinQuorum } from './gate-checks.ts';
import { readLedgerYears, specOf } from './ledger-reader.ts';
import { findOffCalendar } from './off-calendar.ts';
import { transact } from './outbox.ts';
import { readBackfill, type LoadedPlan, type PlanReader } from './plan-store.ts';

export type ValidatorDeps = EngineDeps & { readonly plans: PlanReader };

export type GateOutcome =
  | { readonly outcome: 'not_drained' }
  | { readonly outcome: 'unknown_backfill' }
  /** Another evaluation was written first, or a task moved meanwhile: the message that says so comes or has come. */
  | { readonly outcome: 'overtaken' }
  | { readonly outcome: 'decided'; readonly state: GateState };

const shownDates = 60;

/** Decides the gate of a phase, if it is drained. Evaluating again is harmless: an open gate stays open. */
export const evaluateGate = async (given: ValidatorDeps, backfillId: string, phase: number, signal: AbortSignal): Promise<GateOutcome> => {
  const deps = bindWarehouse(given);
  const backfill = await readBackfill(deps.store, backfillId);
  if (backfill === undefined || !backfill.phases.includes(phase)) return { outcome: 'unknown_backfill' };
  const before = await readGate(deps, backfillId, phase);
  if (before?.state === 'open') return { outcome: 'decided', state: 'open' };
  const plan = await deps.plans.plan(backfill.planHash);
  const processors = plannedProcessors(plan).filter((processor) => processor.phase === phase);
  const planned = processors.reduce((sum, { id }) => sum + (backfill.tasks[id] ?? 0), 0);
  const drained = await isDrained(deps, backfillId, phase, planned);
  if (drained === 'no') return { outcome: 'not_drained' };
  if (backfill.gate === 'phase' && !(await earlierOpen(deps, backfill, phase))) return { outcome: 'not_drained' };
  if (await awaitsOthers(deps, plan, processors, signal)) return { outcome: 'not_drained' };
  const tasks = await readPhase(deps, backfillId, phase);
  if (drained === 'perhaps' ? !(await isStuck(deps, backfillId, plan, processors)) : tasks.some(({ state }) => !isTerminal(state)))
    return { outcome: 'not_drained' };

  const unfinished = new Map(processors.map((processor) => [processor.id, unfinishedOf(plan, processor, tasks)]));
  const checks: CheckOutcome[] = [...accountFor(unfinished, backfill.tasks), ...(await freshness(deps, plan, processors, unfinished, signal))];
  for (const processor of processors) checks.push(await offCalendar(deps, plan, processor, signal));
  const whole = checks.every(({ outcome, severity }) => outcome === 'passed' || severity === 'warn');
  // Rows are read only where the partitions are there: findings about dates that failed would only repeat that they failed.
  if (whole) for (const processor of processors) checks.push(...(await checkRows(deps, backfillId, plan, processor, signal)));
  return decide(deps, { backfill, phase, plan, before, checks, tasks });
};

const readGate = async (deps: ValidatorDeps, backfillId: string, phase: number): Promise<GateDocument | undefined> => {
  const document = await deps.store.get(gatePath(backfillId, phase));
  return document === undefined ? undefined : parseDocument(gateSchema, document);
};

/**
 * Counts before it reads: most doorbells ring while the phase still works. `perhaps`: nothing is in flight, but some tasks
 * were not released, or wait; whether they still can start is to be found out.
 */
const isDrained = async (deps: ValidatorDeps, backfillId: string, phase: number, planned: number): Promise<'yes' | 'no' | 'perhaps'> => {
  const collection = taskCollection(backfillId);
  const ofPhase = { field: 'phase', op: '==' as const, value: phase };
  const open = await deps.store.count({ collection, where: [ofPhase, { field: 'state', op: 'in', value: openStates }] });
  if (open === 0 && (await deps.store.count({ collection, where: [ofPhase] })) >= planned) return 'yes';
  return (await deps.store.count({ collection, where: [ofPhase, { field: 'state', op: 'in', value: inFlightStates }] })) === 0 ? 'perhaps' : 'no';
};

/** Whether everything of the phase that has not ended is kept from starting by what has failed, so that nothing of it will move. */
const isStuck = async (deps: ValidatorDeps, backfillId: string, plan: LoadedPlan, processors: readonly Processor[]): Promise<boolean> => {
  const { grid } = await openView(deps.store, backfillId, plan);
  const stuck = findStuck(plan.pipeline, plan.calendar, grid);
  return processors.every(({ id }) =>
    (grid.get(id) ?? []).every(
      (status, index) =>
        status === undefined || status.status === 'good' || status.status === 'bad' || status.status === 'awaited' || stuck.get(id)?.has(index) === true,
    ),
  );
};

const readPhase = async (deps: ValidatorDeps, backfillId: string, phase: number): Promise<readonly TaskDocument[]> => {
  const documents = await deps.store.query({ collection: taskCollection(backfillId), where: [{ field: 'phase', op: '==', value: phase }] });
  return documents.map((document) => parseDocument(taskSchema, document));
};

const earlierOpen = async (deps: ValidatorDeps, backfill: BackfillDocument, phase: number): Promise<boolean> => {
  for (const earlier of backfill.phases) {
    if (earlier >= phase) break;
    if ((await readGate(deps, backfill.backfillId, earlier))?.state !== 'open') return false;
  }
  return true;
};

/** Whether another backfill that is at work still owes this phase a partition. Its planner rings when it has come. */
const awaitsOthers = async (deps: ValidatorDeps, plan: LoadedPlan, processors: readonly Processor[], signal: AbortSignal): Promise<boolean> => {
  const positions = new Map<string, number[]>();
  const active = new Map<string, boolean>();
  for (const { id } of processors) {
    for (const [index, { kind, reason }] of plan.entries.get(id) ?? []) {
      if (kind !== 'await') continue;
      if (!active.has(reason)) active.set(reason, (await readBackfill(deps.store, reason))?.state === 'active');
      if (active.get(reason) === true) positions.set(id, [...(positions.get(id) ?? []), index]);
    }
  }
  if (positions.size === 0) return false;
  const { stale, missing } = await judgeFreshness(deps, plan, positions, signal);
  return stale.size + missing.size > 0;
};

const outcomeOf = (check: string, processorId: string, severity: 'block' | 'warn', dates: readonly PartitionDate[], message: string): CheckOutcome => ({
  check,
  processorId,
  severity,
  outcome: dates.length === 0 ? 'passed' : 'failed',
  message: dates.length === 0 ? '' : message,
  dates: dates.slice(0, shownDates),
  examples: [],
});

type Unfinished = { readonly date: PartitionDate; readonly state: string };

/** Planned dates of a processor that did not succeed, those that could not start (since what they read failed) among them. */
const unfinishedOf = (plan: LoadedPlan, { id }: Processor, tasks: readonly TaskDocument[]): readonly Unfinished[] => {
  const states = new Map(tasks.filter(({ processorId }) => processorId === id).map(({ date, state }) => [date, state]));
  return [...(plan.entries.get(id)?.values() ?? [])].flatMap(({ kind, date }) => {
    const state = states.get(date);
    if (kind !== 'task' || (state !== undefined && isGood(state))) return [];
    return [{ date, state: state === undefined || state === 'waiting' ? 'could not start' : state }];
  });
};

/** Every planned partition is good. */
const accountFor = (unfinished: ReadonlyMap<string, readonly Unfinished[]>, planned: Readonly<Record<string, number>>): readonly CheckOutcome[] =>
  [...unfinished].map(([id, bad]) => {
    const words = [...Map.groupBy(bad, ({ state }) => state)].map(([state, group]) => `${group.length} ${state}`).join(', ');
    const dates = bad.map(({ date }) => date);
    return outcomeOf('accounted', id, 'block', dates, `${bad.length} of ${planned[id] ?? 0} planned dates did not succeed: ${words}`);
  });

/** Positions that this gate answers for: planned tasks, what was fresh already, what another backfill was to bring. */
const scopeOf = (plan: LoadedPlan, processor: Processor): readonly number[] =>
  [...(plan.entries.get(processor.id) ?? [])]
    .filter(([, { kind, reason }]) => kind === 'task' || kind === 'await' || reason === 'already_fresh')
    .map(([index]) => index);

const datesOf = (plan: LoadedPlan, indexes: readonly number[]): readonly PartitionDate[] =>
  indexes.map((index) => plan.calendar.dates[index]?.date as PartitionDate);

const freshness = async (
  deps: ValidatorDeps,
  plan: LoadedPlan,
  processors: readonly Processor[],
  unfinished: ReadonlyMap<string, readonly Unfinished[]>,
  signal: AbortSignal,
): Promise<readonly CheckOutcome[]> => {
  const positions = new Map(
    processors.map((processor) => {
      const bad = new Set<string | undefined>(unfinished.get(processor.id)?.map(({ date }) => date));
      return [processor.id, scopeOf(plan, processor).filter((index) => !bad.has(plan.calendar.dates[index]?.date))];
    }),
  );
  try {
    const { stale, recoded, missing } = await judgeFreshness(deps, plan, positions, signal);
    return processors.flatMap(({ id }) => [
      outcomeOf(
        'fresh',
        id,
        'block',
        datesOf(plan, stale.get(id) ?? []),
        `${stale.get(id)?.length ?? 0} dates were computed from inputs that have changed since`,
      ),
      outcomeOf(
        'version',
        id,
        'warn',
        datesOf(plan, recoded.get(id) ?? []),
        `${recoded.get(id)?.length ?? 0} dates hold the rows of another version of this processor`,
      ),
      ...leftStale(plan, id),
      outcomeOf('committed', id, 'block', datesOf(plan, missing.get(id) ?? []), `${missing.get(id)?.length ?? 0} dates are not in the ledger`),
    ]);
  } catch (error) {
    if (signal.aborted) throw error;
    return processors.map(({ id }) => couldNotTell('fresh', id, error));
  }
};

/** No backfill repairs it: a date outside the calendar is in no plan. A person says whether the calendar is right. */
const offCalendar = async (deps: ValidatorDeps, plan: LoadedPlan, processor: Processor, signal: AbortSignal): Promise<CheckOutcome> => {
  try {
    const dates = await findOffCalendar(deps, plan, processor, signal);
    const listed = dates.slice(0, 5).join(', ') + (dates.length > 5 ? ` and ${dates.length - 5} more` : '');
    const [hold, are] = dates.length === 1 ? ['1 date holds', 'is'] : [`${dates.length} dates hold`, 'are'];
    const message = `${hold} rows and ${are} not in the calendar any more, and windows still read them: ${listed}`;
    return outcomeOf('off_calendar', processor.id, 'block', dates, message);
  } catch (error) {
    if (signal.aborted) throw error;
    return couldNotTell('off_calendar', processor.id, error);
  }
};

/** What is stale by the request's own choice doesn't shut its gate, but it is said. */
const leftStale = (plan: LoadedPlan, id: string): readonly CheckOutcome[] => {
  const dates = [...(plan.entries.get(id)?.values() ?? [])].filter(({ reason }) => reason === 'stale_not_requested').map(({ date }) => date);
  return dates.length === 0
    ? []
    : [outcomeOf('left_stale', id, 'warn', dates, `${dates.length} dates are stale and were not asked for; --reprocess stale computes them`)];
};

const couldNotTell = (check: string, processorId: string, error: unknown): CheckOutcome => {
  const { message, hint } = toFailure(error);
  return {
    check,
    processorId,
    severity: 'block',
    outcome: 'could_not_tell',
    message: hint === undefined ? message : `${message} (${hint})`,
    dates: [],
    examples: [],
  };
};

/** All checks of a processor over its committed rows, in one go over the whole scope. */
const checkRows = async (
  deps: ValidatorDeps,
  backfillId: string,
  plan: LoadedPlan,
  processor: Processor,
  signal: AbortSignal,
): Promise<readonly CheckOutcome[]> => {
  const dates = datesOf(plan, scopeOf(plan, processor));
  if (dates.length === 0) return [];
  const years = await readLedgerYears(deps.store, [...new Set(dates.map((date) => ledgerPathOf(plan.pipeline.id, processor.id, date)))]);
  const entryOf = (date: PartitionDate) => years.get(ledgerPathOf(plan.pipeline.id, processor.id, date))?.entries[date];
  const checks = gateChecksOf(plan, processor, dates, entryOf);
  const { quorum } = gateOf(plan, processor);
  try {
    const target = specOf(processor);
    const labels = { backfill: backfillId, processor: processor.id };
    await deps.warehouse.prepareTable(target, signal);
    const { findings, expected } = await deps.warehouse.runChecks(
      { target, subject: 'committed', dates, checks: checks.map(({ keyed }) => keyed), sources: plan.pipeline.sources, labels },
      signal,
    );
    return checks.map((check) =>
      judge(
        check,
        processor,
        findings.filter(({ checkId, date }) => checkId === check.keyed.id && !isAccepted(check, entryOf(date))),
        expected.get(check.keyed.id) ?? 0,
        quorum,
      ),
    );
  } catch (error) {
    if (signal.aborted) throw error;
    return [couldNotTell('rows', processor.id, error)];
  }
};

const judge = (check: NamedCheck, processor: Processor, findings: readonly Finding[], expected: number, quorum: number): CheckOutcome => {
  const dates = findings.map(({ date }) => date).sort();
  const offending = findings.reduce((sum, finding) => sum + finding.offending, 0);
  const covered = isWithinQuorum(offending, expected, quorum);
  const first = findings[0];
  const message =
    first === undefined ? '' : `${dates.length} dates, first ${first.date}: ${first.message}${covered ? ` (within the quorum of ${quorum})` : ''}`;
  return { ...outcomeOf(check.name, processor.id, covered ? 'warn' : check.severity, dates, message), examples: [...(first?.examples ?? [])].slice(0, 3) };
};

const decide = async (
  deps: ValidatorDeps,
  input: {
    readonly backfill: BackfillDocument;
    readonly phase: number;
    readonly plan: LoadedPlan;
    readonly before: GateDocument | undefined;
    readonly checks: readonly CheckOutcome[];
    readonly tasks: readonly TaskDocument[];
  },
): Promise<GateOutcome> => {
  const { backfill, phase, plan, before, checks, tasks } = input;
  const { backfillId } = backfill;
  const failed = checks.filter(({ outcome, severity }) => outcome === 'could_not_tell' || (outcome === 'failed' && severity === 'block'));
  const hold = plan.pipeline.phases.find(({ number }) => number === phase)?.gate.hold ?? false;
  const approvedBy = before?.approvedBy ?? '';
  const state: GateState = failed.length > 0 ? 'blocked' : hold && approvedBy === '' ? 'held' : 'open';
  const failing = failed.map(({ processorId, dates }) => ({ processorId, dates }));
  const gate: GateDocument = {
    backfillId,
    phase,
    state,
    evaluation: (before?.evaluation ?? 0) + 1,
    checks: [...checks],
    basis: tasks.reduce((sum, { revision }) => sum + revision, 0),
    summary:
      state === 'open'
        ? ''
        : state === 'held'
          ? 'all checks passed; the pipeline asks for a person’s approval'
          : failed.map(({ processorId, check, message }) => `${processorId} ${check}: ${message}`).join('; '),
    repair: state === 'blocked' ? repairCommand(backfill, failed) : '',
    approvedBy,
    evaluatedAt: deps.clock.now(),
  };
  return transact(deps, async (transaction, send): Promise<GateOutcome> => {
    const [document, current] = await transaction.getMany([gatePath(backfillId, phase), backfillPath(backfillId)]);
    // A gate that opens stays open: no task of its phase may have gone back to work while it was judged.
    const ofPhase = { field: 'phase', op: '==' as const, value: phase };
    const moving =
      state === 'blocked'
        ? []
        : await transaction.query({ collection: taskCollection(backfillId), where: [ofPhase, { field: 'state', op: 'in', value: openStates }], limit: 1 });
    if (moving.length > 0) return { outcome: 'overtaken' };
    const stored = document === undefined ? undefined : parseDocument(gateSchema, document);
    if (current === undefined) return { outcome: 'unknown_backfill' };
    if ((stored?.evaluation ?? 0) !== (before?.evaluation ?? 0) || (stored?.approvedBy ?? '') !== approvedBy) return { outcome: 'overtaken' };
    transaction.set(gatePath(backfillId, phase), gate);
    const about = { subject: `${backfillId}/${phase}`, traceparent: backfill.traceparent };
    if (state === 'open') send('floodgate.phase.completed', { backfillId, phase }, about);
    else if (state === 'held') send('floodgate.phase.held', { backfillId, phase }, about);
    else send('floodgate.phase.blocked', { backfillId, phase, failing, repair: gate.repair }, about);
    // With gate mode `phase`, the next phase may be drained already (nothing to do in it): its turn comes now.
    const next = backfill.phases.find((later) => later > phase);
    if (state === 'open' && next !== undefined) send('floodgate.tasks.ended', { backfillId, phases: [next] }, about);
    return { outcome: 'decided', state };
  });
};
