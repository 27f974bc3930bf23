// Laws of the meters. Each is checked against the slow way of counting: every window, every order.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDailyMeter } from './daily-meter.ts';
import { createDmlQueue } from './dml-queue.ts';
import { createRateMeter } from './rate-meter.ts';
import { createSustainedWriteMeter } from './sustained-write-meter.ts';

const hourMs = 3_600_000;

/** Events at growing times: [wait since the one before, count]. */
const arrivals = fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 4 })), { maxLength: 120 });

type Event = { readonly at: number; readonly count: number };

const eventsOf = (waits: readonly (readonly [number, number])[], unitMs = 1): readonly Event[] => {
  let at = 0;
  return waits.map(([wait, count]) => ({ at: (at += wait * unitMs), count }));
};

/** Of the window that ends with the event at `end`. */
const heldBy = (events: readonly Event[], end: number, windowMs: number): number =>
  events.filter(({ at }) => at > end - windowMs && at <= end).reduce((sum, { count }) => sum + count, 0);

describe('a rate meter', () => {
  it('never lets more than the limit into any window, and refuses only what would be more', () => {
    fc.assert(
      fc.property(arrivals, fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 200 }), (waits, limit, windowMs) => {
        const meter = createRateMeter({ limit, windowMs });
        const taken: Event[] = [];
        for (const event of eventsOf(waits)) {
          const fits = heldBy(taken, event.at, windowMs) + event.count <= limit;
          expect(meter.take(event.at, event.count)).toBe(fits);
          if (fits) taken.push(event);
          expect(meter.used(event.at)).toBe(heldBy(taken, event.at, windowMs));
        }
        expect(meter.peak()).toBe(Math.max(0, ...taken.map(({ at }) => heldBy(taken, at, windowMs))));
        expect(meter.peak()).toBeLessThanOrEqual(limit);
      }),
    );
  });

  it('records beyond the limit, and knows the worst window', () => {
    const meter = createRateMeter({ limit: 2, windowMs: 10 });
    expect([0, 1, 2, 11, 30].map((at) => meter.record(at))).toEqual([1, 2, 3, 2, 1]);
    expect(meter.peak()).toBe(3);
    expect(meter.take(31)).toBe(true);
    expect(meter.take(31)).toBe(false);
  });

  it('forgets an event as soon as it is as old as the window', () => {
    const meter = createRateMeter({ limit: 1, windowMs: 10 });
    expect([0, 9, 10].map((at) => meter.take(at))).toEqual([true, false, true]);
  });

  it('takes a clock that jumps back for one that stands still', () => {
    const meter = createRateMeter({ limit: 2, windowMs: 10 });
    expect([100, 50, 50].map((at) => meter.take(at))).toEqual([true, true, false]);
    expect(meter.used(60)).toBe(2);
    expect(meter.used(110)).toBe(0);
    // Taken at 110, not at 50.
    expect(meter.take(50)).toBe(true);
    expect(meter.used(115)).toBe(1);
  });
});

it('a daily meter never lets more than the limit into any 24 hours, and gives all of it back after 25', () => {
  fc.assert(
    fc.property(arrivals, fc.integer({ min: 1, max: 30 }), (waits, limit) => {
      const meter = createDailyMeter({ limit });
      const taken: Event[] = [];
      const events = eventsOf(waits, hourMs / 7);
      for (const event of events) if (meter.take(event.at, event.count)) taken.push(event);
      for (const { at } of taken) expect(heldBy(taken, at, 24 * hourMs)).toBeLessThanOrEqual(limit);
      const end = events.at(-1)?.at ?? 0;
      expect(meter.used(end)).toBeGreaterThanOrEqual(heldBy(taken, end, 24 * hourMs));
      expect(meter.used(end + 25 * hourMs)).toBe(0);
    }),
  );
});

it('a daily meter counts the last minute of an hour for a whole day', () => {
  const meter = createDailyMeter({ limit: 1 });
  expect(meter.take(hourMs - 1)).toBe(true);
  expect(meter.take(24 * hourMs)).toBe(false);
  expect(meter.take(25 * hourMs)).toBe(true);
});

describe('a queue of DML statements', () => {
  const limits = { running: 2, queued: 3 };
  /** What a caller may do: begin one more, or end one of those that are under way. */
  const steps = fc.array(fc.oneof(fc.constant('begin' as const), fc.nat({ max: 20 })), { maxLength: 100 });

  it('never runs or queues more than the limits, starts in the order of arrival, and leaves no place empty', () => {
    fc.assert(
      fc.property(steps, (todo) => {
        const queue = createDmlQueue(limits);
        const running: string[] = [];
        const waiting: string[] = [];
        let peak = 0;
        for (const [number, step] of todo.entries()) {
          if (step === 'begin') {
            const id = `s${number}`;
            const expected = running.length < limits.running ? 'running' : waiting.length < limits.queued ? 'waiting' : 'refused';
            expect(queue.begin(id)).toBe(expected);
            if (expected === 'running') running.push(id);
            if (expected === 'waiting') waiting.push(id);
          } else {
            const all = [...running, ...waiting];
            const id = all[step % Math.max(1, all.length)];
            if (id === undefined) continue;
            const place = running.indexOf(id);
            const next = queue.end(id);
            if (place === -1) {
              waiting.splice(waiting.indexOf(id), 1);
              expect(next).toBeUndefined();
            } else {
              running.splice(place, 1);
              expect(next).toBe(waiting[0]);
              if (next !== undefined) running.push(waiting.shift() as string);
            }
          }
          peak = Math.max(peak, running.length + waiting.length);
          expect([queue.running(), queue.waiting(), queue.peak()]).toEqual([running.length, waiting.length, peak]);
          expect(queue.waiting() === 0 || queue.running() === limits.running).toBe(true);
        }
      }),
    );
  });

  it('refuses an id that is under way, and the end of one that is not', () => {
    const queue = createDmlQueue({ running: 1, queued: 1 });
    queue.begin('a');
    expect(() => queue.begin('a')).toThrow('a is under way already');
    expect(queue.begin('b')).toBe('waiting');
    expect(queue.begin('c')).toBe('refused');
    expect(() => queue.end('c')).toThrow('c neither runs nor waits');
  });
});

describe('a meter of sustained writes', () => {
  it('lets a burst pass and calls a lasting rate hot', () => {
    const burst = createSustainedWriteMeter({ perSecond: 1, windowMs: 10_000 });
    for (let number = 0; number < 9; number += 1) burst.record('lanes/a', number);
    expect(burst.isHot('lanes/a', 9)).toBe(false);
    burst.record('lanes/a', 9);
    expect(burst.isHot('lanes/a', 9)).toBe(true);
    expect(burst.isHot('lanes/b', 9)).toBe(false);
    expect(burst.isHot('lanes/a', 10_000)).toBe(false);
  });

  it('never calls a document hot that is written once a second', () => {
    const meter = createSustainedWriteMeter({ perSecond: 1, windowMs: 10_000 });
    for (let second = 0; second < 100; second += 1) {
      expect(meter.isHot('a/1', second * 1_000)).toBe(false);
      meter.record('a/1', second * 1_000);
    }
    expect(meter.hottest(5)).toEqual([{ path: 'a/1', writes: 10, at: 9_000 }]);
  });

  it('names the documents by their worst window', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 3_000 }), fc.constantFrom('a/1', 'a/2', 'b/1')), { maxLength: 80 }), (writes) => {
        const meter = createSustainedWriteMeter({ perSecond: 1, windowMs: 10_000 });
        let at = 0;
        const done = writes.map(([wait, path]) => ({ at: (at += wait), path, count: 1 }));
        for (const write of done) meter.record(write.path, write.at);
        const worst = ['a/1', 'a/2', 'b/1'].flatMap((path) => {
          const own = done.filter((write) => write.path === path);
          return own.length === 0 ? [] : [{ path, writes: Math.max(...own.map((write) => heldBy(own, write.at, 10_000))) }];
        });
        const ranked = worst.toSorted((a, b) => b.writes - a.writes || (a.path < b.path ? -1 : 1));
        expect(meter.hottest(10).map(({ path, writes: most }) => ({ path, writes: most }))).toEqual(ranked);
        expect(meter.hottest(1)).toHaveLength(Math.min(1, ranked.length));
      }),
    );
  });
});
