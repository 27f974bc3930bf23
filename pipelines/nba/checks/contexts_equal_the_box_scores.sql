-- Rest, games and minutes of the days before, counted once more from the box scores. Where a column is NULL because of games without box
-- scores there is nothing to compare.
SELECT
  s.game_date AS date,
  s.universal_player_id,
  s.days_rest,
  g.days_rest AS rest_by_box_scores,
  s.games_in_last_7_days,
  g.games_7,
  s.games_in_last_14_days,
  g.games_14,
  s.games_in_last_30_days,
  g.games_30,
  s.minutes_in_last_7_days,
  g.minutes_7
FROM staged AS s
JOIN (
  SELECT
    c.game_date,
    c.universal_player_id,
    MIN(DATE_DIFF(c.game_date, b.game_date, DAY)) - 1 AS days_rest,
    COUNTIF(b.game_date >= DATE_SUB(c.game_date, INTERVAL 7 DAY)) AS games_7,
    COUNTIF(b.game_date >= DATE_SUB(c.game_date, INTERVAL 14 DAY)) AS games_14,
    COUNT(b.game_date) AS games_30,
    SUM(IF(b.game_date >= DATE_SUB(c.game_date, INTERVAL 7 DAY), b.minutes_decimal, 0)) AS minutes_7,
    SUM(IF(b.game_date >= DATE_SUB(c.game_date, INTERVAL 14 DAY), b.minutes_decimal, 0)) AS minutes_14
  FROM staged AS c
  LEFT JOIN (
    SELECT game_date, season_year, universal_player_id, minutes_decimal
    FROM nba_raw.nbac_gamebook_player_stats
    WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 30 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
      AND minutes_decimal > 0
  ) AS b
    ON b.season_year = c.season_year AND b.universal_player_id = c.universal_player_id
      AND b.game_date BETWEEN DATE_SUB(c.game_date, INTERVAL 30 DAY) AND DATE_SUB(c.game_date, INTERVAL 1 DAY)
  GROUP BY c.game_date, c.universal_player_id
) AS g
  ON g.game_date = s.game_date AND g.universal_player_id = s.universal_player_id
WHERE s.days_rest != g.days_rest
  OR s.games_in_last_7_days != g.games_7
  OR s.games_in_last_14_days != g.games_14
  OR s.games_in_last_30_days != g.games_30
  OR s.minutes_in_last_7_days != COALESCE(g.minutes_7, 0)
  OR s.minutes_in_last_14_days != COALESCE(g.minutes_14, 0)
