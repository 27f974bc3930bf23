WITH staged AS (
  SELECT `game_id`, `game_date`, `team`, `points`, `pace`, `quarters`, `raw`
  FROM `floodgate_staging`.`nba-team_games-s_1`
  WHERE `game_date` IN (DATE '2024-01-14', DATE '2024-01-17')
)
SELECT 0 AS part, `game_date` AS day, [COUNT(*), COUNTIF(_where_0 AND (`points` IS NULL)), COUNTIF(_where_0)] AS counts
FROM (
SELECT staged.*, (
team = 'LAL'
) AS _where_0, (
points > 1 -- scored
) AS _where_1 FROM staged
)
GROUP BY `game_date`
