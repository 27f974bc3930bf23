// The engine keeps datasets and tables in DuckDB and runs analyzed statements on them. Jobs, quotas, queues, faults and
// HTTP are around it and know nothing of DuckDB.
import type { AnalyzedStatement, Parameters } from './statement.ts';
import type { Column, DatasetId, Partitioning, TableField, TableId, TableSchema } from './types.ts';

export type Dataset = DatasetId & {
  readonly location: string;
  readonly createdAt: number;
  readonly modifiedAt: number;
  readonly etag: string;
  /** Everything else that was sent and that is only kept: labels, description, friendlyName, defaultTableExpirationMs, access … */
  readonly properties: Readonly<Record<string, unknown>>;
};

export type Table = TableId & {
  readonly schema: TableSchema;
  readonly partitioning?: Partitioning;
  readonly clustering?: readonly string[];
  readonly requirePartitionFilter: boolean;
  /** Instant in milliseconds; a table is gone from then on. */
  readonly expiresAt?: number;
  readonly createdAt: number;
  readonly modifiedAt: number;
  readonly etag: string;
  readonly properties: Readonly<Record<string, unknown>>;
};

export type TableDraft = TableId &
  Pick<Table, 'schema' | 'requirePartitionFilter' | 'properties'> & {
    readonly partitioning?: Partitioning;
    readonly clustering?: readonly string[];
    readonly expiresAt?: number;
  };
export type TableStats = { readonly numRows: number; readonly numBytes: number };

export type DmlStats = { readonly inserted: number; readonly updated: number; readonly deleted: number };

/** Rows that lie ready to be paged through; columns are the analyzer's. Kept until `expiresAt` of the anonymous table. */
export type StatementResult = {
  readonly columns: readonly Column[];
  /** Where the rows of a SELECT lie: the destination, or an anonymous table (dataset `_anonymous`, hidden from lists). Absent for DML and DDL. */
  readonly rowsIn?: TableId;
  readonly totalRows: number;
  readonly dml?: DmlStats;
  readonly ddl?: { readonly operation: 'CREATE' | 'REPLACE' | 'SKIP' | 'DROP'; readonly target: TableId };
  /** Of the columns that were read, by BigQuery's sizes of types (8 for INT64, 2 + UTF-8 bytes for STRING, …), pruned by literal partition filters. */
  readonly bytesProcessed: number;
  /** Ids of the partitions that a query with a destination, or a CREATE TABLE AS, has written: they count against the quota of a day. */
  readonly partitions?: readonly string[];
};

export type WriteDisposition = 'WRITE_EMPTY' | 'WRITE_APPEND' | 'WRITE_TRUNCATE';
export type CreateDisposition = 'CREATE_IF_NEEDED' | 'CREATE_NEVER';
export type Destination = {
  readonly table: TableId;
  /** `20240101` of `table$20240101`: the write replaces or fills this partition, and rows of others are refused. */
  readonly partitionId?: string;
  readonly write: WriteDisposition;
  readonly create: CreateDisposition;
  /** For a table that is made by the job. */
  readonly partitioning?: Partitioning;
  readonly clustering?: readonly string[];
  readonly requirePartitionFilter?: boolean;
  readonly expiresAt?: number;
  readonly schema?: TableSchema;
};

/** What a statement would write, known before it runs: for queues, conflicts and quotas. */
export type WriteIntent = {
  readonly table: TableId;
  /** mutate: UPDATE, DELETE, TRUNCATE, or a MERGE that does more than insert. */
  readonly mode: 'insert' | 'mutate' | 'overwrite' | 'ddl';
};

/** One job's connection; a script keeps it over its statements, transaction included. Not for two callers at once. */
export type Session = AsyncDisposable & {
  /**
   * Runs one statement, atomically outside a transaction. Throws BigQueryProblem: `invalidQuery` for what fails while it
   * evaluates (division by zero; `UPDATE/MERGE must match at most one source row for each target row`), for a missing partition
   * filter, and for a NULL in a REQUIRED column; `notImplemented` for SQL that is not translated; and for a transaction that
   * lost: `Transaction is aborted due to concurrent update against table p:d.t. Transaction ID: …`.
   */
  readonly run: (statement: AnalyzedStatement, parameters: Parameters, destination?: Destination) => Promise<StatementResult>;
  /** Checks translation and estimates, without running. */
  readonly dryRun: (statement: AnalyzedStatement, parameters?: Parameters) => Promise<{ readonly bytesProcessed: number }>;
  readonly writesOf: (statement: AnalyzedStatement, destination?: Destination) => WriteIntent | undefined;
  readonly inTransaction: () => boolean;
  readonly transactionId: () => string | undefined;
  /** The statement that runs now fails with `stopped`. Harmless where none runs. */
  readonly interrupt: () => void;
};

export type LoadFormat =
  | { readonly kind: 'NEWLINE_DELIMITED_JSON'; readonly ignoreUnknownValues: boolean }
  | {
      readonly kind: 'CSV';
      readonly skipLeadingRows: number;
      readonly delimiter: string;
      readonly quote: string;
      readonly nullMarker: string;
      readonly allowQuotedNewlines: boolean;
      /** Columns go by the names in the first line, not by their place. */
      readonly matchesByName: boolean;
      readonly ignoreUnknownValues: boolean;
    }
  | { readonly kind: 'PARQUET'; readonly ignoreUnknownValues: boolean };

export type Engine = AsyncDisposable & {
  readonly datasets: {
    readonly create: (draft: Pick<Dataset, 'projectId' | 'datasetId' | 'location' | 'properties'>) => Promise<Dataset>;
    readonly get: (id: DatasetId) => Dataset | undefined;
    /** The ids of all projects that have datasets. */
    readonly projects: () => readonly string[];
    /** `properties` are the new ones as a whole. With an etag that is not the present one: `conditionNotMet`. */
    readonly patch: (id: DatasetId, properties: Readonly<Record<string, unknown>>, etag?: string) => Promise<Dataset>;
    readonly list: (projectId: string) => readonly Dataset[];
    /** `resourceInUse` where it has tables and `deleteContents` is false. */
    readonly delete: (id: DatasetId, deleteContents: boolean) => Promise<void>;
  };
  readonly tables: {
    readonly create: (draft: TableDraft) => Promise<Table>;
    readonly get: (id: TableId) => Table | undefined;
    /** What is given replaces what there was, `properties` as a whole. New columns may be added (NULLABLE or REPEATED), REQUIRED may become NULLABLE; else `invalid`. */
    readonly patch: (
      id: TableId,
      change: Partial<Omit<TableDraft, keyof TableId | 'expiresAt'>> & { readonly expiresAt?: number | null },
      etag?: string,
    ) => Promise<Table>;
    readonly list: (id: DatasetId) => readonly Table[];
    readonly delete: (id: TableId) => Promise<void>;
    readonly stats: (id: TableId) => Promise<TableStats>;
    /** Pages in the order of insertion. `values` are wire cells already: strings, null, `[{v}]`, `{f:[{v}]}`. */
    readonly read: (
      id: TableId,
      page: {
        readonly startIndex: number;
        readonly maxRows: number;
        readonly fields?: readonly string[];
        /** TIMESTAMP as whole microseconds instead of seconds (`formatOptions.useInt64Timestamp`). */
        readonly useInt64Timestamp?: boolean;
      },
    ) => Promise<{
      readonly columns: readonly Column[];
      readonly fields: readonly TableField[];
      readonly rows: readonly (readonly unknown[])[];
      readonly totalRows: number;
    }>;
    /** Streaming inserts. Row errors come back by index, and nothing of the call is written then unless `skipInvalid`. */
    readonly insertAll: (
      id: TableId,
      rows: readonly Readonly<Record<string, unknown>>[],
      options: { readonly skipInvalid: boolean; readonly ignoreUnknown: boolean },
    ) => Promise<
      readonly { readonly index: number; readonly errors: readonly { readonly reason: string; readonly location: string; readonly message: string }[] }[]
    >;
  };
  readonly openSession: () => Promise<Session>;
  /** From files on this disk. All or nothing; `invalid` names the file and row of the first bad one. Without a schema: detected where `autodetect`, else the table's. */
  readonly load: (
    files: readonly string[],
    format: LoadFormat,
    destination: Destination,
    options: { readonly autodetect: boolean; readonly maxBadRecords: number },
  ) => Promise<{ readonly outputRows: number; readonly outputBytes: number; readonly inputBytes: number; readonly partitions: readonly string[] }>;
  /** Copies, snapshots and clones alike: rows, schema, partitioning. */
  readonly copy: (sources: readonly TableId[], destination: Destination) => Promise<{ readonly copiedRows: number; readonly partitions?: readonly string[] }>;
  /** How long rows of streaming inserts can't be changed by DML: 30 minutes in the cloud. 0, as it is at first: they can at once. */
  readonly setStreamingBufferMs: (bufferMs: number) => void;
  /** Schema of a table or of a view of INFORMATION_SCHEMA, for the analyzer. */
  readonly lookUp: (table: TableId) => TableSchema | undefined;
};

/** Milliseconds since the epoch; the control endpoint can move it. */
export type EngineClock = { readonly now: () => number };

/** `folder` undefined: in memory. With one, what was answered as done survives kill -9. */
export type OpenEngine = (options: {
  readonly folder?: string;
  readonly clock: EngineClock;
  readonly memoryLimit?: string;
  /** What a load, copy or query job may write, looked at before it commits (`refusePartitionsOfJob` has the words). Absent: without limit. */
  readonly partitionLimits?: { readonly perJob: number; readonly perTable: number };
}) => Promise<Engine>;
