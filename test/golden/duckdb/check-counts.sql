WITH staged AS NOT MATERIALIZED (
  SELECT "game_id", "game_date", "team", "points", "pace", "quarters", "raw" FROM _floodgate_staging.segment_3 WHERE _staging = CAST($staging AS BIGINT)
)
SELECT 0 AS part, "game_date" AS day, [CAST(count(*) AS BIGINT), CAST(list_unique(list(hash("game_date", "game_id", "team"))) AS BIGINT), CAST(count(*) FILTER (WHERE "points" IS NULL) AS BIGINT), CAST(count(*) FILTER (WHERE "pace" IS NULL OR isnan("pace")) AS BIGINT)] AS counts
FROM _floodgate_staging.segment_3 WHERE _staging = CAST($staging AS BIGINT)
GROUP BY 2
UNION ALL
SELECT 1 AS part, CAST(expectation."date" AS DATE) AS day, [CAST(sum(expectation.expected) AS BIGINT)] AS counts
FROM (
SELECT "date", 12 AS expected FROM "nba"."games"
) AS expectation
GROUP BY 2
UNION ALL
SELECT 2 AS part, _date AS day, [CAST(count(*) AS BIGINT), CAST(count(*) FILTER (WHERE _side = 1) AS BIGINT)] AS counts
FROM (
  SELECT _date, bit_or(_side) AS _side
  FROM (
    SELECT CAST("date" AS DATE) AS _date, "game_id", "team", CAST(1 AS UTINYINT) AS _side
    FROM (
SELECT "date", game_id, team FROM "nba"."games"
)
    UNION ALL
    SELECT "game_date", "game_id", "team", CAST(2 AS UTINYINT)
    FROM staged
    WHERE "game_id" IS NOT NULL AND "team" IS NOT NULL
  )
  GROUP BY _date, "game_id", "team"
)
WHERE _side <> 2
GROUP BY 2
UNION ALL
SELECT 3 AS part, CAST(NULL AS DATE) AS day, [CAST(count(*) AS BIGINT)] AS counts
FROM (
SELECT game_date AS "date", team FROM staged WHERE points > 200
)
