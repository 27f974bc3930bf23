// One statement: admitted by the limits of the table that it writes, run in its session, told as BigQuery tells it in
// `statistics.query`. https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobStatistics2
import type { Destination, Engine, Session, StatementResult, WriteIntent } from '../engine-contract.ts';
import { BigQueryProblem } from '../problem.ts';
import type { AnalyzedStatement, Parameters, StatementKind } from '../statement.ts';
import { formatTableId, type TableId } from '../types.ts';
import { fieldOfColumn } from '../values/types.ts';
import type { QueryOutcome } from './job.ts';
import type { Quotas } from './quotas.ts';

export type StatementRunner = {
  /** Waits until the limits let it begin; answers what to call at its end. Throws where they refuse it. */
  readonly admit: (session: Session, statement: AnalyzedStatement, destination: Destination | undefined, signal: AbortSignal) => Promise<() => void>;
  /** Runs what was admitted. Aborted, it fails with `stopped`, or it succeeds because it was too late. */
  readonly run: (
    session: Session,
    statement: AnalyzedStatement,
    parameters: Parameters,
    destination: Destination | undefined,
    signal: AbortSignal,
  ) => Promise<StatementResult>;
};

const dmlKinds: ReadonlySet<StatementKind> = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE', 'TRUNCATE_TABLE']);
export const isDml = (kind: StatementKind): boolean => dmlKinds.has(kind);

/** https://docs.cloud.google.com/bigquery/docs/table-snapshots-intro: a snapshot can be read, copied and deleted. */
export const refuseSnapshot = (engine: Engine, table: TableId): void => {
  if (engine.tables.get(table)?.properties['snapshotDefinition'] === undefined) return;
  throw new BigQueryProblem('invalid', `Table ${formatTableId(table)} is a snapshot, and snapshots can't be written`);
};

export const createStatementRunner = ({ engine, quotas }: { readonly engine: Engine; readonly quotas: Quotas }): StatementRunner => {
  const admitWrite = async (
    kind: StatementKind,
    { table, mode }: WriteIntent,
    destination: Destination | undefined,
    inTransaction: boolean,
    signal: AbortSignal,
  ): Promise<() => void> => {
    const existing = engine.tables.get(table);
    const isPartitioned = existing === undefined ? destination?.partitioning !== undefined : existing.partitioning !== undefined;
    if (kind !== 'DROP_TABLE') refuseSnapshot(engine, table);
    if (isDml(kind)) {
      return await quotas.beginDml({ table, mutate: mode === 'mutate', isPartitioned, inTransaction, signal });
    }
    if (mode !== 'ddl') quotas.beginTableJob(table, 'query', isPartitioned);
    // To make a table or to drop it is no update of one.
    else if (existing !== undefined && kind !== 'DROP_TABLE') quotas.updateMetadata(table, isPartitioned);
    return () => {};
  };

  /** A dataset may set when its tables expire; the engine doesn't look at it. */
  const expireByDefault = async ({ ddl }: StatementResult): Promise<void> => {
    if (ddl === undefined || (ddl.operation !== 'CREATE' && ddl.operation !== 'REPLACE')) return;
    const table = engine.tables.get(ddl.target);
    const expirationMs = Number(engine.datasets.get(ddl.target)?.properties['defaultTableExpirationMs'] ?? 0);
    if (table !== undefined && table.expiresAt === undefined && expirationMs > 0)
      await engine.tables.patch(ddl.target, { expiresAt: table.createdAt + expirationMs });
  };

  return {
    admit: async (session, statement, destination, signal) => {
      const intent = session.writesOf(statement, destination);
      return intent === undefined ? () => {} : await admitWrite(statement.kind, intent, destination, session.inTransaction(), signal);
    },
    run: async (session, statement, parameters, destination, signal) => {
      signal.throwIfAborted();
      const interrupt = (): void => session.interrupt();
      signal.addEventListener('abort', interrupt);
      try {
        const result = await session.run(statement, parameters, destination);
        const written = destination?.table ?? result.ddl?.target;
        if (written !== undefined) quotas.recordPartitions(written, result.partitions?.length ?? (destination?.partitionId === undefined ? 0 : 1));
        if (!session.inTransaction()) await expireByDefault(result);
        return result;
      } finally {
        signal.removeEventListener('abort', interrupt);
      }
    },
  };
};

const mebibyte = 2 ** 20;
/** Rounded up to MiB, at least 10 MiB per query and table: https://cloud.google.com/bigquery/pricing#on_demand_pricing. What each table costs is not known here. */
export const billedBytes = (bytes: number, tables: number): number =>
  bytes === 0 ? 0 : Math.max(Math.ceil(bytes / mebibyte), 10 * Math.max(1, tables)) * mebibyte;

const referenceOf = ({ projectId, datasetId, tableId }: TableId): Readonly<Record<string, string>> => ({ projectId, datasetId, tableId });

export const describeStatement = (statement: AnalyzedStatement, bytesProcessed: number): Readonly<Record<string, unknown>> => ({
  statementType: statement.kind,
  totalBytesProcessed: String(bytesProcessed),
  totalBytesBilled: String(billedBytes(bytesProcessed, statement.reads.length)),
  billingTier: 1,
  cacheHit: false,
  ...(statement.reads.length === 0 ? {} : { referencedTables: statement.reads.map(referenceOf) }),
});

export const schemaOf = (columns: QueryOutcome['columns']): Readonly<Record<string, unknown>> => ({ fields: columns.map(fieldOfColumn) });

export const describeDml = ({ inserted, updated, deleted }: NonNullable<StatementResult['dml']>): Readonly<Record<string, unknown>> => ({
  numDmlAffectedRows: String(inserted + updated + deleted),
  dmlStats: { insertedRowCount: String(inserted), updatedRowCount: String(updated), deletedRowCount: String(deleted) },
});

export const describeResult = (statement: AnalyzedStatement, result: StatementResult): Readonly<Record<string, unknown>> => {
  const { dml, ddl } = result;
  const ofSchema = statement.kind === 'CREATE_SCHEMA' || statement.kind === 'DROP_SCHEMA';
  return {
    ...describeStatement(statement, result.bytesProcessed),
    ...(dml === undefined ? {} : describeDml(dml)),
    ...(ddl === undefined
      ? {}
      : {
          ddlOperationPerformed: ddl.operation,
          ...(ofSchema
            ? { ddlTargetDataset: { projectId: ddl.target.projectId, datasetId: ddl.target.datasetId } }
            : { ddlTargetTable: referenceOf(ddl.target) }),
        }),
  };
};

export const outcomeOf = ({ rowsIn, columns, totalRows, dml, bytesProcessed }: StatementResult): QueryOutcome => ({
  columns,
  totalRows,
  bytesProcessed,
  ...(rowsIn === undefined ? {} : { rowsIn }),
  ...(dml === undefined ? {} : { dml }),
});
