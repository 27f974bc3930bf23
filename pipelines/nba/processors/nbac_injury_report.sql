-- One row per player of whom a report before his game speaks. The game gives its id and its start: a report counts before it only.
WITH tipoffs AS (
  SELECT
    game_date,
    game_id,
    CONCAT(FORMAT_DATE('%Y%m%d', game_date), '_', away_team, '_', home_team) AS dated_id,
    start_time_utc
  FROM source.games
  WHERE game_date BETWEEN @start_date AND @end_date
)
SELECT
  r.game_date,
  t.dated_id AS game_id,
  r.game_id AS nba_game_id,
  CAST(SUBSTR(r.season, 1, 4) AS INT64) AS season_year,
  r.season_type,
  CAST(r.player_id AS STRING) AS universal_player_id,
  REGEXP_REPLACE(TRANSLATE(LOWER(REGEXP_REPLACE(NORMALIZE(r.player_name, NFD), r'\pM', '')), 'øđłı', 'odli'), r'[^a-z]', '') AS player_lookup,
  r.player_name,
  r.team AS team_abbr,
  r.status AS report_status,
  r.reason,
  r.reported_at,
  TIMESTAMP_DIFF(t.start_time_utc, r.reported_at, MINUTE) AS minutes_before_tipoff
FROM source.injury_reports AS r
LEFT JOIN tipoffs AS t
  ON t.game_date = r.game_date AND t.game_id = r.game_id
WHERE r.game_date BETWEEN @start_date AND @end_date
