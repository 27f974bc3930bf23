-- 10 teams with 10 games each in the 30 days before the date (5 in the first 30 days of a season) make a league, by the box scores and the kinds of games that have
-- play-by-play. Then nobody's comparison with it may be NULL: it was, on every row, for months. Without them it must be NULL.
WITH dates AS (
  SELECT game_date, season_year, day_of_season
  FROM (
    SELECT game_date, season_year, DATE_DIFF(game_date, MIN(game_date) OVER (PARTITION BY season_year), DAY) AS day_of_season
    FROM (
      SELECT DISTINCT game_date, season_year
      FROM nba_raw.nbac_schedule
      WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND @end_date
    ) AS days
  ) AS season_days
  WHERE game_date BETWEEN @start_date AND @end_date
),
teams AS (
  SELECT d.game_date, b.team_abbr
  FROM dates AS d
  JOIN nba_raw.nbac_team_boxscore AS b
    ON b.season_year = d.season_year
      AND b.game_date BETWEEN DATE_SUB(d.game_date, INTERVAL 30 DAY) AND DATE_SUB(d.game_date, INTERVAL 1 DAY)
  WHERE b.game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
    AND b.season_type IN ('regular', 'playoffs')
  GROUP BY d.game_date, d.day_of_season, b.team_abbr
  HAVING COUNT(*) >= IF(d.day_of_season <= 30, 5, 10)
),
league AS (
  SELECT game_date, COUNT(*) AS teams
  FROM teams
  GROUP BY game_date
)
SELECT s.game_date AS date, s.team_abbr, s.league_teams_in_sample, COALESCE(l.teams, 0) AS teams_by_box_scores, s.data_quality_tier
FROM staged AS s
LEFT JOIN league AS l
  ON l.game_date = s.game_date
WHERE s.league_teams_in_sample IS NULL
  OR s.league_teams_in_sample != COALESCE(l.teams, 0)
  OR (s.paint_defense_vs_league_avg IS NULL) = (COALESCE(l.teams, 0) >= 10)
  OR (s.mid_range_defense_vs_league_avg IS NULL) = (COALESCE(l.teams, 0) >= 10)
  OR (s.three_pt_defense_vs_league_avg IS NULL) = (COALESCE(l.teams, 0) >= 10)
  OR (s.data_quality_tier = 'no_league_average') = (COALESCE(l.teams, 0) >= 10)
