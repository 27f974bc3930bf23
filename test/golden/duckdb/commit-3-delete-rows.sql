DELETE FROM "nba"."team_games"
WHERE "game_date" IN (DATE '2024-01-14', DATE '2024-01-17')
