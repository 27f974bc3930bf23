// The status store over any engine that can read now and commit at once: transactions without locks. A transaction notes
// the version of everything that it reads (absence and results of queries too); its writes are applied in one step that first
// proves all of it unchanged. Invariant: a body only ever sees one consistent state. When the store moves under it, what it
// has read is checked again before it gets more, so that no code runs on a mixture of two states.
import type { Clock } from '@floodgate/core/ports/clock.ts';
import { checkIndexedFields, checkQuery, createIndexCatalog, documentText, freezeJson, splitDocumentPath } from '@floodgate/core/ports/document-rules.ts';
import type { CheckedQuery, IndexCatalog } from '@floodgate/core/ports/document-rules.ts';
import type { Ids } from '@floodgate/core/ports/ids.ts';
import type { StoreIndex } from '@floodgate/core/contracts/store-indexes.ts';
import { StoreError } from '@floodgate/core/ports/status-store.ts';
import type { JsonObject, Query, StatusStore, StoredDocument, StoreTransaction } from '@floodgate/core/ports/status-store.ts';

/** Where the documents are. Reads are synchronous: between two of them in one turn only other processes can interfere. */
export interface DocumentEngine {
  /** Counts commits; it moves whenever any document changes. Documents carry its value at their last write. */
  position(): number;
  read(path: string): StoredDocument | undefined;
  query(query: CheckedQuery): readonly StoredDocument[];
  count(query: CheckedQuery): number;
  /** Version of a document, 0 for none. */
  versionOf(path: string): number;
  /** Paths and versions of a query's result: equal for equal results. */
  fingerprint(query: CheckedQuery): string;
  /** Runs reads on one state of the store. */
  snapshot<T>(reads: () => T): T;
  /**
   * Runs `work` with the sole right to write, soon, possibly several times, and applies what it wrote, or nothing where it throws.
   * Resolves when that is durable.
   */
  write<T>(work: (writer: DocumentWriter) => T): Promise<T>;
}

export interface DocumentWriter {
  /** Position before these writes. */
  readonly position: number;
  /** False where the document exists. */
  create(write: DocumentWrite): boolean;
  set(write: DocumentWrite): void;
  delete(path: string): void;
}

export type DocumentWrite = { readonly path: string; readonly group: string; readonly data: JsonObject; readonly text: string };

export type OptimisticStoreDeps = {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly indexes: readonly StoreIndex[];
};

/** Tries of one transaction before it gives up: some seconds, with the waits below. */
const maxTries = 24;
const firstWaitMs = 1;
const longestWaitMs = 400;

export class OptimisticStatusStore implements StatusStore {
  readonly #engine: DocumentEngine;
  readonly #deps: OptimisticStoreDeps;
  readonly #catalog: IndexCatalog;

  constructor(engine: DocumentEngine, deps: OptimisticStoreDeps) {
    this.#engine = engine;
    this.#deps = deps;
    this.#catalog = createIndexCatalog(deps.indexes);
  }

  async get(path: string): Promise<StoredDocument | undefined> {
    return this.#engine.read(path);
  }

  async getMany(paths: readonly string[]): Promise<readonly (StoredDocument | undefined)[]> {
    return this.#engine.snapshot(() => paths.map((path) => this.#engine.read(path)));
  }

  async query(query: Query): Promise<readonly StoredDocument[]> {
    return this.#engine.query(checkQuery(query, this.#catalog));
  }

  async count(query: Query): Promise<number> {
    return this.#engine.count(checkQuery(query, this.#catalog));
  }

  async transaction<T>(body: (transaction: StoreTransaction) => Promise<T>): Promise<T> {
    for (let tried = 1; ; tried += 1) {
      const attempt = new TransactionAttempt(this.#engine, this.#catalog);
      const result = await attempt.run(body);
      if (result.outcome === 'done') return result.value;
      if (tried === maxTries) throw new StoreError('conflict', `gave up a transaction after ${maxTries} tries: others keep changing what it reads`);
      await this.#wait(tried);
    }
  }

  /** Full jitter, so that those who collided do not collide again; the first try again is at once. */
  async #wait(tried: number): Promise<void> {
    if (tried === 1) return;
    const longest = Math.min(longestWaitMs, firstWaitMs * 2 ** tried);
    await this.#deps.clock.sleep(longest * this.#deps.ids.random());
  }
}

type AttemptResult<T> = { readonly outcome: 'done'; readonly value: T } | { readonly outcome: 'changed' };

/** Thrown into a body whose reads are outdated. It is not an error for anybody else: the body runs again. */
class Outdated extends Error {}

type PendingWrite = ({ readonly kind: 'create' | 'set' } & DocumentWrite) | { readonly kind: 'delete'; readonly path: string };

/** One run of a transaction's body. */
class TransactionAttempt implements StoreTransaction {
  readonly #engine: DocumentEngine;
  readonly #catalog: IndexCatalog;
  /** Position at which all of the reads below hold; -1 before the first. */
  #position = -1;
  readonly #versions = new Map<string, number>();
  readonly #queries: { readonly query: CheckedQuery; readonly fingerprint: string }[] = [];
  readonly #writes: PendingWrite[] = [];
  #state: 'open' | 'outdated' | 'ended' = 'open';
  /** A broken rule fails the transaction even where the body swallows the error. */
  #misuse: StoreError | undefined;

  constructor(engine: DocumentEngine, catalog: IndexCatalog) {
    this.#engine = engine;
    this.#catalog = catalog;
  }

  async run<T>(body: (transaction: StoreTransaction) => Promise<T>): Promise<AttemptResult<T>> {
    let value: T;
    try {
      value = await body(this);
    } catch (error) {
      // What a body throws after it has seen that it is outdated is no result: it may come of that.
      if (this.#isOutdated()) return { outcome: 'changed' };
      throw error;
    } finally {
      if (this.#state === 'open') this.#state = 'ended';
    }
    if (this.#isOutdated()) return { outcome: 'changed' };
    if (this.#misuse !== undefined) throw this.#misuse;
    // All reads held together at the last of them: a transaction that only reads is proven by that.
    if (this.#writes.length === 0) return { outcome: 'done', value };
    const applied = await this.#engine.write((writer) => this.#apply(writer));
    return applied ? { outcome: 'done', value } : { outcome: 'changed' };
  }

  // A method, since the state changes while the body runs, which narrowing by assignment would not see.
  #isOutdated(): boolean {
    return this.#state === 'outdated';
  }

  /** False where something that was read has changed. */
  #apply(writer: DocumentWriter): boolean {
    if (this.#position !== -1 && writer.position !== this.#position && !this.#unchanged()) return false;
    for (const write of this.#writes) {
      if (write.kind === 'delete') writer.delete(write.path);
      else if (write.kind === 'set') writer.set(write);
      else if (!writer.create(write)) throw new StoreError('already_exists', `${write.path} exists already`);
    }
    return true;
  }

  async get(path: string): Promise<StoredDocument | undefined> {
    return this.#read(() => this.#readDocument(path));
  }

  async getMany(paths: readonly string[]): Promise<readonly (StoredDocument | undefined)[]> {
    return this.#read(() => paths.map((path) => this.#readDocument(path)));
  }

  async query(query: Query): Promise<readonly StoredDocument[]> {
    const checked = checkQuery(query, this.#catalog);
    return this.#read(() => {
      const documents = this.#engine.query(checked);
      this.#queries.push({ query: checked, fingerprint: fingerprintOf(documents) });
      return documents;
    });
  }

  create(path: string, data: JsonObject): void {
    this.#writes.push({ kind: 'create', ...this.#checkWrite(path, data) });
  }

  set(path: string, data: JsonObject): void {
    this.#writes.push({ kind: 'set', ...this.#checkWrite(path, data) });
  }

  delete(path: string): void {
    this.#checkOpen();
    splitDocumentPath(path);
    this.#writes.push({ kind: 'delete', path });
  }

  #readDocument(path: string): StoredDocument | undefined {
    const document = this.#engine.read(path);
    this.#versions.set(path, document?.version ?? 0);
    return document;
  }

  #read<T>(reads: () => T): T {
    this.#checkOpen();
    if (this.#writes.length > 0) {
      this.#misuse = new StoreError('invalid', 'all reads of a transaction come before its writes');
      throw this.#misuse;
    }
    const read = this.#engine.snapshot(() => {
      const position = this.#engine.position();
      // Before the new reads: they would replace what was noted of the old ones.
      const holds = this.#position === -1 || position === this.#position || this.#unchanged();
      if (!holds) return undefined;
      this.#position = position;
      return { value: reads() };
    });
    if (read !== undefined) return read.value;
    this.#state = 'outdated';
    throw new Outdated('what this transaction has read was changed meanwhile; it runs again');
  }

  #unchanged(): boolean {
    for (const [path, version] of this.#versions) {
      if (this.#engine.versionOf(path) !== version) return false;
    }
    return this.#queries.every(({ query, fingerprint }) => this.#engine.fingerprint(query) === fingerprint);
  }

  #checkWrite(path: string, data: JsonObject): DocumentWrite {
    this.#checkOpen();
    const { group } = splitDocumentPath(path);
    const copy = freezeJson(data);
    checkIndexedFields(this.#catalog, group, path, copy);
    return { path, group, data: copy, text: documentText(path, copy) };
  }

  #checkOpen(): void {
    if (this.#state === 'ended') throw new StoreError('invalid', 'this transaction has ended: await everything inside its body');
    if (this.#state === 'outdated') throw new Outdated('this transaction is outdated; it runs again');
  }
}

export function fingerprintOf(documents: readonly { readonly path: string; readonly version: number }[]): string {
  let fingerprint = '';
  for (const { path, version } of documents) fingerprint += `${path}\n${version}\n`;
  return fingerprint;
}
