-- One row per player who played. The identity is the league's player id: names are written differently from season to
-- season (Bertāns and Bertans), so `player_lookup` is made for people and for joins to sources that know names only.
-- It loses its accents first (the marks of the decomposed name), then blanks, dots, hyphens and apostrophes.
SELECT
  game_date,
  CONCAT(
    FORMAT_DATE('%Y%m%d', game_date),
    '_', IF(is_home, opponent, team),
    '_', IF(is_home, team, opponent)
  ) AS game_id,
  game_id AS nba_game_id,
  CAST(SUBSTR(season, 1, 4) AS INT64) AS season_year,
  season_type,
  CAST(player_id AS STRING) AS universal_player_id,
  REGEXP_REPLACE(LOWER(REGEXP_REPLACE(NORMALIZE(player_name, NFD), r'\pM', '')), r'[^a-z]', '') AS player_lookup,
  player_name,
  team AS team_abbr,
  opponent AS opponent_team_abbr,
  is_home,
  'active' AS player_status,
  CAST(NULL AS STRING) AS dnp_reason,
  starter AS is_starter,
  CAST(NULL AS STRING) AS minutes,
  CAST(minutes AS FLOAT64) AS minutes_decimal,
  pts AS points,
  fgm AS fg_makes,
  fga AS fg_attempts,
  fg_pct,
  fg3m AS three_pt_makes,
  fg3a AS three_pt_attempts,
  fg3_pct AS three_pt_pct,
  ftm AS ft_makes,
  fta AS ft_attempts,
  ft_pct,
  oreb AS offensive_rebounds,
  dreb AS defensive_rebounds,
  reb AS total_rebounds,
  ast AS assists,
  stl AS steals,
  blk AS blocks,
  tov AS turnovers,
  pf AS personal_fouls,
  plus_minus
FROM source.player_boxscores
WHERE game_date BETWEEN @start_date AND @end_date
