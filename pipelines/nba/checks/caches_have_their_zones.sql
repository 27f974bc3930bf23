-- Whoever has 10 games has shot zones of the same date: a join that finds half of the players says nothing by itself.
SELECT s.game_date AS date, s.universal_player_id, s.games_played_season, s.primary_scoring_zone, z.primary_scoring_zone AS zone_of_analysis
FROM staged AS s
LEFT JOIN (
  SELECT game_date, universal_player_id, IFNULL(primary_scoring_zone, 'none') AS primary_scoring_zone
  FROM nba_precompute.player_shot_zone_analysis
  WHERE game_date BETWEEN @start_date AND @end_date
) AS z
  ON z.game_date = s.game_date AND z.universal_player_id = s.universal_player_id
WHERE (s.games_played_season >= 10 AND NOT s.shot_zone_data_available)
  OR s.shot_zone_data_available != (z.universal_player_id IS NOT NULL)
  OR IFNULL(s.primary_scoring_zone, 'none') != z.primary_scoring_zone
