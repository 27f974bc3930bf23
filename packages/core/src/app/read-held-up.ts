// What of a backfill waits because something is not as it should be: tried again after pauses, some of it without end, so that
// whoever looks must be told. Documents exist of those tasks only that were released once.
import { parseDocument, taskCollection, taskSchema, type TaskDocument } from '../contracts/documents.ts';
import type { StoreReader } from '../ports/status-store.ts';

/** `dates`: of those that were looked at. */
export type HeldUp = { readonly processorId: string; readonly failure: StoredFailure; readonly dates: number };

type StoredFailure = NonNullable<TaskDocument['failure']>;

/** A look at these is enough to see what it is about. */
const maxTasks = 200;

/** What heals by itself, in the usual course of things, is nobody's concern: another commit, a span that is halved, a worker that stops. */
const isOfInterest = ({ code, class: errorClass }: StoredFailure): boolean =>
  code === 'code_version_mismatch' || errorClass === 'transient' || errorClass === 'rate_limited' || errorClass === 'unknown';

/** Groups by processor and code, the largest first. */
export const readHeldUp = async (store: StoreReader, backfillId: string): Promise<readonly HeldUp[]> => {
  const documents = await store.query({ collection: taskCollection(backfillId), where: [{ field: 'state', op: '==', value: 'waiting' }], limit: maxTasks });
  const groups = new Map<string, HeldUp>();
  for (const document of documents) {
    const { processorId, failure } = parseDocument(taskSchema, document);
    if (failure === null || !isOfInterest(failure)) continue;
    const key = `${processorId}|${failure.code}`;
    groups.set(key, { processorId, failure, dates: (groups.get(key)?.dates ?? 0) + 1 });
  }
  return [...groups.values()].sort((a, b) => b.dates - a.dates);
};
