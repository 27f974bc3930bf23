WITH staged AS NOT MATERIALIZED (
  SELECT "game_id", "game_date", "team", "points", "pace", "quarters", "raw" FROM "nba"."team_games" WHERE "game_date" IN (DATE '2024-01-14', DATE '2024-01-17')
)
SELECT 0 AS part, "game_date" AS day, [CAST(count(*) AS BIGINT), CAST(count(*) FILTER (WHERE _where_0 AND ("points" IS NULL)) AS BIGINT)] AS counts
FROM (
SELECT staged.*, (
team = 'LAL'
) AS _where_0, (
points > 1 -- scored
) AS _where_1 FROM staged
) AS checked
GROUP BY 2
