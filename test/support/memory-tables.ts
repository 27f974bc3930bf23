// What the in-memory warehouse keeps of one table, and how it reads rows: types, dates, content hashes, differences of schema.
import { canonicalJson, digestText } from '@floodgate/core/domain/digest.ts';
import { tryPartitionDate, type PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Column } from '@floodgate/core/domain/pipeline.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { WarehouseError, type CommitLogEntry, type StagedDate, type StageJob, type TableSpec } from '@floodgate/core/ports/warehouse.ts';

export type Staging = { readonly dates: Map<PartitionDate, readonly JsonObject[]> };

export type MemoryTable = {
  columns: readonly Column[];
  readonly rows: Map<PartitionDate, readonly JsonObject[]>;
  readonly log: Map<PartitionDate, CommitLogEntry>;
  readonly stagings: Map<string, Staging>;
  /** Staging as listed: the names of preserved ones among them. */
  fence: number;
};

export const createTable = (columns: readonly Column[]): MemoryTable => ({ columns, rows: new Map(), log: new Map(), stagings: new Map(), fence: 0 });

const hasType = (column: Column, value: JsonObject[string]): boolean => {
  if (value === null) return true;
  switch (column.type) {
    case 'STRING':
      return typeof value === 'string';
    case 'INT64':
      return typeof value === 'number' ? Number.isInteger(value) : typeof value === 'string' && /^-?\d+$/.test(value);
    case 'FLOAT64':
      return typeof value === 'number';
    case 'BOOL':
      return typeof value === 'boolean';
    case 'DATE':
      return typeof value === 'string' && tryPartitionDate(value) !== undefined;
    default:
      return true;
  }
};

const broken = (message: string): WarehouseError => new WarehouseError('contract_broken', message);

/** The rows of each date of the job, in the declared columns. Throws `contract_broken` by name. */
export const sortIntoDates = ({ target, dates, body }: StageJob, rows: readonly JsonObject[]): Map<PartitionDate, readonly JsonObject[]> => {
  const [first, last] = [dates[0] as PartitionDate, dates.at(-1) as PartitionDate];
  const declared = new Map(target.columns.map((column) => [column.name, column]));
  const sorted = new Map<PartitionDate, JsonObject[]>(dates.map((date) => [date, []]));
  for (const row of rows) {
    for (const name of Object.keys(row)) if (!declared.has(name)) throw broken(`+ ${name} is not declared in ${target.table}`);
    for (const column of target.columns) {
      if (body.kind === 'select' && !Object.hasOwn(row, column.name))
        throw broken(`- ${column.name} ${column.type} is declared in ${target.table} and not yielded`);
      if (!hasType(column, row[column.name] ?? null))
        throw broken(`${target.table}: ${column.name} is ${column.type}, found ${JSON.stringify(row[column.name])}`);
    }
    const date = row[target.partitionColumn] as PartitionDate;
    if (date < first || date > last) throw broken(`a row of ${date} lies outside ${first} to ${last}`);
    sorted.get(date)?.push(Object.fromEntries(target.columns.map(({ name }) => [name, row[name] ?? null])));
  }
  return sorted;
};

const rounded = (column: Column, value: JsonObject[string]): JsonObject[string] =>
  column.type === 'FLOAT64' && typeof value === 'number' ? Number(value.toFixed(column.digits)) + 0 : value;

/** The same for the same rows in any order; empty for none. */
export const hashRows = (columns: readonly Column[], rows: readonly JsonObject[]): StagedDate => {
  if (rows.length === 0) return { rows: 0, contentHash: '' };
  const texts = rows.map((row) => canonicalJson(columns.map((column) => rounded(column, row[column.name] ?? null))));
  return { rows: rows.length, contentHash: digestText(texts.sort().join('\n')) };
};

/** Adds new nullable columns; throws `schema_mismatch` on any other difference. */
export const alignColumns = (table: MemoryTable, target: TableSpec): void => {
  const found = new Map(table.columns.map((column) => [column.name, column]));
  const declared = new Set(target.columns.map(({ name }) => name));
  const lines = target.columns.flatMap((column) => {
    const before = found.get(column.name);
    if (before === undefined) return column.required ? [`+ ${column.name} ${column.type} (required: only nullable columns can be added)`] : [];
    return before.type === column.type ? [] : [`~ ${column.name}: declared ${column.type}, found ${before.type}`];
  });
  for (const { name, type } of table.columns) if (!declared.has(name)) lines.push(`- ${name} ${type}`);
  if (lines.length > 0) throw new WarehouseError('schema_mismatch', `${target.table} is not as declared:\n  ${lines.join('\n  ')}`);
  table.columns = target.columns;
};
