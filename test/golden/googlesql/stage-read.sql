SELECT `game_id`, `game_date`, `team`, `points`, `pace`, `price`, `won`, `ended_at`, `quarters`, `names`, `raw`, `document`
FROM `floodgate_staging`.`nba-team_games-s_1`
WHERE `game_date` = DATE '2024-01-14'
ORDER BY `game_date`, `game_id`, `team`
LIMIT 20
