// fake-gcs-server (https://github.com/fsouza/fake-gcs-server), a server of Cloud Storage's API: compiled by Go on first use, in
// a fixed version, and kept in node_modules/.cache.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';

const version = 'v1.54.0';
const parent = fileURLToPath(new URL('../../../node_modules/.cache/fake-gcs-server', import.meta.url));
const name = 'fake-gcs-server';
const program = join(parent, version, name);
const execute = promisify(execFile);

/** Why it can't be had, and what to do; undefined: it can. */
export const findFakeGcsProblem = async (): Promise<FloodgateError | undefined> => {
  if (existsSync(program)) return undefined;
  try {
    await execute('go', ['version']);
    return undefined;
  } catch {
    return new FloodgateError('emulator_missing', 'fake-gcs-server (Cloud Storage) is not installed, and Go, which builds it, is not there either', {
      hint: 'install Go 1.25 or later: https://go.dev/dl',
    });
  }
};

/** Path of the program. The first call takes a minute or two, and the network. */
export const installFakeGcs = async (): Promise<string> => {
  if (existsSync(program)) return program;
  const problem = await findFakeGcsProblem();
  if (problem !== undefined) throw problem;
  await mkdir(parent, { recursive: true });
  // Built beside its place and put there by one rename: two who begin at once both succeed, and a kill leaves no half of a program.
  const building = await mkdtemp(join(parent, 'building-'));
  try {
    // Without gRPC's extensions it compiles in two thirds of the time, and the JSON API is all that is used. `env` sets the two
    // variables, so that nobody has to read the others.
    const args = ['install', '-tags', 'disable_grpc_modules', '-ldflags', '-s -w', `github.com/fsouza/fake-gcs-server@${version}`];
    await execute('env', [`GOBIN=${building}`, 'GOFLAGS=', 'go', ...args], { maxBuffer: 64 * 2 ** 20 });
    await mkdir(join(parent, version), { recursive: true });
    await rename(join(building, name), program);
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error && typeof error.stderr === 'string' ? error.stderr.trim().slice(-1_000) : String(error);
    throw new FloodgateError('emulator_missing', `go install of fake-gcs-server ${version} failed: ${said}`, {
      cause: error,
      hint: 'it needs Go 1.25 or later, and a Go module proxy within reach',
    });
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return program;
};
