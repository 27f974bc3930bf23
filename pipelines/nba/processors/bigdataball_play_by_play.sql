-- One row per event. The feed names only the acting team, so home and away come from the schedule; both sides of the
-- join carry the dates, so that each reads its own partitions only.
SELECT
  e.game_date,
  CONCAT(FORMAT_DATE('%Y%m%d', e.game_date), '_', g.away_team, '_', g.home_team) AS game_id,
  e.game_id AS nba_game_id,
  CAST(SUBSTR(e.season, 1, 4) AS INT64) AS season_year,
  e.season_type,
  e.action_number AS event_sequence,
  e.period,
  e.seconds_left_in_period,
  e.action_type AS event_type,
  -- With the words before it, which tell a technical free throw (1 of 1, nothing to do with a shot) from a bonus one.
  IF(e.action_type = 'freethrow', REGEXP_EXTRACT(e.description, r' ((?:[a-z-]+ )*Free Throw [1-3] of [1-3])'), NULL) AS event_subtype,
  e.team AS team_abbr,
  CAST(e.player_id AS STRING) AS player_1_id,
  CAST(COALESCE(e.assist_player_id, e.block_player_id, e.steal_player_id, e.foul_drawn_player_id) AS STRING) AS player_2_id,
  CASE
    WHEN e.assist_player_id IS NOT NULL THEN 'assist'
    WHEN e.block_player_id IS NOT NULL THEN 'block'
    WHEN e.steal_player_id IS NOT NULL THEN 'steal'
    WHEN e.foul_drawn_player_id IS NOT NULL THEN 'foul_drawn'
  END AS player_2_role,
  e.is_field_goal,
  e.shot_result = 'Made' AS shot_made,
  CAST(e.shot_distance_ft AS FLOAT64) AS shot_distance,
  e.is_paint_shot,
  COALESCE(e.qualifiers LIKE '%2ndchance%', FALSE) AS is_second_chance,
  e.points AS points_scored,
  e.score_away,
  e.score_home
FROM source.play_by_play AS e
JOIN source.games AS g
  ON g.game_id = e.game_id AND g.game_date = e.game_date
WHERE e.game_date BETWEEN @start_date AND @end_date
  AND g.game_date BETWEEN @start_date AND @end_date
