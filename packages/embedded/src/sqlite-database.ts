// The one SQLite file of a home: opened, given its schema, and written in transactions. Store and bus of a process share
// one connection, so they never wait for each other; other processes (a command in a second terminal) have their own.
//
// What a commit means. WAL with synchronous=NORMAL: a commit is a write to the log without fsync. After kill -9 of the
// process nothing committed is missing, since the operating system has it. After a power loss the newest commits (since the last
// checkpoint, seconds at most under load) may be missing, in order and never half: the warehouse's commit log then says what happened,
// and `floodgate reconcile` rebuilds from it. synchronous=FULL would cost an fsync (1 to 10 ms) for each commit instead.
import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import type { Ids } from '@floodgate/core/ports/ids.ts';
import { StoreError } from '@floodgate/core/ports/status-store.ts';
import { fromSqliteError, isSqliteBusy } from './sqlite-errors.ts';
import { SqliteWriteQueue } from './sqlite-write-queue.ts';
import type { Written } from './sqlite-write-queue.ts';

export type SqliteDatabaseOptions = {
  readonly file: string;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Waiting for another process's write blocks this whole process: short, since callers try again without blocking. */
  readonly busyTimeoutMs?: number;
};

/** Raised when a table changes so that older code can't work with it; open() then migrates, and older code refuses. */
const schemaVersion = 1;
/** Only to open: creating the schema, recovering a log after a crash. */
const openTimeoutMs = 10_000;
/** Pages of log between checkpoints. A checkpoint costs fsyncs: rarer than the default of 1000, at up to 32 MB of log. */
const checkpointPages = 8_000;

const schema = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO meta VALUES ('schema', ${schemaVersion}), ('position', 0);

  -- data comes last: what is asked often (version) is read without touching the pages that a long document runs over.
  CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    -- Last segment of the collection's path: declared indexes are partial on it.
    grp TEXT NOT NULL,
    version INTEGER NOT NULL,
    data TEXT NOT NULL
  );
  CREATE INDEX documents_by_grp ON documents (grp, path);

  CREATE TABLE subscriptions (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, topic TEXT NOT NULL);

  -- One row for each message and subscription, deleted when it is acked. AUTOINCREMENT: the order of publishing, no id comes back.
  CREATE TABLE queue (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    subscription INTEGER NOT NULL,
    -- When it may be delivered; of a leased one, when the lease has expired and its backoff is over.
    due_at INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    -- The bus that has it leased.
    holder TEXT,
    ordering_key TEXT,
    attributes TEXT NOT NULL,
    data TEXT NOT NULL
  );
  CREATE INDEX queue_by_due ON queue (subscription, due_at);
  CREATE INDEX queue_by_key ON queue (subscription, ordering_key) WHERE ordering_key IS NOT NULL;
`;

export class SqliteDatabase implements AsyncDisposable {
  readonly file: string;
  readonly #connection: DatabaseSync;
  readonly #options: SqliteDatabaseOptions;
  readonly #queue: SqliteWriteQueue;
  readonly #rowStatements = new Map<string, RowStatement>();
  readonly #begin: StatementSync;
  readonly #beginRead: StatementSync;
  readonly #commit: StatementSync;
  readonly #rollback: StatementSync;

  private constructor(options: SqliteDatabaseOptions, connection: DatabaseSync) {
    this.file = options.file;
    this.#options = options;
    this.#connection = connection;
    this.#queue = new SqliteWriteQueue((work) => this.#tryWrite(work), options);
    this.#begin = connection.prepare('BEGIN IMMEDIATE');
    this.#beginRead = connection.prepare('BEGIN');
    this.#commit = connection.prepare('COMMIT');
    this.#rollback = connection.prepare('ROLLBACK');
  }

  /** Opens the file, or creates it. Throws StoreError `invalid` for what is no Floodgate database, or one of a newer version. */
  static open(options: SqliteDatabaseOptions): SqliteDatabase {
    const { file } = options;
    let connection: DatabaseSync | undefined;
    try {
      connection = new DatabaseSync(file, { timeout: openTimeoutMs });
      connection.exec(
        `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = ${checkpointPages}; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY`,
      );
      const database = new SqliteDatabase(options, connection);
      database.#prepareSchema();
      return database;
    } catch (error) {
      connection?.close();
      throw fromSqliteError(error, file);
    }
  }

  #prepareSchema(): void {
    const hasMeta = (): boolean => this.rowStatement(`SELECT 1 FROM sqlite_schema WHERE name = 'meta'`).get() !== undefined;
    if (!hasMeta()) {
      this.writeAtOpen(() => {
        // Asked again: another process may have been faster.
        if (hasMeta()) return;
        if (this.rowStatement('SELECT 1 FROM sqlite_schema').get() !== undefined) {
          throw new StoreError('invalid', `${this.file} is a SQLite database, but not one of Floodgate`, { hint: 'Choose another home folder.' });
        }
        this.#connection.exec(schema);
      });
    }
    const version = Number(this.rowStatement(`SELECT value FROM meta WHERE name = 'schema'`).get()?.[0]);
    if (version !== schemaVersion) {
      throw new StoreError('invalid', `${this.file} has schema version ${version}; this Floodgate knows ${schemaVersion}`, {
        hint: 'Use the Floodgate version that wrote it, or a newer one.',
      });
    }
  }

  /**
   * Prepared once for each text: texts are constants of this package, so their number is bounded. Rows are arrays, which cost half
   * of what objects cost; errors are StoreErrors.
   */
  rowStatement(sql: string): RowStatement {
    let statement = this.#rowStatements.get(sql);
    if (statement === undefined) {
      const prepared = this.#guarded(() => this.#connection.prepare(sql));
      prepared.setReturnArrays(true);
      // The declared types don't know what setReturnArrays does.
      const { get, all, run } = prepared as unknown as RowStatement;
      const guard =
        <T>(call: (...values: SqlValue[]) => T) =>
        (...values: SqlValue[]): T => {
          try {
            return call.apply(prepared, values);
          } catch (error) {
            throw fromSqliteError(error, this.file);
          }
        };
      statement = { get: guard(get), all: guard(all), run: guard(run) };
      this.#rowStatements.set(sql, statement);
    }
    return statement;
  }

  /** Statements that are run once (schema of indexes, pragmas of tests). */
  execute(sql: string): void {
    this.#guarded(() => this.#connection.exec(sql));
  }

  /** All reads see one state. */
  read<T>(reads: () => T): T {
    return this.#guarded(() => {
      if (this.#connection.isTransaction) return reads();
      this.#beginRead.run();
      try {
        return reads();
      } finally {
        this.#commit.run();
      }
    });
  }

  /**
   * Runs `work` alone among writers, applies all of it or (where it throws) nothing, and resolves when that is committed. It
   * may run several times: it touches nothing but the database. Throws StoreError `conflict` when others never stop writing.
   */
  write<T>(work: () => T): Promise<T> {
    return this.#queue.add(work);
  }

  #tryWrite<T>(work: () => T): Written<T> {
    return this.#guarded(() => {
      try {
        this.#begin.run();
      } catch (error) {
        if (isSqliteBusy(error)) return { outcome: 'busy' };
        throw error;
      }
      try {
        const value = work();
        this.#commit.run();
        return { outcome: 'done', value };
      } catch (error) {
        // SQLite itself has rolled back after some errors (a full disk).
        if (this.#connection.isTransaction) this.#rollback.run();
        throw error;
      }
    });
  }

  /** For what must happen before anything else, while there is time: waits for other writers, blocking. */
  writeAtOpen(work: () => void): void {
    this.#connection.exec(`PRAGMA busy_timeout = ${openTimeoutMs}`);
    const result = this.#tryWrite(work);
    this.#connection.exec(`PRAGMA busy_timeout = ${this.#options.busyTimeoutMs ?? 20}`);
    if (result.outcome === 'busy') {
      throw new StoreError('unavailable', `another process has been writing to ${this.file} for ${openTimeoutMs / 1000} s`, {
        hint: 'Try again when it is done.',
      });
    }
  }

  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw fromSqliteError(error, this.file);
    }
  }

  /** Waits for what is queued. */
  async close(): Promise<void> {
    await this.#queue.idle();
    if (this.#connection.isOpen) this.#connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

export type SqlValue = string | number | null;

export type RowStatement = {
  readonly get: (...values: SqlValue[]) => readonly SqlValue[] | undefined;
  readonly all: (...values: SqlValue[]) => readonly (readonly SqlValue[])[];
  readonly run: (...values: SqlValue[]) => { readonly changes: number | bigint };
};
