SELECT "game_date" AS day, count(*) AS "rows", CAST(sum(hash("game_id", "game_date", "team", "points", round("pace", 6), list_transform("quarters", lambda v: round(v, 6)), "raw")) AS VARCHAR) AS sum1, bit_xor(hash("game_id", "game_date", "team", "points", round("pace", 6), list_transform("quarters", lambda v: round(v, 6)), "raw")) AS xor1, CAST(sum(hash('floodgate', "raw", list_transform("quarters", lambda v: round(v, 6)), round("pace", 6), "points", "team", "game_date", "game_id")) AS VARCHAR) AS sum2, bit_xor(hash('floodgate', "raw", list_transform("quarters", lambda v: round(v, 6)), round("pace", 6), "points", "team", "game_date", "game_id")) AS xor2
FROM "nba"."team_games"
WHERE "game_date" BETWEEN CAST($first AS DATE) AND CAST($last AS DATE)
GROUP BY 1
