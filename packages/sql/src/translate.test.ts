import { describe, expect, test } from 'vitest';
import { translateSelect } from './translate.ts';

function translate(sql: string): string {
  const result = translateSelect(sql);
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('; '));
  return result.sql;
}
function problemsOf(sql: string) {
  const result = translateSelect(sql);
  return result.ok ? [] : result.problems;
}

describe('tables and parameters', () => {
  test.each(['d.t', '`d.t`', '`d`.`t`', 'd.`t`'])('%s becomes schema and table, called by its last name', (table) => {
    expect(translate(`SELECT t.a FROM ${table}`)).toBe('SELECT "t"."a" AS "a"\nFROM "d"."t" AS "t"');
  });

  test('named parameters come in the order of their use, dates typed so that DuckDB can shift them', () => {
    const result = translateSelect('SELECT @n AS n FROM d.t WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 30 DAY) AND @end_date');
    expect(result).toEqual({
      ok: true,
      parameters: ['n', 'start_date', 'end_date'],
      sql: 'SELECT $n AS "n"\nFROM "d"."t" AS "t"\nWHERE ("game_date" BETWEEN (CAST($start_date AS DATE) - 30) AND CAST($end_date AS DATE))',
    });
  });

  test('the types of other parameters can be given', () => {
    expect(translateSelect('SELECT @n / 2 AS h', { n: 'INT64' })).toMatchObject({ sql: 'SELECT (CAST($n AS BIGINT) / 2) AS "h"' });
  });

  test('a bare name is left to whoever runs the statement', () => {
    expect(translate('SELECT a FROM staged')).toBe('SELECT "a" AS "a"\nFROM "staged" AS "staged"');
  });
});

describe('refusals', () => {
  test.each<[sql: string, construct: string, message: RegExp]>([
    ['SELECT FARM_FINGERPRINT(a) FROM d.t', 'FARM_FINGERPRINT', /TO_HEX\(MD5/u],
    ['SELECT CURRENT_DATE()', 'CURRENT_DATE', /nondeterministic/u],
    ['SELECT CURRENT_DATE', 'CURRENT_DATE', /nondeterministic/u],
    ['SELECT CURRENT_TIMESTAMP()', 'CURRENT_TIMESTAMP', /nondeterministic/u],
    ['SELECT CURRENT_DATETIME()', 'CURRENT_DATETIME', /nondeterministic/u],
    ['SELECT RAND()', 'RAND', /nondeterministic/u],
    ['SELECT rows FROM d.t', 'ROWS as a name', /`rows`/u],
    ['SELECT a AS Lookup FROM d.t', 'LOOKUP as a name', /`Lookup`/u],
    ['SELECT rows.a FROM d.t AS rows', 'ROWS as a name', /`rows`/u],
    ['SELECT STRUCT(a AS rows) AS s FROM d.t', 'ROWS as a name', /`rows`/u],
    ['WITH of AS (SELECT 1 AS a) SELECT a FROM of', 'OF as a name', /`of`/u],
    ['SELECT GENERATE_UUID()', 'GENERATE_UUID', /nondeterministic/u],
    ['SELECT SESSION_USER()', 'SESSION_USER', /nondeterministic/u],
    ['SELECT APPROX_COUNT_DISTINCT(a) FROM d.t', 'APPROX_COUNT_DISTINCT', /COUNT\(DISTINCT x\)/u],
    ['SELECT APPROX_QUANTILES(a, 4) FROM d.t', 'APPROX_QUANTILES', /PERCENTILE_CONT/u],
    ['SELECT NET.HOST(a) FROM d.t', 'METHOD CALL', /not on the list/u],
    ['SELECT IEEE_DIVIDE(a, b) FROM d.t', 'IEEE_DIVIDE', /SAFE_DIVIDE/u],
    ['SELECT NORMALIZE(a, NFKD) FROM d.t', 'NORMALIZE', /strip accents/u],
    ['SELECT SAFE.SUBSTR(a, 1) FROM d.t', 'SAFE.SUBSTR', /SAFE_CAST/u],
    ['SELECT 5 % 2', 'MOD', /MOD\(a, b\)/u],
    ["SELECT FORMAT('%t', a) FROM d.t", 'FORMAT', /%d, %s, %f/u],
    ["SELECT FORMAT_DATE('%Q', a) FROM d.t", 'FORMAT_DATE', /%Q/u],
    ['SELECT REGEXP_CONTAINS(a, b) FROM d.t', 'REGEXP_CONTAINS', /string literal/u],
    ["SELECT REGEXP_EXTRACT(a, r'(x)(y)') FROM d.t", 'REGEXP_EXTRACT', /2 capturing groups/u],
    ["SELECT NUMERIC '1' / a FROM d.t", 'NUMERIC division', /unknown type/u],
    ["SELECT MOD(a, NUMERIC '1') FROM d.t", 'MOD', /unknown type/u],
    ["SELECT PERCENTILE_CONT(NUMERIC '1', 0.5) OVER () FROM d.t", 'PERCENTILE_CONT', /FLOAT64/u],
    ['SELECT SAFE_CAST(a AS NUMERIC(10, 2)) FROM d.t', 'NUMERIC(…)', /NUMERIC alone/u],
    ["SELECT JSON_VALUE(a, '$.b[*]') FROM d.t", 'JSON_VALUE', /path/u],
    ['SELECT JSON_VALUE(a, b) FROM d.t', 'JSON_VALUE', /path/u],
    ["SELECT TO_JSON_STRING(b'a')", 'TO_JSON_STRING', /BYTES/u],
    ['SELECT a FROM d.t UNPIVOT(v FOR k IN (a, b))', 'UNPIVOT', /UNPIVOT/u],
    ['SELECT a << 1 FROM d.t', 'BITWISE LEFT SHIFT', /not on the list/u],
    ['SELECT STRUCT(1 AS a).* FROM d.t', '.*', /subquery/u],
    ['SELECT * FROM UNNEST(ARRAY(SELECT AS STRUCT 1 AS a)) AS x', '*', /name the columns/u],
    ["SELECT DATE '2024-01-01' - DATE '2023-01-01'", 'DATE - DATE', /DATE_DIFF/u],
    ['SELECT CAST(a AS STRING(10)) FROM d.t', 'STRING(…)', /STRING alone/u],
    ['SELECT CAST(a AS BIGNUMERIC) FROM d.t', 'BIGNUMERIC', /not supported/u],
    ["SELECT CAST(a AS STRING FORMAT 'YYYY') FROM d.t", 'CAST FORMAT', /not supported/u],
    ['SELECT a[0] FROM d.t', '[]', /OFFSET/u],
    ['SELECT ARRAY_AGG(a) OVER () FROM d.t', 'ARRAY_AGG OVER', /window function/u],
    ['SELECT SUM(a HAVING MAX b) FROM d.t', 'SUM HAVING', /HAVING/u],
    ['SELECT LAG(a IGNORE NULLS) OVER (ORDER BY b) FROM d.t', 'LAG IGNORE NULLS', /IGNORE NULLS/u],
    ['SELECT ROW_NUMBER() FROM d.t', 'ROW_NUMBER', /OVER/u],
    ['SELECT SUM(a) OVER (ORDER BY b GROUPS 1 PRECEDING) FROM d.t', 'GROUPS', /frames/u],
    ['SELECT * FROM d.t TABLESAMPLE SYSTEM (10 PERCENT)', 'table TABLE SAMPLE', /sample/u],
    ['SELECT * FROM d.t FOR SYSTEM_TIME AS OF x', 'table SYSTEM TIME', /system time/u],
    ["SELECT * FROM d.t PIVOT(SUM(a) FOR b IN ('x'))", 'PIVOT', /PIVOT/u],
    ['SELECT * FROM p.d.t', 'table name', /project/u],
    ['SELECT * FROM d.a NATURAL JOIN d.b', 'NATURAL JOIN', /NATURAL/u],
    ['SELECT 1 FROM d.a JOIN d.b', 'JOIN', /ON or USING/u],
    ['SELECT * FROM d.t AS t, UNNEST(t.xs) AS x', '*', /name the columns/u],
    ['SELECT a FROM d.t GROUP BY ROLLUP(a)', 'ROLLUP', /not on the list/u],
    ['SELECT a FROM d.t GROUP BY ALL', 'GROUP BY ALL', /not supported/u],
    ['SELECT a::INT64 FROM d.t', 'CAST DOUBLE COLON SYNTAX', /not supported/u],
    ['SELECT 1 UNION SELECT 2', 'UNION', /ALL or DISTINCT/u],
    ['SELECT (a, b) IN ((1, 2)) FROM d.t', 'TUPLE', /not on the list/u],
    ['WITH RECURSIVE r AS (SELECT 1 AS x) SELECT x FROM r', 'WITH RECURSIVE', /recursive/u],
    ['SELECT @@x', 'PARAMETER', /not on the list/u],
    ['SELECT ?', 'PLACEHOLDER', /not on the list/u],
    ['SELECT a FROM d.t; SELECT b FROM d.t', 'script', /one statement/u],
    ['INSERT INTO d.t VALUES (1)', 'INSERT', /one SELECT/u],
    ["SELECT 'a\\q'", 'escape sequence', /escape/u],
    ["SELECT 'a", 'syntax', /not closed/u],
    ['SELECT @{hint=1} a', 'hint', /hints/u],
  ])('%s', (sql, construct, message) => {
    expect(problemsOf(sql)[0]).toMatchObject({ construct, message: expect.stringMatching(message) });
  });

  test('all problems of a statement are named, each where it stands in the given text', () => {
    const sql = "-- RAND() in a comment\nSELECT 'RAND()', rand(), /* é */ x,\n  FARM_FINGERPRINT(a), 'été',\n  RAND() FROM d.t JOIN d.u USING (a)";
    expect(problemsOf(sql).map(({ construct, line, column }) => [construct, line, column])).toEqual([
      ['RAND', 2, 18],
      ['FARM_FINGERPRINT', 3, 3],
      ['RAND', 4, 3],
    ]);
  });

  test('a syntax error has its line and column behind strings of any length', () => {
    expect(problemsOf("SELECT 'a long string that the parser never sees'\nFROM d.t WHERE WHERE")[0]).toMatchObject({
      construct: 'syntax',
      line: 2,
      column: 16,
    });
  });
});

test('a statement of a few thousand letters is translated in less than 20 ms once the parser is warm', () => {
  const columns = Array.from({ length: 60 }, (_, i) => `SAFE_DIVIDE(SUM(IF(t.a${i} > ${i}, t.b, 0)), COUNTIF(t.c${i} IS NOT NULL)) AS rate_${i}`);
  const sql = `SELECT game_date, ${columns.join(', ')} FROM d.t AS t WHERE game_date BETWEEN @start_date AND @end_date GROUP BY game_date`;
  // The fastest of many, since the machine may be busy; the parser's code is compiled during the first ones.
  const times = Array.from({ length: 60 }, () => {
    const startedAt = performance.now();
    translate(sql);
    return performance.now() - startedAt;
  });
  expect(Math.min(...times)).toBeLessThan(20);
});
