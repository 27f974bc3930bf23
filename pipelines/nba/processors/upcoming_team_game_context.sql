-- Two rows per scheduled game: what is known of each team before it. Of the date itself only the pairing is read, never a status or
-- a score, and lines and injury reports that stood before the game. Spread and total are the mean of the bookmakers' last lines before the
-- start; where no line has a time, the untimed one of the first source by name, marked by lines_are_timed.
-- Sums are of whole and half numbers: exact, hence the same in whatever order they are added.
WITH schedule AS (
  SELECT *
  FROM nba_raw.nbac_schedule
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND @end_date
),
teams AS (
  SELECT
    game_date, game_id, nba_game_id, season_year, season_type, game_status, is_neutral_site,
    home_team_abbr AS team_abbr, away_team_abbr AS opponent_team_abbr, TRUE AS home_game,
    home_team_score - away_team_score AS margin
  FROM schedule
  UNION ALL
  SELECT
    game_date, game_id, nba_game_id, season_year, season_type, game_status, is_neutral_site,
    away_team_abbr AS team_abbr, home_team_abbr AS opponent_team_abbr, FALSE AS home_game,
    away_team_score - home_team_score AS margin
  FROM schedule
),
today AS (
  SELECT * EXCEPT (game_status, margin)
  FROM teams
  WHERE game_date BETWEEN @start_date AND @end_date
),
finished AS (
  SELECT
    season_year, team_abbr, game_date, margin,
    -- A new number after each loss or win: the games with one number are a streak.
    COUNTIF(margin < 0) OVER season AS losses,
    COUNTIF(margin > 0) OVER season AS wins,
    ROW_NUMBER() OVER season AS game_number,
    COALESCE(LEAD(game_date) OVER season, DATE '9999-12-31') AS next_game_date
  FROM teams
  WHERE game_status = 3
  WINDOW season AS (PARTITION BY season_year, team_abbr ORDER BY game_date)
),
streaks AS (
  SELECT
    *,
    COUNTIF(margin > 0) OVER (PARTITION BY season_year, team_abbr, losses ORDER BY game_date) AS win_streak,
    COUNTIF(margin < 0) OVER (PARTITION BY season_year, team_abbr, wins ORDER BY game_date) AS loss_streak
  FROM finished
),
latest AS (
  SELECT t.game_date AS for_date, s.*
  FROM today AS t
  JOIN streaks AS s
    ON s.season_year = t.season_year AND s.team_abbr = t.team_abbr AND s.game_date < t.game_date AND s.next_game_date >= t.game_date
),
recent AS (
  SELECT
    t.game_date AS for_date,
    t.team_abbr,
    COUNTIF(f.game_date >= DATE_SUB(t.game_date, INTERVAL 7 DAY)) AS games_7,
    COUNT(*) AS games_14
  FROM today AS t
  JOIN finished AS f
    ON f.season_year = t.season_year AND f.team_abbr = t.team_abbr
      AND f.game_date BETWEEN DATE_SUB(t.game_date, INTERVAL 14 DAY) AND DATE_SUB(t.game_date, INTERVAL 1 DAY)
  GROUP BY t.game_date, t.team_abbr
),
lines AS (
  SELECT
    game_date, game_id, market_key, bookmaker_key, source, outcome_point,
    hours_before_tipoff > 0 AS is_timed,
    ROW_NUMBER() OVER (PARTITION BY game_date, game_id, market_key, hours_before_tipoff > 0, bookmaker_key, source ORDER BY snapshot_id DESC) AS closing,
    ROW_NUMBER() OVER (PARTITION BY game_date, game_id, market_key, hours_before_tipoff > 0, bookmaker_key, source ORDER BY snapshot_id) AS opening,
    ROW_NUMBER() OVER (PARTITION BY game_date, game_id, market_key, hours_before_tipoff > 0 ORDER BY source, bookmaker_key, snapshot_id DESC) AS first_of_all
  FROM nba_raw.odds_api_game_lines
  WHERE game_date BETWEEN @start_date AND @end_date
    AND (market_key = 'spreads' AND outcome_name = 'home' OR market_key = 'totals' AND outcome_name = 'over')
    AND COALESCE(hours_before_tipoff > 0, NOT is_timed)
),
markets AS (
  SELECT
    game_date,
    game_id,
    AVG(IF(market_key = 'spreads' AND is_timed AND closing = 1, outcome_point, NULL)) AS timed_spread,
    -- Movement is of bookmakers of whom two lines are known; one line says nothing about it.
    AVG(IF(market_key = 'spreads' AND is_timed AND closing = 1 AND opening > 1, outcome_point, NULL)) AS last_spread,
    AVG(IF(market_key = 'spreads' AND is_timed AND opening = 1 AND closing > 1, outcome_point, NULL)) AS first_spread,
    MIN(IF(market_key = 'spreads' AND is_timed IS NULL AND first_of_all = 1, outcome_point, NULL)) AS untimed_spread,
    AVG(IF(market_key = 'totals' AND is_timed AND closing = 1, outcome_point, NULL)) AS timed_total,
    AVG(IF(market_key = 'totals' AND is_timed AND closing = 1 AND opening > 1, outcome_point, NULL)) AS last_total,
    AVG(IF(market_key = 'totals' AND is_timed AND opening = 1 AND closing > 1, outcome_point, NULL)) AS first_total,
    MIN(IF(market_key = 'totals' AND is_timed IS NULL AND first_of_all = 1, outcome_point, NULL)) AS untimed_total
  FROM lines
  GROUP BY game_date, game_id
),
reports AS (
  SELECT game_date, team_abbr, universal_player_id, report_status
  FROM nba_raw.nbac_injury_report
  WHERE game_date BETWEEN @start_date AND @end_date
    AND minutes_before_tipoff > 0
),
-- Where nobody is reported there are no reports: nothing is known then, and not that all are well.
reported_dates AS (
  SELECT DISTINCT game_date
  FROM reports
),
-- A starter is in the first line-up of at least half of his last 10 games.
started AS (
  SELECT
    season_year,
    universal_player_id,
    team_abbr,
    game_date,
    COALESCE(LEAD(game_date) OVER season, DATE '9999-12-31') AS next_game_date,
    2 * COUNTIF(starter_flag) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW)
      >= COUNT(*) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS is_starter
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
    AND is_active
  WINDOW season AS (PARTITION BY season_year, universal_player_id ORDER BY game_date)
),
absences AS (
  SELECT
    t.game_date,
    t.team_abbr,
    COUNTIF(i.report_status = 'out' AND s.is_starter) AS starters_out,
    COUNTIF(i.report_status = 'questionable') AS questionable
  FROM today AS t
  JOIN reports AS i
    ON i.game_date = t.game_date AND i.team_abbr = t.team_abbr
  LEFT JOIN started AS s
    ON s.season_year = t.season_year AND s.universal_player_id = i.universal_player_id AND s.team_abbr = t.team_abbr
      AND s.game_date < t.game_date AND s.next_game_date >= t.game_date
      AND s.game_date >= DATE_SUB(t.game_date, INTERVAL 30 DAY)
  GROUP BY t.game_date, t.team_abbr
),
-- Arenas, to a thousandth of a degree.
arenas AS (
  SELECT 'ATL' AS team_abbr, 33.757 AS latitude, -84.396 AS longitude
  UNION ALL
  SELECT 'BOS', 42.366, -71.062
  UNION ALL
  SELECT 'BKN', 40.683, -73.975
  UNION ALL
  SELECT 'CHA', 35.225, -80.839
  UNION ALL
  SELECT 'CHI', 41.881, -87.674
  UNION ALL
  SELECT 'CLE', 41.497, -81.688
  UNION ALL
  SELECT 'DAL', 32.790, -96.810
  UNION ALL
  SELECT 'DEN', 39.749, -105.008
  UNION ALL
  SELECT 'DET', 42.341, -83.055
  UNION ALL
  SELECT 'GSW', 37.768, -122.388
  UNION ALL
  SELECT 'HOU', 29.751, -95.362
  UNION ALL
  SELECT 'IND', 39.764, -86.156
  UNION ALL
  SELECT 'LAC', 34.043, -118.267
  UNION ALL
  SELECT 'LAL', 34.043, -118.267
  UNION ALL
  SELECT 'MEM', 35.138, -90.051
  UNION ALL
  SELECT 'MIA', 25.781, -80.187
  UNION ALL
  SELECT 'MIL', 43.045, -87.917
  UNION ALL
  SELECT 'MIN', 44.979, -93.276
  UNION ALL
  SELECT 'NOP', 29.949, -90.082
  UNION ALL
  SELECT 'NYK', 40.751, -73.993
  UNION ALL
  SELECT 'OKC', 35.463, -97.515
  UNION ALL
  SELECT 'ORL', 28.539, -81.384
  UNION ALL
  SELECT 'PHI', 39.901, -75.172
  UNION ALL
  SELECT 'PHX', 33.446, -112.071
  UNION ALL
  SELECT 'POR', 45.532, -122.667
  UNION ALL
  SELECT 'SAC', 38.580, -121.500
  UNION ALL
  SELECT 'SAS', 29.427, -98.437
  UNION ALL
  SELECT 'TOR', 43.643, -79.379
  UNION ALL
  SELECT 'UTA', 40.768, -111.901
  UNION ALL
  SELECT 'WAS', 38.898, -77.021
),
venues AS (
  SELECT home.team_abbr, there.team_abbr AS venue,
    -- Great circle on a sphere of 3,958.8 miles.
    CAST(ROUND(3958.8 * ACOS(LEAST(1.0,
      SIN(home.latitude * 0.017453292519943295) * SIN(there.latitude * 0.017453292519943295)
      + COS(home.latitude * 0.017453292519943295) * COS(there.latitude * 0.017453292519943295)
        * COS((home.longitude - there.longitude) * 0.017453292519943295)))) AS INT64) AS miles
  FROM arenas AS home
  CROSS JOIN arenas AS there
)
SELECT
  t.game_date,
  t.game_id,
  t.nba_game_id,
  t.season_year,
  t.season_type,
  t.team_abbr,
  t.opponent_team_abbr,
  t.home_game,
  DATE_DIFF(t.game_date, l.game_date, DAY) AS days_since_last_game,
  DATE_DIFF(t.game_date, l.game_date, DAY) - 1 AS team_days_rest,
  DATE_DIFF(t.game_date, l.game_date, DAY) = 1 AS team_back_to_back,
  COALESCE(r.games_7, 0) AS games_in_last_7_days,
  COALESCE(r.games_14, 0) AS games_in_last_14_days,
  COALESCE(l.game_number, 0) + 1 AS game_number_in_season,
  IF(t.home_game, 1, -1) * COALESCE(m.timed_spread, m.untimed_spread) AS game_spread,
  COALESCE(m.timed_total, m.untimed_total) AS game_total,
  IF(t.home_game, 1, -1) * (m.last_spread - m.first_spread) AS spread_movement,
  m.last_total - m.first_total AS total_movement,
  IF(
    COALESCE(m.timed_spread, m.untimed_spread, m.timed_total, m.untimed_total) IS NULL,
    NULL,
    (m.timed_spread IS NOT NULL OR m.untimed_spread IS NULL) AND (m.timed_total IS NOT NULL OR m.untimed_total IS NULL)
  ) AS lines_are_timed,
  IF(d.game_date IS NULL, NULL, COALESCE(a.starters_out, 0)) AS starters_out_count,
  IF(d.game_date IS NULL, NULL, COALESCE(a.questionable, 0)) AS questionable_players_count,
  l.win_streak AS team_win_streak_entering,
  l.loss_streak AS team_loss_streak_entering,
  l.margin AS last_game_margin,
  IF(l.margin IS NULL, NULL, IF(l.margin > 0, 'W', 'L')) AS last_game_result,
  IF(t.is_neutral_site, NULL, v.miles) AS travel_miles
FROM today AS t
LEFT JOIN latest AS l
  ON l.for_date = t.game_date AND l.team_abbr = t.team_abbr
LEFT JOIN recent AS r
  ON r.for_date = t.game_date AND r.team_abbr = t.team_abbr
LEFT JOIN markets AS m
  ON m.game_date = t.game_date AND m.game_id = t.game_id
LEFT JOIN venues AS v
  ON v.team_abbr = t.team_abbr AND v.venue = IF(t.home_game, t.team_abbr, t.opponent_team_abbr)
LEFT JOIN reported_dates AS d
  ON d.game_date = t.game_date
LEFT JOIN absences AS a
  ON a.game_date = t.game_date AND a.team_abbr = t.team_abbr
