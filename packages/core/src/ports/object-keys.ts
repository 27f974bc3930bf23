// What a key and a glob of the object store may be: one answer for every adapter.
import { ObjectStoreError } from './object-store.ts';

const shape = 'Keys are relative, `/` between names, without `..`, `\\` and control characters, as in raw/2024/games.parquet.';

/** Cloud Storage allows 1024 bytes. */
const longestKey = 1_000;

/** Throws ObjectStoreError `invalid_key`. */
export function checkObjectKey(key: string): void {
  checkNames(key, 'key');
  if (key.includes('*')) throw new ObjectStoreError('invalid_key', `the key "${key}" contains *, which belongs to globs`, { hint: shape });
}

/** The glob's names as tests on the names of a key. Throws ObjectStoreError `invalid_key`. */
export function parseObjectGlob(glob: string): readonly RegExp[] {
  const names = checkNames(glob, 'glob');
  if (glob.includes('**'))
    throw new ObjectStoreError('invalid_key', `the glob "${glob}" contains **`, { hint: 'A * matches within one name only; write one * for each folder.' });
  return names.map((name) => new RegExp(`^${name.replaceAll(/[\\^$.+?()[\]{}|]/g, '\\$&').replaceAll('*', '.*')}$`, 'us'));
}

function checkNames(text: string, what: string): readonly string[] {
  const names = text.split('/');
  // oxlint-disable-next-line no-control-regex
  const isGood = names.every((name) => name !== '' && name !== '.' && name !== '..' && !/[\\\u0000-\u001f\u007f]/.test(name));
  if (!isGood || text.length > longestKey) throw new ObjectStoreError('invalid_key', `"${text}" is no ${what} of an object`, { hint: shape });
  return names;
}
