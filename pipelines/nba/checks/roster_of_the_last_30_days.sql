-- Who played in the 30 days before a date, for the team of his latest game, where that team has a game: from the box scores
-- themselves, not from the summaries that the contexts are made of.
SELECT t.game_date AS date, p.universal_player_id
FROM (
  SELECT game_date, season_year, home_team_abbr AS team_abbr
  FROM nba_raw.nbac_schedule
  WHERE game_date BETWEEN @start_date AND @end_date
  UNION ALL
  SELECT game_date, season_year, away_team_abbr AS team_abbr
  FROM nba_raw.nbac_schedule
  WHERE game_date BETWEEN @start_date AND @end_date
) AS t
JOIN (
  SELECT
    season_year,
    team_abbr,
    universal_player_id,
    game_date,
    COALESCE(LEAD(game_date) OVER (PARTITION BY season_year, universal_player_id ORDER BY game_date), DATE '9999-12-31') AS next_game_date
  FROM nba_raw.nbac_gamebook_player_stats
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 31 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
    AND player_status = 'active'
) AS p
  ON p.season_year = t.season_year AND p.team_abbr = t.team_abbr
    AND p.game_date < t.game_date AND p.next_game_date >= t.game_date
WHERE p.game_date >= DATE_SUB(t.game_date, INTERVAL 30 DAY)
