// Every planted mistake still fits the code, and the simulator finds it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { controlRuns, mutationRuns, readMutations, renderTable, tryMutations, whyNotApplicable, type Mutation, type Verdict } from './mutations.ts';

const mutations = await readMutations();
/** None of the others has been found so far, as their files say. */
const seen = mutations.filter(({ foundBy }) => foundBy !== undefined);

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

describe(`in ${mutationRuns} seeds`, { timeout: 3_600_000 }, () => {
  const answers = new Map<Mutation | undefined, PromiseWithResolvers<Verdict>>([undefined, ...seen].map((mutation) => [mutation, Promise.withResolvers()]));
  const verdicts = new Map<Mutation, Verdict>();
  const over = new AbortController();
  let work = Promise.resolve();

  beforeAll(() => {
    if (seen.length === 0) return;
    // All of them at once, two side by side; the tests below only wait for their own.
    work = tryMutations([undefined, ...seen], {
      copies: 2,
      runs: mutationRuns,
      notedFirst: true,
      signal: over.signal,
      onVerdict: (mutation, verdict) => {
        if (mutation !== undefined) verdicts.set(mutation, verdict);
        answers.get(mutation)?.resolve(verdict);
      },
    });
    work.catch((error: unknown) => {
      for (const { resolve } of answers.values()) resolve({ verdict: 'error', message: String(error) });
    });
  });

  afterAll(async () => {
    over.abort();
    await work.catch(() => undefined); // its tests have said so
    if (seen.length > 0) process.stdout.write(`${renderTable(new Map([...verdicts].sort(([a], [b]) => (a.name < b.name ? -1 : 1))))}\n`);
  });

  test('the code as it is breaks nothing', async ({ skip }) => {
    if (seen.length === 0) skip('no mutation has been found so far');
    expect(await answers.get(undefined)?.promise).toEqual({ verdict: 'survived', runs: controlRuns });
  });

  test.for(mutations)('$name is found', async (mutation, { skip }) => {
    if (mutation.foundBy === undefined) skip('nothing has found it so far: the simulator lacks an invariant or a fault');
    expect(await answers.get(mutation)?.promise).toMatchObject({ verdict: 'found' });
  });
});
