// Closed backfills expire: what they leave behind goes, and nothing that somebody is about to use again.
import { describe, expect, test } from 'vitest';
import { expireClosed } from '@floodgate/core/app/expire.ts';
import { controlBackfill } from '@floodgate/core/app/operate.ts';
import { createPlanReader, readBackfill } from '@floodgate/core/app/plan-store.ts';
import { reopen } from '@floodgate/core/app/reopen.ts';
import { backfillPath, planPath } from '@floodgate/core/contracts/documents.ts';
import type { StatusStore } from '@floodgate/core/ports/status-store.ts';
import { beforeTransaction, dyingStore } from '../support/interposed-store.ts';
import { createWorld, type World } from '../support/world.ts';

const dayMs = 86_400_000;
const keepMs = 30 * dayMs;

/** A backfill that ended so long ago that it expires now. */
const startOld = async (world: World): Promise<{ readonly id: string; readonly planHash: string }> => {
  const id = await world.start({ processors: ['games'] });
  expect(await world.drive(id)).toBe('completed');
  const backfill = (await world.store.get(backfillPath(id)))?.data ?? {};
  await world.clock.advance(keepMs + dayMs);
  return { id, planHash: String(backfill['planHash']) };
};

const expire = (world: World, store: StatusStore = world.store) => world.run(expireClosed({ ...world.engine('planner'), store }, keepMs));

const reopenAgain = async (world: World, id: string) => {
  const backfill = await readBackfill(world.store, id);
  if (backfill === undefined) throw new Error(`no backfill ${id}`);
  return world.run(reopen(world.engine('cli'), world.plans, backfill, new Set(), 'ann'));
};

const sameRequest = { processors: ['games'], reprocess: 'all' as const };

describe('a backfill that ended long ago', () => {
  test('goes with its tasks and its plan; its rows and the ledger stay', async () => {
    const world = createWorld();
    const { id, planHash } = await startOld(world);
    expect(await expire(world)).toMatchObject({ backfills: 1 });
    expect(await world.store.get(backfillPath(id))).toBeUndefined();
    expect(await world.store.get(planPath(planHash))).toBeUndefined();
    expect(await world.tasks(id)).toEqual([]);
    expect(world.warehouse.rowsOf('test.games')).not.toEqual([]);
    expect(await expire(world)).toEqual({ backfills: 0, documents: 0 });
  });

  test.each([1, 2, 3])('is gone after the next run where one died after transaction %i', async (number) => {
    const world = createWorld();
    const { id, planHash } = await startOld(world);
    const { store, died } = dyingStore(world.store, 'after', number);
    void expireClosed({ ...world.engine('dead'), store }, keepMs);
    await world.run(died);
    await expire(world);
    expect(await world.store.get(backfillPath(id))).toBeUndefined();
    expect(await world.store.get(planPath(planHash))).toBeUndefined();
    expect(await world.tasks(id)).toEqual([]);
  });

  test('stays, plan and all, where somebody reopens it meanwhile', async () => {
    const world = createWorld();
    const { id, planHash } = await startOld(world);
    // After the list of backfills was read, before the first of them is touched.
    const reopened = beforeTransaction(world.store, 1, async () => {
      expect(await reopenAgain(world, id)).toEqual({ outcome: 'reopened' });
    });
    expect(await expire(world, reopened)).toMatchObject({ backfills: 0 });
    expect(await world.store.get(backfillPath(id))).toBeDefined();
    expect(await world.store.get(planPath(planHash))).toBeDefined();
    expect(await world.tasks(id)).toHaveLength(6);
  });

  test('is not known any more to whoever reopens it while it goes', async () => {
    const world = createWorld();
    const { id } = await startOld(world);
    const { store, died } = dyingStore(world.store, 'after', 1);
    void expireClosed({ ...world.engine('dead'), store }, keepMs);
    await world.run(died);
    await expect(reopenAgain(world, id)).rejects.toMatchObject({ code: 'unknown_backfill' });
  });
});

describe('its plan, when the same plan is made again', () => {
  /** Of a backfill that was cancelled before it changed anything, long ago: asked again, the same plan comes out. */
  const planned = async (world: World): Promise<string> => {
    const first = await world.start(sameRequest);
    await world.run(controlBackfill(world.engine('cli'), first, 'cancel', 'ann'));
    await world.drive(first);
    const backfill = (await world.store.get(backfillPath(first)))?.data ?? {};
    await world.clock.advance(keepMs + dayMs);
    return String(backfill['planHash']);
  };

  test('stays: it was stored again since, whatever the expiry had read before', async () => {
    const world = createWorld();
    const planHash = await planned(world);
    let second = '';
    const store = beforeTransaction(world.store, 2, async () => {
      second = await world.start(sameRequest);
    });
    expect(await expire(world, store)).toMatchObject({ backfills: 1 });
    expect((await world.store.get(backfillPath(second)))?.data).toMatchObject({ planHash });
    // Read anew: whoever has the plan in memory does not miss it.
    await expect(createPlanReader(world.store).plan(planHash)).resolves.toBeDefined();
    expect(await world.drive(second)).toBe('completed');
  });

  test('is stored once more where it expired between its storing and the activation', async () => {
    const world = createWorld();
    const planHash = await planned(world);
    // The activation's own transaction comes second; the process has slept through the whole of `keepMs` before it.
    const store = beforeTransaction(world.store, 2, async () => {
      await world.store.transaction(async (transaction) => {
        const plan = (await transaction.get(planPath(planHash)))?.data ?? {};
        transaction.set(planPath(planHash), { ...plan, createdAt: 0 });
      });
      await expire(world);
      expect(await world.store.get(planPath(planHash))).toBeUndefined();
    });
    const outcome = await world.accept(sameRequest, { deps: { ...world.planner('slow'), store } });
    expect(outcome).toMatchObject({ outcome: 'accepted' });
    if (outcome.outcome !== 'accepted') throw new Error('not accepted');
    await expect(createPlanReader(world.store).plan(planHash)).resolves.toBeDefined();
    expect(await world.drive(outcome.backfillId)).toBe('completed');
  });
});
