SELECT column_name, data_type, NOT is_nullable AS required, comment
FROM duckdb_columns()
WHERE database_name = current_database() AND schema_name = 'nba' AND table_name = 'team_games'
ORDER BY column_index
