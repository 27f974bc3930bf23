INSERT INTO "nba"."_floodgate_commits_team_games" VALUES
(DATE '2024-01-14', 4294967298, '0f', 2, 'b_1', make_timestamptz(CAST(1705000000123 AS BIGINT) * 1000), 'committed'),
(DATE '2024-01-17', 4294967298, '0f', 2, 'b_1', make_timestamptz(CAST(1705000000123 AS BIGINT) * 1000), 'unchanged')
