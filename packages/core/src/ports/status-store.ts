// Documents at slash-separated paths, collection and id in turn (`backfills/b1/tasks/t1`), with serialisable transactions.
// What Firestore can do is what this port promises, no more: bounded transactions, equality and range queries on
// declared indexes, no joins, a document below 1 MiB.
import { FloodgateError } from '../domain/errors.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export type StoredDocument = {
  readonly path: string;
  readonly data: JsonObject;
  /** Changes with every write of the document, never comes back. */
  readonly version: number;
};

export type Condition = {
  readonly field: string;
  readonly op: '==' | 'in' | '<' | '<=' | '>' | '>=';
  /** `in` takes an array of at most 30 values. */
  readonly value: Json;
};

/** `collection` is one collection's path (`backfills/b1/tasks`); `group` is every collection of that last name (`tasks`). */
export type Query = ({ readonly collection: string } | { readonly group: string }) & {
  readonly where?: readonly Condition[];
  /** Ties, and queries without an order, are ordered by path. */
  readonly orderBy?: { readonly field: string; readonly direction: 'asc' | 'desc' };
  readonly limit?: number;
};

export interface StoreReader {
  get(path: string): Promise<StoredDocument | undefined>;
  /** In the order of `paths`. */
  getMany(paths: readonly string[]): Promise<readonly (StoredDocument | undefined)[]>;
  /** Strongly consistent: sees every transaction that committed before it began. */
  query(query: Query): Promise<readonly StoredDocument[]>;
}

/** All reads come before all writes. Reads see the state before the transaction. */
export interface StoreTransaction extends StoreReader {
  /** Fails the transaction with `already_exists` where the document exists. */
  create(path: string, data: JsonObject): void;
  /** Replaces the document, or creates it. */
  set(path: string, data: JsonObject): void;
  delete(path: string): void;
}

export interface StatusStore extends StoreReader {
  count(query: Query): Promise<number>;
  /**
   * Runs `body`, possibly several times, and applies its writes all or not at all: only where nothing that it read
   * (documents, absent documents, results of queries) has changed meanwhile. After a bounded number of contended tries
   * it throws StoreError `conflict`. A transaction whose answer was lost throws `unavailable`: it may have been applied.
   */
  transaction<T>(body: (transaction: StoreTransaction) => Promise<T>): Promise<T>;
}

export const storeErrorCodes = ['conflict', 'already_exists', 'unavailable', 'disk_full', 'invalid'] as const;
export type StoreErrorCode = (typeof storeErrorCodes)[number];

export class StoreError extends FloodgateError<StoreErrorCode> {}
