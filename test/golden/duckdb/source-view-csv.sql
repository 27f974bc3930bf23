CREATE OR REPLACE VIEW source."schedule" AS
SELECT CAST("game_id" AS VARCHAR) AS "game_id", CAST("game_date" AS DATE) AS "game_date", CAST("team" AS VARCHAR) AS "team", CAST(NULL AS BIGINT) AS "points"
FROM read_csv(['/data/a.csv'], union_by_name = true, header = true, types = {'game_id': 'VARCHAR', 'game_date': 'DATE', 'team': 'VARCHAR'})
