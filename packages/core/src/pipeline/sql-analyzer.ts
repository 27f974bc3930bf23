// What lint asks about a piece of GoogleSQL. `core` knows no SQL itself: packages/sql answers (the same translation that
// the embedded warehouse runs), so that what passes here is what runs there.
import type { Column } from '../domain/pipeline.ts';

export type SqlProblem = {
  /** The construct that was refused, e.g. `QUALIFY`; `syntax` where the text is no SQL. */
  readonly construct: string;
  readonly message: string;
  /** 1-based, in the SQL text. */
  readonly line?: number;
  readonly column?: number;
};

export type SqlRefusal = { readonly ok: false; readonly problems: readonly SqlProblem[] };

/** Days of a table that a statement reads: `fromDays` relative to @start_date, `toDays` to @end_date. */
export type ReadWindow = {
  readonly fromDays: number | 'unbounded';
  readonly toDays: number | 'unbounded';
};

export type TableRead = {
  /** `dataset.table`, `source.name`, or the bare name of a relation that is none of the statement's own (`staged`). */
  readonly table: string;
  /** null where it can't be told: nothing is concluded from it then. */
  readonly window: ReadWindow | null;
  /** Line of the reference in the SQL text, 1-based. */
  readonly line: number;
};

export type SqlAnalysis = {
  readonly ok: true;
  /** One entry per reference: a table that is read twice stands here twice. */
  readonly tables: readonly TableRead[];
  /** Names without `@`, each once. */
  readonly parameters: readonly string[];
  /** Names of the columns that it yields; null where they can't be told (`SELECT *` of a table). */
  readonly columns: readonly string[] | null;
  /** Calls whose result differs from run to run, e.g. `CURRENT_DATE`, `RAND`. */
  readonly nondeterministic: readonly string[];
};

export type YieldedColumn = {
  readonly name: string;
  /** As GoogleSQL names it; may be one that no declared column can have (`STRUCT<…>`). */
  readonly type: string;
};

export type SqlAnalyzer = {
  /** Whether every backend can run it. */
  readonly translate: (sql: string) => { readonly ok: true } | SqlRefusal;
  readonly analyze: (sql: string, partitionColumnOf: (table: string) => string | undefined) => SqlAnalysis | SqlRefusal;
  /** Types of the columns that it yields, where something that knows types is at hand. */
  readonly types?: (sql: string, tables: ReadonlyMap<string, readonly Column[]>) => TypesOutcome | Promise<TypesOutcome>;
};

export type TypesOutcome = { readonly ok: true; readonly columns: readonly YieldedColumn[] } | SqlRefusal;
