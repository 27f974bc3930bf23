-- Features that are called ready are enough for the systems that need no training.
SELECT f.game_date AS date, f.universal_player_id
FROM nba_predictions.ml_feature_store_v2 AS f
LEFT JOIN (SELECT game_date, universal_player_id, moving_average_points, zone_matchup_points FROM staged) AS s
  ON s.game_date = f.game_date AND s.universal_player_id = f.universal_player_id
WHERE f.game_date BETWEEN @start_date AND @end_date
  AND f.is_quality_ready
  AND (s.moving_average_points IS NULL OR s.zone_matchup_points IS NULL)
