-- One row per team and date from its 5th game of the season on: what it allowed by zone in its last 15 games of the season before the date,
-- and how that compares with the league. The game before a date is the latest one with game_date < date, so its rolling
-- window holds on all dates up to the team's next game. Where the league is unknown it is NULL, never a default.
-- Rates are averaged as whole millionths or billionths: such sums are exact, hence the same in whatever order they are added.
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
defended AS (
  SELECT
    game_date,
    season_year,
    defending_team_abbr AS team_abbr,
    opp_paint_makes,
    opp_paint_attempts,
    opp_mid_range_makes,
    opp_mid_range_attempts,
    -- A game without play-by-play has 3-point shots all the same; all zones are to speak of the same games.
    IF(opp_paint_attempts IS NULL, NULL, opp_three_pt_makes) AS opp_three_pt_makes,
    IF(opp_paint_attempts IS NULL, NULL, opp_three_pt_attempts) AS opp_three_pt_attempts,
    points_in_paint_allowed,
    blocks_paint,
    blocks_mid_range,
    blocks_three_pt,
    points_allowed,
    CAST(defensive_rating * 1000000 AS INT64) AS defensive_rating_millionths,
    CAST(opponent_pace * 1000000 AS INT64) AS opponent_pace_millionths
  FROM nba_analytics.team_defense_game_summary
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
),
rolling AS (
  SELECT
    game_date,
    season_year,
    team_abbr,
    COALESCE(LEAD(game_date) OVER season, DATE '9999-12-31') AS next_game_date,
    ROW_NUMBER() OVER season AS game_number,
    COUNT(*) OVER (season ROWS BETWEEN 14 PRECEDING AND CURRENT ROW) AS games,
    COUNT(opp_paint_attempts) OVER (season ROWS BETWEEN 14 PRECEDING AND CURRENT ROW) AS games_with_zones,
    SUM(opp_paint_makes) OVER (season ROWS BETWEEN 14 PRECEDING AND CURRENT ROW) AS paint_makes,
    SUM(opp_paint_attempts) OVER (season ROWS BETWEEN 14 PRECEDING AND CURRENT ROW) AS paint_attempts,
    SUM(opp_mid_range_makes) OVER (season ROWS BETWEEN 14 PRECEDING AND CURRENT ROW) AS mid_range_makes,
    SUM(opp_mid_range_attempts) OVER (season ROWS BETWEEN 14 PRECEDING AND CURRENT ROW) AS mid_range_attempts,
    SUM(opp_three_pt_makes) OVER (season ROWS BETWEEN 14 PRECEDING AND CURRENT ROW) AS three_pt_makes,
    SUM(opp_three_pt_attempts) OVER (season ROWS BETWEEN 14 PRECEDING AND CURRENT ROW) AS three_pt_attempts,
    SUM(points_in_paint_allowed) OVER (season ROWS BETWEEN 14 PRECEDING AND CURRENT ROW) AS paint_points,
    SUM(blocks_paint) OVER (season ROWS BETWEEN 14 PRECEDING AND CURRENT ROW) AS paint_blocks,
    SUM(blocks_mid_range) OVER (season ROWS BETWEEN 14 PRECEDING AND CURRENT ROW) AS mid_range_blocks,
    SUM(blocks_three_pt) OVER (season ROWS BETWEEN 14 PRECEDING AND CURRENT ROW) AS three_pt_blocks,
    SUM(points_allowed) OVER (season ROWS BETWEEN 14 PRECEDING AND CURRENT ROW) AS points_allowed,
    SUM(defensive_rating_millionths) OVER (season ROWS BETWEEN 14 PRECEDING AND CURRENT ROW) AS defensive_rating_millionths,
    SUM(opponent_pace_millionths) OVER (season ROWS BETWEEN 14 PRECEDING AND CURRENT ROW) AS opponent_pace_millionths
  FROM defended
  WINDOW season AS (PARTITION BY season_year, team_abbr ORDER BY game_date)
),
-- The league is the mean of the teams with at least 10 games in the 30 days before the date (5 in the first 30 days of a season,
-- in which nobody could have 10), where at least 10 teams have them. The date itself is not among the 30: it was once, and leaked.
league_teams AS (
  SELECT
    d.game_date,
    CAST(SUM(g.opp_paint_makes) * 1000000000 / NULLIF(SUM(g.opp_paint_attempts), 0) AS INT64) AS paint_billionths,
    CAST(SUM(g.opp_mid_range_makes) * 1000000000 / NULLIF(SUM(g.opp_mid_range_attempts), 0) AS INT64) AS mid_range_billionths,
    CAST(SUM(g.opp_three_pt_makes) * 1000000000 / NULLIF(SUM(g.opp_three_pt_attempts), 0) AS INT64) AS three_pt_billionths
  FROM dates AS d
  JOIN defended AS g
    ON g.season_year = d.season_year
      AND g.game_date BETWEEN DATE_SUB(d.game_date, INTERVAL 30 DAY) AND DATE_SUB(d.game_date, INTERVAL 1 DAY)
  GROUP BY d.game_date, d.day_of_season, g.team_abbr
  HAVING COUNT(g.opp_paint_attempts) >= IF(d.day_of_season <= 30, 5, 10)
),
league AS (
  SELECT
    game_date,
    COUNT(*) AS teams,
    IF(COUNT(*) >= 10, SUM(paint_billionths) / COUNT(paint_billionths) / 1000000000, NULL) AS paint_pct,
    IF(COUNT(*) >= 10, SUM(mid_range_billionths) / COUNT(mid_range_billionths) / 1000000000, NULL) AS mid_range_pct,
    IF(COUNT(*) >= 10, SUM(three_pt_billionths) / COUNT(three_pt_billionths) / 1000000000, NULL) AS three_pt_pct
  FROM league_teams
  GROUP BY game_date
),
compared AS (
  SELECT
    d.game_date,
    d.season_year,
    r.team_abbr,
    r.game_number,
    r.games AS games_in_sample,
    r.games_with_zones,
    d.day_of_season < 21 AS early_season_flag,
    r.game_date AS latest_game_date,
    r.paint_makes / NULLIF(r.paint_attempts, 0) AS paint_pct,
    r.paint_attempts / NULLIF(r.games_with_zones, 0) AS paint_attempts,
    r.paint_points / NULLIF(r.games_with_zones, 0) AS paint_points,
    r.paint_blocks / NULLIF(r.games_with_zones, 0) AS paint_blocks,
    r.mid_range_makes / NULLIF(r.mid_range_attempts, 0) AS mid_range_pct,
    r.mid_range_attempts / NULLIF(r.games_with_zones, 0) AS mid_range_attempts,
    r.mid_range_blocks / NULLIF(r.games_with_zones, 0) AS mid_range_blocks,
    r.three_pt_makes / NULLIF(r.three_pt_attempts, 0) AS three_pt_pct,
    r.three_pt_attempts / NULLIF(r.games_with_zones, 0) AS three_pt_attempts,
    r.three_pt_blocks / NULLIF(r.games_with_zones, 0) AS three_pt_blocks,
    r.defensive_rating_millionths / r.games / 1000000 AS defensive_rating,
    r.points_allowed / r.games AS opponent_points,
    r.opponent_pace_millionths / r.games / 1000000 AS opponent_pace,
    (r.paint_makes / NULLIF(r.paint_attempts, 0) - l.paint_pct) * 100 AS paint_vs_league,
    (r.mid_range_makes / NULLIF(r.mid_range_attempts, 0) - l.mid_range_pct) * 100 AS mid_range_vs_league,
    (r.three_pt_makes / NULLIF(r.three_pt_attempts, 0) - l.three_pt_pct) * 100 AS three_pt_vs_league,
    l.paint_pct AS league_paint_pct,
    l.mid_range_pct AS league_mid_range_pct,
    l.three_pt_pct AS league_three_pt_pct,
    COALESCE(l.teams, 0) AS league_teams_in_sample
  FROM dates AS d
  JOIN rolling AS r
    ON r.season_year = d.season_year
      AND r.game_date < d.game_date AND r.next_game_date >= d.game_date
  LEFT JOIN league AS l
    ON l.game_date = d.game_date
  WHERE r.games >= 5
),
contributing AS (
  SELECT l.season_year, l.team_abbr, l.game_number, ARRAY_AGG(g.game_date ORDER BY g.game_date) AS dates
  FROM (SELECT DISTINCT season_year, team_abbr, game_number FROM compared) AS l
  JOIN rolling AS g
    ON g.season_year = l.season_year AND g.team_abbr = l.team_abbr
      AND g.game_number BETWEEN l.game_number - 14 AND l.game_number
  GROUP BY l.season_year, l.team_abbr, l.game_number
)
SELECT
  c.game_date,
  c.season_year,
  c.team_abbr,
  games_in_sample,
  games_with_zones,
  IF(games_in_sample >= 15, 'complete', 'partial') AS history_status,
  paint_pct AS paint_pct_allowed_last_15,
  paint_attempts AS paint_attempts_allowed_per_game,
  paint_points AS paint_points_allowed_per_game,
  paint_blocks AS paint_blocks_per_game,
  paint_vs_league AS paint_defense_vs_league_avg,
  mid_range_pct AS mid_range_pct_allowed_last_15,
  mid_range_attempts AS mid_range_attempts_allowed_per_game,
  mid_range_blocks AS mid_range_blocks_per_game,
  mid_range_vs_league AS mid_range_defense_vs_league_avg,
  three_pt_pct AS three_pt_pct_allowed_last_15,
  three_pt_attempts AS three_pt_attempts_allowed_per_game,
  three_pt_blocks AS three_pt_blocks_per_game,
  three_pt_vs_league AS three_pt_defense_vs_league_avg,
  league_paint_pct,
  league_mid_range_pct,
  league_three_pt_pct,
  league_teams_in_sample,
  defensive_rating AS defensive_rating_last_15,
  opponent_points AS opponent_points_per_game,
  opponent_pace,
  -- Below the league is good for a defence. NULL as soon as one zone is unknown.
  CASE LEAST(paint_vs_league, mid_range_vs_league, three_pt_vs_league)
    WHEN paint_vs_league THEN 'paint'
    WHEN mid_range_vs_league THEN 'mid_range'
    WHEN three_pt_vs_league THEN 'perimeter'
  END AS strongest_zone,
  CASE GREATEST(paint_vs_league, mid_range_vs_league, three_pt_vs_league)
    WHEN paint_vs_league THEN 'paint'
    WHEN mid_range_vs_league THEN 'mid_range'
    WHEN three_pt_vs_league THEN 'perimeter'
  END AS weakest_zone,
  CASE
    WHEN league_paint_pct IS NULL THEN 'no_league_average'
    WHEN games_with_zones >= 15 THEN 'high'
    WHEN games_with_zones >= 10 THEN 'medium'
    ELSE 'low'
  END AS data_quality_tier,
  early_season_flag,
  latest_game_date,
  g.dates AS contributing_game_dates
FROM compared AS c
JOIN contributing AS g
  ON g.season_year = c.season_year AND g.team_abbr = c.team_abbr AND g.game_number = c.game_number
