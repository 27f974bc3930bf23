// What a commit lane commits next: which staged tasks go together, and whether more are coming.
import { controlPath, controlSchema, parseDocument, taskSchema, type TaskDocument } from '../contracts/documents.ts';
import type { PartitionDate } from '../domain/partition-date.ts';
import type { StatusStore, StoredDocument } from '../ports/status-store.ts';

type BatchDeps = { readonly store: StatusStore; readonly maxDates: number };

const maxStagedRead = 450;

type Staged = {
  readonly free: readonly TaskDocument[];
  /** Where the limit may have cut a group: everything staged at this instant. */ readonly cutAt: number | undefined;
};

/** Staged tasks of backfills that may commit. */
const freeStaged = async (deps: BatchDeps, documents: readonly StoredDocument[]): Promise<Staged> => {
  const staged = documents.map((document) => parseDocument(taskSchema, document));
  const backfills = [...new Set(staged.map(({ backfillId }) => backfillId))];
  const controls = await deps.store.getMany(backfills.map(controlPath));
  const stopped = new Set(
    backfills.filter((_, index) => {
      const control = controls[index] === undefined ? undefined : parseDocument(controlSchema, controls[index]);
      return control === undefined || control.paused || control.cancelled;
    }),
  );
  return { free: staged.filter(({ backfillId }) => !stopped.has(backfillId)), cutAt: documents.length === maxStagedRead ? staged.at(-1)?.stagedAt : undefined };
};

/** The staged tasks to commit next: whole stagings, oldest first, of one pipeline version, of backfills that may commit. */
export const chooseBatch = async (deps: BatchDeps, table: string, alone: boolean): Promise<readonly TaskDocument[]> => {
  const where = [
    { field: 'table', op: '==' as const, value: table },
    { field: 'state', op: '==' as const, value: 'staged' },
  ];
  const oldestFirst = { group: 'tasks', where, orderBy: { field: 'stagedAt', direction: 'asc' as const } };
  const some = await freeStaged(deps, await deps.store.query({ ...oldestFirst, limit: maxStagedRead }));
  // Everything that was read may belong to paused backfills: they must not keep the others from committing.
  const { free, cutAt } = some.free.length === 0 && some.cutAt !== undefined ? await freeStaged(deps, await deps.store.query(oldestFirst)) : some;
  const groups = new Map<string, TaskDocument[]>();
  for (const task of free) {
    const name = task.staged?.staging ?? '';
    groups.set(name, [...(groups.get(name) ?? []), task]);
  }
  // The limit may have cut off groups that were staged at the last instant read, whatever their order; they are left for the
  // next batch unless there is nothing else.
  const uncut = [...groups.values()].filter((group) => group[0]?.stagedAt !== cutAt);
  const whole = uncut.length > 0 ? uncut : [...groups.values()];
  const batch: TaskDocument[] = [];
  const taken = new Set<PartitionDate>();
  for (const group of whole) {
    const fits = batch.length === 0 || (!alone && batch.length + group.length <= deps.maxDates);
    // Two executions of one date (of two backfills) commit one after the other; so do two pipeline versions.
    if (!fits || group.some(({ date }) => taken.has(date)) || group[0]?.pipelineHash !== (batch[0] ?? group[0])?.pipelineHash) break;
    for (const task of group) taken.add(task.date);
    batch.push(...group);
  }
  return batch;
};

/** Tasks of the table that are with the workers and may be staged soon. */
export const countComing = (deps: BatchDeps, table: string): Promise<number> =>
  deps.store.count({
    group: 'tasks',
    where: [
      { field: 'table', op: '==', value: table },
      { field: 'state', op: 'in', value: ['queued', 'running'] },
    ],
  });
