// What the real data of six weeks lacks, made up beside it: birthdays, reports of injuries, players who did not play, games without box
// scores, when lines stood, and what a model says that has half a season to learn from. No truth is in them; they are there so that every column holds values.
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Span } from './both-engines.ts';

/** Into the tables of the sources, for these dates of the season that begins on `opened`. */
export const addMadeUpRows = async (connection: DuckDBConnection, { start_date: first, end_date: last }: Span, opened: string): Promise<void> => {
  const dated = `game_date BETWEEN '${first}' AND '${last}'`;
  const statements = [
    `INSERT INTO source.players BY NAME
     SELECT player_id, MIN(player_name) AS player_name, DATE '1988-01-01' + CAST(player_id % 6000 AS INTEGER) AS birth_date,
       season, DATE '${opened}' AS game_date, 'G' AS position, MIN(team) AS team
     FROM source.player_boxscores GROUP BY player_id, season`,
    // Of players who played all the same: reports are wrong at times.
    `INSERT INTO source.injury_reports BY NAME
     SELECT b.game_id, b.season, b.season_type, b.game_date, b.player_id, b.player_name, b.team,
       CASE b.player_id % 3 WHEN 0 THEN 'out' WHEN 1 THEN 'questionable' ELSE 'probable' END AS status, 'Knee; Soreness' AS reason,
       g.start_time_utc - to_minutes(90 + b.player_id % 60) AS reported_at
     FROM source.player_boxscores AS b JOIN source.games AS g USING (game_id)
     WHERE b.${dated} AND b.player_id % 2 = 0`,
    // Of those who played for the team in the week before, and not tonight.
    `INSERT INTO source.player_statuses BY NAME
     SELECT t.game_id, t.season, t.season_type, t.game_date, p.player_id, p.player_name, t.team, t.opponent, t.is_home,
       CASE WHEN p.player_id % 2 = 0 THEN 'dnp' ELSE 'inactive' END AS status, 'DNP - Rest' AS reason
     FROM source.team_boxscores AS t
     JOIN (SELECT DISTINCT player_id, player_name, team FROM source.player_boxscores
           WHERE game_date BETWEEN DATE '${first}' - 7 AND DATE '${first}' - 1) AS p ON p.team = t.team
     WHERE t.${dated} AND NOT EXISTS (SELECT 1 FROM source.player_boxscores AS b WHERE b.game_id = t.game_id AND b.player_id = p.player_id)`,
    // Half of the players have lines that moved, the others such that nobody knows when they stood.
    `UPDATE source.player_props SET snapshot_utc = CAST(game_date AS TIMESTAMPTZ) + to_hours(12) WHERE ${dated} AND player_id % 2 = 0`,
    `INSERT INTO source.player_props
     SELECT * REPLACE (line + 1 AS line, snapshot_utc + to_hours(4) AS snapshot_utc) FROM source.player_props WHERE ${dated} AND snapshot_utc IS NOT NULL`,
    // Every line of a game moves by a point once more.
    `INSERT INTO source.odds
     SELECT * REPLACE (home_spread + 1 AS home_spread, total + 1 AS total, snapshot_utc - to_hours(4) AS snapshot_utc)
     FROM source.odds WHERE ${dated} AND snapshot_utc IS NOT NULL`,
    // Two days before, whoever was free met the team that he meets tonight, and nobody kept the score.
    `INSERT INTO source.games
     SELECT * REPLACE (game_id || '9' AS game_id, 'cup_final' AS season_type, game_date - 2 AS game_date, start_time_utc - to_days(2) AS start_time_utc)
     FROM source.games AS g
     WHERE game_date = DATE '${first}' AND NOT EXISTS (
       SELECT 1 FROM source.games AS o WHERE o.game_date = g.game_date - 2 AND (o.home_team IN (g.home_team, g.away_team) OR o.away_team IN (g.home_team, g.away_team)))`,
  ];
  for (const statement of statements) await connection.run(statement);
};

/** Where the model has none. */
export const addMadeUpEstimates = async (connection: DuckDBConnection): Promise<void> => {
  await connection.run(
    `UPDATE nba_predictions.regression_estimates AS r SET regression_points = p.moving_average_points + CAST(r.universal_player_id AS BIGINT) % 7 - 3
     FROM nba_predictions.points_estimates AS p
     WHERE p.game_date = r.game_date AND p.universal_player_id = r.universal_player_id AND r.regression_points IS NULL`,
  );
};
