// The warehouse job of a worker that died goes on without it. The next claim goes on with that job where it would submit
// the same one, and cancels it where it would not, or where it can't tell; what comes out is what one undisturbed worker makes.
import { describe, expect, test } from 'vitest';
import { executeDispatch } from '@floodgate/core/app/execute-dispatch.ts';
import { controlBackfill } from '@floodgate/core/app/operate.ts';
import { dropOrphanStaging } from '@floodgate/core/app/reconcile.ts';
import { taskPath } from '@floodgate/core/contracts/documents.ts';
import type { Dispatch } from '@floodgate/core/contracts/messages.ts';
import { ledgerPathOf } from '@floodgate/core/domain/ledger.ts';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import type { StageJob } from '@floodgate/core/ports/warehouse.ts';
import { ManualClock } from '../support/manual-clock.ts';
import type { WarehouseFunction } from '../support/memory-warehouse.ts';
import { Life, mortalStore, mortalWarehouse } from '../support/mortal.ts';
import type { Held, WarehouseMethod } from '../support/warehouse-faults.ts';
import { createWorld, never, type World, type WorldOptions } from '../support/world.ts';

type Scene = {
  readonly world: World;
  readonly options: WorldOptions;
  readonly id: string;
  readonly processorId: string;
  readonly table: string;
  readonly dispatch: Dispatch;
  /** Ids for which a cancellation was asked, once per call. */
  readonly cancelled: readonly string[];
};

/**
 * A backfill that is released as one dispatch: of rolling, which reads games alone and no source, unless said otherwise.
 * Games are committed before.
 */
const release = async (dates = 1, options: WorldOptions = {}, processorId = 'rolling'): Promise<Scene> => {
  const world = createWorld({ leaseMs: 30_000, ...options });
  if (processorId === 'rolling') await commitGames(world);
  const id = await world.start({ processors: [processorId], dates: world.dates.slice(0, dates), limits: { datesPerTask: dates } });
  await world.pass(id);
  // The gate of the phase before it, of which it has no tasks.
  if ((await world.judgeRung()) > 0) await world.pass(id);
  const [dispatch] = world.takeDispatches();
  if (dispatch === undefined) throw new Error('nothing was dispatched');
  const cancelled: string[] = [];
  // No fault: `matches` is where the argument can be seen.
  world.warehouse.faults.during('cancelJob', () => undefined, { matches: (jobId) => cancelled.push(String(jobId)) === 0 });
  return { world, options, id, processorId, table: `test.${processorId}`, dispatch, cancelled };
};

const commitGames = async (world: World, dates: readonly PartitionDate[] = world.dates): Promise<void> =>
  expect(await world.drive(await world.start({ processors: ['games'], dates: [...dates], reprocess: 'all' }))).toBe('completed');

/** Another backfill commits new rows of games on the first date. */
const rewriteGames = async (world: World, values: readonly number[]): Promise<void> => {
  world.putGames(world.date(0), values);
  await commitGames(world, [world.date(0)]);
};

/** Jobs of the scene's table that have begun to read. */
const jobsThatRead = ({ world, table }: Scene) => world.warehouse.stageJobs.filter(({ target }) => target.table === table);

/** Executes up to the call that is held, in a process that will be killed there. */
const workUntil = async (world: World, dispatch: Dispatch, method: WarehouseMethod, holder = 'dead') => {
  const held = world.warehouse.faults.hold(method);
  const life = new Life(world.clock, () => ({ kind: 'live' }));
  const warehouse = mortalWarehouse(world.warehouse, life);
  const deps = { ...world.worker(holder), store: mortalStore(world.store, life), warehouse, clock: new ManualClock() };
  const work = executeDispatch(deps, dispatch, never);
  await world.run(held.reached);
  return { held, life, work };
};

/** Kills the worker once it has come to that call. The call itself goes on when the test lets it. */
const dieAt = async (world: World, dispatch: Dispatch, method: WarehouseMethod, holder = 'dead'): Promise<Held> => {
  const { held, life } = await workUntil(world, dispatch, method, holder);
  life.die();
  return held;
};

/** The lease dies, and its tasks are released again. */
const releaseAgain = async ({ world, id }: Scene): Promise<Dispatch> => {
  await recover(world);
  await world.pass(id);
  const [again] = world.takeDispatches();
  if (again === undefined) throw new Error('nothing was released again');
  return again;
};

const recover = async (world: World): Promise<void> => {
  await world.reconcile();
  await world.clock.advance(30_000);
  expect((await world.reconcile()).leasesRecovered).toBe(1);
};

const taskOf = ({ world, id, processorId }: Scene, index = 0) => world.task(id, processorId, world.date(index));
const jobOf = async (scene: Scene, index = 0) => {
  const { job } = await taskOf(scene, index);
  if (job === null) throw new Error('the task has no job');
  return job;
};

const change = (world: World, path: string, edit: (data: JsonObject) => JsonObject): Promise<void> =>
  world.store.transaction(async (transaction) => transaction.set(path, edit((await transaction.get(path))?.data ?? {})));

const changeJob = (scene: Scene, fields: JsonObject): Promise<void> =>
  change(scene.world, taskPath(scene.id, scene.processorId, scene.world.date(0)), (task) => ({ ...task, job: { ...(task['job'] as JsonObject), ...fields } }));

/** Finishes the backfill: its table is what an undisturbed run makes of what the sources hold now, and no staging is left. */
const expectEnd = async ({ world, options, id, processorId, table }: Scene): Promise<void> => {
  expect(await world.drive(id)).toBe('completed');
  const calm = createWorld(options);
  for (const input of ['source.feed', 'test.weather']) {
    for (const date of calm.dates) calm.warehouse.put(input, date, world.warehouse.sourceRows(input, date));
  }
  if (processorId === 'rolling') await commitGames(calm);
  const tasks = await world.tasks(id);
  expect(await calm.drive(await calm.start({ processors: [processorId], dates: tasks.map(({ date }) => date).sort() }))).toBe('completed');
  expect(world.warehouse.rowsOf(table)).toEqual(calm.warehouse.rowsOf(table));
  for (const { date, generation, job } of tasks) {
    expect(world.warehouse.logOf(table).find((entry) => entry.date === date)?.generation).toBe(generation);
    expect(job).toBeNull();
  }
  await dropOrphans(world);
  expect(world.warehouse.stagingsOf(table)).toEqual([]);
};

const dropOrphans = async (world: World): Promise<readonly string[]> => {
  const loaded = await world.catalog.load('test');
  if (loaded === undefined) throw new Error('no pipeline');
  return world.run(dropOrphanStaging(world.engine('x'), loaded.pipeline, never));
};

describe('a later claim adopts', () => {
  test('a job that still runs: it is not submitted twice, and its rows count as those of the new claim', async () => {
    const scene = await release();
    const { world, dispatch } = scene;
    const held = await dieAt(world, dispatch, 'stage');
    const job = await jobOf(scene);
    const again = await releaseAgain(scene);
    expect(await taskOf(scene)).toMatchObject({ state: 'queued', job });
    const heir = world.execute(again, 'heir');
    await world.clock.advance(1);
    expect(await taskOf(scene)).toMatchObject({ state: 'running', epoch: 3, attempt: 2, job });
    held.release();
    expect(await world.run(heir)).toMatchObject({ staged: 1 });
    const { generation, staged } = await taskOf(scene);
    expect(staged?.staging).toBe(job.staging);
    expect(jobsThatRead(scene)).toHaveLength(1);
    await expectEnd(scene);
    expect(world.warehouse.commits.filter(({ table }) => table === scene.table).flatMap(({ written }) => written)).toMatchObject([
      { date: world.date(0), generation },
    ]);
    expect(scene.cancelled).toEqual([]);
  });

  test('one that has succeeded', async () => {
    const scene = await release();
    const held = await dieAt(scene.world, scene.dispatch, 'runChecks');
    held.release();
    const job = await jobOf(scene);
    expect(await scene.world.run(scene.world.execute(await releaseAgain(scene), 'heir'))).toMatchObject({ staged: 1 });
    expect((await taskOf(scene)).staged?.staging).toBe(job.staging);
    expect(jobsThatRead(scene)).toHaveLength(1);
    await expectEnd(scene);
    expect(scene.cancelled).toEqual([]);
  });

  test('one whose heir dies right after its claim, and the next does the same', async () => {
    const scene = await release();
    const first = await dieAt(scene.world, scene.dispatch, 'stage');
    const job = await jobOf(scene);
    await dieAt(scene.world, await releaseAgain(scene), 'prepareTable', 'heir');
    expect(await taskOf(scene)).toMatchObject({ state: 'running', epoch: 3, job });
    const again = await releaseAgain(scene);
    first.release();
    expect(await scene.world.run(scene.world.execute(again, 'third'))).toMatchObject({ staged: 1 });
    expect(await taskOf(scene)).toMatchObject({ epoch: 5, staged: { staging: job.staging } });
    expect(jobsThatRead(scene)).toHaveLength(1);
    await expectEnd(scene);
  });

  test('one that waited out a pause', async () => {
    const scene = await release();
    const { world, id } = scene;
    (await dieAt(world, scene.dispatch, 'runChecks')).release();
    const job = await jobOf(scene);
    const again = await releaseAgain(scene);
    await world.run(controlBackfill(world.engine('cli'), id, 'pause', 'ann'));
    expect(await world.run(world.execute(again, 'heir'))).toMatchObject({ staged: 0 });
    expect(await taskOf(scene)).toMatchObject({ state: 'waiting', job });
    expect(await dropOrphans(world)).toEqual([]);
    await world.run(controlBackfill(world.engine('cli'), id, 'resume', 'ann'));
    await expectEnd(scene);
    expect(jobsThatRead(scene)).toHaveLength(1);
  });

  test('and quarantines under its own generation, which nobody takes for an orphan', async () => {
    const twice: WarehouseFunction = ({ first }) => [1, 2].map((total) => ({ day: first, item: 'same', total }));
    const scene = await release(1, { functions: { rolling: twice } });
    const { world } = scene;
    (await dieAt(world, scene.dispatch, 'runChecks')).release();
    const preserved = world.warehouse.faults.hold('preserveStaging', { when: 'after' });
    const heir = world.execute(await releaseAgain(scene), 'heir');
    await world.run(preserved.reached);
    expect(world.warehouse.stagingsOf(scene.table)).toHaveLength(2);
    expect(await dropOrphans(world)).toEqual([]);
    preserved.release();
    expect(await world.run(heir)).toMatchObject({ quarantined: 1 });
    expect(jobsThatRead(scene)).toHaveLength(1);
    expect(world.warehouse.stagingsOf(scene.table)).toEqual([(await taskOf(scene)).staged?.staging]);
  });

  test('and cancels it when its own deadline has passed', async () => {
    const scene = await release(1, { processors: { rolling: { timeout_seconds: 20 } } });
    const { world } = scene;
    await dieAt(world, scene.dispatch, 'stage');
    const { jobId } = await jobOf(scene);
    const heir = world.execute(await releaseAgain(scene), 'heir');
    await world.clock.advance(20_100);
    expect(await world.run(heir)).toMatchObject({ putBack: 1 });
    expect(await taskOf(scene)).toMatchObject({ job: null, failure: { code: 'deadline_exceeded' } });
    expect(scene.cancelled).toEqual([jobId]);
    expect(await world.run(world.warehouse.jobState(jobId, never))).toBe('failed');
    await expectEnd(scene);
  });
});

describe('a later claim cancels the job, once, and submits its own', () => {
  /** A worker died over a running job; then something happened, and the next claim did its work. */
  const expectAnew = async (scene: Scene, happens: () => Promise<void> | void): Promise<void> => {
    const { world, cancelled } = scene;
    await dieAt(world, scene.dispatch, 'stage');
    const { jobId, staging } = await jobOf(scene);
    await happens();
    expect(await world.run(world.execute(await releaseAgain(scene), 'heir'))).toMatchObject({ staged: 1 });
    expect(cancelled).toEqual([jobId]);
    expect(await world.run(world.warehouse.jobState(jobId, never))).toBe('failed');
    expect((await taskOf(scene)).staged?.staging).not.toBe(staging);
    expect(jobsThatRead(scene)).toHaveLength(1); // The old one was cancelled before it began to read.
    await expectEnd(scene);
    expect(cancelled).toHaveLength(1);
  };

  test('where its inputs have another content', async () => {
    const scene = await release();
    await expectAnew(scene, () => rewriteGames(scene.world, [7, 8, 9]));
    expect(scene.world.warehouse.rowsOf(scene.table).map(({ total }) => total)).toEqual([7, 8, 9]);
  });

  test.each([
    ['other code', { codeHash: 'another' }],
    ['another content of its inputs', { inputDigest: 'another' }],
    ['another version of its inputs', { inputVersion: 'another' }],
    ['more dates than the claim has', { dates: 2 }],
    ['nothing that says what it computes, since an older version recorded it', { codeHash: '', inputDigest: '', inputVersion: '', dates: 0 }],
  ])('where it was submitted for %s', async (_, fields) => {
    const scene = await release();
    await expectAnew(scene, () => changeJob(scene, fields));
  });

  test('where its state is not known; that it could not be cancelled is no failure', async () => {
    const scene = await release();
    const { world } = scene;
    await dieAt(world, scene.dispatch, 'stage');
    const { jobId } = await jobOf(scene);
    const again = await releaseAgain(scene);
    world.warehouse.faults.fail('jobState', 'unavailable');
    world.warehouse.faults.fail('cancelJob', 'unavailable');
    expect(await world.run(world.execute(again, 'heir'))).toMatchObject({ staged: 1 });
    expect(scene.cancelled).toEqual([jobId]);
    expect(await world.run(world.warehouse.jobState(jobId, never))).toBe('running');
    expect((await jobOf(scene)).jobId).not.toBe(jobId);
    await expectEnd(scene);
  });

  test('where nothing is left to compute', async () => {
    const scene = await release();
    const { world } = scene;
    await dieAt(world, scene.dispatch, 'stage');
    const { jobId, inputDigest, codeHash } = await jobOf(scene);
    const again = await releaseAgain(scene);
    const entry = { generation: 1, contentHash: 'x', rows: 2, codeHash, inputDigest, backfillId: 'another', committedAt: 1, computeMs: 1 };
    await change(world, ledgerPathOf('test', scene.processorId, world.date(0)), () => ({ entries: { [world.date(0)]: entry } }));
    expect(await world.run(world.execute(again, 'heir'))).toMatchObject({ fresh: 1, staged: 0 });
    expect(await taskOf(scene)).toMatchObject({ state: 'unchanged', job: null });
    expect(scene.cancelled).toEqual([jobId]);
  });

  test('where a span died: its dates come back in shorter spans, and only one of those cancels', async () => {
    const scene = await release(6);
    const { world, id, cancelled } = scene;
    await dieAt(world, scene.dispatch, 'stage');
    const { jobId, dates } = await jobOf(scene);
    expect(dates).toBe(6);
    await recover(world);
    expect((await world.tasks(id)).filter(({ job }) => job !== null)).toHaveLength(1);
    await world.pass(id);
    const parts = world.takeDispatches();
    expect(parts).toHaveLength(6);
    for (const part of parts) expect(await world.run(world.execute(part, 'heir'))).toMatchObject({ staged: 1 });
    expect(cancelled).toEqual([jobId]);
    expect(await world.run(world.warehouse.jobState(jobId, never))).toBe('failed');
    await expectEnd(scene);
  });
});

/** What a processor reads, and how its rows on the first date become those values. */
type Input = {
  readonly input: string;
  readonly processorId: string;
  readonly options: WorldOptions;
  readonly write: (world: World, values: readonly number[]) => Promise<void> | void;
};

const putWeather = (world: World, values: readonly number[]): void =>
  world.warehouse.put(
    'test.weather',
    world.date(0),
    values.map((value, index) => ({ day: world.date(0), item: `i${index}`, value })),
  );

const source: Input = { input: 'a source', processorId: 'games', options: {}, write: (world, values) => world.putGames(world.date(0), values) };

const external: Input = {
  input: 'an external table',
  processorId: 'games',
  options: {
    processors: {
      weather: {
        phase: 1,
        kind: 'external',
        table: 'test.weather',
        partition_column: 'day',
        key: ['day', 'item'],
        columns: { day: 'DATE', item: 'STRING', value: 'FLOAT64' },
      },
      games: { kind: 'sql', upstreams: { 'test.weather': '0d' } },
    },
    functions: { games: ({ first, readDate }) => readDate('test.weather', first) },
  },
  write: putWeather,
};

const ledger: Input = { input: 'an upstream processor', processorId: 'rolling', options: {}, write: rewriteGames };

const states = ['running', 'succeeded'] as const;
const over = (inputs: readonly Input[]) => inputs.flatMap((input) => states.map((state) => ({ ...input, state })));

describe('sources and external tables have digests and no generations', () => {
  test.each(over([source, external]))('so the job of a processor that reads $input is not adopted, where it has the state $state', async (given) => {
    const scene = await release(1, given.options, given.processorId);
    const { world, cancelled } = scene;
    await given.write(world, [3, 4]);
    const held = await dieAt(world, scene.dispatch, 'stage');
    const { jobId, staging } = await jobOf(scene);
    if (given.state === 'succeeded') held.release();
    await world.clock.advance(1);
    expect(world.warehouse.stateOf(jobId)).toBe(given.state);
    const heir = world.execute(await releaseAgain(scene), 'heir');
    await world.clock.advance(1);
    held.release(); // Too late, unless somebody waits for it.
    expect(await world.run(heir)).toMatchObject({ staged: 1 });
    // One that has ended costs nothing any more.
    const expected = given.state === 'running' ? [jobId] : [];
    expect(cancelled).toEqual(expected);
    expect(world.warehouse.stateOf(jobId)).toBe(given.state === 'running' ? 'failed' : 'succeeded');
    const task = await taskOf(scene);
    expect(task.job?.jobId).not.toBe(jobId);
    expect(task.staged?.staging).not.toBe(staging);
    await expectEnd(scene);
    expect(cancelled).toEqual(expected);
    expect(world.warehouse.rowsOf(scene.table).map(({ value }) => value)).toEqual([3, 4]);
  });

  test.each(over([source, external, ledger]))('what a $state job read of $input that changed and changed back is not committed', async (given) => {
    const scene = await release(1, given.options, given.processorId);
    const { world, table } = scene;
    const date = world.date(0);
    const valuesOf = (rows: readonly JsonObject[] | undefined) => rows?.map(({ value, total }) => value ?? total);
    await given.write(world, [1, 2]);
    const begins = await dieAt(world, scene.dispatch, 'stage');
    const { jobId, staging } = await jobOf(scene);
    await given.write(world, [5, 6]);
    const ends = world.warehouse.faults.hold('stage', { when: 'after', matches: (job) => (job as StageJob).jobId === jobId });
    begins.release();
    await world.run(ends.reached);
    expect(valuesOf(world.warehouse.stagedRows(table, staging, date))).toEqual([5, 6]);
    if (given.state === 'succeeded') ends.release();
    await world.clock.advance(1);
    expect(world.warehouse.stateOf(jobId)).toBe(given.state);
    await given.write(world, [1, 2]);
    const heir = world.execute(await releaseAgain(scene), 'heir');
    await world.clock.advance(1);
    ends.release(); // Too late, unless somebody waits for it.
    expect(await world.run(heir)).toMatchObject({ staged: 1 });
    await expectEnd(scene);
    expect(valuesOf(world.warehouse.rowsOf(table, date))).toEqual([1, 2]);
    expect(scene.cancelled).toEqual(given.state === 'running' ? [jobId] : []);
  });
});

describe('a job that has ended without rows is not cancelled, and not adopted', () => {
  test('since it failed', async () => {
    const scene = await release();
    const { world } = scene;
    world.warehouse.faults.fail('stage', 'unavailable', { when: 'after' });
    await dieAt(world, scene.dispatch, 'stage').then((held) => held.release());
    const { jobId } = await jobOf(scene);
    await world.clock.advance(1);
    expect(await world.run(world.warehouse.jobState(jobId, never))).toBe('failed');
    expect(await world.run(world.execute(await releaseAgain(scene), 'heir'))).toMatchObject({ staged: 1 });
    expect((await jobOf(scene)).jobId).not.toBe(jobId);
    await expectEnd(scene);
    expect(scene.cancelled).toEqual([]);
  });

  test('since it was never submitted', async () => {
    const scene = await release();
    await dieAt(scene.world, scene.dispatch, 'prepareTable');
    const { jobId } = await jobOf(scene);
    expect(await scene.world.run(scene.world.execute(await releaseAgain(scene), 'heir'))).toMatchObject({ staged: 1 });
    expect((await jobOf(scene)).jobId).not.toBe(jobId);
    await expectEnd(scene);
    expect(scene.cancelled).toEqual([]);
  });

  test('since it fails between the question and the claim: its heir puts the task back, and the next computes anew', async () => {
    const scene = await release();
    const { world } = scene;
    await dieAt(world, scene.dispatch, 'stage');
    const { jobId } = await jobOf(scene);
    const again = await releaseAgain(scene);
    const prepares = world.warehouse.faults.hold('prepareTable');
    const heir = world.execute(again, 'heir');
    await world.run(prepares.reached);
    expect((await jobOf(scene)).jobId).toBe(jobId);
    await world.run(world.warehouse.cancelJob(jobId, never));
    prepares.release();
    await world.run(heir);
    await expectEnd(scene);
  });
});

describe('a worker that was thought dead and goes on', () => {
  test.each(['while the task waits', 'while another goes on with its job', 'when that one has staged'] as const)(
    'leaves the staging alone that another has adopted or may adopt: it ends %s',
    async (moment) => {
      const scene = await release();
      const { world } = scene;
      const { held, work } = await workUntil(world, scene.dispatch, 'runChecks', 'zombie');
      const job = await jobOf(scene);
      const again = await releaseAgain(scene);
      const end = async (): Promise<void> => {
        const before = await taskOf(scene);
        held.release();
        expect(await world.run(work)).toMatchObject({ outcome: 'done', staged: 0, putBack: 0, failed: 0 });
        expect(await taskOf(scene)).toEqual(before);
        expect(world.warehouse.stagingsOf(scene.table)).toEqual([job.staging]);
        expect(await dropOrphans(world)).toEqual([]);
      };
      if (moment === 'while the task waits') await end();
      const checks = world.warehouse.faults.hold('runChecks');
      const heir = world.execute(again, 'heir');
      await world.run(checks.reached);
      if (moment === 'while another goes on with its job') await end();
      checks.release();
      expect(await world.run(heir)).toMatchObject({ staged: 1 });
      if (moment === 'when that one has staged') await end();
      expect(jobsThatRead(scene)).toHaveLength(1);
      await expectEnd(scene);
    },
  );

  test('and drops it where nobody can adopt it any more', async () => {
    const scene = await release();
    const { world } = scene;
    const { held, work } = await workUntil(world, scene.dispatch, 'runChecks', 'zombie');
    const again = await releaseAgain(scene);
    await rewriteGames(world, [7, 8, 9]);
    expect(await world.run(world.execute(again, 'heir'))).toMatchObject({ staged: 1 });
    expect(world.warehouse.stagingsOf(scene.table)).toHaveLength(2);
    held.release();
    await world.run(work);
    expect(world.warehouse.stagingsOf(scene.table)).toEqual([(await taskOf(scene)).staged?.staging]);
    await expectEnd(scene);
  });
});

describe('the staging of a left job is dropped', () => {
  test('when its backfill has been cancelled', async () => {
    const scene = await release();
    const { world, id } = scene;
    (await dieAt(world, scene.dispatch, 'runChecks')).release();
    await recover(world);
    expect(await dropOrphans(world)).toEqual([]);
    await world.run(controlBackfill(world.engine('cli'), id, 'cancel', 'ann'));
    expect(await world.drive(id)).toBe('cancelled');
    expect(await dropOrphans(world)).toHaveLength(1);
  });

  test('when its backfill has ended without it, whatever the task says', async () => {
    const scene = await release();
    const { world, id } = scene;
    (await dieAt(world, scene.dispatch, 'runChecks')).release();
    await recover(world);
    await change(world, `backfills/${id}`, (backfill) => ({ ...backfill, state: 'blocked' }));
    expect(await dropOrphans(world)).toHaveLength(1);
    await change(world, `backfills/${id}`, (backfill) => ({ ...backfill, state: 'active' }));
    await expectEnd(scene);
  });

  test('when its dates will not travel together again', async () => {
    const scene = await release(6);
    const { world } = scene;
    (await dieAt(world, scene.dispatch, 'runChecks')).release();
    expect(await dropOrphans(world)).toEqual([]);
    await recover(world);
    expect(await dropOrphans(world)).toHaveLength(1);
    await expectEnd(scene);
  });
});
