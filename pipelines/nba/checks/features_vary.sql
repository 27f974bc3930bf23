-- A feature that is the same for 50 players of a date is no measurement: a default, or a column that was never filled.
SELECT x.date, x.feature, COUNT(*) AS players, MIN(x.value) AS value
FROM (
  SELECT s.game_date AS date, f.feature, f.value
  FROM staged AS s
  CROSS JOIN UNNEST([
    STRUCT('f_points_avg_last_5' AS feature, s.f_points_avg_last_5 AS value),
    STRUCT('f_points_avg_last_10' AS feature, s.f_points_avg_last_10 AS value),
    STRUCT('f_points_avg_season' AS feature, s.f_points_avg_season AS value),
    STRUCT('f_points_std_last_10' AS feature, s.f_points_std_last_10 AS value),
    STRUCT('f_games_played_season' AS feature, s.f_games_played_season AS value),
    STRUCT('f_minutes_avg_last_10' AS feature, s.f_minutes_avg_last_10 AS value),
    STRUCT('f_usage_rate_last_10' AS feature, s.f_usage_rate_last_10 AS value),
    STRUCT('f_ts_pct_last_10' AS feature, s.f_ts_pct_last_10 AS value),
    STRUCT('f_points_per_minute_last_10' AS feature, s.f_points_per_minute_last_10 AS value),
    STRUCT('f_points_trend' AS feature, s.f_points_trend AS value),
    STRUCT('f_home_game' AS feature, s.f_home_game AS value),
    STRUCT('f_shot_zone_mismatch_score' AS feature, s.f_shot_zone_mismatch_score AS value),
    STRUCT('f_pace_score' AS feature, s.f_pace_score AS value),
    -- Over his first games the mean of ten and the mean of seven are one.
    STRUCT('f_usage_spike_score' AS feature, IF(s.team_game_number > 10, s.f_usage_spike_score, NULL) AS value),
    STRUCT('f_opponent_strength_score' AS feature, s.f_opponent_strength_score AS value),
    STRUCT('f_opponent_def_rating' AS feature, s.f_opponent_def_rating AS value),
    STRUCT('f_opponent_points_allowed' AS feature, s.f_opponent_points_allowed AS value),
    STRUCT('f_opponent_pace' AS feature, s.f_opponent_pace AS value),
    STRUCT('f_points_vs_opponent' AS feature, s.f_points_vs_opponent AS value),
    STRUCT('f_paint_rate_last_10' AS feature, s.f_paint_rate_last_10 AS value),
    STRUCT('f_mid_range_rate_last_10' AS feature, s.f_mid_range_rate_last_10 AS value),
    STRUCT('f_three_pt_rate_last_10' AS feature, s.f_three_pt_rate_last_10 AS value),
    STRUCT('f_assisted_rate_last_10' AS feature, s.f_assisted_rate_last_10 AS value),
    STRUCT('f_team_pace_last_10' AS feature, s.f_team_pace_last_10 AS value),
    STRUCT('f_team_off_rating_last_10' AS feature, s.f_team_off_rating_last_10 AS value),
    STRUCT('f_points_line' AS feature, s.f_points_line AS value),
    STRUCT('f_game_spread' AS feature, s.f_game_spread AS value),
    STRUCT('f_implied_team_points' AS feature, s.f_implied_team_points AS value),
    STRUCT('f_player_age' AS feature, s.f_player_age AS value)
  ]) AS f
) AS x
WHERE x.value IS NOT NULL
GROUP BY x.date, x.feature
HAVING COUNT(*) >= 50 AND MIN(x.value) = MAX(x.value)
