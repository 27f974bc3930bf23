-- Games and points of every row, counted once more from the box scores: a window that was diluted by games he watched, that stops too
-- early or reaches into the date itself has other sums.
WITH games AS (
  SELECT
    game_date,
    season_year,
    universal_player_id,
    COALESCE(LEAD(game_date) OVER season, DATE '9999-12-31') AS next_game_date,
    ROW_NUMBER() OVER season AS games,
    SUM(points) OVER (season ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS points_5,
    SUM(points) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS points_10,
    SUM(points) OVER (season ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS points_season
  FROM nba_raw.nbac_gamebook_player_stats
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
    AND player_status = 'active'
    AND minutes_decimal > 0
  WINDOW season AS (PARTITION BY season_year, universal_player_id ORDER BY game_date)
)
SELECT
  s.game_date AS date,
  s.universal_player_id,
  s.games_played_season,
  g.games AS games_by_box_scores,
  s.latest_game_date,
  g.game_date AS latest_by_box_scores,
  s.points_avg_season,
  g.points_season / g.games AS average_by_box_scores
FROM staged AS s
LEFT JOIN games AS g
  ON g.season_year = s.season_year AND g.universal_player_id = s.universal_player_id
    AND g.game_date < s.game_date AND g.next_game_date >= s.game_date
WHERE g.games IS NULL
  OR s.games_played_season != g.games
  OR s.latest_game_date != g.game_date
  OR s.points_avg_season IS NULL
  OR ABS(s.points_avg_season * g.games - g.points_season) > 0.01
  OR ABS(s.points_avg_last_10 * LEAST(g.games, 10) - g.points_10) > 0.01
  OR ABS(s.points_avg_last_5 * LEAST(g.games, 5) - g.points_5) > 0.01
