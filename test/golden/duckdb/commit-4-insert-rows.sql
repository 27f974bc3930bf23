INSERT INTO "nba"."team_games" ("game_id", "game_date", "team", "points", "pace", "quarters", "raw", "_row_hash", "_generation", "_backfill_id", "processed_at")
SELECT staged."game_id", staged."game_date", staged."team", staged."points", staged."pace", staged."quarters", staged."raw", staged._row_hash, committed.generation, committed.backfill_id, make_timestamptz(CAST($committed_at AS BIGINT) * 1000)
FROM (
  SELECT CAST(18 AS BIGINT) AS _staging, "game_id", "game_date", "team", "points", "pace", "quarters", "raw", _row_hash FROM "_floodgate_preserved"."nba__team_games" WHERE _staging = 'kept_o''hara'
  UNION ALL
  SELECT _staging, "game_id", "game_date", "team", "points", "pace", "quarters", "raw", _row_hash FROM _floodgate_staging.segment_3 WHERE _staging BETWEEN 17 AND 21
) AS staged
JOIN (VALUES
  (CAST(17 AS BIGINT), DATE '2024-01-14', CAST(4294967298 AS BIGINT), 'b_1'),
  (CAST(21 AS BIGINT), DATE '2024-01-17', CAST(4294967298 AS BIGINT), 'b_1'),
  (CAST(18 AS BIGINT), DATE '2024-01-17', CAST(4294967298 AS BIGINT), 'b_1')
) AS committed (staging, "date", generation, backfill_id)
ON staged._staging = committed.staging AND staged."game_date" = committed."date"
