import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkKnownFacts, knownFacts } from './known-facts.ts';
import type { Query } from './known-facts.ts';
import { computeOracle, nbaDataAbsent, nbaDataFolder, oracleTables, wholeRange } from './oracle.ts';

const open = async (): Promise<DuckDBConnection> => (await DuckDBInstance.create(':memory:')).connect();

const queryOf =
  (connection: DuckDBConnection): Query =>
  async (sql) =>
    (await connection.runAndReadAll(sql)).getRowObjectsJson();

const inOracle = (table: string): string => `oracle.${table.slice(table.indexOf('.') + 1)}`;

// A test over 2.4 million events takes seconds, more on a busy machine.
describe.skipIf(nbaDataAbsent !== undefined)(
  `the oracle over the whole range${nbaDataAbsent === undefined ? '' : ` (${nbaDataAbsent})`}`,
  { timeout: 120_000 },
  () => {
    let connection: DuckDBConnection;
    let query: Query;

    beforeAll(async () => {
      connection = await open();
      query = queryOf(connection);
      await computeOracle(connection, nbaDataFolder, wholeRange);
    }, 120_000);

    afterAll(() => connection.closeSync());

    test('all known facts hold on its tables, and none was left out', async () => {
      const { checked, violations } = await checkKnownFacts(query, wholeRange, inOracle);
      expect(violations).toEqual([]);
      expect(checked).toEqual(knownFacts.map(({ name }) => name));
    });

    test.each(oracleTables)('$table has unique keys without NULL', async ({ oracle, key }) => {
      const columns = key.join(', ');
      expect(await query(`SELECT ${columns}, count(*) FROM ${oracle} GROUP BY ALL HAVING count(*) > 1`)).toEqual([]);
      expect(await query(`SELECT ${columns} FROM ${oracle} WHERE ${key.map((name) => `${name} IS NULL`).join(' OR ')}`)).toEqual([]);
    });

    test('what it derives anew equals what the files say', async () => {
      expect(
        await query(`SELECT o.game_id FROM oracle.nbac_schedule AS o JOIN oracle.games AS g ON g.game_id = o.nba_game_id
        WHERE o.season <> g.season OR o.season_year <> g.season_year OR o.season_type <> g.season_type
          OR (o.winning_team_abbr = o.home_team_abbr) <> g.home_win`),
      ).toEqual([]);
      expect(
        await query(`SELECT o.game_id FROM oracle.nbac_team_boxscore AS o
        JOIN oracle.team_boxscores AS b ON b.game_id = o.nba_game_id AND b.team = o.team_abbr
        WHERE (o.points, o.team_minutes, o.is_winner, o.is_home, o.plus_minus, o.team_id, o.total_rebounds, o.opponent_team_abbr)
          IS DISTINCT FROM (b.pts, b.minutes::BIGINT, b.win, b.is_home, b.plus_minus, b.team_id, b.reb, b.opponent)`),
      ).toEqual([]);
      expect(
        await query(`SELECT o.game_id FROM oracle.nbac_gamebook_player_stats AS o
        JOIN oracle.player_boxscores AS b ON b.game_id = o.nba_game_id AND b.player_id::VARCHAR = o.universal_player_id
        WHERE (o.points, o.total_rebounds, o.is_home, o.opponent_team_abbr) IS DISTINCT FROM (b.pts, b.reb, b.is_home, b.opponent)`),
      ).toEqual([]);
      expect(
        await query(`SELECT o.game_id, o.event_sequence FROM oracle.bigdataball_play_by_play AS o
        JOIN oracle.play_by_play AS e ON e.game_id = o.nba_game_id AND e.action_number = o.event_sequence
        WHERE (o.is_field_goal, o.seconds_left_in_period) IS DISTINCT FROM (e.is_field_goal, e.seconds_left_in_period)`),
      ).toEqual([]);
    });

    test('events of each quarter add up to the quarter scores of the games file', async () => {
      const covered = 'SELECT nba_game_id FROM oracle.bigdataball_play_by_play';
      expect(
        await query(`
        WITH told AS (
          SELECT nba_game_id, team_abbr, least(period, 5) AS quarter, sum(points_scored) AS points
          FROM oracle.bigdataball_play_by_play GROUP BY ALL
        ), official AS (
          SELECT game_id, home_team AS team, unnest([1, 2, 3, 4, 5]) AS quarter, unnest([home_q1, home_q2, home_q3, home_q4, home_ot]) AS points FROM oracle.games
          UNION ALL
          SELECT game_id, away_team, unnest([1, 2, 3, 4, 5]), unnest([away_q1, away_q2, away_q3, away_q4, away_ot]) FROM oracle.games
        )
        SELECT o.game_id, o.team, o.quarter, o.points::INTEGER AS official, coalesce(t.points, 0)::INTEGER AS told
        FROM official AS o
        LEFT JOIN told AS t ON t.nba_game_id = o.game_id AND t.team_abbr = o.team AND t.quarter = o.quarter
        WHERE o.game_id IN (${covered}) AND o.points <> coalesce(t.points, 0)`),
        // The one point that the league's feed itself lost.
      ).toEqual([{ game_id: '0022400072', team: 'GSW', quarter: 3, official: 38, told: 37 }]);
    });

    test('a zone is right where the shot charts, another source, know it', async () => {
      // README of the data: 99.8 to 99.9 % of the linked shots.
      const [row] = await query(`
      SELECT count(*) > 500000 AS enough, avg((CASE e.event_type WHEN '3pt' THEN 'three' ELSE if(e.is_paint_shot, 'paint', 'mid') END = CASE
          WHEN s.shot_value = 3 THEN 'three' WHEN s.zone_basic IN ('Restricted Area', 'In The Paint (Non-RA)') THEN 'paint' ELSE 'mid' END)::INTEGER) AS share
      FROM read_parquet('${nbaDataFolder.replaceAll("'", "''")}/shots_*.parquet') AS s
      JOIN oracle.bigdataball_play_by_play AS e ON e.nba_game_id = s.game_id AND e.event_sequence = s.action_number`);
      expect(row?.['enough']).toBe(true);
      expect(Number(row?.['share'])).toBeGreaterThan(0.998);
    });

    test('a smaller range gives the same rows for its dates', async () => {
      const day = { first: '2023-04-09', last: '2023-04-12' };
      const smaller = await open();
      await computeOracle(smaller, nbaDataFolder, day);
      for (const { oracle } of oracleTables) {
        const digest = `SELECT count(*) AS n, bit_xor(hash(t)) AS digest FROM ${oracle} AS t WHERE game_date BETWEEN DATE '${day.first}' AND DATE '${day.last}'`;
        expect({ oracle, rows: await queryOf(smaller)(digest) }).toEqual({ oracle, rows: await query(digest) });
        expect(await queryOf(smaller)(`SELECT count(*) AS n FROM ${oracle} WHERE game_date NOT BETWEEN DATE '${day.first}' AND DATE '${day.last}'`)).toEqual([
          { n: '0' },
        ]);
      }
      smaller.closeSync();
    });

    // Facts that no damage could break would prove nothing about the pipeline's own tables.
    test.each([
      ['a lost player', `DELETE FROM oracle.player_game_summary WHERE player_lookup = 'lukadoncic' AND game_date = DATE '2024-01-26'`],
      ['a game twice', `INSERT INTO oracle.team_offense_game_summary SELECT * FROM oracle.team_offense_game_summary WHERE game_id = '20240617_DAL_BOS'`],
      ['home and away the wrong way round', `UPDATE oracle.nbac_schedule SET game_id = '20240617_BOS_DAL' WHERE game_id = '20240617_DAL_BOS'`],
      ['a column that is always FALSE', `UPDATE oracle.team_offense_game_summary SET win_flag = false`],
      ['events that were cut off', `DELETE FROM oracle.bigdataball_play_by_play WHERE game_id = '20230612_MIA_DEN' AND period = 4`],
      ['zones that vanished', `UPDATE oracle.team_offense_game_summary SET team_paint_attempts = NULL WHERE game_date = DATE '2021-12-01'`],
    ])('the facts notice %s', async (_, damage) => {
      await connection.run('BEGIN');
      await connection.run(damage);
      const { violations } = await checkKnownFacts(query, wholeRange, inOracle);
      await connection.run('ROLLBACK');
      expect(violations).not.toEqual([]);
    });
  },
);
