UPDATE `nba`.`_floodgate_commits_team_games`
SET generation = 12
WHERE `date` IS NULL AND generation <= 12
