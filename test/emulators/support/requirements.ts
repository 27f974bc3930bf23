// Which emulators a suite needs. Where this machine can't start one, the suite is skipped, and its name then says what is
// missing and how to get it, which is what the end of the run prints; under REQUIRE_EMULATORS=1 (set by .ci/run) it fails instead.
import { describe, expect, it } from 'vitest';
import { findMissingEmulators } from '@floodgate/emulators/missing-emulators.ts';
import type { EmulatorName } from '@floodgate/emulators/missing-emulators.ts';
import { isZetaSqlInstalled, ZETASQL_MISSING } from '../../support/zetasql.ts';
import { isEmulatorRequired } from './missing.ts';

export type Needed = EmulatorName;

const missing: readonly { readonly emulator: Needed; readonly reason: string }[] = [
  ...(await findMissingEmulators(['pubsub', 'firestore', 'storage'])).map(({ emulator, message, hint }) => ({
    emulator,
    reason: `${message}; ${hint.replaceAll('\n', ' ')}`,
  })),
  // The emulator would fetch 340 MB at its first start: a test run doesn't do so unasked.
  ...(isZetaSqlInstalled || isEmulatorRequired ? [] : [{ emulator: 'bigquery' as const, reason: ZETASQL_MISSING }]),
];

/** Several emulators can lack the same thing. */
const reasonsOf = (needs: readonly Needed[]): readonly string[] => [
  ...new Set(missing.filter(({ emulator }) => needs.includes(emulator)).map(({ reason }) => reason)),
];

export const describeWithEmulators = (name: string, needs: readonly Needed[], body: () => void): void => {
  const reasons = reasonsOf(needs).join('; ');
  if (reasons !== '' && isEmulatorRequired) {
    describe(name, () => {
      it('has the emulators that it needs', () => {
        expect.fail(`REQUIRE_EMULATORS=1, but ${reasons}`);
      });
    });
    return;
  }
  describe.skipIf(reasons !== '')(reasons === '' ? name : `${name}: ${reasons}`, () => {
    body();
  });
};
