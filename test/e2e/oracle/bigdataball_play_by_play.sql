-- One row per event. The clock is read from its text (PT06M51.00S), the kind of a free throw from the words between the
-- player's name and its count (transition take Free Throw 1 of 1). Three free throws have no count in their text, and so
-- no kind.
SELECT
  g.game_date,
  strftime(g.game_date, '%Y%m%d') || '_' || g.away_team || '_' || g.home_team AS game_id,
  e.game_id AS nba_game_id,
  g.season_year,
  g.season_type,
  e.action_number::BIGINT AS event_sequence,
  e.period,
  60 * e.clock[3:4]::INTEGER + e.clock[6:10]::DECIMAL(4, 2) AS seconds_left_in_period,
  e.action_type AS event_type,
  CASE WHEN e.action_type = 'freethrow' THEN nullif(regexp_extract(e.description, ' ((?:[a-z-]+ )*Free Throw [1-3] of [1-3])', 1), '') END AS event_subtype,
  e.team AS team_abbr,
  e.player_id::VARCHAR AS player_1_id,
  (CASE e.action_type
    WHEN 'turnover' THEN e.steal_player_id
    WHEN 'foul' THEN e.foul_drawn_player_id
    ELSE CASE e.shot_result WHEN 'Made' THEN e.assist_player_id WHEN 'Missed' THEN e.block_player_id END
  END)::VARCHAR AS player_2_id,
  CASE
    WHEN coalesce(e.assist_player_id, e.block_player_id, e.steal_player_id, e.foul_drawn_player_id) IS NULL THEN NULL
    WHEN e.action_type = 'turnover' THEN 'steal'
    WHEN e.action_type = 'foul' THEN 'foul_drawn'
    WHEN e.points > 0 THEN 'assist'
    ELSE 'block'
  END AS player_2_role,
  e.action_type IN ('2pt', '3pt') AS is_field_goal,
  map {'Made': TRUE, 'Missed': FALSE}[e.shot_result] AS shot_made,
  e.shot_distance_ft::DOUBLE AS shot_distance,
  e.is_paint_shot,
  list_contains(list_transform(string_split(coalesce(e.qualifiers, ''), ','), lambda word: trim(word)), '2ndchance') AS is_second_chance,
  e.points AS points_scored,
  e.score_away,
  e.score_home
FROM oracle.play_by_play AS e
LEFT JOIN oracle.games AS g USING (game_id)
