// Freshness is computed from what the ledger and the sources say now: exactly what depends on a change is computed again.
import { describe, expect, test } from 'vitest';
import { ledgerPathOf } from '@floodgate/core/domain/ledger.ts';
import type { Plan } from '@floodgate/core/domain/plan.ts';
import { pipelineFunctions } from '../support/pipeline-folder.ts';
import { createWorld, type World } from '../support/world.ts';

const planStale = async (world: World): Promise<readonly string[]> => {
  const outcome = await world.accept({ reprocess: 'stale' }, { dryRun: true });
  if (outcome.outcome !== 'planned') throw new Error('not planned');
  const plan: Plan = outcome.summary.plan;
  return [...plan.processors].flatMap(([id, entries]) =>
    entries.filter(({ kind }) => kind === 'task').map(({ date, reason }) => `${id} ${date.slice(-2)} ${reason}`),
  );
};

/** The tables as one run from nothing over the same sources leaves them. */
const expectAsComputedAtOnce = async (world: World): Promise<void> => {
  const other = createWorld({ days: world.dates.length });
  for (const date of world.dates) other.warehouse.put('source.feed', date, world.warehouse.sourceRows('source.feed', date));
  expect(await other.drive(await other.start())).toBe('completed');
  for (const table of ['test.games', 'test.rolling', 'test.features']) expect(world.warehouse.rowsOf(table)).toEqual(other.warehouse.rowsOf(table));
};

describe('a row of the source that changes after its commit', () => {
  test('makes exactly its date and the dates whose windows hold it stale', async () => {
    const world = createWorld({ days: 10 });
    await world.drive(await world.start());
    expect(await planStale(world)).toEqual([]);
    world.putGames(world.date(2), [300, 30]);
    expect(await planStale(world)).toEqual([
      'games 03 stale_input',
      ...['03', '04', '05', '06'].map((day) => `rolling ${day} upstream_planned`),
      ...['03', '04', '05', '06'].map((day) => `features ${day} upstream_planned`),
    ]);
    const before = world.warehouse.stageJobs.length;
    const id = await world.start({ reprocess: 'stale' });
    expect(await world.drive(id)).toBe('completed');
    expect(world.warehouse.stageJobs.length - before).toBe(9);
    expect(await planStale(world)).toEqual([]);
    await expectAsComputedAtOnce(world);
  });

  test('in a way that games does not take over makes nothing below it stale', async () => {
    const world = createWorld();
    await world.drive(await world.start());
    world.warehouse.put(
      'source.feed',
      world.date(2),
      world.warehouse.sourceRows('source.feed', world.date(2)).map((row) => ({ ...row, noise: 1 })),
    );
    await world.drive(await world.start({ processors: ['games'], reprocess: 'stale' }));
    expect(await planStale(world)).toEqual([]);
  });

  test('and back again leaves everything as it was', async () => {
    const world = createWorld();
    await world.drive(await world.start());
    const before = world.warehouse.rowsOf('test.features');
    world.putGames(world.date(2), [300, 30]);
    await world.drive(await world.start({ reprocess: 'stale' }));
    expect(world.warehouse.rowsOf('test.features')).not.toEqual(before);
    world.putGames(world.date(2), [3, 30]);
    expect(await world.drive(await world.start({ reprocess: 'stale' }))).toBe('completed');
    expect(world.warehouse.rowsOf('test.features')).toEqual(before);
  });

  test('for the first time: a date that appears is noticed like one that changes', async () => {
    const world = createWorld();
    world.warehouse.put('source.feed', world.date(2), []);
    await world.drive(await world.start());
    world.putGames(world.date(2), [3, 30]);
    expect((await planStale(world))[0]).toBe('games 03 stale_input');
    expect(await world.drive(await world.start({ reprocess: 'stale' }))).toBe('completed');
    await expectAsComputedAtOnce(world);
  });
});

test('code that changes makes its own table stale, and what reads it is looked at again', async () => {
  const world = createWorld({ functions: { rolling_otherwise: (context) => pipelineFunctions['rolling']?.(context) ?? [] } });
  await world.drive(await world.start());
  world.catalog.replace({ files: { 'processors/rolling.sql': 'rolling_otherwise' } });
  expect(await planStale(world)).toEqual([
    ...world.dates.map((date) => `rolling ${date.slice(-2)} stale_code`),
    ...world.dates.map((date) => `features ${date.slice(-2)} upstream_planned`),
  ]);
  const id = await world.start({ reprocess: 'stale' });
  expect(await world.drive(id)).toBe('completed');
  // The same rows come out: features finds its inputs as they were.
  expect(Object.keys(await world.states(id))).toEqual(['unchanged']);
});

describe('while its own backfill is at work', () => {
  test('a date that turns stale is computed again before the backfill completes', async () => {
    const world = createWorld({ days: 10 });
    const id = await world.start();
    let changed = false;
    // While phase 3 is computed, the source of phase 1 changes.
    world.warehouse.faults.during(
      'stage',
      () => {
        changed = true;
        world.putGames(world.date(2), [300, 30]);
      },
      { matches: (job) => (job as { target: { table: string } }).target.table === 'test.features' },
    );
    expect(await world.drive(id)).toBe('completed');
    expect(changed).toBe(true);
    expect(await planStale(world)).toEqual([]);
    await expectAsComputedAtOnce(world);
  });

  test('what turned stale is released at once, without anybody ringing', async () => {
    const world = createWorld();
    const id = await world.start({ processors: ['games'] });
    await world.pass(id);
    await world.work();
    await world.commitRung();
    await world.judgeRung();
    world.putGames(world.date(2), [300, 30]);
    expect(await world.pass(id)).toMatchObject({ outcome: 'going', released: 0, wakeAt: world.clock.now() });
    expect(await world.task(id, 'games', world.date(2))).toMatchObject({ state: 'waiting', attempt: 0, failure: { code: 'inputs_changed' } });
    expect(await world.pass(id)).toMatchObject({ released: 1 });
  });

  test('a change before the gate is judged blocks the gate only until the date is computed again', async () => {
    const world = createWorld();
    const id = await world.start({ processors: ['games'] });
    await world.pass(id);
    await world.work();
    await world.commitRung();
    world.putGames(world.date(2), [300, 30]);
    await world.judgeRung();
    expect(await world.gateOf(id, 1)).toMatchObject({
      state: 'blocked',
      summary: expect.stringContaining('1 dates were computed from inputs that have changed since'),
    });
    expect(await world.drive(id)).toBe('completed');
    await expectAsComputedAtOnce(await (async () => (await world.drive(await world.start()), world))());
  });

  test('a source that never stands still does not keep a worker from giving up its turn', async () => {
    const world = createWorld({ days: 1 });
    const id = await world.start({ processors: ['games'] });
    let count = 0;
    world.warehouse.faults.during('stage', () => world.putGames(world.date(0), [(count += 1), 5]), { when: 'after', times: 4 });
    expect(await world.drive(id)).toBe('completed');
    expect(count).toBe(4);
    expect((await world.task(id, 'games', world.date(0))).attempt).toBe(1);
    expect(world.warehouse.rowsOf('test.games').map(({ value }) => value)).toEqual([4, 5]);
  });
});

test('what a newer version of the pipeline commits meanwhile is not put back by the older backfill, and its gate says so', async () => {
  const tenfold = ({ read, first, last }: Parameters<NonNullable<(typeof pipelineFunctions)[string]>>[0]) =>
    read('source.feed')
      .filter((row) => (row['day'] as string) >= first && (row['day'] as string) <= last)
      .map((row) => ({ ...row, value: 10 * (row['value'] as number) }));
  const world = createWorld({ functions: { games_tenfold: tenfold } });
  const older = await world.start({ processors: ['games'] });
  await world.pass(older);
  await world.work();
  await world.commitRung();
  world.catalog.replace({ files: { 'processors/games.sql': 'games_tenfold' } });
  const newer = await world.start({ processors: ['games'], dates: [world.date(2)], reprocess: 'stale' });
  await world.pass(newer);
  await world.work();
  await world.commitRung();
  const values = () =>
    world.warehouse
      .rowsOf('test.games')
      .filter(({ day }) => day === world.date(2))
      .map(({ value }) => value);
  expect(values()).toEqual([30, 300]);
  expect(await world.drive(older)).toBe('completed');
  expect(values()).toEqual([30, 300]);
  expect(await world.task(older, 'games', world.date(2))).toMatchObject({ state: 'succeeded', epoch: 1 });
  const gate = await world.gateOf(older, 1);
  expect(gate).toMatchObject({ state: 'open', summary: '' });
  expect(gate?.checks.filter(({ outcome }) => outcome !== 'passed')).toEqual([
    {
      check: 'version',
      processorId: 'games',
      severity: 'warn',
      outcome: 'failed',
      message: '1 dates hold the rows of another version of this processor',
      dates: [world.date(2)],
      examples: [],
    },
  ]);
});

test('an external table is read by its digest per date', async () => {
  const external = {
    processors: {
      weather: {
        phase: 1,
        kind: 'external',
        table: 'test.weather',
        partition_column: 'day',
        key: ['day', 'item'],
        columns: { day: 'DATE', item: 'STRING', value: 'FLOAT64' },
      },
      rolling: { upstreams: { 'test.games': '[-3d, 0d]', 'test.weather': '0d' } },
    },
  };
  const world = createWorld(external);
  for (const date of world.dates) world.warehouse.put('test.weather', date, [{ day: date, item: 'i0', value: 20 }]);
  expect(await world.drive(await world.start())).toBe('completed');
  expect(await planStale(world)).toEqual([]);
  world.warehouse.put('test.weather', world.date(4), [{ day: world.date(4), item: 'i0', value: 21 }]);
  expect(await planStale(world)).toEqual(['rolling 05 stale_input', 'features 05 upstream_planned']);
});

test('an entry whose digest is gone counts as stale, never as fresh', async () => {
  const world = createWorld();
  await world.drive(await world.start({ processors: ['games'] }));
  const path = ledgerPathOf('test', 'games', world.date(0));
  await world.store.transaction(async (transaction) => {
    const entries = (await transaction.get(path))?.data['entries'] as Record<string, Record<string, string>>;
    transaction.set(path, { entries: { ...entries, [world.date(3)]: { ...entries[world.date(3)], inputDigest: '' } } });
  });
  expect(await planStale(world)).toContain('games 04 stale_input');
});
