// The status store and the warehouse are two systems, and one can be older than the other: restored from a backup, lost,
// or behind after a power cut. Generations must then go on above what the commit logs hold, or a new execution would look
// like one that has been committed before (and its rows would be thought written).
import {
  backfillPath,
  backfillSchema,
  lanePath,
  laneSchema,
  parseDocument,
  pipelineStatePath,
  pipelineStateSchema,
  type PipelineStateDocument,
} from '../contracts/documents.ts';
import { splitGeneration } from '../domain/generation.ts';
import { ledgerPathOf } from '../domain/ledger.ts';
import type { Pipeline } from '../domain/pipeline.ts';
import { bindWarehouse } from './deadline.ts';
import type { EngineDeps, PipelineCatalog } from './deps.ts';
import { readLedgerYears, specOf } from './ledger-reader.ts';
import { rebuildLedger } from './reconcile.ts';

type Ahead = { readonly sequence: number; readonly isAhead: boolean };

/**
 * Compares commit logs and ledger. A commit that a crash left unsettled is not ahead: its lane still has it recorded, and
 * settles it from the log.
 */
const compareLogs = async (deps: EngineDeps, pipeline: Pipeline, signal: AbortSignal): Promise<Ahead> => {
  let [sequence, isAhead] = [0, false];
  for (const processor of pipeline.processors.filter(({ kind }) => kind !== 'external')) {
    const log = await deps.warehouse.readCommitLog(specOf(processor), 'all', signal);
    if (log.length === 0) continue;
    // In this order, since lanes may be at work meanwhile: a commit in the log whose job is gone from the lane has been settled, so
    // the ledger that is read after that has it. The other way round it could be settled in between, and would look lost.
    const laneDocument = await deps.store.get(lanePath(processor.table));
    const job = laneDocument === undefined ? null : parseDocument(laneSchema, laneDocument).job;
    const years = await readLedgerYears(deps.store, [...new Set(log.map(({ date }) => ledgerPathOf(pipeline.id, processor.id, date)))]);
    const unsettled = new Set(job?.tasks.map(({ path, generation }) => `${path.slice(-10)}|${generation}`));
    for (const { date, generation } of log) {
      sequence = Math.max(sequence, splitGeneration(generation).sequence);
      const known = years.get(ledgerPathOf(pipeline.id, processor.id, date))?.entries[date]?.generation ?? 0;
      if (known < generation && !unsettled.has(`${date}|${generation}`)) isAhead = true;
    }
  }
  return { sequence, isAhead };
};

/**
 * Called by composition roots before anything is accepted: where a pipeline's commit logs hold what its ledger doesn't, its sequence number
 * is raised above them, what is active goes on under new numbers, and the ledger made to say what the logs say. Returns the pipelines for which that was so.
 */
export const adoptCommitLogs = async (given: EngineDeps & { readonly catalog: PipelineCatalog }, signal: AbortSignal): Promise<readonly string[]> => {
  const deps = bindWarehouse(given);
  const adopted: string[] = [];
  for (const id of deps.catalog.ids) {
    const loaded = await deps.catalog.load(id).catch((error: unknown) => {
      // A folder with problems can't be planned either; its request will say why.
      deps.logger.warn({ pipeline: id, err: error }, 'pipeline not read at start');
      return undefined;
    });
    if (loaded === undefined) continue;
    const { sequence: logged, isAhead } = await compareLogs(deps, loaded.pipeline, signal);
    if (!isAhead) continue;
    const highest = await deps.store.transaction(async (transaction) => {
      const document = await transaction.get(pipelineStatePath(id));
      const state = document === undefined ? undefined : parseDocument(pipelineStateSchema, document);
      const base = Math.max(state?.sequence ?? 0, logged);
      const active = (await transaction.getMany((state?.activeBackfills ?? []).map(backfillPath))).flatMap((stored) =>
        stored === undefined ? [] : [parseDocument(backfillSchema, stored)],
      );
      // What an older store has active goes on under new numbers: its old ones are in the logs already.
      for (const [index, backfill] of active.entries()) transaction.set(backfillPath(backfill.backfillId), { ...backfill, sequence: base + 1 + index });
      const next: PipelineStateDocument = {
        pipelineId: id,
        activeBackfills: [],
        latestHash: '',
        ...state,
        sequence: base + active.length,
        activation: (state?.activation ?? 0) + 1,
      };
      transaction.set(pipelineStatePath(id), next);
      return base + active.length;
    });
    const { processors } = await rebuildLedger(deps, loaded.pipeline, signal);
    deps.logger.warn({ pipeline: id, sequence: highest, processors }, 'the commit logs were ahead of the status store: sequence raised, ledger rebuilt');
    adopted.push(id);
  }
  return adopted;
};
