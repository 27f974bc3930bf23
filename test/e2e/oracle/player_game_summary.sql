-- One row per player who played. Every event is told once per player whom it credits (shooter, blocker), and the box
-- score takes the sums; where the game has events, a player without any gets zeros, else NULL.
WITH bonus_throws AS (
  -- The one throw that a foul on a made shot gives, a flagrant one included. Throws for fouls away from a shot are named.
  SELECT DISTINCT game_id, player_id, period, clock
  FROM oracle.play_by_play
  WHERE action_type = 'freethrow'
    AND contains(description, 'Free Throw 1 of 1')
    AND NOT regexp_matches(description, '(technical|transition take|away-from-play|clear-path) Free Throw')
),
shots AS (
  SELECT
    e.game_id,
    e.player_id,
    e.block_player_id,
    e.assist_player_id,
    CASE WHEN e.action_type = '3pt' THEN 'three' WHEN e.is_paint_shot THEN 'paint' ELSE 'mid' END AS zone,
    e.shot_result = 'Made' AS made,
    b.game_id IS NOT NULL AS has_bonus_throw
  FROM oracle.play_by_play AS e
  LEFT JOIN bonus_throws AS b USING (game_id, player_id, period, clock)
  WHERE e.action_type IN ('2pt', '3pt')
),
credits AS (
  SELECT game_id, player_id, zone, 1 AS shot, made::INTEGER AS made, 0 AS blocked,
    (made AND assist_player_id IS NOT NULL)::INTEGER AS assisted, (made AND has_bonus_throw)::INTEGER AS and1
  FROM shots
  UNION ALL
  SELECT game_id, block_player_id, zone, 0, 0, 1, 0, 0
  FROM shots
  WHERE block_player_id IS NOT NULL
),
told AS (
  SELECT
    game_id,
    player_id,
    sum(shot) FILTER (WHERE zone = 'paint') AS paint_attempts,
    sum(made) FILTER (WHERE zone = 'paint') AS paint_makes,
    sum(blocked) FILTER (WHERE zone = 'paint') AS paint_blocks,
    sum(shot) FILTER (WHERE zone = 'mid') AS mid_attempts,
    sum(made) FILTER (WHERE zone = 'mid') AS mid_makes,
    sum(blocked) FILTER (WHERE zone = 'mid') AS mid_blocks,
    sum(shot) FILTER (WHERE zone = 'three') AS three_attempts,
    sum(made) FILTER (WHERE zone = 'three') AS three_makes,
    sum(blocked) FILTER (WHERE zone = 'three') AS three_blocks,
    sum(shot) AS shots,
    sum(made) AS makes,
    sum(assisted) AS assisted,
    sum(and1) AS and1
  FROM credits
  GROUP BY ALL
),
-- All lines of players in the files are untimed and of neither DraftKings nor FanDuel, which would come first: the first book by
-- name counts, its line with the most even prices, then the one nearest to what the other books say on average, or where they
-- say nothing the one in the middle of its own, then the lowest.
quotes AS (
  SELECT DISTINCT game_id, player_id, bookmaker, line, over_price, under_price
  FROM oracle.player_props
  WHERE market = 'player_points' AND player_id IS NOT NULL
),
offers AS (
  SELECT
    q.*,
    coalesce(
      (SELECT abs(q.line - avg(o.line)) FROM quotes AS o WHERE o.game_id = q.game_id AND o.player_id = q.player_id AND o.bookmaker <> q.bookmaker),
      (SELECT abs(sum(sign(o.line - q.line))) FROM quotes AS o WHERE o.game_id = q.game_id AND o.player_id = q.player_id AND o.bookmaker = q.bookmaker)
    ) AS distance
  FROM quotes AS q
),
lines AS (
  SELECT game_id, player_id, arg_min(line, (bookmaker, abs(over_price - under_price), distance, line)) AS line, min(bookmaker) AS book
  FROM offers
  GROUP BY ALL
),
covered AS (SELECT DISTINCT game_id, 0 AS zero FROM oracle.play_by_play),
plain AS (
  SELECT
    p.*,
    g.home_team, g.away_team, g.home_score, g.away_score, g.game_minutes, g.season_year, g.season_type AS kind,
    c.zero,
    l.line::DOUBLE AS line,
    l.book,
    t.* EXCLUDE (game_id, player_id),
    (p.fga + 0.44 * p.fta + p.tov)::DOUBLE AS used,
    (b.fga + 0.44 * b.fta + b.tov)::DOUBLE AS used_by_team
  FROM oracle.player_boxscores AS p
  JOIN oracle.games AS g ON g.game_id = p.game_id
  JOIN oracle.team_boxscores AS b ON b.game_id = p.game_id AND b.team = p.team
  LEFT JOIN covered AS c ON c.game_id = p.game_id
  LEFT JOIN told AS t ON t.game_id = p.game_id AND t.player_id = p.player_id
  LEFT JOIN lines AS l ON l.game_id = p.game_id AND l.player_id = p.player_id
)
SELECT
  game_date,
  strftime(game_date, '%Y%m%d') || '_' || away_team || '_' || home_team AS game_id,
  game_id AS nba_game_id,
  season_year,
  kind AS season_type,
  player_id::VARCHAR AS universal_player_id,
  regexp_replace(lower(strip_accents(player_name)), '[^a-z]', '', 'g') AS player_lookup,
  player_name AS player_full_name,
  team AS team_abbr,
  CASE team WHEN home_team THEN away_team ELSE home_team END AS opponent_team_abbr,
  minutes::DOUBLE AS minutes_played,
  pts AS points,
  ast AS assists,
  oreb AS offensive_rebounds,
  dreb AS defensive_rebounds,
  stl AS steals,
  blk AS blocks,
  tov AS turnovers,
  fgm AS fg_makes,
  fga AS fg_attempts,
  fg3m AS three_pt_makes,
  fg3a AS three_pt_attempts,
  ftm AS ft_makes,
  fta AS ft_attempts,
  plus_minus,
  pf AS personal_fouls,
  coalesce(paint_attempts, zero)::BIGINT AS paint_attempts,
  coalesce(paint_makes, zero)::BIGINT AS paint_makes,
  coalesce(mid_attempts, zero)::BIGINT AS mid_range_attempts,
  coalesce(mid_makes, zero)::BIGINT AS mid_range_makes,
  coalesce(three_attempts, zero)::BIGINT AS three_attempts_pbp,
  coalesce(three_makes, zero)::BIGINT AS three_makes_pbp,
  zero IS NOT NULL AND coalesce(shots, 0) = fga AS has_complete_shot_zones,
  coalesce(paint_blocks, zero)::BIGINT AS paint_blocks,
  coalesce(mid_blocks, zero)::BIGINT AS mid_range_blocks,
  coalesce(three_blocks, zero)::BIGINT AS three_pt_blocks,
  coalesce(and1, zero)::BIGINT AS and1_count,
  coalesce(assisted, zero)::BIGINT AS assisted_fg_makes,
  coalesce(makes - assisted, zero)::BIGINT AS unassisted_fg_makes,
  CASE WHEN minutes > 0 AND used * game_minutes <= minutes * used_by_team THEN 100 * used * game_minutes / (minutes * used_by_team) END AS usage_rate,
  pts / nullif(2 * fga + 0.88 * fta, 0)::DOUBLE AS ts_pct,
  (fgm + fg3m / 2) / nullif(fga, 0) AS efg_pct,
  starter AS starter_flag,
  (team = home_team) = (home_score > away_score) AS win_flag,
  line AS points_line,
  CASE sign(pts - line) WHEN 1 THEN 'OVER' WHEN -1 THEN 'UNDER' WHEN 0 THEN 'PUSH' END AS over_under_result,
  pts - line AS margin,
  NULL::DOUBLE AS opening_line,
  NULL::DOUBLE AS line_movement,
  book AS points_line_bookmaker,
  CASE WHEN line IS NOT NULL THEN FALSE END AS points_line_is_timed,
  TRUE AS is_active,
  'active' AS player_status,
  FALSE AS is_dnp,
  NULL::VARCHAR AS dnp_reason,
  NULL::VARCHAR AS dnp_reason_category
FROM plain
