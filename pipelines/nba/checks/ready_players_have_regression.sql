-- In a month that has a model, features that are called ready are enough for it.
SELECT f.game_date AS date, f.universal_player_id
FROM nba_predictions.ml_feature_store_v2 AS f
JOIN (SELECT game_date, universal_player_id, regression_points, training_rows FROM staged) AS s
  ON s.game_date = f.game_date AND s.universal_player_id = f.universal_player_id
WHERE f.game_date BETWEEN @start_date AND @end_date
  AND f.is_quality_ready
  AND s.training_rows IS NOT NULL
  AND s.regression_points IS NULL
