// A bounded pool of connections to one DuckDB file. Each call takes one connection, runs its statements on it, and gives
// it back. Statements run on one thread each: as many workers as there are cores keep those busy already, and sharing a
// statement of a few dates was measured to cost 15 to 50 % more CPU. Only wide calls take the cores that no other call uses.
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { WarehouseError } from '@floodgate/core/ports/warehouse.ts';
import { toWarehouseError } from './duckdb-errors.ts';
import { DuckDbSession } from './duckdb-session.ts';

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
