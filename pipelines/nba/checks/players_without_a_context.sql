-- Who played on the date and has no context: his first game in 30 days, or for this team.
SELECT p.game_date AS date, p.team_abbr, p.universal_player_id, p.player_name
FROM nba_raw.nbac_gamebook_player_stats AS p
LEFT JOIN (SELECT game_date, universal_player_id, team_abbr FROM staged) AS s
  ON s.game_date = p.game_date AND s.universal_player_id = p.universal_player_id AND s.team_abbr = p.team_abbr
WHERE p.game_date BETWEEN @start_date AND @end_date
  AND p.player_status = 'active'
  AND s.universal_player_id IS NULL
