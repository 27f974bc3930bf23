// Documents as rows of JSON text, found by path, or through expression indexes made from the declared ones. Parsed documents
// are kept by path and version and shared, deeply frozen: reading a document again costs one look at its version.
import { splitDocumentPath } from '@floodgate/core/ports/document-rules.ts';
import type { CheckedQuery } from '@floodgate/core/ports/document-rules.ts';
import type { StoreIndex } from '@floodgate/core/contracts/store-indexes.ts';
import type { StoredDocument } from '@floodgate/core/ports/status-store.ts';
import { DocumentCache } from './document-cache.ts';
import { fingerprintOf, OptimisticStatusStore } from './optimistic-store.ts';
import type { DocumentEngine, DocumentWrite, DocumentWriter, OptimisticStoreDeps } from './optimistic-store.ts';
import type { RowStatement, SqliteDatabase, SqlValue } from './sqlite-database.ts';
import { indexName, indexStatement, queryStatement } from './sqlite-query.ts';

export type SqliteStatusStoreOptions = OptimisticStoreDeps & {
  /** Bytes of JSON text whose parsed documents are kept. */
  readonly cacheBytes?: number;
};

export class SqliteStatusStore extends OptimisticStatusStore {
  constructor(database: SqliteDatabase, options: SqliteStatusStoreOptions) {
    prepareIndexes(database, options.indexes);
    super(new SqliteDocumentEngine(database, options.cacheBytes ?? 64 * 1_048_576), options);
  }
}

/** Makes the declared indexes and drops those that are declared no more. */
function prepareIndexes(database: SqliteDatabase, indexes: readonly StoreIndex[]): void {
  const existing = database.rowStatement(`SELECT name FROM sqlite_schema WHERE type = 'index' AND name LIKE 'documents\\_in\\_%' ESCAPE '\\'`);
  const names = (): Set<SqlValue | undefined> => new Set(existing.all().map((row) => row[0]));
  const wanted = new Map(indexes.map((index) => [indexName(index), index]));
  const differs = (): boolean => names().size !== wanted.size || [...wanted.keys()].some((name) => !names().has(name));
  if (!differs()) return;
  database.writeAtOpen(() => {
    for (const name of names()) {
      if (typeof name === 'string' && !wanted.has(name)) database.execute(`DROP INDEX ${name}`);
    }
    for (const index of wanted.values()) database.execute(indexStatement(index));
  });
}

class SqliteDocumentEngine implements DocumentEngine {
  readonly #database: SqliteDatabase;
  readonly #cache: DocumentCache;
  readonly #position: RowStatement;
  readonly #advance: RowStatement;
  readonly #version: RowStatement;
  readonly #read: RowStatement;
  readonly #data: RowStatement;
  readonly #insert: RowStatement;
  readonly #upsert: RowStatement;
  readonly #delete: RowStatement;

  constructor(database: SqliteDatabase, cacheBytes: number) {
    this.#database = database;
    this.#cache = new DocumentCache(cacheBytes);
    this.#position = database.rowStatement(`SELECT value FROM meta WHERE name = 'position'`);
    this.#advance = database.rowStatement(`UPDATE meta SET value = value + 1 WHERE name = 'position' RETURNING value`);
    this.#version = database.rowStatement('SELECT version FROM documents WHERE path = ?');
    this.#read = database.rowStatement('SELECT version, CASE WHEN version = ? THEN NULL ELSE data END FROM documents WHERE path = ?');
    this.#data = database.rowStatement('SELECT data FROM documents WHERE path = ?');
    this.#insert = database.rowStatement('INSERT INTO documents (path, grp, version, data) VALUES (?, ?, ?, ?) ON CONFLICT (path) DO NOTHING');
    this.#upsert = database.rowStatement(
      'INSERT INTO documents (path, grp, version, data) VALUES (?, ?, ?, ?) ON CONFLICT (path) DO UPDATE SET version = excluded.version, data = excluded.data',
    );
    this.#delete = database.rowStatement('DELETE FROM documents WHERE path = ?');
  }

  position(): number {
    return this.#position.get()![0] as number;
  }

  read(path: string): StoredDocument | undefined {
    const known = this.#cache.get(path);
    if (known === undefined) splitDocumentPath(path);
    const row = this.#read.get(known?.version ?? 0, path);
    if (row === undefined) return undefined;
    return row[1] === null ? known : this.#cache.parse(path, row[0] as number, row[1] as string);
  }

  versionOf(path: string): number {
    return (this.#version.get(path)?.[0] ?? 0) as number;
  }

  query(query: CheckedQuery): readonly StoredDocument[] {
    // The versions first: most documents are known, and their text is not read at all.
    return this.snapshot(() =>
      this.#select('path, version', query).map(([path, version]): StoredDocument => {
        const known = this.#cache.get(path as string);
        if (known !== undefined && known.version === version) return known;
        return this.#cache.parse(path as string, version as number, this.#data.get(path as string)![0] as string);
      }),
    );
  }

  count(query: CheckedQuery): number {
    const { sql, values } = queryStatement(query, '1');
    return this.#database.rowStatement(`SELECT count(*) FROM (${sql})`).get(...values)![0] as number;
  }

  fingerprint(query: CheckedQuery): string {
    return fingerprintOf(this.#select('path, version', query).map(([path, version]) => ({ path: path as string, version: version as number })));
  }

  #select(columns: string, query: CheckedQuery): readonly (readonly SqlValue[])[] {
    const { sql, values } = queryStatement(query, columns);
    return this.#database.rowStatement(sql).all(...values);
  }

  snapshot<T>(reads: () => T): T {
    return this.#database.read(reads);
  }

  async write<T>(work: (writer: DocumentWriter) => T): Promise<T> {
    let written: { readonly document: StoredDocument; readonly length: number }[] = [];
    const keep = ({ path, data, text }: DocumentWrite, version: number): void => {
      written.push({ document: Object.freeze({ path, data, version }), length: text.length });
    };
    const value = await this.#database.write(() => {
      // The work may run again.
      written = [];
      const version = this.#advance.get()![0] as number;
      return work({
        position: version - 1,
        create: (write) => {
          const created = Number(this.#insert.run(write.path, write.group, version, write.text).changes) === 1;
          if (created) keep(write, version);
          return created;
        },
        set: (write) => {
          this.#upsert.run(write.path, write.group, version, write.text);
          keep(write, version);
        },
        delete: (path) => {
          this.#delete.run(path);
        },
      });
    });
    // Known only now that it is committed: after a rollback another write would have had this version.
    for (const { document, length } of written) this.#cache.put(document, length);
    return value;
  }
}
