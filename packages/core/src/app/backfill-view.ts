// One scheduler's picture of a backfill: its plan, and the state of every partition as the task documents say. After the
// first reading only what is in flight is read again: tasks that left that set are fetched one by one, so a pass costs
// what moves, not what the backfill holds. Only the scheduler creates and releases tasks, so nothing can move unseen but a
// quarantined task: a person accepts it, and a lane may have committed it before the next pass. Those are fetched as well.
import { parseDocument, taskCollection, taskPath, taskSchema, type TaskDocument } from '../contracts/documents.ts';
import { toFailure } from '../domain/failure.ts';
import { freshnessOf } from '../domain/ledger.ts';
import type { PartitionDate } from '../domain/partition-date.ts';
import { processorById, type Processor } from '../domain/pipeline.ts';
import { statusOfEntry, statusOfTask, type PartitionStatus } from '../domain/schedule.ts';
import { isInFlight, isTerminal, openStates } from '../domain/task-state.ts';
import type { StatusStore } from '../ports/status-store.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import { ledgerPathsFor, readLedgerYears, readSourceDigests, viewOf } from './ledger-reader.ts';
import type { LoadedPlan } from './plan-store.ts';

export type BackfillView = {
  readonly plan: LoadedPlan;
  readonly grid: Map<string, (PartitionStatus | undefined)[]>;
  /** By processor, then calendar position. */
  readonly tasks: Map<string, Map<number, TaskDocument>>;
  /** Open tasks as of the last refresh, by path. */
  readonly open: Map<string, TaskDocument>;
  /** Paths of tasks that were quarantined then. */
  readonly quarantined: Set<string>;
};

const putTask = (view: BackfillView, task: TaskDocument): void => {
  const index = view.plan.calendar.indexOf.get(task.date);
  const row = view.grid.get(task.processorId);
  if (index === undefined || row === undefined) return;
  const known = view.tasks.get(task.processorId)?.get(index);
  if (known !== undefined && known.revision > task.revision) return;
  view.tasks.get(task.processorId)?.set(index, task);
  row[index] = statusOfTask(task);
};

/** Notes tasks that this scheduler wrote itself, so that the next refresh has less to fetch. */
export const noteTasks = (view: BackfillView, tasks: readonly TaskDocument[]): void => {
  for (const task of tasks) {
    putTask(view, task);
    const path = taskPath(task.backfillId, task.processorId, task.date);
    if (isTerminal(task.state)) view.open.delete(path);
    else view.open.set(path, task);
    if (task.state === 'quarantined') view.quarantined.add(path);
    else view.quarantined.delete(path);
  }
};

export const openView = async (store: StatusStore, backfillId: string, plan: LoadedPlan): Promise<BackfillView> => {
  const view: BackfillView = { plan, grid: new Map(), tasks: new Map(), open: new Map(), quarantined: new Set() };
  for (const [processorId, entries] of plan.entries) {
    const row: (PartitionStatus | undefined)[] = [];
    for (const [index, entry] of entries) row[index] = statusOfEntry(entry, false);
    view.grid.set(processorId, row);
    view.tasks.set(processorId, new Map());
  }
  const documents = await store.query({ collection: taskCollection(backfillId) });
  noteTasks(
    view,
    documents.map((document) => parseDocument(taskSchema, document)),
  );
  return view;
};

/** Reads what is open, and what was open (or quarantined) before and no longer is. Returns the tasks that changed. */
export const refreshView = async (store: StatusStore, backfillId: string, view: BackfillView): Promise<readonly TaskDocument[]> => {
  const documents = await store.query({ collection: taskCollection(backfillId), where: [{ field: 'state', op: 'in', value: openStates }] });
  const seen = new Set(documents.map(({ path }) => path));
  const gone = [...view.open.keys(), ...view.quarantined].filter((path) => !seen.has(path));
  const ended = (await store.getMany(gone)).flatMap((document) => (document === undefined ? [] : [document]));
  const changed: TaskDocument[] = [];
  for (const document of [...documents, ...ended]) {
    const task = parseDocument(taskSchema, document);
    const index = view.plan.calendar.indexOf.get(task.date);
    const known = index === undefined ? undefined : view.tasks.get(task.processorId)?.get(index);
    if (known === undefined || known.revision < task.revision) changed.push(task);
  }
  noteTasks(view, changed);
  return changed;
};

export const countInFlight = (view: BackfillView): number => [...view.open.values()].filter(({ state }) => isInFlight(state)).length;

/** Dispatches that wait for a worker or are with one. */
export const countDispatches = (view: BackfillView): number =>
  new Set([...view.open.values()].filter(({ state }) => state === 'queued' || state === 'running').map(({ dispatchId }) => dispatchId)).size;

/** Processors of the plan, as the pipeline version that it pins has them. */
export const plannedProcessors = (plan: LoadedPlan): readonly Processor[] =>
  [...plan.entries.keys()].map((id) => {
    const processor = processorById(plan.pipeline, id);
    if (processor === undefined) throw new RangeError(`plan names processor ${id}, which its pipeline doesn't have`);
    return processor;
  });

const calendarEnds = (plan: LoadedPlan): { readonly first: number; readonly last: number } => {
  let [first, last] = [plan.calendar.dates.length - 1, 0];
  for (const row of plan.entries.values()) {
    for (const index of row.keys()) [first, last] = [Math.min(first, index), Math.max(last, index)];
  }
  return { first: Math.min(first, last), last };
};

export type Freshnesses = {
  /** Positions by processor whose inputs have changed since they were computed. */
  readonly stale: ReadonlyMap<string, readonly number[]>;
  /** Committed by another version of the processor: the plan's version may not put its own rows in their place. */
  readonly recoded: ReadonlyMap<string, readonly number[]>;
  readonly missing: ReadonlyMap<string, readonly number[]>;
};

/** Freshness of these positions of the plan as the ledger and the sources stand now. */
export const judgeFreshness = async (
  deps: { readonly store: StatusStore; readonly warehouse: Warehouse },
  plan: LoadedPlan,
  positions: ReadonlyMap<string, readonly number[]>,
  signal: AbortSignal,
): Promise<Freshnesses> => {
  const { pipeline, calendar } = plan;
  const processors = plannedProcessors(plan).filter(({ id }) => (positions.get(id)?.length ?? 0) > 0);
  const ends = calendarEnds(plan);
  const sources = await readSourceDigests(deps.warehouse, pipeline, processors, calendar, ends, signal);
  const view = viewOf(pipeline.id, await readLedgerYears(deps.store, ledgerPathsFor(pipeline, processors, calendar, ends)), sources);
  const found = { stale: new Map<string, number[]>(), recoded: new Map<string, number[]>(), missing: new Map<string, number[]>() };
  for (const processor of processors) {
    for (const index of positions.get(processor.id) ?? []) {
      const freshness = freshnessOf(pipeline, processor, calendar, index, view);
      if (freshness === 'fresh') continue;
      const into = freshness === 'missing' ? found.missing : freshness === 'stale_code' ? found.recoded : found.stale;
      into.set(processor.id, [...(into.get(processor.id) ?? []), index]);
    }
  }
  return found;
};

/**
 * Freshness for a decision that must not hang on a source that can't be read: undefined there. A gate that can't judge
 * freshness blocks and says why, so the backfill can end; thrown, it would go round for ever with nobody told.
 */
export const judgeReadable = async (...[deps, plan, positions, signal]: Parameters<typeof judgeFreshness>): Promise<Freshnesses | undefined> => {
  try {
    return await judgeFreshness(deps, plan, positions, signal);
  } catch (error) {
    if (signal.aborted || toFailure(error).class !== 'permanent') throw error;
    return undefined;
  }
};

/**
 * Lets entries go that waited for another backfill, where the ledger now has them fresh, or had when their gate opened: an
 * open gate is final. Returns the backfills still waited for.
 */
export const settleAwaited = async (
  deps: { readonly store: StatusStore; readonly warehouse: Warehouse },
  view: BackfillView,
  isOpen: (phase: number) => boolean,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> => {
  const positions = new Map<string, number[]>();
  const by = new Set<string>();
  for (const [processorId, row] of view.plan.entries) {
    const statuses = view.grid.get(processorId);
    const isFinal = isOpen(processorById(view.plan.pipeline, processorId)?.phase ?? 0);
    for (const [index, entry] of row) {
      if (entry.kind !== 'await' || statuses?.[index]?.status !== 'awaited') continue;
      if (isFinal) {
        statuses[index] = statusOfEntry(entry, true);
        continue;
      }
      positions.set(processorId, [...(positions.get(processorId) ?? []), index]);
    }
  }
  if (positions.size === 0) return by;
  const judged = await judgeReadable(deps, view.plan, positions, signal);
  for (const [processorId, indexes] of positions) {
    for (const index of indexes) {
      const entry = view.plan.entries.get(processorId)?.get(index);
      if (entry === undefined) continue;
      const good =
        judged !== undefined && !(judged.stale.get(processorId)?.includes(index) ?? false) && !(judged.missing.get(processorId)?.includes(index) ?? false);
      const row = view.grid.get(processorId);
      if (row !== undefined) row[index] = statusOfEntry(entry, good);
      if (!good) by.add(entry.reason);
    }
  }
  return by;
};

export const dateAt = (plan: LoadedPlan, index: number): PartitionDate => {
  const entry = plan.calendar.dates[index];
  if (entry === undefined) throw new RangeError(`no calendar date at ${index}`);
  return entry.date;
};

/** Sum of the revisions of a phase's tasks: changes with every write of any of them. */
export const basisOf = (view: BackfillView, phase: number): number => {
  let sum = 0;
  for (const row of view.tasks.values()) for (const task of row.values()) if (task.phase === phase) sum += task.revision;
  return sum;
};
