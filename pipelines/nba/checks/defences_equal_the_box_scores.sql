-- The sample of every row, counted once more from the box scores: the last 15 games before the date, the latest of them, and what the
-- opponents scored in them. A row for which there are no games is found here too.
WITH box AS (
  SELECT o.game_date, o.season_year, d.team_abbr, o.points AS points_allowed
  FROM nba_raw.nbac_team_boxscore AS d
  JOIN nba_raw.nbac_team_boxscore AS o
    ON o.game_date = d.game_date AND o.game_id = d.game_id AND o.team_abbr = d.opponent_team_abbr
  WHERE d.game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
    AND o.game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
),
games AS (
  SELECT
    game_date,
    season_year,
    team_abbr,
    COALESCE(LEAD(game_date) OVER season, DATE '9999-12-31') AS next_game_date,
    COUNT(*) OVER (season ROWS BETWEEN 14 PRECEDING AND CURRENT ROW) AS games,
    SUM(points_allowed) OVER (season ROWS BETWEEN 14 PRECEDING AND CURRENT ROW) AS points_allowed
  FROM box
  WINDOW season AS (PARTITION BY season_year, team_abbr ORDER BY game_date)
)
SELECT
  s.game_date AS date,
  s.team_abbr,
  s.games_in_sample,
  g.games AS games_by_box_scores,
  s.latest_game_date,
  g.game_date AS latest_by_box_scores,
  s.opponent_points_per_game,
  g.points_allowed / g.games AS opponent_points_by_box_scores
FROM staged AS s
LEFT JOIN games AS g
  ON g.season_year = s.season_year AND g.team_abbr = s.team_abbr
    AND g.game_date < s.game_date AND g.next_game_date >= s.game_date
WHERE g.games IS NULL
  OR s.games_in_sample IS NULL
  OR s.games_in_sample != g.games
  OR s.latest_game_date != g.game_date
  OR s.opponent_points_per_game IS NULL
  OR ABS(s.opponent_points_per_game * g.games - g.points_allowed) > 0.01
