SELECT day, COUNT(*) AS n, SUBSTR(TO_HEX(SHA256(CONCAT(CAST(COUNT(*) AS STRING), ':', CAST(SUM(CAST(CONCAT('0x', SUBSTR(row_hash, 1, 8)) AS INT64)) AS STRING), ':', CAST(SUM(CAST(CONCAT('0x', SUBSTR(row_hash, 9, 8)) AS INT64)) AS STRING), ':', CAST(SUM(CAST(CONCAT('0x', SUBSTR(row_hash, 17, 8)) AS INT64)) AS STRING), ':', CAST(SUM(CAST(CONCAT('0x', SUBSTR(row_hash, 25, 8)) AS INT64)) AS STRING)))), 1, 32) AS digest
FROM (
  SELECT `game_date` AS day, SUBSTR(TO_HEX(SHA256(CONCAT(COALESCE(CONCAT(CAST(LENGTH(`game_id`) AS STRING), ':', `game_id`), ''), '|', COALESCE(CAST(`game_date` AS STRING), ''), '|', COALESCE(CONCAT(CAST(LENGTH(`team`) AS STRING), ':', `team`), ''), '|', COALESCE(CAST(`points` AS STRING), ''), '|', COALESCE(CAST(ROUND(`pace`, 6) + 0.0 AS STRING), ''), '|', ARRAY_TO_STRING(ARRAY(SELECT COALESCE(CAST(ROUND(element, 6) + 0.0 AS STRING), '') FROM UNNEST(`quarters`) AS element WITH OFFSET AS position ORDER BY position), ','), '|', COALESCE(IF(`raw` IS NULL, NULL, CONCAT(CAST(LENGTH(TO_JSON_STRING(`raw`)) AS STRING), ':', TO_JSON_STRING(`raw`))), '')))), 1, 32) AS row_hash
  FROM `nba`.`team_games`
  WHERE `game_date` BETWEEN DATE '2024-01-14' AND DATE '2024-01-17'
)
GROUP BY day
ORDER BY day
