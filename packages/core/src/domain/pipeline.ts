// A pipeline as the rest of the code sees it: validated, with names resolved. `core/pipeline` reads it from a folder.
import type { PartitionDate } from './partition-date.ts';
import type { SourceFormat } from './source-files.ts';
import type { Window } from './window.ts';

export const scalarTypes = ['STRING', 'INT64', 'FLOAT64', 'NUMERIC', 'BOOL', 'DATE', 'TIMESTAMP', 'BYTES', 'JSON'] as const;
export type ScalarType = (typeof scalarTypes)[number];
export type ColumnType = ScalarType | `ARRAY<${ScalarType}>`;

export type Column = {
  readonly name: string;
  readonly type: ColumnType;
  readonly required: boolean;
  readonly description: string;
  /** Decimal digits to which a FLOAT64 is rounded before it is hashed or compared; sums differ with parallelism. */
  readonly digits: number;
};

export const processorKinds = ['external', 'load', 'sql', 'code'] as const;
export type ProcessorKind = (typeof processorKinds)[number];

export const writeStrategies = ['merge', 'overwrite_partition', 'insert_only'] as const;
export type WriteStrategy = (typeof writeStrategies)[number];

/** A column that must carry a value on the rows of one edge: the contract that stops contamination from cascading. */
export type CriticalColumn = {
  readonly column: string;
  /** Also refuse zero. */
  readonly notZero: boolean;
  /** Share of the rows of each date that must satisfy it, 0..1. */
  readonly minRatio: number;
  /** GoogleSQL condition on the upstream's rows; those for which it is not true are not counted. */
  readonly where?: string;
};

export type Upstream = {
  /** `dataset.table`, or `source.name` for a declared source. */
  readonly table: string;
  readonly window: Window;
  /** hard: the partition waits until these are good. soft: it waits until they are decided, good or not. */
  readonly strength: 'hard' | 'soft';
  /**
   * Waited for where it is planned, and seen where it is committed; but nobody needs it: no plan takes it in because of this
   * edge unless the request names its processor, and where it is missing nothing is held back.
   */
  readonly optional?: true;
  readonly critical: readonly CriticalColumn[];
};

/** A check on rows: as an audit it looks at staged rows, behind a gate at the committed ones. `date` is the partition column. */
export type Check =
  /** GoogleSQL SELECT yielding `date`, `expected`: rows of each date, from a source other than the processor's own input. */
  | { readonly type: 'row_count'; readonly sql: string }
  /** GoogleSQL SELECT yielding `date` and the named key columns: every combination must be among the rows. */
  | { readonly type: 'expected_keys'; readonly columns: readonly string[]; readonly sql: string }
  | { readonly type: 'not_null' | 'not_zero'; readonly columns: readonly string[]; readonly minRatio: number; readonly where?: string }
  | { readonly type: 'accepted_range'; readonly column: string; readonly min?: number; readonly max?: number; readonly where?: string }
  /** GoogleSQL SELECT yielding offending rows, each with a column `date`; `staged` names the rows that are checked. */
  | { readonly type: 'sql'; readonly name: string; readonly sql: string };

export type Audit = { readonly check: Check; readonly severity: 'block' | 'warn' };

export type RetryPolicy = {
  readonly maxAttempts: number;
  readonly baseMs: number;
  readonly maxMs: number;
};

export type Processor = {
  readonly id: string;
  readonly description: string;
  readonly phase: number;
  readonly kind: ProcessorKind;
  /** `dataset.table`; no two processors write the same one. */
  readonly table: string;
  readonly partitionColumn: string;
  /** Contains the partition column. */
  readonly key: readonly string[];
  readonly columns: readonly Column[];
  readonly upstreams: readonly Upstream[];
  readonly audits: readonly Audit[];
  readonly write: WriteStrategy;
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  /** 1 or more, or `auto`: neighbouring dates travel together, sized from measured durations. `maxDatesPerTask` bounds auto. */
  readonly datesPerTask: number | 'auto';
  readonly maxDatesPerTask: number;
  /** Kinds of the calendar for which there is source data; undefined: all. Dates of other kinds only are `no_source_data`. */
  readonly covers?: readonly string[];
  /** Dates in the first n days of a season have no partition (`bootstrap`). */
  readonly bootstrapDays: number;
  /** A date needs this many earlier calendar dates in its season, else `insufficient_history`. */
  readonly minHistoryDates: number;
  /** Dates that are never computed, first and last included. */
  readonly never: readonly { readonly first: PartitionDate; readonly last: PartitionDate }[];
  /** Columns that the sources lack for whole seasons: NULL there, exempt from audits, and warned about. */
  readonly absent: readonly AbsentColumns[];
  /** The GoogleSQL SELECT of `sql` and `load`; the TypeScript source of `code`; empty for `external`. */
  readonly source: string;
  /** File of `source`, relative to the pipeline's folder. */
  readonly sourceFile: string;
  /** Hash of everything that decides its rows: source, columns, key, kind, upstreams. */
  readonly codeHash: string;
};

export type AbsentColumns = { readonly columns: readonly string[]; readonly seasons: readonly string[]; readonly reason: string };

/** Files that others fill; `load` processors read them as `source.<name>`. */
export type Source = {
  readonly name: string;
  readonly description: string;
  /** Patterns below the folder (or bucket) of the data, e.g. `play_by_play_*.parquet`, `play_by_play/{date}.ndjson.gz`; see source-files.ts. */
  readonly files: readonly string[];
  /** undefined: by the files' extensions. */
  readonly format?: SourceFormat;
  /** No files are no rows, and no error. */
  readonly optional?: true;
  readonly dateColumn: string;
  /** For messages about duplicates; a source's rows are not checked on their own. */
  readonly key: readonly string[];
  readonly columns: readonly Column[];
  readonly covers?: readonly string[];
};

export type PhaseGate = {
  /** Checks over the committed rows of the range and the lookback, beside those that every phase has. */
  readonly checks: readonly (Audit & { readonly table: string })[];
  /** A person opens the gate once its checks have passed. */
  readonly hold: boolean;
  /** Share of the expected rows of each processor that suffices, 0..1; 1 unless declared. */
  readonly quorum: number;
};

export type Phase = {
  readonly number: number;
  readonly name: string;
  /** Only a request that names it, or a processor of it, has it: not one that names no phases. */
  readonly onRequest?: true;
  readonly gate: PhaseGate;
};

export type Pipeline = {
  readonly id: string;
  readonly description: string;
  readonly calendar: {
    /** GoogleSQL over sources and external tables yielding date DATE, season STRING, kind STRING, items INT64. */
    readonly sql: string;
    readonly reads: readonly string[];
  };
  readonly sources: readonly Source[];
  readonly phases: readonly Phase[];
  /** Sorted so that every processor comes after its upstreams. */
  readonly processors: readonly Processor[];
  /** Hash of everything above: the version that a backfill pins. */
  readonly hash: string;
};

/** The table name under which SQL reads a declared source. */
export const sourceTable = (name: string): string => `source.${name}`;

export const processorById = (pipeline: Pipeline, id: string): Processor | undefined => pipeline.processors.find((processor) => processor.id === id);
