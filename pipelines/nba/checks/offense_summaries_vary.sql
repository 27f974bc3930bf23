-- What is the same for 8 teams of a date was never counted: on the real dates two teams of one game were, and once four in one column.
SELECT x.date, x.measure, COUNT(*) AS teams, MIN(x.value) AS value
FROM (
  SELECT s.game_date AS date, m.measure, m.value
  FROM staged AS s
  CROSS JOIN UNNEST([
    STRUCT('points_scored' AS measure, 1.0 * s.points_scored AS value),
    STRUCT('fg_makes' AS measure, 1.0 * s.fg_makes AS value),
    STRUCT('fg_attempts' AS measure, 1.0 * s.fg_attempts AS value),
    STRUCT('three_pt_makes' AS measure, 1.0 * s.three_pt_makes AS value),
    STRUCT('three_pt_attempts' AS measure, 1.0 * s.three_pt_attempts AS value),
    STRUCT('ft_makes' AS measure, 1.0 * s.ft_makes AS value),
    STRUCT('ft_attempts' AS measure, 1.0 * s.ft_attempts AS value),
    STRUCT('offensive_rebounds' AS measure, 1.0 * s.offensive_rebounds AS value),
    STRUCT('rebounds' AS measure, 1.0 * s.rebounds AS value),
    STRUCT('assists' AS measure, 1.0 * s.assists AS value),
    STRUCT('turnovers' AS measure, 1.0 * s.turnovers AS value),
    STRUCT('personal_fouls' AS measure, 1.0 * s.personal_fouls AS value),
    STRUCT('team_paint_attempts' AS measure, 1.0 * s.team_paint_attempts AS value),
    STRUCT('team_paint_makes' AS measure, 1.0 * s.team_paint_makes AS value),
    STRUCT('team_mid_range_attempts' AS measure, 1.0 * s.team_mid_range_attempts AS value),
    STRUCT('team_mid_range_makes' AS measure, 1.0 * s.team_mid_range_makes AS value),
    STRUCT('second_chance_points_scored' AS measure, 1.0 * s.second_chance_points_scored AS value),
    STRUCT('possessions' AS measure, 1.0 * s.possessions AS value),
    STRUCT('official_possessions' AS measure, 1.0 * s.official_possessions AS value),
    STRUCT('margin_of_victory' AS measure, 1.0 * s.margin_of_victory AS value),
    STRUCT('offensive_rating' AS measure, s.offensive_rating AS value),
    STRUCT('pace' AS measure, s.pace AS value),
    STRUCT('ts_pct' AS measure, s.ts_pct AS value),
    STRUCT('win_flag' AS measure, IF(s.win_flag, 1.0, 0.0) AS value),
    STRUCT('home_game' AS measure, IF(s.home_game, 1.0, 0.0) AS value)
  ]) AS m
) AS x
WHERE x.value IS NOT NULL
GROUP BY x.date, x.measure
HAVING COUNT(*) >= 8 AND MIN(x.value) = MAX(x.value)
