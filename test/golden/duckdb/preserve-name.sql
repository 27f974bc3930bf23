INSERT INTO "_floodgate_preserved"."_names" VALUES ('nba.team_games', 'kept_o''hara', DATE '2024-01-14')
