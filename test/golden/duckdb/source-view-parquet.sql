CREATE OR REPLACE VIEW source."schedule" AS
SELECT CAST("game_id" AS VARCHAR) AS "game_id", CAST("game_date" AS DATE) AS "game_date", CAST("team" AS VARCHAR) AS "team", CAST(NULL AS BIGINT) AS "points"
FROM read_parquet(['/data/a.parquet', '/data/o''b.parquet'], union_by_name = true)
