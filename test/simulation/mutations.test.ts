// Every planted mistake still fits the code and is what it should be: one small mistake in product code.
import { describe, expect, test } from 'vitest';
import { readMutations, whyNotApplicable } from './mutations.ts';

const mutations = await readMutations();

test('there are enough of them', () => expect(mutations.length).toBeGreaterThanOrEqual(24));

describe.each(mutations)('$name', (mutation) => {
  test('fits the code as it is', async () => expect(await whyNotApplicable(mutation)).toBeUndefined());

  test('is a small mistake in product code alone, and says what it breaks', () => {
    expect(mutation.files.filter((file) => !/^(?:packages|services)\/.+(?<!\.test)\.ts$/.test(file))).toEqual([]);
    expect(mutation.lines).toBeGreaterThan(0);
    expect(mutation.lines).toBeLessThanOrEqual(20);
    expect(mutation.bug).not.toBe('');
    expect(mutation.breaks).toMatch(/^[1-8](?:, [1-8])*(?: \(liveness\))?: /);
  });
});
