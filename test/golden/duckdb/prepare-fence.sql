INSERT INTO "nba"."_floodgate_commits_team_games"
SELECT NULL, 0, '', 0, '', TIMESTAMPTZ '1970-01-01 00:00:00+00', 'fence'
WHERE NOT EXISTS (SELECT 1 FROM "nba"."_floodgate_commits_team_games" WHERE "date" IS NULL)
