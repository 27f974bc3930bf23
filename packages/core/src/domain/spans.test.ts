// How ready dates travel together. `schedule.test.ts` says which dates are ready.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { autoSpan, formSpans, type Ready } from './schedule.ts';

/** Ready dates as findReady gives them: by processor, then by date. */
const arbitraryReady: fc.Arbitrary<readonly Ready[]> = fc
  .array(
    fc.uniqueArray(fc.record({ index: fc.nat(40), spanLimit: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.constant(Number.POSITIVE_INFINITY)) }), {
      selector: ({ index }) => index,
      maxLength: 30,
    }),
    {
      maxLength: 3,
    },
  )
  .map((rows) => rows.flatMap((row, position) => row.toSorted((a, b) => a.index - b.index).map((ready) => ({ ...ready, processorId: `p${position}` }))));
const arbitraryLimits = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 3, maxLength: 3 });
const limitIn = (limits: readonly number[]) => (processorId: string) => limits[Number(processorId.slice(1))] ?? 1;

test('spans hold every ready date exactly once, in its order', () => {
  fc.assert(
    fc.property(arbitraryReady, arbitraryLimits, (ready, limits) => {
      const carried = formSpans(ready, limitIn(limits)).flatMap(({ processorId, indexes }) => indexes.map((index) => `${processorId} ${index}`));
      expect(carried).toEqual(ready.map(({ processorId, index }) => `${processorId} ${index}`));
    }),
  );
});

test('a span holds neighbouring dates only, no more than its processor allows and no more than any of its dates allows', () => {
  fc.assert(
    fc.property(arbitraryReady, arbitraryLimits, (ready, limits) => {
      for (const { processorId, indexes } of formSpans(ready, limitIn(limits))) {
        expect(indexes).toEqual(indexes.map((_, at) => (indexes[0] ?? 0) + at));
        const own = ready.filter((each) => each.processorId === processorId && indexes.includes(each.index)).map(({ spanLimit }) => spanLimit);
        expect(indexes.length).toBeLessThanOrEqual(Math.min(limitIn(limits)(processorId), ...own));
      }
    }),
  );
});

test('a span ends only where a gap, a limit or a processor ends it', () => {
  fc.assert(
    fc.property(arbitraryReady, arbitraryLimits, (ready, limits) => {
      const spans = formSpans(ready, limitIn(limits));
      for (const [position, span] of spans.entries()) {
        const next = spans[position + 1];
        if (next === undefined || next.processorId !== span.processorId || next.indexes[0] !== (span.indexes.at(-1) ?? 0) + 1) continue;
        const together = ready.filter(
          ({ processorId, index }) => processorId === span.processorId && (span.indexes.includes(index) || index === next.indexes[0]),
        );
        expect(span.indexes.length + 1).toBeGreaterThan(Math.min(limitIn(limits)(span.processorId), ...together.map(({ spanLimit }) => spanLimit)));
      }
    }),
  );
});

test('one date a task sends each date alone', () => {
  const ready = [3, 4, 5].map((index) => ({ processorId: 'p', index, spanLimit: Number.POSITIVE_INFINITY }));
  expect(formSpans(ready, () => 1).map(({ indexes }) => indexes)).toEqual([[3], [4], [5]]);
  expect(formSpans(ready, () => 2).map(({ indexes }) => indexes)).toEqual([[3, 4], [5]]);
  expect(formSpans([], () => 2)).toEqual([]);
});

test('a date that failed in a span of 8 and may travel with 4 keeps its neighbours to 4 as well', () => {
  const ready = [0, 1, 2, 3, 4, 5].map((index) => ({ processorId: 'p', index, spanLimit: index === 1 ? 4 : Number.POSITIVE_INFINITY }));
  expect(formSpans(ready, () => 8).map(({ indexes }) => indexes)).toEqual([
    [0, 1, 2, 3],
    [4, 5],
  ]);
});

describe('how many dates travel together under auto', () => {
  const input = { msPerDate: 10, largestTried: 1_000, ready: 1_000, workers: 4, maxSpan: 366, targetMs: 2_000 };

  test('as many as fill the time aimed at', () => {
    expect(autoSpan(input)).toBe(200);
    expect(autoSpan({ ...input, msPerDate: 1_999 })).toBe(1);
    expect(autoSpan({ ...input, msPerDate: 100_000 })).toBe(1);
  });
  test('24 while nothing was measured, and at most six times what was tried after that', () => {
    expect(autoSpan({ ...input, msPerDate: undefined })).toBe(24);
    expect(autoSpan({ ...input, largestTried: 24 })).toBe(144);
    expect(autoSpan({ ...input, largestTried: 1 })).toBe(24);
  });
  test('never so many that a worker has nothing to do, nor more than the processor allows', () => {
    expect(autoSpan({ ...input, ready: 20 })).toBe(5);
    expect(autoSpan({ ...input, ready: 21 })).toBe(6);
    expect(autoSpan({ ...input, maxSpan: 60 })).toBe(60);
  });
  test('a duration of nothing does not divide by zero', () => {
    expect(autoSpan({ ...input, msPerDate: 0, ready: 10_000, maxSpan: 366 })).toBe(366);
    expect(autoSpan({ ...input, workers: 0, ready: 0 })).toBe(1);
  });
  test('a whole number from 1 to the limit, whatever was measured', () => {
    const arbitraryInput = fc.record({
      msPerDate: fc.option(fc.double({ min: 0, max: 1e7, noNaN: true }), { nil: undefined }),
      largestTried: fc.nat(400),
      ready: fc.nat(5_000),
      workers: fc.nat(64),
      maxSpan: fc.integer({ min: 1, max: 366 }),
      targetMs: fc.integer({ min: 1, max: 60_000 }),
    });
    fc.assert(
      fc.property(arbitraryInput, (random) => {
        const span = autoSpan(random);
        expect(Number.isInteger(span)).toBe(true);
        expect(span).toBeGreaterThanOrEqual(1);
        expect(span).toBeLessThanOrEqual(random.maxSpan);
        expect(span).toBeLessThanOrEqual(Math.max(1, Math.ceil(random.ready / Math.max(1, random.workers))));
        expect(span).toBeLessThanOrEqual(Math.max(24, random.largestTried * 6));
        if (random.msPerDate !== undefined && span > 1) expect(span * random.msPerDate).toBeLessThanOrEqual(random.targetMs * (1 + 1e-9));
      }),
    );
  });
});
