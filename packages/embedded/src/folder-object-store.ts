// Objects as files below one folder. Keys can't lead out of it; symbolic links in it are followed, since whoever may make one
// there decides what belongs to the folder.
import type { BigIntStats, Dirent } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Ids } from '@floodgate/core/ports/ids.ts';
import { checkObjectKey, parseObjectGlob } from '@floodgate/core/ports/object-keys.ts';
import { ObjectStoreError } from '@floodgate/core/ports/object-store.ts';
import type { ObjectInfo, ObjectStore } from '@floodgate/core/ports/object-store.ts';

/** Files being written. A process that died leaves one behind; it is never listed. */
const temporaryPrefix = '.floodgate-writing-';

export class FolderObjectStore implements ObjectStore {
  readonly #root: string;
  readonly #ids: Ids;

  constructor(root: string, deps: { readonly ids: Ids }) {
    this.#root = resolve(root);
    this.#ids = deps.ids;
  }

  async list(glob: string): Promise<readonly ObjectInfo[]> {
    const patterns = parseObjectGlob(glob);
    let folders = [''];
    for (const pattern of patterns.slice(0, -1)) {
      const nested = await Promise.all(folders.map((folder) => this.#namesIn(folder, pattern)));
      folders = nested.flat();
    }
    const keys = await Promise.all(folders.map((folder) => this.#namesIn(folder, patterns.at(-1)!)));
    const objects = await Promise.all(keys.flat().map((key) => this.#describe(key)));
    return objects.filter((object) => object !== undefined).sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  async read(key: string, signal?: AbortSignal): Promise<Uint8Array> {
    const path = this.locate(key);
    try {
      return await readFile(path, signal === undefined ? {} : { signal });
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      if (isCode(error, 'ENOENT', 'EISDIR', 'ENOTDIR')) throw new ObjectStoreError('not_found', `there is no object ${key}`, { cause: error });
      throw toObjectStoreError(error, key);
    }
  }

  async write(key: string, content: Uint8Array, signal?: AbortSignal): Promise<void> {
    const path = this.locate(key);
    signal?.throwIfAborted();
    // In the same folder: only there a rename is one step.
    const temporary = join(dirname(path), `${temporaryPrefix}${this.#ids.newId()}`);
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeDurably(temporary, content, signal);
      signal?.throwIfAborted();
      await rename(temporary, path);
    } catch (error) {
      // May fail for the same reason; that reason is the one to tell.
      await rm(temporary, { force: true }).catch(() => undefined);
      throw signal?.aborted === true ? signal.reason : toObjectStoreError(error, key);
    }
  }

  locate(key: string): string {
    checkObjectKey(key);
    return join(this.#root, key);
  }

  /** Keys of the folder's entries whose name fits; none where there is no such folder. */
  async #namesIn(folder: string, pattern: RegExp): Promise<string[]> {
    let entries: Dirent[];
    try {
      entries = await readdir(join(this.#root, folder), { withFileTypes: true });
    } catch (error) {
      if (isCode(error, 'ENOENT', 'ENOTDIR')) return [];
      throw toObjectStoreError(error, folder);
    }
    const names = entries.map((entry) => entry.name).filter((name) => pattern.test(name) && !name.startsWith(temporaryPrefix));
    return names.map((name) => (folder === '' ? name : `${folder}/${name}`));
  }

  async #describe(key: string): Promise<ObjectInfo | undefined> {
    let stats: BigIntStats;
    try {
      stats = await stat(join(this.#root, key), { bigint: true });
    } catch (error) {
      // Deleted between the listing and here, or a link that leads nowhere.
      if (isCode(error, 'ENOENT')) return undefined;
      throw toObjectStoreError(error, key);
    }
    // A rename gives a new inode, a change in place a new time: no need to read the content.
    return stats.isFile() ? { key, bytes: Number(stats.size), etag: `${stats.mtimeNs}-${stats.ino}-${stats.size}` } : undefined;
  }
}

/** With fsync: a rename may otherwise reach the disk before the content does, and a power loss leave an empty object. */
async function writeDurably(path: string, content: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
  await using file = await open(path, 'wx');
  await file.writeFile(content, signal === undefined ? {} : { signal });
  await file.sync();
}

function toObjectStoreError(error: unknown, key: string): ObjectStoreError {
  if (error instanceof ObjectStoreError) return error;
  if (isCode(error, 'ENOSPC', 'EDQUOT'))
    return new ObjectStoreError('disk_full', `no space left to write ${key}`, { cause: error, hint: 'Free disk space and try again.' });
  if (isCode(error, 'ENAMETOOLONG')) return new ObjectStoreError('invalid_key', `a name in ${key} is too long for the file system`, { cause: error });
  const reason = error instanceof Error ? error.message : String(error);
  return new ObjectStoreError('unavailable', `${key} can't be reached: ${reason}`, {
    cause: error,
    hint: 'Check that this user may read and write the folder.',
  });
}

function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
