import { describe, expect, test } from 'vitest';
import { partitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import type { TableSpec, Warehouse, WarehouseError } from '@floodgate/core/ports/warehouse.ts';
import { describeCommits } from '../contract/warehouse/commit.contract.ts';
import { commit, day, entryOf, errorOf, game, gamesTable, never, stageRows } from '../contract/warehouse/fixture.ts';
import { plainSelect } from '../support/memory-select.ts';
import type { WarehouseFunction } from '../support/memory-warehouse.ts';
import { Chaos, type ChaosOptions } from './chaos.ts';
import { createRandom } from './random.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { SimulatedWarehouse, type CommitEvent, type SimulatedWarehouseOptions, type StageEvent } from './simulated-warehouse.ts';

const source = { name: 'feed', description: '', files: ['feed.parquet'], format: 'parquet', dateColumn: 'game_date', key: [], columns: [] } as const;

const make = (
  rates: ChaosOptions['rates'] = {},
  options: Partial<SimulatedWarehouseOptions> & { readonly most?: number; readonly crashes?: ChaosOptions['crashes'] } = {},
) => {
  const clock = new SimulatedClock(0);
  const random = createRandom(7);
  const { most = 1, crashes = [], ...rest } = options;
  const chaos = new Chaos({ random: random.fork('chaos'), now: () => clock.now(), rates, most, crashes });
  const commits: CommitEvent[] = [];
  const stages: StageEvent[] = [];
  const feed: WarehouseFunction = ({ first, last, read }) =>
    read('source.feed').filter((row) => String(row['game_date']) >= first && String(row['game_date']) <= last);
  const functions = new Proxy({ feed }, { get: (_, sql: string) => (sql === 'feed' ? feed : plainSelect(sql)) });
  const warehouse = new SimulatedWarehouse({
    clock,
    random: random.fork('warehouse'),
    functions,
    onCommit: (event) => commits.push(event),
    onStage: (event) => stages.push(event),
    ...rest,
  });
  const processes = ['worker-1.1', 'worker-2.1'].map((name) => new SimulatedProcess(name, clock, chaos)) as [SimulatedProcess, SimulatedProcess];
  const [first, second] = processes.map((process) => warehouse.attach(process)) as [Warehouse, Warehouse];
  /** Runs the world until the promise has ended. */
  const run = async <T>(promise: Promise<T>): Promise<T> => {
    let isOver = false;
    void promise.then(
      () => (isOver = true),
      () => (isOver = true),
    );
    if (!(await clock.run(() => isOver, Number.POSITIVE_INFINITY))) throw new Error('the world stands still');
    return promise;
  };
  /** Runs the world for so long. */
  const pass = (ms: number): Promise<void> => run(clock.sleep(ms));
  const prepared = async (): Promise<TableSpec> => {
    const target = gamesTable();
    await warehouse.engine.prepareTable(target, never);
    return target;
  };
  const stage = (as: Warehouse, target: TableSpec, jobId: string, numbers: readonly number[] = [1], signal: AbortSignal = never) =>
    as.stage({ jobId, target, staging: `s_${jobId}`, dates: numbers.map(day), body: { kind: 'select', sql: 'feed', sources: [] }, labels: {} }, signal);
  for (const number of [1, 2, 3, 4]) warehouse.put('source.feed', day(number), [game(day(number), 'a'), game(day(number), 'b')]);
  return { clock, chaos, warehouse, processes, first, second, commits, stages, run, pass, prepared, stage };
};

type Made = ReturnType<typeof make>;

/** A warehouse whose table has staged rows of four dates. */
const staged = async (...args: Parameters<typeof make>) => {
  const made = make(...args);
  const target = await made.prepared();
  const hashes = await made.run(
    stageRows(
      made.warehouse.engine,
      target,
      's',
      [1, 2, 3, 4].map(day),
      [1, 2, 3, 4].map((number) => game(day(number), 'a')),
    ),
  );
  const entry = (number: number, generation = 1) => entryOf(day(number), generation, 's', hashes);
  return { ...made, target, entry };
};

const endsOf = async (made: Made, calls: readonly Promise<unknown>[]): Promise<readonly string[]> =>
  (await made.run(Promise.allSettled(calls))).map((end) => (end.status === 'fulfilled' ? 'done' : (end.reason as WarehouseError).code));

describe('the simulated warehouse without faults', () => {
  describeCommits(async () => {
    const made = make();
    let isOver = false;
    // Time goes by as long as the test runs.
    const world = (async () => {
      while (!isOver) await made.clock.run(() => isOver, Number.POSITIVE_INFINITY);
    })();
    return {
      warehouse: made.first,
      [Symbol.asyncDispose]: async () => {
        isOver = true;
        await world;
      },
    };
  });

  test('the same seed takes the same time', async () => {
    const times = await Promise.all(
      [1, 2].map(async () => {
        const made = await staged();
        await made.run(commit(made.first, made.target, [made.entry(1)]));
        return made.clock.now();
      }),
    );
    expect(times[0]).toBe(times[1]);
    expect(times[0]).toBeGreaterThanOrEqual(100);
  });
});

describe('transactions', () => {
  test('of one table conflict on the fence, and the one that commits later changes nothing', async () => {
    const made = await staged();
    const ends = await endsOf(made, [commit(made.first, made.target, [made.entry(1)]), commit(made.second, made.target, [made.entry(2)])]);
    expect(ends.toSorted()).toEqual(['done', 'transaction_conflict']);
    expect(made.warehouse.logOf(made.target.table)).toHaveLength(1);
    expect(made.warehouse.rowsOf(made.target.table)).toHaveLength(1);
    expect(made.commits).toHaveLength(1);
  });

  test('one after another don’t conflict', async () => {
    const made = await staged();
    await made.run(commit(made.first, made.target, [made.entry(1)]));
    await made.run(commit(made.second, made.target, [made.entry(2)]));
    expect(made.warehouse.rowsOf(made.target.table)).toHaveLength(2);
  });

  test('of different tables don’t conflict', async () => {
    const made = await staged();
    const other = await made.prepared();
    const hashes = await made.run(stageRows(made.warehouse.engine, other, 's', [day(1)], [game(day(1), 'a')]));
    expect(await endsOf(made, [commit(made.first, made.target, [made.entry(1)]), commit(made.second, other, [entryOf(day(1), 1, 's', hashes)])])).toEqual([
      'done',
      'done',
    ]);
  });

  test('a fence that is raised while one of an older lane runs lets it fail or fails itself, and never both happen', async () => {
    const ends = new Set<string>();
    for (const waitMs of [0, 200, 500, 1_000, 1_500]) {
      const made = await staged();
      const old = commit(made.first, made.target, [made.entry(1)], { laneEpoch: 1 });
      old.catch(() => undefined);
      await made.pass(waitMs);
      const [older, fence] = await endsOf(made, [old, made.second.fence(made.target, 2, never)]);
      ends.add(`${older} ${fence}`);
      expect(made.warehouse.logOf(made.target.table)).toHaveLength(older === 'done' ? 1 : 0);
    }
    expect(ends).toContain('transaction_conflict done');
    expect([...ends].filter((end) => !['transaction_conflict done', 'done done', 'done transaction_conflict'].includes(end))).toEqual([]);
  });

  test('outside of one only what is committed is seen', async () => {
    const made = await staged();
    const end = commit(made.first, made.target, [made.entry(1)]);
    let looks = 0;
    for (; made.commits.length === 0; looks += 1) {
      expect(made.warehouse.rowsOf(made.target.table)).toEqual([]);
      expect(await made.run(made.second.readCommitLog(made.target, 'all', never))).toHaveLength(made.commits.length);
      await made.pass(10);
    }
    expect(looks).toBeGreaterThan(5);
    await made.run(end);
    expect(made.warehouse.rowsOf(made.target.table, day(1))).toEqual([game(day(1), 'a')]);
  });
});

describe('a stage job', () => {
  test('reads what there is when it begins, and its rows appear when it ends', async () => {
    const made = make({ job_slow: 1 });
    const target = await made.prepared();
    const job = made.stage(made.first, target, 'job');
    await made.pass(1_000);
    made.warehouse.put('source.feed', day(1), [game(day(1), 'new')]);
    expect(made.warehouse.stagingsOf(target.table)).toEqual([]);
    expect(await made.run(made.second.jobState('job', never))).toBe('running');
    expect((await made.run(job)).get(day(1))?.rows).toBe(2);
    expect(made.clock.now()).toBeGreaterThan(60_000);
    expect(made.stages.map(({ staging, dates, process, at }) => ({ staging, dates, process, at }))).toEqual([
      { staging: 's_job', dates: [day(1)], process: 'worker-1.1', at: made.clock.now() },
    ]);
    expect(made.warehouse.stagedRows(target.table, 's_job', day(1))).toEqual([game(day(1), 'a'), game(day(1), 'b')]);
    expect(await made.run(made.second.jobState('job', never))).toBe('succeeded');
  });

  test('outlives its caller, and another process attaches to it', async () => {
    const made = make({ job_slow: 1 });
    const target = await made.prepared();
    void made.stage(made.first, target, 'job');
    await made.pass(1_000);
    made.processes[0].die();
    const began = made.clock.now();
    await made.run(made.stage(made.second, target, 'job'));
    expect(made.clock.now() - began).toBeGreaterThan(10_000);
    expect(made.stages.map(({ process }) => process)).toEqual(['worker-1.1']);
    expect(made.warehouse.engine.stageJobs).toHaveLength(1);
  });

  test('is not there any more once its rows have been dropped, and runs again', async () => {
    const made = make();
    const target = await made.prepared();
    await made.run(made.stage(made.first, target, 'job'));
    await made.run(made.first.dropStaging(target, ['s_job'], never));
    expect(await made.run(made.first.jobState('job', never))).toBe('absent');
    await made.run(made.stage(made.second, target, 'job'));
    expect(made.warehouse.stagingsOf(target.table)).toEqual(['s_job']);
  });

  test.each(['cancelJob', 'signal'] as const)('ends soon after it was cancelled by %s, without rows', async (way) => {
    const made = make({ job_slow: 1 });
    const target = await made.prepared();
    const stop = new AbortController();
    const job = errorOf(made.stage(made.first, target, 'job', [1], stop.signal));
    await made.pass(1_000);
    if (way === 'signal') stop.abort(new Error('stop'));
    else await made.run(made.second.cancelJob('job', never));
    expect((await made.run(job)).code).toBe('cancelled');
    await made.pass(50);
    expect(await made.run(made.second.jobState('job', never))).toBe('failed');
    await made.pass(600_000);
    expect(made.stages).toEqual([]);
  });

  test('whose rows a process yields is lost with it before it was sent', async () => {
    const made = make();
    const target = await made.prepared();
    const reads = Promise.withResolvers<void>();
    const rows = async function* (): AsyncGenerator<JsonObject> {
      await reads.promise;
      yield game(day(1), 'a');
    };
    const job = { jobId: 'job', target, staging: 's_job', dates: [day(1)], body: { kind: 'rows' as const, rows: rows() }, labels: {} };
    void made.first.stage(job, never);
    await made.pass(5_000);
    expect(await made.run(made.second.jobState('job', never))).toBe('absent');
    reads.resolve();
    await made.pass(5_000);
    expect(await made.run(made.second.jobState('job', never))).toBe('succeeded');
  });
});

describe('faults', () => {
  test('job_late: nobody knows the job until it arrives, although its caller has given up or died', async () => {
    for (const way of ['gives up', 'dies']) {
      const made = await staged({ job_late: 1 });
      const stop = new AbortController();
      const late = commit(made.first, made.target, [made.entry(1)], { signal: stop.signal });
      late.catch(() => undefined);
      await made.pass(4_000);
      expect(made.warehouse.logOf(made.target.table)).toEqual([]);
      if (way === 'dies') made.processes[0].die();
      else {
        stop.abort(new Error('stop'));
        expect((await made.run(errorOf(late))).code).toBe('cancelled');
      }
      await made.pass(200_000);
      expect(made.commits.map(({ process }) => process)).toEqual(['worker-1.1']);
    }
  });

  test('job_late: a commit that comes after the fence was raised changes nothing', async () => {
    const made = await staged({ job_late: 1 });
    const late = errorOf(commit(made.first, made.target, [made.entry(1)], { laneEpoch: 1 }));
    await made.run(made.second.fence(made.target, 2, never));
    // It comes in the moment in which the fence is raised, or after it.
    expect(['lane_fenced', 'transaction_conflict']).toContain((await made.run(late)).code);
    expect(made.commits).toEqual([]);
  });

  test('job_failed: without effect, with the codes that were asked for, and a second try succeeds', async () => {
    const made = await staged({ job_failed: 1 }, { failures: { commit: { disk_full: 1 } } });
    expect((await made.run(errorOf(commit(made.first, made.target, [made.entry(1)])))).code).toBe('disk_full');
    expect(made.warehouse.logOf(made.target.table)).toEqual([]);
    await made.run(commit(made.first, made.target, [made.entry(1)]));
    expect(made.chaos.struck.map(({ kind }) => kind)).toEqual(['job_failed']);
  });

  test('job_failed: the usual codes are of many kinds, and the job is known to have failed', async () => {
    const made = make({ job_failed: 1 }, { most: 200, failures: { sticks: 0 } });
    const target = await made.prepared();
    const codes = new Set<string>();
    for (let number = 0; number < 150; number += 1) codes.add((await made.run(errorOf(made.stage(made.first, target, `job${number}`)))).code);
    made.chaos.calm();
    expect(await made.run(made.second.jobState('job0', never))).toBe('failed');
    expect([...codes]).toEqual(expect.arrayContaining(['data_error', 'timeout', 'unavailable', 'disk_full', 'unknown']));
    expect(made.stages).toEqual([]);
  });

  test('job_failed: any other call fails, too', async () => {
    const made = make({ job_failed: 1 });
    const range = { first: day(1), last: day(4) };
    expect((await made.run(errorOf(made.first.digestSource(source, range, never)))).code).toBe('unavailable');
    expect([...(await made.run(made.first.digestSource(source, range, never))).keys()]).toEqual([1, 2, 3, 4].map(day));
  });

  test('data_error stays with one date until it is mended, so that spans are halved', async () => {
    const made = make({ job_failed: 1 }, { failures: { stage: { data_error: 1 }, sticks: 1 } });
    const target = await made.prepared();
    const fails = async (jobId: string, numbers: readonly number[]) =>
      (await endsOf(made, [made.stage(made.first, target, jobId, numbers)]))[0] === 'data_error';
    expect(await fails('all', [1, 2, 3, 4])).toBe(true);
    const bad: number[] = [];
    for (const number of [1, 2, 3, 4]) if (await fails(`one${number}`, [number])) bad.push(number);
    expect(bad).toHaveLength(1);
    expect(await fails('again', [1, 2, 3, 4])).toBe(true);
    made.warehouse.mend();
    expect(await fails('mended', [1, 2, 3, 4])).toBe(false);
    made.warehouse.poison(target.table, partitionDate('2024-01-02'));
    expect([await fails('low', [1, 2]), await fails('high', [3, 4])]).toEqual([true, false]);
  });

  test('job_answer_lost: the commit has happened', async () => {
    const made = await staged({ job_answer_lost: 1 });
    expect((await made.run(errorOf(commit(made.first, made.target, [made.entry(1)])))).code).toBe('unavailable');
    expect(made.warehouse.logOf(made.target.table)).toHaveLength(1);
  });

  test('job_answer_lost: a call that changes something has done it', async () => {
    const made = await staged({ job_answer_lost: 1 });
    expect((await made.run(errorOf(made.first.fence(made.target, 5, never)))).code).toBe('unavailable');
    expect((await made.run(errorOf(made.first.fence(made.target, 4, never)))).code).toBe('lane_fenced');
  });

  test('job_rate_limited: the job was never there', async () => {
    const made = make({ job_rate_limited: 1 });
    const target = await made.prepared();
    expect(['rate_limited', 'quota_exceeded']).toContain((await made.run(errorOf(made.stage(made.first, target, 'job')))).code);
    expect(await made.run(made.second.jobState('job', never))).toBe('absent');
  });

  test('staging_lost: the commit names it and nothing has happened; checks say the same', async () => {
    const made = await staged({ staging_lost: 1 });
    const error = await made.run(errorOf(commit(made.first, made.target, [made.entry(1)])));
    expect([error.code, error.missing]).toEqual(['staging_missing', ['s']]);
    expect(made.commits).toEqual([]);
    const other = await staged({ staging_lost: 1 });
    const checks = other.first.runChecks({ target: other.target, subject: { staging: 's' }, dates: [day(1)], checks: [], sources: [] }, never);
    expect((await other.run(errorOf(checks))).code).toBe('staging_missing');
  });

  test.each(['before', 'after'] as const)('a process dies %s its commit', async (when) => {
    const made = await staged({}, { crashes: [{ point: 'warehouse.commit', when, nth: 1 }] });
    void commit(made.first, made.target, [made.entry(1)]);
    await made.pass(10_000);
    expect(made.processes[0].isDead).toBe(true);
    expect(made.warehouse.logOf(made.target.table)).toHaveLength(when === 'after' ? 1 : 0);
  });
});

describe('what is told of a commit', () => {
  test('which dates it wrote, from which staging, and for whom', async () => {
    const made = await staged();
    await made.run(commit(made.first, made.target, [made.entry(2, 5)]));
    await made.run(commit(made.second, made.target, [made.entry(1, 6), made.entry(2, 4), made.entry(3, 6)], { laneEpoch: 2 }));
    const [, event] = made.commits;
    expect(event).toMatchObject({ table: made.target.table, laneEpoch: 2, process: 'worker-2.1', dates: [day(1), day(3)] });
    expect(event?.written).toEqual([1, 3].map((number) => ({ date: day(number), generation: 6, staging: 's', backfillId: 'backfill', outcome: 'committed' })));
  });

  test('preserved rows are told, too', async () => {
    const made = await staged();
    await made.run(made.second.preserveStaging(made.target, 's', day(2), 'kept', never));
    expect(made.stages.at(-1)).toMatchObject({ staging: 'kept', dates: [day(2)], process: 'worker-2.1' });
  });
});
