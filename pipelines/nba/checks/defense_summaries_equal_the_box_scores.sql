-- What a team allowed is the box score of its opponent; steals, rebounds, fouls and the margin are its own. Its blocks by zone come from
-- the play-by-play: on the worst real date they were 3 more or fewer than those of the box scores.
WITH compared AS (
  SELECT
    s.game_date,
    s.blocks_paint + s.blocks_mid_range + s.blocks_three_pt AS blocks_by_zone,
    IF(s.blocks_paint IS NULL, NULL, d.blocks) AS blocks,
    s.home_game != d.is_home
      OR COALESCE(s.win_flag, NOT d.is_winner) != d.is_winner
      OR COALESCE(s.margin_of_victory, -999) != COALESCE(d.plus_minus, -999)
      OR COALESCE(s.steals, -999) != COALESCE(d.steals, -999)
      OR COALESCE(s.defensive_rebounds, -999) != COALESCE(d.defensive_rebounds, -999)
      OR COALESCE(s.fouls_committed, -999) != COALESCE(d.personal_fouls, -999)
      OR COALESCE(s.points_allowed, -999) != COALESCE(o.points, -999)
      OR COALESCE(s.opp_fg_makes, -999) != COALESCE(o.fg_makes, -999)
      OR COALESCE(s.opp_fg_attempts, -999) != COALESCE(o.fg_attempts, -999)
      OR COALESCE(s.opp_three_pt_makes, -999) != COALESCE(o.three_pt_makes, -999)
      OR COALESCE(s.opp_three_pt_attempts, -999) != COALESCE(o.three_pt_attempts, -999)
      OR COALESCE(s.opp_ft_makes, -999) != COALESCE(o.ft_makes, -999)
      OR COALESCE(s.opp_ft_attempts, -999) != COALESCE(o.ft_attempts, -999)
      OR COALESCE(s.opp_rebounds, -999) != COALESCE(o.total_rebounds, -999)
      OR COALESCE(s.opp_assists, -999) != COALESCE(o.assists, -999)
      OR COALESCE(s.turnovers_forced, -999) != COALESCE(o.turnovers, -999) AS differs
  FROM staged AS s
  JOIN nba_raw.nbac_team_boxscore AS d
    ON d.game_date = s.game_date AND d.game_id = s.game_id AND d.team_abbr = s.defending_team_abbr
  JOIN nba_raw.nbac_team_boxscore AS o
    ON o.game_date = s.game_date AND o.game_id = s.game_id AND o.team_abbr = s.opponent_team_abbr
  WHERE d.game_date BETWEEN @start_date AND @end_date
    AND o.game_date BETWEEN @start_date AND @end_date
)
SELECT game_date AS date, COUNTIF(differs) AS differing_rows, SUM(blocks) AS all_blocks, SUM(blocks_by_zone) AS all_blocks_by_zone
FROM compared
GROUP BY game_date
HAVING COUNTIF(differs) > 0 OR ABS(SUM(blocks_by_zone) - SUM(blocks)) > GREATEST(3, 0.04 * SUM(blocks))
