-- Only what the league counts, between its 30 teams: an All-Star game with a score is a date of the calendar otherwise, and its teams are in
-- all tables; another code for a team finds none of its games and no arena. (The arenas in upcoming_team_game_context.sql are of the same
-- teams, which a test sees to.)
SELECT s.game_date AS date, s.game_id, s.season_type, s.home_team_abbr, s.away_team_abbr
FROM staged AS s
CROSS JOIN (
  SELECT ' ATL BOS BKN CHA CHI CLE DAL DEN DET GSW HOU IND LAC LAL MEM MIA MIL MIN NOP NYK OKC ORL PHI PHX POR SAC SAS TOR UTA WAS ' AS teams
) AS league
WHERE s.season_type NOT IN ('regular', 'playoffs', 'playin', 'cup_final')
  OR s.home_team_abbr = s.away_team_abbr
  OR league.teams NOT LIKE CONCAT('% ', s.home_team_abbr, ' %')
  OR league.teams NOT LIKE CONCAT('% ', s.away_team_abbr, ' %')
