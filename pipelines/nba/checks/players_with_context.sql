-- Whoever upcoming_player_game_context expects on a date has a row here.
SELECT game_date AS date, universal_player_id
FROM nba_analytics.upcoming_player_game_context
WHERE game_date BETWEEN @start_date AND @end_date
