-- What three systems that need no training expect of each player of ml_feature_store_v2, one column a system:
--   moving_average: half his season, three tenths of his last 10 games, two tenths of his last 5;
--   zone_matchup:   that average, and what the opponent's defence of each zone and the pace of both teams make of it;
--   similarity:     that average, and by how much he beat his average of then in those of his last 40 games of the season whose
--                   circumstances were like tonight's. 40 numbered games a row keep the join linear in the rows.
-- A system without its inputs says NULL.
WITH features AS (
  SELECT
    game_date,
    game_id,
    season_year,
    season_type,
    universal_player_id,
    player_lookup,
    team_abbr,
    opponent_team_abbr,
    f_opponent_def_rating,
    f_opponent_pace,
    f_team_pace_last_10,
    f_home_game,
    LEAST(f_days_rest, 4) AS days_rest,
    f_minutes_avg_last_10,
    f_points_std_last_10,
    0.5 * f_points_avg_season + 0.3 * f_points_avg_last_10 + 0.2 * f_points_avg_last_5 AS moving_average
  FROM nba_predictions.ml_feature_store_v2
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND @end_date
),
played AS (
  SELECT game_date, universal_player_id, points
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
    AND minutes_played > 0
),
past AS (
  SELECT
    f.*,
    p.points - f.moving_average AS surplus,
    ROW_NUMBER() OVER (PARTITION BY f.universal_player_id, f.season_year ORDER BY f.game_date) AS game_number,
    COALESCE(LEAD(f.game_date) OVER (PARTITION BY f.universal_player_id, f.season_year ORDER BY f.game_date), DATE '9999-12-31') AS next_game_date
  FROM features AS f
  JOIN played AS p
    ON p.game_date = f.game_date AND p.universal_player_id = f.universal_player_id
  WHERE f.moving_average IS NOT NULL AND f.f_opponent_def_rating IS NOT NULL AND f.f_opponent_pace IS NOT NULL
),
today AS (
  SELECT *
  FROM features
  WHERE game_date >= @start_date
),
numbered AS (
  SELECT
    t.game_date,
    t.universal_player_id,
    t.season_year,
    t.f_opponent_def_rating,
    t.f_opponent_pace,
    t.f_home_game,
    t.days_rest,
    t.f_minutes_avg_last_10,
    number AS game_number
  FROM today AS t
  JOIN past AS l
    ON l.universal_player_id = t.universal_player_id AND l.season_year = t.season_year
      AND l.game_date < t.game_date AND l.next_game_date >= t.game_date
  CROSS JOIN UNNEST(GENERATE_ARRAY(GREATEST(l.game_number - 39, 1), l.game_number)) AS number
),
weighed AS (
  SELECT
    n.game_date,
    n.universal_player_id,
    g.surplus,
    -- Near 1 where all is alike; the divisors are about one standard deviation of each, home and away are half of one apart.
    EXP(-0.5 * (POW((g.f_opponent_def_rating - n.f_opponent_def_rating) / 4, 2)
      + POW((g.f_opponent_pace - n.f_opponent_pace) / 2, 2)
      + POW((g.f_minutes_avg_last_10 - n.f_minutes_avg_last_10) / 6, 2)
      + POW((g.days_rest - n.days_rest) / 2, 2)
      + POW((g.f_home_game - n.f_home_game) / 2, 2))) AS likeness
  FROM numbered AS n
  JOIN past AS g
    ON g.universal_player_id = n.universal_player_id AND g.season_year = n.season_year AND g.game_number = n.game_number
),
similar AS (
  SELECT
    game_date,
    universal_player_id,
    COUNT(*) AS candidates,
    -- Whole billionths, whose sums are exact, hence the same in whatever order they are added.
    SUM(CAST(ROUND(likeness * 1000000000) AS INT64)) / 1000000000 AS alike,
    SUM(CAST(ROUND(likeness * surplus * 1000000000) AS INT64)) / 1000000000 AS surplus
  FROM weighed
  WHERE likeness IS NOT NULL
  GROUP BY game_date, universal_player_id
),
shooters AS (
  SELECT game_date, universal_player_id, paint_attempts_per_game, mid_range_attempts_per_game, three_pt_attempts_per_game
  FROM nba_precompute.player_shot_zone_analysis
  WHERE game_date BETWEEN @start_date AND @end_date
),
defences AS (
  SELECT game_date, universal_player_id, opponent_paint_vs_league, opponent_mid_range_vs_league, opponent_three_pt_vs_league
  FROM nba_precompute.player_composite_factors
  WHERE game_date BETWEEN @start_date AND @end_date
),
matched AS (
  SELECT
    t.*,
    -- Percentage points that the opponent gives beyond the league in a zone, on the shots that he takes there.
    (2 * s.paint_attempts_per_game * d.opponent_paint_vs_league
      + 2 * s.mid_range_attempts_per_game * d.opponent_mid_range_vs_league
      + 3 * s.three_pt_attempts_per_game * d.opponent_three_pt_vs_league) / 100 AS zone_points,
    -- A game's pace is between those of its teams.
    t.moving_average * (t.f_opponent_pace - t.f_team_pace_last_10) / (2 * t.f_team_pace_last_10) AS pace_points
  FROM today AS t
  LEFT JOIN shooters AS s
    ON s.game_date = t.game_date AND s.universal_player_id = t.universal_player_id
  LEFT JOIN defences AS d
    ON d.game_date = t.game_date AND d.universal_player_id = t.universal_player_id
)
SELECT
  m.game_date,
  m.game_id,
  m.season_year,
  m.season_type,
  m.universal_player_id,
  m.player_lookup,
  m.team_abbr,
  m.opponent_team_abbr,
  m.moving_average AS moving_average_points,
  -- Half of it: 15 games of a defence are as much chance as skill.
  GREATEST(0.0, m.moving_average + 0.5 * (m.zone_points + m.pace_points)) AS zone_matchup_points,
  m.zone_points AS zone_matchup_zone_effect,
  m.pace_points AS zone_matchup_pace_effect,
  -- Few games alike move the average little: 30 in the divisor stand for games in which he made just his average.
  IF(s.candidates >= 5, GREATEST(0.0, m.moving_average + s.surplus / (s.alike + 30)), NULL) AS similarity_points,
  s.candidates AS similarity_candidates,
  s.alike AS similarity_alike
FROM matched AS m
LEFT JOIN similar AS s
  ON s.game_date = m.game_date AND s.universal_player_id = m.universal_player_id
