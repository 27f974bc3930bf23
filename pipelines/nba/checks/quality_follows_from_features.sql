-- No row is called ready that lacks what a model needs, or whose averages are of fewer than 7 games, and none is held back that has it all.
SELECT game_date AS date, universal_player_id, feature_quality_score, quality_tier, required_missing_count, games_found
FROM staged
WHERE (required_missing_count >= 5 AND feature_quality_score > 49)
  OR (required_missing_count >= 1 AND (feature_quality_score > 69 OR is_quality_ready))
  OR (required_missing_count = 0 AND games_found >= 7 AND NOT is_quality_ready)
  OR feature_quality_score > 10 * games_found
  OR is_quality_ready != (quality_tier IN ('gold', 'silver', 'bronze') AND matchup_quality_pct >= 50)
  OR (f_points_avg_season IS NULL AND is_quality_ready)
