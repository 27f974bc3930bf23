// What a statement reads, told by DuckDB's own planner: which columns of which tables, and which filters it has brought down to
// them. Asked in a database of empty tables, so that no statistics of rows make a scan vanish.
// https://docs.cloud.google.com/bigquery/docs/querying-partitioned-tables#better_performance_with_pseudo-columns
import { DuckDBInstance } from '@duckdb/node-api';
import { duckdbPrelude } from '@floodgate/sql/prelude.ts';
import type { Partitioning } from '../types.ts';
import { Connection, type Bindings } from './database.ts';
import { registerFarmFingerprint } from './farm-fingerprint-function.ts';
import { Mutex } from '../mutex.ts';
import { columnsSql } from './storable.ts';
import type { StoredTable } from './stored-table.ts';

export type Scan = {
  readonly table: StoredTable;
  /** In lower case. */
  readonly columns: readonly string[];
  /** Predicates on the partition column alone. */
  readonly partitionFilters: readonly string[];
};

type PlanNode = { readonly name: string; readonly children: readonly PlanNode[]; readonly extra_info: Readonly<Record<string, string | readonly string[]>> };

export class ScanPlanner {
  readonly #instance: DuckDBInstance;
  readonly #connection: Connection;
  readonly #turn = new Mutex();
  /** Versions of tables that are there, by uid. */
  readonly #known = new Map<number, number>();

  private constructor(instance: DuckDBInstance, connection: Connection) {
    this.#instance = instance;
    this.#connection = connection;
  }

  static async open(): Promise<ScanPlanner> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    await registerFarmFingerprint(instance);
    const connection = new Connection(await instance.connect());
    for (const statement of [...duckdbPrelude, 'CREATE SCHEMA data', `SET disabled_optimizers = 'statistics_propagation'`]) await connection.run(statement);
    return new ScanPlanner(instance, connection);
  }

  /** `setup`: temporary tables that the query names beside `tables`. */
  async plan(sql: string, bindings: Bindings, tables: readonly StoredTable[], setup: readonly string[] = []): Promise<readonly Scan[]> {
    const places = new Map(tables.map((table) => [`t${table.uid}`, table]));
    return this.#turn.run(async () => {
      for (const table of tables) await this.#know(table);
      for (const statement of setup) await this.#connection.run(statement, bindings);
      const [row] = await this.#connection.rows(`EXPLAIN (FORMAT json) ${sql}`, bindings);
      const scans: Scan[] = [];
      for (const root of JSON.parse(String(row?.[1])) as PlanNode[]) collect(root, [], places, scans);
      return scans;
    });
  }

  async close(): Promise<void> {
    await this.#connection.close();
    this.#instance.closeSync();
  }

  async #know(table: StoredTable): Promise<void> {
    if (this.#known.get(table.uid) === table.version) return;
    const fields = table.schema.fields.map((field) => ({ ...field, mode: field.mode === 'REPEATED' ? field.mode : ('NULLABLE' as const) }));
    await this.#connection.run(`CREATE OR REPLACE TABLE data.t${table.uid} (${columnsSql(fields)})`);
    this.#known.set(table.uid, table.version);
    // Tables come and go by the thousand; forgetting them all now and then is cheaper than following each one's end.
    if (this.#known.size <= 2000) return;
    for (const uid of this.#known.keys()) await this.#connection.run(`DROP TABLE data.t${uid}`);
    this.#known.clear();
  }
}

const toList = (value: string | readonly string[] | undefined): readonly string[] => (value === undefined ? [] : typeof value === 'string' ? [value] : value);

const collect = (node: PlanNode, filtersAbove: readonly string[], places: ReadonlyMap<string, StoredTable>, scans: Scan[]): void => {
  const { extra_info: info } = node;
  if (node.name.trim() === 'SEQ_SCAN') {
    const table = places.get(String(info['Table']).split('.').at(-1) ?? '');
    if (table !== undefined) scans.push(readScan(table, toList(info['Projections']), toList(info['Filters']), filtersAbove));
  }
  for (const child of node.children) collect(child, node.name.trim() === 'FILTER' ? toList(info['Expression']) : [], places, scans);
};

/** DuckDB marks filters that it may leave out, in the middle of others too. Texts stay as they are. */
const withoutMarks = (filter: string): string => filter.replaceAll(/'(?:[^']|'')*'|\boptional: /g, (found) => (found.startsWith("'") ? found : ''));

const readScan = (table: StoredTable, projections: readonly string[], filters: readonly string[], above: readonly string[]): Scan => {
  const names = new Map(table.schema.fields.map(({ name }) => [name.toLowerCase(), name]));
  const predicates = [...filters.map(withoutMarks), ...above];
  const columns = new Set([
    ...projections.map((column) => (column.split('.')[0] as string).replaceAll('"', '').toLowerCase()),
    ...filters.flatMap((filter) => columnsIn(filter, names)),
  ]);
  const partition = table.partitioning?.field.toLowerCase();
  return {
    table,
    columns: [...columns].filter((name) => names.has(name)),
    partitionFilters: predicates.filter((predicate) => {
      const mentioned = new Set(columnsIn(predicate, names));
      return mentioned.size === 1 && partition !== undefined && mentioned.has(partition);
    }),
  };
};

/** Columns that a filter of a plan mentions; functions and types may have the names of columns. */
const columnsIn = (filter: string, names: ReadonlyMap<string, string>): readonly string[] =>
  [
    ...filter
      .replaceAll(/'(?:[^']|'')*'/g, ' ')
      .replaceAll(/::[A-Z][A-Z ]*|\bAS [A-Z][A-Z ]*/g, ' ')
      .matchAll(/"((?:[^"]|"")*)"(?!\()|\b([A-Za-z_]\w*)\b(?!\()/g),
  ]
    .map(([, quoted, plain]) => (quoted ?? plain ?? '').toLowerCase())
    .filter((name) => names.has(name));

/** Whether DuckDB's words for a partition filter can stand in a WHERE as they are, and cover whole partitions. */
export const isExactFor = (partitioning: Partitioning, type: string): boolean => partitioning.kind === 'time' && partitioning.type === 'DAY' && type === 'DATE';
