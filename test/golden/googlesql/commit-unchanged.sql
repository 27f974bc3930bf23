BEGIN TRANSACTION;
UPDATE `nba`.`_floodgate_commits_team_games`
SET generation = 12
WHERE `date` IS NULL AND generation <= 12;
ASSERT @@row_count = 1 AS 'floodgate: lane_fenced';
ASSERT (
  SELECT COALESCE(STRING_AGG(CONCAT(CAST(`date` AS STRING), ' ', CAST(generation AS STRING)), ',' ORDER BY `date`), '')
  FROM `nba`.`_floodgate_commits_team_games`
  WHERE `date` IN (DATE '2024-01-14')
) = '2024-01-14 7' AS 'floodgate: log_moved';
ASSERT (SELECT COUNTIF(`game_date` = DATE '2024-01-14') = 2 FROM `floodgate_staging`.`nba-team_games-s_1` WHERE `game_date` IN (DATE '2024-01-14')) AS 'floodgate: staged_rows';
MERGE INTO `nba`.`_floodgate_commits_team_games` AS known
USING (
  SELECT DATE '2024-01-14' AS `date`, 4294967298 AS generation, '0f' AS content_hash, 2 AS `rows`, 'o\'hara' AS backfill_id, TIMESTAMP_MILLIS(1705000000123) AS committed_at, 'unchanged' AS outcome
) AS entry
ON known.`date` = entry.`date`
WHEN MATCHED THEN
  UPDATE SET `generation` = entry.`generation`, `content_hash` = entry.`content_hash`, `rows` = entry.`rows`, `backfill_id` = entry.`backfill_id`, `committed_at` = entry.`committed_at`, `outcome` = entry.`outcome`
WHEN NOT MATCHED BY TARGET THEN
  INSERT (`date`, `generation`, `content_hash`, `rows`, `backfill_id`, `committed_at`, `outcome`) VALUES (entry.`date`, entry.`generation`, entry.`content_hash`, entry.`rows`, entry.`backfill_id`, entry.`committed_at`, entry.`outcome`);
COMMIT TRANSACTION;
SELECT `date`, generation, content_hash, `rows`, backfill_id, UNIX_MILLIS(committed_at) AS committed_at, outcome
FROM `nba`.`_floodgate_commits_team_games`
WHERE `date` IN (DATE '2024-01-14')
ORDER BY `date`;
