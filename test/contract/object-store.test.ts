import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FolderObjectStore } from '@floodgate/embedded/folder-object-store.ts';
import { MemoryObjectStore } from '../support/memory-object-store.ts';
import { createSeededIds } from '../support/seeded-ids.ts';
import { createTemporaryFolder } from '../support/temporary-folder.ts';
import { describeObjectStoreContract } from './object-store.contract.ts';

describeObjectStoreContract('folder', async () => {
  const folder = await createTemporaryFolder();
  return { store: new FolderObjectStore(folder.path, { ids: createSeededIds(1) }), [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
});

describeObjectStoreContract('memory', async () => ({ store: new MemoryObjectStore(), [Symbol.asyncDispose]: async () => undefined }));

it('locates an object of a folder as a file', async () => {
  await using folder = await createTemporaryFolder();
  const store = new FolderObjectStore(folder.path, { ids: createSeededIds(1) });
  await store.write('raw/a.txt', Buffer.from('content'));
  expect(await readFile(store.locate('raw/a.txt'), 'utf8')).toBe('content');
});

it('never lists what a writer that died left behind', async () => {
  await using folder = await createTemporaryFolder();
  const store = new FolderObjectStore(folder.path, { ids: createSeededIds(1) });
  await writeFile(join(folder.path, '.floodgate-writing-x1'), 'half');
  expect(await store.list('*')).toEqual([]);
});

it('sees a change that somebody made to the file in place', async () => {
  await using folder = await createTemporaryFolder();
  const store = new FolderObjectStore(folder.path, { ids: createSeededIds(1) });
  await store.write('a.csv', Buffer.from('1'));
  const [before] = await store.list('a.csv');
  await writeFile(store.locate('a.csv'), '12');
  expect((await store.list('a.csv'))[0]!.etag).not.toBe(before!.etag);
});

it('follows a link to a folder of data and passes over one that leads nowhere', async () => {
  await using folder = await createTemporaryFolder();
  await using data = await createTemporaryFolder();
  await writeFile(join(data.path, 'games.csv'), 'x');
  await symlink(data.path, join(folder.path, 'raw'));
  await symlink(join(data.path, 'absent'), join(folder.path, 'nowhere'));
  const store = new FolderObjectStore(folder.path, { ids: createSeededIds(1) });
  expect((await store.list('raw/*')).map((object) => object.key)).toEqual(['raw/games.csv']);
  expect(await store.list('*')).toEqual([]);
});

it('says so where a key leads through an object as if it were a folder', async () => {
  await using folder = await createTemporaryFolder();
  const store = new FolderObjectStore(folder.path, { ids: createSeededIds(1) });
  await store.write('a', Buffer.from('x'));
  await expect(store.write('a/b', Buffer.from('x'))).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('a/b') });
});
