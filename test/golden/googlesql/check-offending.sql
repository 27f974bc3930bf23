WITH staged AS (
  SELECT `game_id`, `game_date`, `team`, `points`, `pace`, `quarters`, `raw`
  FROM `nba`.`team_games`
  WHERE `game_date` IN (DATE '2024-01-14', DATE '2024-01-17')
)
SELECT `game_date` AS _day, `game_id`, `team`, `raw`
FROM staged
WHERE (`raw` IS NULL) AND `game_date` IN (DATE '2024-01-14', DATE '2024-01-17')
QUALIFY ROW_NUMBER() OVER (PARTITION BY `game_date` ORDER BY `game_id` NULLS LAST, `team` NULLS LAST) <= 5
ORDER BY _day, `game_id` NULLS LAST, `team` NULLS LAST
