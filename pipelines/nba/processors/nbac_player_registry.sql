-- One row per player who is registered for a season, on the date from which the register says so: the first of the season.
SELECT
  game_date,
  CAST(SUBSTR(season, 1, 4) AS INT64) AS season_year,
  CAST(player_id AS STRING) AS universal_player_id,
  REGEXP_REPLACE(TRANSLATE(LOWER(REGEXP_REPLACE(NORMALIZE(player_name, NFD), r'\pM', '')), 'øđłı', 'odli'), r'[^a-z]', '') AS player_lookup,
  player_name,
  birth_date,
  position,
  team AS team_abbr
FROM source.players
WHERE game_date BETWEEN @start_date AND @end_date
