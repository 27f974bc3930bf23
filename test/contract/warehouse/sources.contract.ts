// Sources: files that others fill, as they are found, changed, missing, cut off or otherwise than declared.
import { describe, expect, test } from 'vitest';
import type { Source } from '@floodgate/core/domain/pipeline.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { column, day, errorOf, game, gamesTable, never, stageSelect, type MakeHarness, type WarehouseHarness } from './fixture.ts';

const columns = [column('game_id', 'STRING', true), column('game_date', 'DATE', true), column('points', 'INT64'), column('pace', 'FLOAT64')];

const source: Source = {
  name: 'schedule',
  description: '',
  files: ['schedule_*.parquet'],
  format: 'parquet',
  dateColumn: 'game_date',
  key: ['game_id'],
  columns,
};

const range = { first: day(1), last: day(3) };

type WithSources = WarehouseHarness & Required<Pick<WarehouseHarness, 'putSource' | 'truncateSource'>>;

const withSources = (name: string, make: MakeHarness, body: (harness: WithSources) => Promise<void>): void => {
  test(name, async (context) => {
    await using harness = await make();
    if (!harness.putSource || !harness.truncateSource) return context.skip('this warehouse reads no files');
    await body(harness as WithSources);
  });
};

export const describeSources = (make: MakeHarness): void => {
  describe('sources', () => {
    withSources('are read by name over all their files, columns matched by name', make, async ({ warehouse, putSource }) => {
      await putSource('schedule_1.parquet', columns, [game(day(1), 'a')]);
      await putSource(
        'schedule_2.parquet',
        [columns[3], columns[1], columns[0]].flatMap((each) => each ?? []),
        [game(day(2), 'b')],
      );
      const { rows } = await warehouse.query(
        'SELECT game_id, game_date, points, pace FROM source.schedule ORDER BY game_id',
        { dialect: 'googlesql', sources: [source], maxRows: 9 },
        never,
      );
      expect(rows).toEqual([game(day(1), 'a'), game(day(2), 'b', null)]);
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      const staged = await stageSelect(
        warehouse,
        target,
        's',
        [day(1), day(2)],
        'SELECT game_id, game_date, points, pace FROM source.schedule WHERE game_date BETWEEN @start_date AND @end_date',
        [source],
      );
      expect([...staged.values()].map((each) => each.rows)).toEqual([1, 1]);
    });

    withSources('have a digest per date that tells changes of that date alone', make, async ({ warehouse, putSource }) => {
      const put = (more: readonly JsonObject[]): Promise<void> => putSource('schedule_1.parquet', columns, [game(day(1), 'a'), game(day(1), 'b'), ...more]);
      await put([game(day(2), 'c', 1), game(day(9), 'outside')]);
      const before = await warehouse.digestSource(source, range, never);
      expect([...before].map(([date, { rows }]) => [date, rows])).toEqual([
        [day(1), 2],
        [day(2), 1],
      ]);
      await put([game(day(2), 'c', 2)]);
      const after = await warehouse.digestSource(source, range, never);
      expect(after.get(day(1))).toEqual(before.get(day(1)));
      expect(after.get(day(2))?.digest).not.toBe(before.get(day(2))?.digest);
      await putSource('schedule_2.parquet', columns, [game(day(3), 'd')]);
      expect((await warehouse.digestSource(source, range, never)).get(day(3))?.rows).toBe(1);
      const { rows } = await warehouse.query('SELECT COUNT(*) AS n FROM source.schedule', { dialect: 'googlesql', sources: [source], maxRows: 1 }, never);
      expect(rows).toEqual([{ n: 4 }]);
    });

    withSources('that are optional and have no file are empty', make, async ({ warehouse }) => {
      const optional: Source = { ...source, optional: true };
      expect(await warehouse.digestSource(optional, range, never)).toEqual(new Map());
      const { rows } = await warehouse.query('SELECT game_id, points FROM source.schedule', { dialect: 'googlesql', sources: [optional], maxRows: 1 }, never);
      expect(rows).toEqual([]);
    });

    withSources('may be declared by several patterns, of which the one with files is read', make, async ({ warehouse, putSource }) => {
      const either: Source = { ...source, files: ['elsewhere.parquet', 'schedule_*.parquet'] };
      await putSource('schedule_1.parquet', columns, [game(day(1), 'a')]);
      expect((await warehouse.digestSource(either, range, never)).get(day(1))?.rows).toBe(1);
    });

    withSources('of which two formats are found are told, and neither is read', make, async ({ warehouse, putSource }) => {
      await putSource('schedule_1.parquet', columns, [game(day(1), 'a')]);
      await putSource('other.csv', columns, [game(day(1), 'a')]);
      const { format: _, ...undeclared } = source;
      const error = await errorOf(warehouse.digestSource({ ...undeclared, files: ['schedule_*.parquet', '*.csv'] }, range, never));
      expect([error.code, error.message]).toEqual(['source_mismatch', expect.stringMatching(/schedule_\*\.parquet.+and.+\*\.csv/)]);
    });

    withSources('with a date in the name of each file hold what is in the file of that date', make, async ({ warehouse, putSource }) => {
      const dated: Source = { ...source, files: ['schedule_{date}.parquet'] };
      for (const date of [day(1), day(2)]) await putSource(`schedule_${date}.parquet`, columns, [game(date, 'a', 1), game(date, 'b', 1)]);
      await putSource('schedule_old.parquet', columns, [game(day(3), 'c')]);
      const before = await warehouse.digestSource(dated, range, never);
      expect([...before].map(([date, { rows }]) => [date, rows])).toEqual([
        [day(1), 2],
        [day(2), 2],
      ]);
      await putSource(`schedule_${day(2)}.parquet`, columns, [game(day(2), 'a', 2)]);
      const one = await warehouse.digestSource(dated, { first: day(2), last: day(2) }, never);
      expect([...one.keys()]).toEqual([day(2)]);
      const after = await warehouse.digestSource(dated, range, never);
      expect(after.get(day(1))).toEqual(before.get(day(1)));
      expect(after.get(day(2))).toEqual(one.get(day(2)));
      expect(after.get(day(2))?.rows).toBe(1);
      const { rows } = await warehouse.query(
        `SELECT game_id, points FROM source.schedule WHERE game_date BETWEEN '${day(2)}' AND '${day(3)}'`,
        { dialect: 'googlesql', sources: [dated], maxRows: 9 },
        never,
      );
      expect(rows).toEqual([{ game_id: 'a', points: 2 }]);
    });

    withSources('that have no file are missing, by folder and glob', make, async ({ warehouse }) => {
      const error = await errorOf(warehouse.digestSource(source, range, never));
      expect([error.code, error.message]).toEqual(['source_missing', expect.stringContaining('schedule_*.parquet')]);
    });

    withSources('that a statement does not read may be missing', make, async ({ warehouse }) => {
      const { rows } = await warehouse.query('SELECT 1 AS one', { dialect: 'googlesql', sources: [source], maxRows: 1 }, never);
      expect(rows).toEqual([{ one: 1 }]);
    });

    withSources('that are cut off are unreadable, by name of the file, until it is replaced', make, async ({ warehouse, putSource, truncateSource }) => {
      await putSource('schedule_1.parquet', columns, [game(day(1), 'a')]);
      await putSource(
        'schedule_2.parquet',
        columns,
        Array.from({ length: 500 }, (_, index) => game(day(2), `g${index}`, index)),
      );
      await truncateSource('schedule_2.parquet');
      const error = await errorOf(warehouse.digestSource(source, range, never));
      expect([error.code, error.message]).toEqual(['source_unreadable', expect.stringContaining('schedule_2.parquet')]);
      expect(error.hint).toContain('schedule_2.parquet');
      await putSource('schedule_2.parquet', columns, [game(day(2), 'b')]);
      expect((await warehouse.digestSource(source, range, never)).get(day(2))?.rows).toBe(1);
    });

    withSources('that are otherwise than declared are refused by file and column', make, async ({ warehouse, putSource }) => {
      await putSource('schedule_1.parquet', columns, [game(day(1), 'a')]);
      await putSource(
        'schedule_2.parquet',
        [column('game_id', 'STRING'), column('game_date', 'DATE'), column('points', 'STRING')],
        [{ game_id: 'b', game_date: day(2), points: 'x' }],
      );
      const error = await errorOf(warehouse.query('SELECT * FROM source.schedule', { dialect: 'googlesql', sources: [source], maxRows: 1 }, never));
      expect(error.code).toBe('source_mismatch');
      expect(error.message).toMatch(/schedule_2\.parquet: points is STRING, declared INT64/);
    });
  });
};
