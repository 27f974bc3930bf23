// A checked query in Firestore's words. Firestore's comparisons are the port's: values of one type only, numbers before texts,
// texts by their UTF-8; a document without the field is found by no condition on it.
import type { CheckedQuery } from '@floodgate/core/ports/document-rules.ts';
import { indexedField, parentOfCollection, pathField, scalarValue } from './firestore-documents.ts';
import type { FirestoreValue } from './firestore-documents.ts';

type FieldFilter = {
  readonly fieldFilter: {
    readonly field: { readonly fieldPath: string };
    readonly op: 'EQUAL' | 'IN' | 'LESS_THAN' | 'LESS_THAN_OR_EQUAL' | 'GREATER_THAN' | 'GREATER_THAN_OR_EQUAL';
    readonly value: FirestoreValue | { readonly arrayValue: { readonly values: readonly FirestoreValue[] } };
  };
};
type Filter = FieldFilter | { readonly compositeFilter: { readonly op: 'AND'; readonly filters: readonly FieldFilter[] } };
type Order = { readonly field: { readonly fieldPath: string }; readonly direction: 'ASCENDING' | 'DESCENDING' };

export type FirestoreQuery = {
  readonly parent: string;
  readonly structuredQuery: {
    readonly from: readonly [{ readonly collectionId: string; readonly allDescendants: boolean }];
    readonly where?: Filter;
    readonly orderBy: readonly Order[];
    readonly limit?: { readonly value: number };
  };
};

const rangeOps = { '<': 'LESS_THAN', '<=': 'LESS_THAN_OR_EQUAL', '>': 'GREATER_THAN', '>=': 'GREATER_THAN_OR_EQUAL' } as const;

/**
 * Whether Firestore gives the result in another order than the port's: a range is read along its index. Then the whole range is read,
 * sorted and cut here.
 */
export const isSortedHere = (query: CheckedQuery): boolean => query.ranges.length > 0 && query.orderBy === undefined;

export function toFirestoreQuery(database: string, query: CheckedQuery): FirestoreQuery {
  const { collection, group } = query;
  const filters = filtersOf(query);
  return {
    parent: collection === undefined ? `${database}/documents` : parentOfCollection(database, collection),
    structuredQuery: {
      from: [{ collectionId: group, allDescendants: collection === undefined }],
      ...(filters.length === 0 ? {} : { where: filters.length === 1 ? filters[0]! : { compositeFilter: { op: 'AND', filters } } }),
      orderBy: orderOf(query),
      ...(query.limit === undefined || isSortedHere(query) ? {} : { limit: { value: query.limit } }),
    },
  };
}

/** Counting needs an order only where documents without the field are left out by it, and then no ties. */
export function toCountQuery(database: string, query: CheckedQuery): FirestoreQuery {
  const { parent, structuredQuery } = toFirestoreQuery(database, query);
  const { limit: _counted, ...rest } = structuredQuery;
  return { parent, structuredQuery: rest };
}

function filtersOf({ equal, ranges }: CheckedQuery): readonly FieldFilter[] {
  return [
    ...equal.map(({ field, values }): FieldFilter => {
      const encoded = values.map((value) => scalarValue(value, field));
      const of = { fieldPath: indexedField(field) };
      return encoded.length === 1
        ? { fieldFilter: { field: of, op: 'EQUAL', value: encoded[0]! } }
        : { fieldFilter: { field: of, op: 'IN', value: { arrayValue: { values: encoded } } } };
    }),
    ...ranges.map(({ field, op, value }): FieldFilter => ({
      fieldFilter: { field: { fieldPath: indexedField(field) }, op: rangeOps[op], value: scalarValue(value, field) },
    })),
  ];
}

/** Within one collection names are in the order of paths; over several, the path is a field of its own. */
function orderOf({ collection, ranges, orderBy }: CheckedQuery): readonly Order[] {
  const byPath = { field: { fieldPath: collection === undefined ? pathField : '__name__' }, direction: 'ASCENDING' } as const;
  if (orderBy !== undefined) {
    return [{ field: { fieldPath: indexedField(orderBy.field) }, direction: orderBy.direction === 'asc' ? 'ASCENDING' : 'DESCENDING' }, byPath];
  }
  const range = ranges[0];
  return range === undefined ? [byPath] : [{ field: { fieldPath: indexedField(range.field) }, direction: 'ASCENDING' }, byPath];
}
