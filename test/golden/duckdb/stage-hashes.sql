SELECT "game_date" AS day, count(*) AS "rows", CAST(sum(_row_hash) AS VARCHAR) AS sum1, bit_xor(_row_hash) AS xor1, CAST(sum(hash('floodgate', "raw", list_transform("quarters", lambda v: round(v, 6)), round("pace", 6), "points", "team", "game_date", "game_id")) AS VARCHAR) AS sum2, bit_xor(hash('floodgate', "raw", list_transform("quarters", lambda v: round(v, 6)), round("pace", 6), "points", "team", "game_date", "game_id")) AS xor2
FROM _floodgate_staging.segment_3
WHERE _staging = $staging
GROUP BY 1
