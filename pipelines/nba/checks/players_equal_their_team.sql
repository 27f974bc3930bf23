-- The sums of the players against the box score of their team, which is another file. Turnovers of the team itself are nobody's. A
-- column that the source lacks for a season has no sum, and nothing is said of it.
SELECT t.game_date AS date, t.game_id, t.team_abbr
FROM (
  SELECT
    game_date,
    game_id,
    team_abbr,
    COUNTIF(win_flag) AS winners,
    COUNTIF(NOT win_flag) AS losers,
    SUM(offensive_rebounds) AS offensive_rebounds,
    SUM(defensive_rebounds) AS defensive_rebounds,
    SUM(steals) AS steals,
    SUM(blocks) AS blocks,
    SUM(turnovers) AS turnovers,
    SUM(fg_makes) AS fg_makes,
    SUM(three_pt_makes) AS three_pt_makes,
    SUM(three_pt_attempts) AS three_pt_attempts,
    SUM(ft_makes) AS ft_makes,
    SUM(ft_attempts) AS ft_attempts,
    SUM(personal_fouls) AS personal_fouls
  FROM staged
  GROUP BY game_date, game_id, team_abbr
) AS p
JOIN nba_raw.nbac_team_boxscore AS t
  ON t.game_date = p.game_date AND t.game_id = p.game_id AND t.team_abbr = p.team_abbr
WHERE t.game_date BETWEEN @start_date AND @end_date
  AND (
    IF(t.is_winner, p.losers, p.winners) > 0
    OR p.winners + p.losers = 0
    OR p.offensive_rebounds != t.offensive_rebounds
    OR p.defensive_rebounds != t.defensive_rebounds
    OR p.steals != t.steals
    OR p.blocks != t.blocks
    OR p.turnovers > t.turnovers
    OR p.fg_makes != t.fg_makes
    OR p.three_pt_makes != t.three_pt_makes
    OR p.three_pt_attempts != t.three_pt_attempts
    OR p.ft_makes != t.ft_makes
    OR p.ft_attempts != t.ft_attempts
    OR p.personal_fouls != t.personal_fouls
  )
