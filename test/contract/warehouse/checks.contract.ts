// Checks of every type, over staged and over committed rows, and what they say.
import { describe, expect, test } from 'vitest';
import type { TableSpec, Warehouse } from '@floodgate/core/ports/warehouse.ts';
import { column, day, errorOf, fill, findings, game, gamesTable, never, stageRows, type MakeHarness, type WarehouseHarness } from './fixture.ts';

type Subject = 'staged' | 'committed';

/** Day 1 has every fault, day 2 none. */
const faulty = [game(day(1), 'a', 300), game(day(1), 'a', null), game(day(1), 'b', 0), game(day(1), 'c', 90, null), game(day(2), 'd'), game(day(2), 'e')];

const arrange = async (
  harness: WarehouseHarness,
  subject: Subject,
): Promise<{ warehouse: Warehouse; target: TableSpec; of: { staging: string } | 'committed' }> => {
  const { warehouse } = harness;
  const target = gamesTable();
  await warehouse.prepareTable(target, never);
  if (subject === 'staged') {
    await stageRows(warehouse, target, 's', [day(1), day(2), day(3)], faulty);
    return { warehouse, target, of: { staging: 's' } };
  }
  for (const date of [day(1), day(2)])
    await fill(
      warehouse,
      target,
      date,
      1,
      faulty.filter((row) => row['game_date'] === date),
    );
  return { warehouse, target, of: 'committed' };
};

const dates = [day(1), day(2), day(3)];

export const describeChecks = (make: MakeHarness): void => {
  describe.each(['staged', 'committed'] as const)('checks over %s rows', (subject) => {
    test('unique_key and required name rows and columns', async () => {
      await using harness = await make();
      const { warehouse, target, of } = await arrange(harness, subject);
      const checks = { key: { type: 'unique_key', columns: target.key }, filled: { type: 'required', columns: ['points', 'pace'] } } as const;
      expect(await findings(warehouse, target, of, dates, checks)).toEqual([
        'key 2024-01-01 2 rows share a key',
        'filled 2024-01-01 points NULL on 1 of 4 rows',
        'filled 2024-01-01 pace NULL or NaN on 1 of 4 rows',
      ]);
      const { findings: found } = await warehouse.runChecks({ target, subject: of, dates, sources: [], checks: [{ id: 'key', check: checks.key }] }, never);
      expect(found[0]).toMatchObject({ offending: 2, examples: [{ game_date: day(1), game_id: 'a' }] });
    });

    test('rows holds each date against its number', async () => {
      await using harness = await make();
      const { warehouse, target, of } = await arrange(harness, subject);
      const expected = new Map([
        [day(1), 4],
        [day(2), 12],
        [day(3), 1],
      ]);
      expect(await findings(warehouse, target, of, dates, { rows: { type: 'rows', expected } })).toEqual([
        'rows 2024-01-02 2 rows, expected 12',
        'rows 2024-01-03 0 rows, expected 1',
      ]);
    });

    test('not_null, not_zero and accepted_range count within their condition and tolerance', async () => {
      await using harness = await make();
      const { warehouse, target, of } = await arrange(harness, subject);
      const checks = {
        tolerated: { type: 'not_null', columns: ['points'], minRatio: 0.75 },
        strict: { type: 'not_null', columns: ['points'], minRatio: 0.8 },
        elsewhere: { type: 'not_null', columns: ['points'], minRatio: 1, where: "game_id = 'b'" },
        zero: { type: 'not_zero', columns: ['points'], minRatio: 1, where: "game_id IN ('a', 'b')" },
        range: { type: 'accepted_range', column: 'points', min: 1, max: 200 },
        open: { type: 'accepted_range', column: 'points', max: 200 },
      } as const;
      expect(await findings(warehouse, target, of, dates, checks)).toEqual([
        'strict 2024-01-01 points NULL on 1 of 4 rows (at most 20 % may be)',
        'zero 2024-01-01 points zero or NULL on 2 of 3 rows',
        'range 2024-01-01 points outside 1 to 200 on 2 of 4 rows',
        'open 2024-01-01 points above 200 on 1 of 4 rows',
      ]);
    });

    test('NaN is as missing as NULL, and outside of every range', async () => {
      await using harness = await make();
      const { warehouse } = harness;
      const target = gamesTable();
      await warehouse.prepareTable(target, never);
      const rows = [game(day(1), 'a', 1, Number.NaN), game(day(1), 'b', 1, null), game(day(1), 'c', 1, 0), game(day(1), 'd')];
      if (subject === 'staged') await stageRows(warehouse, target, 's', [day(1)], rows);
      else await fill(warehouse, target, day(1), 1, rows);
      const checks = {
        filled: { type: 'required', columns: ['pace', 'points'] },
        mostly: { type: 'not_null', columns: ['pace'], minRatio: 0.6 },
        zero: { type: 'not_zero', columns: ['pace'], minRatio: 1 },
        range: { type: 'accepted_range', column: 'pace', min: -1, max: 200 },
      } as const;
      expect(await findings(warehouse, target, subject === 'staged' ? { staging: 's' } : 'committed', [day(1)], checks)).toEqual([
        'filled 2024-01-01 pace NULL or NaN on 2 of 4 rows',
        'mostly 2024-01-01 pace NULL or NaN on 2 of 4 rows (at most 40 % may be)',
        'zero 2024-01-01 pace zero, NULL or NaN on 3 of 4 rows',
        'range 2024-01-01 pace outside -1 to 200 on 1 of 4 rows',
      ]);
    });

    test('what is demanded of each date, and what is there, is told of dates that pass as well', async () => {
      await using harness = await make();
      const { warehouse, target, of } = await arrange(harness, subject);
      const counted = `SELECT DATE '2024-01-01' AS date, 4 AS expected UNION ALL SELECT DATE '2024-01-02', 3`;
      const keys = `SELECT DATE '2024-01-02' AS date, 'd' AS game_id UNION ALL SELECT DATE '2024-01-02', 'z' UNION ALL SELECT DATE '2024-06-01', 'a'`;
      const checks = [
        { id: 'count', check: { type: 'row_count', sql: counted }, exempt: new Set([day(3)]) },
        { id: 'keys', check: { type: 'expected_keys', columns: ['game_id'], sql: keys } },
        { id: 'filled', check: { type: 'not_null', columns: ['game_id'], minRatio: 1 } },
      ] as const;
      const { expectedOf, rowsOf } = await warehouse.runChecks({ target, subject: of, dates, sources: [], checks }, never);
      const [count, key, filled] = checks.map(({ id }) => [...(expectedOf.get(id) ?? [])].filter(([, wanted]) => wanted > 0));
      expect(count).toEqual([
        [day(1), 4],
        [day(2), 3],
      ]);
      expect(expectedOf.get('count')?.has(day(3))).toBe(false);
      expect(key).toEqual([[day(2), 2]]);
      expect(filled).toEqual([]);
      expect([...rowsOf].filter(([, rows]) => rows > 0)).toEqual([
        [day(1), 4],
        [day(2), 2],
      ]);
    });

    test('row_count compares with what its SELECT expects; a date that it leaves out expects no rows', async () => {
      await using harness = await make();
      const { warehouse, target, of } = await arrange(harness, subject);
      const sql = `SELECT DATE '2024-01-01' AS date, 5 AS expected UNION ALL SELECT DATE '2024-01-03', 2 UNION ALL SELECT DATE '2024-06-01', 9`;
      const result = await warehouse.runChecks(
        { target, subject: of, dates, sources: [], checks: [{ id: 'count', check: { type: 'row_count', sql } }] },
        never,
      );
      expect(result.findings.map(({ date, message, offending }) => [date, message, offending])).toEqual([
        [day(1), '4 rows, expected 5', 1],
        [day(2), '2 rows, expected 0', 2],
        [day(3), '0 rows, expected 2', 2],
      ]);
      expect(result.expected.get('count')).toBe(7);
    });

    test('expected_keys names what is missing', async () => {
      await using harness = await make();
      const { warehouse, target, of } = await arrange(harness, subject);
      const keys = ['d', 'x', 'e', 'y', 'z']
        .map((id) => `SELECT @start_date + 1 AS date, '${id}' AS game_id`)
        .join(' UNION ALL ')
        .replaceAll('@start_date + 1', 'DATE_ADD(@start_date, INTERVAL 1 DAY)');
      const sql = `${keys} UNION ALL SELECT @start_date, 'a' UNION ALL SELECT DATE '2024-06-01', 'ignored' UNION ALL SELECT @end_date, '20240115_LAL_PHI'`;
      const result = await warehouse.runChecks(
        { target, subject: of, dates, sources: [], checks: [{ id: 'keys', check: { type: 'expected_keys', columns: ['game_id'], sql } }] },
        never,
      );
      expect(result.findings.map(({ date, message, offending, examples }) => [date, message, offending, examples])).toEqual([
        [day(2), 'game x; game y and 1 more missing (3 of 5 expected)', 3, [{ game_id: 'x' }, { game_id: 'y' }, { game_id: 'z' }]],
        [day(3), 'game 20240115_LAL_PHI missing (1 of 1 expected)', 1, [{ game_id: '20240115_LAL_PHI' }]],
      ]);
      expect(result.expected.get('keys')).toBe(7);
    });

    test('sql sees the rows under check as staged and reports the rows that it yields', async () => {
      await using harness = await make();
      const { warehouse, target, of } = await arrange(harness, subject);
      const sql = `SELECT game_date AS date, game_id, points FROM staged WHERE points > 200 OR points IS NULL UNION ALL SELECT DATE '2024-06-01', 'ignored', 1`;
      const check = { type: 'sql', name: 'plausible points', sql } as const;
      const { findings: found } = await warehouse.runChecks({ target, subject: of, dates, sources: [], checks: [{ id: 'sql', check }] }, never);
      expect(found).toHaveLength(1);
      expect(found[0]).toMatchObject({
        checkId: 'sql',
        date: day(1),
        offending: 2,
        message: expect.stringMatching(/^plausible points: 2 rows offend, e\.g\. game a/),
      });
      expect(found[0]?.examples).toHaveLength(2);
    });

    test('only the dates of the job are judged, and no exempt ones', async () => {
      await using harness = await make();
      const { warehouse, target, of } = await arrange(harness, subject);
      const check = { type: 'required', columns: ['points'] } as const;
      expect(await findings(warehouse, target, of, [day(2), day(3)], { check })).toEqual([]);
      expect(await findings(warehouse, target, of, dates, { check: { id: 'check', check, exempt: new Set([day(1)]) } })).toEqual([]);
      const sql = 'SELECT game_date AS date, COUNT(*) AS n FROM staged GROUP BY date';
      expect(await findings(warehouse, target, of, [day(2)], { all: { type: 'sql', name: 'all', sql } })).toEqual([
        'all 2024-01-02 all: 1 row offends, e.g. n 2',
      ]);
    });
  });

  describe('checks', () => {
    test('of staging that is gone name it', async () => {
      await using harness = await make();
      const target = gamesTable();
      await harness.warehouse.prepareTable(target, never);
      const error = await errorOf(findings(harness.warehouse, target, { staging: 'gone' }, [day(1)], { key: { type: 'unique_key', columns: target.key } }));
      expect([error.code, error.missing]).toEqual(['staging_missing', ['gone']]);
    });

    test('take SQL as people write it: WITH in front, a semicolon or a comment behind, an expectation that is NULL', async () => {
      await using harness = await make();
      const target = gamesTable();
      await harness.warehouse.prepareTable(target, never);
      await stageRows(harness.warehouse, target, 's', [day(1)], [game(day(1), 'a')]);
      const checks = {
        nothing: { type: 'row_count', sql: "SELECT DATE '2024-01-01' AS date, CAST(NULL AS INT64) AS expected;" },
        keys: { type: 'expected_keys', columns: ['game_id'], sql: "WITH k AS (SELECT 'b' AS id) SELECT @start_date AS date, id AS game_id FROM k -- who else" },
        low: { type: 'sql', name: 'low', sql: 'WITH low AS (SELECT * FROM staged WHERE points < 1000) SELECT game_date AS date, game_id FROM low;\n' },
      } as const;
      expect(await findings(harness.warehouse, target, { staging: 's' }, [day(1)], checks)).toEqual([
        'nothing 2024-01-01 1 row, expected 0',
        'keys 2024-01-01 game b missing (1 of 1 expected)',
        'low 2024-01-01 low: 1 row offends, e.g. game a',
      ]);
    });

    test('show offending rows of any type, those without a value last', async () => {
      await using harness = await make();
      const target = gamesTable([column('quarters', 'ARRAY<INT64>'), column('raw', 'JSON')]);
      await harness.warehouse.prepareTable(target, never);
      const rows = [null, 7, 3].map((points, index) => ({ ...game(day(1), `g${index % 2}`, points), quarters: [points ?? 0], raw: null }));
      await stageRows(harness.warehouse, target, 's', [day(1)], rows);
      const checks = [
        { id: 'raw', check: { type: 'required', columns: ['raw'] } },
        { id: 'range', check: { type: 'not_null', columns: ['points'], minRatio: 1 } },
        { id: 'all', check: { type: 'accepted_range', column: 'points', min: 100 } },
      ] as const;
      const { findings: found } = await harness.warehouse.runChecks({ target, subject: { staging: 's' }, dates: [day(1)], sources: [], checks }, never);
      expect(found.map(({ checkId, message }) => `${checkId} ${message}`)).toEqual([
        'raw raw NULL on 3 of 3 rows',
        'range points NULL on 1 of 3 rows',
        'all points below 100 on 2 of 3 rows',
      ]);
      expect(found[2]?.examples).toEqual([
        { game_id: 'g0', points: 3 },
        { game_id: 'g1', points: 7 },
      ]);
    });

    test('show at most five examples of a date', async () => {
      await using harness = await make();
      const target = gamesTable();
      await harness.warehouse.prepareTable(target, never);
      await stageRows(
        harness.warehouse,
        target,
        's',
        [day(1)],
        Array.from({ length: 9 }, (_, index) => game(day(1), `g${index}`, null)),
      );
      const { findings: found } = await harness.warehouse.runChecks(
        { target, subject: { staging: 's' }, dates: [day(1)], sources: [], checks: [{ id: 'r', check: { type: 'required', columns: ['points'] } }] },
        never,
      );
      expect(found[0]).toMatchObject({ offending: 9, message: 'points NULL on 9 of 9 rows' });
      expect(found[0]?.examples).toEqual(Array.from({ length: 5 }, (_, index) => ({ game_id: `g${index}`, points: null })));
    });
  });
};
