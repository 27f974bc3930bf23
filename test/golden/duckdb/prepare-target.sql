CREATE TABLE "nba"."team_games" (
  "game_id" VARCHAR NOT NULL,
  "game_date" DATE NOT NULL,
  "team" VARCHAR NOT NULL,
  "points" BIGINT,
  "pace" DOUBLE,
  "quarters" DOUBLE[],
  "raw" BLOB,
  "_row_hash" UBIGINT,
  "_generation" BIGINT,
  "_backfill_id" VARCHAR,
  "processed_at" TIMESTAMP WITH TIME ZONE
)
