-- No row is called ready that lacks what a model needs, and none is held back that has it all.
SELECT game_date AS date, universal_player_id, feature_quality_score, quality_tier, required_missing_count
FROM staged
WHERE (required_missing_count >= 5 AND feature_quality_score > 49)
  OR (required_missing_count >= 1 AND (feature_quality_score > 69 OR is_quality_ready))
  OR (required_missing_count = 0 AND NOT is_quality_ready)
  OR is_quality_ready != (quality_tier IN ('gold', 'silver', 'bronze') AND matchup_quality_pct >= 50)
  OR (f_points_avg_season IS NULL AND is_quality_ready)
