-- A score that is the same for 50 players of a date is no score. How fresh they are may be where nobody has played for a week: after the
-- All-Star break everybody is.
WITH played AS (
  SELECT DISTINCT game_date
  FROM nba_raw.nbac_gamebook_player_stats
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 6 DAY) AND DATE_SUB(@end_date, INTERVAL 1 DAY)
),
weeks AS (
  SELECT DISTINCT s.game_date
  FROM staged AS s
  JOIN played AS p
    ON p.game_date BETWEEN DATE_SUB(s.game_date, INTERVAL 6 DAY) AND DATE_SUB(s.game_date, INTERVAL 1 DAY)
)
SELECT x.date, x.factor, COUNT(*) AS players, MIN(x.value) AS value
FROM (
  SELECT s.game_date AS date, f.factor, f.value
  FROM staged AS s
  LEFT JOIN weeks AS w
    ON w.game_date = s.game_date
  CROSS JOIN UNNEST([
    STRUCT('fatigue_score' AS factor, IF(w.game_date IS NULL, NULL, 1.0 * s.fatigue_score) AS value),
    STRUCT('shot_zone_mismatch_score' AS factor, s.shot_zone_mismatch_score AS value),
    STRUCT('pace_score' AS factor, s.pace_score AS value),
    -- Over his first games the mean of ten and the mean of seven are one.
    STRUCT('usage_spike_score' AS factor, IF(s.team_game_number > 10, s.usage_spike_score, NULL) AS value),
    STRUCT('opponent_strength_score' AS factor, s.opponent_strength_score AS value),
    STRUCT('total_composite_adjustment' AS factor, s.total_composite_adjustment AS value)
  ]) AS f
) AS x
WHERE x.value IS NOT NULL
GROUP BY x.date, x.factor
HAVING COUNT(*) >= 50 AND MIN(x.value) = MAX(x.value)
