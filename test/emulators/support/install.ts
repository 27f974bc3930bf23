// What .ci/run calls before the tests, so that they don't wait for it: `node test/emulators/support/install.ts`
import { findMissingEmulators } from '@floodgate/emulators/missing-emulators.ts';
import { installFakeGcs } from '@floodgate/emulators/fake-gcs-install.ts';
import { installPythonClient } from './installed-tools.ts';

// Those of the Cloud SDK are the machine's business: told now, before a long run, and once more by each suite that needs them.
for (const { message, hint } of await findMissingEmulators(['pubsub', 'firestore'])) process.stderr.write(`missing: ${message}\n${hint}\n`);

const timed = async (install: () => Promise<string>): Promise<void> => {
  const startedAt = performance.now();
  const path = await install();
  process.stdout.write(`${path}: ${((performance.now() - startedAt) / 1_000).toFixed(1)} s\n`);
};
await Promise.all([timed(installFakeGcs), timed(installPythonClient)]);
