-- As many rows as there are predictions.
SELECT game_date AS date, COUNT(*) AS expected
FROM nba_predictions.player_prop_predictions
WHERE game_date BETWEEN @start_date AND @end_date
GROUP BY game_date
