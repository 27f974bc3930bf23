// The status documents as a test asks for them: by the words of the design, parsed by the schemas of the contracts.
import {
  auditRecordSchema,
  backfillPath,
  backfillSchema,
  deadLetterSchema,
  decisionSchema,
  dispatchSchema,
  gatePath,
  gateSchema,
  lanePath,
  laneSchema,
  ledgerYearSchema,
  parseDocument,
  pipelineStatePath,
  pipelineStateSchema,
  progressPath,
  progressSchema,
  requestPath,
  taskCollection,
  taskPath,
  taskSchema,
  type AuditRecord,
  type BackfillDocument,
  type DeadLetterDocument,
  type DecisionDocument,
  type DispatchDocument,
  type GateDocument,
  type LaneDocument,
  type PipelineStateDocument,
  type ProgressDocument,
  type TaskDocument,
} from '@floodgate/core/contracts/documents.ts';
import { ledgerPathOf, type LedgerEntry } from '@floodgate/core/domain/ledger.ts';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { StatusStore, StoredDocument } from '@floodgate/core/ports/status-store.ts';

const needed = (document: StoredDocument | undefined, path: string): StoredDocument => {
  if (document === undefined) throw new Error(`there is no document ${path}`);
  return document;
};

export type WorldDocuments = ReturnType<typeof createWorldDocuments>;

export const createWorldDocuments = (store: StatusStore) => {
  const need = async (path: string): Promise<StoredDocument> => needed(await store.get(path), path);
  const maybe = async <T>(path: string, parse: (document: StoredDocument) => T): Promise<T | undefined> => {
    const document = await store.get(path);
    return document === undefined ? undefined : parse(document);
  };
  const tasks = async (backfillId: string): Promise<readonly TaskDocument[]> =>
    (await store.query({ collection: taskCollection(backfillId) })).map((document) => parseDocument(taskSchema, document));
  return {
    backfill: async (backfillId: string): Promise<BackfillDocument> => parseDocument(backfillSchema, await need(backfillPath(backfillId))),
    task: async (backfillId: string, processorId: string, date: PartitionDate): Promise<TaskDocument> =>
      parseDocument(taskSchema, await need(taskPath(backfillId, processorId, date))),
    tasks,
    /** `processor date` of all tasks in each state. */
    states: async (backfillId: string): Promise<Readonly<Record<string, readonly string[]>>> => {
      const found: Record<string, string[]> = {};
      for (const { state, processorId, date } of await tasks(backfillId)) (found[state] ??= []).push(`${processorId} ${date}`);
      for (const names of Object.values(found)) names.sort();
      return found;
    },
    gateOf: (backfillId: string, phase: number): Promise<GateDocument | undefined> =>
      maybe(gatePath(backfillId, phase), (document) => parseDocument(gateSchema, document)),
    laneOf: (table: string): Promise<LaneDocument | undefined> => maybe(lanePath(table), (document) => parseDocument(laneSchema, document)),
    progressOf: (backfillId: string, processorId: string): Promise<ProgressDocument | undefined> =>
      maybe(progressPath(backfillId, processorId), (document) => parseDocument(progressSchema, document)),
    decisionOf: (key: string): Promise<DecisionDocument | undefined> => maybe(requestPath(key), (document) => parseDocument(decisionSchema, document)),
    pipelineState: (): Promise<PipelineStateDocument | undefined> =>
      maybe(pipelineStatePath('test'), (document) => parseDocument(pipelineStateSchema, document)),
    ledgerEntry: async (processorId: string, date: PartitionDate): Promise<LedgerEntry | undefined> =>
      (await maybe(ledgerPathOf('test', processorId, date), (document) => parseDocument(ledgerYearSchema, document).entries))?.[date],
    deadLetters: async (): Promise<readonly DeadLetterDocument[]> =>
      (await store.query({ collection: 'deadLetters' })).map((document) => parseDocument(deadLetterSchema, document)),
    leases: async (): Promise<readonly DispatchDocument[]> =>
      (await store.query({ collection: 'leases' })).map((document) => parseDocument(dispatchSchema, document)),
    auditLog: async (): Promise<readonly AuditRecord[]> =>
      (await store.query({ collection: 'audit' })).map((document) => parseDocument(auditRecordSchema, document)).sort((a, b) => a.at - b.at),
    outboxSize: (): Promise<number> => store.count({ collection: 'outbox' }),
  };
};
