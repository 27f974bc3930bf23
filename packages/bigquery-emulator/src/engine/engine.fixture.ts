// For the engine's tests: Google's analyzer in front of an engine whose clock stands still, and tables as plain values.
import { startAnalyzer } from '../analyzer/analyzer.ts';
import type { Destination, Session, StatementResult } from '../engine-contract.ts';
import { BigQueryProblem } from '../problem.ts';
import type { Analyzer, Parameters, StatementContext } from '../statement.ts';
import type { TableId } from '../types.ts';
import { openEngine, type DuckDbEngine } from './engine.ts';

export const projectId = 'p';
const datasetId = 'd';
export const idOf = (tableId: string): TableId => ({ projectId, datasetId, tableId });

export type EngineFixture = AsyncDisposable & {
  readonly engine: DuckDbEngine;
  readonly clock: { at: number; now: () => number };
  readonly session: Session;
  /** In the shared session, or in another one. */
  readonly run: (
    sql: string,
    options?: { readonly session?: Session; readonly parameters?: Parameters; readonly destination?: Destination },
  ) => Promise<StatementResult>;
  /** Wire cells of a query's rows, `[{v}]` and `{f}` as they are. */
  readonly rows: (sql: string, options?: { readonly session?: Session; readonly parameters?: Parameters }) => Promise<readonly (readonly unknown[])[]>;
  readonly dryRun: (sql: string) => Promise<number>;
  /** The message of the problem that the statement ends with, behind its reason. */
  readonly refusal: (sql: string, options?: { readonly session?: Session; readonly destination?: Destination }) => Promise<string>;
};

export const openFixture = async (
  analyzer: Analyzer,
  folder?: string,
  partitionLimits?: { readonly perJob: number; readonly perTable: number },
): Promise<EngineFixture> => {
  const clock = { at: Date.UTC(2024, 0, 10), now: () => clock.at };
  const engine = await openEngine({ clock, ...(folder === undefined ? {} : { folder }), ...(partitionLimits === undefined ? {} : { partitionLimits }) });
  if (engine.datasets.get({ projectId, datasetId }) === undefined) await engine.datasets.create({ projectId, datasetId, location: 'US', properties: {} });
  const session = await engine.openSession();
  const contextOf = (parameters: Parameters = new Map()): StatementContext => ({
    projectId,
    defaultDataset: { projectId, datasetId },
    parameterTypes: new Map([...parameters].map(([name, { type }]) => [name, type])),
    lookUp: engine.lookUp,
  });
  const run: EngineFixture['run'] = async (sql, options = {}) =>
    (options.session ?? session).run(await analyzer.analyze(sql, contextOf(options.parameters)), options.parameters ?? new Map(), options.destination);
  return {
    engine,
    clock,
    session,
    run,
    rows: async (sql, options) => {
      const { rowsIn } = await run(sql, options);
      if (rowsIn === undefined) throw new Error('the statement has no rows');
      return (await engine.tables.read(rowsIn, { startIndex: 0, maxRows: 10_000 })).rows;
    },
    dryRun: async (sql) => (await session.dryRun(await analyzer.analyze(sql, contextOf()))).bytesProcessed,
    refusal: async (sql, options) => {
      try {
        await run(sql, options);
      } catch (error) {
        if (error instanceof BigQueryProblem) return `${error.reason}: ${error.message}`;
        throw error;
      }
      throw new Error('the statement was not refused');
    },
    [Symbol.asyncDispose]: async () => {
      await session[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
};

export const startTestAnalyzer = (): Promise<Analyzer> => startAnalyzer({});
