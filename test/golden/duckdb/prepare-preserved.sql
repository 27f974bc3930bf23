CREATE TABLE IF NOT EXISTS "_floodgate_preserved"."nba__team_games" (
  _staging VARCHAR NOT NULL,
  "game_id" VARCHAR,
  "game_date" DATE,
  "team" VARCHAR,
  "points" BIGINT,
  "pace" DOUBLE,
  "quarters" DOUBLE[],
  "raw" BLOB,
  _row_hash UBIGINT
)
