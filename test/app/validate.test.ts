// Validations over the world in memory: what each says of planted damage, that it fails closed, and that it changes nothing.
import { describe, expect, test } from 'vitest';
import { validate, type ValidationInput } from '@floodgate/core/app/validate.ts';
import type { TableReport, ValidationReport } from '@floodgate/core/app/validate-report.ts';
import type { ValidateDeps } from '@floodgate/core/app/validate-scope.ts';
import { backfillRequestSchema, type BackfillRequestInput } from '@floodgate/core/contracts/request.ts';
import { createWorld, never, type World, type WorldOptions } from '../support/world.ts';

const depsOf = (world: World): ValidateDeps => ({ store: world.store, warehouse: world.warehouse, clock: world.clock, catalog: world.catalog });

const ask = (
  world: World,
  kind: ValidationInput['kind'],
  selection: Partial<BackfillRequestInput> = {},
  more: { readonly phase?: number } = {},
): Promise<ValidationReport> =>
  world.run(validate(depsOf(world), { kind, selection: backfillRequestSchema.parse({ pipeline: 'test', ...selection }), ...more }, never));

const tableOf = (report: ValidationReport, processor: string): TableReport => {
  const found = report.tables.find((table) => table.processor === processor);
  if (found === undefined) throw new Error(`no report of ${processor}`);
  return found;
};

/** `date check: message`, blocking ones alone. */
const problemsOf = (report: ValidationReport, processor: string): readonly string[] =>
  tableOf(report, processor)
    .problems.filter(({ severity }) => severity === 'block')
    .map(({ date, check, outcome, message }) => `${date ?? 'all'} ${check}${outcome === 'failed' ? '' : ' could not tell'}: ${message}`);

const statusesOf = (report: ValidationReport, processor: string): string => Object.values(tableOf(report, processor).statuses).join(' ');

const roster: WorldOptions['functions'] = {
  roster: ({ first, last, read }) => read('source.expected').filter((row) => (row['date'] as string) >= first && (row['date'] as string) <= last),
};
const audited: WorldOptions = {
  processors: { games: { audits: [{ expected_keys: { columns: ['item'], sql: 'roster' } }] } },
  functions: roster,
};
const expectItems = (world: World, index: number, items: readonly string[]): void =>
  world.warehouse.put(
    'source.expected',
    world.date(index),
    items.map((item) => ({ date: world.date(index), item })),
  );
const row = (world: World, index: number, item: string, value: number | null = 1) => ({ day: world.date(index), item, value });

/** Everything is computed, and as many items as there are were expected. */
const filled = async (options: WorldOptions = audited): Promise<World> => {
  const world = createWorld(options);
  for (const index of world.dates.keys()) expectItems(world, index, ['i0', 'i1']);
  expect(await world.drive(await world.start())).toBe('completed');
  return world;
};

describe('coverage', () => {
  test('counts expected keys per date, and is ready where all of them are there', async () => {
    const report = await ask(await filled(), 'coverage', { processors: ['games'] });
    expect(report).toMatchObject({ verdict: 'ready', repair: [], counts: { complete: 6 } });
    expect(tableOf(report, 'games').expectations).toEqual([{ check: 'expected_keys(item)', dates: 6, expected: 12, found: 12 }]);
  });

  test('a date with some of its rows is partial, one with none has failed; a row on every date is no coverage', async () => {
    const world = await filled();
    world.warehouse.damage('test.games', world.date(1), [row(world, 1, 'i0')]);
    world.warehouse.damage('test.games', world.date(4), []);
    const report = await ask(world, 'coverage', { processors: ['games'] });
    expect(report.verdict).toBe('not_ready');
    expect(statusesOf(report, 'games')).toBe('complete partial complete complete failed complete');
    expect(tableOf(report, 'games').expectations).toEqual([{ check: 'expected_keys(item)', dates: 6, expected: 12, found: 9 }]);
    expect(problemsOf(report, 'games')).toEqual([
      '2024-01-02 as_committed: 1 row is in the table, 2 were committed',
      '2024-01-02 expected_keys(item): item i1 missing (1 of 2 expected)',
      '2024-01-05 as_committed: 0 rows are in the table, 2 were committed',
      '2024-01-05 expected_keys(item): item i0 and item i1 missing (2 of 2 expected)',
    ]);
    expect(report.repair).toEqual(['npx floodgate backfill --pipeline test --processors games --dates 2024-01-02,2024-01-05 --reprocess all']);
  });

  test('rows that nobody expects anything of are named, and nobody can tell whether they are all', async () => {
    const world = await filled();
    expectItems(world, 2, []);
    const report = await ask(world, 'coverage', { processors: ['games'] });
    expect(report.verdict).toBe('could_not_tell');
    expect(tableOf(report, 'games').withoutExpectation).toEqual([world.date(2)]);
    // No audit at all says what rolling should hold.
    expect(tableOf(await ask(world, 'coverage', { processors: ['rolling'] }), 'rolling').withoutExpectation).toHaveLength(6);
  });

  test('no rows where none are expected are fine', async () => {
    const world = createWorld(audited);
    for (const index of world.dates.keys()) expectItems(world, index, index === 2 ? [] : ['i0', 'i1']);
    world.putGames(world.date(2), []);
    await world.drive(await world.start());
    const report = await ask(world, 'coverage', { processors: ['games'] });
    expect(report.verdict).toBe('ready');
    expect(statusesOf(report, 'games')).toBe('complete complete empty_ok complete complete complete');
  });

  test('dates that were never computed fail, and are repaired as missing', async () => {
    const world = createWorld(audited);
    for (const index of world.dates.keys()) expectItems(world, index, ['i0', 'i1']);
    await world.drive(await world.start({ processors: ['games'], dates: [world.date(0), world.date(1), world.date(3)] }));
    const report = await ask(world, 'coverage', { processors: ['games'] });
    expect(statusesOf(report, 'games')).toBe('complete complete failed complete failed failed');
    expect(report.repair).toEqual(['npx floodgate backfill --pipeline test --processors games --dates 2024-01-03,2024-01-05..2024-01-06 --reprocess missing']);
  });

  test('declared skips are too early, and no failure', async () => {
    const world = await filled({ ...audited, processors: { ...audited.processors, features: { bootstrap_days: 2 } } });
    const report = await ask(world, 'coverage', { processors: ['features'], dates: [world.date(0), world.date(1)] });
    expect(report.verdict).toBe('ready');
    expect(statusesOf(report, 'features')).toBe('insufficient_history insufficient_history');
  });

  test('an expectation that can not be evaluated leaves its table in the report, unknown', async () => {
    const world = await filled();
    world.warehouse.faults.fail('runChecks', 'invalid_sql', { times: 2, message: 'no column item' });
    const report = await ask(world, 'coverage', { processors: ['games'] });
    // All checks together, then the counting alone; the second alone went through.
    expect(report.verdict).toBe('could_not_tell');
    expect(problemsOf(report, 'games')).toEqual(['all as_committed could not tell: no column item']);
    expect(statusesOf(report, 'games')).toBe('unknown unknown unknown unknown unknown unknown');
  });
});

describe('a table', () => {
  test('that is gone fails all dates that were committed to it', async () => {
    const world = await filled();
    world.warehouse.dropTable('test.games');
    for (const kind of ['coverage', 'range'] as const) {
      const report = await ask(world, kind, { processors: ['games'] });
      expect(report.verdict).toBe('not_ready');
      expect(problemsOf(report, 'games')).toEqual(['all table: there is no table test.games, although the ledger says what it holds']);
      expect(report.repair).toEqual(['npx floodgate backfill --pipeline test --processors games --start 2024-01-01 --end 2024-01-06 --reprocess all']);
    }
  });

  test('that never was is not made by asking', async () => {
    const world = createWorld(audited);
    for (const kind of ['preflight', 'coverage', 'contamination', 'range'] as const) await ask(world, kind);
    await ask(world, 'gate', {}, { phase: 1 });
    for (const table of ['games', 'rolling', 'features'])
      expect(await world.warehouse.inspectTable({ table: `test.${table}`, partitionColumn: 'day', key: ['day'], columns: [] }, never)).toEqual({
        state: 'absent',
      });
  });
});

describe('contamination', () => {
  const critical: WorldOptions = {
    days: 12,
    processors: { rolling: { upstreams: { 'test.games': { window: '[-3d, 0d]', critical: [{ column: 'value', not_zero: true, min_ratio: 0.5 }] } } } },
  };
  const computed = async (): Promise<World> => {
    const world = createWorld(critical);
    await world.drive(await world.start());
    return world;
  };

  test('is judged date by date: one rotten date of twelve is found, within its tolerance another is not', async () => {
    const world = await computed();
    world.warehouse.damage('test.games', world.date(3), [row(world, 3, 'i0', null), row(world, 3, 'i1', 0)]);
    world.warehouse.damage('test.games', world.date(6), [row(world, 6, 'i0', null), row(world, 6, 'i1', 5)]);
    const report = await ask(world, 'contamination');
    expect(report.verdict).toBe('not_ready');
    expect(problemsOf(report, 'games')).toEqual(['2024-01-04 not_zero(value): value zero, NULL or NaN on 2 of 2 rows (at most 50 % may be); rolling reads it']);
    expect(report.contaminated).toEqual([
      { processor: 'rolling', table: 'test.rolling', direct: true, dates: [3, 4, 5, 6].map(world.date) },
      { processor: 'features', table: 'test.features', direct: false, dates: [3, 4, 5, 6].map(world.date) },
    ]);
    expect(report.repair).toEqual([
      'npx floodgate backfill --pipeline test --processors games,rolling,features --start 2024-01-04 --end 2024-01-07 --reprocess all',
    ]);
  });

  test('looks at the lookback of the selection as well', async () => {
    const world = await computed();
    world.warehouse.damage('test.games', world.date(3), [row(world, 3, 'i0', null)]);
    const report = await ask(world, 'contamination', { dates: [world.date(6)] });
    expect(tableOf(report, 'games').lookback).toEqual([3, 4, 5].map(world.date));
    expect(statusesOf(report, 'games')).toBe('failed complete complete complete');
    expect((await ask(world, 'contamination', { dates: [world.date(7)] })).verdict).toBe('ready');
  });

  test('can not be told of dates that were not computed', async () => {
    const world = createWorld(critical);
    await world.drive(await world.start({ processors: ['games'], dates: [world.date(0)] }));
    const report = await ask(world, 'contamination', { dates: [world.date(0), world.date(1)] });
    expect(report.verdict).toBe('could_not_tell');
    expect(statusesOf(report, 'games')).toBe('complete unknown');
  });

  test('where nothing is critical says so', async () => {
    const report = await ask(await filled(), 'contamination');
    expect(report).toMatchObject({ verdict: 'ready', tables: [], advice: [expect.stringContaining('no edge')] });
  });
});

describe('range', () => {
  test('finds duplicates, rows that nobody committed, and rows on dates that should have none', async () => {
    const world = await filled({ ...audited, processors: { ...audited.processors, features: { bootstrap_days: 2 } } });
    world.warehouse.damage('test.games', world.date(1), [row(world, 1, 'i0'), row(world, 1, 'i0')]);
    const features = { day: world.date(0), item: 'i0', score: 1 };
    world.warehouse.damage('test.features', world.date(0), [features]);
    world.warehouse.damage('test.rolling', world.date(3), [
      ...world.warehouse.rowsOf('test.rolling', world.date(3)),
      { day: world.date(3), item: 'x', total: 1 },
    ]);
    world.calendar.delete(world.date(4));
    const report = await ask(world, 'range');
    expect(report.verdict).toBe('not_ready');
    expect(problemsOf(report, 'games')).toEqual([
      '2024-01-02 unique_key: 2 rows share a key',
      '2024-01-02 expected_keys(item): item i1 missing (1 of 2 expected)',
      '2024-01-05 off_calendar: 2 rows, and the calendar does not have the date; windows still read them',
    ]);
    expect(problemsOf(report, 'rolling')).toContain('2024-01-04 as_committed: 3 rows are in the table, 2 were committed');
    expect(problemsOf(report, 'features')).toContain(
      '2024-01-01 declared_skip: 1 row, and the pipeline declares that the date has none; windows still read them',
    );
    expect(report.advice.join()).toContain('mended by no backfill');
  });

  test('keeps the other checks of a table where one can not be evaluated', async () => {
    const world = await filled();
    world.warehouse.damage('test.games', world.date(1), [row(world, 1, 'i0')]);
    world.warehouse.faults.fail('runChecks', 'invalid_sql', { message: 'a broken audit' });
    world.warehouse.faults.fail('runChecks', 'invalid_sql', {
      message: 'a broken audit',
      matches: (job) => (job as { readonly checks: readonly { readonly check: { readonly type: string } }[] }).checks[0]?.check.type === 'expected_keys',
    });
    const report = await ask(world, 'range', { processors: ['games'] });
    expect(report.verdict).toBe('not_ready');
    expect(problemsOf(report, 'games')).toEqual([
      'all expected_keys(item) could not tell: a broken audit',
      '2024-01-02 as_committed: 1 row is in the table, 2 were committed',
    ]);
    expect(statusesOf(report, 'games')).toBe('unknown partial unknown unknown unknown unknown');
  });
});

describe('gate', () => {
  const gate = (world: World, phase: number, selection: Partial<BackfillRequestInput> = {}) => ask(world, 'gate', selection, { phase });

  test('says of each phase what the gate of a backfill said', async () => {
    const world = await filled();
    for (const phase of [1, 2, 3]) expect((await gate(world, phase)).verdict).toBe('ready');
    world.warehouse.damage('test.games', world.date(2), [row(world, 2, 'i0')]);
    // Nothing is to be computed, so that the gate is judged over the damaged rows.
    const id = await world.start({ processors: ['games'] });
    expect(await world.drive(id)).toBe('blocked');
    const judged = await world.gateOf(id, 1);
    const report = await gate(world, 1, { processors: ['games'] });
    expect(report.verdict).toBe('not_ready');
    const failing = judged?.checks.filter(({ outcome }) => outcome !== 'passed').map(({ check, dates }) => `${check} ${dates.join()}`);
    expect(tableOf(report, 'games').problems.map(({ check, date }) => `${check} ${date}`)).toEqual(failing);
    expect(failing).toEqual(['as_committed 2024-01-03', 'expected_keys(item) 2024-01-03']);
    expect((await gate(world, 2)).verdict).toBe('ready');
  });

  test('holds the lookback to the same: what later phases read for the selection', async () => {
    const world = await filled();
    world.warehouse.damage('test.games', world.date(1), [row(world, 1, 'i0')]);
    const report = await gate(world, 1, { dates: [world.date(4)] });
    expect(report).toMatchObject({ verdict: 'not_ready', phase: 1 });
    expect(tableOf(report, 'games').lookback).toEqual([1, 2, 3].map(world.date));
    expect((await gate(world, 1, { dates: [world.date(5)] })).verdict).toBe('ready');
  });

  test('is shut by what is stale, not computed, or off the calendar', async () => {
    const world = await filled();
    world.putGames(world.date(2), [7, 8]);
    expect(problemsOf(await gate(world, 1), 'games')).toEqual(['2024-01-03 fresh: computed from inputs that have changed since']);
    expect((await gate(world, 1)).repair).toEqual(['npx floodgate backfill --pipeline test --processors games --dates 2024-01-03 --reprocess stale']);
    world.calendar.delete(world.date(3));
    expect(problemsOf(await gate(world, 1), 'games')).toContain(
      '2024-01-04 off_calendar: has rows and is not in the calendar any more; windows still read them',
    );
  });

  test('is held where all holds and a person decides', async () => {
    const world = createWorld({ ...audited, phases: { 1: { gate: { hold: true } } } });
    for (const index of world.dates.keys()) expectItems(world, index, ['i0', 'i1']);
    await world.drive(await world.start({ processors: ['games'] }));
    expect((await gate(world, 1)).verdict).toBe('held');
    world.warehouse.damage('test.games', world.date(1), []);
    expect((await gate(world, 1)).verdict).toBe('not_ready');
  });

  test('lets a declared quorum of keys be missing', async () => {
    const world = createWorld({
      phases: { 1: { gate: { quorum: 0.9, checks: [{ table: 'test.games', check: { expected_keys: { columns: ['item'], sql: 'roster' } } }] } } },
      functions: roster,
    });
    for (const index of world.dates.keys()) expectItems(world, index, index === 5 ? ['i0', 'i1', 'i2'] : ['i0', 'i1']);
    await world.drive(await world.start({ processors: ['games'] }));
    const report = await gate(world, 1);
    expect(report.verdict).toBe('ready');
    expect(tableOf(report, 'games').notes).toEqual(['expected_keys(item): what is missing is within the quorum of 0.9']);
    expect((await ask(world, 'coverage', { processors: ['games'] })).verdict).toBe('not_ready');
  });

  test('that nobody can judge is no open one', async () => {
    const world = await filled();
    world.warehouse.faults.fail('digestSource', 'source_unreadable', { message: 'feed_1.parquet is cut off' });
    const report = await gate(world, 1);
    expect(report.verdict).toBe('could_not_tell');
    expect(problemsOf(report, 'games')).toEqual(['all fresh could not tell: feed_1.parquet is cut off']);
    await expect(gate(world, 9)).rejects.toMatchObject({ code: 'unknown_phase' });
  });
});

describe('preflight', () => {
  test('of an empty warehouse is ready where the sources have every date', async () => {
    const report = await ask(createWorld(audited), 'preflight');
    expect(report.verdict).toBe('ready');
    expect(report.tables.map(({ table, role }) => `${role} ${table}`)).toEqual([
      'source source.feed',
      'target test.games',
      'target test.rolling',
      'target test.features',
    ]);
  });

  test('names dates without source rows by what the calendar has, and everything that can not be computed for them', async () => {
    const world = createWorld(audited);
    world.putGames(world.date(2), []);
    const report = await ask(world, 'preflight');
    expect(report.verdict).toBe('not_ready');
    expect(problemsOf(report, 'source.feed')).toEqual(['2024-01-03 source: no rows, and the calendar has 2 regular']);
    expect(problemsOf(report, 'games')).toEqual(['2024-01-03 upstream: source.feed has no rows on 2024-01-03']);
    expect(statusesOf(report, 'rolling')).toBe('complete complete failed failed failed failed');
    expect(problemsOf(report, 'rolling')[3]).toBe('2024-01-06 upstream: test.games can’t be computed on 1 of the 4 dates that it reads: 2024-01-03');
    expect(report.repair).toEqual([]);
  });

  test('of a later phase asks for its upstreams, committed and fresh, in the lookback too', async () => {
    const world = await filled();
    world.putGames(world.date(1), [50, 60]);
    const other = { processors: ['rolling'], dates: [world.date(4)] };
    const report = await ask(world, 'preflight', other);
    expect(report.verdict).toBe('not_ready');
    expect(tableOf(report, 'games')).toMatchObject({ role: 'upstream', lookback: [1, 2, 3].map(world.date) });
    expect(problemsOf(report, 'games')).toEqual(['2024-01-02 fresh: computed from inputs that have changed since']);
    expect(problemsOf(report, 'rolling')).toEqual([
      '2024-01-05 upstream: test.games is not computed, or not fresh, on 1 of the 4 dates that it reads: 2024-01-02',
    ]);
    expect(statusesOf(report, 'rolling')).toBe('partial');
    expect(report.repair).toEqual(['npx floodgate backfill --pipeline test --processors games --dates 2024-01-02 --reprocess stale']);
    expect((await ask(world, 'preflight', { ...other, dates: [world.date(5)] })).verdict).toBe('ready');
  });

  test('can not tell where a source can not be read', async () => {
    const world = createWorld(audited);
    world.warehouse.faults.fail('digestSource', 'source_unreadable', { message: 'feed_1.parquet is cut off' });
    const report = await ask(world, 'preflight');
    expect(report.verdict).toBe('could_not_tell');
    expect(problemsOf(report, 'source.feed')).toEqual(['all source could not tell: feed_1.parquet is cut off']);
  });

  test('says where a target is not as declared', async () => {
    const world = await filled();
    world.catalog.replace({ processors: { ...audited.processors, features: { columns: { day: 'DATE', item: 'STRING', score: 'STRING' } } } });
    const report = await ask(world, 'preflight', { processors: ['features'] });
    expect(report.verdict).toBe('not_ready');
    expect(problemsOf(report, 'features')).toEqual(['all schema: the table is not as declared: ~ score: declared STRING, found FLOAT64']);
  });
});
