-- Of the players of the cache, those whose opponent has played 15 games by the schedule and has no row of its defence on that date.
WITH teams AS (
  SELECT game_date, season_year, home_team_abbr AS team_abbr
  FROM nba_raw.nbac_schedule
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY) AND game_status = 3
  UNION ALL
  SELECT game_date, season_year, away_team_abbr AS team_abbr
  FROM nba_raw.nbac_schedule
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY) AND game_status = 3
),
meetings AS (
  SELECT DISTINCT game_date, season_year, opponent_team_abbr AS team_abbr
  FROM staged
),
known AS (
  SELECT m.game_date, m.team_abbr
  FROM meetings AS m
  JOIN teams AS t
    ON t.season_year = m.season_year AND t.team_abbr = m.team_abbr AND t.game_date < m.game_date
  GROUP BY m.game_date, m.team_abbr
  HAVING COUNT(*) >= 15
)
SELECT k.game_date AS date, k.team_abbr
FROM known AS k
LEFT JOIN (
  SELECT game_date, team_abbr
  FROM nba_precompute.team_defense_zone_analysis
  WHERE game_date BETWEEN @start_date AND @end_date
) AS d
  ON d.game_date = k.game_date AND d.team_abbr = k.team_abbr
WHERE d.team_abbr IS NULL
