-- What is the same for 8 teams of a date was never computed. Days of rest may be, and are held against the schedule.
SELECT x.date, x.measure, COUNT(*) AS teams, MIN(x.value) AS value
FROM (
  SELECT s.game_date AS date, m.measure, m.value
  FROM staged AS s
  CROSS JOIN UNNEST([
    STRUCT('last_game_margin' AS measure, 1.0 * s.last_game_margin AS value),
    STRUCT('travel_miles' AS measure, 1.0 * s.travel_miles AS value),
    STRUCT('game_spread' AS measure, s.game_spread AS value),
    STRUCT('game_total' AS measure, s.game_total AS value),
    STRUCT('spread_movement' AS measure, s.spread_movement AS value),
    STRUCT('total_movement' AS measure, s.total_movement AS value),
    STRUCT('home_game' AS measure, IF(s.home_game, 1.0, 0.0) AS value)
  ]) AS m
) AS x
WHERE x.value IS NOT NULL
GROUP BY x.date, x.measure
HAVING COUNT(*) >= 8 AND MIN(x.value) = MAX(x.value)
