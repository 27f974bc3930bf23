-- All shots are in one of the three zones, and all made ones assisted or not.
SELECT game_date AS date, universal_player_id, paint_rate_last_10, mid_range_rate_last_10, three_pt_rate_last_10
FROM staged
WHERE (total_shots_last_10 > 0
    AND (paint_rate_last_10 IS NULL OR mid_range_rate_last_10 IS NULL OR three_pt_rate_last_10 IS NULL OR primary_scoring_zone IS NULL))
  OR ABS(paint_rate_last_10 + mid_range_rate_last_10 + three_pt_rate_last_10 - 100) > 0.1
  OR ABS(paint_rate_last_20 + mid_range_rate_last_20 + three_pt_rate_last_20 - 100) > 0.1
  OR ABS(assisted_rate_last_10 + unassisted_rate_last_10 - 100) > 0.1
  OR (paint_rate_last_20 IS NOT NULL AND games_in_sample_20 < 15)
