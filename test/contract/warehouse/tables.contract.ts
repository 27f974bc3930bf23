// Tables and how they change, digests, and queries.
import { describe, expect, test } from 'vitest';
import { column, commit, committedRows, day, entryOf, errorOf, fill, game, gamesTable, never, stageRows, type MakeHarness } from './fixture.ts';

export const describeTables = (make: MakeHarness): void => {
  describe('tables', () => {
    test('can be prepared at any time, several times at once', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable();
      await Promise.all(Array.from({ length: 4 }, () => warehouse.prepareTable(target, never)));
      await fill(warehouse, target, day(1), 1, [game(day(1), 'a')]);
      await warehouse.prepareTable({ ...target, columns: target.columns.map((each) => ({ ...each, description: 'said otherwise' })) }, never);
      expect(await committedRows(warehouse, target)).toEqual([game(day(1), 'a')]);
    });

    test('may have columns that are called like parts of a commit', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable(['date', 'generation', 'staging', 'backfill_id', 'rows', 'day', 'select'].map((name) => column(name, 'INT64')));
      await warehouse.prepareTable(target, never);
      const row = { ...game(day(1), 'a'), date: 1, generation: 2, staging: 3, backfill_id: 4, rows: 5, day: 6, select: 7 };
      const staged = await stageRows(warehouse, target, 's', [day(1)], [row]);
      const checks = [
        { id: 'u', check: { type: 'unique_key', columns: target.key } as const },
        { id: 'r', check: { type: 'accepted_range', column: 'rows', max: 4 } as const },
      ];
      const { findings } = await warehouse.runChecks({ target, subject: { staging: 's' }, dates: [day(1)], sources: [], checks }, never);
      expect(findings.map(({ message }) => message)).toEqual(['rows above 4 on 1 of 1 row']);
      await commit(warehouse, target, [entryOf(day(1), 1, 's', staged)]);
      expect((await warehouse.digestTable(target, { first: day(1), last: day(1) }, never)).get(day(1))?.rows).toBe(1);
    });

    test('gain new nullable columns, NULL in old rows; what was staged before can still be committed', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      await fill(warehouse, target, day(1), 1, [game(day(1), 'a')]);
      const wider = { ...target, columns: [...target.columns, column('arena', 'STRING')] };
      await warehouse.prepareTable(wider, never);
      await fill(warehouse, wider, day(2), 1, [{ ...game(day(2), 'b'), arena: 'Garden' }]);
      expect(await committedRows(warehouse, wider)).toEqual([
        { ...game(day(1), 'a'), arena: null },
        { ...game(day(2), 'b'), arena: 'Garden' },
      ]);
    });

    test('that differ otherwise are refused with the difference in words', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      const columns = [column('game_id', 'STRING', true), column('game_date', 'DATE', true), column('points', 'STRING'), column('arena', 'STRING', true)];
      const error = await errorOf(warehouse.prepareTable({ ...target, columns }, never));
      expect(error.code).toBe('schema_mismatch');
      expect(error.message).toContain('~ points: declared STRING, found INT64');
      expect(error.message).toContain('- pace FLOAT64');
      expect(error.message).toContain('+ arena STRING');
    });

    test('are looked at without being made or changed', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable();
      expect(await warehouse.inspectTable(target, never)).toEqual({ state: 'absent' });
      expect(await warehouse.inspectTable(target, never)).toEqual({ state: 'absent' });
      await warehouse.prepareTable(target, never);
      expect(await warehouse.inspectTable(target, never)).toEqual({ state: 'as_declared', missing: [] });
      const wider = { ...target, columns: [...target.columns, column('arena', 'STRING')] };
      for (const _ of [1, 2]) expect(await warehouse.inspectTable(wider, never)).toEqual({ state: 'as_declared', missing: ['arena'] });
      const other = { ...target, columns: [column('game_id', 'STRING', true), column('game_date', 'DATE', true), column('points', 'STRING')] };
      expect(await warehouse.inspectTable(other, never)).toMatchObject({
        state: 'different',
        differences: expect.arrayContaining(['~ points: declared STRING, found INT64', '- pace FLOAT64']),
      });
    });

    test('digests per date are those of equal content, and tell any change', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      const digest = async () => warehouse.digestTable(target, { first: day(1), last: day(2) }, never);
      await fill(warehouse, target, day(1), 1, [game(day(1), 'a'), game(day(1), 'b')]);
      await fill(warehouse, target, day(2), 1, [game(day(2), 'a')]);
      await fill(warehouse, target, day(3), 1, [game(day(3), 'a')]);
      const before = await digest();
      expect([...before].map(([date, { rows }]) => [date, rows])).toEqual([
        [day(1), 2],
        [day(2), 1],
      ]);
      await fill(warehouse, target, day(1), 2, [game(day(1), 'b'), game(day(1), 'a')], true);
      await fill(warehouse, target, day(2), 2, [game(day(2), 'a', 99)]);
      const after = await digest();
      expect(after.get(day(1))).toEqual(before.get(day(1)));
      expect(after.get(day(2))?.digest).not.toBe(before.get(day(2))?.digest);
    });

    test('a query answers in plain JSON, up to its rows', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      await fill(warehouse, target, day(1), 1, [game(day(1), 'a'), game(day(1), 'b', '9007199254740993'), game(day(1), 'c', null)]);
      const sql = `SELECT game_id, game_date, points, TIMESTAMP '2024-01-01 23:30:00+00' AS moment FROM ${target.table} WHERE game_date = @wanted ORDER BY game_id`;
      const result = await warehouse.query(sql, { dialect: 'googlesql', params: { wanted: day(1) }, maxRows: 2 }, never);
      expect(result.columns.map(({ name, type }) => `${name} ${type}`)).toEqual(['game_id STRING', 'game_date DATE', 'points INT64', 'moment TIMESTAMP']);
      expect(result.rows).toEqual([
        { game_id: 'a', game_date: day(1), points: 100, moment: '2024-01-01T23:30:00Z' },
        { game_id: 'b', game_date: day(1), points: '9007199254740993', moment: '2024-01-01T23:30:00Z' },
      ]);
    });

    test('a query that writes is refused and writes nothing', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      await fill(warehouse, target, day(1), 1, [game(day(1), 'a')]);
      for (const dialect of ['googlesql', 'native'] as const) {
        for (const sql of [
          `DELETE FROM ${target.table} WHERE TRUE`,
          `DROP TABLE ${target.table}`,
          `SELECT 1; DROP TABLE ${target.table}`,
          `EXPLAIN ANALYZE DELETE FROM ${target.table}`,
        ]) {
          expect((await errorOf(warehouse.query(sql, { dialect, maxRows: 1 }, never))).code).toBe('invalid_sql');
        }
      }
      expect(await committedRows(warehouse, target)).toEqual([game(day(1), 'a')]);
    });

    test('every call ends as cancelled where its signal is aborted before', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      await stageRows(warehouse, target, 's', [day(1)], []);
      const stop = AbortSignal.abort(new Error('stop'));
      const calls = [
        warehouse.prepareTable(target, stop),
        warehouse.runChecks(
          { target, subject: 'committed', dates: [day(1)], sources: [], checks: [{ id: 'u', check: { type: 'unique_key', columns: target.key } }] },
          stop,
        ),
        warehouse.preserveStaging(target, 's', day(1), 'kept', stop),
        warehouse.readStaging(target, 's', day(1), 1, stop),
        warehouse.fence(target, 1, stop),
        warehouse.readCommitLog(target, 'all', stop),
        warehouse.digestTable(target, { first: day(1), last: day(1) }, stop),
        warehouse.query('SELECT 1 AS one', { dialect: 'googlesql', maxRows: 1 }, stop),
      ];
      const codes = await Promise.all(calls.map(async (call) => (await errorOf(call)).code));
      expect(codes).toEqual(calls.map(() => 'cancelled'));
    });

    test('what is committed is there after a restart; staging is not, and is missed by name', async (context) => {
      await using harness = await make();
      if (!harness.reopen) return context.skip('nothing outlives the process of this warehouse');
      const { warehouse } = harness;
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      const entry = await fill(warehouse, target, day(1), 1, [game(day(1), 'a')]);
      const staged = await stageRows(warehouse, target, 's', [day(2)], [game(day(2), 'b')]);
      const again = await harness.reopen();
      expect(await committedRows(again, target)).toEqual([game(day(1), 'a')]);
      expect(await again.readCommitLog(target, 'all', never)).toEqual([entry]);
      if ((await again.listStaging(target, never)).length > 0) return;
      expect((await errorOf(commit(again, target, [entryOf(day(2), 1, 's', staged)]))).missing).toEqual(['s']);
      expect((await stageRows(again, target, 's', [day(2)], [game(day(2), 'b')])).get(day(2))).toEqual(staged.get(day(2)));
    });
  });
};
