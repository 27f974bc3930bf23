DELETE FROM "_floodgate_preserved"."_names"
WHERE target = 'nba.team_games' AND staging IN ('kept_o''hara', 'kept_b')
