// A home folder: made, found writable, and run by one process at a time. The right to run it is an open transaction on a small
// SQLite file, which the operating system ends with the process, whatever it dies of: no stale lock, no guessing by pid.
// Who has it stands in a file beside it, which is only believed while the lock is held. Not for network file systems, whose locks
// can't be relied on (neither can SQLite's).
import { constants } from 'node:fs';
import { access, mkdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import { fromSqliteError, isSqliteBusy } from './sqlite-errors.ts';

export type HomeErrorCode = 'home_in_use' | 'home_not_usable' | 'disk_full';

export class HomeError extends FloodgateError<HomeErrorCode> {
  /** home_in_use: by whom, where that could be read. */
  readonly holder: HomeHolder | undefined;
  constructor(code: HomeErrorCode, message: string, options: { readonly cause?: unknown; readonly hint?: string; readonly holder?: HomeHolder } = {}) {
    super(code, message, options);
    this.holder = options.holder;
  }
}

export type HomeHolder = {
  readonly pid: number;
  readonly host: string;
  readonly since: number;
};

/** Released by disposing of it, or by the end of the process. */
export interface HomeLock extends AsyncDisposable {
  readonly home: string;
}

const lockFile = 'services.lock';
const holderFile = 'services.lock.json';
/** Those who only look hold the lock for an instant. */
const patienceMs = 500;
/** Less than this is not enough for the smallest backfill with its staging. */
const minFreeBytes = 200 * 1_048_576;

/** Makes the folder where it is missing. Throws HomeError where it can't be written, or its disk is full. */
export async function createHome(home: string, options: { readonly minFreeBytes?: number } = {}): Promise<string> {
  const path = resolve(home);
  try {
    await mkdir(path, { recursive: true });
    if (!(await stat(path)).isDirectory()) throw new Error('it is not a folder');
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new HomeError('home_not_usable', `${path} can't be the home folder: ${reason}`, {
      cause: error,
      hint: 'Choose a folder that this user may write to, with --home.',
    });
  }
  const wanted = options.minFreeBytes ?? minFreeBytes;
  const { bavail, bsize } = await statfs(path);
  if (bavail * bsize < wanted) {
    throw new HomeError('disk_full', `only ${toMebibytes(bavail * bsize)} MiB are free where ${path} is; ${toMebibytes(wanted)} are needed`, {
      hint: 'Free disk space, or choose a home on another disk with --home.',
    });
  }
  return path;
}

function toMebibytes(bytes: number): number {
  return Math.floor(bytes / 1_048_576);
}

/** Throws HomeError `home_in_use`, saying by whom. The folder must exist (createHome). */
export async function acquireHomeLock(home: string, deps: { readonly clock: Clock }): Promise<HomeLock> {
  const path = resolve(home);
  const connection = lockOrUndefined(path, patienceMs);
  if (connection === undefined) throw inUse(path, await readHolder(path));
  const holder: HomeHolder = { pid: process.pid, host: hostname(), since: deps.clock.now() };
  // Renamed into place, so that a reader never sees half of it.
  await writeFile(join(path, `${holderFile}.new`), JSON.stringify(holder));
  await rename(join(path, `${holderFile}.new`), join(path, holderFile));
  return {
    home: path,
    async [Symbol.asyncDispose]() {
      if (!connection.isOpen) return;
      await rm(join(path, holderFile), { force: true });
      connection.close();
    },
  };
}

/** Who runs the services on this home just now; undefined where nobody does. */
export async function findHomeHolder(home: string): Promise<HomeHolder | 'unknown' | undefined> {
  const path = resolve(home);
  try {
    await access(join(path, lockFile));
  } catch {
    // Nobody ever ran here; looking must not make files.
    return undefined;
  }
  const connection = lockOrUndefined(path, 0);
  if (connection === undefined) return (await readHolder(path)) ?? 'unknown';
  connection.close();
  return undefined;
}

function lockOrUndefined(home: string, timeout: number): DatabaseSync | undefined {
  const file = join(home, lockFile);
  let connection: DatabaseSync | undefined;
  try {
    connection = new DatabaseSync(file, { timeout });
    connection.exec('BEGIN EXCLUSIVE');
    return connection;
  } catch (error) {
    connection?.close();
    if (isSqliteBusy(error)) return undefined;
    throw new HomeError('home_not_usable', `${file} can't be locked: ${(fromSqliteError(error, file) as Error).message}`, {
      cause: error,
      hint: `Check the rights of the folder; ${lockFile} itself may be deleted while nothing runs.`,
    });
  }
}

/** Undefined where the holder took the lock this moment and has not written yet. */
async function readHolder(home: string): Promise<HomeHolder | undefined> {
  try {
    const holder = JSON.parse(await readFile(join(home, holderFile), 'utf8')) as HomeHolder;
    // What a process left that was killed stands until the next holder has written.
    return holder.host !== hostname() || isAlive(holder.pid) ? holder : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and belongs to another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function inUse(home: string, holder: HomeHolder | undefined): HomeError {
  const who = holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.host}, since ${new Date(holder.since).toISOString()}`;
  const stop = holder === undefined ? 'Stop it' : `Stop it (kill ${holder.pid})`;
  return new HomeError('home_in_use', `${home} is in use by ${who}`, {
    hint: `${stop}, or choose another home with --home.`,
    ...(holder === undefined ? {} : { holder }),
  });
}
