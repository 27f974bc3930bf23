WITH staged AS (
  SELECT `game_id`, `game_date`, `team`, `points`, `pace`, `quarters`, `raw`
  FROM `nba`.`team_games`
  WHERE `game_date` IN (DATE '2024-01-14', DATE '2024-01-17')
), shared AS (
  SELECT `game_date` AS _day, `game_date`, `game_id`, `team`, COUNT(*) AS _rows
  FROM staged
  WHERE `game_date` IN (DATE '2024-01-14', DATE '2024-01-17')
  GROUP BY `game_date`, `game_id`, `team`
  HAVING COUNT(*) > 1
)
SELECT *, SUM(_rows) OVER (PARTITION BY _day) AS _all_rows, COUNT(*) OVER (PARTITION BY _day) AS _all_keys
FROM shared
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY _day ORDER BY `game_date` NULLS LAST, `game_id` NULLS LAST, `team` NULLS LAST) <= 5
ORDER BY _day, `game_date` NULLS LAST, `game_id` NULLS LAST, `team` NULLS LAST
