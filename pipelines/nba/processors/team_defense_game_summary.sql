-- What each team allowed: the box score of its opponent seen from the other side, the shots it allowed by zone, and its
-- own defensive actions. It reads the raw tables and not team_offense_game_summary, so that both can run at once.
WITH allowed AS (
  SELECT
    game_date,
    game_id,
    team_abbr AS shooting_team_abbr,
    COUNTIF(event_type = '2pt' AND is_paint_shot) AS paint_attempts,
    COUNTIF(event_type = '2pt' AND is_paint_shot AND shot_made) AS paint_makes,
    COUNTIF(event_type = '2pt' AND NOT is_paint_shot) AS mid_range_attempts,
    COUNTIF(event_type = '2pt' AND NOT is_paint_shot AND shot_made) AS mid_range_makes,
    COUNTIF(player_2_role = 'block' AND event_type = '2pt' AND is_paint_shot) AS blocks_paint,
    COUNTIF(player_2_role = 'block' AND event_type = '2pt' AND NOT is_paint_shot) AS blocks_mid_range,
    COUNTIF(player_2_role = 'block' AND event_type = '3pt') AS blocks_three_pt
  FROM nba_raw.bigdataball_play_by_play
  WHERE game_date BETWEEN @start_date AND @end_date
    AND event_type IN ('2pt', '3pt')
  GROUP BY game_date, game_id, team_abbr
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
  d.game_date,
  d.game_id,
  d.nba_game_id,
  d.season_year,
  d.season_type,
  d.team_abbr AS defending_team_abbr,
  d.opponent_team_abbr,
  d.is_home AS home_game,
  o.points AS points_allowed,
  o.fg_makes AS opp_fg_makes,
  o.fg_attempts AS opp_fg_attempts,
  o.three_pt_makes AS opp_three_pt_makes,
  o.three_pt_attempts AS opp_three_pt_attempts,
  o.ft_makes AS opp_ft_makes,
  o.ft_attempts AS opp_ft_attempts,
  o.total_rebounds AS opp_rebounds,
  o.assists AS opp_assists,
  o.turnovers AS turnovers_forced,
  d.personal_fouls AS fouls_committed,
  a.paint_attempts AS opp_paint_attempts,
  a.paint_makes AS opp_paint_makes,
  a.mid_range_attempts AS opp_mid_range_attempts,
  a.mid_range_makes AS opp_mid_range_makes,
  2 * a.paint_makes AS points_in_paint_allowed,
  2 * a.mid_range_makes AS mid_range_points_allowed,
  3 * o.three_pt_makes AS three_pt_points_allowed,
  a.blocks_paint,
  a.blocks_mid_range,
  a.blocks_three_pt,
  d.steals,
  d.defensive_rebounds,
  100 * o.points / NULLIF(o.estimated_possessions, 0) AS defensive_rating,
  o.estimated_possessions * 48 / NULLIF(o.game_minutes, 0) AS opponent_pace,
  o.points / NULLIF(2 * (o.fg_attempts + 0.44 * o.ft_attempts), 0) AS opponent_ts_pct,
  d.is_winner AS win_flag,
  d.plus_minus AS margin_of_victory
FROM box AS d
JOIN box AS o
  ON o.game_date = d.game_date AND o.game_id = d.game_id AND o.team_abbr = d.opponent_team_abbr
LEFT JOIN allowed AS a
  ON a.game_date = d.game_date AND a.game_id = d.game_id AND a.shooting_team_abbr = d.opponent_team_abbr
