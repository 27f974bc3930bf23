-- 50 players of whom a system expects the same are players of whom it knows nothing.
SELECT x.date, x.system_id, COUNT(*) AS players, MIN(x.points) AS points
FROM (
  SELECT s.game_date AS date, f.system_id, f.points
  FROM staged AS s
  CROSS JOIN UNNEST([
    STRUCT('moving_average' AS system_id, s.moving_average_points AS points),
    STRUCT('zone_matchup' AS system_id, s.zone_matchup_points AS points),
    STRUCT('similarity' AS system_id, s.similarity_points AS points)
  ]) AS f
) AS x
WHERE x.points IS NOT NULL
GROUP BY x.date, x.system_id
HAVING COUNT(*) >= 50 AND MIN(x.points) = MAX(x.points)
