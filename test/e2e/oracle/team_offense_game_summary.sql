-- Two rows per game: what each team did with the ball. Zones and second chances are those of the events; without events
-- (play-in, Cup finals) they are NULL, while a zone without a shot in a game that has events is 0.
WITH events AS (
  SELECT
    game_id,
    team,
    count(*) FILTER (WHERE action_type = '2pt' AND is_paint_shot) AS paint_attempts,
    count(*) FILTER (WHERE action_type = '2pt' AND is_paint_shot AND shot_result = 'Made') AS paint_makes,
    count(*) FILTER (WHERE action_type = '2pt' AND NOT is_paint_shot) AS mid_attempts,
    count(*) FILTER (WHERE action_type = '2pt' AND NOT is_paint_shot AND shot_result = 'Made') AS mid_makes,
    coalesce(sum(points) FILTER (WHERE contains(qualifiers, '2ndchance')), 0)::BIGINT AS second_chance_points
  FROM oracle.play_by_play
  GROUP BY ALL
)
SELECT
  g.game_date,
  strftime(g.game_date, '%Y%m%d') || '_' || g.away_team || '_' || g.home_team AS game_id,
  g.game_id AS nba_game_id,
  g.season_year,
  g.season_type,
  b.team AS team_abbr,
  b.opponent AS opponent_team_abbr,
  b.team = g.home_team AS home_game,
  b.pts AS points_scored,
  b.fgm AS fg_makes,
  b.fga AS fg_attempts,
  b.fg3m AS three_pt_makes,
  b.fg3a AS three_pt_attempts,
  b.ftm AS ft_makes,
  b.fta AS ft_attempts,
  b.oreb AS offensive_rebounds,
  b.reb AS rebounds,
  b.ast AS assists,
  b.tov AS turnovers,
  b.pf AS personal_fouls,
  e.paint_attempts AS team_paint_attempts,
  e.paint_makes AS team_paint_makes,
  e.mid_attempts AS team_mid_range_attempts,
  e.mid_makes AS team_mid_range_makes,
  2 * e.paint_makes AS points_in_paint_scored,
  e.second_chance_points AS second_chance_points_scored,
  -- Hundredths in integers: exact where sums of 0.44 are not.
  round((100 * b.fga + 44 * b.fta + 100 * b.tov - 100 * b.oreb) / 100)::BIGINT AS possessions,
  b.possessions::BIGINT AS official_possessions,
  10000 * b.pts / (100 * b.fga + 44 * b.fta + 100 * b.tov - 100 * b.oreb) AS offensive_rating,
  (100 * b.fga + 44 * b.fta + 100 * b.tov - 100 * b.oreb) / 100 * 48 / g.game_minutes AS pace,
  b.pts / (2 * b.fga + 0.88 * b.fta)::DOUBLE AS ts_pct,
  (b.team = g.home_team) = (g.home_score > g.away_score) AS win_flag,
  (CASE b.team WHEN g.home_team THEN 1 ELSE -1 END) * (g.home_score - g.away_score) AS margin_of_victory,
  ((g.game_minutes - 48) / 5)::BIGINT AS overtime_periods,
  g.home_score IS NULL OR g.away_score IS NULL OR b.fga < 50 AS is_partial_game_data
FROM oracle.team_boxscores AS b
JOIN oracle.games AS g USING (game_id)
LEFT JOIN events AS e ON e.game_id = b.game_id AND e.team = b.team
