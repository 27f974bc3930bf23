/**
 * What translating a statement gives: its structure, with every expression and query inside as DuckDB SQL. Columns are
 * qualified as they were written, so whoever runs it must offer target and source under the aliases named here.
 */

/** The written path of a table, quotes resolved: `['p', 'd', 't']`, `['d', 'INFORMATION_SCHEMA', 'TABLES']`, `['t']`. */
export type TablePath = readonly string[];

export type DefaultValue = { readonly default: true };
export type Value = string | DefaultValue;
export type Assignment = { readonly path: readonly string[]; readonly value: Value };

/** The value of an option. What is no literal comes as DuckDB SQL. */
export type OptionValue = null | boolean | number | string | readonly OptionValue[] | { readonly expression: string };
export type Options = Readonly<Record<string, OptionValue>>;

export type MergeAction =
  | { readonly kind: 'update'; readonly set: readonly Assignment[] }
  | { readonly kind: 'delete' }
  | { readonly kind: 'insert'; readonly columns?: readonly string[]; readonly values: readonly Value[] }
  /** Every column of the source, in its order, into these columns of the target; absent: into all. */
  | { readonly kind: 'insert_row'; readonly columns?: readonly string[] };
export type MergeWhen = {
  readonly match: 'matched' | 'not_matched_by_target' | 'not_matched_by_source';
  readonly condition?: string;
  readonly action: MergeAction;
};

export type ColumnDefinition = {
  readonly name: string;
  /** GoogleSQL, e.g. `ARRAY<STRUCT<a INT64>>`, `NUMERIC(5, 1)`. */
  readonly type: string;
  readonly notNull: boolean;
  readonly options: Options;
  /** The expression of DEFAULT: as it was written, and as DuckDB SQL. */
  readonly default?: { readonly googleSql: string; readonly sql: string };
};
export type PartitionBy =
  | { readonly kind: 'column'; readonly column: string }
  /** `DATE(c)` is a part DAY. */
  | { readonly kind: 'trunc'; readonly column: string; readonly part: 'HOUR' | 'DAY' | 'MONTH' | 'YEAR' }
  | { readonly kind: 'range'; readonly column: string; readonly start: number; readonly end: number; readonly interval: number };

export type CreateTable = {
  readonly kind: 'create_table';
  readonly target: TablePath;
  readonly orReplace: boolean;
  readonly ifNotExists: boolean;
  readonly columns?: readonly ColumnDefinition[];
  readonly partitionBy?: PartitionBy;
  readonly clusterBy?: readonly string[];
  readonly options: Options;
  readonly query?: string;
  readonly source?: { readonly kind: 'like' | 'copy' | 'clone'; readonly table: TablePath };
};

export type TranslatedStatement =
  | { readonly kind: 'query'; readonly sql: string }
  | {
      readonly kind: 'insert';
      readonly target: TablePath;
      readonly columns?: readonly string[];
      readonly source: { readonly kind: 'query'; readonly sql: string } | { readonly kind: 'values'; readonly rows: readonly (readonly Value[])[] };
    }
  | {
      readonly kind: 'update';
      readonly target: TablePath;
      readonly alias: string;
      readonly set: readonly Assignment[];
      /** FROM items with their aliases and joins, without the keyword. */
      readonly from?: string;
      readonly where: string;
    }
  | { readonly kind: 'delete'; readonly target: TablePath; readonly alias: string; readonly where: string }
  | {
      readonly kind: 'merge';
      readonly target: TablePath;
      readonly alias: string;
      /** A DuckDB FROM item with its alias. */
      readonly source: string;
      readonly sourceAlias: string;
      readonly on: string;
      readonly whens: readonly MergeWhen[];
    }
  | { readonly kind: 'truncate'; readonly target: TablePath }
  | CreateTable
  | { readonly kind: 'drop_table'; readonly target: TablePath; readonly ifExists: boolean }
  | { readonly kind: 'create_schema'; readonly target: TablePath; readonly ifNotExists: boolean; readonly options: Options }
  | { readonly kind: 'drop_schema'; readonly target: TablePath; readonly ifExists: boolean; readonly cascade: boolean }
  | { readonly kind: 'assert'; readonly expression: string; readonly description?: string }
  | { readonly kind: 'begin' }
  | { readonly kind: 'commit' }
  | { readonly kind: 'rollback' };
