// Staging: rows beside the target, their hashes, their life.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { column, commit, committedRows, day, entryOf, errorOf, fill, game, gamesTable, never, stageRows, stageSelect, type MakeHarness } from './fixture.ts';

const slowSql = (
  table: string,
): string => `SELECT a.game_id, a.game_date, CAST(SUM(MOD(a.points * b.points + c.points + d.points, 7)) AS INT64) AS points, 1.0 AS pace
FROM ${table} AS a CROSS JOIN ${table} AS b CROSS JOIN ${table} AS c CROSS JOIN ${table} AS d GROUP BY a.game_id, a.game_date`;

export const describeStaging = (make: MakeHarness): void => {
  describe('staging', () => {
    test('all dates asked for come back, those without rows with none', async () => {
      await using harness = await make();
      const target = gamesTable();
      await harness.warehouse.prepareTable(target, never);
      const staged = await stageRows(harness.warehouse, target, 's', [day(1), day(2), day(5)], [game(day(5), 'a')]);
      expect([...staged.keys()]).toEqual([day(1), day(2), day(5)]);
      expect(staged.get(day(1))).toEqual({ rows: 0, contentHash: '' });
      expect(staged.get(day(5))?.rows).toBe(1);
      expect(staged.get(day(5))?.contentHash).not.toBe('');
    });

    test('a SELECT gets the first and the last date; rows of dates in between are left out', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const [from, target] = [gamesTable(), gamesTable()];
      for (const table of [from, target]) await warehouse.prepareTable(table, never);
      for (const number of [1, 2, 3, 4]) await fill(warehouse, from, day(number), 1, [game(day(number), `g${number}`)]);
      const sql = `SELECT game_id, game_date, points, pace FROM ${from.table} WHERE game_date BETWEEN @start_date AND @end_date`;
      const staged = await stageSelect(warehouse, target, 's', [day(2), day(4)], sql);
      expect([...staged].map(([date, { rows }]) => [date, rows])).toEqual([
        [day(2), 1],
        [day(4), 1],
      ]);
      await commit(warehouse, target, [entryOf(day(2), 1, 's', staged), entryOf(day(4), 1, 's', staged)]);
      expect(await committedRows(warehouse, target)).toEqual([game(day(2), 'g2'), game(day(4), 'g4')]);
    });

    test.each([1, 6])('rows outside the dates break the contract (%i dates)', async (count) => {
      await using harness = await make();
      const { warehouse } = harness;
      const [from, target] = [gamesTable(), gamesTable()];
      for (const table of [from, target]) await warehouse.prepareTable(table, never);
      await fill(warehouse, from, day(9), 1, [game(day(9), 'late')]);
      const dates = Array.from({ length: count }, (_, index) => day(index + 1));
      const error = await errorOf(stageSelect(warehouse, target, 's', dates, `SELECT game_id, game_date, points, pace FROM ${from.table}`));
      expect([error.code, error.message]).toEqual(['contract_broken', expect.stringContaining(day(9))]);
      expect(await warehouse.listStaging(target, never)).toEqual([]);
    });

    test('a SELECT that yields other columns than declared breaks the contract by name', async () => {
      await using harness = await make();
      const target = gamesTable();
      await harness.warehouse.prepareTable(target, never);
      const error = await errorOf(
        stageSelect(harness.warehouse, target, 's', [day(1)], `SELECT 'a' AS game_id, @start_date AS game_date, 'many' AS points, 1 AS extra`),
      );
      expect(error.code).toBe('contract_broken');
      expect(error.message).toMatch(/points.*INT64.*STRING/);
      expect(error.message).toMatch(/pace/);
      expect(error.message).toMatch(/extra/);
    });

    test.each([
      ['another type', { points: 'many' }, /points/],
      ['a fraction for an INT64', { points: 1.5 }, /points/],
      ['an undeclared column', { extra: 1 }, /extra/],
      ['a date that does not exist', { game_date: '2024-02-30' }, /game_date/],
    ])('rows with %s break the contract by name', async (_, wrong, message) => {
      await using harness = await make();
      const target = gamesTable();
      await harness.warehouse.prepareTable(target, never);
      const error = await errorOf(stageRows(harness.warehouse, target, 's', [day(1)], [{ ...game(day(1), 'a'), ...(wrong as JsonObject) }]));
      expect([error.code, error.message]).toEqual(['contract_broken', expect.stringMatching(message)]);
    });

    test('invalid SQL and bad data are told apart', async () => {
      await using harness = await make();
      const target = gamesTable();
      await harness.warehouse.prepareTable(target, never);
      const of = async (sql: string): Promise<string> => (await errorOf(stageSelect(harness.warehouse, target, 's', [day(1)], sql))).code;
      expect(await of('SELECT * FROM nba.no_such_table')).toBe('invalid_sql');
      expect(await of('SELEC 1')).toBe('invalid_sql');
      expect(await of(`SELECT 'a' AS game_id, @start_date AS game_date, CAST(SUBSTR('xyz', 1, 2) AS INT64) AS points, 1.0 AS pace`)).toBe('data_error');
    });

    test('every declared type comes back as it was staged, NULL included', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const types = ['BOOL', 'NUMERIC', 'TIMESTAMP', 'BYTES', 'JSON', 'ARRAY<INT64>', 'ARRAY<STRING>', 'ARRAY<FLOAT64>'] as const;
      const target = gamesTable(types.map((type, index) => column(`c${index}`, type)));
      await warehouse.prepareTable(target, never);
      const full = {
        ...game(day(1), 'a', '9223372036854775807', -0.1),
        c0: true,
        c1: '12345678901234567890.000000001',
        c2: '2024-01-01T23:30:00.123456Z',
        c3: 'AAEC',
        c4: { a: [1, null] },
        c5: [1, 2],
        c6: ['x', 'ü'],
        c7: [0.5],
      };
      const nothing = Object.fromEntries(target.columns.map(({ name }) => [name, null]));
      await stageRows(warehouse, target, 's', [day(1)], [full, { ...nothing, game_date: day(1), game_id: 'b' }]);
      const { rows } = await warehouse.readStaging(target, 's', day(1), 10, never);
      const empty = harness.storesNullArraysEmpty === true ? { c5: [], c6: [], c7: [] } : {};
      expect(rows.map(({ c4, ...row }) => ({ ...row, c4: typeof c4 === 'string' ? JSON.parse(c4) : c4 }))).toEqual([
        full,
        { ...nothing, ...empty, game_date: day(1), game_id: 'b' },
      ]);
    });

    test('staging again under a known job id attaches to that job', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      let reads = 0;
      const rows = async function* (): AsyncGenerator<JsonObject> {
        reads += 1;
        yield game(day(1), 'a');
      };
      const job = { jobId: `once_${target.table}`, target, staging: 's', dates: [day(1)], labels: {} };
      expect(await warehouse.jobState(job.jobId, never)).toBe('absent');
      const [first, second] = await Promise.all([1, 2].map(() => warehouse.stage({ ...job, body: { kind: 'rows', rows: rows() } }, never)));
      const third = await warehouse.stage({ ...job, body: { kind: 'rows', rows: rows() } }, never);
      expect([second, third]).toEqual([first, first]);
      expect(reads).toBe(1);
      expect(await warehouse.jobState(job.jobId, never)).toBe('succeeded');
    });

    test('a failed job says so', async () => {
      await using harness = await make();
      const target = gamesTable();
      await harness.warehouse.prepareTable(target, never);
      const jobId = `failing_${target.table}`;
      await errorOf(
        harness.warehouse.stage(
          { jobId, target, staging: 's', dates: [day(1)], labels: {}, body: { kind: 'select', sql: 'SELECT 1 AS nothing', sources: [] } },
          never,
        ),
      );
      expect(await harness.warehouse.jobState(jobId, never)).toBe('failed');
    });

    test.each(['signal', 'cancelJob'] as const)('a long job ends soon after its cancellation by %s', async (way) => {
      await using harness = await make();
      const { warehouse } = harness;
      const [from, target] = [gamesTable(), gamesTable()];
      for (const table of [from, target]) await warehouse.prepareTable(table, never);
      await fill(
        warehouse,
        from,
        day(1),
        1,
        Array.from({ length: 400 }, (_, index) => game(day(1), `g${index}`, index)),
      );
      const stop = new AbortController();
      const jobId = `long_${target.table}`;
      const job = warehouse.stage(
        { jobId, target, staging: 's', dates: [day(1)], labels: {}, body: { kind: 'select', sql: slowSql(from.table), sources: [] } },
        stop.signal,
      );
      const ended = errorOf(job);
      while ((await warehouse.jobState(jobId, never)) !== 'running') await new Promise(setImmediate);
      if (way === 'signal') stop.abort(new Error('stop'));
      else await warehouse.cancelJob(jobId, never);
      expect((await ended).code).toBe('cancelled');
      expect(await warehouse.jobState(jobId, never)).toBe('failed');
      // The connection is good for the next call.
      expect((await stageRows(warehouse, target, 't', [day(1)], [game(day(1), 'a')])).get(day(1))?.rows).toBe(1);
    });

    test('stagings are listed, read and dropped by name; dropping what is gone is no error', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      await stageRows(warehouse, target, 's2', [day(1)], [game(day(1), 'a')]);
      await stageRows(warehouse, target, 's1', [day(1)], [game(day(1), 'b'), game(day(1), 'c')]);
      expect(await warehouse.listStaging(target, never)).toEqual(['s1', 's2']);
      expect((await warehouse.readStaging(target, 's1', day(1), 1, never)).rows).toEqual([game(day(1), 'b')]);
      await warehouse.dropStaging(target, ['s1', 'never_there'], never);
      expect(await warehouse.listStaging(target, never)).toEqual(['s2']);
      const error = await errorOf(warehouse.readStaging(target, 's1', day(1), 1, never));
      expect([error.code, error.missing]).toEqual(['staging_missing', ['s1']]);
    });

    test.each([0, 2])('a preserved date with %i rows outlives its staging and commits like any other', async (count) => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      const rows = Array.from({ length: count }, (_, index) => game(day(2), `g${index}`));
      const staged = await stageRows(warehouse, target, 's', [day(1), day(2)], [game(day(1), 'a'), ...rows]);
      await warehouse.preserveStaging(target, 's', day(2), 'kept', never);
      await warehouse.preserveStaging(target, 's', day(2), 'kept', never);
      await warehouse.dropStaging(target, ['s'], never);
      const kept = harness.reopen ? await harness.reopen() : warehouse;
      expect(await kept.listStaging(target, never)).toEqual(['kept']);
      expect((await kept.readStaging(target, 'kept', day(2), 10, never)).rows).toEqual(rows);
      expect((await errorOf(commit(kept, target, [entryOf(day(1), 3, 'kept', staged)]))).code).toBe('staging_missing');
      await commit(kept, target, [entryOf(day(2), 3, 'kept', staged)]);
      expect(await committedRows(kept, target)).toEqual(rows);
      await kept.dropStaging(target, ['kept'], never);
      expect(await kept.listStaging(target, never)).toEqual([]);
    });

    test('the content hash ignores order, span and invisible differences of FLOAT64, and nothing else', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      let stagings = 0;
      const hash = async (rows: readonly JsonObject[], dates = [day(1)]): Promise<string | undefined> =>
        (await stageRows(warehouse, target, `h${(stagings += 1)}`, dates, rows)).get(day(1))?.contentHash;
      const many = Array.from({ length: 9 }, (_, index) => day(index + 1));
      const row = fc.record({
        id: fc.string({ maxLength: 4 }),
        points: fc.option(fc.maxSafeInteger()),
        pace: fc.option(fc.double({ min: -1e6, max: 1e6, noNaN: true })),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 12 }), fc.nat(), async (found, pick) => {
          const rows = found.map(({ id, points, pace }) => game(day(1), id, points, pace === null ? null : Math.round(pace * 1e4) / 1e4));
          const expected = await hash(rows);
          expect(await hash([...rows].reverse())).toBe(expected);
          expect(await hash([...rows, ...many.map((date) => game(date, 'other')).slice(1)], many)).toBe(expected);
          expect(await hash(rows.map((each) => ({ ...each, pace: each['pace'] === null ? null : (each['pace'] as number) + 1e-9 })))).toBe(expected);
          expect(await hash(rows.map((each) => (each['pace'] === 0 ? { ...each, pace: -0 } : each)))).toBe(expected);
          const at = pick % rows.length;
          const changes = [
            { game_id: `${String(rows[at]?.['game_id'])}x` },
            { points: rows[at]?.['points'] === 1 ? 2 : 1 },
            { pace: ((rows[at]?.['pace'] as number | null) ?? 0) + 0.001 },
          ];
          for (const change of changes) expect(await hash(rows.map((each, index) => (index === at ? { ...each, ...change } : each)))).not.toBe(expected);
          expect(await hash([...rows, rows[at] as JsonObject])).not.toBe(expected);
        }),
        { numRuns: harness.propertyRuns ?? 15 },
      );
    }, 60_000);
  });
};
