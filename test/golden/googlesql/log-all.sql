SELECT `date`, generation, content_hash, `rows`, backfill_id, UNIX_MILLIS(committed_at) AS committed_at, outcome
FROM `nba`.`_floodgate_commits_team_games`
WHERE `date` IS NOT NULL
ORDER BY `date`
