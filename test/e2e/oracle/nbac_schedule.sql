-- One row per game. Season and kind are read off the league's id (character 3 the kind, 4 and 5 the season's first
-- year), not off the columns that say the same.
SELECT
  game_date,
  strftime(game_date, '%Y%m%d') || '_' || away_team || '_' || home_team AS game_id,
  game_id AS nba_game_id,
  (2000 + game_id[4:5]::INTEGER) || '-' || lpad((game_id[4:5]::INTEGER + 1)::VARCHAR, 2, '0') AS season,
  (2000 + game_id[4:5]::INTEGER)::BIGINT AS season_year,
  map {'2': 'regular', '4': 'playoffs', '5': 'playin', '6': 'cup_final'}[game_id[3]] AS season_type,
  (CASE WHEN home_score + away_score IS NULL THEN 1 ELSE 3 END)::BIGINT AS game_status,
  home_team AS home_team_abbr,
  away_team AS away_team_abbr,
  home_score::BIGINT AS home_team_score,
  away_score::BIGINT AS away_team_score,
  CASE sign(home_score - away_score) WHEN 1 THEN home_team WHEN -1 THEN away_team END AS winning_team_abbr,
  game_id[3] = '2' AS is_regular_season,
  game_id[3] = '4' AS is_playoffs,
  neutral_site IS NOT DISTINCT FROM TRUE AS is_neutral_site
FROM oracle.games
