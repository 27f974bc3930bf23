SELECT * EXCLUDE (_row_hash)
FROM (SELECT "game_id", "game_date", "team", "points", "pace", "quarters", "raw", _row_hash FROM _floodgate_staging.segment_3 WHERE _staging = 17 AND "game_date" IN (DATE '2024-01-14'))
ORDER BY "game_date", "game_id", "team"
LIMIT 20
