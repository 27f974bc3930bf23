import { FloodgateError } from '../domain/errors.ts';

/** Files that pipelines read (sources) and exports write. Keys are relative, `/`-separated, without `..`. */
export interface ObjectStore {
  /** Keys that match a glob (`*` within a name, no `**`), sorted. Empty where nothing matches. */
  list(glob: string): Promise<readonly ObjectInfo[]>;
  /** Whole object; throws ObjectStoreError `not_found`. */
  read(key: string, signal?: AbortSignal): Promise<Uint8Array>;
  /** Visible as a whole or not at all. */
  write(key: string, content: Uint8Array, signal?: AbortSignal): Promise<void>;
  /** Where the warehouse can read it: a file path, or a gs:// address. */
  locate(key: string): string;
}

export type ObjectInfo = {
  readonly key: string;
  readonly bytes: number;
  /** Changes when the content does. */
  readonly etag: string;
};

export const objectStoreErrorCodes = ['not_found', 'invalid_key', 'disk_full', 'unavailable'] as const;
export type ObjectStoreErrorCode = (typeof objectStoreErrorCodes)[number];

export class ObjectStoreError extends FloodgateError<ObjectStoreErrorCode> {}
