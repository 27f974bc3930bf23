-- What a whole night may have alike (nobody plays on a back-to-back, nobody has met the opponent) is held against what goes with it.
SELECT game_date AS date, universal_player_id, f_back_to_back, f_days_rest, f_games_in_last_7_days, f_games_vs_opponent, f_points_vs_opponent
FROM staged
WHERE (f_back_to_back = 1) != (f_days_rest = 0)
  OR (f_days_rest < 6 AND f_games_in_last_7_days = 0)
  OR (f_days_rest >= 7 AND f_games_in_last_7_days > 0)
  OR (f_games_vs_opponent > 0) != (f_points_vs_opponent IS NOT NULL)
