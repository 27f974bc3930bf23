INSERT INTO _floodgate_staging.segment_3
SELECT CAST($staging AS BIGINT), "game_id", "game_date", "team", "points", "pace", "quarters", "raw", hash("game_id", "game_date", "team", "points", round("pace", 6), list_transform("quarters", lambda v: round(v, 6)), "raw")
FROM (
  SELECT "game_id" AS "game_id", "game_date" AS "game_date", "team" AS "team", "points" AS "points", "pace" AS "pace", "quarters" AS "quarters", from_base64("raw") AS "raw"
  FROM (
SELECT unnest(from_json_strict($rows, '[{"game_id":"VARCHAR","game_date":"DATE","team":"VARCHAR","points":"BIGINT","pace":"DOUBLE","quarters":"DOUBLE[]","raw":"VARCHAR"}]'), recursive := true)
  )
)
