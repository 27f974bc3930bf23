-- Two rows per game, made from the games: who plays whom and where, who won by how much and how long it took come from
-- there; only the counts come from the box score.
WITH sides AS (
  SELECT *, home_team AS team, away_team AS opponent, TRUE AS at_home, home_score - away_score AS margin FROM oracle.games
  UNION ALL
  SELECT *, away_team AS team, home_team AS opponent, FALSE AS at_home, away_score - home_score AS margin FROM oracle.games
)
SELECT
  s.game_date,
  strftime(s.game_date, '%Y%m%d') || '_' || s.away_team || '_' || s.home_team AS game_id,
  s.game_id AS nba_game_id,
  s.season_year,
  s.season_type,
  CASE WHEN s.at_home THEN s.home_team_id ELSE s.away_team_id END AS team_id,
  s.team AS team_abbr,
  s.opponent AS opponent_team_abbr,
  s.at_home AS is_home,
  s.margin > 0 AS is_winner,
  (5 * s.game_minutes)::INTEGER || ':00' AS minutes,
  (5 * s.game_minutes)::BIGINT AS team_minutes,
  b.possessions::BIGINT AS official_possessions,
  (s.margin + CASE WHEN s.at_home THEN s.away_score ELSE s.home_score END)::BIGINT AS points,
  b.fgm AS fg_makes,
  b.fga AS fg_attempts,
  b.fg_pct,
  b.fg3m AS three_pt_makes,
  b.fg3a AS three_pt_attempts,
  b.fg3_pct AS three_pt_pct,
  b.ftm AS ft_makes,
  b.fta AS ft_attempts,
  b.ft_pct,
  b.oreb AS offensive_rebounds,
  b.dreb AS defensive_rebounds,
  b.oreb + b.dreb AS total_rebounds,
  b.ast AS assists,
  b.stl AS steals,
  b.blk AS blocks,
  b.tov AS turnovers,
  b.pf AS personal_fouls,
  s.margin AS plus_minus
FROM sides AS s
LEFT JOIN oracle.team_boxscores AS b ON b.game_id = s.game_id AND b.team = s.team
