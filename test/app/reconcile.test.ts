// Nothing lives in a process: whatever a crash leaves half done is found and finished.
import { describe, expect, test } from 'vitest';
import { executeDispatch } from '@floodgate/core/app/execute-dispatch.ts';
import { createLeaseWatch } from '@floodgate/core/app/lease-watch.ts';
import { dropOrphanStaging, rebuildLedger, reconcile, recordMalformed } from '@floodgate/core/app/reconcile.ts';
import { drainOutbox, transact } from '@floodgate/core/app/outbox.ts';
import { parseMessage } from '@floodgate/core/contracts/messages.ts';
import { ledgerPathOf } from '@floodgate/core/domain/ledger.ts';
import type { StatusStore } from '@floodgate/core/ports/status-store.ts';
import { beforeTransaction, interposeStore } from '../support/interposed-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { createWorld, never, type World } from '../support/world.ts';

const pipelineOf = async (world: World) => {
  const loaded = await world.catalog.load('test');
  if (loaded === undefined) throw new Error('no pipeline');
  return loaded.pipeline;
};

describe('the outbox', () => {
  const ring = (world: World, store: StatusStore = world.store): Promise<void> =>
    world.run(
      transact({ ...world.engine('x'), store }, async (_, send) => send('floodgate.lane.rung', { table: 'test.games' }, { subject: '', traceparent: '' })),
    );

  test('left by a crash between transaction and sending is sent, once old enough', async () => {
    const world = createWorld();
    world.bus.isDown = true;
    await ring(world);
    world.bus.isDown = false;
    expect(await world.outboxSize()).toBe(1);
    expect(await world.run(drainOutbox(world.engine('x'), 1_000))).toBe(0);
    await world.clock.advance(1_000);
    expect(await world.run(drainOutbox(world.engine('x'), 1_000))).toBe(1);
    expect(world.bus.take('floodgate.lane.rung')).toEqual([{ table: 'test.games' }]);
    expect(await world.outboxSize()).toBe(0);
  });

  test('left by a crash between sending and deleting is sent twice, under one id', async () => {
    const world = createWorld();
    await ring(
      world,
      beforeTransaction(world.store, 2, () => Promise.reject(new Error('it died here'))),
    );
    await world.clock.advance(1_000);
    await world.run(drainOutbox(world.engine('x'), 1_000));
    expect(world.bus.published).toHaveLength(2);
    expect(new Set(world.bus.published.map(({ attributes }) => attributes['id'])).size).toBe(1);
    expect(await world.outboxSize()).toBe(0);
  });

  test('stays while the bus is down, and loses nothing', async () => {
    const world = createWorld();
    world.bus.isDown = true;
    const id = await world.start();
    await world.pass(id);
    await world.clock.advance(5_000);
    await world.reconcile();
    expect(await world.outboxSize()).toBeGreaterThan(7);
    world.bus.isDown = false;
    await world.clock.advance(5_000);
    await world.reconcile();
    expect(world.takeDispatches()).toHaveLength(6);
  });

  test('messages of a transaction that is not applied are never sent', async () => {
    const world = createWorld();
    const failing = transact(world.engine('x'), async (transaction, send) => {
      transaction.create('audit/a', { x: 1 });
      transaction.create('audit/a', { x: 2 });
      send('floodgate.lane.rung', { table: 'test.games' }, { subject: '', traceparent: '' });
    });
    await expect(world.run(failing)).rejects.toMatchObject({ code: 'already_exists' });
    expect(world.bus.published).toEqual([]);
  });
});

test('a lease whose heartbeat comes at the last moment is not taken away', async () => {
  const world = createWorld({ leaseMs: 30_000 });
  const id = await world.start({ processors: ['games'], dates: [world.date(0)] });
  await world.pass(id);
  const [dispatch] = world.takeDispatches();
  if (dispatch === undefined) throw new Error('a dispatch was expected');
  const held = world.warehouse.faults.hold('stage');
  const work = executeDispatch({ ...world.worker('slow'), clock: new ManualClock() }, dispatch, never);
  await world.run(held.reached);
  const beat = (): Promise<void> =>
    world.store.transaction(async (transaction) => {
      const [lease] = await transaction.query({ collection: 'leases' });
      if (lease !== undefined) transaction.set(lease.path, { ...lease.data, heartbeat: 2 });
    });
  let isDue = false;
  const store = interposeStore(world.store, async ({ method, run }) => {
    if (isDue && method === 'transaction') await beat();
    isDue &&= method !== 'transaction';
    return run();
  });
  const deps = {
    ...world.engine('planner'),
    store,
    watch: createLeaseWatch(world.clock, world.engine('planner').lease),
    outboxAgeMs: 1_000,
    queuedAgeMs: 60_000,
  };
  await world.run(reconcile(deps));
  await world.clock.advance(30_000);
  isDue = true;
  expect((await world.run(reconcile(deps))).leasesRecovered).toBe(0);
  held.release();
  expect(await world.run(work)).toMatchObject({ staged: 1 });
});

describe('what a crash left', () => {
  test('a lost dispatch is released again, once it is old', async () => {
    const world = createWorld();
    const id = await world.start({ processors: ['games'] });
    await world.pass(id);
    world.takeDispatches(); // lost
    expect((await world.reconcile()).queuedRecovered).toBe(0);
    await world.clock.advance(60_001);
    expect((await world.reconcile()).queuedRecovered).toBe(6);
    expect((await world.tasks(id)).every(({ state, epoch, attempt }) => state === 'waiting' && epoch === 1 && attempt === 0)).toBe(true);
    expect(await world.drive(id)).toBe('completed');
  });

  test('staged work without a ring is committed', async () => {
    const world = createWorld();
    const id = await world.start({ processors: ['games'] });
    await world.pass(id);
    await world.work();
    world.bus.take('floodgate.lane.rung'); // lost
    expect(await world.drive(id)).toBe('active');
    expect((await world.reconcile()).lanesRung).toBe(1);
    expect(await world.drive(id)).toBe('completed');
  });

  test('a drained phase whose doorbell was lost is judged', async () => {
    const world = createWorld();
    const id = await world.start({ processors: ['games'] });
    await world.pass(id);
    await world.work();
    await world.commitRung();
    world.bus.take('floodgate.tasks.ended'); // lost
    expect(await world.drive(id)).toBe('active');
    expect((await world.reconcile()).backfillsRung).toBe(1);
    expect(await world.drive(id)).toBe('completed');
  });

  test('nothing left costs nothing but the look', async () => {
    const world = createWorld();
    await world.drive(await world.start());
    const published = world.bus.published.length;
    expect(await world.reconcile()).toEqual({ messagesSent: 0, leasesRecovered: 0, tasksRecovered: 0, queuedRecovered: 0, lanesRung: 0, backfillsRung: 0 });
    expect(world.bus.published).toHaveLength(published);
  });

  test('stagings that no task refers to are dropped, all others kept', async () => {
    const world = createWorld();
    world.warehouse.put(
      'source.feed',
      world.date(1),
      [1, 2].map((value) => ({ day: world.date(1), item: 'same', value })),
    );
    const id = await world.start({ processors: ['games'] });
    await world.pass(id);
    const [running, ...rest] = world.takeDispatches();
    for (const dispatch of rest) await world.run(world.execute(dispatch));
    const held = world.warehouse.faults.hold('runChecks');
    if (running === undefined) throw new Error('a dispatch was expected');
    const work = world.execute(running);
    await world.run(held.reached);
    const used = world.warehouse.stagingsOf('test.games');
    expect(used).toHaveLength(6);
    const target = world.warehouse.stageJobs[0]?.target;
    if (target === undefined) throw new Error('nothing was staged');
    const nothing = (async function* () {})();
    await world.warehouse.stage(
      { jobId: 'orphan', target, staging: 'orphan', dates: [world.date(0)], body: { kind: 'rows', rows: nothing }, labels: {} },
      never,
    );
    expect(await world.run(dropOrphanStaging(world.engine('x'), await pipelineOf(world), never))).toEqual(['orphan']);
    expect(world.warehouse.stagingsOf('test.games')).toEqual(used);
    held.release();
    await world.run(work);
    expect(await world.drive(id)).toBe('blocked');
    expect(await world.run(dropOrphanStaging(world.engine('x'), await pipelineOf(world), never))).toEqual([]);
    expect(world.warehouse.stagingsOf('test.games')).toEqual([(await world.task(id, 'games', world.date(1))).staged?.staging]);
  });
});

describe('a rebuilt ledger', () => {
  test('says what the logs say: what was lost comes back as stale, what was never committed goes', async () => {
    const world = createWorld();
    await world.drive(await world.start());
    const path = ledgerPathOf('test', 'games', world.date(0));
    const entry = await world.ledgerEntry('games', world.date(5));
    await world.store.transaction(async (transaction) => {
      const entries = (await transaction.get(path))?.data['entries'] as Record<string, NonNullable<typeof entry>>;
      const { [world.date(1)]: _lost, ...others } = entries;
      transaction.set(path, { entries: { ...others, '2024-02-01': entries[world.date(2)] ?? null } });
    });
    const report = await world.run(rebuildLedger(world.engine('x'), await pipelineOf(world), never));
    expect(report.processors).toEqual([
      { processorId: 'games', repaired: 1, vanished: 1 },
      { processorId: 'rolling', repaired: 0, vanished: 0 },
      { processorId: 'features', repaired: 0, vanished: 0 },
    ]);
    expect(await world.ledgerEntry('games', world.date(5))).toEqual(entry);
    const repaired = await world.ledgerEntry('games', world.date(1));
    const log = world.warehouse.logOf('test.games').find(({ date }) => date === world.date(1));
    expect(repaired).toMatchObject({ generation: log?.generation, contentHash: log?.contentHash, codeHash: '' });
    const id = await world.start({ processors: ['games'], reprocess: 'stale' });
    expect((await world.backfill(id)).tasks).toEqual({ games: 1 });
    expect(await world.drive(id)).toBe('completed');
    expect((await world.task(id, 'games', world.date(1))).state).toBe('unchanged');
  });

  test('brings everything back where all documents are gone', async () => {
    const world = createWorld();
    await world.drive(await world.start());
    for (const { path } of await world.store.query({ collection: 'ledger' })) await world.store.transaction(async (transaction) => transaction.delete(path));
    const report = await world.run(rebuildLedger(world.engine('x'), await pipelineOf(world), never));
    expect(report.processors.map(({ repaired }) => repaired)).toEqual([6, 6, 6]);
    expect(await world.drive(await world.start())).toBe('completed');
    expect(world.warehouse.stageJobs).toHaveLength(18);
  });
});

test('a malformed message is recorded once, by its content, and can be told from others', async () => {
  const world = createWorld();
  const message = { attributes: { id: '1', source: 's', type: 'floodgate.tasks.dispatched' }, data: '{"no": "dispatch"}' };
  const problem = parseMessage(message.attributes, message.data);
  if (problem.type !== 'malformed') throw new Error('it should be malformed');
  for (let delivery = 0; delivery < 3; delivery += 1) await world.run(recordMalformed(world.engine('x'), message, problem.problem));
  await world.run(recordMalformed(world.engine('x'), { ...message, data: 'no JSON at all' }, 'the data is not JSON'));
  const letters = await world.deadLetters();
  expect(letters).toHaveLength(2);
  expect(letters.find(({ message: kept }) => kept?.data === message.data)).toMatchObject({
    kind: 'message',
    state: 'open',
    failure: { code: 'malformed_message' },
    message: { attributes: message.attributes },
  });
});

test('a ledger that is rebuilt while a lane settles keeps what was settled', async () => {
  const world = createWorld({ days: 1 });
  await world.drive(await world.start({ processors: ['games'] }));
  world.putGames(world.date(0), [7, 8, 9]);
  const id = await world.start({ processors: ['games'], reprocess: 'stale' });
  await world.pass(id);
  await world.work();
  // The log has been read; then the lane commits and settles what is staged.
  world.warehouse.faults.during('readCommitLog', async () => void (await world.lane().serve('test.games', never)), { when: 'after' });
  await world.run(rebuildLedger(world.engine('x'), await pipelineOf(world), never));
  const [logged] = world.warehouse.logOf('test.games');
  expect(logged?.backfillId).toBe(id);
  expect(await world.ledgerEntry('games', world.date(0))).toMatchObject({ generation: logged?.generation, backfillId: id, contentHash: logged?.contentHash });
  expect((await world.ledgerEntry('games', world.date(0)))?.codeHash).not.toBe('');
  expect(world.warehouse.faults.spent).toBe(true);
});
