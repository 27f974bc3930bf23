CREATE OR REPLACE TABLE `floodgate_staging`.`nba-team_games-s_1`
CLUSTER BY `game_date`
OPTIONS (
  expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 24 HOUR),
  description = 'Floodgate staging of nba.team_games: 2024-01-14..2024-01-15',
  labels = [('floodgate', 'staging')]
) AS
SELECT *, SUBSTR(TO_HEX(SHA256(CONCAT(COALESCE(CONCAT(CAST(LENGTH(`game_id`) AS STRING), ':', `game_id`), ''), '|', COALESCE(CAST(`game_date` AS STRING), ''), '|', COALESCE(CONCAT(CAST(LENGTH(`team`) AS STRING), ':', `team`), ''), '|', COALESCE(CAST(`points` AS STRING), ''), '|', COALESCE(CAST(ROUND(`pace`, 6) + 0.0 AS STRING), ''), '|', COALESCE(CAST(`price` AS STRING), ''), '|', COALESCE(CAST(`won` AS STRING), ''), '|', COALESCE(CAST(UNIX_MICROS(`ended_at`) AS STRING), ''), '|', ARRAY_TO_STRING(ARRAY(SELECT COALESCE(CAST(ROUND(element, 6) + 0.0 AS STRING), '') FROM UNNEST(`quarters`) AS element WITH OFFSET AS position ORDER BY position), ','), '|', ARRAY_TO_STRING(ARRAY(SELECT COALESCE(CONCAT(CAST(LENGTH(element) AS STRING), ':', element), '') FROM UNNEST(`names`) AS element WITH OFFSET AS position ORDER BY position), ','), '|', COALESCE(CONCAT('x', TO_HEX(`raw`)), ''), '|', COALESCE(IF(`document` IS NULL, NULL, CONCAT(CAST(LENGTH(TO_JSON_STRING(`document`)) AS STRING), ':', TO_JSON_STRING(`document`))), '')))), 1, 32) AS `_row_hash`
FROM (
  SELECT `game_id` AS `game_id`, `game_date` AS `game_date`, `team` AS `team`, `points` AS `points`, CAST(`pace` AS FLOAT64) AS `pace`, `price` AS `price`, `won` AS `won`, `ended_at` AS `ended_at`, `quarters` AS `quarters`, `names` AS `names`, `raw` AS `raw`, `document` AS `document`
  FROM (
SELECT * FROM nba.games
WHERE game_date BETWEEN DATE '2024-01-14' AND DATE '2024-01-17' -- of these days

  )
)
