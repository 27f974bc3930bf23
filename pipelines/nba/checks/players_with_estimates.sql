-- Who has an estimate has a prediction, ready or not: so every date says whom it must hold, in the first weeks too.
SELECT game_date AS date, universal_player_id, 'moving_average' AS system_id
FROM nba_predictions.points_estimates
WHERE game_date BETWEEN @start_date AND @end_date
  AND moving_average_points IS NOT NULL
