// One transaction of DuckDB with what the engine has to know of it: the catalog of its snapshot, the tables that it writes, and
// what it changes in the catalog. Snapshots are taken and commits are made one at a time, so that "since my snapshot" has a meaning.
import { DuckDBTimestampTZValue } from '@duckdb/node-api';
import type { Dataset, EngineClock } from '../engine-contract.ts';
import { Mutex } from '../mutex.ts';
import { BigQueryProblem } from '../problem.ts';
import { formatTableId, type DatasetId, type TableId } from '../types.ts';
import { datasetKey, storeChange, type Catalog, type CatalogChange, type CatalogView } from './catalog.ts';
import type { Bindings, Connection, Database } from './database.ts';
import { toProblem, WriteConflict } from './duckdb-errors.ts';
import { WriteHistory, type Writer } from './write-history.ts';
import type { StoredTable } from './stored-table.ts';

export class Unit {
  readonly connection: Connection;
  readonly view: CatalogView;
  /** Of a transaction that a caller has begun; a statement alone has none. */
  readonly transactionId: string | undefined;
  readonly changes: CatalogChange[] = [];
  /** Tables whose rows are written, for the time of their last change. */
  readonly written = new Map<number, StoredTable>();
  readonly touched = new Map<number, Set<string>>();
  readonly results: StoredTable[] = [];
  readonly writer: Writer;
  readonly entered = new Set<number>();
  readonly end: () => void;
  /** What CURRENT_TIMESTAMP answers: in a transaction the time of its start. */
  readonly startedAt: number;
  readonly #catalog: Catalog;
  readonly #clock: EngineClock;

  constructor(connection: Connection, catalog: Catalog, clock: EngineClock, transactionId: string | undefined) {
    this.connection = connection;
    this.view = catalog.view;
    this.transactionId = transactionId;
    this.startedAt = clock.now();
    this.#catalog = catalog;
    this.#clock = clock;
    const ended = Promise.withResolvers<void>();
    this.writer = { isTransaction: transactionId !== undefined, ended: ended.promise };
    this.end = ended.resolve;
  }

  /** For texts that name nothing but CURRENT_TIMESTAMP and its like. */
  get present(): Bindings {
    return new Map([['sys_now', { type: { kind: 'TIMESTAMP' }, value: new DuckDBTimestampTZValue(BigInt(this.startedAt) * 1000n) }]]);
  }

  table(id: TableId): StoredTable | undefined {
    return this.#catalog.table(id, this.#clock.now(), this.view);
  }

  isBuffered(uid: number): boolean {
    return this.view.buffered.has(uid);
  }

  /** Also one that has expired and was not yet cleared away. */
  tableOrRemains(id: TableId): StoredTable | undefined {
    return this.view.tables.get(JSON.stringify([id.projectId, id.datasetId, id.tableId]));
  }

  requireTable(id: TableId): StoredTable {
    const table = this.table(id);
    if (table === undefined) throw new BigQueryProblem('notFound', `Not found: Table ${formatTableId(id)}`);
    return table;
  }

  requireDataset(id: DatasetId): Dataset {
    const dataset = this.view.datasets.get(datasetKey(id));
    if (dataset === undefined) throw new BigQueryProblem('notFound', `Not found: Dataset ${id.projectId}:${id.datasetId}`);
    return dataset;
  }

  noteTouched(table: StoredTable, partitions: Iterable<string>): void {
    const touched = this.touched.get(table.uid) ?? new Set();
    for (const partition of partitions) touched.add(partition);
    this.touched.set(table.uid, touched);
    this.written.set(table.uid, table);
  }
}

/** Transactions and statements of everybody. */
export class Units {
  readonly catalog: Catalog;
  readonly history = new WriteHistory();
  readonly #database: Database;
  readonly #clock: EngineClock;
  readonly #turn = new Mutex();

  constructor(database: Database, catalog: Catalog, clock: EngineClock) {
    this.#database = database;
    this.catalog = catalog;
    this.#clock = clock;
  }

  get now(): number {
    return this.#clock.now();
  }

  async begin(connection: Connection, transactionId?: string): Promise<Unit> {
    return this.#turn.run(async () => {
      await connection.run('BEGIN TRANSACTION');
      // DuckDB takes the snapshot at the first read, not at BEGIN.
      await connection.run('SELECT 1 FROM catalog.modified LIMIT 1');
      const unit = new Unit(connection, this.catalog, this.#clock, transactionId);
      this.history.open(unit);
      return unit;
    });
  }

  /** Throws WriteConflict, or for a transaction of a caller the text that BigQuery has for it; the unit is rolled back then. */
  async commit(unit: Unit): Promise<void> {
    try {
      await this.#turn.run(async () => {
        this.#check(unit);
        const now = this.#clock.now();
        for (const change of unit.changes) await storeChange(unit.connection, change);
        const replaced = new Set(unit.changes.map((change) => (change.kind === 'table' ? change.after?.uid : undefined)));
        const modified = [...unit.written.keys()].filter((uid) => !replaced.has(uid));
        if (modified.length > 0) await unit.connection.run(`INSERT INTO catalog.modified VALUES ${modified.map((uid) => `(${uid}, ${now})`).join(', ')}`);
        for (const table of unit.results)
          await unit.connection.run(
            'INSERT INTO results.main.catalog VALUES ($uid, $body)',
            new Map([
              ['uid', { type: { kind: 'INT64' }, value: BigInt(table.uid) }],
              ['body', { type: { kind: 'STRING' }, value: JSON.stringify(table) }],
            ]),
          );
        await unit.connection.run('COMMIT');
        this.catalog.apply(unit.changes);
        for (const uid of modified) this.catalog.touch(uid, now);
        for (const table of unit.results) this.catalog.addAnonymous(table);
        for (const [uid, touched] of unit.touched) this.history.record(uid, touched);
      });
    } catch (error) {
      await this.#abandon(unit);
      const known = toProblem(error);
      const [table] = unit.written.values();
      throw known instanceof WriteConflict && unit.transactionId !== undefined && table !== undefined ? abortedTransaction(table, unit.transactionId) : known;
    }
    this.#close(unit);
  }

  async rollback(unit: Unit): Promise<void> {
    await this.#abandon(unit);
  }

  /** On a connection of its own; a conflict is tried again a few times, as nothing of it was seen by anybody. */
  async atomically<T>(body: (unit: Unit) => Promise<T>, attempts = 20): Promise<T> {
    try {
      return await this.tryAtomically(body, attempts);
    } catch (error) {
      if (!(error instanceof WriteConflict)) throw error;
      throw new BigQueryProblem('backendError', `Too many concurrent changes, try again: ${error.message}`, undefined, { cause: error });
    }
  }

  /** Throws WriteConflict where it lost for good. */
  async tryAtomically<T>(body: (unit: Unit) => Promise<T>, attempts: number): Promise<T> {
    const connection = await this.#database.connect();
    try {
      for (let attempt = 1; ; attempt += 1) {
        const unit = await this.begin(connection);
        try {
          const result = await body(unit);
          await this.commit(unit);
          return result;
        } catch (error) {
          await this.rollback(unit);
          if (!(error instanceof WriteConflict) || attempt >= attempts) throw error;
          await this.othersEnd(unit);
        }
      }
    } finally {
      this.#database.release(connection);
    }
  }

  /**
   * Before a statement updates or deletes rows. A transaction is refused where anybody else changes the table now or has
   * changed it since the snapshot; a statement alone waits for transactions, and finds its conflicts at the commit.
   */
  enterTable(unit: Unit, table: StoredTable): void {
    if (unit.entered.has(table.uid)) return;
    if (unit.transactionId !== undefined && (this.history.writersOf(table.uid).length > 0 || this.history.hasChangedSince(unit, table.uid, 'anywhere')))
      throw abortedTransaction(table, unit.transactionId);
    unit.entered.add(table.uid);
    this.history.enter(table.uid, unit.writer);
    unit.written.set(table.uid, table);
  }

  /** A MERGE that has only inserted conflicts with nobody. */
  leaveTable(unit: Unit, table: StoredTable): void {
    if ((unit.touched.get(table.uid)?.size ?? 0) > 0) return;
    unit.entered.delete(table.uid);
    this.history.leave(table.uid, unit.writer);
  }

  transactionsOn(uid: number): readonly Writer[] {
    return this.history.writersOf(uid).filter(({ isTransaction }) => isTransaction);
  }

  /** Waits until those that now write the tables of a unit that has lost have ended. */
  async othersEnd(unit: Unit): Promise<void> {
    await Promise.all([...unit.written.keys()].flatMap((uid) => this.history.writersOf(uid)).map(({ ended }) => ended));
  }

  #check(unit: Unit): void {
    this.catalog.check(unit.changes);
    const changed = new Set(unit.changes.map((change) => (change.kind === 'table' ? change.before?.uid : undefined)));
    for (const [uid, table] of unit.written) {
      const present = this.catalog.view.tables.get(JSON.stringify([table.projectId, table.datasetId, table.tableId]));
      const isMade = unit.changes.some((change) => change.kind === 'table' && change.after?.uid === uid);
      if (!isMade && !changed.has(uid) && present?.uid !== uid) throw new WriteConflict('the table was replaced');
    }
    for (const [uid, touched] of unit.touched)
      if (this.history.hasChangedSince(unit, uid, unit.transactionId === undefined ? touched : 'anywhere'))
        throw new WriteConflict('the partitions were changed');
  }

  async #abandon(unit: Unit): Promise<void> {
    unit.connection.resume();
    // A commit that failed has ended DuckDB's transaction already.
    await unit.connection.run('ROLLBACK').catch(() => undefined);
    this.#close(unit);
  }

  #close(unit: Unit): void {
    for (const uid of unit.entered) this.history.leave(uid, unit.writer);
    unit.entered.clear();
    this.history.close(unit);
    unit.end();
  }
}

const abortedTransaction = (table: TableId, transactionId: string): BigQueryProblem =>
  new BigQueryProblem(
    'invalidQuery',
    `Transaction is aborted due to concurrent update against table ${formatTableId(table)}. Transaction ID: ${transactionId}`,
    'query',
  );
