-- As features_vary.sql, of features that a night may really have alike: after the All-Star break nobody has
-- played for a week, and two games may have the same total.
SELECT x.date, x.feature, COUNT(*) AS players, MIN(x.value) AS value
FROM (
  SELECT s.game_date AS date, f.feature, f.value
  FROM staged AS s
  CROSS JOIN UNNEST([
    STRUCT('f_days_rest' AS feature, s.f_days_rest AS value),
    STRUCT('f_games_in_last_7_days' AS feature, s.f_games_in_last_7_days AS value),
    STRUCT('f_minutes_in_last_7_days' AS feature, s.f_minutes_in_last_7_days AS value),
    STRUCT('f_fatigue_score' AS feature, s.f_fatigue_score AS value),
    STRUCT('f_travel_miles' AS feature, s.f_travel_miles AS value),
    STRUCT('f_game_total' AS feature, s.f_game_total AS value)
  ]) AS f
) AS x
WHERE x.value IS NOT NULL
GROUP BY x.date, x.feature
HAVING COUNT(*) >= 50 AND MIN(x.value) = MAX(x.value)
