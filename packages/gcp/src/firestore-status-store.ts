// The status store on Firestore: each method a call or two (firestore-calls.ts), a transaction as often as it takes
// (firestore-transaction.ts), within a bound of tries and of time.
import type { Clock } from '@floodgate/core/ports/clock.ts';
import { checkQuery, createIndexCatalog } from '@floodgate/core/ports/document-rules.ts';
import type { IndexCatalog } from '@floodgate/core/ports/document-rules.ts';
import type { Ids } from '@floodgate/core/ports/ids.ts';
import type { StoreIndex } from '@floodgate/core/contracts/store-indexes.ts';
import { StoreError } from '@floodgate/core/ports/status-store.ts';
import type { Query, StatusStore, StoredDocument, StoreTransaction } from '@floodgate/core/ports/status-store.ts';
import { FirestoreCalls } from './firestore-calls.ts';
import type { FirestoreRpc } from './firestore-calls.ts';
import { FirestoreTransaction, readDocuments, runQuery } from './firestore-transaction.ts';
import { toCountQuery } from './firestore-queries.ts';

export type FirestoreStatusStoreOptions = {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly indexes: readonly StoreIndex[];
  /** Of each call of the service; 15 s. */
  readonly callTimeoutMs?: number;
};

/** What connectFirestore gives, as far as it is used. */
export type FirestoreDatabase = {
  readonly client: FirestoreRpc;
  readonly database: string;
  readonly headers: Readonly<Record<string, string>>;
};

const defaultCallTimeoutMs = 15_000;
/** Tries of one transaction before it gives up, and for how long it starts new ones. */
const maxTries = 24;
const maxTransactionMs = 60_000;
const firstWaitMs = 10;
const longestWaitMs = 1_000;

export class FirestoreStatusStore implements StatusStore {
  readonly #calls: FirestoreCalls;
  readonly #catalog: IndexCatalog;
  readonly #clock: Clock;
  readonly #ids: Ids;

  constructor({ client, database, headers }: FirestoreDatabase, { clock, ids, indexes, callTimeoutMs = defaultCallTimeoutMs }: FirestoreStatusStoreOptions) {
    this.#calls = new FirestoreCalls(client, { database, headers, clock, ids, callTimeoutMs });
    this.#catalog = createIndexCatalog(indexes);
    this.#clock = clock;
    this.#ids = ids;
  }

  async get(path: string): Promise<StoredDocument | undefined> {
    return (await this.getMany([path]))[0];
  }

  async getMany(paths: readonly string[]): Promise<readonly (StoredDocument | undefined)[]> {
    return (await readDocuments(this.#calls, paths, {})).documents;
  }

  async query(query: Query): Promise<readonly StoredDocument[]> {
    return (await runQuery(this.#calls, checkQuery(query, this.#catalog), {})).documents;
  }

  async count(query: Query): Promise<number> {
    const checked = checkQuery(query, this.#catalog);
    return this.#calls.count(toCountQuery(this.#calls.database, checked), checked.limit);
  }

  async transaction<T>(body: (transaction: StoreTransaction) => Promise<T>): Promise<T> {
    const startedAt = this.#clock.now();
    for (let tried = 1; ; tried += 1) {
      const attempt = new FirestoreTransaction(this.#calls, this.#catalog, () => this.#ids.newId());
      const result = await attempt.run(body);
      if (result.outcome === 'done') return result.value;
      if (tried === maxTries || this.#clock.now() - startedAt > maxTransactionMs) {
        throw result.because ?? new StoreError('conflict', `gave up a transaction after ${tried} tries: others keep changing what it reads`);
      }
      await this.#wait(tried);
    }
  }

  /** Full jitter, so that those who collided do not collide again. */
  async #wait(tried: number): Promise<void> {
    const longest = Math.min(longestWaitMs, firstWaitMs * 2 ** tried);
    await this.#clock.sleep(longest * this.#ids.random());
  }
}
