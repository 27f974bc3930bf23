// The warehouse in memory against the contract, as far as it needs no SQL: its statements are names of functions, so that of
// the suites only the commit's, whose reads are plain columns of one table, can run here. The rest it is held to below.
import { describe, expect, test } from 'vitest';
import { MemoryWarehouse, type WarehouseFunction } from '../support/memory-warehouse.ts';
import { describeCommits } from './warehouse/commit.contract.ts';
import { commit, day, entryOf, errorOf, findings, game, gamesTable, never, stageRows, stageSelect } from './warehouse/fixture.ts';

/** `SELECT a, b FROM t ORDER BY c, d`. */
const plainSelect = (sql: string): WarehouseFunction | undefined => {
  const [, columns = '', table = '', order = ''] = /^SELECT ([\w, ]+) FROM ([\w.]+)(?: ORDER BY ([\w, ]+))?$/.exec(sql) ?? [];
  if (table === '') return undefined;
  const keys = order.split(', ').filter((name) => name !== '');
  return ({ read }) =>
    read(table)
      .toSorted((a, b) => keys.reduce((found, key) => found || (String(a[key]) < String(b[key]) ? -1 : String(a[key]) > String(b[key]) ? 1 : 0), 0))
      .map((row) => Object.fromEntries(columns.split(', ').map((name) => [name, row[name] ?? null])));
};

const make = (functions: Readonly<Record<string, WarehouseFunction>> = {}) => {
  const warehouse = new MemoryWarehouse({ functions: new Proxy(functions, { get: (known, sql: string) => known[sql] ?? plainSelect(sql) }) });
  return { warehouse, [Symbol.asyncDispose]: async () => undefined };
};

describe('warehouse: in memory', () => {
  describeCommits(async () => make());

  describe('staging', () => {
    test('all dates asked for come back; rows outside them break the contract', async () => {
      const { warehouse } = make({ late: () => [game(day(9), 'late')] });
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      const staged = await stageRows(warehouse, target, 's', [day(1), day(5)], [game(day(5), 'a'), game(day(3), 'between')]);
      expect([...staged].map(([date, { rows }]) => [date, rows])).toEqual([
        [day(1), 0],
        [day(5), 1],
      ]);
      expect(staged.get(day(1))?.contentHash).toBe('');
      expect((await errorOf(stageSelect(warehouse, target, 't', [day(1)], 'late'))).code).toBe('contract_broken');
      expect((await errorOf(stageSelect(warehouse, target, 't', [day(1)], 'no such function'))).code).toBe('invalid_sql');
      expect(await warehouse.listStaging(target, never)).toEqual(['s']);
    });

    test('the content hash ignores order and invisible differences, and nothing else', async () => {
      const { warehouse } = make();
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      let stagings = 0;
      const hash = async (...rows: Parameters<typeof stageRows>[4][number][]) =>
        (await stageRows(warehouse, target, `h${(stagings += 1)}`, [day(1)], rows)).get(day(1))?.contentHash;
      const [a, b] = [game(day(1), 'a', 1, 0), game(day(1), 'b', 2, 98.5)];
      const expected = await hash(a, b);
      expect(await hash(b, a)).toBe(expected);
      expect(await hash({ ...a, pace: -0 }, { ...b, pace: 98.5 + 1e-9 })).toBe(expected);
      for (const other of [[a], [a, b, b], [a, { ...b, points: 3 }], [a, { ...b, pace: 98.501 }], [a, { ...b, pace: null }]])
        expect(await hash(...other)).not.toBe(expected);
    });

    test('a preserved date outlives its staging and commits like any other', async () => {
      const { warehouse } = make();
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      const staged = await stageRows(warehouse, target, 's', [day(1), day(2)], [game(day(1), 'a'), game(day(2), 'b')]);
      await warehouse.preserveStaging(target, 's', day(2), 'kept', never);
      await warehouse.dropStaging(target, ['s', 'never there'], never);
      expect((await errorOf(commit(warehouse, target, [entryOf(day(1), 3, 'kept', staged)]))).missing).toEqual(['kept']);
      await commit(warehouse, target, [entryOf(day(2), 3, 'kept', staged)]);
      expect(warehouse.rowsOf(target.table)).toEqual([game(day(2), 'b')]);
    });

    test('checks say what the engines say', async () => {
      const { warehouse } = make();
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      await stageRows(
        warehouse,
        target,
        's',
        [day(1), day(2)],
        [game(day(1), 'a', 300), game(day(1), 'a', null), game(day(1), 'b', 0), game(day(1), 'c', 90, null), game(day(2), 'd')],
      );
      const checks = {
        key: { type: 'unique_key', columns: target.key },
        filled: { type: 'required', columns: ['points', 'pace'] },
        tolerated: { type: 'not_null', columns: ['points'], minRatio: 0.75 },
        strict: { type: 'not_null', columns: ['points'], minRatio: 0.8 },
        range: { type: 'accepted_range', column: 'points', min: 1, max: 200 },
      } as const;
      expect(await findings(warehouse, target, { staging: 's' }, [day(1), day(2)], checks)).toEqual([
        'key 2024-01-01 2 rows share a key',
        'filled 2024-01-01 points NULL on 1 of 4 rows',
        'filled 2024-01-01 pace NULL or NaN on 1 of 4 rows',
        'strict 2024-01-01 points NULL on 1 of 4 rows (at most 20 % may be)',
        'range 2024-01-01 points outside 1 to 200 on 2 of 4 rows',
      ]);
    });
  });

  describe('jobs', () => {
    test('of one id run once; whoever comes later gets the same answer', async () => {
      const { warehouse } = make();
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      let reads = 0;
      const rows = async function* () {
        reads += 1;
        yield game(day(1), 'a');
      };
      const job = () => warehouse.stage({ jobId: 'once', target, staging: 's', dates: [day(1)], labels: {}, body: { kind: 'rows', rows: rows() } }, never);
      const [first, second] = await Promise.all([job(), job()]);
      expect([second, await job()]).toEqual([first, first]);
      expect(reads).toBe(1);
    });

    test.each(['signal', 'cancelJob'] as const)('that run end soon after their cancellation by %s, without effect', async (way) => {
      const { warehouse } = make();
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      const held = warehouse.faults.hold('stage');
      const stop = new AbortController();
      const job = errorOf(
        warehouse.stage(
          { jobId: 'long', target, staging: 's', dates: [day(1)], labels: {}, body: { kind: 'rows', rows: (async function* () {})() } },
          stop.signal,
        ),
      );
      await held.reached;
      expect(await warehouse.jobState('long', never)).toBe('running');
      if (way === 'signal') stop.abort(new Error('stop'));
      else await warehouse.cancelJob('long', never);
      expect((await job).code).toBe('cancelled');
      expect(await warehouse.jobState('long', never)).toBe('failed');
      expect(await warehouse.listStaging(target, never)).toEqual([]);
    });

    test('still on their way arrive although their caller gave up, and are fenced', async () => {
      const { warehouse } = make();
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      const staged = await stageRows(warehouse, target, 's', [day(1)], [game(day(1), 'a')]);
      const held = warehouse.faults.hold('commit', { when: 'wire', times: 2 });
      const stop = new AbortController();
      const gaveUp = errorOf(commit(warehouse, target, [entryOf(day(1), 1, 's', staged)], { laneEpoch: 1, signal: stop.signal }));
      await held.reached;
      stop.abort(new Error('stop'));
      expect((await gaveUp).code).toBe('cancelled');
      await warehouse.fence(target, 2, never);
      held.release();
      await new Promise(setImmediate);
      expect(warehouse.commits).toEqual([]);
      // Without the fence it would have happened.
      await commit(warehouse, target, [entryOf(day(1), 1, 's', staged)], { laneEpoch: 2 });
      expect(warehouse.commits).toHaveLength(1);
      expect(warehouse.faults.spent).toBe(true);
    });
  });
});
