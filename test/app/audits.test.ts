// Audits look at exactly the rows that would be committed: a date that fails one is quarantined with its evidence, the others go on.
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { createWorld, type World, type WorldOptions } from '../support/world.ts';

const rowsOn = (world: World, index: number, rows: readonly JsonObject[]): void =>
  world.warehouse.put(
    'source.feed',
    world.date(index),
    rows.map((row) => ({ day: world.date(index), ...row })),
  );

const audited = (audits: readonly object[], more: Partial<WorldOptions> = {}): World => createWorld({ processors: { games: { audits } }, ...more });

const gamesTask = (world: World, id: string, index: number) => world.task(id, 'games', world.date(index));

/** Runs games alone over the first four dates, in one span. */
const runGames = async (world: World, request: object = {}): Promise<string> => {
  const id = await world.start({ processors: ['games'], range: { start: world.date(0), end: world.date(3) }, limits: { datesPerTask: 4 }, ...request });
  await world.drive(id);
  return id;
};

describe('always', () => {
  test('rows that share a key are quarantined, with evidence and rows kept; other dates of the span go on', async () => {
    const world = createWorld();
    rowsOn(world, 1, [
      { item: 'a', value: 1 },
      { item: 'a', value: 2 },
      { item: 'b', value: 3 },
    ]);
    const id = await runGames(world);
    expect(await world.states(id)).toEqual({ succeeded: [0, 2, 3].map((index) => `games ${world.date(index)}`), quarantined: [`games ${world.date(1)}`] });
    const task = await gamesTask(world, id, 1);
    expect(task).toMatchObject({
      attempt: 1,
      rows: 3,
      failure: { code: 'audit_failed', class: 'permanent', message: '2 rows share a key' },
      evidence: [{ check: 'unique_key', severity: 'block', message: '2 rows share a key', offending: 2, examples: [{ day: world.date(1), item: 'a' }] }],
      staged: { preserved: true, rows: 3 },
    });
    // The rest of the staging is gone; what was preserved can still be looked at.
    expect(world.warehouse.stagingsOf('test.games')).toEqual([task.staged?.staging]);
    expect(world.warehouse.rowsOf('test.games').filter((row) => row['day'] === world.date(1))).toEqual([]);
    expect(await world.ledgerEntry('games', world.date(1))).toBeUndefined();
    expect(await world.gateOf(id, 1)).toMatchObject({ state: 'blocked', repair: `npx floodgate retry ${id}` });
  });

  test('NULL in a key or in a required column is refused', async () => {
    const world = createWorld({ processors: { games: { columns: { day: 'DATE', item: 'STRING', value: { type: 'FLOAT64', required: true } } } } });
    rowsOn(world, 0, [{ item: null, value: 1 }]);
    rowsOn(world, 1, [{ item: 'a', value: null }]);
    const id = await runGames(world);
    expect((await gamesTask(world, id, 0)).evidence).toMatchObject([{ check: 'required', message: 'item NULL on 1 of 1 row' }]);
    expect((await gamesTask(world, id, 1)).evidence).toMatchObject([{ check: 'required', message: 'value NULL or NaN on 1 of 1 row' }]);
  });
});

describe('shrinking', () => {
  const shrunk = async (world: World): Promise<string> => {
    await runGames(world);
    world.putGames(world.date(2), [5]);
    return runGames(world, { reprocess: 'stale' });
  };

  test('without an explanation is blocked, and the old rows stay', async () => {
    const world = createWorld();
    const id = await shrunk(world);
    expect((await gamesTask(world, id, 2)).evidence).toMatchObject([
      { check: 'shrink', severity: 'block', message: '1 rows would replace 2, and no row_count or expected_keys audit explains fewer' },
    ]);
    expect(world.warehouse.rowsOf('test.games').filter((row) => row['day'] === world.date(2))).toHaveLength(2);
  });

  test('to no rows at all is blocked too', async () => {
    const world = createWorld();
    await runGames(world);
    world.warehouse.put('source.feed', world.date(2), []);
    const id = await runGames(world, { reprocess: 'stale' });
    expect(await gamesTask(world, id, 2)).toMatchObject({ state: 'quarantined', rows: 0 });
  });

  test('that an expectation of its own explains is committed', async () => {
    const world = audited([{ row_count: { sql: 'scheduled' } }], {
      functions: { scheduled: () => [...expected].map(([date, count]) => ({ date, expected: count })) },
    });
    const expected = new Map(world.dates.map((date) => [date, 2]));
    await runGames(world);
    world.putGames(world.date(2), [5]);
    expected.set(world.date(2), 1);
    const id = await runGames(world, { reprocess: 'stale' });
    expect(await gamesTask(world, id, 2)).toMatchObject({ state: 'succeeded', rows: 1 });
    expect(world.warehouse.rowsOf('test.games').filter((row) => row['day'] === world.date(2))).toHaveLength(1);
  });

  test('that its expectation contradicts is blocked by the expectation', async () => {
    const world = audited([{ row_count: { sql: 'scheduled' } }], {
      functions: { scheduled: ({ first, last }) => (first <= last ? world.dates.map((date) => ({ date, expected: 2 })) : []) },
    });
    const id = await shrunk(world);
    expect((await gamesTask(world, id, 2)).evidence).toMatchObject([{ check: 'row_count', message: '1 row, expected 2' }]);
  });
});

describe('declared audits', () => {
  test('expected keys name what is missing', async () => {
    const world = audited([{ expected_keys: { columns: ['item'], sql: 'roster' } }], {
      functions: {
        roster: ({ first, last }) =>
          world.dates.filter((date) => date >= first && date <= last).flatMap((date) => ['i0', 'i1'].map((item) => ({ date, item }))),
      },
    });
    world.putGames(world.date(1), [5]);
    const id = await runGames(world);
    expect((await gamesTask(world, id, 1)).evidence).toMatchObject([
      { check: 'expected_keys(item)', offending: 1, message: 'item i1 missing (1 of 2 expected)', examples: [{ item: 'i1' }] },
    ]);
    expect((await world.states(id))['succeeded']).toHaveLength(3);
  });

  test('ratios, ranges and conditions hold each date for itself', async () => {
    const world = audited([{ not_zero: { columns: ['value'], min_ratio: 0.5, where: 'not_bench' } }, { accepted_range: { column: 'value', max: 100 } }], {
      conditions: { not_bench: (row) => row['item'] !== 'bench' },
    });
    rowsOn(world, 0, [
      { item: 'a', value: 0 },
      { item: 'b', value: 3 },
      { item: 'bench', value: 0 },
    ]);
    rowsOn(world, 1, [
      { item: 'a', value: 0 },
      { item: 'b', value: 0 },
      { item: 'bench', value: 1 },
    ]);
    rowsOn(world, 2, [{ item: 'a', value: 101 }]);
    const id = await runGames(world);
    expect((await world.states(id))['succeeded']).toEqual([`games ${world.date(0)}`, `games ${world.date(3)}`]);
    expect((await gamesTask(world, id, 1)).evidence).toMatchObject([{ check: 'not_zero(value)', offending: 2 }]);
    expect((await gamesTask(world, id, 2)).evidence).toMatchObject([{ check: 'accepted_range(value)', message: 'value above 100 on 1 of 1 row' }]);
  });

  test('SELECTs of offending rows see the staged rows', async () => {
    const world = audited([{ sql: { name: 'no_thirteen', query: 'thirteen' } }], {
      functions: {
        thirteen: ({ staged }) => staged.filter((row) => row['value'] === 13).map((row) => ({ date: row['day'] ?? null, item: row['item'] ?? null })),
      },
    });
    world.putGames(world.date(3), [13, 14]);
    const id = await runGames(world);
    expect((await gamesTask(world, id, 3)).evidence).toMatchObject([
      { check: 'no_thirteen', offending: 1, message: 'no_thirteen: 1 row offends, e.g. item i0' },
    ]);
  });

  test('of severity warn are recorded and stop nothing', async () => {
    const world = audited([{ accepted_range: { column: 'value', max: 5 }, severity: 'warn' }]);
    const id = await runGames(world);
    expect((await world.backfill(id)).state).toBe('completed');
    const task = await gamesTask(world, id, 0);
    expect(task).toMatchObject({
      state: 'succeeded',
      failure: null,
      evidence: [{ check: 'accepted_range(value)', severity: 'warn', message: 'value above 5 on 1 of 2 rows' }],
    });
    // The gate says it once more, and opens.
    expect((await world.gateOf(id, 1))?.checks.find(({ check }) => check === 'accepted_range(value)')).toMatchObject({ severity: 'warn', outcome: 'failed' });
  });

  test('an audit that can not run is an error of the task, never a pass', async () => {
    const world = audited([{ sql: { name: 'broken', query: 'no_such_function' } }]);
    const id = await runGames(world);
    expect((await world.states(id))['failed']).toHaveLength(4);
    expect(world.warehouse.rowsOf('test.games')).toEqual([]);
  });

  test('columns that a season lacks are exempt there', async () => {
    const world = createWorld({
      processors: {
        games: { audits: [{ not_null: { columns: ['value'] } }], absent: [{ columns: ['value'], seasons: ['2024'], reason: 'not counted then' }] },
      },
    });
    rowsOn(world, 0, [{ item: 'a', value: null }]);
    const id = await runGames(world);
    expect((await gamesTask(world, id, 0)).state).toBe('succeeded');
  });
});
