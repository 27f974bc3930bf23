SELECT generation FROM `nba`.`_floodgate_commits_team_games` WHERE `date` IS NULL
