// What holds in any range: players add up to their team, events to the score, the defence mirrors the offence.
import { defense, events, offense, playerBox, players, schedule, teamBox } from './known-fact.ts';
import type { KnownFact } from './known-fact.ts';

/** A law's query gives the rows that break it. */
const law = (name: string, sql: KnownFact['sql']): KnownFact => ({ name, span: 'any', sql, expected: [] });

export const laws: readonly KnownFact[] = [
  ...[teamBox, offense, defense].map((table) =>
    law(
      `every final game has two rows in ${table}, and no other game any`,
      (from) =>
        `SELECT s.game_id AS scheduled, t.game_id AS found FROM (SELECT game_id FROM ${from(schedule)} AS g WHERE game_status = 3) AS s
         FULL JOIN (SELECT game_id, COUNT(*) AS n FROM ${from(table)} AS r GROUP BY game_id) AS t ON t.game_id = s.game_id
         WHERE s.game_id IS NULL OR t.game_id IS NULL OR t.n != 2`,
    ),
  ),
  ...[playerBox, players].map((table) =>
    law(
      `players of ${table} add up to their team in every regular and playoff game`,
      (from) =>
        `SELECT b.game_id, b.team_abbr, b.points, p.points AS of_players FROM ${from(teamBox)} AS b
         LEFT JOIN (SELECT game_id, team_abbr, SUM(points) AS points, SUM(fg_attempts) AS shots, SUM(assists) AS assists
                    FROM ${from(table)} AS r GROUP BY game_id, team_abbr) AS p
           ON p.game_id = b.game_id AND p.team_abbr = b.team_abbr
         WHERE b.season_type IN ('regular', 'playoffs')
           AND (p.points IS NULL OR p.points != b.points OR p.shots != b.fg_attempts OR p.assists != b.assists)`,
    ),
  ),
  law(
    'the box score has the final score of the schedule',
    (from) =>
      `SELECT s.game_id, b.team_abbr, b.points FROM ${from(schedule)} AS s LEFT JOIN ${from(teamBox)} AS b ON b.game_id = s.game_id
       WHERE s.game_status = 3 AND (b.points IS NULL OR b.points != CASE WHEN b.is_home THEN s.home_team_score ELSE s.away_team_score END)`,
  ),
  law(
    'events add up to the final score, GSW at POR of 2024-10-23 aside',
    (from) =>
      `SELECT b.game_id, b.team_abbr, b.points, e.told FROM ${from(teamBox)} AS b
       LEFT JOIN (SELECT game_id, team_abbr, SUM(points_scored) AS told FROM ${from(events)} AS t GROUP BY game_id, team_abbr) AS e
         ON e.game_id = b.game_id AND e.team_abbr = b.team_abbr
       WHERE b.season_type IN ('regular', 'playoffs') AND NOT (b.nba_game_id = '0022400072' AND b.team_abbr = 'GSW')
         AND (e.told IS NULL OR e.told != b.points)`,
  ),
  law(
    'the last period of the events tells the overtimes that the minutes tell',
    (from) =>
      `SELECT o.game_id, o.overtime_periods, e.periods FROM ${from(offense)} AS o
       JOIN (SELECT game_id, MAX(period) AS periods FROM ${from(events)} AS t GROUP BY game_id) AS e ON e.game_id = o.game_id
       WHERE o.overtime_periods != e.periods - 4`,
  ),
  law(
    'each game has one winner, and both margins cancel out',
    (from) =>
      `SELECT game_id FROM ${from(offense)} AS t GROUP BY game_id
       HAVING SUM(CASE WHEN win_flag THEN 1 ELSE 0 END) != 1 OR SUM(margin_of_victory) != 0`,
  ),
  law(
    "the defence allowed what the opponent's offence did",
    (from) =>
      `SELECT d.game_id, d.defending_team_abbr FROM ${from(defense)} AS d
       LEFT JOIN ${from(offense)} AS o ON o.game_id = d.game_id AND o.team_abbr = d.opponent_team_abbr
       WHERE o.game_id IS NULL OR o.points_scored != d.points_allowed OR o.win_flag = d.win_flag
         OR COALESCE(o.team_paint_attempts, -1) != COALESCE(d.opp_paint_attempts, -1)
         OR COALESCE(o.team_mid_range_makes, -1) != COALESCE(d.opp_mid_range_makes, -1)
         OR ABS(o.offensive_rating - d.defensive_rating) > 0.000001 OR ABS(o.pace - d.opponent_pace) > 0.000001`,
  ),
  law(
    'zones exist exactly where events do, and made shots add up over them',
    (from) =>
      `SELECT game_id, team_abbr FROM ${from(offense)} AS t
       WHERE (season_type IN ('regular', 'playoffs')) != (team_paint_attempts IS NOT NULL)
         OR team_paint_makes + team_mid_range_makes + three_pt_makes != fg_makes
         OR ABS(team_paint_attempts + team_mid_range_attempts + three_pt_attempts - fg_attempts) > 2`,
  ),
  law(
    'each team starts five players',
    (from) =>
      `SELECT game_id, team_abbr FROM ${from(players)} AS t GROUP BY game_id, team_abbr
       HAVING SUM(CASE WHEN starter_flag THEN 1 ELSE 0 END) != 5`,
  ),
  law(
    'a player wins with his team',
    (from) =>
      `SELECT p.game_id, p.player_lookup FROM ${from(players)} AS p
       LEFT JOIN ${from(offense)} AS o ON o.game_id = p.game_id AND o.team_abbr = p.team_abbr
       WHERE o.game_id IS NULL OR p.win_flag != o.win_flag`,
  ),
  law(
    'usage is absent at no minutes, and within 0 and 100 where it is not',
    (from) =>
      `SELECT game_id, player_lookup, minutes_played, usage_rate FROM ${from(players)} AS t
       WHERE usage_rate < 0 OR usage_rate > 100 OR (minutes_played = 0 AND usage_rate IS NOT NULL)
         OR (minutes_played >= 5 AND usage_rate IS NULL)`,
  ),
  law(
    'an identity has one lookup, however the league spells the name',
    (from) => `SELECT universal_player_id FROM ${from(players)} AS t GROUP BY universal_player_id HAVING COUNT(DISTINCT player_lookup) != 1`,
  ),
];
