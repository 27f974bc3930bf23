-- One row per player of upcoming_player_game_context: every feature a column of its own, and the same once more as two lists for
-- trainers. A missing feature is NULL in its column and absent from both lists (an ARRAY holds no NULLs in BigQuery): nothing is
-- filled with a default, and the quality score says how much is there.
WITH players AS (
  SELECT *
  FROM nba_analytics.upcoming_player_game_context
  WHERE game_date BETWEEN @start_date AND @end_date
),
teams AS (
  SELECT game_date, team_abbr, game_id, travel_miles, game_number_in_season
  FROM nba_analytics.upcoming_team_game_context
  WHERE game_date BETWEEN @start_date AND @end_date
),
caches AS (
  SELECT *
  FROM nba_precompute.player_daily_cache
  WHERE game_date BETWEEN @start_date AND @end_date
),
factors AS (
  SELECT *
  FROM nba_precompute.player_composite_factors
  WHERE game_date BETWEEN @start_date AND @end_date
),
shooters AS (
  SELECT *
  FROM nba_precompute.player_shot_zone_analysis
  WHERE game_date BETWEEN @start_date AND @end_date
),
defences AS (
  SELECT game_date, team_abbr, defensive_rating_last_15, opponent_points_per_game, games_in_sample
  FROM nba_precompute.team_defense_zone_analysis
  WHERE game_date BETWEEN @start_date AND @end_date
),
-- The games that a player played, numbered in his season. A game is the latest one on the dates after it, up to his next.
games AS (
  SELECT
    universal_player_id,
    season_year,
    game_date,
    opponent_team_abbr,
    points,
    ROW_NUMBER() OVER (PARTITION BY universal_player_id, season_year ORDER BY game_date) AS game_number,
    COALESCE(LEAD(game_date) OVER (PARTITION BY universal_player_id, season_year ORDER BY game_date), DATE '9999-12-31') AS next_game_date
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
    AND minutes_played > 0
),
latest AS (
  SELECT p.game_date, p.universal_player_id, p.season_year, g.game_number
  FROM players AS p
  JOIN games AS g
    ON g.universal_player_id = p.universal_player_id AND g.season_year = p.season_year
      AND g.game_date < p.game_date AND g.next_game_date >= p.game_date
),
numbered AS (
  SELECT l.game_date, l.universal_player_id, l.season_year, number AS game_number
  FROM latest AS l
  CROSS JOIN UNNEST(GENERATE_ARRAY(GREATEST(l.game_number - 9, 1), l.game_number)) AS number
),
history AS (
  SELECT
    n.game_date,
    n.universal_player_id,
    COUNT(*) AS games_found,
    ARRAY_AGG(g.game_date ORDER BY g.game_date) AS contributing_game_dates
  FROM numbered AS n
  JOIN games AS g
    ON g.universal_player_id = n.universal_player_id AND g.season_year = n.season_year AND g.game_number = n.game_number
  GROUP BY n.game_date, n.universal_player_id
),
-- Two teams meet two to four times in a season.
versus AS (
  SELECT p.game_date, p.universal_player_id, COUNT(*) AS games_vs_opponent, AVG(g.points) AS points_vs_opponent
  FROM players AS p
  JOIN games AS g
    ON g.universal_player_id = p.universal_player_id AND g.season_year = p.season_year
      AND g.opponent_team_abbr = p.opponent_team_abbr AND g.game_date < p.game_date
  GROUP BY p.game_date, p.universal_player_id
),
featured AS (
  SELECT
    p.game_date,
    p.game_id,
    p.nba_game_id,
    p.season_year,
    p.season_type,
    p.universal_player_id,
    p.player_lookup,
    p.team_abbr,
    p.opponent_team_abbr,
    p.points_line_is_timed,
    p.game_lines_are_timed,
    c.points_avg_last_5 AS f_points_avg_last_5,
    c.points_avg_last_10 AS f_points_avg_last_10,
    c.points_avg_season AS f_points_avg_season,
    c.points_std_last_10 AS f_points_std_last_10,
    CAST(c.games_played_season AS FLOAT64) AS f_games_played_season,
    c.minutes_avg_last_10 AS f_minutes_avg_last_10,
    c.usage_rate_last_10 AS f_usage_rate_last_10,
    c.ts_pct_last_10 AS f_ts_pct_last_10,
    c.points_avg_last_10 / NULLIF(c.minutes_avg_last_10, 0) AS f_points_per_minute_last_10,
    c.points_avg_last_5 - c.points_avg_season AS f_points_trend,
    CAST(k.fatigue_score AS FLOAT64) AS f_fatigue_score,
    CAST(p.days_rest AS FLOAT64) AS f_days_rest,
    IF(p.back_to_back, 1.0, IF(p.back_to_back IS NULL, NULL, 0.0)) AS f_back_to_back,
    CAST(p.games_in_last_7_days AS FLOAT64) AS f_games_in_last_7_days,
    CAST(p.minutes_in_last_7_days AS FLOAT64) AS f_minutes_in_last_7_days,
    IF(p.home_game, 1.0, 0.0) AS f_home_game,
    CAST(t.travel_miles AS FLOAT64) AS f_travel_miles,
    k.shot_zone_mismatch_score AS f_shot_zone_mismatch_score,
    k.pace_score AS f_pace_score,
    k.usage_spike_score AS f_usage_spike_score,
    k.opponent_strength_score AS f_opponent_strength_score,
    d.defensive_rating_last_15 AS f_opponent_def_rating,
    d.opponent_points_per_game AS f_opponent_points_allowed,
    p.opponent_pace_last_10 AS f_opponent_pace,
    v.points_vs_opponent AS f_points_vs_opponent,
    CAST(COALESCE(v.games_vs_opponent, 0) AS FLOAT64) AS f_games_vs_opponent,
    s.paint_rate_last_10 AS f_paint_rate_last_10,
    s.mid_range_rate_last_10 AS f_mid_range_rate_last_10,
    s.three_pt_rate_last_10 AS f_three_pt_rate_last_10,
    s.assisted_rate_last_10 AS f_assisted_rate_last_10,
    c.team_pace_last_10 AS f_team_pace_last_10,
    c.team_off_rating_last_10 AS f_team_off_rating_last_10,
    CAST(p.player_age AS FLOAT64) AS f_player_age,
    p.current_points_line AS f_points_line,
    p.game_total AS f_game_total,
    p.game_spread AS f_game_spread,
    (p.game_total - p.game_spread) / 2 AS f_implied_team_points,
    t.game_number_in_season AS team_game_number,
    COALESCE(h.games_found, 0) AS games_found,
    -- What the schedule says he could have played of the 10, not what was found of him.
    LEAST(t.game_number_in_season - 1, 10) AS games_expected,
    COALESCE(h.contributing_game_dates, ARRAY<DATE>[]) AS contributing_game_dates,
    c.universal_player_id IS NOT NULL AS has_daily_cache,
    k.universal_player_id IS NOT NULL AS has_composite_factors,
    s.universal_player_id IS NOT NULL AS has_shot_zones,
    d.team_abbr IS NOT NULL AS has_opponent_zones,
    d.games_in_sample AS opponent_games_in_sample
  FROM players AS p
  LEFT JOIN teams AS t
    ON t.game_date = p.game_date AND t.team_abbr = p.team_abbr AND t.game_id = p.game_id
  LEFT JOIN caches AS c
    ON c.game_date = p.game_date AND c.universal_player_id = p.universal_player_id
  LEFT JOIN factors AS k
    ON k.game_date = p.game_date AND k.universal_player_id = p.universal_player_id
  LEFT JOIN shooters AS s
    ON s.game_date = p.game_date AND s.universal_player_id = p.universal_player_id
  LEFT JOIN defences AS d
    ON d.game_date = p.game_date AND d.team_abbr = p.opponent_team_abbr
  LEFT JOIN history AS h
    ON h.game_date = p.game_date AND h.universal_player_id = p.universal_player_id
  LEFT JOIN versus AS v
    ON v.game_date = p.game_date AND v.universal_player_id = p.universal_player_id
),
listed AS (
  SELECT
    *,
    ARRAY_CONCAT(
      IF(f_points_avg_last_5 IS NULL, ARRAY<FLOAT64>[], [f_points_avg_last_5]),
      IF(f_points_avg_last_10 IS NULL, ARRAY<FLOAT64>[], [f_points_avg_last_10]),
      IF(f_points_avg_season IS NULL, ARRAY<FLOAT64>[], [f_points_avg_season]),
      IF(f_points_std_last_10 IS NULL, ARRAY<FLOAT64>[], [f_points_std_last_10]),
      IF(f_games_played_season IS NULL, ARRAY<FLOAT64>[], [f_games_played_season]),
      IF(f_minutes_avg_last_10 IS NULL, ARRAY<FLOAT64>[], [f_minutes_avg_last_10]),
      IF(f_usage_rate_last_10 IS NULL, ARRAY<FLOAT64>[], [f_usage_rate_last_10]),
      IF(f_ts_pct_last_10 IS NULL, ARRAY<FLOAT64>[], [f_ts_pct_last_10]),
      IF(f_points_per_minute_last_10 IS NULL, ARRAY<FLOAT64>[], [f_points_per_minute_last_10]),
      IF(f_points_trend IS NULL, ARRAY<FLOAT64>[], [f_points_trend]),
      IF(f_fatigue_score IS NULL, ARRAY<FLOAT64>[], [f_fatigue_score]),
      IF(f_days_rest IS NULL, ARRAY<FLOAT64>[], [f_days_rest]),
      IF(f_back_to_back IS NULL, ARRAY<FLOAT64>[], [f_back_to_back]),
      IF(f_games_in_last_7_days IS NULL, ARRAY<FLOAT64>[], [f_games_in_last_7_days]),
      IF(f_minutes_in_last_7_days IS NULL, ARRAY<FLOAT64>[], [f_minutes_in_last_7_days]),
      IF(f_home_game IS NULL, ARRAY<FLOAT64>[], [f_home_game]),
      IF(f_travel_miles IS NULL, ARRAY<FLOAT64>[], [f_travel_miles]),
      IF(f_shot_zone_mismatch_score IS NULL, ARRAY<FLOAT64>[], [f_shot_zone_mismatch_score]),
      IF(f_pace_score IS NULL, ARRAY<FLOAT64>[], [f_pace_score]),
      IF(f_usage_spike_score IS NULL, ARRAY<FLOAT64>[], [f_usage_spike_score]),
      IF(f_opponent_strength_score IS NULL, ARRAY<FLOAT64>[], [f_opponent_strength_score]),
      IF(f_opponent_def_rating IS NULL, ARRAY<FLOAT64>[], [f_opponent_def_rating]),
      IF(f_opponent_points_allowed IS NULL, ARRAY<FLOAT64>[], [f_opponent_points_allowed]),
      IF(f_opponent_pace IS NULL, ARRAY<FLOAT64>[], [f_opponent_pace]),
      IF(f_points_vs_opponent IS NULL, ARRAY<FLOAT64>[], [f_points_vs_opponent]),
      IF(f_games_vs_opponent IS NULL, ARRAY<FLOAT64>[], [f_games_vs_opponent]),
      IF(f_paint_rate_last_10 IS NULL, ARRAY<FLOAT64>[], [f_paint_rate_last_10]),
      IF(f_mid_range_rate_last_10 IS NULL, ARRAY<FLOAT64>[], [f_mid_range_rate_last_10]),
      IF(f_three_pt_rate_last_10 IS NULL, ARRAY<FLOAT64>[], [f_three_pt_rate_last_10]),
      IF(f_assisted_rate_last_10 IS NULL, ARRAY<FLOAT64>[], [f_assisted_rate_last_10]),
      IF(f_team_pace_last_10 IS NULL, ARRAY<FLOAT64>[], [f_team_pace_last_10]),
      IF(f_team_off_rating_last_10 IS NULL, ARRAY<FLOAT64>[], [f_team_off_rating_last_10]),
      IF(f_player_age IS NULL, ARRAY<FLOAT64>[], [f_player_age]),
      IF(f_points_line IS NULL, ARRAY<FLOAT64>[], [f_points_line]),
      IF(f_game_total IS NULL, ARRAY<FLOAT64>[], [f_game_total]),
      IF(f_game_spread IS NULL, ARRAY<FLOAT64>[], [f_game_spread]),
      IF(f_implied_team_points IS NULL, ARRAY<FLOAT64>[], [f_implied_team_points])
    ) AS features,
    ARRAY_CONCAT(
      IF(f_points_avg_last_5 IS NULL, ARRAY<STRING>[], ['f_points_avg_last_5']),
      IF(f_points_avg_last_10 IS NULL, ARRAY<STRING>[], ['f_points_avg_last_10']),
      IF(f_points_avg_season IS NULL, ARRAY<STRING>[], ['f_points_avg_season']),
      IF(f_points_std_last_10 IS NULL, ARRAY<STRING>[], ['f_points_std_last_10']),
      IF(f_games_played_season IS NULL, ARRAY<STRING>[], ['f_games_played_season']),
      IF(f_minutes_avg_last_10 IS NULL, ARRAY<STRING>[], ['f_minutes_avg_last_10']),
      IF(f_usage_rate_last_10 IS NULL, ARRAY<STRING>[], ['f_usage_rate_last_10']),
      IF(f_ts_pct_last_10 IS NULL, ARRAY<STRING>[], ['f_ts_pct_last_10']),
      IF(f_points_per_minute_last_10 IS NULL, ARRAY<STRING>[], ['f_points_per_minute_last_10']),
      IF(f_points_trend IS NULL, ARRAY<STRING>[], ['f_points_trend']),
      IF(f_fatigue_score IS NULL, ARRAY<STRING>[], ['f_fatigue_score']),
      IF(f_days_rest IS NULL, ARRAY<STRING>[], ['f_days_rest']),
      IF(f_back_to_back IS NULL, ARRAY<STRING>[], ['f_back_to_back']),
      IF(f_games_in_last_7_days IS NULL, ARRAY<STRING>[], ['f_games_in_last_7_days']),
      IF(f_minutes_in_last_7_days IS NULL, ARRAY<STRING>[], ['f_minutes_in_last_7_days']),
      IF(f_home_game IS NULL, ARRAY<STRING>[], ['f_home_game']),
      IF(f_travel_miles IS NULL, ARRAY<STRING>[], ['f_travel_miles']),
      IF(f_shot_zone_mismatch_score IS NULL, ARRAY<STRING>[], ['f_shot_zone_mismatch_score']),
      IF(f_pace_score IS NULL, ARRAY<STRING>[], ['f_pace_score']),
      IF(f_usage_spike_score IS NULL, ARRAY<STRING>[], ['f_usage_spike_score']),
      IF(f_opponent_strength_score IS NULL, ARRAY<STRING>[], ['f_opponent_strength_score']),
      IF(f_opponent_def_rating IS NULL, ARRAY<STRING>[], ['f_opponent_def_rating']),
      IF(f_opponent_points_allowed IS NULL, ARRAY<STRING>[], ['f_opponent_points_allowed']),
      IF(f_opponent_pace IS NULL, ARRAY<STRING>[], ['f_opponent_pace']),
      IF(f_points_vs_opponent IS NULL, ARRAY<STRING>[], ['f_points_vs_opponent']),
      IF(f_games_vs_opponent IS NULL, ARRAY<STRING>[], ['f_games_vs_opponent']),
      IF(f_paint_rate_last_10 IS NULL, ARRAY<STRING>[], ['f_paint_rate_last_10']),
      IF(f_mid_range_rate_last_10 IS NULL, ARRAY<STRING>[], ['f_mid_range_rate_last_10']),
      IF(f_three_pt_rate_last_10 IS NULL, ARRAY<STRING>[], ['f_three_pt_rate_last_10']),
      IF(f_assisted_rate_last_10 IS NULL, ARRAY<STRING>[], ['f_assisted_rate_last_10']),
      IF(f_team_pace_last_10 IS NULL, ARRAY<STRING>[], ['f_team_pace_last_10']),
      IF(f_team_off_rating_last_10 IS NULL, ARRAY<STRING>[], ['f_team_off_rating_last_10']),
      IF(f_player_age IS NULL, ARRAY<STRING>[], ['f_player_age']),
      IF(f_points_line IS NULL, ARRAY<STRING>[], ['f_points_line']),
      IF(f_game_total IS NULL, ARRAY<STRING>[], ['f_game_total']),
      IF(f_game_spread IS NULL, ARRAY<STRING>[], ['f_game_spread']),
      IF(f_implied_team_points IS NULL, ARRAY<STRING>[], ['f_implied_team_points'])
    ) AS feature_names,
    -- Weights say how near a source is to the feature: 100 what phase 4 computed or a book says, 95 a quotient of its means,
    -- 90 the few games against one opponent, 87 phase 3.
    IF(f_points_avg_last_5 IS NULL, 0, 1) + IF(f_points_avg_last_10 IS NULL, 0, 1) + IF(f_points_avg_season IS NULL, 0, 1)
      + IF(f_points_std_last_10 IS NULL, 0, 1) + IF(f_games_played_season IS NULL, 0, 1) + IF(f_minutes_avg_last_10 IS NULL, 0, 1)
      + IF(f_usage_rate_last_10 IS NULL, 0, 1) + IF(f_ts_pct_last_10 IS NULL, 0, 1) + IF(f_points_trend IS NULL, 0, 1)
      + IF(f_fatigue_score IS NULL, 0, 1) + IF(f_home_game IS NULL, 0, 1) + IF(f_shot_zone_mismatch_score IS NULL, 0, 1)
      + IF(f_pace_score IS NULL, 0, 1) + IF(f_usage_spike_score IS NULL, 0, 1) + IF(f_opponent_strength_score IS NULL, 0, 1)
      + IF(f_opponent_def_rating IS NULL, 0, 1) + IF(f_opponent_points_allowed IS NULL, 0, 1) + IF(f_paint_rate_last_10 IS NULL, 0, 1)
      + IF(f_mid_range_rate_last_10 IS NULL, 0, 1) + IF(f_three_pt_rate_last_10 IS NULL, 0, 1) + IF(f_assisted_rate_last_10 IS NULL, 0, 1)
      + IF(f_team_pace_last_10 IS NULL, 0, 1) + IF(f_team_off_rating_last_10 IS NULL, 0, 1) + IF(f_points_line IS NULL, 0, 1)
      + IF(f_game_total IS NULL, 0, 1) + IF(f_game_spread IS NULL, 0, 1) + IF(f_implied_team_points IS NULL, 0, 1) AS present_100,
    IF(f_points_per_minute_last_10 IS NULL, 0, 1) AS present_95,
    IF(f_points_vs_opponent IS NULL, 0, 1) + IF(f_games_vs_opponent IS NULL, 0, 1) AS present_90,
    IF(f_days_rest IS NULL, 0, 1) + IF(f_back_to_back IS NULL, 0, 1) + IF(f_games_in_last_7_days IS NULL, 0, 1)
      + IF(f_minutes_in_last_7_days IS NULL, 0, 1) + IF(f_travel_miles IS NULL, 0, 1) + IF(f_opponent_pace IS NULL, 0, 1)
      + IF(f_player_age IS NULL, 0, 1) AS present_87,
    -- Optional ones count only where they are there: no book has a line for everybody.
    IF(f_ts_pct_last_10 IS NULL, 0, 1) + IF(f_minutes_in_last_7_days IS NULL, 0, 1) + IF(f_travel_miles IS NULL, 0, 1)
      + IF(f_usage_spike_score IS NULL, 0, 1) + IF(f_points_vs_opponent IS NULL, 0, 1) + IF(f_games_vs_opponent IS NULL, 0, 1)
      + IF(f_assisted_rate_last_10 IS NULL, 0, 1) + IF(f_player_age IS NULL, 0, 1) + IF(f_points_line IS NULL, 0, 1)
      + IF(f_game_total IS NULL, 0, 1) + IF(f_game_spread IS NULL, 0, 1) + IF(f_implied_team_points IS NULL, 0, 1) AS optional_present,
    25 - (IF(f_points_avg_last_5 IS NULL, 0, 1) + IF(f_points_avg_last_10 IS NULL, 0, 1) + IF(f_points_avg_season IS NULL, 0, 1)
      + IF(f_points_std_last_10 IS NULL, 0, 1) + IF(f_games_played_season IS NULL, 0, 1) + IF(f_minutes_avg_last_10 IS NULL, 0, 1)
      + IF(f_usage_rate_last_10 IS NULL, 0, 1) + IF(f_points_per_minute_last_10 IS NULL, 0, 1) + IF(f_points_trend IS NULL, 0, 1)
      + IF(f_fatigue_score IS NULL, 0, 1) + IF(f_days_rest IS NULL, 0, 1) + IF(f_back_to_back IS NULL, 0, 1)
      + IF(f_games_in_last_7_days IS NULL, 0, 1) + IF(f_home_game IS NULL, 0, 1) + IF(f_shot_zone_mismatch_score IS NULL, 0, 1)
      + IF(f_pace_score IS NULL, 0, 1) + IF(f_opponent_strength_score IS NULL, 0, 1) + IF(f_opponent_def_rating IS NULL, 0, 1)
      + IF(f_opponent_points_allowed IS NULL, 0, 1) + IF(f_opponent_pace IS NULL, 0, 1) + IF(f_paint_rate_last_10 IS NULL, 0, 1)
      + IF(f_mid_range_rate_last_10 IS NULL, 0, 1) + IF(f_three_pt_rate_last_10 IS NULL, 0, 1) + IF(f_team_pace_last_10 IS NULL, 0, 1)
      + IF(f_team_off_rating_last_10 IS NULL, 0, 1)) AS required_missing_count,
    100 * (IF(f_points_avg_last_5 IS NULL, 0, 1) + IF(f_points_avg_last_10 IS NULL, 0, 1) + IF(f_points_avg_season IS NULL, 0, 1)
      + IF(f_points_std_last_10 IS NULL, 0, 1) + IF(f_games_played_season IS NULL, 0, 1) + IF(f_minutes_avg_last_10 IS NULL, 0, 1)
      + IF(f_usage_rate_last_10 IS NULL, 0, 1) + IF(f_ts_pct_last_10 IS NULL, 0, 1) + IF(f_points_per_minute_last_10 IS NULL, 0, 1)
      + IF(f_points_trend IS NULL, 0, 1)) / 10 AS form_quality_pct,
    100 * (IF(f_fatigue_score IS NULL, 0, 1) + IF(f_days_rest IS NULL, 0, 1) + IF(f_back_to_back IS NULL, 0, 1)
      + IF(f_games_in_last_7_days IS NULL, 0, 1) + IF(f_minutes_in_last_7_days IS NULL, 0, 1) + IF(f_home_game IS NULL, 0, 1)
      + IF(f_travel_miles IS NULL, 0, 1)) / 7 AS schedule_quality_pct,
    100 * (IF(f_shot_zone_mismatch_score IS NULL, 0, 1) + IF(f_pace_score IS NULL, 0, 1) + IF(f_usage_spike_score IS NULL, 0, 1)
      + IF(f_opponent_strength_score IS NULL, 0, 1) + IF(f_opponent_def_rating IS NULL, 0, 1) + IF(f_opponent_points_allowed IS NULL, 0, 1)
      + IF(f_opponent_pace IS NULL, 0, 1) + IF(f_points_vs_opponent IS NULL, 0, 1) + IF(f_games_vs_opponent IS NULL, 0, 1)) / 9 AS matchup_quality_pct,
    100 * (IF(f_paint_rate_last_10 IS NULL, 0, 1) + IF(f_mid_range_rate_last_10 IS NULL, 0, 1) + IF(f_three_pt_rate_last_10 IS NULL, 0, 1)
      + IF(f_assisted_rate_last_10 IS NULL, 0, 1)) / 4 AS shot_zone_quality_pct,
    100 * (IF(f_team_pace_last_10 IS NULL, 0, 1) + IF(f_team_off_rating_last_10 IS NULL, 0, 1) + IF(f_player_age IS NULL, 0, 1)) / 3 AS team_quality_pct,
    100 * (IF(f_points_line IS NULL, 0, 1) + IF(f_game_total IS NULL, 0, 1) + IF(f_game_spread IS NULL, 0, 1)
      + IF(f_implied_team_points IS NULL, 0, 1)) / 4 AS market_quality_pct,
  FROM featured
),
scored AS (
  SELECT
    *,
    (100 * present_100 + 95 * present_95 + 90 * present_90 + 87 * present_87) / (25 + optional_present) AS mean_weight
  FROM listed
),
capped AS (
  SELECT
    *,
    -- Averages of few games are worth less: 10 for each of his last 10 games that there is, silver where the opponent's 15 are not
    -- full, and bronze where they are fewer than 10.
    LEAST(
      mean_weight,
      IF(required_missing_count >= 5, 49.0, IF(required_missing_count >= 1, 69.0, 100.0)),
      10.0 * games_found,
      CASE WHEN opponent_games_in_sample >= 15 THEN 100.0 WHEN opponent_games_in_sample >= 10 THEN 94.0 ELSE 84.0 END
    ) AS score
  FROM scored
)
SELECT
  game_date,
  game_id,
  nba_game_id,
  season_year,
  season_type,
  universal_player_id,
  player_lookup,
  team_abbr,
  opponent_team_abbr,
  f_points_avg_last_5,
  f_points_avg_last_10,
  f_points_avg_season,
  f_points_std_last_10,
  f_games_played_season,
  f_minutes_avg_last_10,
  f_usage_rate_last_10,
  f_ts_pct_last_10,
  f_points_per_minute_last_10,
  f_points_trend,
  f_fatigue_score,
  f_days_rest,
  f_back_to_back,
  f_games_in_last_7_days,
  f_minutes_in_last_7_days,
  f_home_game,
  f_travel_miles,
  f_shot_zone_mismatch_score,
  f_pace_score,
  f_usage_spike_score,
  f_opponent_strength_score,
  f_opponent_def_rating,
  f_opponent_points_allowed,
  f_opponent_pace,
  f_points_vs_opponent,
  f_games_vs_opponent,
  f_paint_rate_last_10,
  f_mid_range_rate_last_10,
  f_three_pt_rate_last_10,
  f_assisted_rate_last_10,
  f_team_pace_last_10,
  f_team_off_rating_last_10,
  f_player_age,
  f_points_line,
  f_game_total,
  f_game_spread,
  f_implied_team_points,
  features,
  feature_names,
  ARRAY_LENGTH(features) AS feature_count,
  'v1_37features' AS feature_version,
  score AS feature_quality_score,
  CASE WHEN score >= 95 THEN 'gold' WHEN score >= 85 THEN 'silver' WHEN score >= 70 THEN 'bronze' WHEN score >= 50 THEN 'poor' ELSE 'critical' END AS quality_tier,
  score >= 70 AND matchup_quality_pct >= 50 AS is_quality_ready,
  37 - ARRAY_LENGTH(features) AS missing_feature_count,
  required_missing_count,
  form_quality_pct,
  schedule_quality_pct,
  matchup_quality_pct,
  shot_zone_quality_pct,
  team_quality_pct,
  market_quality_pct,
  points_line_is_timed,
  game_lines_are_timed,
  team_game_number,
  games_found,
  games_expected,
  games_found >= games_expected AS is_history_complete,
  contributing_game_dates,
  has_daily_cache,
  has_composite_factors,
  has_shot_zones,
  has_opponent_zones
FROM capped
