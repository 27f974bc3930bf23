-- Every prediction held against what happened: graded where the player played, listed with the reason where not. The mean of his
-- last 10 games stands beside it as the prediction that needs no system at all.
WITH predictions AS (
  SELECT *
  FROM nba_predictions.player_prop_predictions
  WHERE game_date BETWEEN @start_date AND @end_date
),
features AS (
  SELECT game_date, universal_player_id, f_points_avg_last_10
  FROM nba_predictions.ml_feature_store_v2
  WHERE game_date BETWEEN @start_date AND @end_date
),
summaries AS (
  SELECT game_date, universal_player_id, game_id, team_abbr, points, minutes_played, player_status, dnp_reason
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN @start_date AND @end_date
),
schedule AS (
  SELECT game_date, game_id, game_status
  FROM nba_raw.nbac_schedule
  WHERE game_date BETWEEN @start_date AND @end_date
),
covered AS (
  SELECT DISTINCT game_date, game_id
  FROM summaries
),
joined AS (
  SELECT
    p.*,
    f.f_points_avg_last_10,
    s.player_status,
    s.dnp_reason,
    IF(s.minutes_played IS NULL, NULL, s.team_abbr) AS actual_team_abbr,
    s.minutes_played,
    IF(s.minutes_played > 0, s.points, NULL) AS actual_points,
    CASE
      -- Postponed: it has a date and never a score.
      WHEN g.game_status != 3 THEN 'not_played'
      WHEN c.game_id IS NULL THEN 'no_box_score'
      WHEN s.universal_player_id IS NULL OR s.minutes_played IS NULL THEN 'did_not_play'
      WHEN s.minutes_played = 0 THEN 'under_half_a_minute'
      WHEN s.points IS NULL THEN 'no_points'
    END AS not_graded_reason
  FROM predictions AS p
  LEFT JOIN features AS f
    ON f.game_date = p.game_date AND f.universal_player_id = p.universal_player_id
  LEFT JOIN summaries AS s
    ON s.game_date = p.game_date AND s.universal_player_id = p.universal_player_id
  LEFT JOIN schedule AS g
    ON g.game_date = p.game_date AND g.game_id = p.game_id
  LEFT JOIN covered AS c
    ON c.game_date = p.game_date AND c.game_id = p.game_id
)
SELECT
  game_date,
  game_id,
  season_year,
  season_type,
  universal_player_id,
  player_lookup,
  team_abbr,
  opponent_team_abbr,
  system_id,
  predicted_points,
  confidence_score,
  current_points_line,
  line_is_timed,
  line_margin,
  recommendation,
  is_quality_ready,
  not_graded_reason IS NULL AS is_graded,
  not_graded_reason,
  player_status,
  dnp_reason,
  actual_team_abbr,
  minutes_played,
  actual_points,
  predicted_points - actual_points AS error,
  ABS(predicted_points - actual_points) AS abs_error,
  ABS(predicted_points - actual_points) <= 5 AS is_within_five,
  CASE
    WHEN actual_points > current_points_line THEN 'OVER'
    WHEN actual_points < current_points_line THEN 'UNDER'
    WHEN actual_points = current_points_line THEN 'PUSH'
  END AS line_result,
  CASE
    WHEN recommendation NOT IN ('OVER', 'UNDER') OR actual_points IS NULL THEN NULL
    WHEN actual_points = current_points_line THEN 'PUSH'
    WHEN (actual_points > current_points_line) = (recommendation = 'OVER') THEN 'WON'
    ELSE 'LOST'
  END AS recommendation_result,
  f_points_avg_last_10 AS naive_points,
  ABS(f_points_avg_last_10 - actual_points) AS naive_abs_error
FROM joined
