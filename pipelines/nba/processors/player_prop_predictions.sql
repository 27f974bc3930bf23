-- One row per player and system that has an estimate of him, and the ensemble of them, held against the line. What a system is
-- worth (its weight, how far its estimates spread) comes from its errors over the 30 days before the date, never from the date.
WITH features AS (
  SELECT
    game_date,
    universal_player_id,
    f_points_std_last_10,
    f_points_line,
    points_line_is_timed,
    feature_quality_score,
    is_quality_ready
  FROM nba_predictions.ml_feature_store_v2
  WHERE game_date BETWEEN @start_date AND @end_date
),
contexts AS (
  SELECT game_date, universal_player_id, points_line_bookmaker, player_status
  FROM nba_analytics.upcoming_player_game_context
  WHERE game_date BETWEEN @start_date AND @end_date
),
points_estimates AS (
  SELECT *
  FROM nba_predictions.points_estimates
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 30 DAY) AND @end_date
),
regression_estimates AS (
  SELECT game_date, universal_player_id, regression_points
  FROM nba_predictions.regression_estimates
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 30 DAY) AND @end_date
),
played AS (
  SELECT game_date, universal_player_id, points
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 30 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
    AND minutes_played > 0
),
wide AS (
  SELECT
    e.game_date,
    e.game_id,
    e.season_year,
    e.season_type,
    e.universal_player_id,
    e.player_lookup,
    e.team_abbr,
    e.opponent_team_abbr,
    e.moving_average_points,
    e.zone_matchup_points,
    e.similarity_points,
    r.regression_points
  FROM points_estimates AS e
  LEFT JOIN regression_estimates AS r
    ON r.game_date = e.game_date AND r.universal_player_id = e.universal_player_id
),
estimates AS (
  SELECT w.game_date, w.universal_player_id, s.system_id, s.points
  FROM wide AS w
  CROSS JOIN UNNEST([
    STRUCT('moving_average' AS system_id, w.moving_average_points AS points),
    STRUCT('zone_matchup' AS system_id, w.zone_matchup_points AS points),
    STRUCT('similarity' AS system_id, w.similarity_points AS points),
    STRUCT('regression' AS system_id, w.regression_points AS points)
  ]) AS s
  WHERE s.points IS NOT NULL
),
-- Systems are only compared on players for whom all of them have an estimate. Whole millionths, whose sums are exact,
-- hence the same in whatever order they are added.
graded AS (
  SELECT
    w.game_date,
    COUNT(*) AS players,
    SUM(CAST(ROUND(POW(w.moving_average_points - p.points, 2) * 1000000) AS INT64)) AS moving_average_millionths,
    SUM(CAST(ROUND(POW(w.zone_matchup_points - p.points, 2) * 1000000) AS INT64)) AS zone_matchup_millionths,
    SUM(CAST(ROUND(POW(w.similarity_points - p.points, 2) * 1000000) AS INT64)) AS similarity_millionths,
    SUM(CAST(ROUND(POW(w.regression_points - p.points, 2) * 1000000) AS INT64)) AS regression_millionths,
    SUM(CAST(ROUND(w.moving_average_points * 1000000) AS INT64)) AS expected_millionths
  FROM wide AS w
  JOIN played AS p
    ON p.game_date = w.game_date AND p.universal_player_id = w.universal_player_id
  WHERE w.moving_average_points IS NOT NULL
    AND w.zone_matchup_points IS NOT NULL
    AND w.similarity_points IS NOT NULL
    AND w.regression_points IS NOT NULL
  GROUP BY w.game_date
),
dates AS (
  SELECT DISTINCT game_date
  FROM features
),
month_before AS (
  SELECT
    d.game_date,
    SUM(g.players) AS players,
    SUM(g.moving_average_millionths) / 1000000 AS moving_average_errors,
    SUM(g.zone_matchup_millionths) / 1000000 AS zone_matchup_errors,
    SUM(g.similarity_millionths) / 1000000 AS similarity_errors,
    SUM(g.regression_millionths) / 1000000 AS regression_errors,
    SUM(g.expected_millionths) / 1000000 AS expected_points
  FROM dates AS d
  JOIN graded AS g
    ON g.game_date BETWEEN DATE_SUB(d.game_date, INTERVAL 30 DAY) AND DATE_SUB(d.game_date, INTERVAL 1 DAY)
  GROUP BY d.game_date
),
records AS (
  SELECT t.game_date, s.system_id, t.players, s.errors, s.errors / t.players AS mean_squared_error, s.errors / t.expected_points AS dispersion
  FROM month_before AS t
  CROSS JOIN UNNEST([
    STRUCT('moving_average' AS system_id, t.moving_average_errors AS errors),
    STRUCT('zone_matchup' AS system_id, t.zone_matchup_errors AS errors),
    STRUCT('similarity' AS system_id, t.similarity_errors AS errors),
    STRUCT('regression' AS system_id, t.regression_errors AS errors)
  ]) AS s
),
weighted AS (
  SELECT
    e.game_date,
    e.universal_player_id,
    e.system_id,
    e.points,
    r.mean_squared_error,
    r.dispersion,
    r.players AS trailing_players,
    -- The smaller the error, the more it counts; all alike while nothing has been graded.
    COALESCE(1 / r.mean_squared_error, 1) AS weight
  FROM estimates AS e
  LEFT JOIN records AS r
    ON r.game_date = e.game_date AND r.system_id = e.system_id
  WHERE e.game_date >= @start_date
),
-- One system is no ensemble.
ensembles AS (
  SELECT
    game_date,
    universal_player_id,
    'ensemble' AS system_id,
    ROUND(SUM(weight * points) / SUM(weight), 9) AS points,
    CAST(NULL AS FLOAT64) AS mean_squared_error,
    ROUND(AVG(dispersion), 9) AS dispersion,
    MAX(trailing_players) AS trailing_players,
    ROUND(SUM(weight), 9) AS weight,
    COUNT(*) AS systems
  FROM weighted
  GROUP BY game_date, universal_player_id
  HAVING COUNT(*) >= 2
),
predictions AS (
  SELECT
    w.game_date,
    w.universal_player_id,
    w.system_id,
    w.points,
    w.mean_squared_error,
    w.dispersion,
    w.trailing_players,
    w.weight / n.weight AS ensemble_weight,
    1 AS systems
  FROM weighted AS w
  LEFT JOIN ensembles AS n
    ON n.game_date = w.game_date AND n.universal_player_id = w.universal_player_id
  UNION ALL
  SELECT game_date, universal_player_id, system_id, points, mean_squared_error, dispersion, trailing_players, CAST(NULL AS FLOAT64) AS ensemble_weight, systems
  FROM ensembles
),
spread AS (
  SELECT
    p.*,
    f.f_points_line AS current_points_line,
    f.points_line_is_timed AS line_is_timed,
    f.feature_quality_score,
    f.is_quality_ready,
    -- Half how much he himself varies, half what such estimates were wrong by of late, which grows with the points.
    SQRT(CASE
      WHEN p.dispersion IS NULL THEN POW(f.f_points_std_last_10, 2)
      WHEN f.f_points_std_last_10 IS NULL THEN p.dispersion * GREATEST(p.points, 1.0)
      ELSE 0.5 * POW(f.f_points_std_last_10, 2) + 0.5 * p.dispersion * GREATEST(p.points, 1.0)
    END) AS deviation
  FROM predictions AS p
  JOIN features AS f
    ON f.game_date = p.game_date AND f.universal_player_id = p.universal_player_id
),
-- 1 / (1 + EXP(-1.702 z)) is the normal distribution within 0.01.
judged AS (
  SELECT
    *,
    2 / (1 + EXP(-1.702 * LEAST(5 / NULLIF(deviation, 0), 20.0))) - 1 AS within_five,
    1 / (1 + EXP(-1.702 * GREATEST(-20.0, LEAST(20.0, (points - current_points_line) / NULLIF(deviation, 0))))) AS over_probability
  FROM spread
),
-- Why there is no pick on a line. A bet on somebody who is reported out before the game is void, or is one on news that come after.
reasoned AS (
  SELECT
    j.*,
    c.points_line_bookmaker,
    CASE
      WHEN j.current_points_line IS NULL THEN NULL
      WHEN c.player_status = 'out' THEN 'reported_out'
      WHEN NOT j.is_quality_ready THEN 'features_not_ready'
      WHEN j.over_probability IS NULL THEN 'deviation_unknown'
      WHEN j.over_probability > 0.45 AND j.over_probability < 0.55 THEN 'close_to_the_line'
    END AS pass_reason
  FROM judged AS j
  LEFT JOIN contexts AS c
    ON c.game_date = j.game_date AND c.universal_player_id = j.universal_player_id
)
SELECT
  j.game_date,
  w.game_id,
  w.season_year,
  w.season_type,
  j.universal_player_id,
  w.player_lookup,
  w.team_abbr,
  w.opponent_team_abbr,
  j.system_id,
  j.points AS predicted_points,
  j.deviation AS predicted_deviation,
  j.within_five AS confidence_score,
  j.current_points_line,
  j.points_line_bookmaker AS line_bookmaker,
  j.line_is_timed,
  j.points - j.current_points_line AS line_margin,
  j.over_probability,
  CASE
    WHEN j.current_points_line IS NULL THEN 'NO_LINE'
    WHEN j.pass_reason IS NOT NULL THEN 'PASS'
    WHEN j.over_probability >= 0.55 THEN 'OVER'
    ELSE 'UNDER'
  END AS recommendation,
  j.pass_reason,
  j.ensemble_weight,
  j.systems AS systems_count,
  SQRT(j.mean_squared_error) AS trailing_rmse,
  j.trailing_players,
  j.feature_quality_score,
  j.is_quality_ready,
  DATE_SUB(j.game_date, INTERVAL 1 DAY) AS as_of_date
FROM reasoned AS j
JOIN wide AS w
  ON w.game_date = j.game_date AND w.universal_player_id = j.universal_player_id
