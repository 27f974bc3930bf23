-- The games that the averages were made of: as many as the window holds, none of them on the date or after it.
SELECT s.game_date AS date, s.universal_player_id, s.games_played_season, s.latest_game_date
FROM staged AS s
LEFT JOIN (
  SELECT r.game_date, r.universal_player_id, COUNT(*) AS games, MAX(contributing) AS latest
  FROM staged AS r
  CROSS JOIN UNNEST(r.contributing_game_dates) AS contributing
  GROUP BY r.game_date, r.universal_player_id
) AS c
  ON c.game_date = s.game_date AND c.universal_player_id = s.universal_player_id
WHERE c.games IS NULL
  OR c.games != LEAST(s.games_played_season, 10)
  OR c.latest != s.latest_game_date
  OR c.latest >= s.game_date
