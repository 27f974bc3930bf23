// The calls of the service that the store makes, each with a deadline. Reads are tried again a few times; commits never, since
// one whose answer was lost may have been applied.
import type { Clock } from '@floodgate/core/ports/clock.ts';
import type { Ids } from '@floodgate/core/ports/ids.ts';
import type { FirestoreClient } from './firestore-client.ts';
import { jsonField, writeField } from './firestore-documents.ts';
import type { FirestoreDocument, FoundDocument, Timestamp } from './firestore-documents.ts';
import { grpcCodes, readFailure, toStoreError } from './firestore-errors.ts';
import type { FirestoreQuery } from './firestore-queries.ts';

export type Precondition = { readonly exists: false } | { readonly updateTime: Timestamp };

export type FirestoreWrite = ({ readonly update: FirestoreDocument } | { readonly delete: string }) & { readonly currentDocument?: Precondition };

/** Of an instant in the past (all reads of one instant see one state), in a transaction, or that of now. */
export type ReadAt =
  | { readonly readTime: Timestamp }
  | { readonly transaction: Uint8Array }
  | { readonly newTransaction: { readonly readWrite: object } }
  | object;

export type ReadResult = {
  readonly documents: readonly FoundDocument[];
  readonly readTime: Timestamp | undefined;
  /** Of a transaction that this read has begun. */
  readonly transaction: Uint8Array | undefined;
};

/** What is used of the client: so much a test needs to make up to have it fail. */
export type FirestoreRpc = Pick<FirestoreClient, 'batchGetDocuments' | 'runQuery' | 'runAggregationQuery' | 'commit' | 'rollback'>;

export type FirestoreCallsDeps = {
  readonly database: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Of each call; one that takes longer has been lost. */
  readonly callTimeoutMs: number;
};

/** Of a read: a restart of a server, a connection that was closed. */
const maxReads = 4;
const firstWaitMs = 50;

/** Parts of a streamed answer; each kind of read has some of these. */
type Part = {
  readonly found?: FoundDocument | null;
  readonly document?: FoundDocument | null;
  readonly readTime?: unknown;
  readonly transaction?: unknown;
  readonly result?: unknown;
};

export class FirestoreCalls {
  readonly #rpc: FirestoreRpc;
  readonly #deps: FirestoreCallsDeps;

  constructor(rpc: FirestoreRpc, deps: FirestoreCallsDeps) {
    this.#rpc = rpc;
    this.#deps = deps;
  }

  get database(): string {
    return this.#deps.database;
  }

  /** The documents that exist, in any order. `only: 'version'`: without their content. */
  async read(names: readonly string[], at: ReadAt, only: 'all' | 'version' = 'all'): Promise<ReadResult> {
    const fieldPaths = only === 'all' ? [jsonField] : [writeField];
    const request = { database: this.database, documents: [...names], mask: { fieldPaths }, ...at };
    return collect(await this.#repeatRead(at, `read ${names.length} documents`, () => this.#rpc.batchGetDocuments(request, this.#options())));
  }

  async query({ parent, structuredQuery }: FirestoreQuery, at: ReadAt, only: 'all' | 'version' = 'all'): Promise<ReadResult> {
    const select = { fields: [{ fieldPath: only === 'all' ? jsonField : '__name__' }] };
    const request = { parent, structuredQuery: { ...structuredQuery, select }, ...at };
    // The types of the client want numbers as enums where the wire takes their names.
    const run = (): AsyncIterable<unknown> => this.#rpc.runQuery(request as unknown as Parameters<FirestoreRpc['runQuery']>[0], this.#options());
    return collect(await this.#repeatRead(at, 'run a query', run));
  }

  async count({ parent, structuredQuery }: FirestoreQuery, limit: number | undefined): Promise<number> {
    const request = {
      parent,
      structuredAggregationQuery: {
        structuredQuery,
        aggregations: [{ alias: 'n', count: limit === undefined ? {} : { upTo: { value: limit } } }],
      },
    };
    const run = (): AsyncIterable<unknown> =>
      this.#rpc.runAggregationQuery(request as unknown as Parameters<FirestoreRpc['runAggregationQuery']>[0], this.#options());
    const parts = (await this.#repeatRead({}, 'count', run)) as readonly {
      readonly result?: { readonly aggregateFields?: Readonly<Record<string, { readonly integerValue?: string | number | null }>> | null } | null;
    }[];
    const counted = parts.map((part) => part.result?.aggregateFields?.['n']?.integerValue).find((value) => value !== undefined && value !== null);
    return Number(counted);
  }

  /** Throws what the client throws: the transaction knows what its conditions were. */
  async commit(writes: readonly FirestoreWrite[], transaction: Uint8Array | undefined): Promise<void> {
    const request = { database: this.database, writes: [...writes], ...(transaction === undefined ? {} : { transaction }) };
    const call = this.#rpc.commit(request, this.#options());
    await this.#within(call, () => undefined);
  }

  /** Best effort: a transaction that is never heard of again ends by itself, after a minute at the latest. */
  async rollback(transaction: Uint8Array): Promise<void> {
    const call = this.#rpc.rollback({ database: this.database, transaction }, this.#options());
    await this.#within(call, () => undefined).catch(() => undefined);
  }

  /** Throws StoreError; in a transaction what the client throws, since only a new transaction can go on. */
  async #repeatRead(at: ReadAt, doing: string, run: () => AsyncIterable<unknown>): Promise<readonly Part[]> {
    const inTransaction = 'transaction' in at || 'newTransaction' in at;
    for (let tried = 1; ; tried += 1) {
      try {
        return await this.#readStream(run());
      } catch (error) {
        if (inTransaction) throw error;
        const { reaction } = readFailure(error, 'read');
        // Contention of a read: an emulator makes it wait for locks, and gives up.
        if (tried === maxReads || (reaction !== 'retry_call' && reaction !== 'run_again')) throw toStoreError(error, 'read', doing);
        await this.#deps.clock.sleep(firstWaitMs * 2 ** tried * this.#deps.ids.random());
      }
    }
  }

  /**
   * The client's own deadline is for a first answer that it asks for again and again: a line that swallows everything was seen to cost
   * 37 s where 0.7 s had been asked for. This one ends the stream.
   */
  async #readStream(stream: AsyncIterable<unknown> & { readonly destroy?: (error: Error) => unknown }): Promise<readonly Part[]> {
    const collectParts = async (): Promise<readonly Part[]> => {
      const parts: Part[] = [];
      for await (const part of stream) parts.push(part as Part);
      return parts;
    };
    return this.#within(collectParts(), (error) => stream.destroy?.(error));
  }

  async #within<T>(call: Promise<T>, giveUp: (error: Error) => unknown): Promise<T> {
    const { clock, callTimeoutMs } = this.#deps;
    const answered = new AbortController();
    const timeout = clock.sleep(callTimeoutMs, answered.signal).then(
      () => {
        const error = Object.assign(new Error(`no answer within ${callTimeoutMs} ms`), { code: grpcCodes.deadlineExceeded });
        giveUp(error);
        throw error;
      },
      // Answered in time: what that was decides.
      () => call,
    );
    try {
      return await Promise.race([call, timeout]);
    } finally {
      answered.abort();
      // Whichever came second has nobody to tell.
      for (const late of [call, timeout]) late.catch(() => undefined);
    }
  }

  #options(): { timeout: number; retry: null; otherArgs: { headers: Record<string, string> } } {
    return {
      timeout: this.#deps.callTimeoutMs,
      // What is tried again, and how often, is decided here.
      retry: null,
      otherArgs: { headers: { 'google-cloud-resource-prefix': this.database, ...this.#deps.headers } },
    };
  }
}

function collect(parts: readonly Part[]): ReadResult {
  const documents: FoundDocument[] = [];
  let readTime: Timestamp | undefined;
  let transaction: Uint8Array | undefined;
  for (const part of parts) {
    const document = part.found ?? part.document;
    if (document !== undefined && document !== null) documents.push(document);
    if (part.readTime !== undefined && part.readTime !== null) readTime = part.readTime as Timestamp;
    // Absent bytes come as none.
    if (part.transaction instanceof Uint8Array && part.transaction.length > 0) transaction = part.transaction;
  }
  return { documents, readTime, transaction };
}
