DELETE FROM "_floodgate_preserved"."nba__team_games"
WHERE _staging IN ('kept_o''hara', 'kept_b')
