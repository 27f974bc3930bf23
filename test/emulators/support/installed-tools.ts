// Tools that these tests use and npm doesn't have: fetched on first use into node_modules/.cache, each in a fixed version.
// fake-gcs-server is the emulators' own (packages/emulators).
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findFakeGcsProblem } from '@floodgate/emulators/fake-gcs-install.ts';
import { isEmulatorRequired } from './missing.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const cache = join(root, 'node_modules', '.cache');
const execute = promisify(execFile);

const run = async (file: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<void> => {
  await execute(file, [...args], { cwd: root, env: { ...process.env, ...environment }, maxBuffer: 64 * 2 ** 20 });
};
const canRun = (file: string, ...args: readonly string[]): Promise<boolean> =>
  run(file, args).then(
    () => true,
    () => false,
  );

/** Why fake-gcs-server can't be had; undefined: it can, or must. */
export const fakeGcsMissing = async (): Promise<string | undefined> => (isEmulatorRequired ? undefined : (await findFakeGcsProblem())?.message);

/** Path of a Python that has tools/python-bigquery/requirements.txt installed. */
export const installPythonClient = async (): Promise<string> => {
  const requirements = join(root, 'tools', 'python-bigquery', 'requirements.txt');
  const digest = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 16);
  const folder = join(cache, 'python-bigquery', digest);
  const python = join(folder, 'bin', 'python');
  const done = join(folder, 'installed');
  if (existsSync(done)) return python;
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(cache, 'python-bigquery'), { recursive: true });
  await run('python3', ['-m', 'venv', folder]);
  await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '--no-deps', '-r', requirements]);
  await writeFile(`${done}.new`, '');
  await rename(`${done}.new`, done);
  return python;
};
export const pythonMissing = async (): Promise<string | undefined> =>
  isEmulatorRequired || (await canRun('python3', '-c', 'import venv, ensurepip, sys; assert sys.version_info >= (3, 10)'))
    ? undefined
    : 'Python 3.10 or newer with venv and pip is not there';
