// Where the tables are. SQL comes in as GoogleSQL; an adapter translates it where its engine speaks another dialect.
// Staging is beside the target and unlimited in parallel; a commit is one atomic unit, fenced by lane and by generation.
import { FloodgateError } from '../domain/errors.ts';
import type { PartitionDate } from '../domain/partition-date.ts';
import type { Check, Column, Source, WriteStrategy } from '../domain/pipeline.ts';
import type { Json, JsonObject } from './status-store.ts';

/** A declared table: target of a processor, or an external one. */
export type TableSpec = {
  readonly table: string;
  readonly partitionColumn: string;
  readonly key: readonly string[];
  readonly columns: readonly Column[];
};

/** Row columns of every target that Floodgate keeps for people, after the declared ones. */
export const metadataColumns = ['_row_hash', '_generation', '_backfill_id', 'processed_at'] as const;

export type DateRange = { readonly first: PartitionDate; readonly last: PartitionDate };

/** Who a job works for, e.g. `{backfill, processor}`: what it costs can be told apart by it. */
export type JobLabels = Readonly<Record<string, string>>;

export type StageJob = {
  /** Chosen by the caller. Staging again under a known job id attaches to that job instead of running it twice. */
  readonly jobId: string;
  readonly target: TableSpec;
  /** Name of the staging, unique per generation and submission. */
  readonly staging: string;
  /** Sorted, distinct; a SELECT gets the first as @start_date and the last as @end_date. Rows of other dates in between are left out. */
  readonly dates: readonly PartitionDate[];
  readonly body:
    | { readonly kind: 'select'; readonly sql: string; readonly sources: readonly Source[] }
    | { readonly kind: 'rows'; readonly rows: AsyncIterable<JsonObject> };
  readonly labels: JobLabels;
};

export type StagedDate = {
  readonly rows: number;
  /** Order-independent hash over the declared columns, FLOAT64 rounded to its digits; the same for the same rows. Empty for no rows. */
  readonly contentHash: string;
};

export type CheckJob = {
  readonly target: TableSpec;
  /** The staged rows of `staging`, or the committed rows of the target. */
  readonly subject: { readonly staging: string } | 'committed';
  /** Sorted, distinct. */
  readonly dates: readonly PartitionDate[];
  readonly checks: readonly KeyedCheck[];
  /** Declared sources that the checks' SQL may read. */
  readonly sources: readonly Source[];
  readonly labels?: JobLabels;
};

/** `id` comes back in the findings. `exempt` dates are not judged by this check. */
export type KeyedCheck = { readonly id: string; readonly check: WarehouseCheck; readonly exempt?: ReadonlySet<PartitionDate> };

export type WarehouseCheck =
  | Check
  /** No two rows with one key. */
  | { readonly type: 'unique_key'; readonly columns: readonly string[] }
  /** No row with NULL in one of them, or NaN; both are missing to `not_null` and `not_zero` too. */
  | { readonly type: 'required'; readonly columns: readonly string[] }
  /** Rows of each date against these numbers. */
  | { readonly type: 'rows'; readonly expected: ReadonlyMap<PartitionDate, number> };

/** A date on which a check does not hold. A date for which nothing comes back passed. */
export type Finding = {
  readonly checkId: string;
  readonly date: PartitionDate;
  /** e.g. "2 rows share a key", "11 rows, expected 12", "points NULL on 3 of 210 rows". */
  readonly message: string;
  /** Rows that offend, or are missing; for expected_keys and row_count: how many. */
  readonly offending: number;
  /** Up to 5 examples: key values, or the offending row. */
  readonly examples: readonly JsonObject[];
};

/** `expected` counts what a check demanded in all (keys or rows); 0 where it doesn't count. Sums over dates of the job. */
export type CheckResult = {
  readonly findings: readonly Finding[];
  readonly expected: ReadonlyMap<string, number>;
  /** The same of each date, of checks that count; a date of which a check demands nothing may be left out. */
  readonly expectedOf: ReadonlyMap<string, ReadonlyMap<PartitionDate, number>>;
  /** Rows under check of each date, where any check looks at rows; a date without rows may be left out. */
  readonly rowsOf: ReadonlyMap<PartitionDate, number>;
};

/** How a table compares with its declaration. */
export type TableComparison =
  | { readonly state: 'absent' }
  /** `missing`: declared nullable columns, which preparing the table adds. */
  | { readonly state: 'as_declared'; readonly missing: readonly string[] }
  /** In words, as `schema_mismatch` has them. */
  | { readonly state: 'different'; readonly differences: readonly string[] };

export type CommitEntry = {
  readonly date: PartitionDate;
  readonly generation: number;
  readonly staging: string;
  readonly contentHash: string;
  readonly rows: number;
  readonly backfillId: string;
  /** Write the rows even where the log holds the same content (`reprocess: all` repairs damage by hand). */
  readonly rewrite: boolean;
};

export type CommitBatch = {
  readonly jobId: string;
  readonly target: TableSpec;
  readonly strategy: WriteStrategy;
  /** The lane's fencing token; a commit with an older one than the log's fence row changes nothing and throws `lane_fenced`. */
  readonly laneEpoch: number;
  /** At most one per date. */
  readonly entries: readonly CommitEntry[];
  readonly committedAt: number;
  readonly labels?: JobLabels;
};

/** What the commit log says of a date. */
export type CommitLogEntry = {
  readonly date: PartitionDate;
  readonly generation: number;
  readonly contentHash: string;
  readonly rows: number;
  readonly backfillId: string;
  readonly committedAt: number;
  /** unchanged: the content was the same as before, the rows were not written again (unless asked to). */
  readonly outcome: 'committed' | 'unchanged';
};

export type SourceDigest = { readonly digest: string; readonly rows: number };

export type QueryResult = { readonly columns: readonly { readonly name: string; readonly type: string }[]; readonly rows: readonly JsonObject[] };

export type JobState = 'absent' | 'running' | 'succeeded' | 'failed';

/** Every method throws WarehouseError with a code of `warehouseErrorCodes`, and `cancelled` soon after its signal aborts. */
export interface Warehouse {
  /**
   * Makes sure that target and commit log exist as declared. New nullable columns are added; any other difference throws
   * `schema_mismatch` with the difference in words. Safe to call at any time, from several places at once.
   */
  prepareTable(target: TableSpec, signal: AbortSignal): Promise<void>;
  /** What preparing the table would find. Changes nothing. */
  inspectTable(target: TableSpec, signal: AbortSignal): Promise<TableComparison>;

  /** Stages rows. All dates asked for come back, those without rows too. Rows outside first..last date throw `contract_broken`. */
  stage(job: StageJob, signal: AbortSignal): Promise<ReadonlyMap<PartitionDate, StagedDate>>;
  /** What became of a staging job, also of one that another process submitted. */
  jobState(jobId: string, signal: AbortSignal): Promise<JobState>;
  cancelJob(jobId: string, signal: AbortSignal): Promise<void>;

  runChecks(job: CheckJob, signal: AbortSignal): Promise<CheckResult>;

  /** Keeps the staged rows of a date beyond the usual life of staging, under a new staging name that commits like any other. */
  preserveStaging(target: TableSpec, staging: string, date: PartitionDate, preserved: string, signal: AbortSignal): Promise<void>;
  /** Staged rows of a date, for people; throws `staging_missing`. */
  readStaging(target: TableSpec, staging: string, date: PartitionDate, maxRows: number, signal: AbortSignal): Promise<QueryResult>;
  /** Missing ones are ignored. */
  dropStaging(target: TableSpec, staging: readonly string[], signal: AbortSignal): Promise<void>;
  listStaging(target: TableSpec, signal: AbortSignal): Promise<readonly string[]>;

  /**
   * One atomic unit (DESIGN §2.4): fence, rows, log. Dates whose log entry has the same or a greater generation are left
   * as they are. Resolves with the log's entries of the batch's dates as they stand after it. Throws `staging_missing`
   * (with the names), `lane_fenced`, `transaction_conflict`; then nothing has changed.
   */
  commit(batch: CommitBatch, signal: AbortSignal): Promise<readonly CommitLogEntry[]>;
  /** Raises the log's fence to `laneEpoch`: afterwards no commit of an older lane can happen. Throws `lane_fenced` where it is higher. */
  fence(target: TableSpec, laneEpoch: number, signal: AbortSignal): Promise<void>;
  /** Entries of these dates, or of all; none where the table was never prepared. */
  readCommitLog(target: TableSpec, dates: readonly PartitionDate[] | 'all', signal: AbortSignal): Promise<readonly CommitLogEntry[]>;

  /** Rows and an order-independent digest per date of a source's files. Throws `source_missing`, `source_unreadable`, `source_mismatch`. */
  digestSource(source: Source, range: DateRange, signal: AbortSignal): Promise<ReadonlyMap<PartitionDate, SourceDigest>>;
  /** The same of an external table. */
  digestTable(table: TableSpec, range: DateRange, signal: AbortSignal): Promise<ReadonlyMap<PartitionDate, SourceDigest>>;

  /** Read-only GoogleSQL (`dialect: 'native'`: the engine's own), over tables and `sources`. Dates come as `YYYY-MM-DD`. */
  query(sql: string, options: QueryOptions, signal: AbortSignal): Promise<QueryResult>;
  /** Bytes that a SELECT would read; undefined where the engine can't tell, as while a table that is read is not there. */
  estimateBytes(sql: string, options: QueryOptions, signal: AbortSignal): Promise<number | undefined>;
}

export type QueryOptions = {
  readonly dialect: 'googlesql' | 'native';
  readonly params?: Readonly<Record<string, Json>>;
  readonly sources?: readonly Source[];
  readonly maxRows: number;
  readonly labels?: JobLabels;
};

export const warehouseErrorCodes = [
  'invalid_sql',
  'data_error',
  'contract_broken',
  'schema_mismatch',
  'source_missing',
  'source_unreadable',
  'source_mismatch',
  'staging_missing',
  'lane_fenced',
  'transaction_conflict',
  'rate_limited',
  'quota_exceeded',
  'cost_limit_exceeded',
  'permission_denied',
  'location_mismatch',
  'streaming_buffer',
  'timeout',
  'cancelled',
  'unavailable',
  'disk_full',
  'out_of_memory',
  'unknown',
] as const;
export type WarehouseErrorCode = (typeof warehouseErrorCodes)[number];

export class WarehouseError extends FloodgateError<WarehouseErrorCode> {
  /** staging_missing: the names that are gone. */
  readonly missing: readonly string[];
  constructor(
    code: WarehouseErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly hint?: string; readonly missing?: readonly string[] } = {},
  ) {
    super(code, message, options);
    this.missing = options.missing ?? [];
  }
}
