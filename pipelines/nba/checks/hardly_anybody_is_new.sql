-- More than 15 % of a date's players without a context mean that a history is missing. In the first 14 days of a season everybody is new.
-- Up to six are new on a small night: at the end of a decided game of the Finals five of 29 had not played for 30 days.
SELECT p.game_date AS date, COUNT(*) AS players, COUNTIF(c.universal_player_id IS NULL) AS new_players
FROM nba_raw.nbac_gamebook_player_stats AS p
JOIN (
  SELECT season_year, MIN(game_date) AS first_date
  FROM nba_raw.nbac_schedule
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND @end_date
  GROUP BY season_year
) AS s
  ON s.season_year = p.season_year
LEFT JOIN (SELECT game_date, universal_player_id, team_abbr FROM staged) AS c
  ON c.game_date = p.game_date AND c.universal_player_id = p.universal_player_id AND c.team_abbr = p.team_abbr
WHERE p.game_date BETWEEN @start_date AND @end_date
  AND p.player_status = 'active'
  AND DATE_DIFF(p.game_date, s.first_date, DAY) >= 14
GROUP BY p.game_date
HAVING COUNTIF(c.universal_player_id IS NULL) > GREATEST(6, 0.15 * COUNT(*))
