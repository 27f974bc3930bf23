-- What is the same for 50 players of a date was never counted. No block of a 3-pointer or from mid-range by 160 players is real.
SELECT x.date, x.measure, COUNT(*) AS players, MIN(x.value) AS value
FROM (
  SELECT s.game_date AS date, m.measure, m.value
  FROM staged AS s
  CROSS JOIN UNNEST([
    STRUCT('points' AS measure, 1.0 * s.points AS value),
    STRUCT('assists' AS measure, 1.0 * s.assists AS value),
    STRUCT('offensive_rebounds' AS measure, 1.0 * s.offensive_rebounds AS value),
    STRUCT('defensive_rebounds' AS measure, 1.0 * s.defensive_rebounds AS value),
    STRUCT('steals' AS measure, 1.0 * s.steals AS value),
    STRUCT('blocks' AS measure, 1.0 * s.blocks AS value),
    STRUCT('turnovers' AS measure, 1.0 * s.turnovers AS value),
    STRUCT('fg_makes' AS measure, 1.0 * s.fg_makes AS value),
    STRUCT('fg_attempts' AS measure, 1.0 * s.fg_attempts AS value),
    STRUCT('three_pt_makes' AS measure, 1.0 * s.three_pt_makes AS value),
    STRUCT('three_pt_attempts' AS measure, 1.0 * s.three_pt_attempts AS value),
    STRUCT('ft_makes' AS measure, 1.0 * s.ft_makes AS value),
    STRUCT('ft_attempts' AS measure, 1.0 * s.ft_attempts AS value),
    STRUCT('plus_minus' AS measure, 1.0 * s.plus_minus AS value),
    STRUCT('personal_fouls' AS measure, 1.0 * s.personal_fouls AS value),
    STRUCT('paint_attempts' AS measure, 1.0 * s.paint_attempts AS value),
    STRUCT('paint_makes' AS measure, 1.0 * s.paint_makes AS value),
    STRUCT('mid_range_attempts' AS measure, 1.0 * s.mid_range_attempts AS value),
    STRUCT('mid_range_makes' AS measure, 1.0 * s.mid_range_makes AS value),
    STRUCT('three_attempts_pbp' AS measure, 1.0 * s.three_attempts_pbp AS value),
    STRUCT('three_makes_pbp' AS measure, 1.0 * s.three_makes_pbp AS value),
    STRUCT('paint_blocks' AS measure, 1.0 * s.paint_blocks AS value),
    STRUCT('and1_count' AS measure, 1.0 * s.and1_count AS value),
    STRUCT('assisted_fg_makes' AS measure, 1.0 * s.assisted_fg_makes AS value),
    STRUCT('unassisted_fg_makes' AS measure, 1.0 * s.unassisted_fg_makes AS value),
    STRUCT('minutes_played' AS measure, s.minutes_played AS value),
    STRUCT('usage_rate' AS measure, s.usage_rate AS value),
    STRUCT('ts_pct' AS measure, s.ts_pct AS value),
    STRUCT('efg_pct' AS measure, s.efg_pct AS value),
    STRUCT('win_flag' AS measure, IF(s.win_flag, 1.0, 0.0) AS value)
  ]) AS m
) AS x
WHERE x.value IS NOT NULL
GROUP BY x.date, x.measure
HAVING COUNT(*) >= 50 AND MIN(x.value) = MAX(x.value)
