// Every write of a task's state goes through the transition table, and every write counts its revision.
import {
  deadLetterPath,
  deadLetterSchema,
  parseDocument,
  taskDeadLetterId,
  taskPath,
  type DeadLetterDocument,
  type TaskDocument,
} from '../contracts/documents.ts';
import { digestText } from '../domain/digest.ts';
import type { Failure } from '../domain/failure.ts';
import { applyTransition, type TransitionName } from '../domain/task-state.ts';
import type { StoreTransaction } from '../ports/status-store.ts';

/** The task after a transition. Throws RangeError where it doesn't start from the task's state. */
export const moveTask = (task: TaskDocument, name: TransitionName, fields: Partial<TaskDocument> = {}): TaskDocument => ({
  ...task,
  ...fields,
  state: applyTransition(task.state, name),
  revision: task.revision + 1,
});

export const pathOfTask = (task: TaskDocument): string => taskPath(task.backfillId, task.processorId, task.date);

export const saveTask = (transaction: StoreTransaction, task: TaskDocument): void => transaction.set(pathOfTask(task), task);

/** Failures of one cause fall into one group: what differs from date to date (numbers, quoted names) is left out. */
const causeGroupOf = (failure: Failure, processorId: string): string =>
  `${processorId}:${failure.code}:${digestText(failure.message.replace(/["'`][^"'`]*["'`]/g, '?').replace(/\d+/g, '#')).slice(0, 6)}`;

/** Records a task that will not be tried again, with its cause. Replaces an older entry of the same task. */
export const saveDeadLetter = (transaction: StoreTransaction, task: TaskDocument, failure: Failure, now: number): void => {
  const deadLetterId = taskDeadLetterId(task.backfillId, task.taskId);
  const entry: DeadLetterDocument = {
    deadLetterId,
    kind: 'task',
    state: 'open',
    pipelineId: task.pipelineId,
    backfillId: task.backfillId,
    processorId: task.processorId,
    date: task.date,
    failure,
    causeGroup: causeGroupOf(failure, task.processorId),
    attempts: task.attempt,
    message: null,
    openedAt: now,
    closedAt: null,
    traceparent: task.traceparent,
  };
  transaction.set(deadLetterPath(deadLetterId), entry);
};

export type DeadLetters = ReadonlyMap<string, DeadLetterDocument>;

/** The entries that stand for these tasks, by path: read before the writes of a transaction begin. */
export const readDeadLetters = async (transaction: StoreTransaction, tasks: readonly TaskDocument[]): Promise<DeadLetters> => {
  const paths = tasks.filter(({ deadLetter }) => deadLetter).map(({ backfillId, taskId }) => deadLetterPath(taskDeadLetterId(backfillId, taskId)));
  const documents = await transaction.getMany(paths);
  return new Map(documents.flatMap((document) => (document === undefined ? [] : [[document.path, parseDocument(deadLetterSchema, document)] as const])));
};

/** A dead letter is closed when its task has succeeded, not when it is replayed. */
export const closeDeadLetters = (transaction: StoreTransaction, letters: DeadLetters, succeeded: readonly TaskDocument[], now: number): void => {
  for (const { backfillId, taskId } of succeeded) {
    const path = deadLetterPath(taskDeadLetterId(backfillId, taskId));
    const letter = letters.get(path);
    if (letter !== undefined && letter.state !== 'closed') transaction.set(path, { ...letter, state: 'closed', closedAt: now });
  }
};
