-- One row per player with enough games and date, whether he plays that day or not: where he took his shots in his last 10 games of
-- the season before the date, and as the trend in his last 20. A game is the latest one on all dates after it up to
-- his next, so its rolling window holds there. Played is minutes > 0, here as everywhere: whoever did not play must not
-- dilute a window.
WITH dates AS (
  SELECT game_date, season_year, day_of_season
  FROM (
    SELECT
      game_date,
      season_year,
      DATE_DIFF(game_date, MIN(game_date) OVER (PARTITION BY season_year), DAY) AS day_of_season
    FROM (
      SELECT DISTINCT game_date, season_year
      FROM nba_raw.nbac_schedule
      WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND @end_date
    ) AS days
  ) AS season_days
  WHERE game_date BETWEEN @start_date AND @end_date
),
rolling AS (
  SELECT
    game_date,
    season_year,
    universal_player_id,
    player_lookup,
    team_abbr,
    COALESCE(LEAD(game_date) OVER season, DATE '9999-12-31') AS next_game_date,
    ROW_NUMBER() OVER season AS game_number,
    COUNT(*) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS games_10,
    COUNT(paint_attempts) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS games_with_zones_10,
    SUM(paint_attempts) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS paint_attempts_10,
    SUM(paint_makes) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS paint_makes_10,
    SUM(mid_range_attempts) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS mid_range_attempts_10,
    SUM(mid_range_makes) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS mid_range_makes_10,
    SUM(three_attempts_pbp) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS three_pt_attempts_10,
    SUM(three_makes_pbp) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS three_pt_makes_10,
    SUM(paint_attempts + mid_range_attempts + three_attempts_pbp) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS shots_10,
    SUM(assisted_fg_makes) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS assisted_10,
    SUM(assisted_fg_makes + unassisted_fg_makes) OVER (season ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS makes_10,
    COUNT(*) OVER (season ROWS BETWEEN 19 PRECEDING AND CURRENT ROW) AS games_20,
    SUM(paint_attempts) OVER (season ROWS BETWEEN 19 PRECEDING AND CURRENT ROW) AS paint_attempts_20,
    SUM(paint_makes) OVER (season ROWS BETWEEN 19 PRECEDING AND CURRENT ROW) AS paint_makes_20,
    SUM(mid_range_attempts) OVER (season ROWS BETWEEN 19 PRECEDING AND CURRENT ROW) AS mid_range_attempts_20,
    SUM(three_attempts_pbp) OVER (season ROWS BETWEEN 19 PRECEDING AND CURRENT ROW) AS three_pt_attempts_20,
    SUM(paint_attempts + mid_range_attempts + three_attempts_pbp) OVER (season ROWS BETWEEN 19 PRECEDING AND CURRENT ROW) AS shots_20
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
    AND is_active
    AND minutes_played > 0
  WINDOW season AS (PARTITION BY season_year, universal_player_id ORDER BY game_date)
),
sampled AS (
  SELECT
    d.game_date,
    d.season_year,
    d.day_of_season,
    r.game_date AS latest_game_date,
    r.universal_player_id,
    r.player_lookup,
    r.team_abbr,
    r.game_number,
    r.games_10,
    r.games_with_zones_10,
    r.shots_10,
    100 * r.paint_attempts_10 / NULLIF(r.shots_10, 0) AS paint_rate_10,
    100 * r.mid_range_attempts_10 / NULLIF(r.shots_10, 0) AS mid_range_rate_10,
    100 * r.three_pt_attempts_10 / NULLIF(r.shots_10, 0) AS three_pt_rate_10,
    r.paint_makes_10 / NULLIF(r.paint_attempts_10, 0) AS paint_pct_10,
    r.mid_range_makes_10 / NULLIF(r.mid_range_attempts_10, 0) AS mid_range_pct_10,
    r.three_pt_makes_10 / NULLIF(r.three_pt_attempts_10, 0) AS three_pt_pct_10,
    r.paint_attempts_10 / NULLIF(r.games_with_zones_10, 0) AS paint_attempts_per_game,
    r.mid_range_attempts_10 / NULLIF(r.games_with_zones_10, 0) AS mid_range_attempts_per_game,
    r.three_pt_attempts_10 / NULLIF(r.games_with_zones_10, 0) AS three_pt_attempts_per_game,
    100 * r.assisted_10 / NULLIF(r.makes_10, 0) AS assisted_rate_10,
    100 * (r.makes_10 - r.assisted_10) / NULLIF(r.makes_10, 0) AS unassisted_rate_10,
    r.games_20,
    -- A trend of fewer than 15 games would be the last 10 once more.
    IF(r.games_20 >= 15, r.shots_20, NULL) AS shots_20,
    r.paint_attempts_20,
    r.mid_range_attempts_20,
    r.three_pt_attempts_20,
    IF(r.games_20 >= 15, r.paint_makes_20 / NULLIF(r.paint_attempts_20, 0), NULL) AS paint_pct_20
  FROM dates AS d
  JOIN rolling AS r
    ON r.season_year = d.season_year
      AND r.game_date < d.game_date AND r.next_game_date >= d.game_date
  WHERE r.games_10 >= 3
),
contributing AS (
  SELECT l.season_year, l.universal_player_id, l.game_number, ARRAY_AGG(g.game_date ORDER BY g.game_date) AS dates
  FROM (SELECT DISTINCT season_year, universal_player_id, game_number FROM sampled) AS l
  JOIN rolling AS g
    ON g.season_year = l.season_year AND g.universal_player_id = l.universal_player_id
      AND g.game_number BETWEEN l.game_number - 9 AND l.game_number
  GROUP BY l.season_year, l.universal_player_id, l.game_number
)
SELECT
  s.game_date,
  s.season_year,
  s.universal_player_id,
  player_lookup,
  team_abbr,
  games_10 AS games_in_sample_10,
  games_with_zones_10,
  IF(games_10 >= 10, 'complete', 'partial') AS history_status,
  shots_10 AS total_shots_last_10,
  paint_rate_10 AS paint_rate_last_10,
  mid_range_rate_10 AS mid_range_rate_last_10,
  three_pt_rate_10 AS three_pt_rate_last_10,
  paint_pct_10 AS paint_pct_last_10,
  mid_range_pct_10 AS mid_range_pct_last_10,
  three_pt_pct_10 AS three_pt_pct_last_10,
  paint_attempts_per_game,
  mid_range_attempts_per_game,
  three_pt_attempts_per_game,
  assisted_rate_10 AS assisted_rate_last_10,
  unassisted_rate_10 AS unassisted_rate_last_10,
  games_20 AS games_in_sample_20,
  100 * paint_attempts_20 / NULLIF(shots_20, 0) AS paint_rate_last_20,
  100 * mid_range_attempts_20 / NULLIF(shots_20, 0) AS mid_range_rate_last_20,
  100 * three_pt_attempts_20 / NULLIF(shots_20, 0) AS three_pt_rate_last_20,
  paint_pct_20 AS paint_pct_last_20,
  CASE
    WHEN paint_rate_10 IS NULL THEN NULL
    WHEN paint_rate_10 >= 40 THEN 'paint'
    WHEN three_pt_rate_10 >= 40 THEN 'perimeter'
    WHEN mid_range_rate_10 >= 35 THEN 'mid_range'
    ELSE 'balanced'
  END AS primary_scoring_zone,
  CASE
    WHEN COALESCE(shots_10, 0) = 0 THEN 'no_shots'
    WHEN games_with_zones_10 >= 10 THEN 'high'
    WHEN games_with_zones_10 >= 7 THEN 'medium'
    ELSE 'low'
  END AS data_quality_tier,
  CASE
    WHEN games_10 >= 10 THEN 'excellent'
    WHEN games_10 >= 7 THEN 'good'
    WHEN games_10 >= 5 THEN 'limited'
    ELSE 'insufficient'
  END AS sample_quality_10,
  CASE
    WHEN games_20 >= 20 THEN 'excellent'
    WHEN games_20 >= 14 THEN 'good'
    WHEN games_20 >= 10 THEN 'limited'
    ELSE 'insufficient'
  END AS sample_quality_20,
  day_of_season < 21 AS early_season_flag,
  latest_game_date,
  g.dates AS contributing_game_dates
FROM sampled AS s
JOIN contributing AS g
  ON g.season_year = s.season_year AND g.universal_player_id = s.universal_player_id AND g.game_number = s.game_number
