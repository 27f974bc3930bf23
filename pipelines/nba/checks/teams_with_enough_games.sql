-- Teams whose box scores, and not the summaries that the rows are made of, show 5 games before the date.
-- A team that has them and no row is missing.
WITH dates AS (
  SELECT DISTINCT game_date, season_year
  FROM nba_raw.nbac_schedule
  WHERE game_date BETWEEN @start_date AND @end_date
),
games AS (
  SELECT
    game_date,
    season_year,
    team_abbr,
    ROW_NUMBER() OVER (PARTITION BY season_year, team_abbr ORDER BY game_date) AS games,
    COALESCE(LEAD(game_date) OVER (PARTITION BY season_year, team_abbr ORDER BY game_date), DATE '9999-12-31') AS next_game_date
  FROM nba_raw.nbac_team_boxscore
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
)
SELECT d.game_date AS date, g.team_abbr
FROM dates AS d
JOIN games AS g
  ON g.season_year = d.season_year
    AND g.game_date < d.game_date AND g.next_game_date >= d.game_date
WHERE g.games >= 5
