-- As many rows as the feature store has players.
SELECT game_date AS date, COUNT(*) AS expected
FROM nba_predictions.ml_feature_store_v2
WHERE game_date BETWEEN @start_date AND @end_date
GROUP BY game_date
