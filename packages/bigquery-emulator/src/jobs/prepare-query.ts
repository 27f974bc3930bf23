// Everything about a query that is decided before it runs: its statements, their types, the place where it runs.
import type { Engine } from '../engine-contract.ts';
import { BigQueryProblem, notImplemented } from '../problem.ts';
import type { AnalyzedStatement, Analyzer, Parameters, ParameterTypes, ScriptStatement } from '../statement.ts';
import type { DatasetId, TableId } from '../types.ts';
import { readParameters } from '../values/parameters.ts';
import type { QuerySpec } from './configuration.ts';
import { isDml } from './run-statement.ts';

export type PreparedQuery = { readonly parameters: Parameters; readonly location: string } &
  /** `current`: analyzed again where a table of the statement has changed since, as it may while the job waits for its turn. */
  (
    | { readonly kind: 'single'; readonly statement: AnalyzedStatement; readonly current: () => Promise<AnalyzedStatement> }
    | { readonly kind: 'script'; readonly statements: readonly ScriptStatement[]; readonly analyze: (sql: string) => Promise<AnalyzedStatement> }
  );

export const rowCountName = '@@row_count';
const defaultLocation = 'US';

/** `… at [2:5]` of one statement, where it stands in its script. */
export const placeInScript = (message: string, { line, column }: ScriptStatement): string =>
  message.replace(/ at \[(\d+):(\d+)\]/g, (_, atLine: string, atColumn: string) => {
    const first = Number(atLine) === 1;
    return ` at [${Number(atLine) + line - 1}:${first ? Number(atColumn) + column - 1 : atColumn}]`;
  });

const isTransactionControl = ({ kind }: AnalyzedStatement): boolean => kind.endsWith('_TRANSACTION');

export const createQueryPreparation = ({ engine, analyzer }: { readonly engine: Engine; readonly analyzer: Analyzer }) => {
  /** A job runs where its datasets are, and finds no others. INFORMATION_SCHEMA and the like have the place of their dataset, too. */
  const locate = (statement: AnalyzedStatement, asked: string | undefined, destination?: TableId): string => {
    if (statement.kind === 'CREATE_SCHEMA' && asked !== undefined && asked.toUpperCase() !== defaultLocation) {
      throw notImplemented(`CREATE SCHEMA in a job that runs in ${asked}: datasets.insert takes the location`);
    }
    const tables: readonly (TableId | DatasetId)[] = [
      ...statement.reads,
      ...(destination === undefined ? [] : [destination]),
      ...(statement.target === undefined || statement.kind === 'CREATE_SCHEMA' ? [] : [statement.target]),
    ];
    let location = asked;
    for (const { projectId, datasetId } of tables) {
      const dataset = engine.datasets.get({ projectId, datasetId });
      if (dataset === undefined) continue;
      location ??= dataset.location;
      if (dataset.location.toUpperCase() === location.toUpperCase()) continue;
      throw new BigQueryProblem('notFound', `Not found: Dataset ${projectId}:${datasetId} was not found in location ${location}`);
    }
    return location ?? defaultLocation;
  };

  /** Changes with every change of a table that the statement names. */
  const stampOf = ({ reads, target }: AnalyzedStatement): string => JSON.stringify([...reads, target].map((table) => table && engine.tables.get(table)?.etag));

  const analyzeWith =
    (projectId: string, parameterTypes: ParameterTypes, defaultDataset: DatasetId | undefined) =>
    (sql: string): Promise<AnalyzedStatement> =>
      analyzer.analyze(sql, {
        projectId,
        parameterTypes,
        lookUp: engine.lookUp,
        hasDataset: (dataset) => engine.datasets.get(dataset) !== undefined,
        ...(defaultDataset === undefined ? {} : { defaultDataset }),
      });

  /**
   * Before a script runs, BigQuery has read all of it: a syntax error anywhere, and what this server can't do, stops it. What a
   * statement means is decided when its turn comes, since those before it may make its tables.
   */
  const checkScript = async (
    statements: readonly ScriptStatement[],
    analyze: (sql: string) => Promise<AnalyzedStatement>,
  ): Promise<readonly AnalyzedStatement[]> => {
    const analyzed: AnalyzedStatement[] = [];
    for (const statement of statements) {
      try {
        analyzed.push(await analyze(statement.sql));
      } catch (error) {
        if (!(error instanceof BigQueryProblem)) throw error;
        if (error.reason === 'notImplemented') throw error;
        if (error.message.startsWith('Syntax error')) throw new BigQueryProblem(error.reason, placeInScript(error.message, statement), error.location);
      }
    }
    return analyzed;
  };

  const prepareScript = async (
    statements: readonly ScriptStatement[],
    parameters: Parameters,
    projectId: string,
    spec: QuerySpec,
    location: string | undefined,
  ): Promise<PreparedQuery> => {
    if (spec.destination !== undefined) throw new BigQueryProblem('invalid', 'configuration.query.destinationTable cannot be set for scripts');
    if ([...parameters.keys()].some((name) => /^_p\d+$/.test(name))) throw notImplemented('positional parameters in a script');
    const types = new Map([...parameters].map(([name, { type }]) => [name, type] as const));
    types.set(rowCountName, { kind: 'INT64' });
    const analyze = analyzeWith(projectId, types, spec.defaultDataset);
    const analyzed = await checkScript(statements, analyze);
    const place = analyzed.reduce<string | undefined>((known, statement) => {
      const here = locate(statement, known);
      return known ?? (statement.reads.length > 0 || statement.target !== undefined ? here : undefined);
    }, location);
    return { kind: 'script', statements, analyze, parameters, location: place ?? defaultLocation };
  };

  const prepareSingle = async (parameters: Parameters, projectId: string, spec: QuerySpec, location: string | undefined): Promise<PreparedQuery> => {
    const types = new Map([...parameters].map(([name, { type }]) => [name, type] as const));
    const analyze = analyzeWith(projectId, types, spec.defaultDataset);
    const statement = await analyze(spec.sql);
    if (isTransactionControl(statement))
      throw new BigQueryProblem('invalidQuery', 'Transaction control statements are supported only in scripts or sessions', 'query');
    if (spec.destination !== undefined && statement.kind !== 'SELECT') {
      const group = isDml(statement.kind) ? 'DML' : 'DDL';
      throw new BigQueryProblem('invalidQuery', `Cannot set destination table in jobs with ${group} statements`, 'query');
    }
    const analyzedAt = stampOf(statement);
    return {
      kind: 'single',
      statement,
      parameters,
      location: locate(statement, location, spec.destination?.table),
      current: async () => (stampOf(statement) === analyzedAt ? statement : await analyze(spec.sql)),
    };
  };

  /** Throws what BigQuery would say about a query that it refuses. */
  return async (projectId: string, spec: QuerySpec, location: string | undefined): Promise<PreparedQuery> => {
    const parameters = readParameters(spec.parameterMode, spec.queryParameters);
    const statements = analyzer.splitScript(spec.sql);
    return statements.length > 1
      ? await prepareScript(statements, parameters, projectId, spec, location)
      : await prepareSingle(parameters, projectId, spec, location);
  };
};
export type PrepareQuery = ReturnType<typeof createQueryPreparation>;
