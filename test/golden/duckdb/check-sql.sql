WITH staged AS NOT MATERIALIZED (
  SELECT "game_id", "game_date", "team", "points", "pace", "quarters", "raw" FROM "_floodgate_preserved"."nba__team_games" WHERE _staging = 'kept_o''hara' AND "game_date" IN (DATE '2024-01-14', DATE '2024-01-17')
)
SELECT CAST(violation."date" AS DATE) AS _day, count(*) OVER (PARTITION BY violation."date") AS _offending, violation.*
FROM (
SELECT game_date AS "date", team FROM staged WHERE points > 200
) AS violation
QUALIFY row_number() OVER (PARTITION BY violation."date") <= 5
