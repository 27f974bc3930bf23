// Every guarantee in the comments of ports/object-store.ts, for any adapter.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ObjectStoreError } from '@floodgate/core/ports/object-store.ts';
import type { ObjectStore } from '@floodgate/core/ports/object-store.ts';

export type ObjectStoreHarness = AsyncDisposable & { readonly store: ObjectStore };

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (content: Uint8Array): string => new TextDecoder().decode(content);

export function describeObjectStoreContract(name: string, makeHarness: () => Promise<ObjectStoreHarness>): void {
  describe(`object store contract: ${name}`, () => {
    let harness: ObjectStoreHarness;
    let store: ObjectStore;
    beforeEach(async () => {
      harness = await makeHarness();
      store = harness.store;
    });
    afterEach(async () => {
      await harness[Symbol.asyncDispose]();
    });

    const keysOf = async (glob: string): Promise<string[]> => (await store.list(glob)).map((object) => object.key);

    it('reads what was written, byte by byte', async () => {
      const content = Uint8Array.from({ length: 256 }, (_, i) => i);
      await store.write('raw/2024/games.bin', content);
      expect([...(await store.read('raw/2024/games.bin'))]).toEqual([...content]);
    });

    it('reads an empty object', async () => {
      await store.write('empty', new Uint8Array());
      expect(await store.read('empty')).toHaveLength(0);
    });

    it('replaces an object', async () => {
      await store.write('a.txt', bytes('first, longer'));
      await store.write('a.txt', bytes('second'));
      expect(text(await store.read('a.txt'))).toBe('second');
    });

    it('keeps what was written, whatever the writer does to his bytes later', async () => {
      const content = bytes('before');
      await store.write('a.txt', content);
      content.fill(0);
      (await store.read('a.txt')).fill(0);
      expect(text(await store.read('a.txt'))).toBe('before');
    });

    it('throws not_found for an object that is not there, and for a folder', async () => {
      await store.write('raw/games.csv', bytes('x'));
      for (const key of ['absent', 'raw', 'raw/absent', 'raw/games.csv/deeper']) {
        await expect(store.read(key)).rejects.toSatisfy((error) => error instanceof ObjectStoreError && error.code === 'not_found');
      }
    });

    it.each(['', '/etc/passwd', '../secret', 'a/../../secret', 'a/..', './a', 'a//b', 'a/', 'a\\..\\b', 'a\0b', 'a\nb', 'a*'])(
      'refuses the key %j',
      async (key) => {
        const isInvalid = (error: unknown): boolean => error instanceof ObjectStoreError && error.code === 'invalid_key';
        await expect(store.read(key)).rejects.toSatisfy(isInvalid);
        await expect(store.write(key, bytes('x'))).rejects.toSatisfy(isInvalid);
        expect(() => store.locate(key)).toThrow(ObjectStoreError);
      },
    );

    it.each(['../*', '/etc/*', 'a/../*', '**', 'a/**/b', ''])('refuses the glob %j', async (glob) => {
      await expect(store.list(glob)).rejects.toSatisfy((error) => error instanceof ObjectStoreError && error.code === 'invalid_key');
    });

    it('lists the keys that match a glob, sorted, where * stays within a name', async () => {
      for (const key of ['raw/2024/b.csv', 'raw/2024/a.csv', 'raw/2023/a.csv', 'raw/2024/a.json', 'raw/2024/deep/a.csv', 'raw/a.csv', 'other/2024/a.csv']) {
        await store.write(key, bytes(key));
      }
      expect(await keysOf('raw/*/*.csv')).toEqual(['raw/2023/a.csv', 'raw/2024/a.csv', 'raw/2024/b.csv']);
      expect(await keysOf('raw/2024/a.*')).toEqual(['raw/2024/a.csv', 'raw/2024/a.json']);
      expect(await keysOf('raw/*')).toEqual(['raw/a.csv']);
      expect(await keysOf('raw/202*/a.csv')).toEqual(['raw/2023/a.csv', 'raw/2024/a.csv']);
      expect(await keysOf('raw/2024/a.csv')).toEqual(['raw/2024/a.csv']);
    });

    it('takes every other character of a glob for itself', async () => {
      for (const key of ['a.csv', 'abcsv', 'x(1)[2]{3}+$^.txt', 'größe 😀.txt']) await store.write(key, bytes(key));
      expect(await keysOf('a.csv')).toEqual(['a.csv']);
      expect(await keysOf('x(1)[2]{3}+$^.*')).toEqual(['x(1)[2]{3}+$^.txt']);
      expect(await keysOf('größe *.txt')).toEqual(['größe 😀.txt']);
    });

    it('lists nothing where nothing matches', async () => {
      expect(await store.list('absent/*/x')).toEqual([]);
      await store.write('file', bytes('x'));
      expect(await store.list('file/*')).toEqual([]);
    });

    it('tells the size, and an etag that changes with the content and with nothing else', async () => {
      await store.write('a', bytes('12345'));
      const [before] = await store.list('a');
      const [again] = await store.list('a');
      await store.write('b', bytes('x'));
      await store.write('a', bytes('54321'));
      const [after] = await store.list('a');
      expect(before!.bytes).toBe(5);
      expect(again!.etag).toBe(before!.etag);
      expect(after!.etag).not.toBe(before!.etag);
    });

    it('shows a reader the old content or the new, never a part', async () => {
      const versions = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(2_000_000));
      await store.write('big', bytes(versions[0]!));
      let writing = true;
      const writes = (async () => {
        for (const version of versions) await store.write('big', bytes(version));
        writing = false;
      })();
      let reads = 0;
      while (writing) {
        const content = text(await store.read('big'));
        expect(versions.includes(content)).toBe(true);
        reads += 1;
      }
      await writes;
      expect(reads).toBeGreaterThan(0);
    });

    it('lets concurrent writers of one key win one after the other', async () => {
      const contents = Array.from({ length: 10 }, (_, i) => String(i).repeat(1_000));
      await Promise.all(contents.map((content) => store.write('one', bytes(content))));
      expect(contents).toContain(text(await store.read('one')));
      expect(await keysOf('*')).toEqual(['one']);
    });

    it('writes nothing and reads nothing once the signal is aborted', async () => {
      const reason = new Error('stopped');
      await store.write('a', bytes('before'));
      await expect(store.write('a', bytes('after'), AbortSignal.abort(reason))).rejects.toBe(reason);
      await expect(store.read('a', AbortSignal.abort(reason))).rejects.toBe(reason);
      expect(text(await store.read('a'))).toBe('before');
      expect(await keysOf('*')).toEqual(['a']);
    });
  });
}
