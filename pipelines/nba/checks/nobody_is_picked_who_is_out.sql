-- By the report itself, and not by the context that the pick was made of: of the reports before the game there is one a player and date.
SELECT s.game_date AS date, s.universal_player_id, s.system_id, s.recommendation
FROM staged AS s
JOIN nba_raw.nbac_injury_report AS i
  ON i.game_date = s.game_date AND i.universal_player_id = s.universal_player_id
WHERE i.game_date BETWEEN @start_date AND @end_date
  AND i.report_status = 'out'
  AND i.minutes_before_tipoff > 0
  AND s.recommendation IN ('OVER', 'UNDER')
