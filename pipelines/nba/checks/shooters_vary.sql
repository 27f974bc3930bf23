-- A rate that is the same for 50 players of a date is no rate. (All shots were 3-pointers once, where the other zones were missing.)
SELECT x.date, x.measure, COUNT(*) AS players, MIN(x.value) AS value
FROM (
  SELECT s.game_date AS date, m.measure, m.value
  FROM staged AS s
  CROSS JOIN UNNEST([
    STRUCT('paint_rate_last_10' AS measure, s.paint_rate_last_10 AS value),
    STRUCT('mid_range_rate_last_10' AS measure, s.mid_range_rate_last_10 AS value),
    STRUCT('three_pt_rate_last_10' AS measure, s.three_pt_rate_last_10 AS value),
    STRUCT('paint_pct_last_10' AS measure, s.paint_pct_last_10 AS value),
    STRUCT('mid_range_pct_last_10' AS measure, s.mid_range_pct_last_10 AS value),
    STRUCT('three_pt_pct_last_10' AS measure, s.three_pt_pct_last_10 AS value),
    STRUCT('paint_attempts_per_game' AS measure, s.paint_attempts_per_game AS value),
    STRUCT('mid_range_attempts_per_game' AS measure, s.mid_range_attempts_per_game AS value),
    STRUCT('three_pt_attempts_per_game' AS measure, s.three_pt_attempts_per_game AS value),
    STRUCT('assisted_rate_last_10' AS measure, s.assisted_rate_last_10 AS value),
    STRUCT('unassisted_rate_last_10' AS measure, s.unassisted_rate_last_10 AS value),
    STRUCT('paint_rate_last_20' AS measure, s.paint_rate_last_20 AS value)
  ]) AS m
) AS x
WHERE x.value IS NOT NULL
GROUP BY x.date, x.measure
HAVING COUNT(*) >= 50 AND MIN(x.value) = MAX(x.value)
