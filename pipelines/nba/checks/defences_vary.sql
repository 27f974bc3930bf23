-- A measure that is the same for all teams of a date measures nothing.
SELECT x.date, x.measure, COUNT(*) AS teams, MIN(x.value) AS value
FROM (
  SELECT s.game_date AS date, m.measure, m.value
  FROM staged AS s
  CROSS JOIN UNNEST([
    STRUCT('paint_pct_allowed_last_15' AS measure, s.paint_pct_allowed_last_15 AS value),
    STRUCT('mid_range_pct_allowed_last_15' AS measure, s.mid_range_pct_allowed_last_15 AS value),
    STRUCT('three_pt_pct_allowed_last_15' AS measure, s.three_pt_pct_allowed_last_15 AS value),
    STRUCT('paint_attempts_allowed_per_game' AS measure, s.paint_attempts_allowed_per_game AS value),
    STRUCT('mid_range_attempts_allowed_per_game' AS measure, s.mid_range_attempts_allowed_per_game AS value),
    STRUCT('three_pt_attempts_allowed_per_game' AS measure, s.three_pt_attempts_allowed_per_game AS value),
    STRUCT('paint_points_allowed_per_game' AS measure, s.paint_points_allowed_per_game AS value),
    STRUCT('paint_blocks_per_game' AS measure, s.paint_blocks_per_game AS value),
    STRUCT('mid_range_blocks_per_game' AS measure, s.mid_range_blocks_per_game AS value),
    STRUCT('three_pt_blocks_per_game' AS measure, s.three_pt_blocks_per_game AS value),
    STRUCT('paint_defense_vs_league_avg' AS measure, s.paint_defense_vs_league_avg AS value),
    STRUCT('mid_range_defense_vs_league_avg' AS measure, s.mid_range_defense_vs_league_avg AS value),
    STRUCT('three_pt_defense_vs_league_avg' AS measure, s.three_pt_defense_vs_league_avg AS value),
    STRUCT('defensive_rating_last_15' AS measure, s.defensive_rating_last_15 AS value),
    STRUCT('opponent_points_per_game' AS measure, s.opponent_points_per_game AS value),
    STRUCT('opponent_pace' AS measure, s.opponent_pace AS value)
  ]) AS m
) AS x
WHERE x.value IS NOT NULL
GROUP BY x.date, x.measure
HAVING COUNT(*) >= 10 AND MIN(x.value) = MAX(x.value)
