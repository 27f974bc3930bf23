import { describe, expect, test } from 'vitest';
import { analyzeSelect } from './analyze.ts';
import type { ReadWindow } from './analyze.ts';

const partitionColumns = (table: string): string | undefined => (table === 'd.teams' || table === 'staged' ? undefined : 'game_date');

function analyze(sql: string) {
  const result = analyzeSelect(sql, partitionColumns);
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('; '));
  return result;
}
function windowsOf(sql: string): Record<string, ReadWindow | null> {
  return Object.fromEntries(analyze(sql).tables.map(({ table, window }) => [table, window]));
}
const days = (fromDays: number | 'unbounded', toDays: number | 'unbounded'): ReadWindow => ({ fromDays, toDays });
const ALL = days('unbounded', 'unbounded');

describe('the window of a table', () => {
  test.each<[predicate: string, window: ReadWindow | null]>([
    ['game_date BETWEEN @start_date AND @end_date', days(0, 0)],
    ['g.game_date BETWEEN DATE_SUB(@start_date, INTERVAL 30 DAY) AND @end_date', days(-30, 0)],
    ['game_date = @start_date', days(0, 0)],
    ['@start_date = game_date', days(0, 0)],
    ['game_date >= @start_date AND game_date < @end_date', days(0, -1)],
    ['game_date < @start_date AND game_date >= DATE_SUB(@start_date, INTERVAL 2 WEEK)', days(-14, -1)],
    ['DATE_SUB(@start_date, INTERVAL 1 MONTH) <= game_date AND @end_date >= game_date', days(-31, 0)],
    ['game_date > @start_date - 8 AND game_date <= @end_date - 1', days(-7, -1)],
    ['DATE_ADD(game_date, INTERVAL 3 DAY) BETWEEN @start_date AND @end_date', days(-3, -3)],
    ['game_date BETWEEN DATE_TRUNC(@start_date, MONTH) AND @end_date', days(-30, 0)],
    ['DATE_DIFF(@start_date, game_date, DAY) BETWEEN 1 AND 30', days(-30, -1)],
    ['DATE_DIFF(@end_date, game_date, DAY) <= 7 AND game_date < @end_date', days(-7, -1)],
    ['(game_date >= @start_date AND (game_date <= @end_date))', days(0, 0)],
    ['game_date <= @end_date', days('unbounded', 0)],
    ['game_date >= @start_date', days(0, 'unbounded')],
    ["game_date >= '2021-10-01' AND game_date <= @end_date", days('unbounded', 0)],
    ['game_date IS NOT NULL', ALL],
    ['team = 1', ALL],
    ['EXTRACT(YEAR FROM game_date) = 2024', null],
    ['game_date = @start_date OR team = 1', null],
    ['game_date NOT BETWEEN @start_date AND @end_date', null],
    ['game_date BETWEEN @start_date AND @end_date AND EXTRACT(YEAR FROM game_date) = 2024', days(0, 0)],
  ])('of %s', (predicate, window) => {
    expect(windowsOf(`SELECT x FROM d.g AS g WHERE ${predicate}`)).toEqual({ 'd.g': window });
  });

  const bounded = 'd.game_date BETWEEN @start_date AND @end_date';
  test.each<[join: string, sql: string, history: ReadWindow | null]>([
    ['an equality', `FROM d.d AS d JOIN d.h AS h ON h.game_date = d.game_date WHERE ${bounded}`, days(0, 0)],
    ['USING', 'FROM d.d AS d JOIN d.h AS h USING (game_date) WHERE d.game_date BETWEEN @start_date AND @end_date', days(0, 0)],
    [
      'a range before it',
      `FROM d.d AS d JOIN d.h AS h ON h.game_date < d.game_date AND h.game_date >= DATE_SUB(d.game_date, INTERVAL 30 DAY) WHERE ${bounded}`,
      days(-30, -1),
    ],
    [
      'a left join',
      `FROM d.d AS d LEFT JOIN d.h AS h ON h.game_date < d.game_date AND DATE_DIFF(d.game_date, h.game_date, DAY) <= 5 WHERE ${bounded}`,
      days(-5, -1),
    ],
    ['a comma', `FROM d.d AS d, d.h AS h WHERE h.game_date = d.game_date AND ${bounded}`, days(0, 0)],
    ['a right join, which reads its right side whole', `FROM d.d AS d RIGHT JOIN d.h AS h ON h.game_date = d.game_date AND ${bounded}`, ALL],
    ['a full join, which reads both whole', 'FROM d.d AS d FULL JOIN d.h AS h ON h.game_date = d.game_date AND h.game_date = @start_date', ALL],
  ])('goes through %s', (_name, sql, history) => {
    expect(windowsOf(`SELECT h.x ${sql}`)['d.h']).toEqual(history);
  });

  test('a left join does not bound its left side', () => {
    expect(windowsOf('SELECT d.x FROM d.d AS d LEFT JOIN d.h AS h ON d.game_date = h.game_date AND h.game_date = @start_date')).toEqual({
      'd.d': ALL,
      'd.h': days(0, 0),
    });
  });

  test('composes through CTEs, renamed columns and subqueries', () => {
    const sql = `
      WITH recent AS (SELECT game_date AS day, team FROM d.h), today AS (SELECT * FROM d.d WHERE game_date = @end_date)
      SELECT t.x, (SELECT COUNT(*) FROM d.w AS w WHERE w.game_date BETWEEN DATE_SUB(t.game_date, INTERVAL 6 DAY) AND t.game_date) AS n
      FROM today AS t JOIN (SELECT day, team FROM recent) AS r ON r.day BETWEEN t.game_date - 3 AND t.game_date - 1`;
    expect(windowsOf(sql)).toEqual({ 'd.h': days(-3, -1), 'd.d': days(0, 0), 'd.w': days(-6, 0) });
  });

  test('a filter around a window function or LIMIT does not bound what it has read', () => {
    expect(windowsOf('WITH f AS (SELECT game_date, AVG(x) OVER (ORDER BY game_date) AS a FROM d.g) SELECT a FROM f WHERE game_date = @start_date')).toEqual({
      'd.g': ALL,
    });
    expect(windowsOf('SELECT 1 FROM (SELECT game_date FROM d.g LIMIT 5) WHERE game_date = @start_date')).toEqual({ 'd.g': ALL });
  });

  test('a filter around GROUP BY, UNION and DISTINCT does', () => {
    expect(windowsOf('SELECT n FROM (SELECT game_date, COUNT(*) AS n FROM d.g GROUP BY game_date) WHERE game_date = @start_date')).toEqual({
      'd.g': days(0, 0),
    });
    const union = 'SELECT 1 FROM (SELECT game_date FROM d.g UNION ALL SELECT game_date FROM d.h) WHERE game_date = @start_date';
    expect(windowsOf(union)).toEqual({ 'd.g': days(0, 0), 'd.h': days(0, 0) });
  });

  test('a union joined to another table reads as wide as its widest side', () => {
    const sql = `WITH u AS (SELECT game_date FROM d.a WHERE game_date = @start_date UNION ALL SELECT game_date FROM d.b WHERE game_date = DATE_SUB(@start_date, INTERVAL 9 DAY))
      SELECT h.x FROM u JOIN d.h AS h ON h.game_date = u.game_date`;
    expect(windowsOf(sql)['d.h']).toEqual(days(-9, 0));
  });

  test('a CTE that is read twice reads what both need', () => {
    const sql =
      'WITH c AS (SELECT game_date FROM d.g) SELECT 1 FROM c AS a, c AS b WHERE a.game_date = @start_date AND b.game_date = DATE_SUB(@start_date, INTERVAL 2 DAY)';
    expect(windowsOf(sql)).toEqual({ 'd.g': days(-2, 0) });
  });

  test('a list of dates bounds what is joined to it', () => {
    const sql = 'SELECT g.x FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day JOIN d.g AS g ON g.game_date BETWEEN day - 4 AND day';
    expect(windowsOf(sql)).toEqual({ 'd.g': days(-4, 0) });
  });

  test('is null for a table without a partition column', () => {
    expect(windowsOf('SELECT * FROM d.teams JOIN staged USING (team_id)')).toEqual({ 'd.teams': null, staged: null });
  });
});

describe('tables, parameters, columns', () => {
  test('one entry per reference, with its line; CTE names are no tables', () => {
    const { tables } = analyze('WITH c AS (\n  SELECT x FROM d.a\n)\nSELECT c.x\nFROM c\nJOIN `d`.`b` AS b USING (x)\nJOIN `d.a` USING (x)');
    expect(tables.map(({ table, line }) => [table, line])).toEqual([
      ['d.a', 2],
      ['d.b', 6],
      ['d.a', 7],
    ]);
  });

  test('an unused CTE is reported too, a set operation with WITH reads its CTE once', () => {
    expect(analyze('WITH a AS (SELECT 1 FROM d.a), b AS (SELECT * FROM a) SELECT 1 FROM d.c').tables.map(({ table }) => table)).toEqual(['d.a', 'd.c']);
    expect(windowsOf('WITH a AS (SELECT game_date FROM d.a) SELECT 1 UNION ALL SELECT 2 FROM a WHERE game_date = @start_date')).toEqual({ 'd.a': days(0, 0) });
  });

  test('parameters once each, by first use', () => {
    expect(analyze("SELECT @b, @a, '@c' FROM d.g WHERE x = @b -- @d").parameters).toEqual(['b', 'a']);
  });

  test.each<[sql: string, columns: readonly string[] | null]>([
    ['SELECT a, t.b, c AS d, s.x.y, 1 + 1, COUNT(*) FROM d.g AS t', ['a', 'b', 'd', 'y', 'f0_', 'f1_']],
    ['SELECT * FROM d.g', null],
    ['WITH c AS (SELECT a, b FROM d.g) SELECT * EXCEPT (a), 1 AS z FROM c', ['b', 'z']],
    ['SELECT c.*, g.x FROM (SELECT 1 AS a) AS c, d.g AS g', ['a', 'x']],
    ['SELECT a FROM d.g UNION ALL SELECT b FROM d.h', ['a']],
    ['SELECT * REPLACE (1 AS a) FROM (SELECT 2 AS a, 3 AS b)', ['a', 'b']],
  ])('columns of %s', (sql, columns) => {
    expect(analyze(sql).columns).toEqual(columns);
  });

  test('names what is not deterministic, outside strings and comments', () => {
    expect(analyze("SELECT CURRENT_DATE, RAND(), 'CURRENT_TIME()', rand /* GENERATE_UUID() */ FROM d.g").nondeterministic).toEqual(['CURRENT_DATE', 'RAND']);
  });

  test('a syntax error is a problem with its place', () => {
    expect(analyzeSelect('SELECT a\nFROM WHERE', partitionColumns)).toMatchObject({ ok: false, problems: [{ construct: 'syntax', line: 2 }] });
  });
});
