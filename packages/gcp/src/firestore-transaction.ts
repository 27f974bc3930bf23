// One run of a transaction's body against Firestore.
//
// Firestore's own read-write transactions lock what they read until they end: a body that waits for something, or a process that
// dies in one, makes everybody else wait, for a minute at worst. So a body reads without locks, everything as of the instant of its
// first read, and its writes are applied by one commit that proves what was read:
//
//   documents that were read and are written: each write carries the version that was read as its condition
//   documents that were only read, and queries: read again, keys and versions only, in a read-write transaction of
//   Firestore's that does nothing else, and the commit ends it. Its locks live for two calls. Where the
//   transaction wrote all that it read, there is none of this, and one call does it.
//
// A body that only reads needs no proof: it has seen the state of one instant.
import {
  checkIndexedFields,
  checkQuery,
  compareForQuery,
  documentText,
  freezeJson,
  scalarOf,
  splitDocumentPath,
} from '@floodgate/core/ports/document-rules.ts';
import type { CheckedQuery, IndexCatalog } from '@floodgate/core/ports/document-rules.ts';
import { StoreError } from '@floodgate/core/ports/status-store.ts';
import type { JsonObject, Query, StoredDocument, StoreTransaction } from '@floodgate/core/ports/status-store.ts';
import type { FirestoreCalls, FirestoreWrite, Precondition, ReadAt, ReadResult } from './firestore-calls.ts';
import { nameOfDocument, timestampOf, toFirestoreDocument, toStoredDocument, versionOf } from './firestore-documents.ts';
import type { DocumentContent, FoundDocument, Timestamp } from './firestore-documents.ts';
import { readFailure, toStoreError } from './firestore-errors.ts';
import { isSortedHere, toFirestoreQuery } from './firestore-queries.ts';

/** `changed`: to be run again; nothing was written. `because` where Firestore and not a changed document was the reason. */
export type AttemptResult<T> = { readonly outcome: 'done'; readonly value: T } | Changed;
type Changed = { readonly outcome: 'changed'; readonly because?: StoreError };

/** What becomes of one document. */
type Change = {
  readonly content: DocumentContent | undefined;
  /** Made by a create before anything else touched it: it must not exist. */
  readonly mustBeAbsent: boolean;
};

type ReadAnswer<T> = { readonly documents: T; readonly readTime: Timestamp | undefined };
type Proof = { readonly read: ReadResult; readonly holds: boolean };
type NotedQuery = { readonly query: CheckedQuery; readonly fingerprint: string };

export async function readDocuments(calls: FirestoreCalls, paths: readonly string[], at: ReadAt): Promise<ReadAnswer<(StoredDocument | undefined)[]>> {
  const names = [...new Set(paths.map((path) => nameOfDocument(calls.database, path)))];
  if (names.length === 0) return { documents: [], readTime: undefined };
  const read = await calls.read(names, at);
  const found = new Map(read.documents.map((document) => toStoredDocument(calls.database, document)).map((document) => [document.path, document]));
  return { documents: paths.map((path) => found.get(path)), readTime: read.readTime };
}

export async function runQuery(
  calls: FirestoreCalls,
  query: CheckedQuery,
  at: ReadAt,
): Promise<ReadAnswer<StoredDocument[]> & { readonly fingerprint: string }> {
  const read = await calls.query(toFirestoreQuery(calls.database, query), at);
  let documents = read.documents.map((document) => toStoredDocument(calls.database, document));
  if (isSortedHere(query)) documents = documents.sort((a, b) => compareForQuery(query, a, b)).slice(0, query.limit);
  return { documents, readTime: read.readTime, fingerprint: fingerprintOf(read.documents) };
}

export class FirestoreTransaction implements StoreTransaction {
  readonly #calls: FirestoreCalls;
  readonly #catalog: IndexCatalog;
  readonly #newWriteId: () => string;
  /** Of the first read, while it is under way already: all others are of that instant. */
  #instant: Promise<Timestamp | undefined> | undefined;
  /** 0 for none. */
  readonly #versions = new Map<string, number>();
  readonly #queries: NotedQuery[] = [];
  readonly #changes = new Map<string, Change>();
  #ended = false;
  /** A broken rule fails the transaction even where the body swallows the error. */
  #misuse: StoreError | undefined;

  constructor(calls: FirestoreCalls, catalog: IndexCatalog, newWriteId: () => string) {
    this.#calls = calls;
    this.#catalog = catalog;
    this.#newWriteId = newWriteId;
  }

  async run<T>(body: (transaction: StoreTransaction) => Promise<T>): Promise<AttemptResult<T>> {
    let value: T;
    try {
      value = await body(this);
    } finally {
      this.#ended = true;
    }
    if (this.#misuse !== undefined) throw this.#misuse;
    if (this.#changes.size === 0) return { outcome: 'done', value };
    return (await this.#apply()) ?? { outcome: 'done', value };
  }

  async get(path: string): Promise<StoredDocument | undefined> {
    return (await this.getMany([path]))[0];
  }

  async getMany(paths: readonly string[]): Promise<readonly (StoredDocument | undefined)[]> {
    const { documents } = await this.#read((at) => readDocuments(this.#calls, paths, at));
    for (const [i, path] of paths.entries()) this.#versions.set(path, documents[i]?.version ?? 0);
    return documents;
  }

  async query(query: Query): Promise<readonly StoredDocument[]> {
    const checked = checkQuery(query, this.#catalog);
    const { documents, fingerprint } = await this.#read((at) => runQuery(this.#calls, checked, at));
    this.#queries.push({ query: checked, fingerprint });
    return documents;
  }

  create(path: string, data: JsonObject): void {
    const content = this.#check(path, data);
    const before = this.#changes.get(path);
    // Seen from here it exists: read so, or written so by this very body.
    const exists = before === undefined ? (this.#versions.get(path) ?? 0) > 0 : before.content !== undefined;
    if (exists) this.#misuse ??= alreadyExists(path);
    this.#changes.set(path, { content, mustBeAbsent: before?.mustBeAbsent ?? true });
  }

  set(path: string, data: JsonObject): void {
    this.#changes.set(path, { content: this.#check(path, data), mustBeAbsent: this.#changes.get(path)?.mustBeAbsent ?? false });
  }

  delete(path: string): void {
    this.#checkOpen();
    splitDocumentPath(path);
    this.#changes.set(path, { content: undefined, mustBeAbsent: this.#changes.get(path)?.mustBeAbsent ?? false });
  }

  #check(path: string, data: JsonObject): DocumentContent {
    this.#checkOpen();
    const { group } = splitDocumentPath(path);
    const copy = freezeJson(data);
    checkIndexedFields(this.#catalog, group, path, copy);
    const indexed = this.#catalog.fieldsOf(group).flatMap((field) => {
      const value = scalarOf(copy, field);
      return value === undefined ? [] : [[field, value] as const];
    });
    const content = { path, text: documentText(path, copy), indexed };
    // So that one that can't be written is refused where it is, and not at the end of all.
    toFirestoreDocument(this.#calls.database, content, '');
    return content;
  }

  #checkOpen(): void {
    if (this.#ended) throw new StoreError('invalid', 'this transaction has ended: await everything inside its body');
  }

  async #read<T extends ReadAnswer<unknown>>(read: (at: ReadAt) => Promise<T>): Promise<T> {
    this.#checkOpen();
    if (this.#changes.size > 0) {
      this.#misuse ??= new StoreError('invalid', 'all reads of a transaction come before its writes');
      throw this.#misuse;
    }
    while (this.#instant !== undefined) {
      const readTime = await this.#instant;
      if (readTime !== undefined) return await read({ readTime });
    }
    const first = read({});
    // A read that failed, or asked for nothing, has no instant: the next one is the first.
    const instant = first.then(
      ({ readTime }) => readTime,
      () => undefined,
    );
    this.#instant = instant;
    void instant.then((readTime) => {
      if (readTime === undefined && this.#instant === instant) this.#instant = undefined;
    });
    return await first;
  }

  /** Undefined where the writes are applied. */
  async #apply(): Promise<Changed | undefined> {
    const unproven = [...this.#versions.keys()].filter((path) => !this.#changes.has(path));
    const proof = unproven.length > 0 || this.#queries.length > 0 ? await this.#prove(unproven) : { transaction: undefined };
    if ('outcome' in proof) return proof;
    try {
      await this.#calls.commit(this.#writes(), proof.transaction);
      return undefined;
    } catch (error) {
      if (proof.transaction !== undefined) await this.#calls.rollback(proof.transaction);
      return await this.#afterFailure(error);
    }
  }

  /** The transaction in which nothing that was only read has changed. */
  async #prove(paths: readonly string[]): Promise<{ readonly transaction: Uint8Array } | Changed> {
    const names = paths.map((path) => nameOfDocument(this.#calls.database, path));
    const proofs = this.#queries.map((noted) => (at: ReadAt) => this.#proveQuery(noted, at));
    if (names.length > 0) proofs.unshift((at) => this.#proveDocuments(paths, names, at));
    let transaction: Uint8Array | undefined;
    try {
      const first = await proofs[0]!({ newTransaction: { readWrite: {} } });
      transaction = first.read.transaction;
      if (transaction === undefined) throw new StoreError('unavailable', 'Firestore began no transaction where it was told to');
      const at = { transaction };
      const others = first.holds ? await Promise.all(proofs.slice(1).map((proof) => proof(at))) : [];
      if (first.holds && others.every(({ holds }) => holds)) return at;
    } catch (error) {
      if (transaction !== undefined) await this.#calls.rollback(transaction);
      const because = toStoreError(error, 'read', 'read again what a transaction has read');
      if (error instanceof StoreError || readFailure(error, 'read').reaction === 'throw') throw because;
      return { outcome: 'changed', because };
    }
    await this.#calls.rollback(transaction);
    return { outcome: 'changed' };
  }

  async #proveQuery({ query, fingerprint }: NotedQuery, at: ReadAt): Promise<Proof> {
    const read = await this.#calls.query(toFirestoreQuery(this.#calls.database, query), at, 'version');
    return { read, holds: fingerprintOf(read.documents) === fingerprint };
  }

  async #proveDocuments(paths: readonly string[], names: readonly string[], at: ReadAt): Promise<Proof> {
    const read = await this.#calls.read(names, at, 'version');
    const found = new Map(read.documents.map((document) => [document.name, versionOf(document)]));
    return { read, holds: paths.every((path, i) => (found.get(names[i]) ?? 0) === this.#versions.get(path)) };
  }

  #writes(): FirestoreWrite[] {
    const { database } = this.#calls;
    const writeId = this.#newWriteId();
    return [...this.#changes].flatMap(([path, { content, mustBeAbsent }]): FirestoreWrite[] => {
      const currentDocument = this.#conditionOf(path, mustBeAbsent);
      const condition = currentDocument === undefined ? {} : { currentDocument };
      return [
        content === undefined
          ? { delete: nameOfDocument(database, path), ...condition }
          : { update: toFirestoreDocument(database, content, writeId), ...condition },
      ];
    });
  }

  #conditionOf(path: string, mustBeAbsent: boolean): Precondition | undefined {
    const version = this.#versions.get(path);
    if (version !== undefined && version > 0) return { updateTime: timestampOf(version) };
    return mustBeAbsent || version === 0 ? { exists: false } : undefined;
  }

  async #afterFailure(error: unknown): Promise<Changed> {
    const { reaction } = readFailure(error, 'commit');
    if (reaction === 'run_again') return { outcome: 'changed' };
    if (reaction !== 'exists') throw toStoreError(error, 'commit', 'commit a transaction');
    // Firestore does not say which: one that was read as absent (then the body runs again), or one that it was not asked for.
    const created = [...this.#changes].filter(([path, { mustBeAbsent }]) => mustBeAbsent && !this.#versions.has(path)).map(([path]) => path);
    const readAsAbsent = [...this.#changes.keys()].some((path) => this.#versions.get(path) === 0);
    if (!readAsAbsent) throw alreadyExists(created.join(' or '), error);
    const { documents } = await readDocuments(this.#calls, created, {});
    const taken = created.find((_path, i) => documents[i] !== undefined);
    if (taken !== undefined) throw alreadyExists(taken, error);
    return { outcome: 'changed' };
  }
}

const alreadyExists = (path: string, cause?: unknown): StoreError =>
  new StoreError('already_exists', `${path} exists already`, cause === undefined ? {} : { cause });

/** In Firestore's own order: equal for equal results. */
function fingerprintOf(documents: readonly FoundDocument[]): string {
  let fingerprint = '';
  for (const document of documents) fingerprint += `${document.name}\n${versionOf(document)}\n`;
  return fingerprint;
}
