WITH staged AS (
  SELECT "game_id", "game_date", "team", "points", "pace", "quarters", "raw" FROM _floodgate_staging.segment_3 WHERE _staging = CAST($staging AS BIGINT)
)
SELECT CAST(expectation."date" AS DATE) AS day, CAST(sum(expectation.expected) AS BIGINT) AS expected
FROM (
SELECT "date", 12 AS expected FROM "nba"."games"
) AS expectation
GROUP BY 1
