WITH staged AS (
  SELECT `game_id`, `game_date`, `team`, `points`, `pace`, `quarters`, `raw`
  FROM `nba`.`team_games`
  WHERE `game_date` IN (DATE '2024-01-14', DATE '2024-01-17')
)
SELECT CAST(violation.`date` AS DATE) AS _day, COUNT(*) OVER (PARTITION BY violation.`date`) AS _offending, violation.*
FROM (
SELECT game_date AS date, team FROM staged WHERE points > 200
) AS violation
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY violation.`date`) <= 5
