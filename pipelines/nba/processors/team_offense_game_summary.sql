-- What each team did with the ball, from its own box score; shot zones and second-chance points from the play-by-play.
-- Games without play-by-play (play-in, Cup finals) keep their row, with NULL and never 0 in those columns.
WITH shots AS (
  SELECT
    game_date,
    game_id,
    team_abbr,
    COUNTIF(event_type = '2pt' AND is_paint_shot) AS paint_attempts,
    COUNTIF(event_type = '2pt' AND is_paint_shot AND shot_made) AS paint_makes,
    COUNTIF(event_type = '2pt' AND NOT is_paint_shot) AS mid_range_attempts,
    COUNTIF(event_type = '2pt' AND NOT is_paint_shot AND shot_made) AS mid_range_makes,
    SUM(IF(is_second_chance, points_scored, 0)) AS second_chance_points
  FROM nba_raw.bigdataball_play_by_play
  WHERE game_date BETWEEN @start_date AND @end_date
    AND event_type IN ('2pt', '3pt', 'freethrow')
  GROUP BY game_date, game_id, team_abbr
),
schedule AS (
  SELECT game_date, game_id, game_status
  FROM nba_raw.nbac_schedule
  WHERE game_date BETWEEN @start_date AND @end_date
),
box AS (
  SELECT
    *,
    fg_attempts + 0.44 * ft_attempts + turnovers - offensive_rebounds AS estimated_possessions,
    team_minutes / 5 AS game_minutes
  FROM nba_raw.nbac_team_boxscore
  WHERE game_date BETWEEN @start_date AND @end_date
)
SELECT
  b.game_date,
  b.game_id,
  b.nba_game_id,
  b.season_year,
  b.season_type,
  b.team_abbr,
  b.opponent_team_abbr,
  b.is_home AS home_game,
  b.points AS points_scored,
  b.fg_makes,
  b.fg_attempts,
  b.three_pt_makes,
  b.three_pt_attempts,
  b.ft_makes,
  b.ft_attempts,
  b.offensive_rebounds,
  b.total_rebounds AS rebounds,
  b.assists,
  b.turnovers,
  b.personal_fouls,
  s.paint_attempts AS team_paint_attempts,
  s.paint_makes AS team_paint_makes,
  s.mid_range_attempts AS team_mid_range_attempts,
  s.mid_range_makes AS team_mid_range_makes,
  2 * s.paint_makes AS points_in_paint_scored,
  s.second_chance_points AS second_chance_points_scored,
  CAST(ROUND(b.estimated_possessions) AS INT64) AS possessions,
  b.official_possessions,
  100 * b.points / NULLIF(b.estimated_possessions, 0) AS offensive_rating,
  b.estimated_possessions * 48 / NULLIF(b.game_minutes, 0) AS pace,
  b.points / NULLIF(2 * (b.fg_attempts + 0.44 * b.ft_attempts), 0) AS ts_pct,
  b.is_winner AS win_flag,
  b.plus_minus AS margin_of_victory,
  DIV(b.team_minutes - 240, 25) AS overtime_periods,
  COALESCE(c.game_status, 0) != 3 OR b.fg_attempts < 50 AS is_partial_game_data
FROM box AS b
LEFT JOIN shots AS s
  ON s.game_date = b.game_date AND s.game_id = b.game_id AND s.team_abbr = b.team_abbr
LEFT JOIN schedule AS c
  ON c.game_date = b.game_date AND c.game_id = b.game_id
