import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryChoice, arbitraryWorld, datesInWindow, type World } from '../../../../test/support/arbitraries.ts';
import { planInput, planOf } from '../../../../test/support/ledgers.ts';
import { chainPipeline, dateAt, makePipeline, makeProcessor, plainCalendar, processorOf, reads } from '../../../../test/support/pipelines.ts';
import type { PlanEntry } from './plan.ts';
import { blockersOf, findReady, findStuck, statusOfEntry, statusOfTask, type PartitionStatus, type StatusGrid } from './schedule.ts';
import { taskStates } from './task-state.ts';

const waiting: PartitionStatus = { status: 'waiting', notBefore: 0, spanLimit: Number.POSITIVE_INFINITY };
const always = (): boolean => true;
type MutableGrid = Map<string, (PartitionStatus | undefined)[]>;

describe('the status of a partition', () => {
  test('follows the state of its task', () => {
    const statuses = Object.fromEntries(taskStates.map((state) => [state, statusOfTask({ state, notBefore: 5, spanLimit: 3 }).status]));
    expect(statuses).toEqual({
      waiting: 'waiting',
      queued: 'in_flight',
      running: 'in_flight',
      staged: 'in_flight',
      committing: 'in_flight',
      succeeded: 'good',
      unchanged: 'good',
      superseded: 'good',
      failed: 'bad',
      quarantined: 'bad',
      cancelled: 'bad',
    });
    expect(statusOfTask({ state: 'waiting', notBefore: 5, spanLimit: 3 })).toEqual({ status: 'waiting', notBefore: 5, spanLimit: 3 });
    expect(statusOfTask({ state: 'failed', notBefore: 0, spanLimit: 1 })).toEqual({ status: 'bad', state: 'failed' });
  });

  test('follows the plan until there is a task', () => {
    const date = dateAt(plainCalendar('2024-01-01', 1), 0);
    const statusOf = (entry: PlanEntry extends infer Entry ? (Entry extends PlanEntry ? Omit<Entry, 'date'> : never) : never, awaitedGood = false) =>
      statusOfEntry({ date, ...entry }, awaitedGood);
    expect(statusOf({ kind: 'task', reason: 'missing' })).toEqual(waiting);
    expect(statusOf({ kind: 'skip', reason: 'never' })).toEqual({ status: 'good' });
    expect(statusOf({ kind: 'fresh', reason: 'already_fresh' })).toEqual({ status: 'good' });
    expect(statusOf({ kind: 'fresh', reason: 'stale_not_requested' })).toEqual({ status: 'good' });
    expect(statusOf({ kind: 'fresh', reason: 'missing_not_requested' })).toEqual({ status: 'awaited', by: '' });
    expect(statusOf({ kind: 'await', reason: 'b7' })).toEqual({ status: 'awaited', by: 'b7' });
    expect(statusOf({ kind: 'await', reason: 'b7' }, true)).toEqual({ status: 'good' });
  });
});

describe('an optional upstream', () => {
  const calendar = plainCalendar('2024-01-01', 2);
  const optional = { ...reads('manifest'), optional: true } as const;
  const pipeline = makePipeline([makeProcessor('manifest'), makeProcessor('games', { phase: 2, upstreams: [optional] })]);
  const isReady = (manifest: PartitionStatus | undefined): boolean => {
    const grid: StatusGrid = new Map([
      ['manifest', [manifest]],
      ['games', [waiting]],
    ]);
    const ready = findReady({ pipeline, calendar, grid, now: 0, mayRelease: always }).some(({ processorId }) => processorId === 'games');
    expect(blockersOf(pipeline, processorOf(pipeline, 'games'), calendar, 0, grid, 9).length === 0).toBe(ready);
    return ready;
  };

  test('is waited for where it is planned, also by another backfill, and is not in the way where it is missing', () => {
    expect(isReady(waiting)).toBe(false);
    expect(isReady({ status: 'in_flight' })).toBe(false);
    expect(isReady({ status: 'bad', state: 'failed' })).toBe(false);
    expect(isReady({ status: 'awaited', by: 'b7' })).toBe(false);
    expect(isReady({ status: 'good' })).toBe(true);
    expect(isReady({ status: 'awaited', by: '' })).toBe(true);
    expect(isReady(undefined)).toBe(true);
  });
});

describe('readiness by example', () => {
  const calendar = plainCalendar('2024-01-01', 3);
  const pipeline = makePipeline([
    makeProcessor('games'),
    makeProcessor('strict', { phase: 2, upstreams: [reads('games', '[-1d, 0d]')] }),
    makeProcessor('lenient', { phase: 2, upstreams: [reads('games', '[-1d, 0d]', 'soft')] }),
  ]);
  const good: PartitionStatus = { status: 'good' };
  const bad: PartitionStatus = { status: 'bad', state: 'failed' };
  const readyWith = (games: readonly PartitionStatus[], overrides: { readonly now?: number; readonly mayRelease?: (phase: number) => boolean } = {}) =>
    findReady({
      pipeline,
      calendar,
      grid: new Map([
        ['games', games],
        ['strict', [waiting, waiting, waiting]],
        ['lenient', [waiting, waiting, waiting]],
      ]),
      now: 10,
      mayRelease: always,
      ...overrides,
    }).map(({ processorId, index }) => `${processorId} ${index}`);

  test('a date waits for every date in its window; upstreams come first', () => {
    expect(readyWith([good, waiting, good])).toEqual(['games 1', 'strict 0', 'lenient 0']);
    expect(readyWith([good, good, { status: 'in_flight' }])).toEqual(['strict 0', 'strict 1', 'lenient 0', 'lenient 1']);
  });
  test('a failed upstream holds back who needs it, not who only waits until it is decided', () => {
    expect(readyWith([good, bad, good])).toEqual(['strict 0', 'lenient 0', 'lenient 1', 'lenient 2']);
  });
  test('what another backfill has in hand holds back both', () => {
    expect(readyWith([good, { status: 'awaited', by: 'b7' }, good])).toEqual(['strict 0', 'lenient 0']);
  });
  test('a task that was put back waits until its time has come', () => {
    const later: PartitionStatus = { status: 'waiting', notBefore: 11, spanLimit: 4 };
    expect(readyWith([later, good, good])).toEqual(['strict 2', 'lenient 2']);
    expect(readyWith([later, good, good], { now: 11 })).toEqual(['games 0', 'strict 2', 'lenient 2']);
  });
  test('a phase behind a closed gate releases nothing', () => {
    expect(readyWith([good, good, waiting], { mayRelease: (phase) => phase === 1 })).toEqual(['games 2']);
  });
  test('the span limit of a task travels with it', () => {
    const grid: StatusGrid = new Map([['games', [{ status: 'waiting', notBefore: 0, spanLimit: 4 }]]]);
    expect(findReady({ pipeline, calendar, grid, now: 0, mayRelease: always })).toEqual([{ processorId: 'games', index: 0, spanLimit: 4 }]);
  });
  test('blockers name what holds a date back, as many as are asked for', () => {
    const grid: StatusGrid = new Map([['games', [waiting, bad, good]]]);
    const blockers = (id: string, limit: number) => blockersOf(pipeline, processorOf(pipeline, id), calendar, 1, grid, limit);
    expect(blockers('strict', 10)).toEqual([
      { processorId: 'games', index: 0, status: waiting },
      { processorId: 'games', index: 1, status: bad },
    ]);
    expect(blockers('strict', 1)).toEqual([{ processorId: 'games', index: 0, status: waiting }]);
    expect(blockers('lenient', 10)).toEqual([{ processorId: 'games', index: 0, status: waiting }]);
    expect(blockers('strict', 0)).toEqual([]);
  });
  test('a source or an external table holds nobody back', () => {
    const grid: StatusGrid = new Map([['games', [waiting]]]);
    expect(blockersOf(chainPipeline(), processorOf(chainPipeline(), 'games'), calendar, 0, grid, 5)).toEqual([]);
  });
});

const allStatuses: readonly (PartitionStatus | undefined)[] = [
  undefined,
  waiting,
  { status: 'waiting', notBefore: 50, spanLimit: 2 },
  { status: 'in_flight' },
  { status: 'good' },
  { status: 'good' },
  { status: 'good' },
  { status: 'bad', state: 'quarantined' },
  { status: 'awaited', by: 'b7' },
];

test('what can never start is stuck, through any number of edges; what may still come is not', () => {
  const calendar = plainCalendar('2024-01-01', 3);
  const pipeline = makePipeline([
    makeProcessor('games'),
    makeProcessor('daily', { upstreams: [reads('games')] }),
    makeProcessor('rolling', { phase: 2, upstreams: [reads('daily', '[-1d, 0d]')] }),
    makeProcessor('lenient', { phase: 2, upstreams: [reads('games', '0d', 'soft')] }),
  ]);
  const row = (...statuses: readonly PartitionStatus[]) => statuses;
  const bad: PartitionStatus = { status: 'bad', state: 'failed' };
  const grid = new Map([
    ['games', row({ status: 'good' }, bad, { status: 'in_flight' })],
    ['daily', row(waiting, waiting, waiting)],
    ['rolling', row(waiting, waiting, waiting)],
    ['lenient', row(waiting, waiting, waiting)],
  ]);
  expect([...findStuck(pipeline, calendar, grid)].map(([id, indexes]) => [id, [...indexes]])).toEqual([
    ['daily', [1]],
    ['rolling', [1, 2]],
  ]);
  grid.set('games', row({ status: 'good' }, { status: 'awaited', by: 'b7' }, waiting));
  expect([...findStuck(pipeline, calendar, grid)].map(([id, indexes]) => [id, [...indexes]])).toEqual([
    ['daily', [1]],
    ['rolling', [1, 2]],
    ['lenient', [1]],
  ]);
});

test('a partition is ready exactly where it waits, its time has come, its phase may go and nothing blocks it', () => {
  fc.assert(
    fc.property(
      arbitraryWorld,
      arbitraryChoice(allStatuses),
      fc.constantFrom(0, 49, 50),
      fc.subarray([1, 2, 3, 4]),
      ({ pipeline, calendar }, choose, now, open) => {
        const mayRelease = (phase: number): boolean => open.includes(phase);
        const grid: StatusGrid = new Map(pipeline.processors.map(({ id }) => [id, calendar.dates.map(({ date }) => choose(id, date))]));
        const expected = pipeline.processors.flatMap((processor) =>
          calendar.dates.flatMap((_, index) => {
            const status = grid.get(processor.id)?.[index];
            const isReady =
              status?.status === 'waiting' &&
              status.notBefore <= now &&
              mayRelease(processor.phase) &&
              blockersOf(pipeline, processor, calendar, index, grid, Number.POSITIVE_INFINITY).length === 0;
            return isReady ? [{ processorId: processor.id, index, spanLimit: status.spanLimit }] : [];
          }),
        );
        expect(findReady({ pipeline, calendar, grid, now, mayRelease })).toEqual(expected);
      },
    ),
    { numRuns: 300 },
  );
});

/** The grid of a plan of everything from nothing. */
const emptyGrid = (world: World): MutableGrid => {
  const plan = planOf(
    planInput(world.pipeline, world.calendar, world.openLedger(), { processors: world.processors, dates: world.dates, reprocess: 'missing' }),
  );
  const grid: MutableGrid = new Map();
  for (const [id, entries] of plan.processors) {
    const row: (PartitionStatus | undefined)[] = world.calendar.dates.map(() => undefined);
    for (const entry of entries) row[world.calendar.indexOf.get(entry.date) ?? -1] = statusOfEntry(entry, false);
    grid.set(id, row);
  }
  return grid;
};

/** Releases and completes in the order that `picks` says, checking every release; the keys of what was released. */
const runThrough = (world: World, picks: readonly number[], ends: (processorId: string, index: number) => PartitionStatus): ReadonlySet<string> => {
  const { pipeline, calendar } = world;
  const grid = emptyGrid(world);
  const released = new Set<string>();
  let flight: { readonly processorId: string; readonly index: number }[] = [];
  for (let step = 0; ; step += 1) {
    for (const { processorId, index } of findReady({ pipeline, calendar, grid, now: 0, mayRelease: always })) {
      for (const { table, window, strength } of processorOf(pipeline, processorId).upstreams) {
        const producer = pipeline.processors.find((other) => other.table === table);
        const row = producer === undefined ? undefined : grid.get(producer.id);
        if (row === undefined) continue;
        for (const date of datesInWindow(calendar, window, index)) {
          const status = row[calendar.indexOf.get(date) ?? -1]?.status ?? 'good';
          expect(strength === 'soft' ? ['good', 'bad'] : ['good'], `${processorId} ${index} was released before ${date} of ${table}`).toContain(status);
        }
      }
      expect(released.has(`${processorId} ${index}`)).toBe(false);
      released.add(`${processorId} ${index}`);
      (grid.get(processorId) ?? [])[index] = { status: 'in_flight' };
      flight.push({ processorId, index });
    }
    const next = flight[(picks[step % picks.length] ?? 0) % Math.max(1, flight.length)];
    if (next === undefined) return released;
    flight = flight.filter((each) => each !== next);
    (grid.get(next.processorId) ?? [])[next.index] = ends(next.processorId, next.index);
  }
};

const arbitraryPicks = fc.array(fc.nat(50), { minLength: 1, maxLength: 20 });

test('every task of a plan is released in the end, each once and none before its window is good, in any order of completions', () => {
  fc.assert(
    fc.property(arbitraryWorld, arbitraryPicks, (world, picks) => {
      const tasks = [...emptyGrid(world)].flatMap(([id, row]) => row.flatMap((status, index) => (status?.status === 'waiting' ? [`${id} ${index}`] : [])));
      expect(runThrough(world, picks, () => ({ status: 'good' }))).toEqual(new Set(tasks));
    }),
    { numRuns: 150 },
  );
});

test('where some tasks fail, the order of completions does not decide what can still be released', () => {
  fc.assert(
    fc.property(arbitraryWorld, arbitraryPicks, arbitraryChoice([true, true, false]), (world, picks, succeeds) => {
      const ends = (id: string, index: number): PartitionStatus =>
        succeeds(id, dateAt(world.calendar, index)) ? { status: 'good' } : { status: 'bad', state: 'failed' };
      expect(runThrough(world, picks, ends)).toEqual(runThrough(world, [0], ends));
    }),
    { numRuns: 150 },
  );
});
