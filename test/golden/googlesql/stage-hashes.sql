SELECT `game_date` AS day, COUNT(*) AS n, SUBSTR(TO_HEX(SHA256(CONCAT(CAST(COUNT(*) AS STRING), ':', CAST(SUM(CAST(CONCAT('0x', SUBSTR(`_row_hash`, 1, 8)) AS INT64)) AS STRING), ':', CAST(SUM(CAST(CONCAT('0x', SUBSTR(`_row_hash`, 9, 8)) AS INT64)) AS STRING), ':', CAST(SUM(CAST(CONCAT('0x', SUBSTR(`_row_hash`, 17, 8)) AS INT64)) AS STRING), ':', CAST(SUM(CAST(CONCAT('0x', SUBSTR(`_row_hash`, 25, 8)) AS INT64)) AS STRING)))), 1, 32) AS content_hash
FROM `floodgate_staging`.`nba-team_games-s_1`
GROUP BY 1
