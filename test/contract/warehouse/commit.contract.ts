// The commit: one atomic unit, fenced by lane and by generation.
import { describe, expect, test } from 'vitest';
import { commit, committedRows, day, entryOf, errorOf, fill, game, gamesTable, never, stageRows, type MakeHarness } from './fixture.ts';

export const describeCommits = (make: MakeHarness): void => {
  describe('commit', () => {
    test('writes rows and log together and answers with the log', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      const staged = await stageRows(warehouse, target, 's', [day(1), day(2)], [game(day(1), 'a'), game(day(2), 'b'), game(day(2), 'c')]);
      const log = await commit(warehouse, target, [entryOf(day(1), 7, 's', staged), entryOf(day(2), 8, 's', staged)]);
      expect(log.map(({ date, generation, rows, outcome }) => ({ date, generation, rows, outcome }))).toEqual([
        { date: day(1), generation: 7, rows: 1, outcome: 'committed' },
        { date: day(2), generation: 8, rows: 2, outcome: 'committed' },
      ]);
      expect(log[1]?.contentHash).toBe(staged.get(day(2))?.contentHash);
      expect(await warehouse.readCommitLog(target, 'all', never)).toEqual(log);
      expect(await warehouse.readCommitLog(target, [day(2), day(3)], never)).toEqual([log[1]]);
      expect(await committedRows(warehouse, target)).toEqual([game(day(1), 'a'), game(day(2), 'b'), game(day(2), 'c')]);
    });

    test.each(['merge', 'overwrite_partition', 'insert_only'] as const)(
      '%s leaves exactly the staged rows of its dates and touches no other',
      async (strategy) => {
        await using harness = await make();
        const { warehouse } = harness;
        const target = gamesTable();
        await warehouse.prepareTable(target, never);
        await fill(warehouse, target, day(1), 1, [game(day(1), 'gone'), game(day(1), 'changed', 1)]);
        await fill(warehouse, target, day(2), 1, [game(day(2), 'other')]);
        const staged = await stageRows(warehouse, target, 's', [day(1)], [game(day(1), 'changed', 2), game(day(1), 'new')]);
        await commit(warehouse, target, [entryOf(day(1), 2, 's', staged)], { strategy });
        expect(await committedRows(warehouse, target)).toEqual([game(day(1), 'changed', 2), game(day(1), 'new'), game(day(2), 'other')]);
      },
    );

    test('an older generation changes nothing, not even rows that a newer one has deleted', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      const zombie = await stageRows(warehouse, target, 'zombie', [day(1)], [game(day(1), 'a'), game(day(1), 'deleted')]);
      const newer = await fill(warehouse, target, day(1), 9, [game(day(1), 'a')]);
      expect(await commit(warehouse, target, [entryOf(day(1), 5, 'zombie', zombie)])).toEqual([newer]);
      expect(await committedRows(warehouse, target)).toEqual([game(day(1), 'a')]);
    });

    test('an older generation does not fill a date that a newer one has emptied', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      const zombie = await stageRows(warehouse, target, 'zombie', [day(1)], [game(day(1), 'a')]);
      const emptied = await fill(warehouse, target, day(1), 9, []);
      expect(emptied).toMatchObject({ rows: 0, contentHash: '', outcome: 'committed' });
      expect(await commit(warehouse, target, [entryOf(day(1), 5, 'zombie', zombie)])).toEqual([emptied]);
      expect(await committedRows(warehouse, target)).toEqual([]);
    });

    test('the same generation is written once', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      const staged = await stageRows(warehouse, target, 's', [day(1)], [game(day(1), 'a')]);
      const first = await commit(warehouse, target, [entryOf(day(1), 5, 's', staged)]);
      expect(await commit(warehouse, target, [entryOf(day(1), 5, 's', staged)])).toEqual(first);
      expect(await committedRows(warehouse, target)).toEqual([game(day(1), 'a')]);
    });

    test('in one batch the fenced-out date keeps its entry while the others go on', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      const newer = await fill(warehouse, target, day(1), 9, [game(day(1), 'new')]);
      const staged = await stageRows(warehouse, target, 's', [day(1), day(2)], [game(day(1), 'old'), game(day(2), 'b')]);
      const log = await commit(warehouse, target, [entryOf(day(1), 5, 's', staged), entryOf(day(2), 5, 's', staged)]);
      expect(log[0]).toEqual(newer);
      expect(log[1]).toMatchObject({ date: day(2), generation: 5, outcome: 'committed' });
      expect(await committedRows(warehouse, target)).toEqual([game(day(1), 'new'), game(day(2), 'b')]);
    });

    test('the same content is unchanged under a new generation, whatever the order of its rows', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      const first = await fill(warehouse, target, day(1), 1, [game(day(1), 'a'), game(day(1), 'b', 90)]);
      const second = await fill(warehouse, target, day(1), 2, [game(day(1), 'b', 90), game(day(1), 'a')]);
      expect(second).toMatchObject({ generation: 2, outcome: 'unchanged', contentHash: first.contentHash, rows: 2 });
      expect(await committedRows(warehouse, target)).toEqual([game(day(1), 'a'), game(day(1), 'b', 90)]);
    });

    test('rows of an unchanged date are written again only where it is asked for', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      const generations = async (): Promise<unknown> =>
        (await warehouse.query(`SELECT _generation FROM ${target.table}`, { dialect: 'googlesql', maxRows: 10 }, never)).rows;
      await fill(warehouse, target, day(1), 1, [game(day(1), 'a')]);
      await fill(warehouse, target, day(1), 2, [game(day(1), 'a')]);
      expect(await generations()).toEqual([{ _generation: 1 }]);
      expect(await fill(warehouse, target, day(1), 3, [game(day(1), 'a')], true)).toMatchObject({ outcome: 'unchanged', generation: 3 });
      expect(await generations()).toEqual([{ _generation: 3 }]);
    });

    test('an older lane is fenced and changes nothing', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      const staged = await stageRows(warehouse, target, 's', [day(1)], [game(day(1), 'a')]);
      await warehouse.fence(target, 4, never);
      expect((await errorOf(commit(warehouse, target, [entryOf(day(1), 1, 's', staged)], { laneEpoch: 3 }))).code).toBe('lane_fenced');
      expect((await errorOf(warehouse.fence(target, 3, never))).code).toBe('lane_fenced');
      expect(await warehouse.readCommitLog(target, 'all', never)).toEqual([]);
      expect(await committedRows(warehouse, target)).toEqual([]);
      await commit(warehouse, target, [entryOf(day(1), 1, 's', staged)], { laneEpoch: 4 });
      expect((await errorOf(commit(warehouse, target, [entryOf(day(1), 2, 's', staged)], { laneEpoch: 3 }))).code).toBe('lane_fenced');
    });

    test('two lanes that fill an empty date at once leave its rows once', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      const staged = await stageRows(warehouse, target, 's1', [day(1)], [game(day(1), 'a')]);
      await stageRows(warehouse, target, 's2', [day(1)], [game(day(1), 'a')]);
      const ended = await Promise.allSettled([1, 2].map((lane) => commit(warehouse, target, [entryOf(day(1), 1, `s${lane}`, staged)], { laneEpoch: lane })));
      for (const result of ended) {
        if (result.status === 'rejected') expect(['lane_fenced', 'transaction_conflict']).toContain(result.reason.code);
      }
      expect(ended.some(({ status }) => status === 'fulfilled')).toBe(true);
      expect(await committedRows(warehouse, target)).toEqual([game(day(1), 'a')]);
      expect(await warehouse.readCommitLog(target, 'all', never)).toHaveLength(1);
    });

    test('commits to different tables run at once', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const targets = Array.from({ length: 6 }, () => gamesTable());
      await Promise.all(targets.map((target) => warehouse.prepareTable(target, never)));
      await Promise.all(targets.map((target) => fill(warehouse, target, day(1), 1, [game(day(1), 'a')])));
      for (const target of targets) expect(await committedRows(warehouse, target)).toEqual([game(day(1), 'a')]);
    });

    test('missing staging is named, and nothing of the batch happens', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      const staged = await stageRows(warehouse, target, 'there', [day(1), day(2), day(3)], [game(day(1), 'a')]);
      const error = await errorOf(
        commit(warehouse, target, [entryOf(day(1), 1, 'there', staged), entryOf(day(2), 1, 'gone_b', staged), entryOf(day(3), 1, 'gone_a', staged)], {
          laneEpoch: 5,
        }),
      );
      expect([error.code, error.missing]).toEqual(['staging_missing', ['gone_a', 'gone_b']]);
      expect(await warehouse.readCommitLog(target, 'all', never)).toEqual([]);
      expect(await committedRows(warehouse, target)).toEqual([]);
      // Not even the fence moved.
      await warehouse.fence(target, 2, never);
    });

    test('a cancelled commit throws and leaves all or nothing', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      const staged = await stageRows(warehouse, target, 's', [day(1)], [game(day(1), 'a')]);
      expect((await errorOf(commit(warehouse, target, [entryOf(day(1), 1, 's', staged)], { signal: AbortSignal.abort(new Error('stop')) }))).code).toBe(
        'cancelled',
      );
      expect(await warehouse.readCommitLog(target, 'all', never)).toEqual([]);
      expect(await committedRows(warehouse, target)).toEqual([]);
    });
  });
};
