-- One row per game, source, bookmaker, snapshot, market and outcome: the files have the outcomes of all markets in one row. A line
-- without a time of its own is `untimed`: it may have been taken at any time before the game, or after its start. When the game
-- starts is what the schedule says now, not what the file thought: a game may be put off. Lines of after the start are kept
-- here, and used nowhere. A line that was delivered twice stands here once.
WITH quotes AS (
  SELECT
    *,
    IF(snapshot_utc IS NULL, 'untimed', FORMAT_TIMESTAMP('%Y-%m-%dT%H:%M:%SZ', snapshot_utc)) AS snapshot
  FROM source.odds
  WHERE game_date BETWEEN @start_date AND @end_date
),
tipoffs AS (
  SELECT game_date, game_id, start_time_utc
  FROM source.games
  WHERE game_date BETWEEN @start_date AND @end_date
),
outcomes AS (
  SELECT *, 'spreads' AS market_key, 'home' AS outcome_name, home_spread AS outcome_point, home_spread_price AS outcome_price
  FROM quotes
  WHERE home_spread IS NOT NULL
  UNION ALL
  SELECT *, 'spreads' AS market_key, 'away' AS outcome_name, -home_spread AS outcome_point, away_spread_price AS outcome_price
  FROM quotes
  WHERE home_spread IS NOT NULL
  UNION ALL
  SELECT *, 'totals' AS market_key, 'over' AS outcome_name, total AS outcome_point, over_price AS outcome_price
  FROM quotes
  WHERE total IS NOT NULL
  UNION ALL
  SELECT *, 'totals' AS market_key, 'under' AS outcome_name, total AS outcome_point, under_price AS outcome_price
  FROM quotes
  WHERE total IS NOT NULL
  UNION ALL
  SELECT *, 'h2h' AS market_key, 'home' AS outcome_name, CAST(NULL AS FLOAT64) AS outcome_point, home_ml AS outcome_price
  FROM quotes
  WHERE home_ml IS NOT NULL
  UNION ALL
  SELECT *, 'h2h' AS market_key, 'away' AS outcome_name, CAST(NULL AS FLOAT64) AS outcome_point, away_ml AS outcome_price
  FROM quotes
  WHERE away_ml IS NOT NULL
)
SELECT
  o.game_date,
  CONCAT(FORMAT_DATE('%Y%m%d', o.game_date), '_', away_team, '_', home_team) AS game_id,
  o.game_id AS nba_game_id,
  CAST(SUBSTR(season, 1, 4) AS INT64) AS season_year,
  season_type,
  home_team AS home_team_abbr,
  away_team AS away_team_abbr,
  bookmaker AS bookmaker_key,
  source,
  market_key,
  outcome_name,
  outcome_point,
  CAST(ROUND(outcome_price) AS INT64) AS outcome_price,
  snapshot_utc AS snapshot_timestamp,
  snapshot AS snapshot_id,
  TIMESTAMP_DIFF(t.start_time_utc, snapshot_utc, SECOND) / 3600 AS hours_before_tipoff,
  snapshot_utc IS NOT NULL AS is_timed
FROM outcomes AS o
LEFT JOIN tipoffs AS t
  ON t.game_date = o.game_date AND t.game_id = o.game_id
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY o.game_date, nba_game_id, bookmaker_key, source, market_key, outcome_name, snapshot_id
  ORDER BY outcome_point, outcome_price
) = 1
