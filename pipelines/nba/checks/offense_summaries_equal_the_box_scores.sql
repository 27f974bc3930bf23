-- A team's summary is its box score under other names, column by column.
SELECT s.game_date AS date, s.game_id, s.team_abbr
FROM staged AS s
JOIN nba_raw.nbac_team_boxscore AS b
  ON b.game_date = s.game_date AND b.game_id = s.game_id AND b.team_abbr = s.team_abbr
WHERE b.game_date BETWEEN @start_date AND @end_date
  AND (
    s.home_game != b.is_home
    OR COALESCE(s.win_flag, NOT b.is_winner) != b.is_winner
    OR COALESCE(s.margin_of_victory, -999) != COALESCE(b.plus_minus, -999)
    OR COALESCE(s.points_scored, -999) != COALESCE(b.points, -999)
    OR COALESCE(s.fg_makes, -999) != COALESCE(b.fg_makes, -999)
    OR COALESCE(s.fg_attempts, -999) != COALESCE(b.fg_attempts, -999)
    OR COALESCE(s.three_pt_makes, -999) != COALESCE(b.three_pt_makes, -999)
    OR COALESCE(s.three_pt_attempts, -999) != COALESCE(b.three_pt_attempts, -999)
    OR COALESCE(s.ft_makes, -999) != COALESCE(b.ft_makes, -999)
    OR COALESCE(s.ft_attempts, -999) != COALESCE(b.ft_attempts, -999)
    OR COALESCE(s.offensive_rebounds, -999) != COALESCE(b.offensive_rebounds, -999)
    OR COALESCE(s.rebounds, -999) != COALESCE(b.total_rebounds, -999)
    OR COALESCE(s.assists, -999) != COALESCE(b.assists, -999)
    OR COALESCE(s.turnovers, -999) != COALESCE(b.turnovers, -999)
    OR COALESCE(s.personal_fouls, -999) != COALESCE(b.personal_fouls, -999)
    OR COALESCE(s.official_possessions, -999) != COALESCE(b.official_possessions, -999)
    OR COALESCE(s.overtime_periods, -999) != DIV(b.team_minutes - 240, 25)
  )
