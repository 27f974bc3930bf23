import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installAnalyzer } from './install.ts';

/** Stands for npm: notes that it was called, and puts a package where npm would. */
const npm = (exitCode: number): string => `#!/bin/sh
echo "$@" >> calls
[ ${exitCode} -eq 0 ] && mkdir -p node_modules/@fivetrandevelopers/zetasql && echo '{}' > node_modules/@fivetrandevelopers/zetasql/package.json
exit ${exitCode}
`;

describe('installAnalyzer', () => {
  const path = process.env['PATH'];
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'floodgate-install-'));
    process.env['PATH'] = `${folder}:${path}`;
  });
  afterEach(async () => {
    process.env['PATH'] = path;
    await rm(folder, { recursive: true });
  });
  const prepare = async (exitCode: number): Promise<void> => {
    await writeFile(join(folder, 'package-lock.json'), '{}');
    await writeFile(join(folder, 'npm'), npm(exitCode));
    await chmod(join(folder, 'npm'), 0o755);
  };

  it('runs npm ci once, though two begin at the same time, and never again', async () => {
    await prepare(0);
    await Promise.all([installAnalyzer(folder), installAnalyzer(folder)]);
    await installAnalyzer(folder);
    expect(await readFile(join(folder, 'calls'), 'utf8')).toBe('ci --no-audit --no-fund\n');
  });

  it('says that npm failed, and can be called again', async () => {
    await prepare(1);
    await expect(installAnalyzer(folder)).rejects.toThrow('failed with 1');
    await prepare(0);
    await installAnalyzer(folder);
  });

  it('says what a folder lacks that is none of ours', async () => {
    await expect(installAnalyzer(folder)).rejects.toThrow('package-lock.json');
  });
});
