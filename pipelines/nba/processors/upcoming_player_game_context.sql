-- One row per player who may play on the date: who played within the 30 days before it, for the teams that have a game. The team of
-- his latest game is his team. Of the date itself only the schedule's pairing is read, never a status or a score, and
-- lines and injury reports that stood before the game. Who plays for the first time in 30 days has no row.
-- Minutes are whole and rates are averaged as whole millionths: such sums are exact, hence the same in whatever order they are added.
WITH schedule AS (
  SELECT game_date, game_id, nba_game_id, season_year, season_type, home_team_abbr, away_team_abbr
  FROM nba_raw.nbac_schedule
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND @end_date
),
seasons AS (
  SELECT season_year, MIN(game_date) AS first_date
  FROM schedule
  GROUP BY season_year
),
teams AS (
  SELECT game_date, game_id, nba_game_id, season_year, season_type, home_team_abbr AS team_abbr, away_team_abbr AS opponent_team_abbr, TRUE AS home_game
  FROM schedule
  WHERE game_date BETWEEN @start_date AND @end_date
  UNION ALL
  SELECT game_date, game_id, nba_game_id, season_year, season_type, away_team_abbr AS team_abbr, home_team_abbr AS opponent_team_abbr, FALSE AS home_game
  FROM schedule
  WHERE game_date BETWEEN @start_date AND @end_date
),
-- Games that count nowhere else: nobody's box scores of the play-in and of the Cup's final are in the sources.
uncovered AS (
  SELECT t.game_date AS for_date, t.team_abbr, MAX(s.game_date) AS latest_date
  FROM teams AS t
  JOIN schedule AS s
    ON s.season_year = t.season_year AND t.team_abbr IN (s.home_team_abbr, s.away_team_abbr)
      AND s.game_date BETWEEN DATE_SUB(t.game_date, INTERVAL 30 DAY) AND DATE_SUB(t.game_date, INTERVAL 1 DAY)
  WHERE s.season_type NOT IN ('regular', 'playoffs')
  GROUP BY t.game_date, t.team_abbr
),
active AS (
  SELECT
    game_date,
    season_year,
    universal_player_id,
    player_lookup,
    player_full_name,
    team_abbr,
    COALESCE(LEAD(game_date) OVER (PARTITION BY season_year, universal_player_id ORDER BY game_date), DATE '9999-12-31') AS next_game_date
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
    AND is_active
),
-- Played is minutes > 0, as in phase 4: who was on the floor for seconds is of the team, and it is no game of his.
played AS (
  SELECT
    game_date,
    season_year,
    universal_player_id,
    points,
    CAST(minutes_played AS INT64) AS minutes,
    CAST(usage_rate * 1000000 AS INT64) AS usage_millionths
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
    AND is_active
    AND minutes_played > 0
),
rolling AS (
  SELECT
    *,
    COALESCE(LEAD(game_date) OVER season, DATE '9999-12-31') AS next_game_date,
    DATE_DIFF(game_date, LAG(game_date) OVER season, DAY) = 1 AS is_back_to_back,
    AVG(points) OVER (season ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS points_5,
    AVG(points) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS points_10,
    SUM(usage_millionths) OVER (season ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS usage_7,
    COUNT(usage_millionths) OVER (season ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS usage_games_7,
    SUM(usage_millionths) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS usage_10,
    COUNT(usage_millionths) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS usage_games_10,
    AVG(minutes) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS minutes_10
  FROM played
  WINDOW season AS (PARTITION BY season_year, universal_player_id ORDER BY game_date)
),
roster AS (
  SELECT
    t.game_date AS for_date, t.game_id, t.nba_game_id, t.season_type, t.opponent_team_abbr, t.home_game,
    a.season_year, a.universal_player_id, a.player_lookup, a.player_full_name, a.team_abbr,
    r.* EXCEPT (season_year, universal_player_id)
  FROM teams AS t
  JOIN active AS a
    ON a.season_year = t.season_year AND a.team_abbr = t.team_abbr
      AND a.game_date < t.game_date AND a.next_game_date >= t.game_date
  LEFT JOIN rolling AS r
    ON r.season_year = a.season_year AND r.universal_player_id = a.universal_player_id
      AND r.game_date < t.game_date AND r.next_game_date >= t.game_date
  WHERE a.game_date >= DATE_SUB(t.game_date, INTERVAL 30 DAY)
),
recent AS (
  SELECT
    r.for_date,
    r.universal_player_id,
    COUNTIF(g.game_date >= DATE_SUB(r.for_date, INTERVAL 7 DAY)) AS games_7,
    COUNTIF(g.game_date >= DATE_SUB(r.for_date, INTERVAL 14 DAY)) AS games_14,
    COUNT(*) AS games_30,
    SUM(IF(g.game_date >= DATE_SUB(r.for_date, INTERVAL 7 DAY), g.minutes, 0)) AS minutes_7,
    SUM(IF(g.game_date >= DATE_SUB(r.for_date, INTERVAL 14 DAY), g.minutes, 0)) AS minutes_14,
    COUNTIF(g.game_date >= DATE_SUB(r.for_date, INTERVAL 14 DAY) AND g.is_back_to_back) AS back_to_backs_14
  FROM roster AS r
  JOIN rolling AS g
    ON g.season_year = r.season_year AND g.universal_player_id = r.universal_player_id
      AND g.game_date BETWEEN DATE_SUB(r.for_date, INTERVAL 30 DAY) AND DATE_SUB(r.for_date, INTERVAL 1 DAY)
  GROUP BY r.for_date, r.universal_player_id
),
offenses AS (
  SELECT
    season_year, team_abbr, game_date,
    COALESCE(LEAD(game_date) OVER season, DATE '9999-12-31') AS next_game_date,
    SUM(pace_millionths) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW)
      / COUNT(pace_millionths) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) / 1000000 AS pace_10
  FROM (
    SELECT season_year, team_abbr, game_date, CAST(pace * 1000000 AS INT64) AS pace_millionths
    FROM nba_analytics.team_offense_game_summary
    WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
  )
  WINDOW season AS (PARTITION BY season_year, team_abbr ORDER BY game_date)
),
defenses AS (
  SELECT
    season_year, team_abbr, game_date,
    COALESCE(LEAD(game_date) OVER season, DATE '9999-12-31') AS next_game_date,
    SUM(rating_millionths) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW)
      / COUNT(rating_millionths) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) / 1000000 AS rating_10
  FROM (
    SELECT season_year, defending_team_abbr AS team_abbr, game_date, CAST(defensive_rating * 1000000 AS INT64) AS rating_millionths
    FROM nba_analytics.team_defense_game_summary
    WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
  )
  WINDOW season AS (PARTITION BY season_year, team_abbr ORDER BY game_date)
),
pairings AS (
  SELECT t.game_date AS for_date, t.team_abbr, own.pace_10 AS own_pace, theirs.pace_10 AS opponent_pace, d.rating_10 AS opponent_rating
  FROM teams AS t
  LEFT JOIN offenses AS own
    ON own.season_year = t.season_year AND own.team_abbr = t.team_abbr AND own.game_date < t.game_date AND own.next_game_date >= t.game_date
  LEFT JOIN offenses AS theirs
    ON theirs.season_year = t.season_year AND theirs.team_abbr = t.opponent_team_abbr
      AND theirs.game_date < t.game_date AND theirs.next_game_date >= t.game_date
  LEFT JOIN defenses AS d
    ON d.season_year = t.season_year AND d.team_abbr = t.opponent_team_abbr AND d.game_date < t.game_date AND d.next_game_date >= t.game_date
),
props AS (
  SELECT
    game_date,
    game_id,
    universal_player_id,
    CAST(MAX(IF(is_closing_line, points_line, NULL)) AS FLOAT64) AS closing_line,
    -- One line says nothing about where it began.
    CAST(MAX(IF(is_opening_line AND NOT is_closing_line AND minutes_before_tipoff > 0, points_line, NULL)) AS FLOAT64) AS opening_line,
    MAX(IF(is_closing_line, bookmaker, NULL)) AS bookmaker,
    MAX(IF(is_closing_line, lines_offered, NULL)) AS lines_offered,
    LOGICAL_OR(is_closing_line AND COALESCE(minutes_before_tipoff > 0, FALSE)) AS is_timed
  FROM nba_raw.odds_api_player_points_props
  WHERE game_date BETWEEN @start_date AND @end_date
    AND (is_closing_line OR is_opening_line)
  GROUP BY game_date, game_id, universal_player_id
),
-- His games that had a line, numbered within each run of the same result. A result holds on the dates after it, up to the next one.
results AS (
  SELECT
    season_year,
    universal_player_id,
    game_date,
    result,
    next_game_date,
    ROW_NUMBER() OVER (PARTITION BY season_year, universal_player_id, result, run ORDER BY game_date) AS streak
  FROM (
    SELECT
      season_year,
      universal_player_id,
      game_date,
      over_under_result AS result,
      COALESCE(LEAD(game_date) OVER (PARTITION BY season_year, universal_player_id ORDER BY game_date), DATE '9999-12-31') AS next_game_date,
      ROW_NUMBER() OVER (PARTITION BY season_year, universal_player_id ORDER BY game_date)
        - ROW_NUMBER() OVER (PARTITION BY season_year, universal_player_id, over_under_result ORDER BY game_date) AS run
    FROM nba_analytics.player_game_summary
    WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
      AND over_under_result IS NOT NULL
  )
),
reports AS (
  SELECT game_date, universal_player_id, report_status
  FROM nba_raw.nbac_injury_report
  WHERE game_date BETWEEN @start_date AND @end_date
    AND minutes_before_tipoff > 0
),
-- Where nobody is reported there are no reports: nothing is known then, and not that all are well.
reported_dates AS (
  SELECT DISTINCT game_date
  FROM reports
),
-- Stars by their last 10 games; the usage of somebody who plays a few minutes says nothing.
stars_out AS (
  SELECT r.for_date, r.team_abbr, r.universal_player_id, COUNT(*) OVER (PARTITION BY r.for_date, r.team_abbr) AS stars
  FROM roster AS r
  JOIN reports AS i
    ON i.game_date = r.for_date AND i.universal_player_id = r.universal_player_id
  WHERE i.report_status = 'out'
    AND (r.points_10 >= 20 OR (r.minutes_10 >= 20 AND r.usage_10 >= 25000000 * r.usage_games_10))
),
teams_without_stars AS (
  SELECT DISTINCT for_date, team_abbr, stars
  FROM stars_out
),
-- Valid from its date on, until a later one of the season.
registry AS (
  SELECT
    season_year,
    universal_player_id,
    birth_date,
    game_date AS first_date,
    COALESCE(LEAD(game_date) OVER (PARTITION BY season_year, universal_player_id ORDER BY game_date), DATE '9999-12-31') AS next_date
  FROM nba_raw.nbac_player_registry
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND @end_date
),
lines AS (
  SELECT game_date, team_abbr, game_spread, game_total, spread_movement, total_movement, lines_are_timed
  FROM nba_analytics.upcoming_team_game_context
  WHERE game_date BETWEEN @start_date AND @end_date
)
SELECT
  r.for_date AS game_date,
  r.game_id,
  r.nba_game_id,
  r.season_year,
  r.season_type,
  r.universal_player_id,
  r.player_lookup,
  r.player_full_name,
  r.team_abbr,
  r.opponent_team_abbr,
  r.home_game,
  CASE
    WHEN r.season_type IN ('playoffs', 'playin') THEN r.season_type
    WHEN DATE_DIFF(r.for_date, s.first_date, DAY) < 21 THEN 'early'
    WHEN r.for_date >= DATE(r.season_year + 1, 3, 15) THEN 'late'
    ELSE 'mid'
  END AS season_phase,
  IF(u.latest_date > r.game_date OR COALESCE(g.games_30, 0) = 0, NULL, DATE_DIFF(r.for_date, r.game_date, DAY) - 1) AS days_rest,
  IF(u.latest_date > r.game_date OR COALESCE(g.games_30, 0) = 0, NULL, DATE_DIFF(r.for_date, r.game_date, DAY) = 1) AS back_to_back,
  IF(u.latest_date >= DATE_SUB(r.for_date, INTERVAL 7 DAY), NULL, COALESCE(g.games_7, 0)) AS games_in_last_7_days,
  IF(u.latest_date >= DATE_SUB(r.for_date, INTERVAL 14 DAY), NULL, COALESCE(g.games_14, 0)) AS games_in_last_14_days,
  COALESCE(g.games_30, 0) AS games_in_last_30_days,
  IF(u.latest_date >= DATE_SUB(r.for_date, INTERVAL 7 DAY), NULL, COALESCE(g.minutes_7, 0)) AS minutes_in_last_7_days,
  IF(u.latest_date >= DATE_SUB(r.for_date, INTERVAL 14 DAY), NULL, COALESCE(g.minutes_14, 0)) AS minutes_in_last_14_days,
  IF(u.latest_date >= DATE_SUB(r.for_date, INTERVAL 7 DAY), NULL, g.minutes_7 / NULLIF(g.games_7, 0)) AS avg_minutes_per_game_last_7,
  COALESCE(g.back_to_backs_14, 0) AS back_to_backs_last_14_days,
  u.latest_date AS uncovered_team_game_date,
  r.usage_7 / NULLIF(r.usage_games_7, 0) / 1000000 AS avg_usage_rate_last_7_games,
  r.points_5 AS points_avg_last_5,
  r.points_10 AS points_avg_last_10,
  p.closing_line IS NOT NULL AS has_prop_line,
  p.closing_line AS current_points_line,
  p.opening_line AS opening_points_line,
  IF(p.is_timed, p.closing_line - p.opening_line, NULL) AS points_line_movement,
  p.bookmaker AS points_line_bookmaker,
  p.lines_offered AS points_lines_offered,
  p.is_timed AS points_line_is_timed,
  IF(v.result = 'OVER', v.streak, IF(v.result IS NULL, NULL, 0)) AS prop_over_streak,
  IF(v.result = 'UNDER', v.streak, IF(v.result IS NULL, NULL, 0)) AS prop_under_streak,
  l.game_spread,
  l.game_total,
  l.spread_movement AS game_spread_movement,
  l.total_movement AS game_total_movement,
  l.lines_are_timed AS game_lines_are_timed,
  o.own_pace AS team_pace_last_10,
  o.opponent_pace AS opponent_pace_last_10,
  o.opponent_pace - o.own_pace AS pace_differential,
  o.opponent_rating AS opponent_def_rating_last_10,
  r.usage_10 / NULLIF(r.usage_games_10, 0) / 1000000 AS projected_usage_rate,
  IF(d.game_date IS NULL, NULL, COALESCE(w.stars, 0) - IF(x.stars IS NULL, 0, 1)) AS star_teammates_out,
  IF(d.game_date IS NULL, NULL, COALESCE(i.report_status, 'available')) AS player_status,
  DATE_DIFF(r.for_date, y.birth_date, YEAR) - IF(FORMAT_DATE('%m%d', r.for_date) < FORMAT_DATE('%m%d', y.birth_date), 1, 0) AS player_age,
  CASE WHEN g.games_30 >= 10 THEN 'high' WHEN g.games_30 >= 5 THEN 'medium' ELSE 'low' END AS context_quality
FROM roster AS r
LEFT JOIN recent AS g
  ON g.for_date = r.for_date AND g.universal_player_id = r.universal_player_id
JOIN seasons AS s
  ON s.season_year = r.season_year
LEFT JOIN pairings AS o
  ON o.for_date = r.for_date AND o.team_abbr = r.team_abbr
LEFT JOIN props AS p
  ON p.game_date = r.for_date AND p.game_id = r.game_id AND p.universal_player_id = r.universal_player_id
LEFT JOIN lines AS l
  ON l.game_date = r.for_date AND l.team_abbr = r.team_abbr
LEFT JOIN results AS v
  ON v.season_year = r.season_year AND v.universal_player_id = r.universal_player_id
    AND v.game_date < r.for_date AND v.next_game_date >= r.for_date
LEFT JOIN uncovered AS u
  ON u.for_date = r.for_date AND u.team_abbr = r.team_abbr
LEFT JOIN reported_dates AS d
  ON d.game_date = r.for_date
LEFT JOIN reports AS i
  ON i.game_date = r.for_date AND i.universal_player_id = r.universal_player_id
LEFT JOIN teams_without_stars AS w
  ON w.for_date = r.for_date AND w.team_abbr = r.team_abbr
LEFT JOIN stars_out AS x
  ON x.for_date = r.for_date AND x.team_abbr = r.team_abbr AND x.universal_player_id = r.universal_player_id
LEFT JOIN registry AS y
  ON y.season_year = r.season_year AND y.universal_player_id = r.universal_player_id AND y.first_date <= r.for_date AND y.next_date > r.for_date
