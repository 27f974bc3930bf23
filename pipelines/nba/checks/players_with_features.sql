-- Whoever is in the feature store has a row here, with estimates or without.
SELECT game_date AS date, universal_player_id
FROM nba_predictions.ml_feature_store_v2
WHERE game_date BETWEEN @start_date AND @end_date
