SELECT `date`, generation, content_hash, `rows`, backfill_id, UNIX_MILLIS(committed_at) AS committed_at, outcome
FROM `nba`.`_floodgate_commits_team_games`
WHERE `date` IN (DATE '2024-01-14', DATE '2024-01-15', DATE '2024-01-17')
ORDER BY `date`
