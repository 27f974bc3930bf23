// What commands do with the warehouse, on either backend. DuckDB admits one process, so there a command asks the one that
// runs on the home, or opens the warehouse itself: the same functions, here or there.
import { callAction } from '@floodgate/http/action-router.ts';
import type { HttpTarget } from '@floodgate/http/http-server.ts';
import { clearOffCalendar, type ClearReport } from '@floodgate/core/app/clear-off-calendar.ts';
import { decideQuarantine, type QuarantineOutcome } from '@floodgate/core/app/operate.ts';
import { dropOrphanStaging, rebuildLedger, type RebuildReport, type ReconcileReport } from '@floodgate/core/app/reconcile.ts';
import { parseDocument, taskPath, taskSchema } from '@floodgate/core/contracts/documents.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import { processorById } from '@floodgate/core/domain/pipeline.ts';
import type { EngineDeps, PipelineCatalog } from '@floodgate/core/app/deps.ts';
import type { PlanReader } from '@floodgate/core/app/plan-store.ts';
import { specOf } from '@floodgate/core/app/ledger-reader.ts';
import { validate, type ValidationInput } from '@floodgate/core/app/validate.ts';
import type { ValidationReport } from '@floodgate/core/app/validate-report.ts';
import type { ValidationProgress } from '@floodgate/core/app/validate-scope.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { systemIds } from '@floodgate/system/system-ids.ts';
import type { QueryResult } from '@floodgate/core/ports/warehouse.ts';

export type TableListing = {
  readonly table: string;
  readonly rows: number;
  readonly columns: readonly { readonly name: string; readonly type: string; readonly description: string }[];
};

export type PartitionInput = { readonly backfillId: string; readonly processorId: string; readonly date: PartitionDate };

export type ReconcileOutput = ReconcileReport & {
  readonly ledger: RebuildReport | null;
  readonly cleared: ClearReport | null;
  readonly stagingDropped: number;
};

type ValidationStep = Parameters<ValidationProgress>[0];

export type WarehouseActions = {
  readonly query: (
    input: { readonly sql: string; readonly dialect: 'googlesql' | 'native'; readonly maxRows: number; readonly pipelineId: string },
    signal: AbortSignal,
  ) => Promise<QueryResult>;
  readonly tables: (input: null, signal: AbortSignal) => Promise<readonly TableListing[]>;
  /** `path` is absolute. */
  readonly exportTable: (
    input: { readonly table: string; readonly format: 'parquet' | 'csv'; readonly path: string },
    signal: AbortSignal,
  ) => Promise<{ readonly rows: number }>;
  readonly stagedRows: (input: PartitionInput & { readonly maxRows: number }, signal: AbortSignal) => Promise<QueryResult>;
  readonly decideQuarantine: (
    input: PartitionInput & { readonly decision: 'accept' | 'reject'; readonly by: string; readonly reason: string },
    signal: AbortSignal,
  ) => Promise<QuarantineOutcome>;
  /** `progressId`: under which `validating` tells other processes what is looked at. */
  readonly validate: (
    input: ValidationInput & { readonly progressId?: string },
    signal: AbortSignal,
    progress?: ValidationProgress,
  ) => Promise<ValidationReport>;
  /** What a validation is looking at; null: nothing of it is known, or it is over. */
  readonly validating: (input: { readonly progressId: string }, signal: AbortSignal) => Promise<ValidationStep | null>;
  readonly reconcile: (
    input: { readonly rebuildLedger: boolean; readonly clearOffCalendar: boolean; readonly by: string; readonly pipelineId: string },
    signal: AbortSignal,
  ) => Promise<ReconcileOutput>;
};

/** What the actions are made of, on either backend. */
export type ActionDeps = {
  readonly engine: EngineDeps;
  readonly catalog: PipelineCatalog;
  readonly plans: PlanReader;
  readonly reconcileNow: () => Promise<ReconcileReport>;
  readonly tables: WarehouseActions['tables'];
  readonly exportTable: WarehouseActions['exportTable'];
};

export const needPipeline = async (catalog: PipelineCatalog, pipelineId: string) => {
  const loaded = await catalog.load(pipelineId);
  if (loaded === undefined) throw new FloodgateError('unknown_pipeline', `there is no pipeline ${pipelineId}; there are ${catalog.ids.join(', ')}`);
  return loaded.pipeline;
};

export const createLocalActions = ({ engine, catalog, plans, reconcileNow, tables, exportTable }: ActionDeps): WarehouseActions => {
  /** Of validations that others have asked for. */
  const steps = new Map<string, ValidationStep>();
  return {
    query: async ({ sql, dialect, maxRows, pipelineId }, signal) => {
      // A query over tables alone must work while somebody edits the pipeline.
      const sources = sql.includes('source.') ? (await needPipeline(catalog, pipelineId)).sources : [];
      return engine.warehouse.query(sql, { dialect, sources, maxRows }, signal);
    },
    tables,
    exportTable,
    stagedRows: async ({ backfillId, processorId, date, maxRows }, signal) => {
      const document = await engine.store.get(taskPath(backfillId, processorId, date));
      const task = document === undefined ? undefined : parseDocument(taskSchema, document);
      if (task?.staged == null) return { columns: [], rows: [] };
      const processor = processorById(await plans.pipeline(task.pipelineHash), processorId);
      if (processor === undefined) return { columns: [], rows: [] };
      return engine.warehouse.readStaging(specOf(processor), task.staged.staging, date, maxRows, signal);
    },
    decideQuarantine: (input, signal) => decideQuarantine(engine, input, signal),
    validate: async ({ progressId, ...input }, signal, progress = () => undefined) => {
      if (progressId === undefined) return validate({ ...engine, catalog }, input, signal, progress);
      try {
        return await validate({ ...engine, catalog }, input, signal, (step) => {
          steps.set(progressId, step);
          progress(step);
        });
      } finally {
        steps.delete(progressId);
      }
    },
    validating: async ({ progressId }) => steps.get(progressId) ?? null,
    reconcile: async (input, signal) => {
      const pipeline = await needPipeline(catalog, input.pipelineId);
      // The ledger first: what it says decides what the passes that are rung below will do.
      const ledger = input.rebuildLedger ? await rebuildLedger(engine, pipeline, signal) : null;
      const report = await reconcileNow();
      const cleared = input.clearOffCalendar ? await clearOffCalendar(engine, pipeline, input.by, signal) : null;
      return { ...report, ledger, cleared, stagingDropped: (await dropOrphanStaging(engine, pipeline, signal)).length };
    },
  };
};

const listenEveryMs = 400;

/** Asks now and then what is looked at, until it is over; not being able to tell is no error. */
const listen = async (ask: () => Promise<ValidationStep | null>, progress: ValidationProgress, over: AbortSignal): Promise<void> => {
  try {
    for (;;) {
      await systemClock.sleep(listenEveryMs, over);
      const step = await ask();
      if (step !== null) progress(step);
    }
  } catch {
    // Over, or the other process can't be asked: the answer itself says what there is to say.
  }
};

/** Both processes are of one build, which the control server's greeting checks, so answers are not parsed again. */
export const createRemoteActions = (target: HttpTarget): WarehouseActions => {
  const remote = <Name extends keyof WarehouseActions>(name: Name): WarehouseActions[Name] =>
    ((input: unknown, signal: AbortSignal) => callAction(target, name, input, signal)) as WarehouseActions[Name];
  return {
    query: remote('query'),
    tables: remote('tables'),
    exportTable: remote('exportTable'),
    stagedRows: remote('stagedRows'),
    decideQuarantine: remote('decideQuarantine'),
    validate: async (input, signal, progress) => {
      if (progress === undefined) return remote('validate')(input, signal);
      const progressId = systemIds.newId();
      const over = new AbortController();
      const listening = listen(() => remote('validating')({ progressId }, over.signal), progress, over.signal);
      try {
        return await remote('validate')({ ...input, progressId }, signal);
      } finally {
        over.abort();
        await listening;
      }
    },
    validating: remote('validating'),
    reconcile: remote('reconcile'),
  };
};
