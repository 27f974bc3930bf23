// What a plan will cost, from what was measured before: rows and computing time from the ledger's history of the same
// processor, bytes from the warehouse's dry run. What nothing is known about is undefined, never guessed.
import type { LedgerYearDocument } from '../contracts/documents.ts';
import { toFailure } from '../domain/failure.ts';
import { ledgerPath } from '../domain/ledger.ts';
import type { Pipeline, Processor } from '../domain/pipeline.ts';
import type { Plan } from '../domain/plan.ts';
import type { Warehouse } from '../ports/warehouse.ts';

export type ProcessorEstimate = {
  readonly processorId: string;
  readonly tasks: number;
  readonly rows: number | undefined;
  readonly seconds: number | undefined;
  readonly bytes: number | undefined;
  /** Why the engine refused to tell the bytes. */
  readonly refused?: string;
};
export type PlanEstimate = { readonly processors: readonly ProcessorEstimate[] };

const sample = 200;

export const estimatePlan = async (
  deps: { readonly warehouse: Warehouse },
  input: { readonly pipeline: Pipeline; readonly plan: Plan; readonly years: ReadonlyMap<string, LedgerYearDocument> },
  signal: AbortSignal,
): Promise<PlanEstimate> => {
  const processors: ProcessorEstimate[] = [];
  for (const [processorId, entries] of input.plan.processors) {
    const dates = entries.filter(({ kind }) => kind === 'task').map(({ date }) => date);
    if (dates.length === 0) continue;
    const prefix = ledgerPath(input.pipeline.id, processorId, 0).replace(/0$/, '');
    const history = [...input.years]
      .filter(([path]) => path.startsWith(prefix))
      .flatMap(([, { entries: known }]) => Object.values(known))
      .sort((a, b) => b.committedAt - a.committedAt)
      .slice(0, sample);
    const mean = (value: (entry: (typeof history)[number]) => number): number | undefined =>
      history.length === 0 ? undefined : history.reduce((sum, entry) => sum + value(entry), 0) / history.length;
    const processor = input.pipeline.processors.find(({ id }) => id === processorId);
    const params = { start_date: dates[0] as string, end_date: dates.at(-1) as string };
    const { bytes, refused } =
      processor === undefined || processor.kind === 'code' ? {} : await estimateBytes(deps.warehouse, { pipeline: input.pipeline, processor, params }, signal);
    const [rows, computeMs] = [mean((entry) => entry.rows), mean((entry) => entry.computeMs)];
    processors.push({
      processorId,
      tasks: dates.length,
      rows: rows === undefined ? undefined : Math.round(rows * dates.length),
      seconds: computeMs === undefined ? undefined : (computeMs * dates.length) / 1_000,
      bytes,
      ...(refused === undefined ? {} : { refused }),
    });
  }
  return { processors };
};

/**
 * An estimate rejects no request: a statement that the engine refuses now may be right when its task runs, after others have made
 * or widened the tables that it reads. What passes by itself is thrown, and the request is looked at again.
 */
const estimateBytes = async (
  warehouse: Warehouse,
  { pipeline, processor, params }: { readonly pipeline: Pipeline; readonly processor: Processor; readonly params: Readonly<Record<string, string>> },
  signal: AbortSignal,
): Promise<{ readonly bytes?: number | undefined; readonly refused?: string }> => {
  try {
    return { bytes: await warehouse.estimateBytes(processor.source, { dialect: 'googlesql', params, sources: pipeline.sources, maxRows: 0 }, signal) };
  } catch (error) {
    const failure = toFailure(error);
    if (failure.class !== 'permanent' && failure.class !== 'data') throw error;
    return { refused: failure.message };
  }
};
