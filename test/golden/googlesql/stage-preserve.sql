CREATE OR REPLACE TABLE `floodgate_staging`.`nba-team_games-s_1-kept`
CLUSTER BY `game_date`
OPTIONS (
  expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 720 HOUR),
  description = 'Floodgate staging of nba.team_games: 2024-01-14',
  labels = [('floodgate', 'staging')]
) AS
SELECT *
FROM `floodgate_staging`.`nba-team_games-s_1`
WHERE `game_date` IN (DATE '2024-01-14')
