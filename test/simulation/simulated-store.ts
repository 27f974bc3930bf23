// The status store of the simulated world: one set of documents, and a facade for each process that takes time, fails, loses
// answers, and is where the process dies: before a transaction is applied or just after, by the name of what it writes.
import { storeIndexes } from '@floodgate/core/contracts/store-indexes.ts';
import type { Ids } from '@floodgate/core/ports/ids.ts';
import { StoreError, type JsonObject, type Query, type StatusStore, type StoredDocument, type StoreTransaction } from '@floodgate/core/ports/status-store.ts';
import { OptimisticStatusStore, type DocumentEngine } from '@floodgate/embedded/optimistic-store.ts';
import { MemoryDocumentEngine } from '../support/memory-status-store.ts';
import { pointOfChanges, type Change, type CrashPoint } from './crash-points.ts';
import type { Random } from './random.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import type { SimulatedProcess } from './simulated-process.ts';

export type SimulatedStoreOptions = {
  readonly clock: SimulatedClock;
  readonly ids: Ids;
  readonly random: Random;
  /** Every transaction, in the moment in which it is applied. */
  readonly onCommit: (process: string, changes: readonly Change[]) => void;
  /** Somebody else acts while a transaction is on its way. */
  readonly beforeApply?: (point: CrashPoint) => Promise<void>;
  /** A write was no transition of the table, or is not in crash-points.ts. */
  readonly onUnnamed: (problem: string) => void;
  /** Called before a transaction is applied; throws where a limit of the cloud refuses it. */
  readonly beforeCommit?: (changes: readonly Change[]) => void;
};

export class SimulatedStore {
  readonly documents: MemoryDocumentEngine;
  readonly #options: SimulatedStoreOptions;
  /** Whose transaction is being applied. */
  #writer = '';

  constructor(options: SimulatedStoreOptions) {
    this.#options = options;
    this.documents = new MemoryDocumentEngine((changes) => options.onCommit(this.#writer, changes));
  }

  attach(process: SimulatedProcess): StatusStore {
    const store = new OptimisticStatusStore(this.#engineOf(process), { clock: process.clock, ids: this.#options.ids, indexes: storeIndexes });
    const read = <T>(name: string, run: () => Promise<T>): Promise<T> =>
      process.call(undefined, `store.${name}`, async () => {
        await this.#latency();
        this.#mayFail(process, name);
        return run();
      });
    return {
      get: (path) => read('get', () => store.get(path)),
      getMany: (paths) => read('getMany', () => store.getMany(paths)),
      query: (query) => read('query', () => store.query(query)),
      count: (query) => read('count', () => store.count(query)),
      transaction: (body) => process.call(undefined, 'store.transaction', () => this.#transaction(process, store, body)),
    };
  }

  async #transaction<T>(process: SimulatedProcess, store: StatusStore, body: (transaction: StoreTransaction) => Promise<T>): Promise<T> {
    const { chaos, name } = process;
    await this.#latency();
    this.#mayFail(process, 'transaction');
    if (chaos.strikes('store_conflict', `${name} transaction`)) throw new StoreError('conflict', 'simulated: too much contention on these documents');
    let point: CrashPoint | undefined;
    let again = chaos.strikes('store_rerun', `${name} transaction`);
    const value = await store.transaction(async (transaction) => {
      if (again) {
        again = false;
        await body(new RecordingTransaction(transaction, () => this.#latency(), process, 'discard'));
      }
      const recording = new RecordingTransaction(transaction, () => this.#latency(), process, 'write');
      const result = await process.receive(await body(recording));
      point = undefined;
      if (recording.written.size === 0) return result;
      // As the transaction has seen them: what has changed meanwhile makes it run again.
      const changes = [...recording.written].map(([path, after]) => ({
        path,
        before: (recording.seen.has(path) ? recording.seen.get(path) : this.documents.read(path))?.data,
        after,
      }));
      point = this.#nameOf(changes, name);
      this.#options.beforeCommit?.(changes);
      await this.#options.beforeApply?.(point);
      await process.passes(point, 'before');
      return result;
    });
    if (point !== undefined) {
      await process.passes(point, 'after');
      if (chaos.strikes('store_answer_lost', `${name} ${point}`)) throw new StoreError('unavailable', 'simulated: the answer of the store was lost');
    }
    return value;
  }

  /** A write that nobody has named is a mistake of the run, whatever its writer makes of the error. */
  #nameOf(changes: readonly Change[], process: string): CrashPoint {
    try {
      return pointOfChanges(changes, process);
    } catch (error) {
      this.#options.onUnnamed(error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  #mayFail({ chaos, name }: SimulatedProcess, method: string): void {
    if (chaos.strikes('store_unavailable', `${name} ${method}`)) throw new StoreError('unavailable', 'simulated: the store is unavailable');
  }

  async #latency(): Promise<void> {
    const { random, clock } = this.#options;
    const ms = random.int(-10, 15);
    if (ms > 0) await clock.sleep(ms);
  }

  #engineOf(process: SimulatedProcess): DocumentEngine {
    const engine = this.documents;
    return {
      position: () => engine.position(),
      read: (path) => engine.read(path),
      query: (query) => engine.query(query),
      count: (query) => engine.count(query),
      versionOf: (path) => engine.versionOf(path),
      fingerprint: (query) => engine.fingerprint(query),
      snapshot: (reads) => engine.snapshot(reads),
      // It is applied before the first await of `write`.
      write: (work) => {
        this.#writer = process.name;
        return engine.write(work);
      },
    };
  }
}

/** Notes what is written, lets reads take time, and in `discard` keeps the writes from happening. */
class RecordingTransaction implements StoreTransaction {
  readonly written = new Map<string, JsonObject | undefined>();
  /** What it has read, the absent ones included. */
  readonly seen = new Map<string, StoredDocument | undefined>();
  readonly #inner: StoreTransaction;
  readonly #latency: () => Promise<void>;
  readonly #process: SimulatedProcess;
  readonly #mode: 'write' | 'discard';

  constructor(inner: StoreTransaction, latency: () => Promise<void>, process: SimulatedProcess, mode: 'write' | 'discard') {
    this.#inner = inner;
    this.#latency = latency;
    this.#process = process;
    this.#mode = mode;
  }

  async get(path: string): Promise<StoredDocument | undefined> {
    await this.#latency();
    const document = await this.#inner.get(path);
    this.seen.set(path, document);
    return this.#process.receive(document);
  }

  async getMany(paths: readonly string[]): Promise<readonly (StoredDocument | undefined)[]> {
    await this.#latency();
    const documents = await this.#inner.getMany(paths);
    for (const [index, path] of paths.entries()) this.seen.set(path, documents[index]);
    return this.#process.receive(documents);
  }

  async query(query: Query): Promise<readonly StoredDocument[]> {
    await this.#latency();
    const documents = await this.#inner.query(query);
    for (const document of documents) this.seen.set(document.path, document);
    return this.#process.receive(documents);
  }

  create(path: string, data: JsonObject): void {
    this.written.set(path, data);
    if (this.#mode === 'write') this.#inner.create(path, data);
  }

  set(path: string, data: JsonObject): void {
    this.written.set(path, data);
    if (this.#mode === 'write') this.#inner.set(path, data);
  }

  delete(path: string): void {
    this.written.set(path, undefined);
    if (this.#mode === 'write') this.#inner.delete(path);
  }
}
