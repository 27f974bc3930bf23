WITH staged AS NOT MATERIALIZED (
  SELECT "game_id", "game_date", "team", "points", "pace", "quarters", "raw" FROM _floodgate_staging.segment_3 WHERE _staging = CAST($staging AS BIGINT)
), keys AS (
  SELECT "game_date" AS _day, "game_date", "game_id", "team", count(*) AS _rows
  FROM staged
  WHERE "game_date" IN (DATE '2024-01-14', DATE '2024-01-17')
  GROUP BY ALL
  HAVING count(*) > 1
)
SELECT *, CAST(sum(_rows) OVER (PARTITION BY _day) AS BIGINT) AS _all_rows, count(*) OVER (PARTITION BY _day) AS _all_keys
FROM keys
QUALIFY row_number() OVER (PARTITION BY _day ORDER BY "game_date", "game_id", "team") <= 5
ORDER BY ALL
