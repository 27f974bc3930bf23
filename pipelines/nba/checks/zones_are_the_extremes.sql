-- The strongest zone lies furthest below the league and the weakest furthest above it; both are known exactly where the league is.
SELECT game_date AS date, team_abbr, strongest_zone, weakest_zone
FROM staged
WHERE (strongest_zone IS NULL) != (paint_defense_vs_league_avg IS NULL)
  OR (weakest_zone IS NULL) != (paint_defense_vs_league_avg IS NULL)
  OR (strongest_zone = 'paint' AND paint_defense_vs_league_avg > LEAST(mid_range_defense_vs_league_avg, three_pt_defense_vs_league_avg))
  OR (strongest_zone = 'mid_range' AND mid_range_defense_vs_league_avg > LEAST(paint_defense_vs_league_avg, three_pt_defense_vs_league_avg))
  OR (strongest_zone = 'perimeter' AND three_pt_defense_vs_league_avg > LEAST(paint_defense_vs_league_avg, mid_range_defense_vs_league_avg))
  OR (weakest_zone = 'paint' AND paint_defense_vs_league_avg < GREATEST(mid_range_defense_vs_league_avg, three_pt_defense_vs_league_avg))
  OR (weakest_zone = 'mid_range' AND mid_range_defense_vs_league_avg < GREATEST(paint_defense_vs_league_avg, three_pt_defense_vs_league_avg))
  OR (weakest_zone = 'perimeter' AND three_pt_defense_vs_league_avg < GREATEST(paint_defense_vs_league_avg, mid_range_defense_vs_league_avg))
