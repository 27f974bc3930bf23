-- Nobody can know how many players a bookmaker offers. But where a fifth of those who may play had a line on the 7 dates before, a date with
-- less than a tenth has lost its lines, and not its bookmakers their interest: once a provider was gone for two months.
WITH dates AS (
  SELECT game_date, COUNT(*) AS players, COUNT(current_points_line) AS lines
  FROM (
    SELECT game_date, current_points_line
    FROM nba_analytics.upcoming_player_game_context
    WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 30 DAY) AND DATE_SUB(@start_date, INTERVAL 1 DAY)
    UNION ALL
    SELECT game_date, current_points_line
    FROM staged
  )
  GROUP BY game_date
),
compared AS (
  SELECT game_date, players, lines, SUM(players) OVER week AS players_before, SUM(lines) OVER week AS lines_before
  FROM dates
  WINDOW week AS (ORDER BY game_date ROWS BETWEEN 7 PRECEDING AND 1 PRECEDING)
)
SELECT game_date AS date, players, lines, players_before, lines_before
FROM compared
WHERE game_date >= @start_date
  AND lines < 0.1 * players
  AND lines_before > 0.2 * players_before
