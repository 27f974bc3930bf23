import { createHash } from 'node:crypto';
import { checkObjectKey, parseObjectGlob } from '@floodgate/core/ports/object-keys.ts';
import { ObjectStoreError } from '@floodgate/core/ports/object-store.ts';
import type { ObjectInfo, ObjectStore } from '@floodgate/core/ports/object-store.ts';

export class MemoryObjectStore implements ObjectStore {
  readonly #objects = new Map<string, Uint8Array>();

  async list(glob: string): Promise<readonly ObjectInfo[]> {
    const patterns = parseObjectGlob(glob);
    const matches = (key: string): boolean => {
      const names = key.split('/');
      return names.length === patterns.length && names.every((name, i) => patterns[i]!.test(name));
    };
    const keys = [...this.#objects.keys()].filter(matches).sort();
    return keys.map((key) => {
      const content = this.#objects.get(key)!;
      return { key, bytes: content.length, etag: createHash('sha256').update(content).digest('hex') };
    });
  }

  async read(key: string, signal?: AbortSignal): Promise<Uint8Array> {
    checkObjectKey(key);
    signal?.throwIfAborted();
    const content = this.#objects.get(key);
    if (content === undefined) throw new ObjectStoreError('not_found', `there is no object ${key}`);
    return content.slice();
  }

  async write(key: string, content: Uint8Array, signal?: AbortSignal): Promise<void> {
    checkObjectKey(key);
    signal?.throwIfAborted();
    this.#objects.set(key, content.slice());
  }

  locate(key: string): string {
    checkObjectKey(key);
    return `memory:${key}`;
  }
}
