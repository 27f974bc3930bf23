// Writes the packed progress of processors, for people. Merged with what is stored, so that a planner that was replaced
// and writes late can't take progress back.
import { parseDocument, progressPath, progressSchema } from '../contracts/documents.ts';
import { mergeProgress, packStates, type ProgressState } from '../domain/progress.ts';
import type { StatusStore } from '../ports/status-store.ts';
import { plannedProcessors, type BackfillView } from './backfill-view.ts';

export const saveProgress = async (store: StatusStore, backfillId: string, view: BackfillView, processorIds: readonly string[], now: number): Promise<void> =>
  store.transaction(async (transaction) => {
    const documents = await transaction.getMany(processorIds.map((processorId) => progressPath(backfillId, processorId)));
    for (const [position, processorId] of processorIds.entries()) {
      const entries = [...(view.plan.entries.get(processorId) ?? [])].filter(([, { kind }]) => kind === 'task');
      const tasks = entries.map(([index]) => view.tasks.get(processorId)?.get(index));
      const seen = { states: packStates(tasks.map((task): ProgressState => task?.state ?? 'unreleased')), revisions: tasks.map((task) => task?.revision ?? 0) };
      const stored = documents[position] === undefined ? undefined : parseDocument(progressSchema, documents[position]);
      const merged = stored === undefined ? seen : mergeProgress(stored, seen);
      const phase = plannedProcessors(view.plan).find(({ id }) => id === processorId)?.phase ?? 0;
      transaction.set(progressPath(backfillId, processorId), { processorId, phase, dates: entries.map(([, { date }]) => date), ...merged, updatedAt: now });
    }
  });
