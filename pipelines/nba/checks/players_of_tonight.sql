-- Who plays tonight by the schedule and the box scores alone: of the 30 days before the date a player's latest team counts (seconds
-- on the floor, which are 0 minutes, suffice for that); it has a game on the date, and he has played 3 times this season.
WITH tonight AS (
  SELECT game_date, season_year, home_team_abbr AS team_abbr
  FROM nba_raw.nbac_schedule
  WHERE game_date BETWEEN @start_date AND @end_date
  UNION ALL
  SELECT game_date, season_year, away_team_abbr AS team_abbr
  FROM nba_raw.nbac_schedule
  WHERE game_date BETWEEN @start_date AND @end_date
),
games AS (
  SELECT
    game_date,
    season_year,
    universal_player_id,
    team_abbr,
    COUNTIF(minutes_decimal > 0) OVER (PARTITION BY season_year, universal_player_id ORDER BY game_date) AS games,
    COALESCE(LEAD(game_date) OVER (PARTITION BY season_year, universal_player_id ORDER BY game_date), DATE '9999-12-31') AS next_game_date
  FROM nba_raw.nbac_gamebook_player_stats
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
    AND player_status = 'active'
)
SELECT t.game_date AS date, g.universal_player_id
FROM tonight AS t
JOIN games AS g
  ON g.season_year = t.season_year AND g.team_abbr = t.team_abbr
    AND g.game_date BETWEEN DATE_SUB(t.game_date, INTERVAL 30 DAY) AND DATE_SUB(t.game_date, INTERVAL 1 DAY)
    AND g.next_game_date >= t.game_date
WHERE g.games >= 3
