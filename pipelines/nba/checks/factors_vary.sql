-- A score that is the same for 50 players of a date is no score. How fresh they are may be: after the All-Star break everybody is.
SELECT x.date, x.factor, COUNT(*) AS players, MIN(x.value) AS value
FROM (
  SELECT s.game_date AS date, f.factor, f.value
  FROM staged AS s
  CROSS JOIN UNNEST([
    STRUCT('shot_zone_mismatch_score' AS factor, s.shot_zone_mismatch_score AS value),
    STRUCT('pace_score' AS factor, s.pace_score AS value),
    -- Over his first games the mean of ten and the mean of seven are one.
    STRUCT('usage_spike_score' AS factor, IF(s.team_game_number > 10, s.usage_spike_score, NULL) AS value),
    STRUCT('opponent_strength_score' AS factor, s.opponent_strength_score AS value),
    STRUCT('total_composite_adjustment' AS factor, s.total_composite_adjustment AS value)
  ]) AS f
) AS x
WHERE x.value IS NOT NULL
GROUP BY x.date, x.factor
HAVING COUNT(*) >= 50 AND MIN(x.value) = MAX(x.value)
