-- What a player did is what his box score says, column by column: win_flag was FALSE on every row for years, and nobody looked.
SELECT s.game_date AS date, s.game_id, s.universal_player_id
FROM staged AS s
JOIN nba_raw.nbac_gamebook_player_stats AS g
  ON g.game_date = s.game_date AND g.game_id = s.game_id AND g.universal_player_id = s.universal_player_id
WHERE g.game_date BETWEEN @start_date AND @end_date
  AND (
    s.team_abbr != g.team_abbr
    OR s.is_active != (g.player_status = 'active')
    OR COALESCE(s.starter_flag, FALSE) != COALESCE(g.is_starter, FALSE)
    OR COALESCE(s.minutes_played, -999) != COALESCE(g.minutes_decimal, -999)
    OR COALESCE(s.points, -999) != COALESCE(g.points, -999)
    OR COALESCE(s.assists, -999) != COALESCE(g.assists, -999)
    OR COALESCE(s.offensive_rebounds, -999) != COALESCE(g.offensive_rebounds, -999)
    OR COALESCE(s.defensive_rebounds, -999) != COALESCE(g.defensive_rebounds, -999)
    OR COALESCE(s.steals, -999) != COALESCE(g.steals, -999)
    OR COALESCE(s.blocks, -999) != COALESCE(g.blocks, -999)
    OR COALESCE(s.turnovers, -999) != COALESCE(g.turnovers, -999)
    OR COALESCE(s.fg_makes, -999) != COALESCE(g.fg_makes, -999)
    OR COALESCE(s.fg_attempts, -999) != COALESCE(g.fg_attempts, -999)
    OR COALESCE(s.three_pt_makes, -999) != COALESCE(g.three_pt_makes, -999)
    OR COALESCE(s.three_pt_attempts, -999) != COALESCE(g.three_pt_attempts, -999)
    OR COALESCE(s.ft_makes, -999) != COALESCE(g.ft_makes, -999)
    OR COALESCE(s.ft_attempts, -999) != COALESCE(g.ft_attempts, -999)
    OR COALESCE(s.personal_fouls, -999) != COALESCE(g.personal_fouls, -999)
    OR COALESCE(s.plus_minus, -999) != COALESCE(g.plus_minus, -999)
  )
