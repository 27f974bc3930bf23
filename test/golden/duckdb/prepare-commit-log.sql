CREATE TABLE IF NOT EXISTS "nba"."_floodgate_commits_team_games" (
  "date" DATE,
  generation BIGINT NOT NULL,
  content_hash VARCHAR NOT NULL,
  "rows" BIGINT NOT NULL,
  backfill_id VARCHAR NOT NULL,
  committed_at TIMESTAMP WITH TIME ZONE NOT NULL,
  outcome VARCHAR NOT NULL
)
