// Google's client for Python on the same server: another client's habits (pieces of uploads, polling, etags, defaults).
// What it does is in python/check.py; a check that fails is named by its function.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { startBigQuery } from './support/bigquery-server.ts';
import { installPythonClient, pythonMissing } from './support/installed-tools.ts';
import { emulatorMissing } from './support/missing.ts';

const missing = emulatorMissing ?? (await pythonMissing());
const program = fileURLToPath(new URL('python/check.py', import.meta.url));

describe.skipIf(missing !== undefined)(missing ?? 'BigQuery: the client for Python', () => {
  it('queries, parameters, tables, loads, MERGE, job ids, errors, pages and scripts', async () => {
    const python = await installPythonClient();
    await using server = await startBigQuery();
    const { stdout } = await promisify(execFile)(python, [program, server.url], { timeout: 100_000 });
    expect(stdout).toMatch(/^\d+ checks passed\n$/);
    // The first run installs the client.
  }, 300_000);
});
