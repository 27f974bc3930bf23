-- Every player whose features are ready is predicted: by the systems that need no training, and by an ensemble of them.
SELECT f.game_date AS date, f.universal_player_id, system_id
FROM nba_predictions.ml_feature_store_v2 AS f
CROSS JOIN UNNEST(['moving_average', 'zone_matchup', 'ensemble']) AS system_id
WHERE f.game_date BETWEEN @start_date AND @end_date
  AND f.is_quality_ready
