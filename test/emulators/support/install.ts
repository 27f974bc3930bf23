// What .ci/run calls before the tests, so that they don't wait for it: `node test/emulators/support/install.ts`
import { installFakeGcs } from '@floodgate/emulators/fake-gcs-install.ts';
import { installPythonClient } from './installed-tools.ts';

const timed = async (install: () => Promise<string>): Promise<void> => {
  const startedAt = performance.now();
  const path = await install();
  process.stdout.write(`${path}: ${((performance.now() - startedAt) / 1_000).toFixed(1)} s\n`);
};
await Promise.all([timed(installFakeGcs), timed(installPythonClient)]);
