INSERT INTO "_floodgate_preserved"."nba__team_games" (_staging, "game_id", "game_date", "team", "points", "pace", "quarters", "raw", _row_hash)
SELECT 'kept_o''hara', *
FROM (SELECT "game_id", "game_date", "team", "points", "pace", "quarters", "raw", _row_hash FROM _floodgate_staging.segment_3 WHERE _staging = 17 AND "game_date" IN (DATE '2024-01-14'))
