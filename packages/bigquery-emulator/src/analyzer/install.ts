// Google's analyzer is 340 MB and no dependency of this package: it lies in a folder of its own and is fetched on first use.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** `tools/zetasql` of this repository. */
export const defaultFolder: string = fileURLToPath(new URL('../../../../tools/zetasql/', import.meta.url));

/** An installation that takes longer was given up by whoever began it. */
const staleAfterMs = 15 * 60_000;
const pollMs = 500;

export const packageFolder = (folder: string): string => join(folder, 'node_modules/@fivetrandevelopers/zetasql');
const isInstalled = (folder: string): boolean => existsSync(join(packageFolder(folder), 'package.json')) && !existsSync(lockOf(folder));
const lockOf = (folder: string): string => join(folder, '.installing');

/** Two processes that begin at once install once: a folder made by one of them holds off the other. */
export async function installAnalyzer(folder: string = defaultFolder): Promise<void> {
  while (!isInstalled(folder)) {
    if (!existsSync(join(folder, 'package-lock.json'))) {
      throw new Error(`no GoogleSQL analyzer in ${folder}: it needs package.json and package-lock.json of the repository's tools/zetasql`);
    }
    if (await takeLock(folder)) {
      try {
        await fetchPackage(folder);
      } finally {
        await rm(lockOf(folder), { recursive: true, force: true });
      }
      if (!isInstalled(folder)) throw new Error(`npm ci in ${folder} ended without an analyzer`);
    } else await sleep(pollMs);
  }
}

async function takeLock(folder: string): Promise<boolean> {
  try {
    await mkdir(lockOf(folder));
    return true;
  } catch {
    const age = await stat(lockOf(folder)).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > staleAfterMs) await rm(lockOf(folder), { recursive: true, force: true });
    return false;
  }
}

async function fetchPackage(folder: string): Promise<void> {
  process.stderr.write(`fetching Google's GoogleSQL analyzer (340 MB, once): npm ci in ${folder}\n`);
  const npm = spawn('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: ['ignore', 2, 2] });
  const [code] = (await once(npm, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`npm ci in ${folder} failed with ${code ?? 'a signal'}: without it there is no GoogleSQL analyzer`);
  process.stderr.write("Google's GoogleSQL analyzer is installed\n");
}
