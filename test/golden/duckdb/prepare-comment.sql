COMMENT ON COLUMN "nba"."team_games"."points" IS 'what "points" isn''t'
