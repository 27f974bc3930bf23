INSERT INTO _floodgate_staging.segment_3
SELECT CAST($staging AS BIGINT), "game_id", "game_date", "team", "points", "pace", "quarters", "raw", hash("game_id", "game_date", "team", "points", round("pace", 6), list_transform("quarters", lambda v: round(v, 6)), "raw")
FROM (
  SELECT "game_id" AS "game_id", "game_date" AS "game_date", "team" AS "team", CAST("points" AS BIGINT) AS "points", "pace" AS "pace", "quarters" AS "quarters", "raw" AS "raw"
  FROM (
SELECT * FROM "nba"."games" WHERE "game_date" BETWEEN CAST($start_date AS DATE) AND CAST($end_date AS DATE)
  )
)
WHERE "game_date" IN (DATE '2024-01-14', DATE '2024-01-17') OR "game_date" IS NULL OR "game_date" < DATE '2024-01-14' OR "game_date" > DATE '2024-01-17'
