-- No prediction is left out of the grading, whatever became of the player.
SELECT game_date AS date, universal_player_id, system_id
FROM nba_predictions.player_prop_predictions
WHERE game_date BETWEEN @start_date AND @end_date
