// The status store in memory: the transactions of the embedded store over a map.
import { compareForQuery, matchesQuery, splitDocumentPath } from '@floodgate/core/ports/document-rules.ts';
import type { CheckedQuery } from '@floodgate/core/ports/document-rules.ts';
import type { JsonObject, StoredDocument } from '@floodgate/core/ports/status-store.ts';
import { fingerprintOf, OptimisticStatusStore } from '@floodgate/embedded/optimistic-store.ts';
import type { DocumentEngine, DocumentWrite, DocumentWriter, OptimisticStoreDeps } from '@floodgate/embedded/optimistic-store.ts';

export class MemoryStatusStore extends OptimisticStatusStore {
  constructor(options: OptimisticStoreDeps) {
    super(new MemoryDocumentEngine(), options);
  }
}

export type DocumentChange = { readonly path: string; readonly before: JsonObject | undefined; readonly after: JsonObject | undefined };

export class MemoryDocumentEngine implements DocumentEngine {
  /** Sees every transaction in the moment in which it is applied. */
  readonly #onCommit: (changes: readonly DocumentChange[]) => void;

  constructor(onCommit: (changes: readonly DocumentChange[]) => void = () => undefined) {
    this.#onCommit = onCommit;
  }

  readonly #documents = new Map<string, StoredDocument>();
  /** Paths by the last segment of their collection: what a query has to look at. */
  readonly #groups = new Map<string, Set<string>>();
  #position = 0;

  position(): number {
    return this.#position;
  }

  read(path: string): StoredDocument | undefined {
    splitDocumentPath(path);
    return this.#documents.get(path);
  }

  versionOf(path: string): number {
    return this.#documents.get(path)?.version ?? 0;
  }

  query(query: CheckedQuery): readonly StoredDocument[] {
    const found: StoredDocument[] = [];
    for (const path of this.#groups.get(query.group) ?? []) {
      const document = this.#documents.get(path)!;
      if (matchesQuery(query, splitDocumentPath(path).collection, document.data)) found.push(document);
    }
    found.sort((a, b) => compareForQuery(query, a, b));
    return query.limit === undefined ? found : found.slice(0, query.limit);
  }

  /** Every document of the collections of that name, without an order: for those who look on. */
  *allOf(group: string): Iterable<StoredDocument> {
    for (const path of this.#groups.get(group) ?? []) yield this.#documents.get(path)!;
  }

  count(query: CheckedQuery): number {
    return this.query(query).length;
  }

  fingerprint(query: CheckedQuery): string {
    return fingerprintOf(this.query(query));
  }

  snapshot<T>(reads: () => T): T {
    return reads();
  }

  /** Changes are collected first, so that work that throws leaves nothing behind. */
  async write<T>(work: (writer: DocumentWriter) => T): Promise<T> {
    const version = this.#position + 1;
    const changes = new Map<string, DocumentWrite | undefined>();
    const exists = (path: string): boolean => (changes.has(path) ? changes.get(path) !== undefined : this.#documents.has(path));
    const value = work({
      position: this.#position,
      create: (write) => {
        if (exists(write.path)) return false;
        changes.set(write.path, write);
        return true;
      },
      set: (write) => void changes.set(write.path, write),
      delete: (path) => void changes.set(path, undefined),
    });
    this.#position = version;
    const seen = [...changes].map(([path, after]) => ({ path, before: this.#documents.get(path)?.data, after: after?.data }));
    for (const [path, write] of changes) this.#apply(path, write, version);
    if (seen.length > 0) this.#onCommit(seen);
    return value;
  }

  #apply(path: string, write: DocumentWrite | undefined, version: number): void {
    if (write === undefined) {
      if (this.#documents.delete(path)) this.#groups.get(splitDocumentPath(path).group)?.delete(path);
      return;
    }
    this.#documents.set(path, Object.freeze({ path, data: write.data, version }));
    this.#groups.set(write.group, (this.#groups.get(write.group) ?? new Set()).add(path));
  }
}
