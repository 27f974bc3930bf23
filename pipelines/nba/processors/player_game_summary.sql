-- One row per player who played: his box score, his shots by zone from the play-by-play, and rates that need his team's
-- totals, which come from team_offense_game_summary. Who was on the roster and did not play has a row where the source says so:
-- is_active FALSE, and no statistics.
WITH shots AS (
  SELECT
    game_date,
    game_id,
    player_1_id,
    player_2_id,
    player_2_role,
    period,
    seconds_left_in_period,
    CASE
      WHEN event_type = '3pt' THEN 'three'
      WHEN event_type = '2pt' AND is_paint_shot THEN 'paint'
      WHEN event_type = '2pt' AND NOT is_paint_shot THEN 'mid_range'
      WHEN event_subtype IN ('Free Throw 1 of 1', 'flagrant Free Throw 1 of 1') THEN 'bonus'
    END AS zone,
    shot_made
  FROM nba_raw.bigdataball_play_by_play
  WHERE game_date BETWEEN @start_date AND @end_date
    AND event_type IN ('2pt', '3pt', 'freethrow')
),
-- The clock stands still between a made shot and its bonus free throw: both are one moment of one player.
moments AS (
  SELECT
    game_date,
    game_id,
    player_1_id,
    COUNTIF(zone = 'paint') AS paint_attempts,
    COUNTIF(zone = 'paint' AND shot_made) AS paint_makes,
    COUNTIF(zone = 'mid_range') AS mid_range_attempts,
    COUNTIF(zone = 'mid_range' AND shot_made) AS mid_range_makes,
    COUNTIF(zone = 'three') AS three_attempts,
    COUNTIF(zone = 'three' AND shot_made) AS three_makes,
    COUNTIF(zone != 'bonus' AND shot_made) AS makes,
    COUNTIF(zone != 'bonus' AND shot_made AND player_2_role = 'assist') AS assisted_makes,
    COUNTIF(zone = 'bonus') AS bonus_throws
  FROM shots
  GROUP BY game_date, game_id, player_1_id, period, seconds_left_in_period
),
shooting AS (
  SELECT
    game_date,
    game_id,
    player_1_id,
    SUM(paint_attempts) AS paint_attempts,
    SUM(paint_makes) AS paint_makes,
    SUM(mid_range_attempts) AS mid_range_attempts,
    SUM(mid_range_makes) AS mid_range_makes,
    SUM(three_attempts) AS three_attempts,
    SUM(three_makes) AS three_makes,
    SUM(makes) AS makes,
    SUM(assisted_makes) AS assisted_makes,
    COUNTIF(makes > 0 AND bonus_throws > 0) AS and1s
  FROM moments
  GROUP BY game_date, game_id, player_1_id
),
blocking AS (
  SELECT
    game_date,
    game_id,
    player_2_id,
    COUNTIF(zone = 'paint') AS paint_blocks,
    COUNTIF(zone = 'mid_range') AS mid_range_blocks,
    COUNTIF(zone = 'three') AS three_pt_blocks
  FROM shots
  WHERE player_2_role = 'block'
  GROUP BY game_date, game_id, player_2_id
),
team AS (
  SELECT
    game_date,
    game_id,
    team_abbr,
    win_flag,
    fg_attempts + 0.44 * ft_attempts + turnovers AS plays,
    48 + 5 * overtime_periods AS game_minutes,
    team_paint_attempts IS NOT NULL AS has_play_by_play
  FROM nba_analytics.team_offense_game_summary
  WHERE game_date BETWEEN @start_date AND @end_date
),
-- The line of his points that counts, see odds_api_player_points_props.
lines AS (
  SELECT
    game_date,
    game_id,
    universal_player_id,
    CAST(MAX(IF(is_closing_line, points_line, NULL)) AS FLOAT64) AS closing_line,
    -- One line says nothing about where it began.
    CAST(MAX(IF(is_opening_line AND NOT is_closing_line AND minutes_before_tipoff > 0, points_line, NULL)) AS FLOAT64) AS opening_line,
    MAX(IF(is_closing_line, bookmaker, NULL)) AS bookmaker,
    LOGICAL_OR(is_closing_line AND COALESCE(minutes_before_tipoff > 0, FALSE)) AS is_timed
  FROM nba_raw.odds_api_player_points_props
  WHERE game_date BETWEEN @start_date AND @end_date
    AND (is_closing_line OR is_opening_line)
  GROUP BY game_date, game_id, universal_player_id
),
played AS (
  SELECT
    p.*,
    t.win_flag,
    p.player_status = 'active' AS is_active,
    -- Who did not play made no shots, and has not missed any either.
    p.player_status = 'active' AND COALESCE(t.has_play_by_play, FALSE) AS has_play_by_play,
    -- As if he had played the whole game, 48 minutes and 5 more an overtime. Nobody's share of the plays can be computed for
    -- less than half a minute (0 in whole minutes), and above 100 it is an artefact of the rounding.
    100 * (p.fg_attempts + 0.44 * p.ft_attempts + p.turnovers) * t.game_minutes / NULLIF(p.minutes_decimal * t.plays, 0) AS raw_usage
  FROM nba_raw.nbac_gamebook_player_stats AS p
  LEFT JOIN team AS t
    ON t.game_date = p.game_date AND t.game_id = p.game_id AND t.team_abbr = p.team_abbr
  WHERE p.game_date BETWEEN @start_date AND @end_date
)
SELECT
  p.game_date,
  p.game_id,
  p.nba_game_id,
  p.season_year,
  p.season_type,
  p.universal_player_id,
  p.player_lookup,
  p.player_name AS player_full_name,
  p.team_abbr,
  p.opponent_team_abbr,
  p.minutes_decimal AS minutes_played,
  p.points,
  p.assists,
  p.offensive_rebounds,
  p.defensive_rebounds,
  p.steals,
  p.blocks,
  p.turnovers,
  p.fg_makes,
  p.fg_attempts,
  p.three_pt_makes,
  p.three_pt_attempts,
  p.ft_makes,
  p.ft_attempts,
  p.plus_minus,
  p.personal_fouls,
  IF(p.has_play_by_play, COALESCE(s.paint_attempts, 0), NULL) AS paint_attempts,
  IF(p.has_play_by_play, COALESCE(s.paint_makes, 0), NULL) AS paint_makes,
  IF(p.has_play_by_play, COALESCE(s.mid_range_attempts, 0), NULL) AS mid_range_attempts,
  IF(p.has_play_by_play, COALESCE(s.mid_range_makes, 0), NULL) AS mid_range_makes,
  IF(p.has_play_by_play, COALESCE(s.three_attempts, 0), NULL) AS three_attempts_pbp,
  IF(p.has_play_by_play, COALESCE(s.three_makes, 0), NULL) AS three_makes_pbp,
  IF(NOT p.is_active, NULL, p.has_play_by_play
    AND COALESCE(s.paint_attempts, 0) + COALESCE(s.mid_range_attempts, 0) + COALESCE(s.three_attempts, 0) = p.fg_attempts)
    AS has_complete_shot_zones,
  IF(p.has_play_by_play, COALESCE(k.paint_blocks, 0), NULL) AS paint_blocks,
  IF(p.has_play_by_play, COALESCE(k.mid_range_blocks, 0), NULL) AS mid_range_blocks,
  IF(p.has_play_by_play, COALESCE(k.three_pt_blocks, 0), NULL) AS three_pt_blocks,
  IF(p.has_play_by_play, COALESCE(s.and1s, 0), NULL) AS and1_count,
  IF(p.has_play_by_play, COALESCE(s.assisted_makes, 0), NULL) AS assisted_fg_makes,
  IF(p.has_play_by_play, COALESCE(s.makes - s.assisted_makes, 0), NULL) AS unassisted_fg_makes,
  IF(p.raw_usage > 100, NULL, p.raw_usage) AS usage_rate,
  p.points / NULLIF(2 * (p.fg_attempts + 0.44 * p.ft_attempts), 0) AS ts_pct,
  (p.fg_makes + 0.5 * p.three_pt_makes) / NULLIF(p.fg_attempts, 0) AS efg_pct,
  p.is_starter AS starter_flag,
  p.win_flag,
  l.closing_line AS points_line,
  CASE WHEN p.points > l.closing_line THEN 'OVER' WHEN p.points < l.closing_line THEN 'UNDER' WHEN p.points = l.closing_line THEN 'PUSH' END AS over_under_result,
  p.points - l.closing_line AS margin,
  l.opening_line,
  IF(l.is_timed, l.closing_line - l.opening_line, NULL) AS line_movement,
  l.bookmaker AS points_line_bookmaker,
  l.is_timed AS points_line_is_timed,
  p.is_active,
  p.player_status,
  p.player_status = 'dnp' AS is_dnp,
  p.dnp_reason,
  CASE
    WHEN REGEXP_CONTAINS(LOWER(p.dnp_reason), r'injury|illness|concussion|reconditioning') THEN 'injury'
    WHEN REGEXP_CONTAINS(LOWER(p.dnp_reason), r'\brest\b') THEN 'rest'
    WHEN REGEXP_CONTAINS(LOWER(p.dnp_reason), r'personal|bereavement') THEN 'personal'
    WHEN REGEXP_CONTAINS(LOWER(p.dnp_reason), r'coach') THEN 'coach_decision'
    WHEN p.dnp_reason IS NOT NULL THEN 'other'
  END AS dnp_reason_category
FROM played AS p
LEFT JOIN shooting AS s
  ON s.game_date = p.game_date AND s.game_id = p.game_id AND s.player_1_id = p.universal_player_id
LEFT JOIN blocking AS k
  ON k.game_date = p.game_date AND k.game_id = p.game_id AND k.player_2_id = p.universal_player_id
LEFT JOIN lines AS l
  ON l.game_date = p.game_date AND l.game_id = p.game_id AND l.universal_player_id = p.universal_player_id
