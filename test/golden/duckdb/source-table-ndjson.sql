CREATE OR REPLACE TABLE source."schedule" AS
SELECT CAST("game_id" AS VARCHAR) AS "game_id", CAST("game_date" AS DATE) AS "game_date", CAST("team" AS VARCHAR) AS "team", CAST(NULL AS BIGINT) AS "points"
FROM read_json(['/data/a.ndjson'], format = 'newline_delimited', columns = {'game_id': 'VARCHAR', 'game_date': 'DATE', 'team': 'VARCHAR'})
ORDER BY "game_date"
