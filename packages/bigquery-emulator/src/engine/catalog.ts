// Datasets and tables as they are now. The rows in DuckDB are the truth; this is what was read from them when the engine
// opened and what committed units have changed since. Maps are replaced, never changed, so that a unit keeps those of its snapshot.
import type { Dataset } from '../engine-contract.ts';
import type { DatasetId, TableId } from '../types.ts';
import { WriteConflict } from './duckdb-errors.ts';
import type { Connection } from './database.ts';
import { textLiteral } from './sql-text.ts';
import { keyOf, placeOf, type StoredTable } from './stored-table.ts';

export type CatalogView = {
  readonly datasets: ReadonlyMap<string, Dataset>;
  readonly tables: ReadonlyMap<string, StoredTable>;
  /** Tables, by uid, that have a second one beside them for rows of streaming inserts. */
  readonly buffered: ReadonlySet<number>;
};

/** `before` is what the unit has seen: where it isn't so any more at the commit, somebody was faster. */
export type CatalogChange =
  | { readonly kind: 'dataset'; readonly id: DatasetId; readonly before: Dataset | undefined; readonly after: Dataset | undefined }
  | { readonly kind: 'table'; readonly id: TableId; readonly before: StoredTable | undefined; readonly after: StoredTable | undefined }
  | { readonly kind: 'buffer'; readonly id: TableId; readonly uid: number };

export const datasetKey = ({ projectId, datasetId }: DatasetId): string => JSON.stringify([projectId, datasetId]);

export class Catalog {
  #view: CatalogView = { datasets: new Map(), tables: new Map(), buffered: new Set() };
  readonly #modified = new Map<number, number>();
  readonly #anonymous = new Map<string, StoredTable>();
  #lastUid = 0;

  get view(): CatalogView {
    return this.#view;
  }

  nextUid(): number {
    this.#lastUid += 1;
    return this.#lastUid;
  }

  async load(connection: Connection): Promise<void> {
    await connection.run(`CREATE OR REPLACE TABLE catalog.modified AS
      SELECT uid, max(modified_at) AS modified_at FROM catalog.modified WHERE uid IN (SELECT uid FROM catalog.tables) GROUP BY uid`);
    for (const [uid, at] of await connection.rows('SELECT uid, modified_at FROM catalog.modified')) this.#modified.set(Number(uid), Number(at));
    const datasets = (await connection.rows('SELECT body FROM catalog.datasets')).map(([body]) => JSON.parse(String(body)) as Dataset);
    const tables = (await connection.rows('SELECT body FROM catalog.tables')).map(([body]) => JSON.parse(String(body)) as StoredTable);
    const buffers = await connection.rows(`SELECT table_name FROM duckdb_tables() WHERE schema_name = 'data' AND table_name LIKE 'b%'`);
    this.#view = {
      datasets: new Map(datasets.map((dataset) => [datasetKey(dataset), dataset])),
      tables: new Map(tables.map((table) => [keyOf(table), table])),
      buffered: new Set(buffers.map(([name]) => Number(String(name).slice(1)))),
    };
    for (const [body] of await connection.rows('SELECT body FROM results.main.catalog')) {
      const table = JSON.parse(String(body)) as StoredTable;
      this.#anonymous.set(keyOf(table), table);
    }
    this.#lastUid = Math.max(0, ...tables.map(({ uid }) => uid), ...[...this.#anonymous.values()].map(({ uid }) => uid));
  }

  /** The table as of `view`, unless it has expired. */
  table(id: TableId, now: number, view = this.#view): StoredTable | undefined {
    const table = view.tables.get(keyOf(id)) ?? this.#anonymous.get(keyOf(id));
    if (table === undefined || (table.expiresAt !== undefined && table.expiresAt <= now)) return undefined;
    const modifiedAt = this.#modified.get(table.uid);
    return modifiedAt === undefined || modifiedAt <= table.modifiedAt ? table : { ...table, modifiedAt };
  }

  /** Throws WriteConflict where a change is based on what is no longer so. */
  check(changes: readonly CatalogChange[]): void {
    for (const change of changes) {
      if (change.kind === 'buffer') {
        if (this.#view.buffered.has(change.uid)) throw new WriteConflict('the buffer is there');
        continue;
      }
      const present = change.kind === 'dataset' ? this.#view.datasets.get(datasetKey(change.id)) : this.#view.tables.get(keyOf(change.id));
      const isAsSeen =
        change.kind === 'dataset'
          ? present?.etag === change.before?.etag
          : (present as StoredTable | undefined)?.uid === change.before?.uid && present?.etag === change.before?.etag;
      if (!isAsSeen) throw new WriteConflict('the catalog has changed');
      const datasetOf = this.#view.datasets.get(datasetKey(change.id));
      if (change.kind === 'table' && change.after !== undefined && datasetOf === undefined) throw new WriteConflict('the dataset is gone');
    }
  }

  apply(changes: readonly CatalogChange[]): void {
    if (changes.length === 0) return;
    const [datasets, tables, buffered] = [new Map(this.#view.datasets), new Map(this.#view.tables), new Set(this.#view.buffered)];
    for (const change of changes) {
      if (change.kind === 'buffer') buffered.add(change.uid);
      else if (change.kind === 'dataset') replace(datasets, datasetKey(change.id), change.after);
      else {
        replace(tables, keyOf(change.id), change.after);
        if (change.before === undefined || change.before.uid === change.after?.uid) continue;
        this.#modified.delete(change.before.uid);
        buffered.delete(change.before.uid);
      }
    }
    this.#view = { datasets, tables, buffered };
  }

  touch(uid: number, at: number): void {
    this.#modified.set(uid, at);
  }

  addAnonymous(table: StoredTable): void {
    this.#anonymous.set(keyOf(table), table);
  }

  takeExpired(now: number): { readonly anonymous: readonly StoredTable[]; readonly tables: readonly StoredTable[] } {
    const isExpired = ({ expiresAt }: StoredTable): boolean => expiresAt !== undefined && expiresAt <= now;
    const anonymous = [...this.#anonymous.values()].filter(isExpired);
    for (const table of anonymous) this.#anonymous.delete(keyOf(table));
    return { anonymous, tables: [...this.#view.tables.values()].filter(isExpired) };
  }
}

/** The statements that bring a change into DuckDB, in the unit's transaction. Making and altering the table itself is its maker's. */
export const storeChange = async (connection: Connection, change: CatalogChange): Promise<void> => {
  // Whoever makes a buffer makes its table.
  if (change.kind === 'buffer') return;
  const { projectId, datasetId } = change.id;
  const inDataset = `project = ${textLiteral(projectId)} AND dataset = ${textLiteral(datasetId)}`;
  if (change.kind === 'dataset') {
    if (change.before !== undefined) await connection.run(`DELETE FROM catalog.datasets WHERE ${inDataset}`);
    if (change.after !== undefined)
      await connection.run(
        `INSERT INTO catalog.datasets VALUES (${textLiteral(projectId)}, ${textLiteral(datasetId)}, ${textLiteral(JSON.stringify(change.after))})`,
      );
    return;
  }
  const { before, after } = change;
  const { tableId } = change.id;
  if (before !== undefined) await connection.run(`DELETE FROM catalog.tables WHERE ${inDataset} AND name = ${textLiteral(tableId)}`);
  if (before !== undefined && before.uid !== after?.uid) {
    await connection.run(`DROP TABLE IF EXISTS ${placeOf(before)}`);
    await connection.run(`DROP TABLE IF EXISTS data.b${before.uid}`);
  }
  if (after !== undefined)
    await connection.run(
      `INSERT INTO catalog.tables VALUES (${textLiteral(projectId)}, ${textLiteral(datasetId)}, ${textLiteral(tableId)}, ${after.uid}, ${textLiteral(JSON.stringify(after))})`,
    );
};

const replace = <Value>(map: Map<string, Value>, key: string, value: Value | undefined): void => {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
};
