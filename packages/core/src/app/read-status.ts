// What people ask of a backfill. Progress is packed per processor; counts that decide something (exit codes, JSON) are
// read from the task documents instead.
import {
  backfillPath,
  backfillSchema,
  controlPath,
  controlSchema,
  gatePath,
  gateSchema,
  parseDocument,
  progressPath,
  progressSchema,
  taskCollection,
  taskSchema,
  type BackfillDocument,
  type ControlDocument,
  type GateDocument,
  type GateState,
  type TaskDocument,
} from '../contracts/documents.ts';
import type { PartitionDate } from '../domain/partition-date.ts';
import { countStates, packStates, unpackStates, type ProgressCounts, type ProgressState } from '../domain/progress.ts';
import type { StoreReader } from '../ports/status-store.ts';

export type ProcessorStatus = {
  readonly processorId: string;
  readonly phase: number;
  /** Planned dates, ascending, with the state of each. */
  readonly dates: readonly PartitionDate[];
  readonly states: readonly ProgressState[];
};

export type BackfillStatus = {
  readonly backfill: BackfillDocument;
  readonly control: ControlDocument;
  readonly gates: readonly { readonly phase: number; readonly state: GateState; readonly gate: GateDocument | undefined }[];
  readonly processors: readonly ProcessorStatus[];
  readonly counts: ProgressCounts;
};

/** Newest first. */
export const listBackfills = async (store: StoreReader): Promise<readonly BackfillDocument[]> => {
  const documents = await store.query({ collection: 'backfills' });
  return documents
    .map((document) => parseDocument(backfillSchema, document))
    .sort((a, b) => b.createdAt - a.createdAt || (a.backfillId < b.backfillId ? -1 : 1));
};

const readGates = async (store: StoreReader, backfill: BackfillDocument): Promise<BackfillStatus['gates']> => {
  const documents = await store.getMany(backfill.phases.map((phase) => gatePath(backfill.backfillId, phase)));
  return backfill.phases.map((phase, index) => {
    const gate = documents[index] === undefined ? undefined : parseDocument(gateSchema, documents[index]);
    return { phase, state: gate?.state ?? 'waiting', gate };
  });
};

/** Status from the packed progress: cheap, and at most a second behind. Undefined where there is no such backfill. */
export const readBackfillStatus = async (store: StoreReader, backfillId: string): Promise<BackfillStatus | undefined> => {
  const [document, controlDocument] = await store.getMany([backfillPath(backfillId), controlPath(backfillId)]);
  if (document === undefined) return undefined;
  const backfill = parseDocument(backfillSchema, document);
  // It goes first when a backfill expires.
  const control =
    controlDocument === undefined ? { paused: false, cancelled: backfill.state === 'cancelled', by: '', at: 0 } : parseDocument(controlSchema, controlDocument);
  const ids = Object.keys(backfill.tasks);
  const stored = await store.getMany(ids.map((id) => progressPath(backfillId, id)));
  const processors = stored.flatMap((progress): ProcessorStatus[] => {
    if (progress === undefined) return [];
    const { processorId, phase, dates, states } = parseDocument(progressSchema, progress);
    return [{ processorId, phase, dates, states: unpackStates(states) }];
  });
  const counted = countStates(processors.map(({ states }) => packStates(states)));
  const unseen = Object.entries(backfill.tasks).reduce((sum, [id, tasks]) => sum + (processors.some(({ processorId }) => processorId === id) ? 0 : tasks), 0);
  return { backfill, control, gates: await readGates(store, backfill), processors, counts: { ...counted, unreleased: counted.unreleased + unseen } };
};

export type BackfillResult = {
  readonly backfill: BackfillDocument;
  readonly gates: BackfillStatus['gates'];
  /** Exact, from the task documents. */
  readonly counts: ProgressCounts;
  readonly tasks: readonly TaskDocument[];
};

/** The exact result of a backfill, from every task document. */
export const readBackfillResult = async (store: StoreReader, backfillId: string): Promise<BackfillResult | undefined> => {
  const document = await store.get(backfillPath(backfillId));
  if (document === undefined) return undefined;
  const backfill = parseDocument(backfillSchema, document);
  const tasks = (await store.query({ collection: taskCollection(backfillId) })).map((stored) => parseDocument(taskSchema, stored));
  const planned = Object.values(backfill.tasks).reduce((sum, count) => sum + count, 0);
  const counts = countStates([packStates(tasks.map(({ state }) => state))]);
  return { backfill, gates: await readGates(store, backfill), counts: { ...counts, unreleased: planned - tasks.length }, tasks };
};
