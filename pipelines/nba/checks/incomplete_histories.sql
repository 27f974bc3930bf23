-- By the schedule more games were played in a window than there are summaries of.
SELECT
  game_date AS date,
  team_abbr,
  COUNT(*) AS players,
  MIN(l5_completeness_pct) AS l5,
  MIN(l10_completeness_pct) AS l10,
  MIN(l7d_completeness_pct) AS l7d,
  MIN(l14d_completeness_pct) AS l14d
FROM staged
WHERE NOT is_production_ready
GROUP BY game_date, team_abbr
