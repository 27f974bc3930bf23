// Storms, quotas and races of the system before (docs/incidents.md): how much work Floodgate gives the warehouse, and when it stops.
import { describe, expect, test } from 'vitest';
import { evaluateGate } from '@floodgate/core/app/evaluate-gate.ts';
import { readBackfillStatus } from '@floodgate/core/app/read-status.ts';
import type { Warehouse } from '@floodgate/core/ports/warehouse.ts';
import { createWorld, never } from '../support/world.ts';

const tables = ['test.games', 'test.rolling', 'test.features'];

test('commits of one table never run side by side, however many processes serve its lane', async () => {
  const world = createWorld({ days: 12 });
  const id = await world.start({ processors: ['games'] });
  await world.pass(id);
  await world.work();
  let [now, most, begun] = [0, 0, 0];
  const stop = new AbortController();
  world.warehouse.faults.during(
    'commit',
    async () => {
      begun += 1;
      // Holders that take the lane from one another would never end.
      if (begun > 50) stop.abort();
      now += 1;
      most = Math.max(most, now);
      await world.clock.sleep(40);
      now -= 1;
    },
    { times: 1_000 },
  );
  const holders = ['one', 'two', 'three', 'four'].map((holder) => world.lane(holder, { maxDates: 1 }));
  await world.run(Promise.all(holders.map((lane) => lane.serve('test.games', stop.signal))));
  expect(await world.states(id)).toEqual({ succeeded: world.dates.map((date) => `games ${date}`) });
  // None was begun and cancelled either.
  expect({ most, begun }).toEqual({ most: 1, begun: 12 });
});

describe('what the warehouse is asked for', () => {
  test('dates that travel together cost one statement and one commit per table, one by one still one commit for those that wait', async () => {
    const together = createWorld({ days: 12 });
    expect(await together.drive(await together.start({ limits: { datesPerTask: 12 } }))).toBe('completed');
    expect(together.warehouse.stageJobs).toHaveLength(3);
    expect(together.warehouse.commits).toHaveLength(3);
    const single = createWorld({ days: 12 });
    expect(await single.drive(await single.start({ limits: { datesPerTask: 1 } }))).toBe('completed');
    expect(single.warehouse.stageJobs).toHaveLength(36);
    expect(single.warehouse.commits).toHaveLength(3);
    for (const table of tables) expect(single.warehouse.rowsOf(table)).toEqual(together.warehouse.rowsOf(table));
  });

  test('following a backfill, recovering and judging write nothing to it: state and progress are not its tables', async () => {
    const world = createWorld({ days: 4 });
    const id = await world.start();
    await world.drive(id);
    const writes: string[] = [];
    const writing: readonly (keyof Warehouse)[] = ['stage', 'commit', 'fence', 'preserveStaging', 'dropStaging'];
    for (const method of writing) world.warehouse.faults.during(method, () => void writes.push(method), { times: 1_000 });
    const again = await world.start();
    for (let round = 0; round < 20; round += 1) {
      await world.pass(again);
      await world.reconcile();
      await world.run(evaluateGate(world.validator(), again, 1, never));
      await readBackfillStatus(world.store, again);
      await world.clock.advance(5_000);
    }
    expect(await world.progressOf(id, 'games')).toMatchObject({ states: 'SSSS' });
    expect(writes).toEqual([]);
  });
});

test('a processor that never succeeds is tried as often as its attempts say, and then no more', async () => {
  const retry = { max_attempts: 4, base_seconds: 1, max_seconds: 5 };
  const world = createWorld({ days: 5, processors: { games: { retry } } });
  let executions = 0;
  world.warehouse.faults.during(
    'stage',
    () => {
      executions += 1;
      throw new Error('AttributeError');
    },
    { times: 10_000 },
  );
  const id = await world.start();
  expect(await world.drive(id)).toBe('blocked');
  // An error that nobody has classified gets two of its four attempts.
  expect(executions).toBe(5 * 2);
  for (let hour = 0; hour < 24; hour += 1) {
    await world.clock.advance(3_600_000);
    await world.reconcile();
    await world.drive(id);
  }
  expect(executions).toBe(5 * 2);
  expect(await world.deadLetters()).toHaveLength(5);
  expect((await world.tasks(id)).filter(({ processorId }) => processorId !== 'games')).toEqual([]);
});
