SELECT "game_date" AS day, count(*) AS "rows",
  list_unique(list(hash("game_date", "game_id", "team"))) AS m0,
  count(*) FILTER (WHERE "points" IS NULL) AS m1
FROM _floodgate_staging.segment_3 WHERE _staging = CAST($staging AS BIGINT)
GROUP BY 1
