-- Every game has a spread and a total somewhere. A date on which less than half of the games has one, where two thirds had one on the 7
-- dates before, has lost its lines.
WITH dates AS (
  SELECT game_date, COUNT(*) AS teams, COUNT(game_spread) AS spreads, COUNT(game_total) AS totals
  FROM (
    SELECT game_date, game_spread, game_total
    FROM nba_analytics.upcoming_team_game_context
    WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 30 DAY) AND DATE_SUB(@start_date, INTERVAL 1 DAY)
    UNION ALL
    SELECT game_date, game_spread, game_total
    FROM staged
  )
  GROUP BY game_date
),
compared AS (
  SELECT
    *,
    SUM(teams) OVER week AS teams_before,
    SUM(spreads) OVER week AS spreads_before,
    SUM(totals) OVER week AS totals_before
  FROM dates
  WINDOW week AS (ORDER BY game_date ROWS BETWEEN 7 PRECEDING AND 1 PRECEDING)
)
SELECT game_date AS date, teams, spreads, totals, teams_before, spreads_before, totals_before
FROM compared
WHERE game_date >= @start_date
  AND ((spreads < 0.5 * teams AND 3 * spreads_before > 2 * teams_before) OR (totals < 0.5 * teams AND 3 * totals_before > 2 * teams_before))
