import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startChild } from '../../../test/support/child-process.ts';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { createTemporaryFolder } from '../../../test/support/temporary-folder.ts';
import { acquireHomeLock, createHome, findHomeHolder } from './home-lock.ts';

const childProgram = join(import.meta.dirname, '../../../test/support/sqlite-child.ts');
const clock = new ManualClock(Date.UTC(2026, 0, 3, 12));

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
beforeEach(async () => {
  folder = await createTemporaryFolder();
});
afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

describe('acquireHomeLock', () => {
  it('gives the home to one holder at a time, and says to others who it is and what to do', async () => {
    const lock = await acquireHomeLock(folder.path, { clock });
    expect(await findHomeHolder(folder.path)).toMatchObject({ pid: process.pid, since: clock.now() });
    await expect(acquireHomeLock(folder.path, { clock })).rejects.toMatchObject({
      name: 'HomeError',
      code: 'home_in_use',
      message: expect.stringMatching(new RegExp(`in use by process ${process.pid} on .+, since 2026-01-03T12:00:00.000Z`)),
      hint: expect.stringContaining('--home'),
      holder: { pid: process.pid },
    });
    await lock[Symbol.asyncDispose]();
    expect(await findHomeHolder(folder.path)).toBeUndefined();
    await using again = await acquireHomeLock(folder.path, { clock });
    expect(again.home).toBe(folder.path);
  });

  it('is held against another process, and free as soon as that is killed', async () => {
    await using child = startChild(childProgram, ['lock-home', folder.path]);
    expect(await child.next()).toBe('locked');
    expect(await findHomeHolder(folder.path)).toMatchObject({ pid: child.pid });
    await expect(acquireHomeLock(folder.path, { clock })).rejects.toMatchObject({ code: 'home_in_use', holder: { pid: child.pid } });
    await child.kill();
    expect(await findHomeHolder(folder.path)).toBeUndefined();
    await using lock = await acquireHomeLock(folder.path, { clock });
    expect(await findHomeHolder(folder.path)).toMatchObject({ pid: process.pid });
    expect(lock.home).toBe(folder.path);
  });

  it('is not taken for that of a dead process whose name still stands there', async () => {
    await using lock = await acquireHomeLock(folder.path, { clock });
    writeFileSync(join(lock.home, 'services.lock.json'), JSON.stringify({ ...((await findHomeHolder(folder.path)) as object), pid: 2 ** 22 + 1 }));
    expect(await findHomeHolder(folder.path)).toBe('unknown');
    await expect(acquireHomeLock(folder.path, { clock })).rejects.toMatchObject({ code: 'home_in_use', message: expect.stringContaining('another process') });
  });

  it('does not mind somebody who only looks', async () => {
    await (await acquireHomeLock(folder.path, { clock }))[Symbol.asyncDispose]();
    for (let i = 0; i < 20; i += 1) {
      const [, lock] = await Promise.all([findHomeHolder(folder.path), acquireHomeLock(folder.path, { clock })]);
      expect(lock.home).toBe(folder.path);
      await lock[Symbol.asyncDispose]();
    }
  });

  it('makes no file in looking', async () => {
    expect(await findHomeHolder(folder.path)).toBeUndefined();
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it('says so when the lock file is no lock file', async () => {
    writeFileSync(join(folder.path, 'services.lock'), 'something else, as long as a database header would be: '.repeat(20));
    await expect(acquireHomeLock(folder.path, { clock })).rejects.toMatchObject({
      name: 'HomeError',
      code: 'home_not_usable',
      hint: expect.stringContaining('services.lock'),
    });
  });
});

describe('createHome', () => {
  it('makes the folder with those above it, and takes one that is there', async () => {
    const home = join(folder.path, 'a', 'b');
    expect(await createHome(home)).toBe(home);
    expect(existsSync(home)).toBe(true);
    expect(await createHome(home)).toBe(home);
  });

  it('refuses a file, and a place below one', async () => {
    const file = join(folder.path, 'file');
    writeFileSync(file, '');
    for (const home of [file, join(file, 'home')]) {
      await expect(createHome(home)).rejects.toMatchObject({
        name: 'HomeError',
        code: 'home_not_usable',
        message: expect.stringContaining(home),
        hint: expect.stringContaining('--home'),
      });
    }
  });

  // Root may write everywhere.
  it.skipIf(process.getuid?.() === 0)('refuses a folder that it may not write to', async () => {
    chmodSync(folder.path, 0o500);
    await expect(createHome(folder.path)).rejects.toMatchObject({ code: 'home_not_usable' });
    chmodSync(folder.path, 0o700);
  });

  it('refuses a disk that is nearly full', async () => {
    await expect(createHome(folder.path, { minFreeBytes: 2 ** 60 })).rejects.toMatchObject({
      name: 'HomeError',
      code: 'disk_full',
      hint: expect.stringContaining('Free disk space'),
    });
  });
});
