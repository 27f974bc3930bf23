BEGIN TRANSACTION;
UPDATE `nba`.`_floodgate_commits_team_games`
SET generation = 12
WHERE `date` IS NULL AND generation <= 12;
ASSERT @@row_count = 1 AS 'floodgate: lane_fenced';
ASSERT (
  SELECT COALESCE(STRING_AGG(CONCAT(CAST(`date` AS STRING), ' ', CAST(generation AS STRING)), ',' ORDER BY `date`), '')
  FROM `nba`.`_floodgate_commits_team_games`
  WHERE `date` IN (DATE '2024-01-14', DATE '2024-01-15', DATE '2024-01-17')
) = '2024-01-14 7' AS 'floodgate: log_moved';
ASSERT (SELECT COUNTIF(`game_date` = DATE '2024-01-14') = 2 AND COUNTIF(`game_date` = DATE '2024-01-15') = 2 FROM `floodgate_staging`.`nba-team_games-s_1` WHERE `game_date` IN (DATE '2024-01-14', DATE '2024-01-15'))
  AND (SELECT COUNTIF(`game_date` = DATE '2024-01-17') = 2 FROM `floodgate_staging`.`nba-team_games-s_2` WHERE `game_date` IN (DATE '2024-01-17')) AS 'floodgate: staged_rows';
MERGE INTO `nba`.`team_games` AS committed
USING (
  SELECT `game_id`, `game_date`, `team`, `points`, `pace`, `price`, `won`, `ended_at`, `quarters`, `names`, `raw`, `document`, `_row_hash`, 4294967298 AS `_generation`, 'o\'hara' AS `_backfill_id` FROM `floodgate_staging`.`nba-team_games-s_1` WHERE `game_date` IN (DATE '2024-01-14', DATE '2024-01-15')
  UNION ALL
  SELECT `game_id`, `game_date`, `team`, `points`, `pace`, `price`, `won`, `ended_at`, `quarters`, `names`, `raw`, `document`, `_row_hash`, 4294967298 AS `_generation`, 'o\'hara' AS `_backfill_id` FROM `floodgate_staging`.`nba-team_games-s_2` WHERE `game_date` IN (DATE '2024-01-17')
) AS staged
ON committed.`game_date` IN (DATE '2024-01-14', DATE '2024-01-15', DATE '2024-01-17') AND committed.`game_date` = staged.`game_date` AND committed.`game_id` = staged.`game_id` AND committed.`team` = staged.`team`
WHEN MATCHED AND (committed.`_row_hash` IS NULL OR committed.`_row_hash` <> staged.`_row_hash`) THEN
  UPDATE SET `points` = staged.`points`, `pace` = staged.`pace`, `price` = staged.`price`, `won` = staged.`won`, `ended_at` = staged.`ended_at`, `quarters` = staged.`quarters`, `names` = staged.`names`, `raw` = staged.`raw`, `document` = staged.`document`, `_row_hash` = staged.`_row_hash`, `_generation` = staged.`_generation`, `_backfill_id` = staged.`_backfill_id`, `processed_at` = TIMESTAMP_MILLIS(1705000000123)
WHEN NOT MATCHED BY TARGET THEN
  INSERT (`game_id`, `game_date`, `team`, `points`, `pace`, `price`, `won`, `ended_at`, `quarters`, `names`, `raw`, `document`, `_row_hash`, `_generation`, `_backfill_id`, `processed_at`) VALUES (staged.`game_id`, staged.`game_date`, staged.`team`, staged.`points`, staged.`pace`, staged.`price`, staged.`won`, staged.`ended_at`, staged.`quarters`, staged.`names`, staged.`raw`, staged.`document`, staged.`_row_hash`, staged.`_generation`, staged.`_backfill_id`, TIMESTAMP_MILLIS(1705000000123))
WHEN NOT MATCHED BY SOURCE AND committed.`game_date` IN (DATE '2024-01-14', DATE '2024-01-15', DATE '2024-01-17') THEN DELETE;
ASSERT (SELECT COUNT(*) FROM `nba`.`team_games` WHERE `game_date` IN (DATE '2024-01-14', DATE '2024-01-15', DATE '2024-01-17')) = 6 AS 'floodgate: rows_differ';
MERGE INTO `nba`.`_floodgate_commits_team_games` AS known
USING (
  SELECT DATE '2024-01-14' AS `date`, 4294967298 AS generation, '0f' AS content_hash, 2 AS `rows`, 'o\'hara' AS backfill_id, TIMESTAMP_MILLIS(1705000000123) AS committed_at, 'committed' AS outcome
  UNION ALL
  SELECT DATE '2024-01-15' AS `date`, 4294967298 AS generation, '0f' AS content_hash, 2 AS `rows`, 'o\'hara' AS backfill_id, TIMESTAMP_MILLIS(1705000000123) AS committed_at, 'committed' AS outcome
  UNION ALL
  SELECT DATE '2024-01-17' AS `date`, 4294967298 AS generation, '0f' AS content_hash, 2 AS `rows`, 'o\'hara' AS backfill_id, TIMESTAMP_MILLIS(1705000000123) AS committed_at, 'committed' AS outcome
) AS entry
ON known.`date` = entry.`date`
WHEN MATCHED THEN
  UPDATE SET `generation` = entry.`generation`, `content_hash` = entry.`content_hash`, `rows` = entry.`rows`, `backfill_id` = entry.`backfill_id`, `committed_at` = entry.`committed_at`, `outcome` = entry.`outcome`
WHEN NOT MATCHED BY TARGET THEN
  INSERT (`date`, `generation`, `content_hash`, `rows`, `backfill_id`, `committed_at`, `outcome`) VALUES (entry.`date`, entry.`generation`, entry.`content_hash`, entry.`rows`, entry.`backfill_id`, entry.`committed_at`, entry.`outcome`);
COMMIT TRANSACTION;
SELECT `date`, generation, content_hash, `rows`, backfill_id, UNIX_MILLIS(committed_at) AS committed_at, outcome
FROM `nba`.`_floodgate_commits_team_games`
WHERE `date` IN (DATE '2024-01-14', DATE '2024-01-15', DATE '2024-01-17')
ORDER BY `date`;
