// A bounded pool of connections to one DuckDB file. Each call takes one connection, runs its statements on it, and gives
// it back; an aborted signal interrupts the statement that runs. Prepared statements are kept per connection by their text.
// Statements run on one thread each: as many workers as there are cores keep those busy already, and sharing a statement
// of a few dates was measured to cost 15 to 50 % more CPU. Only wide calls take the cores that no other call uses.
import {
  DuckDBInstance,
  StatementType,
  type DuckDBConnection,
  type DuckDBMaterializedResult,
  type DuckDBPreparedStatement,
  type DuckDBValue,
} from '@duckdb/node-api';
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

/** One connection in the hands of one call. */
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

export type Resources = {
  readonly connections: number;
  /** Of a wide call that runs alone. */
  readonly threads: number;
  /** What DuckDB may hold before it moves data to disk; doubled up to `maxBytes` whenever a statement can't do with it. */
  readonly memory: { readonly bytes: number; readonly maxBytes: number };
};

const inMegabytes = (bytes: number): string => `${Math.floor(bytes / 1_000_000)}MB`;

export class DuckDbConnections {
  readonly #instance: DuckDBInstance;
  readonly #idle: DuckDbSession[];
  readonly #waiting: ((session: DuckDbSession | undefined) => void)[] = [];
  readonly #size: number;
  readonly #maxThreads: number;
  #threads = 1;
  #callsInFlight = 0;
  #wideInFlight = 0;
  #closed = false;

  private constructor(instance: DuckDBInstance, sessions: readonly DuckDbSession[], maxThreads: number) {
    this.#instance = instance;
    this.#idle = [...sessions];
    this.#size = sessions.length;
    this.#maxThreads = maxThreads;
  }

  /** `initial` runs once, `perConnection` on every connection. Throws `unavailable` where another process holds the file. */
  static async open(
    file: string,
    config: Readonly<Record<string, string>>,
    { connections, threads, memory }: Resources,
    initial: readonly string[],
    perConnection: readonly string[],
  ): Promise<DuckDbConnections> {
    let instance: DuckDBInstance;
    try {
      instance = await DuckDBInstance.create(file, { ...config, threads: '1', memory_limit: inMegabytes(memory.bytes) });
    } catch (error) {
      throw openingError(file, error);
    }
    let limit = memory.bytes;
    const raiseMemory = async (connection: DuckDBConnection): Promise<boolean> => {
      if (limit >= memory.maxBytes) return false;
      limit = Math.min(limit * 2, memory.maxBytes);
      await connection.run(`SET memory_limit = '${inMegabytes(limit)}'`).catch(() => undefined);
      return true;
    };
    const sessions: DuckDbSession[] = [];
    try {
      for (let index = 0; index < connections; index += 1) {
        const session = new DuckDbSession(await instance.connect(), raiseMemory);
        sessions.push(session);
        for (const statement of index === 0 ? [...initial, ...perConnection] : perConnection) await session.run(statement);
      }
    } catch (error) {
      for (const session of sessions) session.close();
      instance.closeSync();
      throw toWarehouseError(error);
    }
    return new DuckDbConnections(instance, sessions, threads);
  }

  /** `width`: whether the call's statements are worth several threads. */
  async use<T>(signal: AbortSignal | undefined, body: (session: DuckDbSession) => Promise<T>, width: 'narrow' | 'wide' = 'narrow'): Promise<T> {
    const session = await this.#take(signal);
    this.#callsInFlight += 1;
    if (width === 'wide') this.#wideInFlight += 1;
    try {
      if (width === 'wide') await this.#setThreads(session, Math.max(1, this.#maxThreads - this.#callsInFlight + 1));
      session.begin(signal);
      return await body(session);
    } finally {
      session.begin(undefined);
      this.#callsInFlight -= 1;
      if (width === 'wide') {
        this.#wideInFlight -= 1;
        if (this.#wideInFlight === 0) await this.#setThreads(session, 1);
      }
      const next = this.#waiting.shift();
      if (next) next(session);
      else this.#idle.push(session);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const waiting of this.#waiting.splice(0)) waiting(undefined);
    // Calls in flight finish first: closing a connection under a running statement would crash the process.
    for (let closed = 0; closed < this.#size; closed += 1) {
      const session = this.#idle.pop() ?? (await new Promise<DuckDbSession | undefined>((resolve) => this.#waiting.push(resolve)));
      session?.close();
    }
    this.#instance.closeSync();
  }

  /** The setting is the whole instance's; it takes 0.2 ms, and statements under way go on with what they have. */
  async #setThreads(session: DuckDbSession, threads: number): Promise<void> {
    if (threads === this.#threads) return;
    this.#threads = threads;
    // Where it fails, statements are slower and nothing else.
    await session.connection.run(`SET threads = ${threads}`).catch(() => undefined);
  }

  async #take(signal: AbortSignal | undefined): Promise<DuckDbSession> {
    if (signal?.aborted) throw new WarehouseError('cancelled', 'the call was cancelled', { cause: signal.reason });
    if (this.#closed) throw new WarehouseError('unavailable', 'the warehouse is closed');
    const idle = this.#idle.pop();
    if (idle) return idle;
    return new Promise<DuckDbSession>((resolve, reject) => {
      const settle = (session: DuckDbSession | undefined): void => {
        signal?.removeEventListener('abort', abort);
        if (session) resolve(session);
        else reject(new WarehouseError('unavailable', 'the warehouse is closed'));
      };
      const abort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(settle), 1);
        reject(new WarehouseError('cancelled', 'the call was cancelled', { cause: signal?.reason }));
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiting.push(settle);
    });
  }
}

const openingError = (file: string, error: unknown): WarehouseError => {
  const known = toWarehouseError(error);
  if (!/lock/i.test(known.message)) return new WarehouseError('unavailable', `the warehouse file ${file} can't be opened: ${known.message}`, { cause: error });
  return new WarehouseError('unavailable', `the warehouse file ${file} is held by another process: ${known.message}`, {
    cause: error,
    hint: 'DuckDB lets one process write a file: stop the other one, or let it do this',
  });
};
