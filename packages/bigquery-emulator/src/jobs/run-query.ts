// The work of query jobs: one statement, or a script with a child job for each of its statements and one session over all.
// https://docs.cloud.google.com/bigquery/docs/multi-statement-queries
import type { EmulatorClock } from '../control/emulator-clock.ts';
import type { Faults } from '../control/faults.ts';
import type { Engine, Session, StatementResult } from '../engine-contract.ts';
import { BigQueryProblem } from '../problem.ts';
import type { AnalyzedStatement, Parameter, Parameters, ScriptStatement } from '../statement.ts';
import type { QuerySpec } from './configuration.ts';
import type { Job } from './job.ts';
import type { JobStore } from './job-store.ts';
import { placeInScript, rowCountName, type PreparedQuery } from './prepare-query.ts';
import { billedBytes, describeDml, describeResult, describeStatement, outcomeOf, schemaOf, type StatementRunner } from './run-statement.ts';

type Dependencies = {
  readonly engine: Engine;
  readonly statements: StatementRunner;
  readonly store: JobStore;
  readonly faults: Faults;
  readonly clock: EmulatorClock;
};
/** Takes the job from PENDING to RUNNING, when there is a slot. */
export type Begin = () => Promise<void>;

export type QueryWork = {
  readonly run: (job: Job, spec: QuerySpec, prepared: PreparedQuery, begin: Begin) => Promise<void>;
  readonly dryRun: (prepared: PreparedQuery, spec: QuerySpec) => Promise<Readonly<Record<string, unknown>>>;
};

const sumDml = (results: readonly StatementResult[]): NonNullable<StatementResult['dml']> =>
  results.reduce(
    (sum, { dml }) => ({
      inserted: sum.inserted + (dml?.inserted ?? 0),
      updated: sum.updated + (dml?.updated ?? 0),
      deleted: sum.deleted + (dml?.deleted ?? 0),
    }),
    { inserted: 0, updated: 0, deleted: 0 },
  );

export const createQueryWork = ({ engine, statements, store, faults, clock }: Dependencies): QueryWork => {
  const checkBytes = async (session: Session, spec: QuerySpec, statement: AnalyzedStatement, parameters: Parameters): Promise<void> => {
    if (spec.maximumBytesBilled === undefined) return;
    const billed = billedBytes((await session.dryRun(statement, parameters)).bytesProcessed, statement.reads.length);
    if (billed <= spec.maximumBytesBilled) return;
    throw new BigQueryProblem('bytesBilledLimitExceeded', `Query exceeded limit for bytes billed: ${spec.maximumBytesBilled}. ${billed} or higher required.`);
  };

  const runSingle = async (
    job: Job,
    spec: QuerySpec,
    { statement, current, parameters }: Extract<PreparedQuery, { kind: 'single' }>,
    begin: Begin,
  ): Promise<void> => {
    const { record, stopSignal } = job;
    await using session = await engine.openSession();
    record.details = { statementType: statement.kind };
    await checkBytes(session, spec, statement, parameters);
    // A statement that waits for its table is PENDING, and takes nobody's slot.
    const release = await statements.admit(session, statement, spec.destination, stopSignal);
    try {
      await begin();
      const result = await statements.run(session, await current(), parameters, spec.destination, stopSignal);
      record.details = describeResult(statement, result);
      record.statistics = { ...record.statistics, totalBytesProcessed: String(result.bytesProcessed) };
      record.outcome = outcomeOf(result);
      fillDestination(job, result.rowsIn ?? (result.dml === undefined ? undefined : statement.target));
    } finally {
      release();
    }
  };

  const fillDestination = ({ record }: Job, table: { readonly projectId: string; readonly datasetId: string; readonly tableId: string } | undefined): void => {
    const query = record.configuration['query'] as Readonly<Record<string, unknown>> | undefined;
    if (table === undefined || query === undefined || query['destinationTable'] != null) return;
    const { projectId, datasetId, tableId } = table;
    record.configuration = { ...record.configuration, query: { ...query, destinationTable: { projectId, datasetId, tableId } } };
  };

  const addChild = (parent: Job, index: number, statement: ScriptStatement): Job => {
    const { projectId, jobId, location, configuration } = parent.record;
    const query = configuration['query'] as Readonly<Record<string, unknown>>;
    const child = store.add({
      projectId,
      // Derived, so that it is free: the parent's id was.
      jobId: `script_job_${jobId}_${index}`.slice(-1_024),
      location,
      type: 'QUERY',
      configuration: { ...configuration, query: { ...query, query: statement.sql } },
      parentJobId: jobId,
    });
    const { line, column, sql } = statement;
    const lines = sql.split('\n');
    const endColumn = lines.length === 1 ? column + sql.length : (lines.at(-1) ?? '').length + 1;
    child.record.statistics = {
      scriptStatistics: {
        evaluationKind: 'STATEMENT',
        stackFrames: [{ startLine: line, startColumn: column, endLine: line + lines.length - 1, endColumn, text: sql }],
      },
    };
    return child;
  };

  const runChild = async (
    parent: Job,
    child: Job,
    spec: QuerySpec,
    session: Session,
    sql: string,
    prepared: Extract<PreparedQuery, { kind: 'script' }>,
    parameters: Parameters,
  ): Promise<{ readonly statement: AnalyzedStatement; readonly result: StatementResult }> => {
    const { stopSignal } = parent;
    stopSignal.throwIfAborted();
    const effects = faults.forJob({ type: 'STATEMENT', jobId: parent.record.jobId, labels: spec.labels, sql });
    await clock.sleep(effects.queueMs, stopSignal);
    const statement = await prepared.analyze(sql);
    child.record.details = { statementType: statement.kind };
    await checkBytes(session, spec, statement, parameters);
    const release = await statements.admit(session, statement, undefined, stopSignal);
    try {
      child.start();
      await clock.sleep(effects.hang ? Number.POSITIVE_INFINITY : effects.runMs, stopSignal);
      if (effects.error !== undefined) throw effects.error;
      const before = session.transactionId();
      const result = await statements.run(session, statement, parameters, undefined, stopSignal);
      const transactionId = before ?? session.transactionId();
      child.record.details = describeResult(statement, result);
      child.record.statistics = {
        ...child.record.statistics,
        totalBytesProcessed: String(result.bytesProcessed),
        ...(transactionId === undefined ? {} : { transactionInfo: { transactionId } }),
      };
      child.record.outcome = outcomeOf(result);
      fillDestination(child, result.rowsIn ?? (result.dml === undefined ? undefined : statement.target));
      await clock.sleep(effects.settleMs);
      return { statement, result };
    } finally {
      release();
    }
  };

  const runScript = async (job: Job, spec: QuerySpec, prepared: Extract<PreparedQuery, { kind: 'script' }>, begin: Begin): Promise<void> => {
    const { record } = job;
    record.details = { statementType: 'SCRIPT' };
    await begin();
    await using session = await engine.openSession();
    const results: StatementResult[] = [];
    let rowCount: Parameter = { type: { kind: 'INT64' }, value: null };
    const tell = (): void => {
      const bytes = results.reduce((sum, { bytesProcessed }) => sum + bytesProcessed, 0);
      const dml = sumDml(results);
      record.details = {
        statementType: 'SCRIPT',
        totalBytesProcessed: String(bytes),
        totalBytesBilled: String(results.reduce((sum, { bytesProcessed }) => sum + billedBytes(bytesProcessed, 1), 0)),
        ...(results.some((result) => result.dml !== undefined) ? describeDml(dml) : {}),
      };
      record.statistics = { ...record.statistics, totalBytesProcessed: String(bytes) };
    };
    try {
      for (const [index, piece] of prepared.statements.entries()) {
        const child = addChild(job, index, piece);
        record.statistics = { ...record.statistics, numChildJobs: String(index + 1) };
        try {
          const { result } = await runChild(job, child, spec, session, piece.sql, prepared, new Map([...prepared.parameters, [rowCountName, rowCount]]));
          child.finish();
          results.push(result);
          if (result.dml !== undefined) rowCount = { type: { kind: 'INT64' }, value: BigInt(result.dml.inserted + result.dml.updated + result.dml.deleted) };
          if (result.rowsIn !== undefined) record.outcome = outcomeOf(result);
        } catch (error) {
          child.finish(toProto(error));
          throw nameStatement(error, piece);
        }
      }
      // Rows are those of the last SELECT; a script without one has none.
      record.outcome ??= { columns: [], totalRows: 0, bytesProcessed: 0, dml: sumDml(results) };
    } finally {
      // What a script leaves open is rolled back with its session: https://docs.cloud.google.com/bigquery/docs/transactions#transaction_scope
      tell();
    }
  };

  return {
    run: (job, spec, prepared, begin) => (prepared.kind === 'single' ? runSingle(job, spec, prepared, begin) : runScript(job, spec, prepared, begin)),
    dryRun: async (prepared, spec) => {
      if (prepared.kind === 'script') throw new BigQueryProblem('notImplemented', 'this emulator does not implement the dry run of a script; BigQuery does');
      await using session = await engine.openSession();
      const { bytesProcessed } = await session.dryRun(prepared.statement, prepared.parameters);
      await checkBytes(session, spec, prepared.statement, prepared.parameters);
      return {
        totalBytesProcessed: String(bytesProcessed),
        query: {
          ...describeStatement(prepared.statement, bytesProcessed),
          totalBytesBilled: '0',
          totalBytesProcessedAccuracy: 'PRECISE',
          ...(prepared.statement.columns.length === 0 ? {} : { schema: schemaOf(prepared.statement.columns) }),
        },
      };
    },
  };
};

/** Unexpected ones are told too: this is a server for tests, and its mistakes must be seen. */
export const toProto = (error: unknown): ReturnType<BigQueryProblem['toProto']> => {
  if (error instanceof BigQueryProblem) return error.toProto();
  return {
    reason: 'internalError',
    message: `An internal error occurred in the emulator: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  };
};

/** BigQuery says where in the script the statement stands that failed, unless its analyzer has said so. */
const nameStatement = (error: unknown, piece: ScriptStatement): unknown => {
  if (!(error instanceof BigQueryProblem) || error.reason === 'stopped' || error.reason === 'notImplemented') return error;
  const placed = placeInScript(error.message, piece);
  const message = / at \[\d+:\d+\]$/.test(placed) ? placed : `${placed} at [${piece.line}:${piece.column}]`;
  return new BigQueryProblem(error.reason, error.reason === 'invalidQuery' ? `Query error: ${message}` : message, error.location, { cause: error });
};
