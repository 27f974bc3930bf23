-- One row per player of upcoming_player_game_context with at least 3 games in the season: his averages before the date, what
-- the pace of his team was, and how much of the team's schedule the averages rest on. Played is minutes > 0, so that
-- nobody's average is diluted by games he watched. A game is the latest one on the dates after it up to the next one.
-- Rates are averaged as whole millionths: such sums are exact, hence the same in whatever order they are added.
WITH players AS (
  SELECT *
  FROM nba_analytics.upcoming_player_game_context
  WHERE game_date BETWEEN @start_date AND @end_date
),
played AS (
  SELECT
    game_date,
    season_year,
    universal_player_id,
    points,
    CAST(minutes_played * 1000000 AS INT64) AS minutes_millionths,
    CAST(usage_rate * 1000000 AS INT64) AS usage_millionths,
    CAST(ts_pct * 1000000 AS INT64) AS ts_millionths
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
    AND is_active
    AND minutes_played > 0
),
rolling AS (
  SELECT
    game_date,
    season_year,
    universal_player_id,
    COALESCE(LEAD(game_date) OVER season, DATE '9999-12-31') AS next_game_date,
    ROW_NUMBER() OVER season AS games,
    SUM(points) OVER (season ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS points_5,
    SUM(points) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS points_10,
    SUM(points * points) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS squared_points_10,
    SUM(points) OVER (season ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS points_season,
    SUM(minutes_millionths) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS minutes_10,
    SUM(usage_millionths) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS usage_10,
    COUNT(usage_millionths) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS usage_games_10,
    SUM(usage_millionths) OVER (season ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS usage_season,
    COUNT(usage_millionths) OVER (season ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS usage_games_season,
    SUM(ts_millionths) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS ts_10,
    COUNT(ts_millionths) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS ts_games_10
  FROM played
  WINDOW season AS (PARTITION BY season_year, universal_player_id ORDER BY game_date)
),
latest AS (
  SELECT p.game_date AS for_date, r.*
  FROM players AS p
  JOIN rolling AS r
    ON r.season_year = p.season_year AND r.universal_player_id = p.universal_player_id
      AND r.game_date < p.game_date AND r.next_game_date >= p.game_date
  WHERE r.games >= 3
),
contributing AS (
  SELECT n.for_date, n.universal_player_id, ARRAY_AGG(r.game_date ORDER BY r.game_date) AS dates
  FROM (
    SELECT l.for_date, l.universal_player_id, l.season_year, number
    FROM latest AS l
    CROSS JOIN UNNEST(GENERATE_ARRAY(GREATEST(l.games - 9, 1), l.games)) AS number
  ) AS n
  JOIN rolling AS r
    ON r.season_year = n.season_year AND r.universal_player_id = n.universal_player_id AND r.games = n.number
  GROUP BY n.for_date, n.universal_player_id
),
team_games AS (
  SELECT
    game_date,
    season_year,
    team_abbr,
    COALESCE(LEAD(game_date) OVER season, DATE '9999-12-31') AS next_game_date,
    COUNT(*) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS games_10,
    SUM(CAST(pace * 1000000 AS INT64)) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS pace_10,
    SUM(CAST(offensive_rating * 1000000 AS INT64)) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS rating_10
  FROM nba_analytics.team_offense_game_summary
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
  WINDOW season AS (PARTITION BY season_year, team_abbr ORDER BY game_date)
),
-- What should be there, by the schedule: games of kinds whose players are known at all (play-in games and Cup finals have none).
scheduled AS (
  SELECT t.game_date, t.season_year, t.team_abbr, f.team_abbr IS NOT NULL AS is_found
  FROM (
    SELECT game_date, season_year, home_team_abbr AS team_abbr
    FROM nba_raw.nbac_schedule
    WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
      AND season_type IN ('regular', 'playoffs') AND game_status = 3
    UNION ALL
    SELECT game_date, season_year, away_team_abbr AS team_abbr
    FROM nba_raw.nbac_schedule
    WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
      AND season_type IN ('regular', 'playoffs') AND game_status = 3
  ) AS t
  LEFT JOIN (
    SELECT DISTINCT game_date, team_abbr
    FROM nba_analytics.player_game_summary
    WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
  ) AS f
    ON f.game_date = t.game_date AND f.team_abbr = t.team_abbr
),
expected AS (
  SELECT
    game_date,
    season_year,
    team_abbr,
    COALESCE(LEAD(game_date) OVER season, DATE '9999-12-31') AS next_game_date,
    COUNT(*) OVER (season ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS expected_5,
    COUNTIF(is_found) OVER (season ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS found_5,
    COUNT(*) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS expected_10,
    COUNTIF(is_found) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS found_10
  FROM scheduled
  WINDOW season AS (PARTITION BY season_year, team_abbr ORDER BY game_date)
),
teams AS (
  SELECT DISTINCT game_date, season_year, team_abbr
  FROM players
),
expected_days AS (
  SELECT
    t.game_date,
    t.team_abbr,
    COUNTIF(s.game_date >= DATE_SUB(t.game_date, INTERVAL 7 DAY)) AS expected_7d,
    COUNTIF(s.game_date >= DATE_SUB(t.game_date, INTERVAL 7 DAY) AND s.is_found) AS found_7d,
    COUNT(*) AS expected_14d,
    COUNTIF(s.is_found) AS found_14d
  FROM teams AS t
  JOIN scheduled AS s
    ON s.team_abbr = t.team_abbr AND s.season_year = t.season_year
      AND s.game_date BETWEEN DATE_SUB(t.game_date, INTERVAL 14 DAY) AND DATE_SUB(t.game_date, INTERVAL 1 DAY)
  GROUP BY t.game_date, t.team_abbr
),
zones AS (
  SELECT
    game_date,
    universal_player_id,
    primary_scoring_zone,
    paint_rate_last_10,
    mid_range_rate_last_10,
    three_pt_rate_last_10,
    assisted_rate_last_10
  FROM nba_precompute.player_shot_zone_analysis
  WHERE game_date BETWEEN @start_date AND @end_date
),
team_dates AS (
  SELECT
    t.game_date,
    t.team_abbr,
    o.pace_10 / o.games_10 / 1000000 AS team_pace_last_10,
    o.rating_10 / o.games_10 / 1000000 AS team_off_rating_last_10,
    COALESCE(e.expected_5, 0) AS expected_5,
    COALESCE(e.found_5, 0) AS found_5,
    COALESCE(e.expected_10, 0) AS expected_10,
    COALESCE(e.found_10, 0) AS found_10,
    COALESCE(d.expected_7d, 0) AS expected_7d,
    COALESCE(d.found_7d, 0) AS found_7d,
    COALESCE(d.expected_14d, 0) AS expected_14d,
    COALESCE(d.found_14d, 0) AS found_14d
  FROM teams AS t
  LEFT JOIN team_games AS o
    ON o.season_year = t.season_year AND o.team_abbr = t.team_abbr
      AND o.game_date < t.game_date AND o.next_game_date >= t.game_date
  LEFT JOIN expected AS e
    ON e.season_year = t.season_year AND e.team_abbr = t.team_abbr
      AND e.game_date < t.game_date AND e.next_game_date >= t.game_date
  LEFT JOIN expected_days AS d
    ON d.game_date = t.game_date AND d.team_abbr = t.team_abbr
)
SELECT
  p.game_date,
  p.game_id,
  p.season_year,
  p.universal_player_id,
  p.player_lookup,
  p.team_abbr,
  p.opponent_team_abbr,
  IF(l.games >= 10, 'complete', 'partial') AS history_status,
  l.games AS games_played_season,
  l.points_5 / LEAST(l.games, 5) AS points_avg_last_5,
  l.points_10 / LEAST(l.games, 10) AS points_avg_last_10,
  l.points_season / l.games AS points_avg_season,
  SQRT((LEAST(l.games, 10) * l.squared_points_10 - l.points_10 * l.points_10) / (LEAST(l.games, 10) * (LEAST(l.games, 10) - 1))) AS points_std_last_10,
  l.minutes_10 / LEAST(l.games, 10) / 1000000 AS minutes_avg_last_10,
  l.usage_10 / NULLIF(l.usage_games_10, 0) / 1000000 AS usage_rate_last_10,
  l.usage_season / NULLIF(l.usage_games_season, 0) / 1000000 AS player_usage_rate_season,
  l.ts_10 / NULLIF(l.ts_games_10, 0) / 1000000 AS ts_pct_last_10,
  t.team_pace_last_10,
  t.team_off_rating_last_10,
  p.games_in_last_7_days,
  p.games_in_last_14_days,
  p.minutes_in_last_7_days,
  p.minutes_in_last_14_days,
  p.avg_minutes_per_game_last_7,
  p.back_to_backs_last_14_days,
  z.primary_scoring_zone,
  z.paint_rate_last_10,
  z.mid_range_rate_last_10,
  z.three_pt_rate_last_10,
  z.assisted_rate_last_10,
  z.universal_player_id IS NOT NULL AS shot_zone_data_available,
  p.player_age,
  t.expected_5 AS l5_games_expected,
  t.found_5 AS l5_games_found,
  100 * t.found_5 / NULLIF(t.expected_5, 0) AS l5_completeness_pct,
  t.expected_10 AS l10_games_expected,
  t.found_10 AS l10_games_found,
  100 * t.found_10 / NULLIF(t.expected_10, 0) AS l10_completeness_pct,
  t.expected_7d AS l7d_games_expected,
  t.found_7d AS l7d_games_found,
  100 * t.found_7d / NULLIF(t.expected_7d, 0) AS l7d_completeness_pct,
  t.expected_14d AS l14d_games_expected,
  t.found_14d AS l14d_games_found,
  100 * t.found_14d / NULLIF(t.expected_14d, 0) AS l14d_completeness_pct,
  -- A week without games (All-Star break) misses none.
  10 * t.found_5 >= 9 * t.expected_5
    AND 10 * t.found_10 >= 9 * t.expected_10
    AND 10 * t.found_7d >= 9 * t.expected_7d
    AND 10 * t.found_14d >= 9 * t.expected_14d AS is_production_ready,
  l.game_date AS latest_game_date,
  c.dates AS contributing_game_dates
FROM players AS p
JOIN latest AS l
  ON l.for_date = p.game_date AND l.universal_player_id = p.universal_player_id
JOIN contributing AS c
  ON c.for_date = p.game_date AND c.universal_player_id = p.universal_player_id
LEFT JOIN team_dates AS t
  ON t.game_date = p.game_date AND t.team_abbr = p.team_abbr
LEFT JOIN zones AS z
  ON z.game_date = p.game_date AND z.universal_player_id = p.universal_player_id
