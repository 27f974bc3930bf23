-- What is the same for 8 teams of a date was never counted. No block of a 3-pointer or from mid-range by 16 teams is real.
SELECT x.date, x.measure, COUNT(*) AS teams, MIN(x.value) AS value
FROM (
  SELECT s.game_date AS date, m.measure, m.value
  FROM staged AS s
  CROSS JOIN UNNEST([
    STRUCT('points_allowed' AS measure, 1.0 * s.points_allowed AS value),
    STRUCT('opp_fg_makes' AS measure, 1.0 * s.opp_fg_makes AS value),
    STRUCT('opp_fg_attempts' AS measure, 1.0 * s.opp_fg_attempts AS value),
    STRUCT('opp_three_pt_makes' AS measure, 1.0 * s.opp_three_pt_makes AS value),
    STRUCT('opp_three_pt_attempts' AS measure, 1.0 * s.opp_three_pt_attempts AS value),
    STRUCT('opp_ft_makes' AS measure, 1.0 * s.opp_ft_makes AS value),
    STRUCT('opp_ft_attempts' AS measure, 1.0 * s.opp_ft_attempts AS value),
    STRUCT('opp_rebounds' AS measure, 1.0 * s.opp_rebounds AS value),
    STRUCT('opp_assists' AS measure, 1.0 * s.opp_assists AS value),
    STRUCT('turnovers_forced' AS measure, 1.0 * s.turnovers_forced AS value),
    STRUCT('fouls_committed' AS measure, 1.0 * s.fouls_committed AS value),
    STRUCT('opp_paint_attempts' AS measure, 1.0 * s.opp_paint_attempts AS value),
    STRUCT('opp_paint_makes' AS measure, 1.0 * s.opp_paint_makes AS value),
    STRUCT('opp_mid_range_attempts' AS measure, 1.0 * s.opp_mid_range_attempts AS value),
    STRUCT('opp_mid_range_makes' AS measure, 1.0 * s.opp_mid_range_makes AS value),
    STRUCT('blocks_paint' AS measure, 1.0 * s.blocks_paint AS value),
    STRUCT('steals' AS measure, 1.0 * s.steals AS value),
    STRUCT('defensive_rebounds' AS measure, 1.0 * s.defensive_rebounds AS value),
    STRUCT('margin_of_victory' AS measure, 1.0 * s.margin_of_victory AS value),
    STRUCT('defensive_rating' AS measure, s.defensive_rating AS value),
    STRUCT('opponent_pace' AS measure, s.opponent_pace AS value),
    STRUCT('opponent_ts_pct' AS measure, s.opponent_ts_pct AS value),
    STRUCT('win_flag' AS measure, IF(s.win_flag, 1.0, 0.0) AS value),
    STRUCT('home_game' AS measure, IF(s.home_game, 1.0, 0.0) AS value)
  ]) AS m
) AS x
WHERE x.value IS NOT NULL
GROUP BY x.date, x.measure
HAVING COUNT(*) >= 8 AND MIN(x.value) = MAX(x.value)
