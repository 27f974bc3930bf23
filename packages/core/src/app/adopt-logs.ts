// The status store and the warehouse are two systems, and one can be older than the other: restored from a backup, lost,
// or behind after a power cut. Generations must then go on above what the commit logs hold, or a new execution would look
// like one that has been committed before (and its rows would be thought written).
import { parseDocument, pipelineStatePath, pipelineStateSchema, type PipelineStateDocument } from '../contracts/documents.ts';
import { splitGeneration } from '../domain/generation.ts';
import type { Pipeline } from '../domain/pipeline.ts';
import type { EngineDeps, PipelineCatalog } from './deps.ts';
import { specOf } from './ledger-reader.ts';
import { rebuildLedger } from './reconcile.ts';

const highestSequence = async (deps: EngineDeps, pipeline: Pipeline, signal: AbortSignal): Promise<number> => {
  let highest = 0;
  for (const processor of pipeline.processors.filter(({ kind }) => kind !== 'external')) {
    const log = await deps.warehouse.readCommitLog(specOf(processor), 'all', signal);
    for (const { generation } of log) highest = Math.max(highest, splitGeneration(generation).sequence);
  }
  return highest;
};

/**
 * Called by composition roots before anything is accepted: where a pipeline's commit logs are ahead of its sequence number, the number is
 * raised above them and the ledger made to say what the logs say. Returns the pipelines for which that was so.
 */
export const adoptCommitLogs = async (deps: EngineDeps & { readonly catalog: PipelineCatalog }, signal: AbortSignal): Promise<readonly string[]> => {
  const adopted: string[] = [];
  for (const id of deps.catalog.ids) {
    const loaded = await deps.catalog.load(id).catch((error: unknown) => {
      // A folder with problems can't be planned either; its request will say why.
      deps.logger.warn({ pipeline: id, err: error }, 'pipeline not read at start');
      return undefined;
    });
    if (loaded === undefined) continue;
    const highest = await highestSequence(deps, loaded.pipeline, signal);
    const raised = await deps.store.transaction(async (transaction) => {
      const document = await transaction.get(pipelineStatePath(id));
      const state = document === undefined ? undefined : parseDocument(pipelineStateSchema, document);
      if ((state?.sequence ?? 0) >= highest) return false;
      const next: PipelineStateDocument = { pipelineId: id, activeBackfills: [], latestHash: '', ...state, sequence: highest, activation: (state?.activation ?? 0) + 1 };
      transaction.set(pipelineStatePath(id), next);
      return true;
    });
    if (!raised) continue;
    const { processors } = await rebuildLedger(deps, loaded.pipeline, signal);
    deps.logger.warn({ pipeline: id, sequence: highest, processors }, 'the commit logs were ahead of the status store: sequence raised, ledger rebuilt');
    adopted.push(id);
  }
  return adopted;
};
