// Types and names that every part of the server speaks of.

export const scalarKinds = ['INT64', 'FLOAT64', 'NUMERIC', 'BOOL', 'STRING', 'BYTES', 'DATE', 'DATETIME', 'TIME', 'TIMESTAMP', 'JSON'] as const;
export type ScalarKind = (typeof scalarKinds)[number];

/** A GoogleSQL type. BIGNUMERIC, GEOGRAPHY, INTERVAL and RANGE are refused by name. */
export type SqlType =
  | { readonly kind: ScalarKind }
  | { readonly kind: 'ARRAY'; readonly element: SqlType }
  | { readonly kind: 'STRUCT'; readonly fields: readonly { readonly name: string; readonly type: SqlType }[] };

/** A column as the REST API writes it: legacy type names, an array as the mode REPEATED. */
export type TableField = {
  readonly name: string;
  readonly type: 'INTEGER' | 'FLOAT' | 'NUMERIC' | 'BOOLEAN' | 'STRING' | 'BYTES' | 'DATE' | 'DATETIME' | 'TIME' | 'TIMESTAMP' | 'JSON' | 'RECORD';
  readonly mode: 'NULLABLE' | 'REQUIRED' | 'REPEATED';
  readonly description?: string;
  readonly fields?: readonly TableField[];
  /** Decimal digits, as strings on the wire. */
  readonly precision?: string;
  readonly scale?: string;
  readonly maxLength?: string;
  readonly defaultValueExpression?: string;
};
export type TableSchema = { readonly fields: readonly TableField[] };

export type DatasetId = { readonly projectId: string; readonly datasetId: string };
export type TableId = DatasetId & { readonly tableId: string };

/** As BigQuery writes it in messages: `project:dataset.table`. */
export const formatTableId = ({ projectId, datasetId, tableId }: TableId): string => `${projectId}:${datasetId}.${tableId}`;

/** A column of a result, or of a table as queries see it. The name is empty where the statement gives none. */
export type Column = { readonly name: string; readonly type: SqlType };

/** How a table is split. Partition ids are `YYYYMMDDHH`, `YYYYMMDD`, `YYYYMM`, `YYYY`, the start of an integer range, `__NULL__` or `__UNPARTITIONED__`. */
export type Partitioning =
  | { readonly kind: 'time'; readonly field: string; readonly type: 'HOUR' | 'DAY' | 'MONTH' | 'YEAR'; readonly expirationMs?: number }
  | { readonly kind: 'range'; readonly field: string; readonly start: number; readonly end: number; readonly interval: number };

/** A value as DuckDB takes and gives it: `@duckdb/node-api`'s DuckDBValue. */
export type { DuckDBValue } from '@duckdb/node-api';
