// The indexes that Firestore needs for the queries that core/contracts/store-indexes.ts allows, as the content of
// `firestore.indexes.json`. The emulator needs none, and so says nothing where one is missing: firestore-indexes.test.ts proves that
// every query that the stores accept has its own.
//
// A query over one collection is ordered by name, which Firestore appends to every index; a query over a group is ordered by path
// (firestore-documents.ts), which is a field. Indexes of one field over one collection Firestore makes by itself. Orders that
// descend would need an index each for every write to keep: nothing asks for one, and the list of those that do is empty.
import { storeIndexes } from '@floodgate/core/contracts/store-indexes.ts';
import type { StoreIndex } from '@floodgate/core/contracts/store-indexes.ts';
import { indexedField, jsonField, pathField, writeField } from './firestore-documents.ts';

export type CompositeIndex = {
  readonly collectionGroup: string;
  readonly queryScope: 'COLLECTION' | 'COLLECTION_GROUP';
  readonly fields: readonly { readonly fieldPath: string; readonly order: 'ASCENDING' }[];
};

export type FieldOverride = {
  readonly collectionGroup: string;
  readonly fieldPath: string;
  readonly indexes: readonly { readonly order: 'ASCENDING'; readonly queryScope: 'COLLECTION_GROUP' }[];
};

export type FirestoreIndexes = { readonly indexes: readonly CompositeIndex[]; readonly fieldOverrides: readonly FieldOverride[] };

/** Last names of all collections that Floodgate writes. */
export const collectionGroups = [
  'audit',
  'backfills',
  'chunks',
  'control',
  'deadLetters',
  'gates',
  'lanes',
  'leases',
  'ledger',
  'outbox',
  'pipelines',
  'pipelineVersions',
  'plans',
  'progress',
  'requests',
  'tasks',
] as const;

export function makeFirestoreIndexes(declared: readonly StoreIndex[], groups: readonly string[]): FirestoreIndexes {
  const indexes = new Map<string, CompositeIndex>();
  for (const { group, fields } of declared) {
    // A query may use any beginning of a declared index.
    for (let length = 1; length <= fields.length; length += 1) {
      const prefix = fields.slice(0, length).map(indexedField);
      for (const index of [composite(group, 'COLLECTION', prefix), composite(group, 'COLLECTION_GROUP', [...prefix, pathField])]) {
        if (index.fields.length > 1) indexes.set(JSON.stringify(index), index);
      }
    }
  }
  return { indexes: [...indexes.values()], fieldOverrides: groups.flatMap((group) => overridesOf(group, declared)) };
}

function overridesOf(group: string, declared: readonly StoreIndex[]): FieldOverride[] {
  // Whole groups are queried only where the group has a declared index.
  const byPath = declared.some((index) => index.group === group);
  return [
    // Nobody asks for these, and the text of a whole document would lie in two indexes.
    { collectionGroup: group, fieldPath: jsonField, indexes: [] },
    { collectionGroup: group, fieldPath: writeField, indexes: [] },
    { collectionGroup: group, fieldPath: pathField, indexes: byPath ? [{ order: 'ASCENDING', queryScope: 'COLLECTION_GROUP' }] : [] },
  ];
}

function composite(collectionGroup: string, queryScope: CompositeIndex['queryScope'], fieldPaths: readonly string[]): CompositeIndex {
  return { collectionGroup, queryScope, fields: fieldPaths.map((fieldPath) => ({ fieldPath, order: 'ASCENDING' })) };
}

export const firestoreIndexes: FirestoreIndexes = makeFirestoreIndexes(storeIndexes, collectionGroups);
