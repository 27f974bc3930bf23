-- By the schedule: a game that has been played and has box scores has players who were predicted and graded.
SELECT g.game_date AS date, g.game_id, COUNT(s.universal_player_id) AS graded
FROM nba_raw.nbac_schedule AS g
LEFT JOIN (
  SELECT game_date, game_id, universal_player_id
  FROM staged
  WHERE is_graded AND system_id = 'moving_average'
) AS s
  ON s.game_date = g.game_date AND s.game_id = g.game_id
WHERE g.game_date BETWEEN @start_date AND @end_date
  AND g.game_status = 3
  AND g.season_type IN ('regular', 'playoffs')
GROUP BY g.game_date, g.game_id
HAVING COUNT(s.universal_player_id) < 10
