// A status store that was lost or restored from an older copy, beside a warehouse that went on: what is computed afterwards
// is written, and is never taken for what had been committed before.
import { describe, expect, test } from 'vitest';
import { adoptCommitLogs } from '@floodgate/core/app/adopt-logs.ts';
import { splitGeneration } from '@floodgate/core/domain/generation.ts';
import type { StoredDocument } from '@floodgate/core/ports/status-store.ts';
import { createWorld, never, type World } from '../support/world.ts';

const tables = ['test.games', 'test.rolling', 'test.features'];
const collections = ['requests', 'pipelines', 'pipelineVersions', 'plans', 'backfills', 'leases', 'lanes', 'ledger', 'deadLetters', 'outbox', 'audit'];
const below: Readonly<Record<string, readonly string[]>> = { plans: ['chunks'], backfills: ['control', 'tasks', 'gates', 'progress'] };

const copyOf = async (world: World): Promise<readonly StoredDocument[]> => {
  const found: StoredDocument[] = [];
  for (const collection of collections) {
    const documents = await world.store.query({ collection });
    found.push(...documents);
    for (const { path } of documents) for (const inner of below[collection] ?? []) found.push(...(await world.store.query({ collection: `${path}/${inner}` })));
  }
  return found;
};

/** Puts the store back to a copy; to nothing where there is none. `keep`: what stays as it is. */
const restore = async (world: World, copy: readonly StoredDocument[] = [], keep: (path: string) => boolean = () => false): Promise<void> => {
  for (const { path } of await copyOf(world)) if (!keep(path)) await world.store.transaction(async (transaction) => transaction.delete(path));
  for (const { path, data } of copy) if (!keep(path)) await world.store.transaction(async (transaction) => transaction.set(path, data));
};

const adopt = (world: World) => world.run(adoptCommitLogs(world.planner(), never));
const highestLogged = (world: World): number =>
  Math.max(...tables.flatMap((table) => world.warehouse.logOf(table).map(({ generation }) => splitGeneration(generation).sequence)));

/** The tables as one run from nothing over the same sources leaves them. */
const expectAsComputedAtOnce = async (world: World): Promise<void> => {
  const other = createWorld({ days: world.dates.length });
  for (const date of world.dates) other.warehouse.put('source.feed', date, world.warehouse.sourceRows('source.feed', date));
  expect(await other.drive(await other.start())).toBe('completed');
  for (const table of tables) expect(world.warehouse.rowsOf(table)).toEqual(other.warehouse.rowsOf(table));
};

describe('commit logs ahead of the store', () => {
  test('of a store that was lost: the sequence goes on above them, and what changed is written', async () => {
    const world = createWorld();
    await world.drive(await world.start());
    await world.drive(await world.start({ processors: ['games'], dates: [world.date(5)], reprocess: 'all' }));
    expect(highestLogged(world)).toBe(2);
    await restore(world);
    world.putGames(world.date(2), [300, 30]);
    expect(await adopt(world)).toEqual(['test']);
    expect(await world.pipelineState()).toMatchObject({ sequence: 2, activation: 1, activeBackfills: [] });
    for (const entry of world.warehouse.logOf('test.games')) {
      expect(await world.ledgerEntry('games', entry.date)).toMatchObject({
        generation: entry.generation,
        contentHash: entry.contentHash,
        codeHash: '',
        inputDigest: '',
      });
    }
    const id = await world.start({ reprocess: 'stale' });
    expect((await world.backfill(id)).sequence).toBe(3);
    expect(await world.drive(id)).toBe('completed');
    expect((await world.states(id))['superseded']).toBeUndefined();
    expect((await world.states(id))['succeeded']).toContain(`games ${world.date(2)}`);
    await expectAsComputedAtOnce(world);
  });

  test('of a store that is older: the sequence is raised, what it has besides stays', async () => {
    const world = createWorld();
    await world.drive(await world.start());
    const copy = await copyOf(world);
    world.putGames(world.date(2), [300, 30]);
    await world.drive(await world.start({ reprocess: 'stale' }));
    await restore(world, copy);
    world.putGames(world.date(2), [3_000, 300]);
    const before = await world.pipelineState();
    expect(before?.sequence).toBe(1);
    expect(await adopt(world)).toEqual(['test']);
    expect(await world.pipelineState()).toEqual({ ...before, sequence: 2, activation: (before?.activation ?? 0) + 1 });
    // Only what the log has newer counts as unknown.
    expect(await world.ledgerEntry('games', world.date(2))).toMatchObject({ codeHash: '' });
    expect((await world.ledgerEntry('games', world.date(1)))?.codeHash).not.toBe('');
    expect(await world.drive(await world.start({ reprocess: 'stale' }))).toBe('completed');
    await expectAsComputedAtOnce(world);
  });
});

describe('what else an older store gets wrong without being told', () => {
  // The lane's epoch begins anew below the fence that the log keeps, and leaps above it.
  test('the lanes of a store that was lost commit at once', async () => {
    const world = createWorld();
    for (let run = 0; run < 4; run += 1) await world.drive(await world.start({ processors: ['games'], reprocess: 'all' }));
    await restore(world);
    await adopt(world);
    expect(await world.drive(await world.start({ processors: ['games'], reprocess: 'stale' }))).toBe('completed');
  });

  // Under its own number its executions would have the generations that the log already has, under its own name.
  test('a backfill that is active in an older store writes what it computes', async () => {
    const world = createWorld();
    const id = await world.start({ processors: ['games'] });
    const copy = await copyOf(world);
    await world.drive(id);
    await restore(world, copy);
    world.putGames(world.date(2), [300, 30]);
    await adopt(world);
    for (let round = 0; round < 2; round += 1) {
      await world.pass(id, 'the next planner');
      await world.work();
      await world.commitRung();
    }
    expect(await world.states(id)).toMatchObject({ succeeded: [`games ${world.date(2)}`] });
    expect(Object.keys(await world.states(id)).sort()).toEqual(['succeeded', 'unchanged']);
    expect(
      world.warehouse
        .rowsOf('test.games')
        .filter(({ day }) => day === world.date(2))
        .map(({ value }) => value),
    ).toEqual([300, 30]);
  });
});

test('where the logs are not ahead nothing is written', async () => {
  const world = createWorld();
  expect(await adopt(world)).toEqual([]);
  expect(await world.pipelineState()).toBeUndefined();
  await world.drive(await world.start());
  const before = await copyOf(world);
  expect(await adopt(world)).toEqual([]);
  expect(await copyOf(world)).toEqual(before);
});

test('a generation that was given before, to another backfill, is not taken for this one’s commit', async () => {
  const world = createWorld({ days: 2 });
  const first = await world.start({ processors: ['games'] });
  await world.drive(first);
  // As before, but nobody has looked at the logs.
  await restore(world, [], (path) => path.startsWith('lanes/'));
  world.putGames(world.date(0), [100, 200]);
  const again = await world.start({ processors: ['games'] });
  await world.pass(again);
  await world.work();
  await world.commitRung();
  expect((await world.task(again, 'games', world.date(0))).generation).toBe(world.warehouse.logOf('test.games')[0]?.generation);
  expect(Object.keys(await world.states(again))).toEqual(['superseded']);
  expect(await world.ledgerEntry('games', world.date(0))).toBeUndefined();
  expect(world.warehouse.logOf('test.games').map(({ backfillId }) => backfillId)).toEqual([first, first]);
});
