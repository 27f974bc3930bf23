// Every guarantee in the comments of ports/status-store.ts, for any adapter.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StoreError } from '@floodgate/core/ports/status-store.ts';
import type { JsonObject, Query, StatusStore, StoreErrorCode, StoredDocument, StoreTransaction } from '@floodgate/core/ports/status-store.ts';

/** A storage of its own for each test. */
export type StatusStoreHarness = AsyncDisposable & {
  /** Another process on the same storage; its indexes are `contractIndexes` (store-contract-indexes.ts). */
  open(): Promise<StatusStore>;
  /** Waits for a promise, letting time pass as far as that needs it. */
  settle<T>(promise: Promise<T>): Promise<T>;
};

const hasCode =
  (code: StoreErrorCode) =>
  (error: unknown): boolean =>
    error instanceof StoreError && error.code === code;

export function describeStatusStoreContract(name: string, makeHarness: () => Promise<StatusStoreHarness>): void {
  describe(`status store contract: ${name}`, () => {
    let harness: StatusStoreHarness;
    let store: StatusStore;
    beforeEach(async () => {
      harness = await makeHarness();
      store = await harness.open();
    });
    afterEach(async () => {
      await harness[Symbol.asyncDispose]();
    });

    const transact = <T>(body: (transaction: StoreTransaction) => Promise<T>, on: StatusStore = store): Promise<T> => harness.settle(on.transaction(body));
    const put = (documents: Readonly<Record<string, JsonObject>>, on: StatusStore = store): Promise<void> =>
      transact(async (transaction) => {
        for (const [path, data] of Object.entries(documents)) transaction.set(path, data);
      }, on);
    const pathsOf = async (query: Query): Promise<string[]> => (await store.query(query)).map((document) => document.path);
    const increment = (path: string, on: StatusStore = store): Promise<void> =>
      on.transaction(async (transaction) => {
        const count = ((await transaction.get(path))?.data['count'] ?? 0) as number;
        transaction.set(path, { count: count + 1 });
      });

    describe('documents', () => {
      it('has no document where none was written', async () => {
        expect(await store.get('backfills/b1')).toBeUndefined();
        expect(await store.getMany(['backfills/b1', 'backfills/b2'])).toEqual([undefined, undefined]);
      });

      it('returns what was set, of every type of JSON', async () => {
        const data: JsonObject = {
          text: 'größe 日本 😀 "quoted" \\ \n',
          empty: '',
          zero: 0,
          minus: -1.5e-7,
          large: Number.MAX_SAFE_INTEGER,
          yes: true,
          no: false,
          nothing: null,
          list: [1, 'two', null, { three: 3 }],
          nested: { deep: { deeper: {} } },
        };
        await put({ 'backfills/b1': data });
        const document = await store.get('backfills/b1');
        expect(document).toMatchObject({ path: 'backfills/b1', data });
        expect(await (await harness.open()).get('backfills/b1')).toEqual(document);
      });

      it('replaces the whole document by a set', async () => {
        await put({ 'backfills/b1': { a: 1, b: 2 } });
        await put({ 'backfills/b1': { b: 3 } });
        expect((await store.get('backfills/b1'))!.data).toEqual({ b: 3 });
      });

      it('gets many in the order of the paths, the absent ones and repeated ones too', async () => {
        await put({ 'x/1': { n: 1 }, 'x/2': { n: 2 }, 'x/3': { n: 3 } });
        const documents = await store.getMany(['x/3', 'x/absent', 'x/1', 'x/3']);
        expect(documents.map((document) => document?.data['n'])).toEqual([3, undefined, 1, 3]);
      });

      it('gets hundreds at once', async () => {
        const paths = Array.from({ length: 400 }, (_, i) => `x/n${i}`);
        await put(Object.fromEntries(paths.map((path, i) => [path, { i }])));
        expect((await store.getMany(paths)).map((document) => document!.data['i'])).toEqual(paths.map((_, i) => i));
      });

      it('changes the version with every write, the same data too, and never comes back to one', async () => {
        const versions: number[] = [];
        for (const data of [{ a: 1 }, { a: 1 }, { a: 2 }]) {
          await put({ 'x/1': data });
          versions.push((await store.get('x/1'))!.version);
        }
        await transact(async (transaction) => transaction.delete('x/1'));
        await transact(async (transaction) => transaction.create('x/1', { a: 1 }));
        versions.push((await store.get('x/1'))!.version);
        expect(new Set(versions).size).toBe(4);
        expect(versions.toSorted((a, b) => a - b)).toEqual(versions);
      });

      it('does not change the version of what others write', async () => {
        await put({ 'x/1': { a: 1 } });
        const before = await store.get('x/1');
        await put({ 'x/2': { a: 1 } });
        expect(await store.get('x/1')).toEqual(before);
      });

      it('sees at once what another process has written', async () => {
        const other = await harness.open();
        for (let i = 0; i < 3; i += 1) {
          await put({ 'x/1': { i } }, i % 2 === 0 ? store : other);
          expect((await store.get('x/1'))!.data).toEqual({ i });
          expect((await other.get('x/1'))!.data).toEqual({ i });
        }
      });

      it('keeps what was written, whatever the writer does to his object later', async () => {
        const data = { list: [1], nested: { a: 1 } };
        await put({ 'x/1': data });
        data.list.push(2);
        data.nested.a = 2;
        expect((await store.get('x/1'))!.data).toEqual({ list: [1], nested: { a: 1 } });
      });

      it('takes back parts of a document that was read, changed or not', async () => {
        await put({ 'x/1': { entries: { a: { n: 1 }, b: { n: 2 } }, list: [{ n: 1 }] } });
        await transact(async (transaction) => {
          const { data } = (await transaction.get('x/1'))!;
          transaction.set('x/1', { ...data, entries: { ...(data['entries'] as JsonObject), b: { n: 3 } } });
        });
        const expected = { entries: { a: { n: 1 }, b: { n: 3 } }, list: [{ n: 1 }] };
        expect((await store.get('x/1'))!.data).toEqual(expected);
        expect((await (await harness.open()).get('x/1'))!.data).toEqual(expected);
      });

      it('lets no reader change what another one reads', async () => {
        await put({ 'x/1': { list: [1] } });
        const document = (await store.get('x/1'))!;
        try {
          (document.data['list'] as number[]).push(2);
        } catch {
          // A frozen object throws, a copy doesn't: both are fine.
        }
        expect((await store.get('x/1'))!.data).toEqual({ list: [1] });
      });

      it('leaves out keys without a value', async () => {
        await put({ 'x/1': { a: 1, b: undefined } as unknown as JsonObject });
        expect((await store.get('x/1'))!.data).toStrictEqual({ a: 1 });
      });

      it.each([
        ['NaN', { a: Number.NaN }],
        ['Infinity', { a: [Number.POSITIVE_INFINITY] }],
        ['a date', { a: new Date(0) }],
        ['a function', { a: () => 1 }],
        ['a bigint', { a: 1n }],
        ['undefined in a list', { a: [undefined] }],
        ['a list', [1]],
      ])('refuses %s', async (_what, data) => {
        await expect(put({ 'x/1': data as unknown as JsonObject })).rejects.toSatisfy(hasCode('invalid'));
        expect(await store.get('x/1')).toBeUndefined();
      });

      it('takes a document of nearly 1 MiB and refuses one that is larger', async () => {
        const data = { text: 'ä'.repeat(500_000) };
        await put({ 'x/1': data });
        expect((await (await harness.open()).get('x/1'))!.data).toEqual(data);
        await expect(put({ 'x/2': { text: 'ä'.repeat(524_288) } })).rejects.toSatisfy(hasCode('invalid'));
        await expect(put({ 'x/2': { text: 'a'.repeat(1_048_577) } })).rejects.toSatisfy(hasCode('invalid'));
        expect(await store.get('x/2')).toBeUndefined();
      });

      it.each(['', 'x', 'x/1/y', '/x/1', 'x/1/', 'x//1', 'x/.', 'x/..', 'x/__id__', 'x/a\nb', 'x/1/x/2'])('refuses the document path %j', async (path) => {
        await expect(store.get(path)).rejects.toSatisfy(hasCode('invalid'));
        await expect(put({ [path]: {} })).rejects.toSatisfy(hasCode('invalid'));
        await expect(transact(async (transaction) => transaction.delete(path))).rejects.toSatisfy(hasCode('invalid'));
      });

      it('takes ids with every printable character', async () => {
        const path = `lanes/proj.data'set.tab"le:%_*?;--größe 😀`;
        await put({ [path]: { a: 1 } });
        expect(await pathsOf({ collection: 'lanes' })).toEqual([path]);
        expect((await store.get(path))!.data).toEqual({ a: 1 });
      });
    });

    describe('queries', () => {
      it('returns exactly the documents of a collection, by path', async () => {
        await put({ 'backfills/b2': { n: 2 }, 'backfills/b1': { n: 1 }, 'backfills/b1/tasks/t1': { n: 3 }, 'backfillsX/b3': { n: 4 }, 'backfills-x/b4': {} });
        expect(await store.query({ collection: 'backfills' })).toEqual(await store.getMany(['backfills/b1', 'backfills/b2']));
        expect(await pathsOf({ collection: 'backfills/b1/tasks' })).toEqual(['backfills/b1/tasks/t1']);
        expect(await pathsOf({ collection: 'backfills/b2/tasks' })).toEqual([]);
      });

      it('returns the documents of all collections of a name for a group', async () => {
        await put({
          'backfills/b1/tasks/t1': { state: 'a' },
          'backfills/b2/tasks/t1': { state: 'a' },
          'tasks/t0': { state: 'a' },
          'backfills/tasks': { state: 'a' },
          'mytasks/t': { state: 'a' },
        });
        const expected = ['backfills/b1/tasks/t1', 'backfills/b2/tasks/t1', 'tasks/t0'];
        expect(await pathsOf({ group: 'tasks' })).toEqual(expected);
        expect(await pathsOf({ group: 'tasks', where: [{ field: 'state', op: '==', value: 'a' }] })).toEqual(expected);
        expect(await pathsOf({ collection: 'tasks', where: [{ field: 'state', op: '==', value: 'a' }] })).toEqual(['tasks/t0']);
      });

      it('compares with == and in', async () => {
        await put({
          'b/1/tasks/t1': { phase: 1, state: 'queued' },
          'b/1/tasks/t2': { phase: 1, state: 'staged' },
          'b/1/tasks/t3': { phase: 2, state: 'queued' },
          'b/1/tasks/t4': { phase: 1, state: 'failed' },
          'b/2/tasks/t5': { phase: 1, state: 'staged' },
        });
        const collection = 'b/1/tasks';
        expect(await pathsOf({ collection, where: [{ field: 'state', op: '==', value: 'queued' }] })).toEqual(['b/1/tasks/t1', 'b/1/tasks/t3']);
        expect(
          await pathsOf({
            collection,
            where: [
              { field: 'phase', op: '==', value: 1 },
              { field: 'state', op: 'in', value: ['staged', 'queued', 'absent'] },
            ],
          }),
        ).toEqual(['b/1/tasks/t1', 'b/1/tasks/t2']);
        expect(await pathsOf({ group: 'tasks', where: [{ field: 'state', op: 'in', value: ['failed', 'staged', 'staged'] }] })).toEqual([
          'b/1/tasks/t2',
          'b/1/tasks/t4',
          'b/2/tasks/t5',
        ]);
        expect(await pathsOf({ collection, where: [{ field: 'phase', op: '==', value: '1' }] })).toEqual([]);
      });

      it('compares with <, <=, > and >= among values of one type, and orders', async () => {
        await put({
          'outbox/a': { createdAt: 3 },
          'outbox/b': { createdAt: 1 },
          'outbox/c': { createdAt: 2.5 },
          'outbox/d': { createdAt: '2' },
          'outbox/e': { createdAt: null },
          'outbox/f': {},
          'outbox/g': { createdAt: -1 },
        });
        const ordered = (op: '<' | '<=' | '>' | '>=', value: number | string): Promise<string[]> =>
          pathsOf({ collection: 'outbox', where: [{ field: 'createdAt', op, value }], orderBy: { field: 'createdAt', direction: 'asc' } });
        expect(await ordered('<', 2.5)).toEqual(['outbox/g', 'outbox/b']);
        expect(await ordered('<=', 2.5)).toEqual(['outbox/g', 'outbox/b', 'outbox/c']);
        expect(await ordered('>', 2.5)).toEqual(['outbox/a']);
        expect(await ordered('>=', 2.5)).toEqual(['outbox/c', 'outbox/a']);
        expect(await ordered('>=', '')).toEqual(['outbox/d']);
        expect(await ordered('<', '3')).toEqual(['outbox/d']);
        expect(
          await pathsOf({
            collection: 'outbox',
            where: [
              { field: 'createdAt', op: '>=', value: 1 },
              { field: 'createdAt', op: '<', value: 3 },
            ],
          }),
        ).toEqual(['outbox/b', 'outbox/c']);
        expect(await pathsOf({ collection: 'outbox', orderBy: { field: 'createdAt', direction: 'desc' } })).toEqual([
          'outbox/d',
          'outbox/a',
          'outbox/c',
          'outbox/b',
          'outbox/g',
        ]);
      });

      it('orders ties, and what has no order, by path', async () => {
        await put({ 'outbox/c': { createdAt: 1 }, 'outbox/a': { createdAt: 1 }, 'outbox/b': { createdAt: 0 } });
        expect(await pathsOf({ collection: 'outbox', orderBy: { field: 'createdAt', direction: 'asc' } })).toEqual(['outbox/b', 'outbox/a', 'outbox/c']);
        expect(await pathsOf({ collection: 'outbox', orderBy: { field: 'createdAt', direction: 'desc' } })).toEqual(['outbox/a', 'outbox/c', 'outbox/b']);
        expect(await pathsOf({ collection: 'outbox', where: [{ field: 'createdAt', op: '<', value: 2 }] })).toEqual(['outbox/a', 'outbox/b', 'outbox/c']);
      });

      it('combines equality, order and limit', async () => {
        await put(
          Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`b/${i % 2}/tasks/t${i}`, { table: i < 7 ? 'x' : 'y', state: 'staged', stagedAt: 100 - i }])),
        );
        const where = [
          { field: 'table', op: '==', value: 'x' },
          { field: 'state', op: '==', value: 'staged' },
        ] as const;
        expect(await pathsOf({ group: 'tasks', where, orderBy: { field: 'stagedAt', direction: 'asc' }, limit: 3 })).toEqual([
          'b/0/tasks/t6',
          'b/1/tasks/t5',
          'b/0/tasks/t4',
        ]);
        expect(await pathsOf({ collection: 'b/1/tasks', where, orderBy: { field: 'stagedAt', direction: 'desc' }, limit: 2 })).toEqual([
          'b/1/tasks/t1',
          'b/1/tasks/t3',
        ]);
        expect(await pathsOf({ collection: 'b/1/tasks', limit: 2 })).toEqual(['b/1/tasks/t1', 'b/1/tasks/t3']);
      });

      it('finds by a field of a nested object', async () => {
        await put({
          'leases/a': { lease: { holder: 'w1' } },
          'leases/b': { lease: { holder: 'w2' } },
          'leases/c': { 'lease.holder': 'w1' },
          'leases/d': { lease: 'w1' },
        });
        expect(await pathsOf({ collection: 'leases', where: [{ field: 'lease.holder', op: '==', value: 'w1' }] })).toEqual(['leases/a']);
      });

      it('follows documents as they change and go', async () => {
        await put({ 'b/1/tasks/t1': { state: 'queued' } });
        await put({ 'b/1/tasks/t1': { state: 'staged' } });
        expect(await pathsOf({ group: 'tasks', where: [{ field: 'state', op: '==', value: 'queued' }] })).toEqual([]);
        expect(await pathsOf({ group: 'tasks', where: [{ field: 'state', op: '==', value: 'staged' }] })).toEqual(['b/1/tasks/t1']);
        await transact(async (transaction) => transaction.delete('b/1/tasks/t1'));
        expect(await pathsOf({ group: 'tasks' })).toEqual([]);
      });

      it('counts what a query finds', async () => {
        await put(Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`b/${i % 3}/tasks/t${i}`, { phase: i % 2, state: 'queued' }])));
        const where = [{ field: 'phase', op: '==', value: 1 }] as const;
        expect(await store.count({ group: 'tasks', where })).toBe(6);
        expect(await store.count({ collection: 'b/1/tasks', where })).toBe(2);
        expect(await store.count({ collection: 'b/1/tasks' })).toBe(4);
        expect(await store.count({ group: 'tasks', where, limit: 4 })).toBe(4);
        expect(await store.count({ collection: 'absent' })).toBe(0);
      });

      it('sees every transaction that committed before it began', async () => {
        const other = await harness.open();
        for (let i = 1; i <= 10; i += 1) {
          await put({ [`b/1/tasks/t${i}`]: { state: 'queued' } }, i % 2 === 0 ? store : other);
          expect(await store.count({ group: 'tasks', where: [{ field: 'state', op: '==', value: 'queued' }] })).toBe(i);
        }
      });

      const undeclared: [string, Query, string][] = [
        [
          'a field without an index',
          { collection: 'b/1/tasks', where: [{ field: 'colour', op: '==', value: 'red' }] },
          "{ group: 'tasks', fields: ['colour'] }",
        ],
        [
          'fields that are no prefix',
          { collection: 'b/1/tasks', where: [{ field: 'stagedAt', op: '>', value: 1 }] },
          "{ group: 'tasks', fields: ['stagedAt'] }",
        ],
        [
          'an order after the wrong fields',
          { group: 'tasks', where: [{ field: 'state', op: '==', value: 'a' }], orderBy: { field: 'stagedAt', direction: 'asc' } },
          "{ group: 'tasks', fields: ['state', 'stagedAt'] }",
        ],
        ['a group without any index', { group: 'lanes' }, "{ group: 'lanes', fields: [] }"],
      ];
      it.each(undeclared)('refuses %s, naming the index to declare', async (_what, query, index) => {
        for (const run of [() => store.query(query), () => store.count(query), () => transact((transaction) => transaction.query(query))]) {
          await expect(run()).rejects.toSatisfy(
            (error) => error instanceof StoreError && error.code === 'invalid' && error.message.includes(index) && error.hint!.includes(index),
          );
        }
      });

      const malformed: [string, Query][] = [
        ['in with more than 30 values', { group: 'tasks', where: [{ field: 'state', op: 'in', value: Array.from({ length: 31 }, (_, i) => `s${i}`) }] }],
        ['in with none', { group: 'tasks', where: [{ field: 'state', op: 'in', value: [] }] }],
        ['in with no list', { group: 'tasks', where: [{ field: 'state', op: 'in', value: 'a' }] }],
        ['a comparison with null', { group: 'tasks', where: [{ field: 'state', op: '==', value: null }] }],
        ['a comparison with an object', { group: 'tasks', where: [{ field: 'state', op: '==', value: {} }] }],
        [
          'ranges on two fields',
          {
            group: 'tasks',
            where: [
              { field: 'phase', op: '>', value: 1 },
              { field: 'state', op: '>', value: 'a' },
            ],
          },
        ],
        [
          'an order on another field than the range',
          { group: 'tasks', where: [{ field: 'phase', op: '>', value: 1 }], orderBy: { field: 'state', direction: 'asc' } },
        ],
        ['a limit of 0', { collection: 'b/1/tasks', limit: 0 }],
        ['the path of a document', { collection: 'b/1' }],
        ['a condition that is no field name', { group: 'tasks', where: [{ field: `state') OR (1=1`, op: '==', value: 'a' }] }],
      ];
      it.each(malformed)('refuses %s', async (_what, query) => {
        await expect(store.query(query)).rejects.toSatisfy(hasCode('invalid'));
      });

      it('takes in with 30 values', async () => {
        await put({ 'b/1/tasks/t1': { state: 's29' } });
        expect(await pathsOf({ group: 'tasks', where: [{ field: 'state', op: 'in', value: Array.from({ length: 30 }, (_, i) => `s${i}`) }] })).toHaveLength(1);
      });

      it('refuses a document whose indexed field holds what no index can compare', async () => {
        for (const state of [true, ['a'], { a: 1 }]) {
          await expect(put({ 'b/1/tasks/t1': { state } })).rejects.toSatisfy(hasCode('invalid'));
        }
        await put({ 'b/1/tasks/t1': { state: null }, 'b/1/other/t1': { state: true } });
      });

      it('finds the same as a look at every document', async () => {
        await fc.assert(
          fc.asyncProperty(fc.array(taskArbitrary, { maxLength: 25 }), fc.array(queryArbitrary, { minLength: 1, maxLength: 6 }), async (tasks, queries) => {
            await using own = await makeHarness();
            const fresh = await own.open();
            const documents = new Map(tasks.map(({ parent, id, data }) => [`b/${parent}/tasks/${id}`, data]));
            await own.settle(
              fresh.transaction(async (transaction) => {
                for (const [path, data] of documents) transaction.set(path, data);
              }),
            );
            for (const query of queries) {
              const expected = lookAtEveryDocument(documents, query);
              expect((await fresh.query(query)).map((document) => document.path)).toEqual(expected);
              expect(await fresh.count(query)).toBe(expected.length);
            }
          }),
          { numRuns: 40 },
        );
      });
    });

    describe('transactions', () => {
      it('applies all writes of a body and returns its result', async () => {
        await put({ 'x/gone': { a: 1 }, 'x/set': { a: 1 } });
        const result = await transact(async (transaction) => {
          transaction.create('x/new', { a: 2 });
          transaction.set('x/set', { a: 2 });
          transaction.delete('x/gone');
          transaction.delete('x/never-there');
          return 'result';
        });
        expect(result).toBe('result');
        expect((await store.getMany(['x/new', 'x/set', 'x/gone'])).map((document) => document?.data)).toEqual([{ a: 2 }, { a: 2 }, undefined]);
      });

      it('applies several writes to one document in their order', async () => {
        await put({ 'x/a': { n: 0 } });
        await transact(async (transaction) => {
          transaction.delete('x/a');
          transaction.create('x/a', { n: 1 });
          transaction.set('x/a', { n: 2 });
          transaction.set('x/b', { n: 1 });
          transaction.delete('x/b');
        });
        expect((await store.getMany(['x/a', 'x/b'])).map((document) => document?.data)).toEqual([{ n: 2 }, undefined]);
      });

      it('applies nothing where the body throws, and throws on', async () => {
        const reason = new Error('body failed');
        await expect(
          transact(async (transaction) => {
            transaction.set('x/1', {});
            throw reason;
          }),
        ).rejects.toBe(reason);
        expect(await store.get('x/1')).toBeUndefined();
      });

      it('fails with already_exists where a created document exists, and applies nothing', async () => {
        await put({ 'x/1': { a: 1 } });
        let runs = 0;
        await expect(
          transact(async (transaction) => {
            runs += 1;
            transaction.set('x/0', {});
            transaction.create('x/1', { a: 2 });
            transaction.set('x/2', {});
          }),
        ).rejects.toSatisfy(hasCode('already_exists'));
        expect(runs).toBe(1);
        expect((await store.getMany(['x/0', 'x/1', 'x/2'])).map((document) => document?.data)).toEqual([undefined, { a: 1 }, undefined]);
      });

      it('lets one of many concurrent creators win, and tells the others', async () => {
        const other = await harness.open();
        const results = await harness.settle(
          Promise.allSettled(
            Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? store : other).transaction(async (transaction) => transaction.create('x/1', { i }))),
          ),
        );
        expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
        expect(results.every((result) => result.status === 'fulfilled' || hasCode('already_exists')(result.reason))).toBe(true);
      });

      it('fails alone among those that are written together', async () => {
        await put({ 'x/taken': {} });
        const results = await harness.settle(
          Promise.allSettled(['x/a', 'x/taken', 'x/b'].map((path) => store.transaction(async (transaction) => transaction.create(path, { path })))),
        );
        expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
        expect((await store.getMany(['x/a', 'x/b'])).map((document) => document?.data['path'])).toEqual(['x/a', 'x/b']);
      });

      it.each(['get', 'getMany', 'query'] as const)('refuses a %s after a write, even where the body swallows the error', async (method) => {
        const bodies = {
          get: (transaction: StoreTransaction) => transaction.get('x/2'),
          getMany: (transaction: StoreTransaction) => transaction.getMany(['x/2']),
          query: (transaction: StoreTransaction) => transaction.query({ collection: 'x' }),
        };
        await expect(
          transact(async (transaction) => {
            transaction.set('x/1', {});
            await bodies[method](transaction).catch(() => undefined);
          }),
        ).rejects.toSatisfy(hasCode('invalid'));
        expect(await store.get('x/1')).toBeUndefined();
      });

      it('refuses what is done with a transaction after its body has ended', async () => {
        let kept: StoreTransaction | undefined;
        await transact(async (transaction) => {
          kept = transaction;
        });
        expect(() => kept!.set('x/1', {})).toThrow(StoreError);
        await expect(kept!.get('x/1')).rejects.toSatisfy(hasCode('invalid'));
      });

      /** Runs a transaction during whose first run, after `read`, somebody else makes `change`. Counts the runs. */
      const interfere = async (
        read: (transaction: StoreTransaction) => Promise<unknown>,
        change: (transaction: StoreTransaction) => void,
        from: StatusStore,
      ): Promise<number> => {
        let runs = 0;
        await transact(async (transaction) => {
          runs += 1;
          await read(transaction);
          if (runs === 1) await from.transaction(async (interfering) => change(interfering));
          transaction.set('x/result', { runs });
        });
        return runs;
      };

      const reads: Record<string, (transaction: StoreTransaction) => Promise<unknown>> = {
        'a document': (transaction) => transaction.get('x/1'),
        'one of many documents': (transaction) => transaction.getMany(['x/0', 'x/1']),
        'an absent document': (transaction) => transaction.get('x/absent'),
        'a query': (transaction) => transaction.query({ collection: 'b/1/tasks', where: [{ field: 'state', op: '==', value: 'queued' }] }),
        'an empty query': (transaction) => transaction.query({ group: 'tasks', where: [{ field: 'state', op: '==', value: 'absent' }] }),
      };
      const conflicting: [string, keyof typeof reads, (transaction: StoreTransaction) => void][] = [
        ['changed', 'a document', (transaction) => transaction.set('x/1', { a: 2 })],
        ['written with the same data', 'a document', (transaction) => transaction.set('x/1', { a: 1 })],
        ['deleted', 'a document', (transaction) => transaction.delete('x/1')],
        ['changed', 'one of many documents', (transaction) => transaction.set('x/1', { a: 2 })],
        ['created', 'an absent document', (transaction) => transaction.create('x/absent', {})],
        ['joined by another document', 'a query', (transaction) => transaction.set('b/1/tasks/t9', { state: 'queued' })],
        ['left by a document', 'a query', (transaction) => transaction.set('b/1/tasks/t1', { state: 'staged' })],
        ['changed in a document that stays', 'a query', (transaction) => transaction.set('b/1/tasks/t1', { state: 'queued', n: 2 })],
        ['joined by its first document', 'an empty query', (transaction) => transaction.set('b/7/tasks/t1', { state: 'absent' })],
      ];
      for (const process of ['the same', 'another'] as const) {
        it.each(conflicting)(`runs again when what it read is %s meanwhile: %s (by ${process} process)`, async (_how, what, change) => {
          await put({ 'x/0': {}, 'x/1': { a: 1 }, 'b/1/tasks/t1': { state: 'queued' } });
          expect(await interfere(reads[what]!, change, process === 'the same' ? store : await harness.open())).toBe(2);
        });
      }

      it('does not run again for what it has not read', async () => {
        await put({ 'x/1': { a: 1 }, 'b/1/tasks/t1': { state: 'queued' } });
        const read = async (transaction: StoreTransaction): Promise<void> => {
          for (const what of Object.values(reads)) await what(transaction);
        };
        const change = (transaction: StoreTransaction): void => {
          transaction.set('x/other', {});
          transaction.set('b/1/tasks/t2', { state: 'staged' });
        };
        expect(await interfere(read, change, store)).toBe(1);
        expect(await interfere(read, change, await harness.open())).toBe(1);
      });

      it('shows a body one state of the store, never parts of two', async () => {
        await put({ 'x/a': { n: 0 }, 'x/b': { n: 0 } });
        const other = await harness.open();
        const seen: unknown[] = [];
        let runs = 0;
        await transact(async (transaction) => {
          runs += 1;
          const a = await transaction.get('x/a');
          const n = runs;
          if (n <= 2) {
            await (n === 1 ? store : other).transaction(async (interfering) => {
              for (const path of ['x/a', 'x/b']) interfering.set(path, { n });
            });
          }
          const b = await transaction.get('x/b');
          seen.push([a!.data['n'], b!.data['n']]);
        });
        // A store that shows the instant of the first read lets the body end with that; one that notices what came later runs it again.
        expect(seen).toHaveLength(1);
        expect([[[0, 0]], [[2, 2]]]).toContainEqual(seen);
      });

      it('prevents write skew: two that read both and each write one', async () => {
        await put({ 'x/a': { on: 1 }, 'x/b': { on: 1 } });
        const other = await harness.open();
        const switchOff = (path: string, on: StatusStore): Promise<void> =>
          on.transaction(async (transaction) => {
            const both = await transaction.getMany(['x/a', 'x/b']);
            if (both.every((document) => document!.data['on'] === 1)) transaction.set(path, { on: 0 });
          });
        await harness.settle(Promise.all([switchOff('x/a', store), switchOff('x/b', other)]));
        expect((await store.getMany(['x/a', 'x/b'])).map((document) => Number(document!.data['on'])).toSorted((a, b) => a - b)).toEqual([0, 1]);
      });

      it('loses no update of a document that many write at once', async () => {
        const stores = [store, await harness.open(), await harness.open()];
        await harness.settle(Promise.all(Array.from({ length: 30 }, (_, i) => increment('x/counter', stores[i % 3]))));
        expect((await store.get('x/counter'))!.data).toEqual({ count: 30 });
      });

      it('gives up with conflict when it is contended every time', async () => {
        let runs = 0;
        const contended = store.transaction(async (transaction) => {
          runs += 1;
          await transaction.get('x/1');
          await store.transaction(async (interfering) => interfering.set('x/1', { runs }));
          transaction.set('x/2', {});
        });
        await expect(harness.settle(contended)).rejects.toSatisfy(hasCode('conflict'));
        expect(runs).toBeGreaterThanOrEqual(3);
        expect(runs).toBeLessThanOrEqual(100);
        expect(await store.get('x/2')).toBeUndefined();
      });

      it('keeps the sum of a bank, whoever transfers and whoever looks', async () => {
        const accounts = Array.from({ length: 5 }, (_, i) => `accounts/a${i}`);
        await put(Object.fromEntries(accounts.map((path) => [path, { balance: 100 }])));
        const stores = [store, await harness.open()];
        const sums: number[] = [];
        const transfer = (i: number): Promise<void> =>
          stores[i % 2]!.transaction(async (transaction) => {
            const [from, to] = [accounts[i % 5]!, accounts[(i * 3 + 1) % 5]!];
            const balance = (document: StoredDocument | undefined): number => document!.data['balance'] as number;
            const before = [balance(await transaction.get(from)), balance(await transaction.get(to))] as const;
            if (from === to) return;
            transaction.set(from, { balance: before[0] - i });
            transaction.set(to, { balance: before[1] + i });
          });
        const look = (i: number): Promise<void> =>
          stores[i % 2]!.transaction(async (transaction) => {
            let sum = 0;
            for (const path of accounts) sum += (await transaction.get(path))!.data['balance'] as number;
            sums.push(sum);
          });
        await harness.settle(Promise.all(Array.from({ length: 40 }, (_, i) => (i % 4 === 3 ? look(i) : transfer(i)))));
        const final = (await store.getMany(accounts)).map((document) => document!.data['balance'] as number);
        expect(final.reduce((a, b) => a + b)).toBe(500);
        expect(sums).toHaveLength(10);
        expect(new Set(sums)).toEqual(new Set([500]));
      });
    });
  });
}

const stateArbitrary = fc.constantFrom('a', 'b', 'ä', '\u{1f600}', '\uffee', '');
const taskArbitrary = fc.record({
  parent: fc.constantFrom('1', '2'),
  id: fc.constantFrom('t1', 't2', 't3', 't10', 'T', 'ä', '\u{1f600}', '\uffee'),
  data: fc.record({ phase: fc.oneof(fc.integer({ min: -1, max: 2 }), fc.constantFrom(0.5, 'one', null)), state: stateArbitrary }, { requiredKeys: [] }),
});
const valueArbitrary = fc.oneof(fc.integer({ min: -1, max: 2 }), stateArbitrary, fc.constantFrom('one', 0.5));
const queryArbitrary: fc.Arbitrary<Query> = fc
  .record({
    scope: fc.constantFrom({ group: 'tasks' }, { collection: 'b/1/tasks' }, { collection: 'b/3/tasks' }),
    phase: fc.option(
      fc.oneof(
        fc.record({ op: fc.constant('==' as const), value: valueArbitrary }),
        fc.record({ op: fc.constant('in' as const), value: fc.array(valueArbitrary, { minLength: 1, maxLength: 3 }) }),
      ),
    ),
    state: fc.option(fc.record({ op: fc.constantFrom('==' as const, '<' as const, '<=' as const, '>' as const, '>=' as const), value: valueArbitrary })),
    direction: fc.option(fc.constantFrom('asc' as const, 'desc' as const)),
    limit: fc.option(fc.integer({ min: 1, max: 5 })),
  })
  .map(({ scope, phase, state, direction, limit }) => ({
    ...scope,
    where: [...(phase === null ? [] : [{ field: 'phase', ...phase }]), ...(state === null ? [] : [{ field: 'state', ...state }])],
    ...(direction === null || state?.op === '==' ? {} : { orderBy: { field: 'state', direction } }),
    ...(limit === null ? {} : { limit }),
  }));

/** The meaning of a query said in another way than the stores say it: by UTF-8 bytes, over plain lists. */
function lookAtEveryDocument(documents: ReadonlyMap<string, JsonObject>, query: Query): string[] {
  const compare = (a: unknown, b: unknown): number => {
    if (typeof a === 'number' && typeof b === 'number') return Math.sign(a - b);
    if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
    return Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));
  };
  const holds = (value: unknown, op: string, bound: unknown): boolean => {
    if (op === 'in') return (bound as unknown[]).some((item) => holds(value, '==', item));
    if (typeof value !== typeof bound || value === null) return false;
    const order = compare(value, bound);
    return (order === 0 && op.includes('=')) || (order < 0 && op.includes('<')) || (order > 0 && op.includes('>'));
  };
  const found = [...documents].filter(
    ([path, data]) =>
      ('group' in query || path.startsWith(`${query.collection}/`)) &&
      (query.where ?? []).every(({ field, op, value }) => holds(data[field], op, value)) &&
      (query.orderBy === undefined || (data[query.orderBy.field] ?? null) !== null),
  );
  found.sort(([pathA, a], [pathB, b]) => {
    const order = query.orderBy === undefined ? 0 : compare(a[query.orderBy.field], b[query.orderBy.field]) * (query.orderBy.direction === 'asc' ? 1 : -1);
    return order === 0 ? compare(pathA, pathB) : order;
  });
  return found.slice(0, query.limit).map(([path]) => path);
}
