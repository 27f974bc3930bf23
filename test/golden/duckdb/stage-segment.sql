CREATE TABLE _floodgate_staging.segment_3 (
  _staging BIGINT,
  "game_id" VARCHAR,
  "game_date" DATE,
  "team" VARCHAR,
  "points" BIGINT,
  "pace" DOUBLE,
  "quarters" DOUBLE[],
  "raw" BLOB,
  _row_hash UBIGINT
)
