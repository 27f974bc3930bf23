-- By the schedule, and not by what the rows were made of: a team that plays brings at least 8 players whose last 30 days are known.
SELECT t.game_date AS date, t.game_id, t.team_abbr, COUNT(s.universal_player_id) AS players
FROM (
  SELECT game_date, game_id, home_team_abbr AS team_abbr
  FROM nba_raw.nbac_schedule
  WHERE game_date BETWEEN @start_date AND @end_date
  UNION ALL
  SELECT game_date, game_id, away_team_abbr AS team_abbr
  FROM nba_raw.nbac_schedule
  WHERE game_date BETWEEN @start_date AND @end_date
) AS t
LEFT JOIN (
  SELECT game_date, game_id, team_abbr, universal_player_id
  FROM staged
) AS s
  ON s.game_date = t.game_date AND s.game_id = t.game_id AND s.team_abbr = t.team_abbr
GROUP BY t.game_date, t.game_id, t.team_abbr
HAVING COUNT(s.universal_player_id) < 8
