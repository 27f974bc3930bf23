WITH staged AS (
  SELECT `game_id`, `game_date`, `team`, `points`, `pace`, `quarters`, `raw`
  FROM `nba`.`team_games`
  WHERE `game_date` IN (DATE '2024-01-14', DATE '2024-01-17')
), expectation AS (
  SELECT DISTINCT CAST(`date` AS DATE) AS _date, `game_id`, `team`
  FROM (
WITH games AS (SELECT * FROM nba.games) SELECT game_date AS date, game_id, home_team AS team FROM games -- two rows each

)
), present AS (
  SELECT DISTINCT `game_date` AS _present, `game_id`, `team`
  FROM staged
), judged AS (
  SELECT expectation._date, expectation.`game_id`, expectation.`team`, present._present IS NULL AS _missing
  FROM expectation
  LEFT JOIN present ON present._present = expectation._date AND present.`game_id` = expectation.`game_id` AND present.`team` = expectation.`team`
)
SELECT _date, `game_id`, `team`, COUNT(*) OVER (PARTITION BY _date) AS _expected, SUM(IF(_missing, 1, 0)) OVER (PARTITION BY _date) AS _all_missing
FROM judged
WHERE TRUE
QUALIFY _missing AND ROW_NUMBER() OVER (PARTITION BY _date, _missing ORDER BY `game_id` NULLS LAST, `team` NULLS LAST) <= 5
ORDER BY _date, `game_id` NULLS LAST, `team` NULLS LAST
