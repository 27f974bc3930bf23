// One connection to the DuckDB file in the hands of one call: its statements, each guarded so that an aborted signal
// interrupts it, and its transaction. Prepared statements are kept by their text.
import { StatementType, type DuckDBConnection, type DuckDBMaterializedResult, type DuckDBPreparedStatement, type DuckDBValue } from '@duckdb/node-api';
import { WarehouseError } from '@floodgate/core/ports/warehouse.ts';
import { toWarehouseError } from './duckdb-errors.ts';
import { notReading } from './duckdb-query.ts';

export type Parameters = Readonly<Record<string, DuckDBValue>>;
export type Row = readonly DuckDBValue[];

/** An interrupt that arrives between two statements is lost, so it is repeated until the call has ended. */
const interruptEveryMs = 10;
/** Plans are made for the statistics of their time: after so many runs a statement is prepared anew. */
const maxRunsOfPlan = 500;
const maxPreparedPerConnection = 200;

type Prepared = { readonly statement: DuckDBPreparedStatement; readonly names: readonly string[]; runs: number };

export class DuckDbSession {
  readonly connection: DuckDBConnection;
  #prepared = new Map<string, Prepared>();
  #signal: AbortSignal | undefined;
  #isInTransaction = false;
  /** Raises the limit of memory, and tells whether it could. */
  readonly #raiseMemory: (connection: DuckDBConnection) => Promise<boolean>;

  constructor(connection: DuckDBConnection, raiseMemory: (connection: DuckDBConnection) => Promise<boolean>) {
    this.connection = connection;
    this.#raiseMemory = raiseMemory;
  }

  /** Only for the pool: statements of this use throw `cancelled` once the signal is aborted. */
  begin(signal: AbortSignal | undefined): void {
    this.#signal = signal;
  }

  /** Prepares a statement once and runs it often; parameters that it doesn't name are left out. */
  async prepared(sql: string, parameters: Parameters = {}): Promise<DuckDBMaterializedResult> {
    return this.#guard(async () => {
      const { statement, names } = await this.#prepare(sql);
      for (const name of names) statement.bindValue(statement.parameterIndex(name), parameters[name] ?? null);
      return statement.run();
    });
  }

  /** For statements whose text is used once. */
  async run(sql: string, parameters: Parameters = {}): Promise<DuckDBMaterializedResult> {
    return this.#guard(async () => {
      if (Object.keys(parameters).length === 0) return this.connection.run(sql);
      const statement = await this.connection.prepare(sql);
      try {
        for (const name of parameterNames(statement)) statement.bindValue(statement.parameterIndex(name), parameters[name] ?? null);
        return await statement.run();
      } finally {
        statement.destroySync();
      }
    });
  }

  async rows(sql: string, parameters: Parameters = {}): Promise<readonly Row[]> {
    return (await this.run(sql, parameters)).getRows();
  }

  async preparedRows(sql: string, parameters: Parameters = {}): Promise<readonly Row[]> {
    return (await this.prepared(sql, parameters)).getRows();
  }

  /** Names and types of what a SELECT yields. */
  async describe(sql: string): Promise<readonly { readonly name: string; readonly type: string }[]> {
    return this.#guard(async () => {
      const statement = await this.connection.prepare(sql);
      try {
        return Array.from({ length: statement.columnCount }, (_, index) => ({
          name: statement.columnName(index),
          type: statement.columnType(index).toString(),
        }));
      } finally {
        statement.destroySync();
      }
    });
  }

  /** Runs a statement of an allowed type, alone in its text, and stops after `maxRows` rows. */
  async readOnly(
    sql: string,
    parameters: Parameters,
    maxRows: number,
    allowed: (type: StatementType) => boolean,
  ): Promise<{ readonly names: readonly string[]; readonly types: readonly string[]; readonly rows: readonly Row[] }> {
    return this.#guard(async () => {
      const extracted = await this.connection.extractStatements(sql);
      if (extracted.count !== 1) throw notReading(`${extracted.count} statements`);
      const statement = await extracted.prepare(0);
      try {
        if (!allowed(statement.statementType)) throw notReading(StatementType[statement.statementType] ?? 'another statement');
        for (const name of parameterNames(statement)) {
          if (!(name in parameters)) throw new WarehouseError('invalid_sql', `the parameter ${name} has no value`);
          statement.bindValue(statement.parameterIndex(name), parameters[name] as DuckDBValue);
        }
        const result = await statement.stream();
        const rows: Row[] = [];
        for (let chunk = await result.fetchChunk(); rows.length < maxRows && chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk())
          rows.push(...chunk.getRows());
        return { names: result.deduplicatedColumnNames(), types: result.columnTypes().map(String), rows: rows.slice(0, maxRows) };
      } finally {
        statement.destroySync();
      }
    });
  }

  /** One transaction: what `body` did is durable when this resolves, and undone when it throws. */
  async transaction<T>(body: () => Promise<T>): Promise<T> {
    await this.run('BEGIN TRANSACTION');
    this.#isInTransaction = true;
    let value: T;
    try {
      value = await body();
      this.#throwIfAborted();
    } catch (error) {
      this.#isInTransaction = false;
      await this.connection.run('ROLLBACK').catch(() => undefined);
      throw error;
    }
    this.#isInTransaction = false;
    // From here on the outcome is DuckDB's: an abort must not leave the caller in doubt about it.
    const signal = this.#signal;
    this.#signal = undefined;
    try {
      await this.connection.run('COMMIT');
    } catch (error) {
      await this.connection.run('ROLLBACK').catch(() => undefined);
      throw toWarehouseError(error);
    } finally {
      this.#signal = signal;
    }
    return value;
  }

  close(): void {
    for (const { statement } of this.#prepared.values()) statement.destroySync();
    this.#prepared.clear();
    this.connection.closeSync();
  }

  async #prepare(sql: string): Promise<Prepared> {
    const known = this.#prepared.get(sql);
    if (known && known.runs < maxRunsOfPlan) {
      known.runs += 1;
      return known;
    }
    known?.statement.destroySync();
    const statement = await this.connection.prepare(sql);
    const prepared = { statement, names: parameterNames(statement), runs: 1 };
    this.#prepared.set(sql, prepared);
    if (this.#prepared.size > maxPreparedPerConnection) {
      const [oldest, entry] = this.#prepared.entries().next().value as [string, Prepared];
      this.#prepared.delete(oldest);
      entry.statement.destroySync();
    }
    return prepared;
  }

  async #guard<T>(body: () => Promise<T>): Promise<T> {
    this.#throwIfAborted();
    const signal = this.#signal;
    let timer: NodeJS.Timeout | undefined;
    const interrupt = (): void => {
      this.connection.interrupt();
      timer ??= setInterval(() => this.connection.interrupt(), interruptEveryMs);
    };
    signal?.addEventListener('abort', interrupt, { once: true });
    try {
      return await this.#withMoreMemory(body);
    } catch (error) {
      this.#throwIfAborted();
      throw toWarehouseError(error);
    } finally {
      clearInterval(timer);
      signal?.removeEventListener('abort', interrupt);
    }
  }

  /** A statement that ran out of memory has changed nothing: it runs again with more. A transaction is its caller's to run again. */
  async #withMoreMemory<T>(body: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await body();
      } catch (error) {
        const isRaised = toWarehouseError(error).code === 'out_of_memory' && (await this.#raiseMemory(this.connection));
        if (!isRaised || this.#isInTransaction) throw error;
      }
    }
  }

  #throwIfAborted(): void {
    if (this.#signal?.aborted) throw new WarehouseError('cancelled', 'the call was cancelled', { cause: this.#signal.reason });
  }
}

const parameterNames = (statement: DuckDBPreparedStatement): readonly string[] =>
  Array.from({ length: statement.parameterCount }, (_, index) => statement.parameterName(index + 1));
