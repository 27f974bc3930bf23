// What the system before recorded as complete and was not: each of these happened there (docs/incidents.md).
import { describe, expect, test } from 'vitest';
import { retryTasks } from '@floodgate/core/app/operate.ts';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import { createWorld, type World } from '../support/world.ts';

const ofDate = (date: PartitionDate) => (job: unknown) => (job as { readonly dates: readonly string[] }).dates.includes(date);

const rowsOn = (world: World, table: string, date: PartitionDate) => world.warehouse.rowsOf(table).filter((row) => row['day'] === date);

describe('a date is complete only where its rows are there', () => {
  test('nothing computed for a date with games is no success: its expectation holds it back', async () => {
    const world = createWorld({
      processors: { games: { audits: [{ row_count: { sql: 'scheduled' } }] } },
      functions: { scheduled: ({ first, last }) => world.dates.filter((date) => date >= first && date <= last).map((date) => ({ date, expected: 2 })) },
    });
    world.warehouse.put('source.feed', world.date(1), []);
    const id = await world.start({ processors: ['games'] });
    expect(await world.drive(id)).toBe('blocked');
    expect(await world.task(id, 'games', world.date(1))).toMatchObject({
      state: 'quarantined',
      evidence: [{ check: 'row_count', message: '0 rows, expected 2' }],
    });
    expect((await world.states(id))['succeeded']).toHaveLength(5);
  });

  test('rows that somebody deletes are missed at the next gate, though no check was declared', async () => {
    const world = createWorld();
    await world.drive(await world.start({ processors: ['games'] }));
    world.warehouse.damage('test.games', world.date(2), rowsOn(world, 'test.games', world.date(2)).slice(1));
    const id = await world.start({ processors: ['games'] });
    expect(await world.drive(id)).toBe('blocked');
    expect(await world.gateOf(id, 1)).toMatchObject({
      state: 'blocked',
      summary: expect.stringContaining('as_committed'),
      repair: `npx floodgate backfill --pipeline test --processors games --dates ${world.date(2)} --reprocess all`,
    });
    const repaired = await world.start({ processors: ['games'], dates: [world.date(2)], reprocess: 'all' });
    expect(await world.drive(repaired)).toBe('completed');
    expect(rowsOn(world, 'test.games', world.date(2))).toHaveLength(2);
  });

  test('a date that fails to be computed anew keeps its old rows, and is not taken for done', async () => {
    const world = createWorld();
    await world.drive(await world.start());
    const before = rowsOn(world, 'test.games', world.date(2));
    world.putGames(world.date(2), [7, 8, 9]);
    world.warehouse.faults.fail('stage', 'invalid_sql', { matches: ofDate(world.date(2)) });
    const id = await world.start({ reprocess: 'stale' });
    expect(await world.drive(id)).toBe('blocked');
    expect(rowsOn(world, 'test.games', world.date(2))).toEqual(before);
    expect(await world.gateOf(id, 1)).toMatchObject({ state: 'blocked', repair: `npx floodgate retry ${id}` });
    // Nothing was computed from the old rows, and the next request still sees that they are old.
    expect((await world.states(id))['succeeded'] ?? []).toEqual([]);
    expect(await world.drive(await world.start({ reprocess: 'stale' }))).toBe('completed');
    expect(rowsOn(world, 'test.games', world.date(2))).toHaveLength(3);
  });
});

describe('what is done is known date by date', () => {
  test('the first and the ninth date done, the third failed, the rest lost: what follows is exactly the rest', async () => {
    const world = createWorld({ days: 9 });
    const id = await world.start({ processors: ['games'] });
    await world.pass(id);
    const dispatches = world.takeDispatches();
    expect(dispatches).toHaveLength(9);
    world.warehouse.faults.fail('stage', 'invalid_sql', { matches: ofDate(world.date(2)), message: 'no such column: pts' });
    // Two workers at once, out of order; nobody ever gets the other six messages.
    const byDate = (index: number) => {
      const dispatch = dispatches.find(({ tasks }) => tasks.some(({ path }) => path.endsWith(world.date(index))));
      if (dispatch === undefined) throw new Error(`no dispatch of ${world.date(index)}`);
      return dispatch;
    };
    await world.run(Promise.all([world.execute(byDate(8), 'one'), world.execute(byDate(0), 'other'), world.execute(byDate(2), 'one')]));
    await world.commitRung();
    expect(await world.states(id)).toMatchObject({ succeeded: [`games ${world.date(0)}`, `games ${world.date(8)}`], failed: [`games ${world.date(2)}`] });
    expect(await world.deadLetters()).toMatchObject([{ date: world.date(2), failure: { code: 'invalid_sql', message: 'no such column: pts' } }]);

    await world.clock.advance(61_000);
    await world.reconcile();
    expect(await world.drive(id)).toBe('blocked');
    await world.run(retryTasks(world.engine('cli'), id, { states: ['failed'] }, 'ann'));
    expect(await world.drive(id)).toBe('completed');
    // Each date was computed once, the failed one after its retry.
    expect(world.warehouse.stageJobs.flatMap(({ dates }) => dates).toSorted()).toEqual([...world.dates]);
    expect(await world.drive(await world.start({ processors: ['games'] }))).toBe('completed');
    expect(world.warehouse.stageJobs).toHaveLength(9);
  });

  test('each date has a document of its own, and none grows from backfill to backfill', async () => {
    const world = createWorld({ days: 12 });
    const collections = ['pipelines', 'pipelineVersions', 'plans', 'backfills', 'leases', 'lanes', 'ledger', 'deadLetters', 'outbox'];
    const largest = async (): Promise<Readonly<Record<string, number>>> => {
      const sizes = await Promise.all(
        collections.map(async (collection) => (await world.store.query({ collection })).map(({ data }) => JSON.stringify(data).length)),
      );
      return Object.fromEntries(collections.map((collection, index) => [collection, Math.max(0, ...(sizes[index] ?? []))]));
    };
    const runs = [];
    for (let run = 0; run < 12; run += 1) {
      const id = await world.start({ reprocess: 'all' });
      expect(await world.drive(id)).toBe('completed');
      expect(await world.tasks(id)).toHaveLength(36);
      runs.push(await largest());
    }
    // Numbers get longer by a digit; a list that nobody shortens would grow by an id each time.
    for (const collection of collections) expect((runs[11]?.[collection] ?? 0) - (runs[1]?.[collection] ?? 0), collection).toBeLessThan(36);
  });
});

describe('what a backfill does not touch', () => {
  test('one phase alone starts nothing beyond it', async () => {
    const world = createWorld();
    await world.drive(await world.start());
    for (const date of world.dates) world.putGames(date, [5, 6]);
    const id = await world.start({ phases: '1', reprocess: 'stale' });
    const jobs = world.warehouse.stageJobs.length;
    expect(await world.drive(id)).toBe('completed');
    await world.clock.advance(600_000);
    await world.reconcile();
    await world.commitRung();
    await world.judgeRung();
    expect(world.warehouse.stageJobs.slice(jobs).map(({ target }) => target.table)).toEqual(world.dates.map(() => 'test.games'));
    expect((await world.store.query({ collection: 'backfills' })).length).toBe(2);
    // What reads it is stale now, and stays visible as that.
    const look = await world.accept({ reprocess: 'stale' }, { dryRun: true });
    expect(look.outcome === 'planned' && look.summary.plan.processors.get('rolling')?.every(({ reason }) => reason === 'stale_input')).toBe(true);
  });
});
