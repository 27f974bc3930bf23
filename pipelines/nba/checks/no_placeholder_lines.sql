-- Lines of 20.0 for everybody were the sign of odds that had never come.
SELECT l.date, l.current_points_line, l.players, t.players AS with_line
FROM (
  SELECT game_date AS date, current_points_line, COUNT(DISTINCT universal_player_id) AS players
  FROM staged
  WHERE current_points_line IS NOT NULL
  GROUP BY game_date, current_points_line
) AS l
JOIN (
  SELECT game_date AS date, COUNT(DISTINCT universal_player_id) AS players
  FROM staged
  WHERE current_points_line IS NOT NULL
  GROUP BY game_date
) AS t
  ON t.date = l.date
WHERE t.players >= 20 AND l.players > 0.5 * t.players
