-- Every game of the schedule with its result. `game_id` is the id of all tables (YYYYMMDD_AWAY_HOME, away first);
-- the league's own id stays beside it, because joining one with the other silently yields nothing.
SELECT
  game_date,
  CONCAT(FORMAT_DATE('%Y%m%d', game_date), '_', away_team, '_', home_team) AS game_id,
  game_id AS nba_game_id,
  season,
  season_year,
  season_type,
  IF(home_score IS NOT NULL AND away_score IS NOT NULL, 3, 1) AS game_status,
  home_team AS home_team_abbr,
  away_team AS away_team_abbr,
  home_score AS home_team_score,
  away_score AS away_team_score,
  CASE
    WHEN home_score > away_score THEN home_team
    WHEN away_score > home_score THEN away_team
  END AS winning_team_abbr,
  season_type = 'regular' AS is_regular_season,
  season_type = 'playoffs' AS is_playoffs,
  COALESCE(neutral_site, FALSE) AS is_neutral_site
FROM source.games
WHERE game_date BETWEEN @start_date AND @end_date
