WITH staged AS NOT MATERIALIZED (
  SELECT "game_id", "game_date", "team", "points", "pace", "quarters", "raw" FROM _floodgate_staging.segment_3 WHERE _staging = CAST($staging AS BIGINT)
), expectation AS (
  SELECT DISTINCT CAST("date" AS DATE) AS _date, "game_id", "team"
  FROM (
SELECT "date", game_id, team FROM "nba"."games"
)
), judged AS (
  SELECT *, EXISTS (SELECT 1 FROM staged WHERE staged."game_date" = expectation._date AND staged."game_id" = expectation."game_id" AND staged."team" = expectation."team") AS _found
  FROM expectation
)
SELECT _date, count(*) AS expected, count(*) FILTER (WHERE NOT _found) AS missing,
  list({'game_id': "game_id", 'team': "team"} ORDER BY "game_id", "team") FILTER (WHERE NOT _found)[1:5] AS examples
FROM judged
GROUP BY 1
