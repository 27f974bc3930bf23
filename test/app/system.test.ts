// The whole system: three services that meet in messages and in the store only, killed at any call.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { retryTasks } from '@floodgate/core/app/operate.ts';
import { backfillSchema, parseDocument } from '@floodgate/core/contracts/documents.ts';
import { isTerminal } from '@floodgate/core/domain/task-state.ts';
import type { Fate } from '../support/mortal.ts';
import { createSeededIds } from '../support/seeded-ids.ts';
import { startSystem, type System, type SystemOptions } from '../support/system.ts';
import { createWorld, type World, type WorldOptions } from '../support/world.ts';

/** Faults of many kinds fall on one task: they shall not use up its attempts. */
const retry = { retry: { max_attempts: 20, base_seconds: 0.5, max_seconds: 2 } };

const tables = ['test.games', 'test.rolling', 'test.features'];

const backfillsOf = async (world: World) => (await world.store.query({ collection: 'backfills' })).map((document) => parseDocument(backfillSchema, document));

const allEnded =
  (world: World, count = 1) =>
  async (): Promise<boolean> => {
    const backfills = await backfillsOf(world);
    return backfills.length >= count && backfills.every(({ state }) => state !== 'active');
  };

/** Invariants 1, 3, 4, 5: tables as one sequential run leaves them, every task at its end, log and ledger in agreement, keys unique. */
const expectWhole = async (world: World): Promise<void> => {
  const days = world.dates.length;
  const sequential = createWorld({ days });
  for (const date of world.dates) sequential.warehouse.put('source.feed', date, world.warehouse.sourceRows('source.feed', date));
  expect(await sequential.drive(await sequential.start())).toBe('completed');
  for (const table of tables) {
    const rows = world.warehouse.rowsOf(table);
    expect(rows).toEqual(sequential.warehouse.rowsOf(table));
    expect(new Set(rows.map((row) => `${String(row['day'])} ${String(row['item'])}`)).size).toBe(rows.length);
    for (const entry of world.warehouse.logOf(table)) {
      expect(await world.ledgerEntry(table.slice(5), entry.date)).toMatchObject({ generation: entry.generation, contentHash: entry.contentHash });
    }
    // A date's generations only ever grew.
    const written = world.warehouse.commits.filter((commit) => commit.table === table).flatMap((commit) => commit.written);
    for (const [, generations] of Map.groupBy(written, ({ date }) => date)) {
      const numbers = generations.map(({ generation }) => generation);
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    }
  }
  for (const backfill of await backfillsOf(world)) {
    const tasks = await world.tasks(backfill.backfillId);
    expect(tasks).toHaveLength(Object.values(backfill.tasks).reduce((sum, count) => sum + count, 0));
    for (const task of tasks) expect(isTerminal(task.state), `${task.processorId} ${task.date} ${task.state}`).toBe(true);
  }
  expect((await world.pipelineState())?.activeBackfills).toEqual([]);
};

const runOnce = async (options: SystemOptions = {}, more: WorldOptions = {}): Promise<{ readonly world: World; readonly system: System }> => {
  const world = createWorld({ days: 12, leaseMs: 3_000, ...more });
  const system = await startSystem(world, options);
  await system.request({});
  await system.until(allEnded(world));
  return { world, system };
};

describe('undisturbed', () => {
  test.each([
    ['one date per message', {}],
    ['spans', { datesPerTask: 5 }],
    ['spans as measured', { datesPerTask: 'auto' }],
    ['small batches with company', { maxDates: 3, lingerMs: 500 }],
    ['three of each', { processes: { planner: 3, worker: 3, validator: 3 } }],
  ] as const)('a request becomes tables: %s', async (_, options) => {
    const { world, system } = await runOnce(options);
    expect((await backfillsOf(world)).map(({ state }) => state)).toEqual(['completed']);
    await expectWhole(world);
    expect(world.warehouse.stageJobs.flatMap(({ dates }) => dates)).toHaveLength(36);
    // All acked, all sent, nothing held.
    await world.clock.advance(5_000);
    expect(await world.outboxSize()).toBe(0);
    expect(await world.leases()).toEqual([]);
    for (const table of tables) expect(world.warehouse.stagingsOf(table)).toEqual([]);
    system.end();
  });

  test('a request that is published twice under one id makes one backfill', async () => {
    const world = createWorld({ days: 3 });
    const system = await startSystem(world);
    for (let time = 0; time < 3; time += 1) await system.request({}, 'the same');
    await system.until(allEnded(world));
    await world.clock.advance(5_000);
    expect(await backfillsOf(world)).toHaveLength(1);
    system.end();
  });

  test('a malformed request is recorded once and never comes back', async () => {
    const world = createWorld({ days: 3 });
    const system = await startSystem(world);
    await system.request({ is_backfill: true }, 'a');
    await world.clock.advance(300_000);
    expect(await world.deadLetters()).toMatchObject([{ kind: 'message', failure: { message: expect.stringContaining('is_backfill') } }]);
    expect(await backfillsOf(world)).toEqual([]);
    system.end();
  });

  test('a backfill that waits for another goes on by itself', async () => {
    const world = createWorld({ days: 6 });
    const system = await startSystem(world);
    await system.request({ processors: ['games'] });
    await system.request({ processors: ['features'] });
    await system.until(allEnded(world, 2), 60_000);
    expect((await backfillsOf(world)).map(({ state }) => state)).toEqual(['completed', 'completed']);
    await expectWhole(world);
    expect(world.warehouse.stageJobs).toHaveLength(18);
    system.end();
  });
});

describe('killed', () => {
  test.each(['planner', 'worker', 'validator'] as const)(
    'the %s after each of its first calls in turn',
    async (victim) => {
      for (let at = 1; at <= 61; at += 6) {
        let calls = 0;
        const fate = (service: string): Fate => {
          if (service !== victim) return { kind: 'live' };
          calls += 1;
          return calls === at ? { kind: 'die', when: at % 2 === 0 ? 'before' : 'after' } : { kind: 'live' };
        };
        const { world, system } = await runOnce({ fate }, { days: 4 });
        expect((await backfillsOf(world))[0]?.state, `killed at call ${at}`).toBe('completed');
        await expectWhole(world);
        system.end();
      }
    },
    60_000,
  );

  const faults = fc.record({
    seed: fc.nat(),
    /** How many calls something befalls, and how far apart they are. */
    count: fc.integer({ min: 1, max: 14 }),
    gap: fc.integer({ min: 1, max: 60 }),
    datesPerTask: fc.constantFrom(1, 4),
    maxDates: fc.constantFrom(2, 50),
    workers: fc.constantFrom(1, 2),
    gate: fc.constantFrom('phase', 'window'),
    maxInFlight: fc.constantFrom(3, 1_000),
  });

  const kinds: readonly Fate[] = [
    { kind: 'die', when: 'before' },
    { kind: 'die', when: 'after' },
    { kind: 'die', when: 'after' },
    { kind: 'fail', when: 'before' },
    { kind: 'fail', when: 'after' },
    { kind: 'stall', ms: 10_000 },
    { kind: 'double' },
  ];

  test('and stalled and cut off at random calls, the end is that of a sequential run', async () => {
    await fc.assert(
      fc.asyncProperty(faults, async ({ seed, count, gap, datesPerTask, maxDates, workers, gate, maxInFlight }) => {
        const ids = createSeededIds(seed);
        const random = (): number => ids.random();
        let left = count;
        const fate = (): Fate => {
          if (left === 0 || random() * gap > 1) return { kind: 'live' };
          left -= 1;
          return kinds[Math.floor(random() * kinds.length)] ?? { kind: 'live' };
        };
        const world = createWorld({ days: 12, leaseMs: 3_000, seed, processors: { games: retry, rolling: retry, features: retry } });
        const system = await startSystem(world, { fate, datesPerTask, maxDates, processes: { worker: workers } });
        await system.request({ gate, limits: { maxInFlight } });
        await system.until(allEnded(world));
        // A gate that could not be evaluated, or a backfill that met it, is blocked; asked again after the fault it completes.
        await world.clock.advance(20_000);
        for (const { backfillId, state } of await backfillsOf(world))
          if (state === 'blocked') await world.run(retryTasks(world.engine('cli'), backfillId, { states: ['failed', 'quarantined'] }, 'ann'));
        await system.until(allEnded(world));
        expect((await backfillsOf(world)).map(({ state }) => state)).toEqual(['completed']);
        await expectWhole(world);
        system.end();
      }),
      { numRuns: 40, endOnFailure: true },
    );
  }, 120_000);
});
