ALTER TABLE "nba"."team_games" ADD COLUMN "points" BIGINT
