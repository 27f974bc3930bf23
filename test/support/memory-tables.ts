// What the in-memory warehouse keeps of one table, and how it reads rows: types, dates, content hashes, differences of schema.
import { canonicalJson, digestText } from '@floodgate/core/domain/digest.ts';
import { tryPartitionDate, type PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Column } from '@floodgate/core/domain/pipeline.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import {
  WarehouseError,
  type CommitLogEntry,
  type DateRange,
  type SourceDigest,
  type StagedDate,
  type StageJob,
  type TableSpec,
  type TableComparison,
} from '@floodgate/core/ports/warehouse.ts';

/** Rows by date. Never changed in place: whoever holds one holds a snapshot, and what was computed from it stays true. */
export type DatedRows = ReadonlyMap<PartitionDate, readonly JsonObject[]>;

/** What is committed of a table, replaced as a whole by each commit. */
export type TableState = {
  readonly rows: DatedRows;
  /** More than one entry of a date only where something is wrong with the fence. */
  readonly log: ReadonlyMap<PartitionDate, readonly CommitLogEntry[]>;
  readonly fence: number;
  /** Counts the commits. */
  readonly number: number;
  /** The last commits that updated or deleted something in the target, and in the log. */
  readonly rowsMutated: number;
  readonly logMutated: number;
};

export type MemoryTable = {
  columns: readonly Column[];
  state: TableState;
  /** By name, preserved ones among them. */
  readonly stagings: Map<string, DatedRows>;
};

export const createTable = (columns: readonly Column[]): MemoryTable => ({
  columns,
  state: { rows: new Map(), log: new Map(), fence: 0, number: 0, rowsMutated: 0, logMutated: 0 },
  stagings: new Map(),
});

/** Computes once per object. */
const remember = <Key extends object, Value>(compute: (key: Key) => Value): ((key: Key) => Value) => {
  const known = new WeakMap<Key, Value>();
  return (key) => {
    let value = known.get(key);
    if (value === undefined) known.set(key, (value = compute(key)));
    return value;
  };
};

const byDate = <Value>(dates: ReadonlyMap<PartitionDate, Value>): readonly (readonly [PartitionDate, Value])[] =>
  [...dates].sort(([a], [b]) => (a < b ? -1 : 1));

/** All rows in the order of their dates. */
export const allRows = remember((dates: DatedRows): readonly JsonObject[] => byDate(dates).flatMap(([, rows]) => rows));

export const allEntries = remember((log: TableState['log']): readonly CommitLogEntry[] => byDate(log).flatMap(([, entries]) => entries));

export const entriesOf = (log: TableState['log'], dates: readonly PartitionDate[]): readonly CommitLogEntry[] =>
  dates.flatMap((date) => log.get(date) ?? []).sort((a, b) => (a.date < b.date ? -1 : 1));

const staged = new WeakMap<readonly JsonObject[], readonly JsonObject[]>();

/** Rows as a commit writes them. */
export const toCommitted = (rows: readonly JsonObject[], generation: number, backfillId: string): readonly JsonObject[] => {
  const committed = rows.map((row) => ({ ...row, _generation: generation, _backfill_id: backfillId }));
  staged.set(committed, rows);
  return committed;
};

/** Rows without the columns that Floodgate keeps: those that were staged, where a commit wrote them. */
export const withoutMetadata = remember(
  (rows: readonly JsonObject[]): readonly JsonObject[] => staged.get(rows) ?? rows.map(({ _generation, _backfill_id, ...row }) => row),
);

/** Rows of different dates without the columns that Floodgate keeps. */
export const allWithoutMetadata = remember((dates: DatedRows): readonly JsonObject[] => byDate(dates).flatMap(([, rows]) => withoutMetadata(rows)));

const digestRows = remember((rows: readonly JsonObject[]): SourceDigest => {
  const texts = withoutMetadata(rows).map((row) => JSON.stringify(Object.entries(row)));
  return { rows: rows.length, digest: digestText(texts.sort().join('\n')) };
});

type Digests = ReadonlyMap<PartitionDate, SourceDigest>;

/** By range. */
const digestsOf = remember<DatedRows, Map<string, Digests>>(() => new Map());

export const digestDates = (dates: DatedRows, { first, last }: DateRange): Digests => {
  const ranges = digestsOf(dates);
  const range = `${first}|${last}`;
  let digests = ranges.get(range);
  if (digests === undefined) {
    const inside = byDate(dates).filter(([date, rows]) => date >= first && date <= last && rows.length > 0);
    ranges.set(range, (digests = new Map(inside.map(([date, rows]) => [date, digestRows(rows)]))));
  }
  return digests;
};

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
export const sortIntoDates = ({ target, dates, body }: StageJob, rows: readonly JsonObject[]): DatedRows => {
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

const differencesOf = (table: MemoryTable, target: TableSpec): readonly string[] => {
  const found = new Map(table.columns.map((column) => [column.name, column]));
  const declared = new Set(target.columns.map(({ name }) => name));
  const lines = target.columns.flatMap((column) => {
    const before = found.get(column.name);
    if (before === undefined) return column.required ? [`+ ${column.name} ${column.type} (required: only nullable columns can be added)`] : [];
    return before.type === column.type ? [] : [`~ ${column.name}: declared ${column.type}, found ${before.type}`];
  });
  for (const { name, type } of table.columns) if (!declared.has(name)) lines.push(`- ${name} ${type}`);
  return lines;
};

/** Adds new nullable columns; throws `schema_mismatch` on any other difference. */
export const alignColumns = (table: MemoryTable, target: TableSpec): void => {
  if (table.columns === target.columns) return;
  const lines = differencesOf(table, target);
  if (lines.length > 0) throw new WarehouseError('schema_mismatch', `${target.table} is not as declared:\n  ${lines.join('\n  ')}`);
  table.columns = target.columns;
};

export const compareColumns = (table: MemoryTable, target: TableSpec): TableComparison => {
  const differences = differencesOf(table, target);
  if (differences.length > 0) return { state: 'different', differences };
  const known = new Set(table.columns.map(({ name }) => name));
  return { state: 'as_declared', missing: target.columns.map(({ name }) => name).filter((name) => !known.has(name)) };
};
