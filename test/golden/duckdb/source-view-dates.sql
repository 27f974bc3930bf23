CREATE OR REPLACE VIEW source."schedule" AS
SELECT CAST("game_id" AS VARCHAR) AS "game_id", CAST(regexp_extract(filename, '.*(\d{4}-\d{2}-\d{2})', 1) AS DATE) AS "game_date", CAST("team" AS VARCHAR) AS "team", CAST(NULL AS BIGINT) AS "points"
FROM read_json(['/data/2024-01-26.ndjson.gz'], format = 'newline_delimited', columns = {'game_id': 'VARCHAR', 'game_date': 'DATE', 'team': 'VARCHAR'}, filename = true)
