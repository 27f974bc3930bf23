-- How much he played of late stands in two tables, and is counted in one: 0 games in 7 days were read for months where nobody counted.
-- His averages are computed in both, of the same games: those with minutes.
SELECT
  s.game_date AS date,
  s.universal_player_id,
  s.games_in_last_7_days,
  c.games_in_last_7_days AS games_of_the_context,
  s.points_avg_last_10,
  c.points_avg_last_10 AS average_of_the_context
FROM staged AS s
LEFT JOIN (
  SELECT
    game_date,
    universal_player_id,
    games_in_last_7_days,
    games_in_last_14_days,
    minutes_in_last_7_days,
    minutes_in_last_14_days,
    back_to_backs_last_14_days,
    points_avg_last_5,
    points_avg_last_10
  FROM nba_analytics.upcoming_player_game_context
  WHERE game_date BETWEEN @start_date AND @end_date
) AS c
  ON c.game_date = s.game_date AND c.universal_player_id = s.universal_player_id
WHERE c.universal_player_id IS NULL
  OR COALESCE(s.games_in_last_7_days, -1) != COALESCE(c.games_in_last_7_days, -1)
  OR COALESCE(s.games_in_last_14_days, -1) != COALESCE(c.games_in_last_14_days, -1)
  OR COALESCE(s.minutes_in_last_7_days, -1) != COALESCE(c.minutes_in_last_7_days, -1)
  OR COALESCE(s.minutes_in_last_14_days, -1) != COALESCE(c.minutes_in_last_14_days, -1)
  OR COALESCE(s.back_to_backs_last_14_days, -1) != COALESCE(c.back_to_backs_last_14_days, -1)
  OR ABS(COALESCE(s.points_avg_last_5, -1) - COALESCE(c.points_avg_last_5, -1)) > 0.000001
  OR ABS(COALESCE(s.points_avg_last_10, -1) - COALESCE(c.points_avg_last_10, -1)) > 0.000001
