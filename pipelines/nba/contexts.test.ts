// Betting lines, and what is known before a game: over the beginning of the season 2024-25, the only months with lines of players.
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { brokenChecks, compute, dataAbsent, loadPipeline, onlyPhases, openRealData, query, type Range } from './nba.fixture.ts';

const pipeline = onlyPhases(loadPipeline(), 2, 3);
const season: Range = ['2024-10-22', '2024-11-30'];
const contexts = ['upcoming_team_game_context', 'upcoming_player_game_context'];

describe.skipIf(dataAbsent !== undefined)(`before real games${dataAbsent === undefined ? '' : ` (${dataAbsent})`}`, { timeout: 60_000 }, () => {
  let connection: DuckDBConnection;
  const one = async (sql: string): Promise<Readonly<Record<string, unknown>>> => (await query(connection, sql))[0] ?? {};
  const brokenBy = async (damage: string, range: Range = season): Promise<string[]> => {
    await connection.run('BEGIN');
    await connection.run(damage);
    const broken = await brokenChecks(connection, pipeline, range);
    await connection.run('ROLLBACK');
    return broken;
  };

  beforeAll(async () => {
    connection = await openRealData(pipeline);
    await compute(connection, pipeline, season);
  }, 60_000);
  afterAll(() => connection.closeSync());

  test('every check that blocks holds', async () => {
    expect(await brokenChecks(connection, pipeline, season)).toEqual([]);
  });

  test('teams: rest, streaks, travel and lines of a night that can be looked up', async () => {
    // Cleveland had won its first 11 games, the last of them at Chicago on November 11, and is at Philadelphia on the 13th.
    expect(await one("SELECT * FROM nba_analytics.upcoming_team_game_context WHERE team_abbr = 'CLE' AND game_date = DATE '2024-11-13'")).toMatchObject({
      game_id: '20241113_CLE_PHI',
      home_game: false,
      days_since_last_game: '2',
      team_days_rest: '1',
      team_back_to_back: false,
      game_number_in_season: '13',
      team_win_streak_entering: '12',
      team_loss_streak_entering: '0',
      last_game_result: 'W',
      lines_are_timed: true,
      starters_out_count: null,
    });
    const [first] = await query(connection, "SELECT * FROM nba_analytics.upcoming_team_game_context WHERE team_abbr = 'BOS' AND game_date = DATE '2024-10-22'");
    expect(first).toMatchObject({
      game_number_in_season: '1',
      days_since_last_game: null,
      last_game_result: null,
      team_win_streak_entering: null,
      travel_miles: '0',
    });
    // New York to Boston.
    const guest = await one("SELECT travel_miles FROM nba_analytics.upcoming_team_game_context WHERE team_abbr = 'NYK' AND game_date = DATE '2024-10-22'");
    expect(Number(guest['travel_miles'])).toBeGreaterThan(180);
    expect(Number(guest['travel_miles'])).toBeLessThan(200);
    // Miami and Washington in Mexico City: neither is at home, and nobody has said how far it is.
    const neutral = await query(
      connection,
      "SELECT team_abbr, travel_miles FROM nba_analytics.upcoming_team_game_context WHERE game_id = '20241102_MIA_WAS' OR game_id = '20241102_WAS_MIA'",
    );
    expect(neutral.map((row) => row['travel_miles'])).toEqual([null, null]);
  });

  test('players: averages are those of the games before, and of no other', async () => {
    const player = "universal_player_id = '1628369'";
    const before = await query(
      connection,
      `SELECT points, minutes_played FROM nba_analytics.player_game_summary WHERE ${player} AND game_date < DATE '2024-11-16' ORDER BY game_date DESC`,
    );
    const points = before.map((row) => Number(row['points']));
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    const row = await one(`SELECT * FROM nba_analytics.upcoming_player_game_context WHERE ${player} AND game_date = DATE '2024-11-16'`);
    expect(row).toMatchObject({
      player_lookup: 'jaysontatum',
      team_abbr: 'BOS',
      opponent_team_abbr: 'TOR',
      home_game: true,
      player_age: null,
      has_prop_line: true,
    });
    expect(Number(row['points_avg_last_5'])).toBeCloseTo(mean(points.slice(0, 5)), 9);
    expect(Number(row['points_avg_last_10'])).toBeCloseTo(mean(points.slice(0, 10)), 9);
    expect(points.length).toBeGreaterThan(10);
  });

  test('players: streaks against the line are those of the games before that had one, counted back from the last', async () => {
    const date = '2024-11-29';
    const results = await query(
      connection,
      `SELECT universal_player_id, over_under_result FROM nba_analytics.player_game_summary
       WHERE over_under_result IS NOT NULL AND game_date < DATE '${date}' ORDER BY game_date DESC`,
    );
    const of = Map.groupBy(results, (row) => row['universal_player_id']);
    const rows = await query(
      connection,
      `SELECT universal_player_id, prop_over_streak, prop_under_streak FROM nba_analytics.upcoming_player_game_context WHERE game_date = DATE '${date}'`,
    );
    const streaks = rows.map((row) => {
      const own = (of.get(row['universal_player_id']) ?? []).map((each) => each['over_under_result']);
      const count = (result: string): string | null => (own.length === 0 ? null : String([...own, 'end'].findIndex((each) => each !== result)));
      return { universal_player_id: row['universal_player_id'], prop_over_streak: count('OVER'), prop_under_streak: count('UNDER') };
    });
    expect(rows).toEqual(streaks);
    expect(streaks.filter(({ prop_over_streak: over }) => Number(over) >= 3).length).toBeGreaterThan(5);
    expect(streaks.filter(({ prop_over_streak: over }) => over === null).length).toBeGreaterThan(20);
  });

  test('lines of players: the one that counts is one per player, marked as untimed', async () => {
    const row = await one(`SELECT COUNT(*) AS n, COUNTIF(is_closing_line) AS closing, COUNT(DISTINCT CONCAT(game_id, universal_player_id)) AS players
      FROM nba_raw.odds_api_player_points_props`);
    expect(Number(row['n'])).toBeGreaterThan(4_000);
    expect(row['closing']).toBe(row['players']);
    expect(
      await one(`SELECT COUNT(*) AS n, COUNTIF(points_line_is_timed) AS timed, COUNTIF(over_under_result = 'PUSH' AND margin != 0) AS wrong
        FROM nba_analytics.player_game_summary WHERE points_line IS NOT NULL`),
    ).toMatchObject({ timed: '0', wrong: '0' });
  });

  test('one query over many dates gives the rows of the same dates one by one', async () => {
    const range: Range = ['2024-11-20', '2024-11-25'];
    for (const id of contexts) {
      const { table, key, source } = pipeline.processors.find((processor) => processor.id === id)!;
      const wide = await query(connection, `SELECT * FROM ${table} WHERE game_date BETWEEN @start_date AND @end_date ORDER BY ${key.join(', ')}`, range);
      expect(wide.length).toBeGreaterThan(50);
      const single = [];
      for (let day = 20; day <= 25; day += 1)
        single.push(...(await query(connection, `SELECT * FROM (${source}) AS s ORDER BY ${key.join(', ')}`, [`2024-11-${day}`, `2024-11-${day}`])));
      expect(single, table).toEqual(wide);
    }
  });

  test('what happens on the date and after it changes nothing', async () => {
    const date = '2024-11-20';
    const rowsOf = (id: string) => {
      const { key, source } = pipeline.processors.find((processor) => processor.id === id)!;
      return query(connection, `SELECT * FROM (${source}) AS s ORDER BY ${key.join(', ')}`, [date, date]);
    };
    const before = [await rowsOf(contexts[0]!), await rowsOf(contexts[1]!)];
    await connection.run('BEGIN');
    for (const { table, id } of pipeline.processors)
      if (!/^(upcoming|odds|nbac_schedule)/.test(id)) await connection.run(`DELETE FROM ${table} WHERE game_date >= DATE '${date}'`);
    await connection.run(
      `UPDATE nba_raw.nbac_schedule SET game_status = 1, home_team_score = NULL, away_team_score = NULL, winning_team_abbr = NULL WHERE game_date >= DATE '${date}'`,
    );
    const after = [await rowsOf(contexts[0]!), await rowsOf(contexts[1]!)];
    await connection.run('ROLLBACK');
    expect(after).toEqual(before);
    expect(after[1]?.length).toBeGreaterThan(100);
  });

  test.each([
    [
      'a context of nobody',
      "DELETE FROM nba_analytics.upcoming_player_game_context WHERE game_date = DATE '2024-11-20'",
      'upcoming_player_game_context: row_count',
    ],
    [
      'one player of all',
      "DELETE FROM nba_analytics.upcoming_player_game_context WHERE game_date = DATE '2024-11-16' AND universal_player_id = '1628369'",
      'upcoming_player_game_context: expected_keys universal_player_id',
    ],
    ['a team that is missing', "DELETE FROM nba_analytics.upcoming_team_game_context WHERE team_abbr = 'CLE'", 'upcoming_team_game_context: row_count'],
    [
      'a history that was never loaded',
      'UPDATE nba_analytics.upcoming_player_game_context SET points_avg_last_10 = 0',
      'upcoming_player_game_context: contexts_vary',
    ],
    ['placeholder lines', 'UPDATE nba_raw.odds_api_player_points_props SET points_line = 20.0', 'odds_api_player_points_props: lines_vary'],
    [
      'lines of another game',
      "UPDATE nba_raw.odds_api_game_lines SET nba_game_id = '0000000000' WHERE game_date = DATE '2024-11-20'",
      'odds_api_game_lines: every_line_is_of_a_game',
    ],
    [
      'lines that were dropped',
      "DELETE FROM nba_raw.odds_api_game_lines WHERE market_key = 'totals' AND game_date = DATE '2024-11-20'",
      'odds_api_game_lines: row_count',
    ],
    [
      'a spread with the wrong sign',
      'UPDATE nba_analytics.upcoming_team_game_context SET game_spread = ABS(game_spread)',
      'upcoming_team_game_context: spreads_mirror_each_other',
    ],
  ])('%s is caught', async (_name, damage, check) => {
    expect(await brokenBy(damage)).toContain(check);
  });
});
