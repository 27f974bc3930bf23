// Loads a processor's code in the version that a plan names. Node loads an address once in the life of a process, so the
// version is part of the address, and is handed down to the files that the code imports by relative paths: they are part
// of its hash too, and a stale one would give old rows that are recorded as those of the new code.
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

const key = 'floodgate-version';
let isHooked = false;

const versionOf = (address: string | undefined): string | undefined =>
  address?.startsWith('file:') === true ? (new URL(address).searchParams.get(key) ?? undefined) : undefined;

const handDownVersions = (): void => {
  if (isHooked) return;
  isHooked = true;
  registerHooks({
    resolve: (specifier, context, next) => {
      const resolved = next(specifier, context);
      const version = versionOf(context.parentURL);
      if (version === undefined || !/^\.{1,2}\//.test(specifier)) return resolved;
      const address = new URL(resolved.url);
      address.searchParams.set(key, version);
      return { ...resolved, url: address.href };
    },
  });
};

/** The module's exports. The same file and version are loaded once. */
export const importVersion = async (file: string, version: string): Promise<unknown> => {
  handDownVersions();
  const address = pathToFileURL(file);
  address.searchParams.set(key, version);
  return import(address.href);
};
