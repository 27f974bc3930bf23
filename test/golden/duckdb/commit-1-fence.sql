UPDATE "nba"."_floodgate_commits_team_games"
SET generation = $epoch
WHERE "date" IS NULL AND generation <= $epoch
