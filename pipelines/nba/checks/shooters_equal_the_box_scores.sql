-- The sample of every row, counted once more from the box scores. Now and then the play-by-play credits a shot to somebody else (1 row
-- in 500), so that the shots of 10 games may be a few off; a season without zones, or with another player's, is not.
WITH games AS (
  SELECT
    game_date,
    season_year,
    universal_player_id,
    COALESCE(LEAD(game_date) OVER season, DATE '9999-12-31') AS next_game_date,
    COUNT(*) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS games_10,
    COUNT(*) OVER (season ROWS BETWEEN 19 PRECEDING AND CURRENT ROW) AS games_20,
    SUM(fg_attempts) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS shots_10
  FROM nba_raw.nbac_gamebook_player_stats
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
    AND player_status = 'active'
    AND minutes_decimal > 0
  WINDOW season AS (PARTITION BY season_year, universal_player_id ORDER BY game_date)
)
SELECT
  s.game_date AS date,
  s.universal_player_id,
  s.games_in_sample_10,
  g.games_10 AS games_by_box_scores,
  s.latest_game_date,
  g.game_date AS latest_by_box_scores,
  s.total_shots_last_10,
  g.shots_10 AS shots_by_box_scores
FROM staged AS s
LEFT JOIN games AS g
  ON g.season_year = s.season_year AND g.universal_player_id = s.universal_player_id
    AND g.game_date < s.game_date AND g.next_game_date >= s.game_date
WHERE g.games_10 IS NULL
  OR s.games_in_sample_10 IS NULL
  OR s.games_in_sample_10 != g.games_10
  OR s.games_in_sample_20 != g.games_20
  OR s.latest_game_date != g.game_date
  OR s.total_shots_last_10 IS NULL
  OR ABS(s.total_shots_last_10 - g.shots_10) > 5
