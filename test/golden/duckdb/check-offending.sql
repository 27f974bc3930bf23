WITH staged AS NOT MATERIALIZED (
  SELECT "game_id", "game_date", "team", "points", "pace", "quarters", "raw" FROM _floodgate_staging.segment_3 WHERE _staging = CAST($staging AS BIGINT)
)
SELECT "game_date" AS _day, "game_id", "team", "points"
FROM staged
WHERE ("points" IS NULL) AND "game_date" IN (DATE '2024-01-14', DATE '2024-01-17')
QUALIFY row_number() OVER (PARTITION BY "game_date" ORDER BY "game_id", "team", "points") <= 5
ORDER BY ALL
