-- Two rows per game: what each team allowed. Seen from the shots: an event of one team is an event against the other, and
-- a missed shot that names a blocker was blocked by the defence.
WITH against AS (
  SELECT
    e.game_id,
    CASE e.team WHEN g.home_team THEN g.away_team ELSE g.home_team END AS defender,
    CASE WHEN e.action_type = '3pt' THEN 'three' WHEN e.is_paint_shot THEN 'paint' ELSE 'mid' END AS zone,
    e.shot_result = 'Made' AS made,
    e.block_player_id IS NOT NULL AS blocked
  FROM oracle.play_by_play AS e
  JOIN oracle.games AS g USING (game_id)
  WHERE e.action_type IN ('2pt', '3pt')
),
zones AS (
  SELECT
    game_id,
    defender,
    count_if(zone = 'paint') AS paint_attempts,
    count_if(zone = 'paint' AND made) AS paint_makes,
    count_if(zone = 'mid') AS mid_attempts,
    count_if(zone = 'mid' AND made) AS mid_makes,
    count_if(zone = 'paint' AND blocked) AS paint_blocks,
    count_if(zone = 'mid' AND blocked) AS mid_blocks,
    count_if(zone = 'three' AND blocked) AS three_blocks
  FROM against
  GROUP BY ALL
)
SELECT
  g.game_date,
  strftime(g.game_date, '%Y%m%d') || '_' || g.away_team || '_' || g.home_team AS game_id,
  g.game_id AS nba_game_id,
  g.season_year,
  g.season_type,
  own.team AS defending_team_abbr,
  opp.team AS opponent_team_abbr,
  own.is_home AS home_game,
  opp.pts AS points_allowed,
  opp.fgm AS opp_fg_makes,
  opp.fga AS opp_fg_attempts,
  opp.fg3m AS opp_three_pt_makes,
  opp.fg3a AS opp_three_pt_attempts,
  opp.ftm AS opp_ft_makes,
  opp.fta AS opp_ft_attempts,
  opp.reb AS opp_rebounds,
  opp.ast AS opp_assists,
  opp.tov AS turnovers_forced,
  own.pf AS fouls_committed,
  z.paint_attempts AS opp_paint_attempts,
  z.paint_makes AS opp_paint_makes,
  z.mid_attempts AS opp_mid_range_attempts,
  z.mid_makes AS opp_mid_range_makes,
  2 * z.paint_makes AS points_in_paint_allowed,
  2 * z.mid_makes AS mid_range_points_allowed,
  3 * opp.fg3m AS three_pt_points_allowed,
  z.paint_blocks AS blocks_paint,
  z.mid_blocks AS blocks_mid_range,
  z.three_blocks AS blocks_three_pt,
  own.stl AS steals,
  own.dreb AS defensive_rebounds,
  100 * opp.pts / (opp.fga + 0.44 * opp.fta + opp.tov - opp.oreb)::DOUBLE AS defensive_rating,
  (opp.fga + 0.44 * opp.fta + opp.tov - opp.oreb)::DOUBLE * 240 / opp.minutes AS opponent_pace,
  opp.pts / (2 * (opp.fga + 0.44 * opp.fta))::DOUBLE AS opponent_ts_pct,
  own.pts > opp.pts AS win_flag,
  own.pts - opp.pts AS margin_of_victory
FROM oracle.games AS g
JOIN oracle.team_boxscores AS own ON own.game_id = g.game_id
JOIN oracle.team_boxscores AS opp ON opp.game_id = g.game_id AND opp.team <> own.team
LEFT JOIN zones AS z ON z.game_id = g.game_id AND z.defender = own.team
