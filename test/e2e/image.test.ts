// The image as the Dockerfile makes it, in a folder: its dependencies installed from the registry as there, its services started by
// its own command. They get as far as their settings and their backend let them, which is further than a missing file would.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildImage } from '../support/dockerfile.ts';
import { createTemporaryFolder } from '../support/temporary-folder.ts';

const root = join(import.meta.dirname, '../..');
// The Node that runs this test, before all others.
const path = [dirname(process.execPath), process.env['PATH']].join(delimiter);
const { HOME, npm_config_cache } = process.env;

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let image: Awaited<ReturnType<typeof buildImage>>;
beforeAll(async () => {
  folder = await createTemporaryFolder();
  image = await buildImage(root, folder.path, { PATH: path, HOME, npm_config_cache, npm_config_prefer_offline: 'true' });
}, 240_000);
afterAll(() => folder?.[Symbol.asyncDispose]());

type Ended = { readonly code: number | null; readonly lines: readonly Readonly<Record<string, unknown>>[]; readonly errors: string };

/** As `docker run floodgate <service>`. */
const start = async (service: string, environment: Readonly<Record<string, string>>): Promise<Ended> => {
  const [program, ...args] = [...image.command.slice(0, -1), service];
  const child = spawn(program, args, { cwd: image.workdir, env: { PATH: path, ...image.environment, ...environment } });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) child[name].on('data', (chunk: Buffer) => (output[name] += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  const lines = output.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { code, lines, errors: output.stderr };
};

describe('the image', () => {
  test('holds what the services need of the registry, and no DuckDB', async () => {
    const modules = join(image.workdir, 'node_modules');
    expect(existsSync(join(modules, '@google-cloud/pubsub/package.json'))).toBe(true);
    expect(existsSync(join(modules, '@duckdb'))).toBe(false);
    expect(await readdir(join(modules, '@floodgate')).then((names) => names.sort())).toEqual([
      'core',
      'gcp',
      'http',
      'planner',
      'sql',
      'system',
      'validator',
      'worker',
    ]);
  });

  test.each(['planner', 'worker', 'validator'])('starts the %s, which says all that is wrong with its settings', async (service) => {
    const { code, lines, errors } = await start(service, { FLOODGATE_MODE: 'poll' });
    expect([code, errors]).toEqual([1, '']);
    expect(lines).toMatchObject([
      { severity: 'ERROR', service, code: 'invalid_settings', err: { message: expect.stringContaining('3 settings are not valid') } },
    ]);
  });

  test.each(['planner', 'worker', 'validator'])(
    'starts the %s, which gives up on a backend that nobody answers for',
    async (service) => {
      const { code, lines, errors } = await start(service, {
        FLOODGATE_GCP_PROJECT: 'floodgate-image',
        FLOODGATE_GCP_LOCATION: 'EU',
        FLOODGATE_PORT: '0',
        FLOODGATE_START_WITHIN_MS: '3000',
        FLOODGATE_GRACE_MS: '1000',
        // Nobody listens on the ports of the first few protocols.
        PUBSUB_EMULATOR_HOST: '127.0.0.1:1',
        FIRESTORE_EMULATOR_HOST: '127.0.0.1:2',
        BIGQUERY_EMULATOR_HOST: '127.0.0.1:3',
      });
      expect([code, errors]).toEqual([1, '']);
      expect(lines).toContainEqual(expect.objectContaining({ severity: 'ERROR', message: 'the service could not start', hint: expect.any(String) }));
    },
    60_000,
  );

  test('without an argument is the planner', () => {
    expect(image.command.at(-1)).toBe('planner');
  });
});
