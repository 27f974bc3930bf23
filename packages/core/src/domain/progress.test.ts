import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countStates, mergeProgress, packStates, unpackStates, type PackedProgress, type ProgressState } from './progress.ts';
import { taskStates } from './task-state.ts';

const allStates: readonly ProgressState[] = ['unreleased', ...taskStates];
const arbitraryStates = fc.array(fc.constantFrom(...allStates), { maxLength: 60 });

test('states survive packing, one character each', () => {
  fc.assert(
    fc.property(arbitraryStates, (states) => {
      expect(packStates(states)).toHaveLength(states.length);
      expect(unpackStates(packStates(states))).toEqual(states);
    }),
  );
});

test('no two states share a character', () => {
  expect(new Set(packStates(allStates)).size).toBe(allStates.length);
});

test('a character of a version to come is refused, not guessed', () => {
  expect(() => unpackStates('SS?')).toThrow(new RangeError('unknown progress code "?"'));
  expect(() => unpackStates('S😀')).toThrow('unknown progress code "😀"');
});

test('counts add up over processors and name every state', () => {
  fc.assert(
    fc.property(fc.array(arbitraryStates, { maxLength: 4 }), (rows) => {
      const counts = countStates(rows.map(packStates));
      expect(Object.keys(counts).sort()).toEqual([...allStates].sort());
      for (const state of allStates) expect(counts[state]).toBe(rows.flat().filter((each) => each === state).length);
    }),
  );
});

/** What each task went through, and views of it: a revision per date and the state that the task had at that revision. */
const arbitraryViews = fc.array(fc.array(fc.constantFrom(...allStates), { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 8 }).chain((histories) => {
  const view: fc.Arbitrary<PackedProgress> = fc
    .tuple(...histories.map((history) => fc.nat(history.length - 1)))
    .map((revisions) => ({ revisions, states: packStates(revisions.map((revision, at) => histories[at]?.[revision] ?? 'unreleased')) }));
  return fc.tuple(view, view, view);
});

describe('merging views of the same tasks', () => {
  test('does not depend on which comes first', () => {
    fc.assert(
      fc.property(arbitraryViews, ([a, b, c]) => {
        expect(mergeProgress(a, b)).toEqual(mergeProgress(b, a));
        expect(mergeProgress(mergeProgress(a, b), c)).toEqual(mergeProgress(a, mergeProgress(b, c)));
      }),
    );
  });
  test('changes nothing the second time', () => {
    fc.assert(
      fc.property(arbitraryViews, ([a, b]) => {
        expect(mergeProgress(a, a)).toEqual(a);
        expect(mergeProgress(mergeProgress(a, b), b)).toEqual(mergeProgress(a, b));
      }),
    );
  });
  test('never goes back, and per date is what one of the two saw', () => {
    fc.assert(
      fc.property(arbitraryViews, ([stored, seen]) => {
        const merged = mergeProgress(stored, seen);
        for (const [at, revision] of merged.revisions.entries()) {
          expect(revision).toBe(Math.max(stored.revisions[at] ?? -1, seen.revisions[at] ?? -1));
          const source = revision === stored.revisions[at] ? stored : seen;
          expect(merged.states[at]).toBe(source.states[at]);
        }
      }),
    );
  });
  test('is refused where they are of different dates', () => {
    const one = { states: 'S', revisions: [1] };
    expect(() => mergeProgress(one, { states: 'SS', revisions: [1, 2] })).toThrow(new RangeError("progress of 1 dates can't be merged with that of 2"));
    expect(() => mergeProgress(one, { states: '', revisions: [1] })).toThrow(RangeError);
  });
});
