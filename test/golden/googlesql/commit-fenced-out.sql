BEGIN TRANSACTION;
UPDATE `nba`.`_floodgate_commits_team_games`
SET generation = 12
WHERE `date` IS NULL AND generation <= 12;
ASSERT @@row_count = 1 AS 'floodgate: lane_fenced';
ASSERT (
  SELECT COALESCE(STRING_AGG(CONCAT(CAST(`date` AS STRING), ' ', CAST(generation AS STRING)), ',' ORDER BY `date`), '')
  FROM `nba`.`_floodgate_commits_team_games`
  WHERE `date` IN (DATE '2024-01-14')
) = '2024-01-14 9999999999' AS 'floodgate: log_moved';
COMMIT TRANSACTION;
SELECT `date`, generation, content_hash, `rows`, backfill_id, UNIX_MILLIS(committed_at) AS committed_at, outcome
FROM `nba`.`_floodgate_commits_team_games`
WHERE `date` IN (DATE '2024-01-14')
ORDER BY `date`;
