-- The league is the mean of its teams, if over 30 days instead of 15 games each: over all 30 teams the differences cancel out
-- nearly. In four seasons they were never more than 1.5 points off.
SELECT
  game_date AS date,
  AVG(paint_defense_vs_league_avg) AS paint,
  AVG(mid_range_defense_vs_league_avg) AS mid_range,
  AVG(three_pt_defense_vs_league_avg) AS three_pt
FROM staged
GROUP BY game_date
HAVING COUNT(*) = 30
  AND (ABS(AVG(paint_defense_vs_league_avg)) > 3
    OR ABS(AVG(mid_range_defense_vs_league_avg)) > 3
    OR ABS(AVG(three_pt_defense_vs_league_avg)) > 3)
