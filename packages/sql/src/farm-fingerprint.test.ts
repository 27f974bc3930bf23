import { expect, test } from 'vitest';
import { farmFingerprint } from './farm-fingerprint.ts';

// As Google's reference evaluator answers them; reference.test.ts compares every length up to 200.
test.each<[text: string, fingerprint: bigint]>([
  ['', -7286425919675154353n],
  ['a', -5528939962900187677n],
  ['abcd', 1897425971756105985n],
  ['player_lookup', -8060371669237574247n],
  ['ab'.repeat(10), 906141753060109542n],
  ['ab'.repeat(30), -1578040461726041684n],
  ['xyz'.repeat(100), -6744017196311432830n],
])('FARM_FINGERPRINT(%j)', (text, fingerprint) => {
  expect(farmFingerprint(new TextEncoder().encode(text))).toBe(fingerprint);
});
