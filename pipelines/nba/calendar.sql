-- A date belongs to the calendar when at least one final game was played on it: a game that was postponed keeps its
-- line in the schedule but never gets a score, and must not be planned.
SELECT
  game_date AS date,
  season,
  season_type AS kind,
  COUNT(*) AS items
FROM source.games
WHERE home_score IS NOT NULL AND away_score IS NOT NULL
GROUP BY game_date, season, season_type
