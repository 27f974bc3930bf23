-- One row per game, player, bookmaker, source, line and snapshot of the market points. A player is known by the league's id; where a
-- source has none, by the letters of his name if exactly one player of the two teams of the last 60 days has them. Who can't be told
-- is left out, and named by a check.
WITH quotes AS (
  SELECT
    *,
    CAST(SUBSTR(season, 1, 4) AS INT64) AS season_year,
    IF(snapshot_utc IS NULL, 'untimed', FORMAT_TIMESTAMP('%Y-%m-%dT%H:%M:%SZ', snapshot_utc)) AS snapshot,
    REGEXP_REPLACE(TRANSLATE(LOWER(REGEXP_REPLACE(NORMALIZE(player_name, NFD), r'\pM', '')), 'øđłı', 'odli'), r'[^a-z]', '') AS letters
  FROM source.player_props
  WHERE game_date BETWEEN @start_date AND @end_date
    AND market = 'player_points'
    AND line IS NOT NULL
),
nameless AS (
  SELECT DISTINCT game_date, home_team, away_team, letters
  FROM quotes
  WHERE player_id IS NULL
),
seen AS (
  SELECT
    game_date,
    team,
    player_id,
    REGEXP_REPLACE(TRANSLATE(LOWER(REGEXP_REPLACE(NORMALIZE(player_name, NFD), r'\pM', '')), 'øđłı', 'odli'), r'[^a-z]', '') AS letters
  FROM source.player_boxscores
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 60 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
),
named AS (
  SELECT n.game_date, n.home_team, n.away_team, n.letters, MIN(s.player_id) AS player_id
  FROM nameless AS n
  JOIN seen AS s
    ON s.letters = n.letters AND s.team IN (n.home_team, n.away_team)
      AND s.game_date BETWEEN DATE_SUB(n.game_date, INTERVAL 60 DAY) AND DATE_SUB(n.game_date, INTERVAL 1 DAY)
  GROUP BY n.game_date, n.home_team, n.away_team, n.letters
  HAVING COUNT(DISTINCT s.player_id) = 1
),
tipoffs AS (
  SELECT game_date, game_id, start_time_utc
  FROM source.games
  WHERE game_date BETWEEN @start_date AND @end_date
),
known AS (
  SELECT q.*, COALESCE(q.player_id, n.player_id) AS known_id, t.start_time_utc
  FROM quotes AS q
  LEFT JOIN named AS n
    ON n.game_date = q.game_date AND n.home_team = q.home_team AND n.away_team = q.away_team AND n.letters = q.letters
  LEFT JOIN tipoffs AS t
    ON t.game_date = q.game_date AND t.game_id = q.game_id
),
-- Which of the two teams is his: the one that he played for last.
teams AS (
  SELECT q.game_date, q.game_id, q.known_id, s.team
  FROM (SELECT DISTINCT game_date, game_id, home_team, away_team, known_id FROM known) AS q
  JOIN seen AS s
    ON s.player_id = q.known_id AND s.team IN (q.home_team, q.away_team)
      AND s.game_date BETWEEN DATE_SUB(q.game_date, INTERVAL 60 DAY) AND DATE_SUB(q.game_date, INTERVAL 1 DAY)
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY q.game_date, q.game_id, q.known_id ORDER BY s.game_date DESC) = 1
),
lines AS (
  SELECT
    k.game_date,
    CONCAT(FORMAT_DATE('%Y%m%d', k.game_date), '_', k.away_team, '_', k.home_team) AS game_id,
    k.game_id AS nba_game_id,
    k.season_year,
    k.season_type,
    CAST(k.known_id AS STRING) AS universal_player_id,
    -- A book may write one player in two ways on one line.
    MIN(k.letters) AS player_lookup,
    MIN(t.team) AS team_abbr,
    k.home_team AS home_team_abbr,
    k.away_team AS away_team_abbr,
    k.bookmaker,
    k.source,
    -- In hundredths: on DuckDB the cast of a FLOAT64 to NUMERIC is twenty times slower.
    CAST(CAST(ROUND(k.line * 100) AS INT64) AS NUMERIC) * NUMERIC '0.01' AS points_line,
    CAST(ROUND(MAX(k.over_price)) AS INT64) AS over_price,
    CAST(ROUND(MAX(k.under_price)) AS INT64) AS under_price,
    k.snapshot_utc AS snapshot_timestamp,
    k.snapshot AS snapshot_id,
    k.snapshot_utc IS NOT NULL AS is_timed,
    TIMESTAMP_DIFF(MAX(k.start_time_utc), k.snapshot_utc, MINUTE) AS minutes_before_tipoff
  FROM known AS k
  LEFT JOIN teams AS t
    ON t.game_date = k.game_date AND t.game_id = k.game_id AND t.known_id = k.known_id
  WHERE k.known_id IS NOT NULL
  GROUP BY
    k.game_date, k.away_team, k.home_team, k.game_id, k.season_year, k.season_type, k.known_id, k.bookmaker, k.source, k.line, k.snapshot_utc, k.snapshot
),
-- The line that counts for a player is one that stood before the game: timed before untimed, then by bookmaker (DraftKings,
-- FanDuel, the others by name), the latest for the closing line and the earliest for the opening one; of alternate lines
-- the one whose two sides the prices hold for nearly as likely as each other, then the one nearest to what the other bookmakers have,
-- and without others the middle one.
ranked AS (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY game_date, game_id, universal_player_id, may_count
      ORDER BY timing, book, bookmaker, source, snapshot_id DESC, price_gap, line_gap, points_line
    ) AS closing,
    ROW_NUMBER() OVER (
      PARTITION BY game_date, game_id, universal_player_id, may_count
      ORDER BY timing, book, bookmaker, source, snapshot_id, price_gap, line_gap, points_line
    ) AS opening
  FROM (
    SELECT
      *,
      IF(minutes_before_tipoff > 0, 0, 1) AS timing,
      CASE LOWER(bookmaker) WHEN 'draftkings' THEN 0 WHEN 'fanduel' THEN 1 ELSE 2 END AS book,
      -- A price of -150 holds its side for 60 % likely, +150 for 40 %. A line that can be bet on one side only comes last.
      COALESCE(ROUND(ABS(
        IF(over_price < 0, -over_price, 100) / (100 + ABS(over_price)) - IF(under_price < 0, -under_price, 100) / (100 + ABS(under_price))
      ), 9), 9) AS price_gap,
      COUNT(*) OVER offer AS lines_offered,
      COALESCE(
        ROUND(ABS(
          CAST(points_line AS FLOAT64) - CAST(SUM(points_line) OVER player - SUM(points_line) OVER own AS FLOAT64) / NULLIF(COUNT(*) OVER player - COUNT(*) OVER own, 0)
        ), 9),
        ABS(2 * ROW_NUMBER() OVER (offer ORDER BY points_line) - COUNT(*) OVER offer - 1)
      ) AS line_gap
    FROM (SELECT *, COALESCE(minutes_before_tipoff > 0, TRUE) AS may_count FROM lines) AS judged
    WINDOW
      player AS (PARTITION BY game_date, game_id, universal_player_id, may_count),
      own AS (PARTITION BY game_date, game_id, universal_player_id, may_count, bookmaker, source),
      offer AS (PARTITION BY game_date, game_id, universal_player_id, may_count, bookmaker, source, snapshot_id)
  )
)
SELECT
  game_date,
  game_id,
  nba_game_id,
  season_year,
  season_type,
  universal_player_id,
  player_lookup,
  team_abbr,
  home_team_abbr,
  away_team_abbr,
  bookmaker,
  source,
  points_line,
  over_price,
  under_price,
  snapshot_timestamp,
  snapshot_id,
  is_timed,
  minutes_before_tipoff,
  lines_offered,
  may_count AND closing = 1 AS is_closing_line,
  may_count AND opening = 1 AS is_opening_line
FROM ranked
