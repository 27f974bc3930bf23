WITH staged AS (
  SELECT `game_id`, `game_date`, `team`, `points`, `pace`, `quarters`, `raw`
  FROM `nba`.`team_games`
  WHERE `game_date` IN (DATE '2024-01-14', DATE '2024-01-17')
)
SELECT 0 AS part, `game_date` AS day, [COUNT(*), COUNT(DISTINCT TO_JSON_STRING(STRUCT(`game_date`, `game_id`, `team`))), COUNTIF(`points` IS NULL), COUNTIF(`pace` IS NULL OR IS_NAN(`pace`))] AS counts
FROM staged
GROUP BY `game_date`
UNION ALL
SELECT 1 AS part, _date AS day, [IFNULL(CAST(SUM(expected) AS INT64), 0)] AS counts
FROM (
  SELECT CAST(expectation.`date` AS DATE) AS _date, expectation.expected AS expected
  FROM (
SELECT date, 12 AS expected FROM nba.calendar
) AS expectation
)
GROUP BY _date
UNION ALL
SELECT 2 AS part, _date AS day, [COUNT(*), COUNTIF(_last = 1)] AS counts
FROM (
  SELECT _date, MIN(_side) AS _first, MAX(_side) AS _last
  FROM (
    SELECT CAST(`date` AS DATE) AS _date, `game_id`, `team`, 1 AS _side
    FROM (
WITH games AS (SELECT * FROM nba.games) SELECT game_date AS date, game_id, home_team AS team FROM games -- two rows each

)
    UNION ALL
    SELECT `game_date`, `game_id`, `team`, 2
    FROM staged
    WHERE `game_id` IS NOT NULL AND `team` IS NOT NULL
  )
  GROUP BY _date, `game_id`, `team`
)
WHERE _first = 1
GROUP BY _date
UNION ALL
SELECT 3 AS part, CAST(NULL AS DATE) AS day, [COUNT(*)] AS counts
FROM (
SELECT game_date AS date, team FROM staged WHERE points > 200
)
