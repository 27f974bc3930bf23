// A statement once Google's analyzer has accepted it: what the analyzer hands over and the engine runs.
import type { DuckDBValue } from '@duckdb/node-api';
import type { Column, DatasetId, SqlType, TableId, TableSchema } from './types.ts';

export const statementKinds = [
  'SELECT',
  'INSERT',
  'UPDATE',
  'DELETE',
  'MERGE',
  'TRUNCATE_TABLE',
  'CREATE_TABLE',
  'CREATE_TABLE_AS_SELECT',
  'DROP_TABLE',
  'CREATE_SCHEMA',
  'DROP_SCHEMA',
  'BEGIN_TRANSACTION',
  'COMMIT_TRANSACTION',
  'ROLLBACK_TRANSACTION',
  'ASSERT',
] as const;
/** As `statistics.query.statementType` has it. */
export type StatementKind = (typeof statementKinds)[number];

/** Types by lower-case name, without `@`. Positional parameters are named `_p1`, `_p2`, … before anything else looks. */
export type ParameterTypes = ReadonlyMap<string, SqlType>;

export type Parameter = { readonly type: SqlType; readonly value: DuckDBValue };
/** By lower-case name. `@@row_count` is given as `@@row_count`, INT64. */
export type Parameters = ReadonlyMap<string, Parameter>;

export type StatementContext = {
  readonly projectId: string;
  readonly defaultDataset?: DatasetId;
  readonly parameterTypes: ParameterTypes;
  /** The schema of a table, view of INFORMATION_SCHEMA included (`tableId` is then `INFORMATION_SCHEMA.TABLES`); undefined where there is none. */
  readonly lookUp: (table: TableId) => TableSchema | undefined;
  /** Tells a missing dataset from a missing table; without it every dataset is taken to be there. */
  readonly hasDataset?: (dataset: DatasetId) => boolean;
};

export type AnalyzedStatement = {
  readonly kind: StatementKind;
  /** One statement, as it was written; positional parameters named. */
  readonly sql: string;
  /** Of a SELECT or CREATE TABLE AS; empty otherwise. From the analyzer, never from DuckDB. */
  readonly columns: readonly Column[];
  readonly reads: readonly TableId[];
  /** Of DML and DDL. */
  readonly target?: TableId;
  readonly context: StatementContext;
};

/** A piece of a script, with its place in the whole text (1-based), for messages and child jobs. */
export type ScriptStatement = { readonly sql: string; readonly line: number; readonly column: number };

/**
 * Google's analyzer in front of everything. `analyze` refuses with BigQueryProblem: `invalidQuery` with Google's text and its
 * position (`Syntax error: Unexpected identifier "FORM" at [1:10]`), `notFound` for a missing table (`Not found: Table p:d.t was
 * not found in location US`), `notImplemented` for what this server refuses by name. A call has a deadline.
 */
export type Analyzer = AsyncDisposable & {
  readonly analyze: (sql: string, context: StatementContext) => Promise<AnalyzedStatement>;
  /** Splits at semicolons as GoogleSQL does. Procedural statements (DECLARE, SET, IF, LOOP, CALL, EXECUTE IMMEDIATE, …) are refused by name. */
  readonly splitScript: (sql: string) => readonly ScriptStatement[];
};
