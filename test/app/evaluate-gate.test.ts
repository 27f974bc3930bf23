// A gate opens only on committed rows that hold what was promised, and says why it does not.
import { describe, expect, test } from 'vitest';
import { evaluateGate } from '@floodgate/core/app/evaluate-gate.ts';
import { approveGate, retryTasks } from '@floodgate/core/app/operate.ts';
import { moveTask, pathOfTask } from '@floodgate/core/app/task-writes.ts';
import { beforeTransaction } from '../support/interposed-store.ts';
import { createWorld, never, type World, type WorldOptions } from '../support/world.ts';

/** Runs phase 1 up to its gate, which nobody has judged. */
const toGate = async (world: World, request: Parameters<World['start']>[0] = {}): Promise<string> => {
  const id = await world.start(request);
  for (let round = 0; round < 3; round += 1) {
    await world.pass(id);
    await world.work();
    await world.commitRung();
  }
  return id;
};

const roster: WorldOptions['functions'] = {
  roster: ({ first, last, read }) => read('source.expected').filter((row) => (row['date'] as string) >= first && (row['date'] as string) <= last),
};
const expected = (world: World, index: number, items: readonly string[]): void =>
  world.warehouse.put(
    'source.expected',
    world.date(index),
    items.map((item) => ({ date: world.date(index), item })),
  );

describe('the state of a gate', () => {
  test('is not decided before the phase is drained, unreleased tasks included', async () => {
    const world = createWorld();
    const id = await world.start({ limits: { maxInFlight: 3 } });
    expect(await world.gate(id, 1)).toEqual({ outcome: 'not_drained' });
    await world.pass(id);
    expect(await world.gate(id, 1)).toEqual({ outcome: 'not_drained' });
    await world.work();
    await world.commitRung();
    // Three are done, three have no document yet.
    expect(await world.gate(id, 1)).toEqual({ outcome: 'not_drained' });
    expect(await world.gateOf(id, 1)).toBeUndefined();
    expect(await world.gate('nobody', 1)).toEqual({ outcome: 'unknown_backfill' });
    expect(await world.gate(id, 9)).toEqual({ outcome: 'unknown_backfill' });
  });

  test('is open where all holds; the next phase is told, and it stays open', async () => {
    const world = createWorld();
    const id = await toGate(world);
    world.bus.take('floodgate.tasks.ended');
    expect(await world.gate(id, 1)).toEqual({ outcome: 'decided', state: 'open' });
    const gate = await world.gateOf(id, 1);
    expect(gate).toMatchObject({ state: 'open', evaluation: 1, summary: '', repair: '' });
    expect(new Set(gate?.checks.map(({ outcome }) => outcome))).toEqual(new Set(['passed']));
    expect(gate?.checks.map(({ check }) => check)).toEqual([
      'accounted',
      'fresh',
      'version',
      'committed',
      'off_calendar',
      'as_committed',
      'unique_key',
      'required',
    ]);
    expect(world.bus.all('floodgate.phase.completed')).toEqual([{ backfillId: id, phase: 1 }]);
    expect(world.bus.take('floodgate.tasks.ended')).toEqual([{ backfillId: id, phases: [2] }]);
    world.warehouse.damage('test.games', world.date(0), []);
    expect(await world.gate(id, 1)).toEqual({ outcome: 'decided', state: 'open' });
    expect(await world.gateOf(id, 1)).toEqual(gate);
  });

  test('is blocked, and says so, where the rest of a phase can never start because something in it failed', async () => {
    const edge = { phase: 1, kind: 'sql', partition_column: 'day', key: ['day', 'item'], columns: { day: 'DATE', item: 'STRING', total: 'FLOAT64' } };
    const world = createWorld({
      days: 3,
      processors: { games: { retry: { max_attempts: 1 } }, rolling: { ...edge, table: 'test.rolling', upstreams: { 'test.games': '0d' } }, features: null },
    });
    const id = await world.start({ limits: { datesPerTask: 1 } });
    world.warehouse.faults.fail('stage', 'invalid_sql', { matches: (job) => (job as { readonly dates: readonly string[] }).dates[0] === world.date(1) });
    expect(await world.drive(id)).toBe('blocked');
    const gate = await world.gateOf(id, 1);
    expect(gate?.state).toBe('blocked');
    expect(gate?.summary).toContain('games accounted: 1 of 3 planned dates did not succeed: 1 failed');
    expect(gate?.summary).toContain('rolling accounted: 1 of 3 planned dates did not succeed: 1 could not start');
    expect(world.bus.all('floodgate.phase.blocked').at(-1)).toMatchObject({ backfillId: id, phase: 1 });
    expect(world.bus.all('floodgate.phase.blocked').at(-1)?.failing).toEqual([
      { processorId: 'games', dates: [world.date(1)] },
      { processorId: 'rolling', dates: [world.date(1)] },
    ]);
    await world.run(retryTasks(world.engine('cli'), id, { states: ['failed'] }, 'ann'));
    expect(await world.drive(id)).toBe('completed');
  });

  test('does not open where a task goes back to work while it is judged', async () => {
    const world = createWorld();
    const id = await toGate(world);
    const task = await world.task(id, 'games', world.date(0));
    const store = beforeTransaction(world.store, 1, () =>
      world.store.transaction(async (transaction) => transaction.set(pathOfTask(task), moveTask(task, 'turn_stale', { epoch: task.epoch + 1, endedAt: null }))),
    );
    expect(await world.run(evaluateGate({ ...world.validator(), store }, id, 1, never))).toEqual({ outcome: 'overtaken' });
    expect(await world.gateOf(id, 1)).toBeUndefined();
    expect(await world.drive(id)).toBe('completed');
  });

  test('is not decided before the phase below is open', async () => {
    const world = createWorld();
    const id = await toGate(world);
    expect(await world.gate(id, 2)).toEqual({ outcome: 'not_drained' });
  });

  test('cascades over phases that have nothing to do', async () => {
    const world = createWorld();
    await world.drive(await world.start());
    const id = await world.start();
    world.bus.take('floodgate.tasks.ended');
    for (const phase of [1, 2, 3]) {
      await world.gate(id, phase);
      expect(world.bus.take('floodgate.tasks.ended')).toEqual(phase === 3 ? [] : [{ backfillId: id, phases: [phase + 1] }]);
    }
    for (const phase of [1, 2, 3]) expect((await world.gateOf(id, phase))?.state).toBe('open');
    expect(await world.pass(id)).toEqual({ outcome: 'over', state: 'completed' });
  });
});

test('what is stale and was not asked for is told, and keeps no gate shut', async () => {
  const world = createWorld();
  await world.drive(await world.start({ processors: ['games'] }));
  world.putGames(world.date(2), [300, 30]);
  const id = await world.start({ processors: ['games'], reprocess: 'missing' });
  expect(await world.drive(id)).toBe('completed');
  const gate = await world.gateOf(id, 1);
  expect(gate?.state).toBe('open');
  expect(gate?.checks.filter(({ outcome }) => outcome !== 'passed')).toEqual([
    expect.objectContaining({
      check: 'left_stale',
      processorId: 'games',
      severity: 'warn',
      outcome: 'failed',
      dates: [world.date(2)],
      message: expect.stringContaining('--reprocess stale'),
    }),
  ]);
});

describe('a gate is blocked', () => {
  test('by failed dates, which it names with the command that repairs them', async () => {
    const world = createWorld();
    for (const index of [1, 4])
      world.warehouse.faults.fail('stage', 'invalid_sql', { matches: (job) => (job as { dates: readonly string[] }).dates.includes(world.date(index)) });
    const id = await toGate(world);
    expect(await world.gate(id, 1)).toEqual({ outcome: 'decided', state: 'blocked' });
    expect(await world.gateOf(id, 1)).toMatchObject({
      state: 'blocked',
      summary: 'games accounted: 2 of 6 planned dates did not succeed: 2 failed',
      repair: `npx floodgate retry ${id}`,
    });
    expect(world.bus.all('floodgate.phase.blocked')).toEqual([
      { backfillId: id, phase: 1, failing: [{ processorId: 'games', dates: [world.date(1), world.date(4)] }], repair: `npx floodgate retry ${id}` },
    ]);
    expect(await world.pass(id)).toEqual({ outcome: 'over', state: 'blocked' });
  });

  test('by rows that were damaged after their commit, with the smallest backfill that repairs them', async () => {
    const world = createWorld();
    const id = await toGate(world);
    const row = { day: world.date(2), item: 'same', value: 1 };
    world.warehouse.damage('test.games', world.date(2), [row, row]);
    expect(await world.gate(id, 1)).toEqual({ outcome: 'decided', state: 'blocked' });
    expect(await world.gateOf(id, 1)).toMatchObject({
      repair: `npx floodgate backfill --pipeline test --processors games --dates ${world.date(2)} --reprocess all`,
      summary: expect.stringContaining('2 rows share a key'),
    });
  });

  test('by what a later phase demands of its columns', async () => {
    const world = createWorld({
      processors: { rolling: { upstreams: { 'test.games': { window: '[-3d, 0d]', critical: [{ column: 'value', not_zero: true }] } } } },
    });
    world.putGames(world.date(3), [0, 5]);
    const id = await toGate(world);
    expect(await world.gate(id, 1)).toEqual({ outcome: 'decided', state: 'blocked' });
    expect((await world.gateOf(id, 1))?.checks.filter(({ outcome }) => outcome === 'failed')).toMatchObject([
      { check: 'not_zero(value)', processorId: 'games', dates: [world.date(3)], message: expect.stringContaining('value zero, NULL or NaN on 1 of 2 rows') },
    ]);
  });

  test('by a check of its own over committed rows', async () => {
    const world = createWorld({
      phases: { 1: { name: 'load', gate: { checks: [{ table: 'test.games', check: { expected_keys: { columns: ['item'], sql: 'roster' } } }] } } },
      functions: roster,
    });
    for (const index of [0, 1, 2, 3, 4, 5]) expected(world, index, ['i0', 'i1']);
    expected(world, 5, ['i0', 'i1', 'i2']);
    const id = await toGate(world);
    expect(await world.gate(id, 1)).toEqual({ outcome: 'decided', state: 'blocked' });
    expect((await world.gateOf(id, 1))?.summary).toContain('item i2 missing (1 of 3 expected)');
  });

  test('over the lookback too: damage before the range is found', async () => {
    const world = createWorld();
    await world.drive(await world.start({ processors: ['games'] }));
    const id = await world.start({ processors: ['rolling'], dates: [world.date(5)] });
    const row = { day: world.date(3), item: 'same', value: 1 };
    world.warehouse.damage('test.games', world.date(3), [row, row]);
    expect(await world.gate(id, 1)).toEqual({ outcome: 'decided', state: 'blocked' });
    expect((await world.gateOf(id, 1))?.checks.find(({ outcome }) => outcome === 'failed')?.dates).toEqual([world.date(3)]);
  });

  test('where it can not be told, by name of what could not', async () => {
    const world = createWorld();
    const id = await toGate(world);
    world.warehouse.faults.fail('runChecks', 'unavailable', { message: 'the engine is away' });
    expect(await world.gate(id, 1)).toEqual({ outcome: 'decided', state: 'blocked' });
    expect(await world.gateOf(id, 1)).toMatchObject({ state: 'blocked', summary: 'games rows: the engine is away', repair: `npx floodgate explain ${id}` });
    expect((await world.gateOf(id, 1))?.checks.at(-1)).toMatchObject({ outcome: 'could_not_tell', severity: 'block' });
    // Asked again, it can be told.
    expect(await world.gate(id, 1)).toEqual({ outcome: 'decided', state: 'open' });
  });

  test('where freshness can not be told', async () => {
    const world = createWorld();
    const id = await toGate(world);
    world.warehouse.faults.fail('digestSource', 'source_unreadable', { message: 'feed_1.parquet is cut off' });
    expect(await world.gate(id, 1)).toEqual({ outcome: 'decided', state: 'blocked' });
    expect((await world.gateOf(id, 1))?.summary).toBe('games fresh: feed_1.parquet is cut off');
  });

  test('and judged again when its phase has changed: after a retry it opens', async () => {
    const world = createWorld();
    world.warehouse.faults.fail('stage', 'invalid_sql');
    const id = await world.start();
    expect(await world.drive(id)).toBe('blocked');
    expect(await world.run(retryTasks(world.engine('cli'), id, { states: ['failed'] }, 'ann'))).toMatchObject({
      outcome: 'retrying',
      tasks: 1,
      reopened: true,
    });
    expect(await world.drive(id)).toBe('completed');
    expect((await world.gateOf(id, 1))?.evaluation).toBeGreaterThan(1);
  });
});

describe('a date that has left the calendar', () => {
  test('and keeps its rows blocks its gate, by name; once they are gone, the gate opens', async () => {
    const world = createWorld();
    await world.drive(await world.start());
    const date = world.date(2);
    world.calendar.delete(date);
    // What read it is stale, since its window has changed.
    const id = await world.start({ reprocess: 'stale' });
    expect(await world.drive(id)).toBe('blocked');
    const gate = await world.gateOf(id, 1);
    expect(gate).toMatchObject({ state: 'blocked', repair: 'npx floodgate reconcile --clear-off-calendar --pipeline test' });
    expect(gate?.checks.filter(({ outcome }) => outcome !== 'passed')).toEqual([
      {
        check: 'off_calendar',
        processorId: 'games',
        severity: 'block',
        outcome: 'failed',
        dates: [date],
        examples: [],
        message: `1 date holds rows and is not in the calendar any more, and windows still read them: ${date}`,
      },
    ]);
    // Nothing that reads it was computed from its rows once more.
    expect((await world.tasks(id)).filter(({ processorId, state }) => processorId !== 'games' && state !== 'waiting')).toEqual([]);
    for (const table of ['test.games', 'test.rolling', 'test.features']) world.warehouse.damage(table, date, []);
    expect(await world.gate(id, 1)).toEqual({ outcome: 'decided', state: 'open' });
  });

  test('without rows, or before and behind all dates of the calendar, blocks nothing', async () => {
    const world = createWorld();
    world.putGames(world.date(2), []);
    await world.drive(await world.start({ processors: ['games'] }));
    // A calendar of a part of the history.
    for (const index of [0, 2, 5]) world.calendar.delete(world.date(index));
    expect(await world.drive(await world.start({ processors: ['games'], reprocess: 'all' }))).toBe('completed');
  });

  test('blocks where nobody can tell whether its rows are still there', async () => {
    const world = createWorld();
    await world.drive(await world.start({ processors: ['games'] }));
    world.calendar.delete(world.date(2));
    const id = await toGate(world, { processors: ['games'] });
    world.warehouse.faults.fail('runChecks', 'unavailable', { message: 'the engine is away' });
    expect(await world.gate(id, 1)).toEqual({ outcome: 'decided', state: 'blocked' });
    expect((await world.gateOf(id, 1))?.summary).toBe('games off_calendar: the engine is away');
  });
});

describe('a quorum', () => {
  const world = (quorum: number): World => {
    const made = createWorld({
      phases: { 1: { name: 'load', gate: { quorum, checks: [{ table: 'test.games', check: { expected_keys: { columns: ['item'], sql: 'roster' } } }] } } },
      functions: roster,
    });
    for (const index of [0, 1, 2, 3, 4]) expected(made, index, ['i0', 'i1']);
    expected(made, 5, ['i0', 'i1', 'i2']);
    return made;
  };

  test('lets a declared share of expected keys be missing, and says so', async () => {
    const made = world(0.9);
    const id = await toGate(made);
    expect(await made.gate(id, 1)).toEqual({ outcome: 'decided', state: 'open' });
    expect((await made.gateOf(id, 1))?.checks.at(-1)).toMatchObject({
      outcome: 'failed',
      severity: 'warn',
      message: expect.stringContaining('within the quorum of 0.9'),
    });
  });

  test('no more than that', async () => {
    const made = world(0.95);
    const id = await toGate(made);
    expect(await made.gate(id, 1)).toEqual({ outcome: 'decided', state: 'blocked' });
  });

  test('excuses nothing but missing keys', async () => {
    const made = world(0.5);
    const id = await toGate(made);
    const row = { day: made.date(2), item: 'i0', value: 1 };
    made.warehouse.damage('test.games', made.date(2), [row, row]);
    expect(await made.gate(id, 1)).toEqual({ outcome: 'decided', state: 'blocked' });
  });
});

describe('a held gate', () => {
  const held = { phases: { 1: { name: 'load', gate: { hold: true } } } };

  test('waits for a person, and the backfill with it; approved, it goes on', async () => {
    const world = createWorld(held);
    const id = await world.start();
    expect(await world.drive(id)).toBe('blocked');
    expect(await world.gateOf(id, 1)).toMatchObject({ state: 'held', approvedBy: '' });
    expect(world.bus.all('floodgate.phase.held')).toEqual([{ backfillId: id, phase: 1 }]);
    expect(await world.run(approveGate(world.engine('cli'), id, 1, 'ann'))).toEqual({ outcome: 'approved' });
    expect(await world.run(approveGate(world.engine('cli'), id, 1, 'bob'))).toMatchObject({ outcome: 'not_held' });
    expect(await world.drive(id)).toBe('completed');
    expect(await world.gateOf(id, 1)).toMatchObject({ state: 'open', approvedBy: 'ann' });
    expect((await world.auditLog()).map(({ action, by }) => `${action} ${by}`)).toContain('approve ann');
  });

  test('is judged once more when it is approved: damage since then blocks it', async () => {
    const world = createWorld(held);
    const id = await world.start();
    await world.drive(id);
    const row = { day: world.date(2), item: 'same', value: 1 };
    world.warehouse.damage('test.games', world.date(2), [row, row]);
    await world.run(approveGate(world.engine('cli'), id, 1, 'ann'));
    expect(await world.drive(id)).toBe('blocked');
    expect((await world.gateOf(id, 1))?.state).toBe('blocked');
  });

  test('can not be approved before it is held', async () => {
    const world = createWorld(held);
    const id = await toGate(world);
    expect(await world.run(approveGate(world.engine('cli'), id, 1, 'ann'))).toEqual({ outcome: 'not_held', state: 'waiting' });
  });
});

describe('a slow validator', () => {
  test('can not overwrite a later decision', async () => {
    const world = createWorld();
    const id = await toGate(world);
    const slow = world.warehouse.faults.hold('runChecks');
    const first = evaluateGate(world.validator('slow'), id, 1, never);
    await world.run(slow.reached);
    const row = { day: world.date(2), item: 'same', value: 1 };
    world.warehouse.damage('test.games', world.date(2), [row, row]);
    expect(await world.gate(id, 1)).toEqual({ outcome: 'decided', state: 'blocked' });
    world.warehouse.damage('test.games', world.date(2), []);
    slow.release();
    expect(await world.run(first)).toEqual({ outcome: 'overtaken' });
    expect((await world.gateOf(id, 1))?.state).toBe('blocked');
    expect(world.bus.all('floodgate.phase.completed')).toEqual([]);
  });

  test('that judged before an approval does not take it back', async () => {
    const world = createWorld({ phases: { 1: { name: 'load', gate: { hold: true } } } });
    const id = await world.start();
    await world.drive(id);
    const slow = world.warehouse.faults.hold('runChecks');
    const first = evaluateGate(world.validator('slow'), id, 1, never);
    await world.run(slow.reached);
    await world.run(approveGate(world.engine('cli'), id, 1, 'ann'));
    slow.release();
    expect(await world.run(first)).toEqual({ outcome: 'overtaken' });
    expect(await world.gateOf(id, 1)).toMatchObject({ approvedBy: 'ann' });
    expect(await world.drive(id)).toBe('completed');
  });
});
