// SQLite's result codes in the store's words. https://www.sqlite.org/rescode.html
import { StoreError } from '@floodgate/core/ports/status-store.ts';

const primary = { busy: 5, locked: 6, readonly: 8, ioError: 10, corrupt: 11, full: 13, cantOpen: 14, notADatabase: 26 } as const;

/** Primary result code, or undefined for what did not come from SQLite. The low byte: extended codes say more in the others. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}

/** Somebody else is writing: expected, to be tried again. */
export function isSqliteBusy(error: unknown): boolean {
  const code = resultCode(error);
  return code === primary.busy || code === primary.locked;
}

/** Errors that are not SQLite's come back as they are. */
export function fromSqliteError(error: unknown, file: string): unknown {
  const code = resultCode(error);
  // node:sqlite, of what is used after close.
  if (error instanceof Error && 'code' in error && error.code === 'ERR_INVALID_STATE')
    return new StoreError('unavailable', `${file} is closed`, { cause: error });
  if (code === undefined) return error;
  const detail = (error as Error).message;
  switch (code) {
    case primary.busy:
    case primary.locked:
      return new StoreError('unavailable', `another process holds ${file}: ${detail}`, {
        cause: error,
        hint: 'See who has it open (`fuser`), or wait until it is done.',
      });
    case primary.full:
      return new StoreError('disk_full', `no space left to write ${file}: ${detail}`, {
        cause: error,
        hint: 'Free disk space, then go on: nothing that was accepted is lost.',
      });
    case primary.corrupt:
    case primary.notADatabase:
      return new StoreError('invalid', `${file} is damaged or is no Floodgate database: ${detail}`, {
        cause: error,
        hint: 'Move the file away (with its -wal and -shm) and put a backup in its place; `floodgate reconcile` rebuilds the ledger from the commit logs.',
      });
    case primary.readonly:
    case primary.cantOpen:
      return new StoreError('unavailable', `${file} can't be opened for writing: ${detail}`, {
        cause: error,
        hint: 'Check that the folder exists and that this user may write to it.',
      });
    case primary.ioError:
      return new StoreError('unavailable', `the disk failed under ${file}: ${detail}`, { cause: error, hint: 'Look at the system log for disk errors.' });
    default:
      return new StoreError('unavailable', `SQLite failed on ${file}: ${detail}`, { cause: error });
  }
}
