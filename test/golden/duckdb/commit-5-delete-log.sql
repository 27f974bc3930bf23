DELETE FROM "nba"."_floodgate_commits_team_games"
WHERE "date" IN (DATE '2024-01-14', DATE '2024-01-17')
