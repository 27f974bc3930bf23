// What SQLite adds to the contract (test/contract/status-store.contract.ts): files, processes, full disks, speed.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StoreError } from '@floodgate/core/ports/status-store.ts';
import type { StoreIndex } from '@floodgate/core/contracts/store-indexes.ts';
import { startChild } from '../../../test/support/child-process.ts';
import { contractIndexes } from '../../../test/contract/store-contract-indexes.ts';
import { createSeededIds } from '../../../test/support/seeded-ids.ts';
import { createTemporaryFolder } from '../../../test/support/temporary-folder.ts';
import { SqliteDatabase } from './sqlite-database.ts';
import { SqliteStatusStore } from './sqlite-status-store.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';

const childProgram = join(import.meta.dirname, '../../../test/support/sqlite-child.ts');
const deps = { clock: systemClock, ids: createSeededIds(1) };

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let file: string;
const opened: SqliteDatabase[] = [];
beforeEach(async () => {
  folder = await createTemporaryFolder();
  file = join(folder.path, 'floodgate.db');
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((database) => database.close()));
  await folder[Symbol.asyncDispose]();
});

function open(options: { readonly indexes?: readonly StoreIndex[]; readonly busyTimeoutMs?: number } = {}): {
  readonly database: SqliteDatabase;
  readonly store: SqliteStatusStore;
} {
  const { indexes = contractIndexes, ...rest } = options;
  const database = SqliteDatabase.open({ file, ...deps, ...rest });
  opened.push(database);
  return { database, store: new SqliteStatusStore(database, { ...deps, indexes }) };
}

const set = (
  store: SqliteStatusStore,
  path: string,
  data: Parameters<Parameters<Parameters<SqliteStatusStore['transaction']>[0]>[0]['set']>[1],
): Promise<void> => store.transaction(async (transaction) => transaction.set(path, data));

describe('processes', () => {
  it('has everything that was committed before kill -9', async () => {
    await using child = startChild(childProgram, ['commit-and-hang', file]);
    expect(await child.next()).toBe('committed');
    await child.kill();
    const { store } = open();
    expect(await store.count({ collection: 'x' })).toBe(50);
  });

  it('has nothing of a transaction in whose midst the process was killed', async () => {
    await set(open().store, 'x/before', {});
    await using child = startChild(childProgram, ['hang-in-transaction', file]);
    expect(await child.next()).toBe('writing');
    await child.kill();
    const { store } = open();
    expect((await store.query({ collection: 'x' })).map((document) => document.path)).toEqual(['x/before']);
    await set(store, 'x/after', {});
  });

  it('loses no update when two processes write one document', async () => {
    const { store } = open();
    await using child = startChild(childProgram, ['count', file]);
    expect(await child.next()).toBe('ready');
    for (let i = 0; i < 200; i += 1) {
      await store.transaction(async (transaction) => {
        const count = ((await transaction.get('x/counter'))?.data['count'] ?? 0) as number;
        transaction.set('x/counter', { count: count + 1 });
      });
    }
    expect(await child.next()).toBe('done');
    expect((await store.get('x/counter'))!.data).toEqual({ count: 400 });
  });

  it('waits, without blocking its own process, while another one is writing', async () => {
    const { store } = open({ busyTimeoutMs: 1 });
    await using child = startChild(childProgram, ['hang-in-transaction', file]);
    expect(await child.next()).toBe('writing');
    let written = false;
    const writing = set(store, 'x/1', {}).then(() => (written = true));
    // Reads go on meanwhile.
    for (let i = 0; i < 20; i += 1) {
      await systemClock.sleep(1);
      expect(await store.get('x/1')).toBeUndefined();
    }
    expect(written).toBe(false);
    await child.kill();
    await writing;
    expect(await store.get('x/1')).toBeDefined();
  });

  it('gives up with conflict when another process never stops writing', async () => {
    const instant = { ...deps, clock: { now: () => 0, sleep: async () => undefined } };
    const database = SqliteDatabase.open({ file, ...instant, busyTimeoutMs: 0 });
    opened.push(database);
    const store = new SqliteStatusStore(database, { ...instant, indexes: contractIndexes });
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    await expect(set(store, 'x/1', {})).rejects.toMatchObject({ name: 'StoreError', code: 'conflict' });
    other.exec('COMMIT');
    other.close();
    await set(store, 'x/1', {});
  });
});

describe('a full disk', () => {
  it('throws disk_full with a hint, applies nothing, and goes on when there is space', async () => {
    const { database, store } = open();
    await set(store, 'x/1', { n: 1 });
    database.execute('PRAGMA max_page_count = 40');
    const filling = store.transaction(async (transaction) => {
      transaction.set('x/1', { n: 2 });
      transaction.set('x/large', { text: 'x'.repeat(500_000) });
    });
    await expect(filling).rejects.toSatisfy((error) => error instanceof StoreError && error.code === 'disk_full' && error.hint!.includes('Free disk space'));
    expect((await store.getMany(['x/1', 'x/large'])).map((document) => document?.data)).toEqual([{ n: 1 }, undefined]);
    await set(store, 'x/1', { n: 3 });
    database.execute('PRAGMA max_page_count = 1000000');
    await set(store, 'x/large', { text: 'x'.repeat(500_000) });
    expect((await store.get('x/1'))!.data).toEqual({ n: 3 });
  });

  it('fails only the transaction that has no room', async () => {
    const { database, store } = open();
    database.execute('PRAGMA max_page_count = 40');
    const results = await Promise.allSettled([set(store, 'x/1', { n: 1 }), set(store, 'x/large', { text: 'x'.repeat(500_000) }), set(store, 'x/2', { n: 2 })]);
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((await store.getMany(['x/1', 'x/2'])).map((document) => document?.data)).toEqual([{ n: 1 }, { n: 2 }]);
  });
});

describe('the file', () => {
  const openError = (): unknown => {
    try {
      open();
      return undefined;
    } catch (error) {
      return error;
    }
  };

  it('is refused when it is no database', () => {
    writeFileSync(file, 'this is no database, but long enough to have a header that SQLite would read. '.repeat(20));
    expect(openError()).toMatchObject({ name: 'StoreError', code: 'invalid', message: expect.stringContaining(file), hint: expect.stringContaining('backup') });
  });

  it('is refused when it was damaged', async () => {
    const { database, store } = open();
    for (let i = 0; i < 50; i += 1) await set(store, `x/${i}`, { text: 'x'.repeat(2_000) });
    await database.close();
    const raw = new DatabaseSync(file);
    raw.exec('PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE');
    raw.close();
    writeFileSync(file, Buffer.alloc(4_096 * 30, 0xff), { flag: 'r+' });
    expect(openError()).toMatchObject({ name: 'StoreError', code: 'invalid', message: expect.stringContaining('damaged') });
  });

  it('is refused when a newer version wrote it', async () => {
    const { database } = open();
    database.execute(`UPDATE meta SET value = value + 1 WHERE name = 'schema'`);
    await database.close();
    expect(openError()).toMatchObject({
      name: 'StoreError',
      code: 'invalid',
      message: expect.stringContaining('schema version 2'),
      hint: expect.stringContaining('newer'),
    });
  });

  it('is refused, and left as it is, when it is the database of something else', () => {
    const raw = new DatabaseSync(file);
    raw.exec('CREATE TABLE theirs (a)');
    expect(openError()).toMatchObject({ name: 'StoreError', code: 'invalid', message: expect.stringContaining('not one of Floodgate') });
    expect(raw.prepare('SELECT name FROM sqlite_schema').all()).toHaveLength(1);
    raw.close();
  });

  it('says so when its folder is missing', () => {
    file = join(folder.path, 'absent', 'floodgate.db');
    expect(openError()).toMatchObject({ name: 'StoreError', code: 'unavailable', message: expect.stringContaining(file) });
  });

  it('throws unavailable from everything once it is closed', async () => {
    const { database, store } = open();
    await database.close();
    for (const use of [() => store.get('x/1'), () => store.getMany(['x/1']), () => store.query({ collection: 'x' }), () => set(store, 'x/1', {})]) {
      await expect(use()).rejects.toMatchObject({ name: 'StoreError', code: 'unavailable' });
    }
  });

  it('writes what was asked for before it is closed', async () => {
    const { database, store } = open();
    const writing = set(store, 'x/1', { n: 1 });
    // The body runs first, then the write is asked for.
    await Promise.resolve();
    await database.close();
    await writing;
    expect((await open().store.get('x/1'))!.data).toEqual({ n: 1 });
  });
});

describe('indexes', () => {
  const indexNames = (database: SqliteDatabase): unknown[] =>
    database
      .rowStatement(`SELECT name FROM sqlite_schema WHERE name LIKE 'documents_in%' ORDER BY name`)
      .all()
      .map((row) => row[0]);

  it('are made for documents that exist, and dropped when they are declared no more', async () => {
    const first = open({ indexes: [{ group: 'tasks', fields: ['state'] }] });
    await set(first.store, 'b/1/tasks/t1', { state: 'a', phase: 7 });
    const second = open({ indexes: [{ group: 'tasks', fields: ['phase'] }] });
    expect(indexNames(second.database)).toEqual(['documents_in_tasks_by_phase']);
    expect(await second.store.count({ group: 'tasks', where: [{ field: 'phase', op: '==', value: 7 }] })).toBe(1);
  });

  it('serve every declared query without looking at documents that are not in its result', async () => {
    const { database, store } = open();
    await set(store, 'b/1/tasks/t1', { state: 'a', phase: 1 });
    const plan = (sql: string): string =>
      database
        .rowStatement(`EXPLAIN QUERY PLAN ${sql}`)
        .all('a', 'x', 'y')
        .map((row) => row[3])
        .join('; ');
    const { queryStatement } = await import('./sqlite-query.ts');
    const { checkQuery, createIndexCatalog } = await import('@floodgate/core/ports/document-rules.ts');
    const checked = checkQuery({ collection: 'b/1/tasks', where: [{ field: 'state', op: '==', value: 'a' }] }, createIndexCatalog(contractIndexes));
    // Both bounds of the path are used, and the path's order needs no sorting.
    expect(plan(queryStatement(checked, 'path').sql)).toBe('SEARCH documents USING INDEX documents_in_tasks_by_state (<expr>=? AND path>? AND path<?)');
  });
});

it('parses a document once, however often it is read', async () => {
  const { store } = open();
  await set(store, 'x/1', { entries: [{ n: 1 }] });
  const other = open().store;
  const [first, second] = [await other.get('x/1'), await other.get('x/1')];
  expect(second).toBe(first);
  const found = await other.query({ collection: 'x' });
  expect(found[0]).toBe(first);
});

it('knows a document that it wrote itself without parsing it', async () => {
  const { store } = open();
  await set(store, 'x/1', { entries: [{ n: 1 }], n: 1 });
  const { data } = (await store.get('x/1'))!;
  await set(store, 'x/1', { ...data, n: 2 });
  // Parsing would have made new objects.
  expect((await store.get('x/1'))!.data['entries']).toBe(data['entries']);
});

it('never shows the data of a write that was rolled back', async () => {
  const { database, store } = open();
  await set(store, 'x/1', { n: 1 });
  database.execute('PRAGMA max_page_count = 40');
  const failing = store.transaction(async (transaction) => {
    transaction.set('x/1', { n: 2 });
    transaction.set('x/large', { text: 'x'.repeat(500_000) });
  });
  await expect(failing).rejects.toMatchObject({ code: 'disk_full' });
  // This write gets the version that the failed one would have had.
  await set(open().store, 'x/1', { n: 3 });
  expect((await store.get('x/1'))!.data).toEqual({ n: 3 });
});
