// The DuckDB behind the engine: one file for tables and catalog, so that both change in one transaction, and one attached
// beside it for results of queries, since a transaction of DuckDB writes one file only and a SELECT must not touch the first.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  DuckDBInstance,
  DuckDBTypeId,
  type DuckDBConnection,
  type DuckDBDataChunk,
  type DuckDBMaterializedResult,
  type DuckDBResult,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api';
import { duckdbPrelude } from '@floodgate/sql/prelude.ts';
import { BigQueryProblem } from '../problem.ts';
import type { Parameter } from '../statement.ts';
import { bindType } from '../values/duckdb-type.ts';
import { toProblem } from './duckdb-errors.ts';
import { registerFarmFingerprint } from './farm-fingerprint-function.ts';
import { textLiteral } from './sql-text.ts';

/** By the name that the text has, without `$`. */
export type Bindings = ReadonlyMap<string, Parameter>;
const none: Bindings = new Map();

export class Connection {
  readonly #connection: DuckDBConnection;
  #interrupted = false;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(connection: DuckDBConnection) {
    this.#connection = connection;
  }

  /** The statement that runs, and those that follow, fail with `stopped` until `resume`. */
  interrupt(): void {
    this.#interrupted = true;
    this.#connection.interrupt();
  }

  resume(): void {
    this.#interrupted = false;
  }

  get isInterrupted(): boolean {
    return this.#interrupted;
  }

  async run(sql: string, bindings: Bindings = none): Promise<DuckDBMaterializedResult> {
    return this.#guarded(async () => {
      if (bindings.size === 0) return this.#connection.run(sql);
      const prepared = await this.#prepare(sql, bindings);
      try {
        return await prepared.run();
      } finally {
        prepared.destroySync();
      }
    });
  }

  /** Rows that the statement has written. */
  async change(sql: string, bindings?: Bindings): Promise<number> {
    return (await this.run(sql, bindings)).rowsChanged;
  }

  async rows(sql: string, bindings?: Bindings): Promise<readonly (readonly DuckDBValue[])[]> {
    const result = await this.run(sql, bindings);
    return this.#guarded(() => result.getRows());
  }

  async number(sql: string, bindings?: Bindings): Promise<number> {
    return Number((await this.rows(sql, bindings))[0]?.[0] ?? 0);
  }

  async stream(sql: string, bindings: Bindings = none): Promise<DuckDBResult> {
    return this.#guarded(async () => (await this.#prepare(sql, bindings)).stream());
  }

  /** Names and types of what a query yields, without running it. */
  async describe(sql: string, bindings: Bindings = none): Promise<readonly { readonly name: string; readonly type: DuckDBType }[]> {
    return this.#guarded(async () => {
      const prepared = await this.#connection.prepare(sql);
      try {
        const columns = Array.from({ length: prepared.columnCount }, (_, index) => index);
        if (columns.every((index) => prepared.columnTypeId(index) !== DuckDBTypeId.INVALID))
          return columns.map((index) => ({ name: prepared.columnName(index), type: prepared.columnType(index) }));
      } finally {
        prepared.destroySync();
      }
      // Of some functions on a list, len($list) among them, DuckDB knows the columns only once values are bound.
      const bound = await this.#prepare(`SELECT * FROM (${sql}) LIMIT 0`, bindings);
      try {
        const result = await bound.run();
        return result.columnNames().map((name, index) => ({ name, type: result.columnType(index) }));
      } finally {
        bound.destroySync();
      }
    });
  }

  /** `table` as `schema.table` or `catalog.schema.table`, without quotes. */
  async append(table: string, chunks: AsyncIterable<DuckDBDataChunk> | Iterable<DuckDBDataChunk>): Promise<void> {
    return this.#guarded(async () => {
      const parts = table.split('.');
      const appender = await this.#connection.createAppender(parts.at(-1) as string, parts.at(-2) ?? null, parts.at(-3) ?? null);
      try {
        for await (const chunk of chunks) appender.appendDataChunk(chunk);
        appender.flushSync();
      } finally {
        appender.closeSync();
      }
    });
  }

  /** What runs is stopped first: to close a connection under a running statement crashes the process. */
  async close(): Promise<void> {
    this.interrupt();
    await Promise.allSettled(this.#underWay);
    this.#connection.closeSync();
  }

  async #prepare(sql: string, bindings: Bindings): ReturnType<DuckDBConnection['prepare']> {
    const prepared = await this.#connection.prepare(sql);
    for (let index = 1; index <= prepared.parameterCount; index += 1) {
      const name = prepared.parameterName(index);
      const parameter = bindings.get(name.toLowerCase());
      if (parameter === undefined) throw new BigQueryProblem('invalidQuery', `Query parameter '${name}' not found`, 'query');
      if (parameter.value === null) prepared.bindNull(index);
      else prepared.bindValue(index, parameter.value, bindType(parameter.type));
    }
    return prepared;
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    if (this.#interrupted) throw new BigQueryProblem('stopped', 'Job execution was cancelled: User requested cancellation');
    const running = work();
    this.#underWay.add(running);
    try {
      return await running;
    } catch (error) {
      throw toProblem(error);
    } finally {
      this.#underWay.delete(running);
    }
  }
}

/** Connections that wait for the next session: making one runs all of the translation's macros. */
const maxIdle = 8;

const layout = [
  'CREATE SCHEMA IF NOT EXISTS data',
  'CREATE SCHEMA IF NOT EXISTS catalog',
  'CREATE TABLE IF NOT EXISTS catalog.datasets (project VARCHAR, dataset VARCHAR, body VARCHAR)',
  'CREATE TABLE IF NOT EXISTS catalog.tables (project VARCHAR, dataset VARCHAR, name VARCHAR, uid BIGINT, body VARCHAR)',
  // Grows by a row for every change of rows, and is folded when the engine opens: updating one row per table would make
  // DuckDB see a conflict between any two writers of that table.
  'CREATE TABLE IF NOT EXISTS catalog.modified (uid BIGINT, modified_at BIGINT)',
  'CREATE TABLE IF NOT EXISTS results.main.catalog (uid BIGINT, body VARCHAR)',
];

export class Database {
  readonly #instance: DuckDBInstance;
  readonly #idle: Connection[] = [];
  readonly #all = new Set<Connection>();
  #closed = false;

  private constructor(instance: DuckDBInstance) {
    this.#instance = instance;
  }

  static async open(folder: string | undefined, memoryLimit: string | undefined): Promise<Database> {
    if (folder !== undefined) mkdirSync(folder, { recursive: true });
    const config: Record<string, string> = memoryLimit === undefined ? {} : { memory_limit: memoryLimit };
    const instance = await DuckDBInstance.create(folder === undefined ? ':memory:' : join(folder, 'bigquery.duckdb'), config);
    const database = new Database(instance);
    try {
      await registerFarmFingerprint(instance);
      const connection = await database.connect();
      await connection.run(`ATTACH ${textLiteral(folder === undefined ? ':memory:' : join(folder, 'results.duckdb'))} AS results`);
      for (const statement of layout) await connection.run(statement);
      database.release(connection);
    } catch (error) {
      await database.close();
      throw error;
    }
    return database;
  }

  async connect(): Promise<Connection> {
    if (this.#closed) throw new BigQueryProblem('backendError', 'the server is shutting down');
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    const connection = new Connection(await this.#instance.connect());
    this.#all.add(connection);
    for (const statement of duckdbPrelude) await connection.run(statement);
    return connection;
  }

  /** The connection must be outside a transaction and idle. */
  release(connection: Connection): void {
    connection.resume();
    if (!this.#closed && this.#idle.length < maxIdle) this.#idle.push(connection);
    else void this.#drop(connection);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#all].map((connection) => this.#drop(connection)));
    this.#instance.closeSync();
  }

  async #drop(connection: Connection): Promise<void> {
    if (this.#all.delete(connection)) await connection.close();
  }
}
