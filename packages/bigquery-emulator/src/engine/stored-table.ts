// A table as the engine holds it: what the contract shows, and where its rows lie.
import type { Table } from '../engine-contract.ts';
import type { Partitioning, TableField, TableId } from '../types.ts';
import { commaSeparated, quoteName } from './sql-text.ts';

export type StoredTable = Table & {
  /** Of this incarnation: a table that is replaced gets a new one, so that nobody's late write can land in it. */
  readonly uid: number;
  /** Counts changes of the schema. */
  readonly version: number;
  /** Results of queries lie in the attached database, and are in no list. */
  readonly isAnonymous: boolean;
};

export const anonymousDataset = '_anonymous';

/** As statements of DuckDB name it; no part needs quotes. */
export const placeOf = ({ uid, isAnonymous }: Pick<StoredTable, 'uid' | 'isAnonymous'>): string => (isAnonymous ? `results.main.r${uid}` : `data.t${uid}`);
/** Rows of streaming inserts, as long as they count as buffered. */
export const bufferOf = ({ uid }: Pick<StoredTable, 'uid'>): string => `data.b${uid}`;

export const keyOf = ({ projectId, datasetId, tableId }: TableId): string => JSON.stringify([projectId, datasetId, tableId]);

/** `t$20240101` is the partition 20240101 of t. */
export const splitDecorator = (id: TableId): { readonly table: TableId; readonly partitionId?: string } => {
  const [tableId = '', partitionId] = id.tableId.split('$', 2);
  return { table: { projectId: id.projectId, datasetId: id.datasetId, tableId }, ...(partitionId === undefined ? {} : { partitionId }) };
};

/** Names of columns differ by more than case. */
export const findField = (fields: readonly TableField[], name: string): TableField | undefined =>
  fields.find((field) => field.name.toLowerCase() === name.toLowerCase());

export const samePartitioning = (a: Partitioning | undefined, b: Partitioning | undefined): boolean => {
  if (a === undefined || b === undefined) return a === b;
  if (a.field.toLowerCase() !== b.field.toLowerCase()) return false;
  if (a.kind === 'time') return b.kind === 'time' && a.type === b.type;
  return b.kind === 'range' && a.start === b.start && a.end === b.end && a.interval === b.interval;
};

/** The rows of a table as FROM names them: those that are still buffered lie beside it. */
export const sourceSql = (table: StoredTable, isBuffered: boolean): string => {
  if (!isBuffered) return placeOf(table);
  const columns = commaSeparated(table.schema.fields.map(({ name }) => quoteName(name)));
  return `(SELECT ${columns} FROM ${placeOf(table)} UNION ALL SELECT ${columns} FROM ${bufferOf(table)})`;
};
