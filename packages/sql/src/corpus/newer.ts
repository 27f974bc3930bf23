/** What was added for whole statements: NUMERIC, JSON, bits, LAST_DAY by part, modifiers the parser misplaces. */
export const JSON_CASES: readonly string[] = [
  `SELECT JSON_VALUE('{"a": {"b": [1, "x", null, true]}}', '$.a.b[0]') AS a, JSON_VALUE('{"a": "t"}', '$.a') AS b, JSON_VALUE('{"a": null}', '$.a') AS c, JSON_VALUE('{"a": {}}', '$.a') AS e, JSON_VALUE('{"a":1.5}', '$.a') AS f, JSON_VALUE('bad', '$.a') AS g, JSON_VALUE('"s"') AS h`,
  `SELECT JSON_VALUE('{"c":1.0}', '$.c') AS c, JSON_VALUE('{"e":12345678901234567890}', '$.e') AS e, JSON_VALUE('{"a":1,"a":2}', '$.a') AS h, JSON_VALUE('[1,[2]]', '$[1][0]') AS k, JSON_VALUE('true') AS l, JSON_VALUE('{"a b":1}', '$."a b"') AS m, JSON_VALUE('{"a":-0.5}', '$.b') AS z, JSON_VALUE(NULL, '$.a') AS n`,
  `SELECT JSON_QUERY('{"a": {"b": [1,  "x"], "c" : null}}', '$.a') AS e, JSON_QUERY('{"a":"x"}', '$.a') AS f, JSON_QUERY('{"a":null}', '$.a') AS g, JSON_QUERY('{"a":1.5}', '$.a') AS h, JSON_EXTRACT('{"a":null}', '$.a') AS i, JSON_EXTRACT_SCALAR('{"a":[1]}', '$.a[0]') AS j`,
  `SELECT id, JSON_VALUE(TO_JSON_STRING(STRUCT(s AS a, i AS b)), '$.a') AS a, JSON_VALUE(s, '$.a') AS b, JSON_VALUE(TO_JSON_STRING(STRUCT(f)), '$.f') AS c FROM d.vals WHERE id <> 6`,
  `SELECT TO_JSON_STRING(1) AS a, TO_JSON_STRING('x"y') AS b, TO_JSON_STRING(1.5) AS c, TO_JSON_STRING(TRUE) AS e, TO_JSON_STRING(DATE '2024-01-01') AS f, TO_JSON_STRING([1, 2]) AS g, TO_JSON_STRING(STRUCT(1 AS a, 'x' AS b)) AS h, TO_JSON_STRING(TIMESTAMP '2024-01-01 10:00:00') AS k`,
  String.raw`SELECT TO_JSON_STRING(9007199254740992) AS a, TO_JSON_STRING(9007199254740993) AS b, TO_JSON_STRING(1.0) AS c, TO_JSON_STRING(1e20) AS e, TO_JSON_STRING(0.1) AS f, TO_JSON_STRING(NUMERIC '1.5') AS g, TO_JSON_STRING(NUMERIC '12345678901234567890') AS h, TO_JSON_STRING(NUMERIC '3') AS k, TO_JSON_STRING(TIMESTAMP '2024-01-01 10:00:00.123') AS l, TO_JSON_STRING(DATETIME '2024-01-01 10:00:00.5') AS m, TO_JSON_STRING('é/<>&\u2028"\\\n\t\u0001') AS o, TO_JSON_STRING(CAST(NULL AS INT64)) AS p, TO_JSON_STRING(1e-7) AS t, TO_JSON_STRING(0.30000000000000004) AS v`,
  'SELECT id, TO_JSON_STRING(STRUCT(id, s, f, n, b)) AS a FROM d.vals',
  "SELECT TO_JSON_STRING(STRUCT(1 AS a, CAST(NULL AS STRING) AS b, [1, 2] AS c, STRUCT('x' AS d) AS e)) AS a",
];

export const NUMERIC_CASES: readonly string[] = [
  "SELECT NUMERIC '10' / 3 AS a, NUMERIC '-10' / 3 AS b, 1 / NUMERIC '0.7' AS c, NUMERIC '1' / NUMERIC '3' AS e, NUMERIC '2' / 1.5 AS f, NUMERIC '0.000000001' / 2 AS g, NUMERIC '-0.000000001' / 2 AS h, NUMERIC '99999999999999999999' / 7 AS k",
  "SELECT NUMERIC '1.5' * 2.5 AS a, NUMERIC '1' + 0.1 AS b, NUMERIC '0.333333333' * NUMERIC '0.333333333' AS c, 2 * NUMERIC '1.5' AS e, -(NUMERIC '1.5') AS f, NUMERIC '3' - 1.25 AS g",
  "SELECT SAFE_DIVIDE(NUMERIC '1', 0) AS a, SAFE_DIVIDE(NUMERIC '1', 3) AS b, MOD(NUMERIC '-7.5', 2) AS c, DIV(NUMERIC '7.5', NUMERIC '0.7') AS e, MOD(7, NUMERIC '2.5') AS f, DIV(NUMERIC '-7.5', 2) AS g",
  "SELECT CAST(1.25 AS NUMERIC(3, 1)) AS a, CAST('12.345' AS NUMERIC(5, 2)) AS b, CAST(n AS NUMERIC(15, 1)) AS c FROM d.vals WHERE id <> 5",
  "SELECT TRUNC(NUMERIC '-1.999', 2) AS a, TRUNC(NUMERIC '-1.999') AS b, CEIL(NUMERIC '1.1') AS c, FLOOR(NUMERIC '-1.1') AS e, ROUND(NUMERIC '2.5') AS f, ROUND(NUMERIC '-0.125', 2) AS g, ROUND(NUMERIC '155', -1) AS h, ABS(NUMERIC '-1.5') AS k, SIGN(NUMERIC '-2') AS l",
  "SELECT COALESCE(CAST(NULL AS NUMERIC), 1.5) AS a, IF(TRUE, 0.1, NUMERIC '1') AS b, GREATEST(NUMERIC '1', 1.5) AS c, CASE WHEN FALSE THEN 1 ELSE NUMERIC '0.1' END AS e, NUMERIC '0.1' = 0.1 AS f, NUMERIC '0.3' IN (0.1, 0.3) AS g, NUMERIC '1.5' BETWEEN 1.5 AND 2 AS h, NULLIF(NUMERIC '1.5', 1.5) AS k",
];

export const NEWER_CASES: readonly string[] = [
  'SELECT id & 3 AS a, id | 8 AS b, id ^ 1 AS c, ~id AS g, -1 & i AS h FROM d.vals',
  'SELECT BIT_AND(id) AS a, BIT_OR(id) AS b, BIT_XOR(id) AS c, BIT_OR(DISTINCT i) AS e FROM d.vals',
  'SELECT ARRAY_CONCAT_AGG(xs ORDER BY id) AS a, ARRAY_CONCAT_AGG(xs ORDER BY id DESC LIMIT 2) AS b FROM d.lists',
  'SELECT LAST_DAY(d, WEEK) AS a, LAST_DAY(d, YEAR) AS b, LAST_DAY(d, QUARTER) AS c, LAST_DAY(d, MONTH) AS m FROM d.dates',
  "SELECT ASCII(x) AS a, ASCII('') AS a0, CHR(233) AS e, TO_BASE64(MD5(s)) AS h, REGEXP_SUBSTR(s, 'l+') AS k, OCTET_LENGTH(s) AS m, FROM_HEX('0aF') AS f, FROM_BASE64('YWJj') AS b FROM d.vals",
  'SELECT SAFE_NEGATE(i) AS b, SAFE_NEGATE(f) AS c, SAFE_NEGATE(-9223372036854775807) AS e FROM d.vals',
  'SELECT id, RANGE_BUCKET(20, [0, 10, 20, 30]) AS a, RANGE_BUCKET(i, [0, 5, 6]) AS b, RANGE_BUCKET(1, CAST(NULL AS ARRAY<INT64>)) AS c FROM d.vals',
  "SELECT x FROM UNNEST(GENERATE_TIMESTAMP_ARRAY(TIMESTAMP '2024-01-01', TIMESTAMP '2024-01-01 05:00:00', INTERVAL 2 HOUR)) AS x",
  "SELECT b, ARRAY_AGG(NULLIF(x, 'a') IGNORE NULLS ORDER BY id) AS a FROM d.vals GROUP BY b",
  'SELECT ARRAY_FIRST(xs) AS a, ARRAY_LAST(xs) AS b FROM d.lists WHERE id <> 2',
  "SELECT IF(id > 0, x, ERROR('no')) AS a FROM d.vals",
  "SELECT t.a, t.b FROM (SELECT AS STRUCT 1 AS a, 'x' AS b) AS t",
  'SELECT r.* FROM (SELECT ARRAY_AGG(g ORDER BY pts DESC, game_id LIMIT 1)[OFFSET(0)] AS r FROM d.games AS g GROUP BY team_id)',
  'SELECT id, i / -7 AS a, f / -2 AS b, MOD(i, -3) AS c FROM d.vals',
  'SELECT * FROM UNNEST([STRUCT(1 AS a, 2 AS b), STRUCT(3, 4)]) AS x',
  "SELECT id, x, o FROM d.lists AS l CROSS JOIN UNNEST(l.ss) AS x WITH OFFSET AS o WHERE x IS NULL OR x <> 'a'",
  'SELECT id, (SELECT AS STRUCT MIN(x) AS low, MAX(x) AS high FROM UNNEST(xs) AS x).high AS a FROM d.lists',
  // The formulas of a basketball pipeline.
  'SELECT team_id, ROUND(100 * (pts + 0.44 * 20 + 3) * 48 / NULLIF(pace * 5, 0), 2) AS usage_rate, ROUND(SAFE_DIVIDE(pts, 2 * (pts * 0.4 + 0.44 * 20)), 3) AS ts_pct FROM d.games',
  "WITH ranked AS (SELECT *, ROW_NUMBER() OVER (PARTITION BY team_id ORDER BY game_date DESC) AS n FROM d.games WHERE game_date < @end_date) SELECT team_id, ROUND(AVG(IF(n <= 2, pts, NULL)), 1) AS last_2, ROUND(STDDEV(pts), 3) AS deviation, COUNTIF(won) AS wins, ARRAY_AGG(game_date ORDER BY game_date DESC LIMIT 2) AS dates, IF(COUNT(*) >= 2, 'high', 'low') AS tier FROM ranked GROUP BY team_id",
  "SELECT game_id, LOWER(REGEXP_REPLACE(NORMALIZE('Luka Dončić Jr.', NFD), r'[^A-Za-z]', '')) AS player_lookup, CONCAT(FORMAT_DATE('%Y%m%d', game_date), '_', game_id) AS id, IF(EXTRACT(MONTH FROM game_date) >= 10, EXTRACT(YEAR FROM game_date), EXTRACT(YEAR FROM game_date) - 1) AS season_year FROM d.games",
  'SELECT team_id, game_date, DATE_DIFF(game_date, LAG(game_date) OVER w, DAY) - 1 AS days_rest, COUNT(*) OVER (PARTITION BY team_id ORDER BY UNIX_DATE(game_date) RANGE BETWEEN 7 PRECEDING AND 1 PRECEDING) AS games_in_last_7 FROM d.games WHERE team_id IS NOT NULL WINDOW w AS (PARTITION BY team_id ORDER BY game_date)',
  "SELECT SUBSTR(TO_HEX(SHA256(CONCAT(game_id, '|', IFNULL(CAST(pts AS STRING), 'null')))), 1, 16) AS data_hash FROM d.games",
  "SELECT CAST(SPLIT('36:30', ':')[OFFSET(0)] AS INT64) + CAST(SPLIT('36:30', ':')[OFFSET(1)] AS INT64) / 60 AS minutes, SAFE_CAST('x' AS INT64) AS bad, SAFE.PARSE_DATE('%Y-%m-%d', '2024-13-01') AS d",
  'SELECT team_id, ANY_VALUE(pts HAVING MAX game_date) AS latest, MAX(IF(won, game_date, NULL)) AS last_win, LOGICAL_OR(pts > 115) AS high, COUNT(DISTINCT game_id) AS games FROM d.games GROUP BY team_id HAVING COUNT(*) > 1',
  'SELECT day, (SELECT COUNT(*) FROM d.games AS g WHERE g.game_date = day) AS games FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, DATE_ADD(@start_date, INTERVAL 6 DAY))) AS day',
];

/** Only with the types of columns: through translateStatement. */
export const TYPED_CASES: readonly string[] = [
  "SELECT AVG(x) AS a, SUM(x) AS b, AVG(DISTINCT x) AS c FROM UNNEST([NUMERIC '1', NUMERIC '2', NUMERIC '2']) AS x",
  "SELECT id, n / 3 AS a, n / NUMERIC '0.7' AS b, 1 / (n + 1000) AS c FROM d.vals WHERE id <> 5",
  'SELECT id, SAFE_DIVIDE(n, 3) AS a, SAFE_DIVIDE(n, 0) AS b, SAFE_DIVIDE(n, f) AS c, SAFE_DIVIDE(i, n) AS e FROM d.vals',
  'SELECT AVG(n) AS a, SUM(n) AS b, MIN(n) AS c, MAX(n) AS e, COUNT(n) AS c2 FROM d.vals',
  'SELECT id, AVG(n) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS a, SUM(n) OVER (PARTITION BY b ORDER BY id) AS s FROM d.vals',
  'SELECT id, n * 2 AS a, n * n AS b, n + 1 AS c, n - i AS e, -n AS f, n * f AS g, ABS(n) AS h, SIGN(n) AS k FROM d.vals WHERE id <> 5',
  'SELECT id, ROUND(n) AS a, ROUND(n, 2) AS b, ROUND(n, -1) AS c, TRUNC(n) AS e, TRUNC(n, 1) AS f, CEIL(n) AS g, FLOOR(n) AS h FROM d.vals',
  "SELECT id, MOD(n, 3) AS a, DIV(n, 3) AS b, MOD(i, NUMERIC '2.5') AS c FROM d.vals",
  'SELECT id, NULLIF(n, f) AS a, NULLIF(i, 2.5) AS b, NULLIF(i, n) AS c, NULLIF(3.7 + n, f) / 2 AS e FROM d.vals',
  'SELECT n * 1e3 AS a, n + 2.5e-2 AS b, n / 1E1 AS c, .5 + n AS e FROM d.vals WHERE id <> 5',
  'SELECT n * 2.5 AS a, n + 1.5 AS b, n / 1.5 AS c FROM d.vals WHERE id = 1',
  'WITH q AS (SELECT id, n AS m FROM d.vals UNION ALL SELECT 9, 3), r AS (SELECT *, m / 3 AS k FROM q) SELECT r.id, k * m AS a, (SELECT AVG(m) FROM q) AS b FROM r WHERE id <> 5',
  'SELECT l.id, r.id, l.n / 3 AS a, IF(r.b, l.n / 7, 0) AS c FROM d.vals AS l FULL JOIN d.vals AS r ON l.id = r.j WHERE l.id <> 5 OR l.id IS NULL',
  'SELECT TO_JSON_STRING(ARRAY_AGG(STRUCT(id, s, n) ORDER BY id)) AS a FROM d.vals',
  'SELECT id, TO_JSON_STRING(xs) AS a, TO_JSON_STRING(ss) AS b, TO_JSON_STRING(STRUCT(xs, ss AS names)) AS c FROM d.lists',
  "SELECT x, FARM_FINGERPRINT(REPEAT('abcdé', x)) AS a FROM UNNEST(GENERATE_ARRAY(0, 60)) AS x",
  "SELECT x, FARM_FINGERPRINT(REPEAT('q', x)) AS a FROM UNNEST(GENERATE_ARRAY(0, 200)) AS x",
  'SELECT id, MOD(ABS(FARM_FINGERPRINT(s)), 10) AS bucket, FARM_FINGERPRINT(MD5(s)) AS b FROM d.vals',
  'SELECT b, ARRAY_AGG(DISTINCT MOD(i, 2) IGNORE NULLS) AS c FROM d.vals GROUP BY b',
  'SELECT * EXCEPT (s, t, x), n / 3 AS third FROM d.vals WHERE id <> 5',
  'SELECT MAX(n / 3) OVER (PARTITION BY b) AS a, SUM(n * 0.44) OVER (ORDER BY id) AS c FROM d.vals WHERE id <> 5',
];
