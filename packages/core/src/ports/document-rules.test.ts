// The rules as such; what stores make of them is in test/contract/status-store.contract.ts.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { storeIndexes } from '../contracts/store-indexes.ts';
import { checkQuery, compareScalars, compareStrings, createIndexCatalog, documentText, freezeJson, splitDocumentPath } from './document-rules.ts';
import type { JsonObject } from './status-store.ts';

const catalog = createIndexCatalog(storeIndexes);

describe('freezeJson', () => {
  it('makes what JSON makes of it, frozen through and through', () => {
    const isFrozen = (value: unknown): boolean =>
      value === null || typeof value !== 'object' || (Object.isFrozen(value) && Object.values(value).every(isFrozen));
    fc.assert(
      // A key of that name is refused, see below.
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()).filter((data) => !JSON.stringify(data).includes('__proto__')),
        (data) => {
          const copy = freezeJson(data as JsonObject);
          expect(JSON.stringify(copy)).toBe(JSON.stringify(data));
          expect(isFrozen(copy)).toBe(true);
          expect(Object.isFrozen(data)).toBe(false);
        },
      ),
    );
  });

  it('shares what it has frozen already, and not what somebody else has', () => {
    const first = freezeJson({ kept: { n: [1] }, other: { n: 2 } });
    const second = freezeJson({ ...first, other: { n: 3 } });
    expect(second['kept']).toBe(first['kept']);
    const shallow = Object.freeze({ inner: { n: 1 } });
    const copy = freezeJson({ shallow });
    shallow.inner.n = 2;
    expect(copy).toEqual({ shallow: { inner: { n: 1 } } });
  });

  it('refuses a key that would change the prototype', () => {
    expect(() => freezeJson(JSON.parse('{"a":{"__proto__":{"x":1}}}') as JsonObject)).toThrow('__proto__');
  });
});

it('measures a document in bytes of UTF-8', () => {
  // {"t":""} is 8 bytes; each ä is 2.
  expect(documentText('x/1', { t: 'ä'.repeat((1_048_576 - 8) / 2) })).toHaveLength(8 + (1_048_576 - 8) / 2);
  expect(() => documentText('x/1', { t: `${'ä'.repeat((1_048_576 - 8) / 2)}a` })).toThrow('1048577 bytes');
});

it('compares strings as their UTF-8 bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      expect(Math.sign(compareStrings(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
    {
      examples: [
        ['\uffee', '\u{1f600}'],
        ['\ue000', '\u{10ffff}'],
        ['a', 'ab'],
        ['', ''],
      ],
    },
  );
});

it('puts numbers before strings', () => {
  expect([2, 'b', -1, 'a', 10, ''].toSorted(compareScalars)).toEqual([-1, 2, 10, '', 'a', 'b']);
});

it('splits a path into collection and group', () => {
  expect(splitDocumentPath('backfills/b1/tasks/t1')).toEqual({ collection: 'backfills/b1/tasks', group: 'tasks' });
  expect(splitDocumentPath('lanes/a')).toEqual({ collection: 'lanes', group: 'lanes' });
});

describe('checkQuery', () => {
  const where = (...fields: string[]) => fields.map((field) => ({ field, op: '==', value: 'x' }) as const);

  it('takes the index that the query uses up, in whatever order it names the fields', () => {
    expect(checkQuery({ group: 'tasks', where: where('state', 'phase') }, catalog).index!.fields).toEqual(['phase', 'state']);
    expect(checkQuery({ group: 'tasks', where: where('state') }, catalog).index!.fields).toEqual(['state']);
    expect(checkQuery({ group: 'tasks', where: where('table') }, catalog).index!.fields).toEqual(['table', 'state', 'stagedAt']);
  });

  it('needs no index for a whole collection', () => {
    expect(checkQuery({ collection: 'backfills/b1/progress' }, catalog).index).toBeUndefined();
  });

  it('refuses what no index serves, with the index to declare', () => {
    expect(() => checkQuery({ group: 'tasks', where: where('state'), orderBy: { field: 'stagedAt', direction: 'asc' } }, catalog)).toThrow(
      expect.objectContaining({ code: 'invalid', hint: expect.stringContaining("{ group: 'tasks', fields: ['state', 'stagedAt'] }") }),
    );
  });
});

it.each([[{ group: 'a', fields: [] }], [{ group: 'a', fields: ['x', 'x'] }], [{ group: `a'; DROP`, fields: ['x'] }], [{ group: 'a', fields: [`x') --`] }]])(
  'refuses the index %j',
  (index) => {
    expect(() => createIndexCatalog([index])).toThrow(expect.objectContaining({ code: 'invalid' }));
  },
);
