-- Days since the last game and games of the week before, counted once more from the schedule.
SELECT s.game_date AS date, s.team_abbr, s.days_since_last_game, g.days, s.games_in_last_7_days, g.games_7, s.games_in_last_14_days, g.games_14
FROM staged AS s
JOIN (
  SELECT
    c.game_date,
    c.team_abbr,
    MIN(DATE_DIFF(c.game_date, p.game_date, DAY)) AS days,
    COUNTIF(p.game_date >= DATE_SUB(c.game_date, INTERVAL 7 DAY)) AS games_7,
    COUNTIF(p.game_date >= DATE_SUB(c.game_date, INTERVAL 14 DAY)) AS games_14
  FROM staged AS c
  LEFT JOIN (
    SELECT game_date, season_year, home_team_abbr AS team_abbr
    FROM nba_raw.nbac_schedule
    WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 30 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY) AND game_status = 3
    UNION ALL
    SELECT game_date, season_year, away_team_abbr AS team_abbr
    FROM nba_raw.nbac_schedule
    WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 30 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY) AND game_status = 3
  ) AS p
    ON p.season_year = c.season_year AND p.team_abbr = c.team_abbr
      AND p.game_date BETWEEN DATE_SUB(c.game_date, INTERVAL 30 DAY) AND DATE_SUB(c.game_date, INTERVAL 1 DAY)
  GROUP BY c.game_date, c.team_abbr
) AS g
  ON g.game_date = s.game_date AND g.team_abbr = s.team_abbr
WHERE COALESCE(s.days_since_last_game, 999) != g.days
  OR (g.days IS NULL AND s.days_since_last_game <= 30)
  OR s.team_days_rest != s.days_since_last_game - 1
  OR s.team_back_to_back != (s.days_since_last_game = 1)
  OR s.games_in_last_7_days != g.games_7
  OR s.games_in_last_14_days != g.games_14
