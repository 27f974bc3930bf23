-- One row per player of upcoming_player_game_context: how tired he is, and what the matchup does to him. Every input is of
-- the same date and was itself made of earlier games only. An input that is missing makes its component NULL and lowers
-- data_completeness_pct; it is never taken for average. What nobody can know from these sources (referees, look-ahead)
-- has no column.
WITH players AS (
  SELECT *
  FROM nba_analytics.upcoming_player_game_context
  WHERE game_date BETWEEN @start_date AND @end_date
),
teams AS (
  SELECT game_date, team_abbr, game_id, game_number_in_season, team_days_rest, travel_miles
  FROM nba_analytics.upcoming_team_game_context
  WHERE game_date BETWEEN @start_date AND @end_date
),
-- A defence is measured against the mean of all teams of the same date over their last 15 games. The 30 days' averages of the table
-- itself end where few teams still play: they are NULL from the middle of the playoffs to a month into the next season.
defences AS (
  SELECT
    game_date,
    team_abbr,
    defensive_rating_last_15,
    -- Rounded, since the last bits of a sum differ with the order in which it is made.
    ROUND(AVG(defensive_rating_last_15) OVER (PARTITION BY game_date), 9) AS league_defensive_rating,
    ROUND(100 * (paint_pct_allowed_last_15 - AVG(paint_pct_allowed_last_15) OVER (PARTITION BY game_date)), 9) AS paint_vs_league,
    ROUND(100 * (mid_range_pct_allowed_last_15 - AVG(mid_range_pct_allowed_last_15) OVER (PARTITION BY game_date)), 9) AS mid_range_vs_league,
    ROUND(100 * (three_pt_pct_allowed_last_15 - AVG(three_pt_pct_allowed_last_15) OVER (PARTITION BY game_date)), 9) AS three_pt_vs_league,
    -- Fewer are no league.
    COUNT(*) OVER (PARTITION BY game_date) >= 10 AS has_league
  FROM nba_precompute.team_defense_zone_analysis
  WHERE game_date BETWEEN @start_date AND @end_date
),
shooters AS (
  SELECT game_date, universal_player_id, primary_scoring_zone, paint_rate_last_10, mid_range_rate_last_10, three_pt_rate_last_10
  FROM nba_precompute.player_shot_zone_analysis
  WHERE game_date BETWEEN @start_date AND @end_date
),
joined AS (
  SELECT
    p.*,
    t.game_id IS NOT NULL AS has_team_context,
    t.game_number_in_season AS team_game_number,
    t.team_days_rest,
    t.travel_miles,
    s.primary_scoring_zone,
    s.universal_player_id IS NOT NULL AS has_shot_zones,
    d.team_abbr IS NOT NULL AS has_opponent_zones,
    d.defensive_rating_last_15,
    d.league_defensive_rating,
    d.paint_vs_league,
    d.mid_range_vs_league,
    d.three_pt_vs_league,
    CASE s.primary_scoring_zone
      WHEN 'paint' THEN d.paint_vs_league * LEAST(s.paint_rate_last_10 / 50, 1)
      WHEN 'perimeter' THEN d.three_pt_vs_league * LEAST(s.three_pt_rate_last_10 / 50, 1)
      WHEN 'mid_range' THEN d.mid_range_vs_league * LEAST(s.mid_range_rate_last_10 / 50, 1)
      -- Without a primary zone every zone counts by its share of his shots.
      WHEN 'balanced' THEN (d.paint_vs_league * s.paint_rate_last_10
        + d.mid_range_vs_league * s.mid_range_rate_last_10
        + d.three_pt_vs_league * s.three_pt_rate_last_10) / 100
    END AS raw_mismatch
  FROM players AS p
  LEFT JOIN teams AS t
    ON t.game_date = p.game_date AND t.team_abbr = p.team_abbr AND t.game_id = p.game_id
  LEFT JOIN shooters AS s
    ON s.game_date = p.game_date AND s.universal_player_id = p.universal_player_id
  LEFT JOIN defences AS d
    ON d.game_date = p.game_date AND d.team_abbr = p.opponent_team_abbr AND d.has_league
),
components AS (
  SELECT
    *,
    CASE
      WHEN back_to_back THEN -15
      WHEN days_rest >= 3 THEN 5
      WHEN days_rest IS NOT NULL THEN 0
    END AS rest_points,
    IF(games_in_last_7_days >= 4, -10, IF(games_in_last_7_days IS NULL, NULL, 0)) AS games_points,
    -- No average of the last 7 days is known of a player without a game in them: nothing to be tired of.
    IF(minutes_in_last_7_days > 240, -10, IF(minutes_in_last_7_days IS NULL, NULL, 0)) + IF(avg_minutes_per_game_last_7 > 35, -8, 0) AS minutes_points,
    CASE
      WHEN back_to_backs_last_14_days >= 2 THEN -12
      WHEN back_to_backs_last_14_days = 1 THEN -5
      WHEN back_to_backs_last_14_days = 0 THEN 0
    END AS back_to_backs_points,
    CASE
      WHEN player_age >= 35 THEN -10
      WHEN player_age >= 30 THEN -5
      WHEN player_age IS NOT NULL THEN 0
    END AS age_points,
    GREATEST(-10.0, LEAST(10.0, IF(ABS(raw_mismatch) > 5, 1.2, 1.0) * raw_mismatch)) AS mismatch,
    GREATEST(-3.0, LEAST(3.0, pace_differential / 2)) AS pace,
    -- Without injury reports nobody knows who is out, and the difference stands as it is.
    GREATEST(-3.0, LEAST(3.0, 0.3 * (projected_usage_rate - avg_usage_rate_last_7_games)
      * CASE WHEN star_teammates_out >= 2 THEN 1.3 WHEN star_teammates_out = 1 THEN 1.15 ELSE 1.0 END)) AS usage_spike,
    GREATEST(1.0, LEAST(99.0, 50 + 5 * (league_defensive_rating - defensive_rating_last_15))) AS opponent_strength
  FROM joined
),
scored AS (
  SELECT
    *,
    -- The age is one part of five, and unknown for whole seasons: without it the others still hold.
    GREATEST(0, LEAST(100, 100 + rest_points + games_points + minutes_points + back_to_backs_points + COALESCE(age_points, 0))) AS fatigue
  FROM components
),
adjusted AS (
  SELECT
    *,
    (fatigue - 100) / 20 AS fatigue_adjustment,
    (50 - opponent_strength) / 10 AS opponent_strength_adjustment
  FROM scored
)
SELECT
  game_date,
  game_id,
  season_year,
  season_type,
  universal_player_id,
  player_lookup,
  team_abbr,
  opponent_team_abbr,
  home_game,
  fatigue AS fatigue_score,
  fatigue_adjustment,
  age_points AS fatigue_age_points,
  mismatch AS shot_zone_mismatch_score,
  primary_scoring_zone,
  pace AS pace_score,
  usage_spike AS usage_spike_score,
  opponent_strength AS opponent_strength_score,
  opponent_strength_adjustment,
  league_defensive_rating,
  defensive_rating_last_15 AS opponent_defensive_rating_last_15,
  paint_vs_league AS opponent_paint_vs_league,
  mid_range_vs_league AS opponent_mid_range_vs_league,
  three_pt_vs_league AS opponent_three_pt_vs_league,
  team_game_number,
  team_days_rest,
  travel_miles,
  -- A sum of some of its parts would look like a small effect.
  fatigue_adjustment + mismatch + pace + usage_spike + opponent_strength_adjustment AS total_composite_adjustment,
  (IF(fatigue IS NULL, 0, 20) + IF(mismatch IS NULL, 0, 20) + IF(pace IS NULL, 0, 20) + IF(usage_spike IS NULL, 0, 20)
    + IF(opponent_strength IS NULL, 0, 20)) AS data_completeness_pct,
  days_rest IS NOT NULL AND games_in_last_7_days IS NOT NULL AS has_rest_and_load,
  has_team_context,
  has_shot_zones,
  has_opponent_zones
FROM adjusted
