import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as documents from '@floodgate/core/contracts/documents.ts';
import { storeIndexes } from '@floodgate/core/contracts/store-indexes.ts';
import type { StoreIndex } from '@floodgate/core/contracts/store-indexes.ts';
import { checkQuery, createIndexCatalog, splitDocumentPath } from '@floodgate/core/ports/document-rules.ts';
import type { Query } from '@floodgate/core/ports/status-store.ts';
import { collectionGroups, firestoreIndexes, makeFirestoreIndexes } from './firestore-indexes.ts';
import type { FirestoreIndexes } from './firestore-indexes.ts';
import { toFirestoreQuery } from './firestore-queries.ts';
import type { FirestoreQuery } from './firestore-queries.ts';

/**
 * Firestore's rules, said from its documentation and not from how the indexes are made: equalities first in any order, then the
 * orders in theirs. Of one field over one collection the index is there by itself; equalities alone over one
 * collection are served by merging those.
 */
function isServed(indexes: FirestoreIndexes, { structuredQuery }: FirestoreQuery): boolean {
  const { collectionId, allDescendants } = structuredQuery.from[0];
  const where = structuredQuery.where;
  const filters = where === undefined ? [] : 'fieldFilter' in where ? [where] : where.compositeFilter.filters;
  const equal = filters.flatMap(({ fieldFilter }) => (fieldFilter.op === 'EQUAL' || fieldFilter.op === 'IN' ? [fieldFilter.field.fieldPath] : []));
  const ranges = filters.flatMap(({ fieldFilter }) => (fieldFilter.op === 'EQUAL' || fieldFilter.op === 'IN' ? [] : [fieldFilter.field.fieldPath]));
  if (structuredQuery.orderBy.some(({ direction }) => direction !== 'ASCENDING')) return false;
  const order = structuredQuery.orderBy.map(({ field }) => field.fieldPath).filter((field) => field !== '__name__');
  if (!ranges.every((field) => field === order[0])) return false;
  const wanted = [...equal, ...order];
  if (!allDescendants && (order.length === 0 || wanted.length === 1)) return true;
  if (wanted.length === 1) {
    return indexes.fieldOverrides.some(
      ({ collectionGroup, fieldPath, indexes: single }) => collectionGroup === collectionId && fieldPath === wanted[0] && single.length === 1,
    );
  }
  return indexes.indexes.some(
    ({ collectionGroup, queryScope, fields }) =>
      collectionGroup === collectionId &&
      queryScope === (allDescendants ? 'COLLECTION_GROUP' : 'COLLECTION') &&
      fields.length === wanted.length &&
      fields.slice(0, equal.length).every(({ fieldPath }) => equal.includes(fieldPath)) &&
      fields.slice(equal.length).every(({ fieldPath }, i) => fieldPath === order[i]),
  );
}

const root = fileURLToPath(new URL('../../..', import.meta.url));
const catalog = createIndexCatalog(storeIndexes);
const accepts = (query: Query): boolean => {
  try {
    checkQuery(query, catalog);
    return true;
  } catch {
    return false;
  }
};
const served = (query: Query, indexes = firestoreIndexes): boolean => isServed(indexes, toFirestoreQuery('d', checkQuery(query, catalog)));

/** Shapes around the declared indexes: beginnings of them, in any order, with and without a range or an order on the next. */
const queryArbitrary: fc.Arbitrary<Query> = fc
  .record({
    index: fc.constantFrom(...storeIndexes),
    wholeGroup: fc.boolean(),
    equalities: fc.nat(3),
    swapped: fc.boolean(),
    several: fc.boolean(),
    tail: fc.constantFrom('none' as const, 'range' as const, 'order' as const, 'both' as const),
  })
  .map(({ index, wholeGroup, equalities, swapped, several, tail }) => {
    const fields = index.fields.slice(0, equalities);
    const next = index.fields[equalities];
    const where: NonNullable<Query['where']>[number][] = (swapped ? fields.toReversed() : fields).map((field) =>
      several ? { field, op: 'in', value: ['a', 'b'] } : { field, op: '==', value: 'a' },
    );
    if (next !== undefined && (tail === 'range' || tail === 'both')) where.push({ field: next, op: '<', value: 1 });
    return {
      ...(wholeGroup ? { group: index.group } : { collection: index.group }),
      where,
      ...(next !== undefined && (tail === 'order' || tail === 'both') ? { orderBy: { field: next, direction: 'asc' as const } } : {}),
    };
  });

describe('indexes of Firestore', () => {
  it('serve every query that the stores accept', () => {
    let accepted = 0;
    fc.assert(
      fc.property(queryArbitrary, (query) => {
        if (!accepts(query)) return;
        accepted += 1;
        expect(served(query), JSON.stringify(query)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
    expect(accepted).toBeGreaterThan(500);
  });

  it.each(firestoreIndexes.indexes.map((index) => [index.collectionGroup, index.queryScope, index] as const))(
    'has none in %s (%s) that no query needs',
    (_group, _scope, index) => {
      const without = { ...firestoreIndexes, indexes: firestoreIndexes.indexes.filter((other) => other !== index) };
      const queries = fc.sample(queryArbitrary, { numRuns: 3_000, seed: 1 }).filter(accepts);
      // Equalities over one collection would be merged from single fields, slowly: their index is what an order or a range needs.
      expect(queries.some((query) => !served(query, without))).toBe(true);
    },
  );

  it('need no order that descends, since nothing asks for one', () => {
    const files = globSync('{packages/{core,http}/src,services/*/src,cli/src}/**/*.ts', { cwd: root });
    const descending = files.filter((file) => !file.endsWith('.test.ts') && /direction: 'desc'/.test(readFileSync(`${root}/${file}`, 'utf8')));
    expect(files.length).toBeGreaterThan(100);
    expect(descending).toEqual([]);
  });

  it('leave the text of documents out of every index, in all collections that there are', () => {
    const paths = Object.entries(documents).flatMap(([name, value]) =>
      name.endsWith('Path') && typeof value === 'function' ? [(value as (...names: unknown[]) => string)('a', 'b', 'c')] : [],
    );
    expect(paths.length).toBeGreaterThan(15);
    const groups = new Set(paths.map((path) => splitDocumentPath(path).group));
    expect([...groups].filter((group) => !(collectionGroups as readonly string[]).includes(group))).toEqual([]);
    for (const group of groups) {
      expect(firestoreIndexes.fieldOverrides).toContainEqual({ collectionGroup: group, fieldPath: 'json', indexes: [] });
    }
  });

  it('quote the dots of a nested field, which is one name in Firestore', () => {
    const declared: StoreIndex[] = [{ group: 'leases', fields: ['lease.holder', 'at'] }];
    expect(makeFirestoreIndexes(declared, []).indexes.map(({ fields }) => fields.map(({ fieldPath }) => fieldPath))).toEqual([
      ['f.`lease.holder`', 'p'],
      ['f.`lease.holder`', 'f.at'],
      ['f.`lease.holder`', 'f.at', 'p'],
    ]);
  });
});
