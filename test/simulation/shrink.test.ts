import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRandom } from './random.ts';
import type { Strike } from './chaos.ts';
import { allFaultKinds } from './faults.ts';
import type { RunResult } from './result.ts';
import { nameStrike, shrink, suppressAllBut, type Shrunk } from './shrink.ts';

const strikesOf = (length: number): readonly Strike[] =>
  Array.from({ length }, (_, index) => ({ kind: allFaultKinds[index % 7] ?? 'crash', number: Math.floor(index / 7) + 1, at: index, where: 'w' }));

const resultOf = (strikes: readonly Strike[], invariant: string | undefined): RunResult => ({
  seed: 1,
  violation: invariant === undefined ? undefined : { invariant, message: 'm', at: 0, about: [] },
  strikes,
  points: {},
  crashes: {},
  transitions: {},
  messages: {},
  outcomes: {},
  codes: {},
  dates: 0,
  backfills: 0,
  simulatedMs: 0,
  wallMs: 0,
  digest: '',
  events: [],
});

/** Shrinks a run whose strikes are judged by `verdict`. */
const shrinkWith = async (
  all: readonly Strike[],
  verdict: (names: ReadonlySet<string>) => string | undefined,
  maxRuns = 10_000,
): Promise<Shrunk & { readonly left: readonly string[] }> => {
  const make = (strikes: readonly Strike[]): RunResult => resultOf(strikes, verdict(new Set(strikes.map(nameStrike))));
  const shrunk = await shrink({ first: make(all), maxRuns, run: (only) => Promise.resolve(make(all.filter((strike) => only.includes(nameStrike(strike))))) });
  return { ...shrunk, left: shrunk.smallest.strikes.map(nameStrike) };
};

test('finds the strikes that are needed together, wherever they stand', async () => {
  const counts = fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 4 }), fc.integer());
  await fc.assert(
    fc.asyncProperty(counts, async ([length, needed, seed]) => {
      const all = strikesOf(length);
      const random = createRandom(seed);
      const needs = new Set(length === 0 ? [] : Array.from({ length: needed }, () => nameStrike(random.pick(all))));
      const { left, isMinimal } = await shrinkWith(all, (names) => ([...needs].every((name) => names.has(name)) ? '4' : undefined));
      expect(new Set(left)).toEqual(needs);
      expect(isMinimal).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test('finds three of a hundred within the two hundred runs that a trace may take', async () => {
  const all = strikesOf(100);
  const needs = [3, 48, 97].map((index) => nameStrike(all[index] as Strike));
  const { left, runs, isMinimal } = await shrinkWith(all, (names) => (needs.every((name) => names.has(name)) ? '4' : undefined), 200);
  expect(left).toEqual(needs);
  expect(isMinimal).toBe(true);
  expect(runs).toBeLessThan(120);
});

test('any single strike of what is left is needed, also where a different one would have done', async () => {
  const all = strikesOf(30);
  const either = (names: ReadonlySet<string>): string | undefined =>
    names.has('crash#1') || (names.has('stall#1') && names.has('deploy#2')) ? '4' : undefined;
  const { left } = await shrinkWith(all, either);
  for (const name of left) expect(either(new Set(left.filter((other) => other !== name)))).toBeUndefined();
});

test('a violation of another invariant is another story', async () => {
  const { left } = await shrinkWith(strikesOf(20), (names) => (names.has('crash#1') && names.has('stall#2') ? '4' : names.size > 0 ? 'liveness' : undefined));
  expect(left).toEqual(['crash#1', 'stall#2']);
});

test('a violation without any fault is found with the first run', async () => {
  const { left, runs, isMinimal } = await shrinkWith(strikesOf(40), () => '4');
  expect({ left, runs, isMinimal }).toEqual({ left: [], runs: 1, isMinimal: true });
});

test('stops at its bound, and says that there may be fewer', async () => {
  const { runs, isMinimal, left } = await shrinkWith(strikesOf(40), (names) => (names.size >= 31 ? '4' : undefined), 25);
  expect({ runs, isMinimal }).toEqual({ runs: 25, isMinimal: false });
  expect(left.length).toBeGreaterThanOrEqual(31);
});

test('stops when it may not go on', async () => {
  let runs = 0;
  const first = resultOf(strikesOf(40), '4');
  const { isMinimal } = await shrink({
    first,
    maxRuns: 200,
    mayGoOn: () => runs < 3,
    run: (only) => Promise.resolve(resultOf(strikesOf(40).slice(0, only.length), (runs += 1) > 99 ? '4' : undefined)),
  });
  expect({ runs, isMinimal }).toEqual({ runs: 3, isMinimal: false });
});

test('a candidate that goes another way, with more strikes than it took away, is no progress', async () => {
  const first = resultOf(strikesOf(4), '4');
  const { smallest } = await shrink({ first, maxRuns: 50, run: () => Promise.resolve(resultOf(strikesOf(9), '4')) });
  expect(smallest).toBe(first);
});

test('all but the kept strikes are suppressed, those too that the run has not had', () => {
  const suppressed = new Set(suppressAllBut(['crash#2', 'stall#1']));
  expect(suppressed.has('crash#2') || suppressed.has('stall#1')).toBe(false);
  for (const kind of allFaultKinds) expect(suppressed.has(`${kind}#3`)).toBe(true);
  expect(suppressed.has('crash#1')).toBe(true);
});
