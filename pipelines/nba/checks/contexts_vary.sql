-- What is the same for 50 players of a date was never computed. Rest and games of the week may be, and are
-- counted once more from the box scores: on the third day of a season everybody has one game, and one day of rest.
SELECT x.date, x.measure, COUNT(*) AS players, MIN(x.value) AS value
FROM (
  SELECT s.game_date AS date, m.measure, m.value
  FROM staged AS s
  CROSS JOIN UNNEST([
    STRUCT('minutes_in_last_14_days' AS measure, 1.0 * s.minutes_in_last_14_days AS value),
    STRUCT('avg_minutes_per_game_last_7' AS measure, s.avg_minutes_per_game_last_7 AS value),
    STRUCT('avg_usage_rate_last_7_games' AS measure, s.avg_usage_rate_last_7_games AS value),
    STRUCT('points_avg_last_5' AS measure, s.points_avg_last_5 AS value),
    STRUCT('points_avg_last_10' AS measure, s.points_avg_last_10 AS value),
    STRUCT('current_points_line' AS measure, s.current_points_line AS value),
    STRUCT('game_spread' AS measure, s.game_spread AS value),
    STRUCT('game_total' AS measure, s.game_total AS value),
    STRUCT('team_pace_last_10' AS measure, s.team_pace_last_10 AS value),
    STRUCT('opponent_pace_last_10' AS measure, s.opponent_pace_last_10 AS value),
    STRUCT('pace_differential' AS measure, s.pace_differential AS value),
    STRUCT('opponent_def_rating_last_10' AS measure, s.opponent_def_rating_last_10 AS value),
    STRUCT('projected_usage_rate' AS measure, s.projected_usage_rate AS value),
    STRUCT('home_game' AS measure, IF(s.home_game, 1.0, 0.0) AS value)
  ]) AS m
) AS x
WHERE x.value IS NOT NULL
GROUP BY x.date, x.measure
HAVING COUNT(*) >= 50 AND MIN(x.value) = MAX(x.value)
