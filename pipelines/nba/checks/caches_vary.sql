-- A feature that is the same for 50 players of a date is none.
SELECT x.date, x.measure, COUNT(*) AS players, MIN(x.value) AS value
FROM (
  SELECT s.game_date AS date, m.measure, m.value
  FROM staged AS s
  CROSS JOIN UNNEST([
    STRUCT('points_avg_last_5' AS measure, s.points_avg_last_5 AS value),
    STRUCT('points_avg_last_10' AS measure, s.points_avg_last_10 AS value),
    STRUCT('points_avg_season' AS measure, s.points_avg_season AS value),
    STRUCT('points_std_last_10' AS measure, s.points_std_last_10 AS value),
    STRUCT('minutes_avg_last_10' AS measure, s.minutes_avg_last_10 AS value),
    STRUCT('usage_rate_last_10' AS measure, s.usage_rate_last_10 AS value),
    STRUCT('player_usage_rate_season' AS measure, s.player_usage_rate_season AS value),
    STRUCT('ts_pct_last_10' AS measure, s.ts_pct_last_10 AS value),
    STRUCT('team_pace_last_10' AS measure, s.team_pace_last_10 AS value),
    STRUCT('team_off_rating_last_10' AS measure, s.team_off_rating_last_10 AS value),
    STRUCT('minutes_in_last_14_days' AS measure, 1.0 * s.minutes_in_last_14_days AS value),
    STRUCT('avg_minutes_per_game_last_7' AS measure, s.avg_minutes_per_game_last_7 AS value),
    STRUCT('paint_rate_last_10' AS measure, s.paint_rate_last_10 AS value),
    STRUCT('mid_range_rate_last_10' AS measure, s.mid_range_rate_last_10 AS value),
    STRUCT('three_pt_rate_last_10' AS measure, s.three_pt_rate_last_10 AS value),
    STRUCT('assisted_rate_last_10' AS measure, s.assisted_rate_last_10 AS value)
  ]) AS m
) AS x
WHERE x.value IS NOT NULL
GROUP BY x.date, x.measure
HAVING COUNT(*) >= 50 AND MIN(x.value) = MAX(x.value)
