-- A weighted mean lies between the least and the greatest of what it is made of, and the weights add up to 1.
SELECT game_date AS date, universal_player_id
FROM (
  SELECT
    game_date,
    universal_player_id,
    MIN(IF(system_id = 'ensemble', NULL, predicted_points)) AS least,
    MAX(IF(system_id = 'ensemble', NULL, predicted_points)) AS greatest,
    MAX(IF(system_id = 'ensemble', predicted_points, NULL)) AS ensemble,
    MAX(IF(system_id = 'ensemble', systems_count, NULL)) AS counted,
    COUNTIF(system_id != 'ensemble') AS systems,
    SUM(ensemble_weight) AS weights
  FROM staged
  GROUP BY game_date, universal_player_id
) AS p
WHERE ensemble < least - 0.01
  OR ensemble > greatest + 0.01
  OR counted != systems
  OR (systems >= 2) != (ensemble IS NOT NULL)
  OR (ensemble IS NOT NULL AND (weights IS NULL OR ABS(weights - 1) > 0.001))
