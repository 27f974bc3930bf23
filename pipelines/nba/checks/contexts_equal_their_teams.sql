-- Where he plays, against whom and with which lines is his team's context, and no other.
SELECT s.game_date AS date, s.universal_player_id, s.home_game, s.game_spread, t.game_spread AS spread_of_his_team
FROM staged AS s
LEFT JOIN (
  SELECT game_date, team_abbr, game_id, opponent_team_abbr, home_game, game_spread, game_total
  FROM nba_analytics.upcoming_team_game_context
  WHERE game_date BETWEEN @start_date AND @end_date
) AS t
  ON t.game_date = s.game_date AND t.team_abbr = s.team_abbr
WHERE t.team_abbr IS NULL
  OR s.game_id != t.game_id
  OR s.opponent_team_abbr != t.opponent_team_abbr
  OR s.home_game != t.home_game
  OR (s.game_spread IS NULL) != (t.game_spread IS NULL)
  OR ABS(s.game_spread - t.game_spread) > 0.000001
  OR (s.game_total IS NULL) != (t.game_total IS NULL)
  OR ABS(s.game_total - t.game_total) > 0.000001
  OR ABS(s.pace_differential - (s.opponent_pace_last_10 - s.team_pace_last_10)) > 0.000001
