// Who did not play, who is reported out, and how old everybody is: known of the simulated league alone. Its lines go on during the
// games, so that a line of after the start would be noticed wherever it is used.
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lookForLeaks, computeProcessors } from './history.fixture.ts';
import { brokenChecks, loadPipeline, onlyPhases, openSimulatedData, query, type Range, type Row } from './nba.fixture.ts';
import { createLeague, type SimulatedGameRows } from './sources/simulated-league.ts';

const pipeline = onlyPhases(loadPipeline(), 2, 3);
const season = '2023-24';
const league = createLeague({ seed: 'absences', seasons: [season], inGameSnapshots: true, incidents: [{ kind: 'postponed_game', date: '2023-11-08' }] });
const dates = league.dates(season).filter((date) => date <= '2023-11-19');
const range: Range = [dates[0] ?? '', dates.at(-1) ?? ''];
const date = range[1];
const contexts = ['upcoming_team_game_context', 'upcoming_player_game_context'];
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('the simulated league', { timeout: 60_000 }, () => {
  let connection: DuckDBConnection;
  const rowsOf = (sql: string): Promise<Row[]> => query(connection, sql);
  const context = (id: string): string => pipeline.processors.find((processor) => processor.id === id)?.source ?? '';
  /** Runs `damage`, looks, and takes it back. */
  const after = async <Found>(damage: string, look: () => Promise<Found>): Promise<Found> => {
    await connection.run('BEGIN');
    try {
      await connection.run(damage);
      return await look();
    } finally {
      await connection.run('ROLLBACK');
    }
  };

  beforeAll(async () => {
    const days = dates.map((day) => Object.fromEntries(pipeline.sources.map(({ name }) => [name, league.rowsOf(name as keyof SimulatedGameRows, day)])));
    connection = await openSimulatedData(pipeline, days as unknown as SimulatedGameRows[]);
    await computeProcessors(connection, pipeline.processors, range);
  }, 60_000);
  afterAll(() => connection.closeSync());

  test('every check that blocks holds', async () => {
    expect(await brokenChecks(connection, pipeline, range)).toEqual([]);
  });

  test('everybody on the roster has a row: with a box score, or without statistics and with a reason', async () => {
    const statuses = dates.flatMap((day) => league.rowsOf('player_statuses', day));
    const played = dates.flatMap((day) => league.rowsOf('player_boxscores', day));
    const rows = await rowsOf('SELECT * FROM nba_analytics.player_game_summary');
    expect(rows).toHaveLength(statuses.length + played.length);
    const absent = rows.filter((row) => row['is_active'] === false);
    expect(absent).toHaveLength(statuses.length);
    const told = ['player_status', 'is_dnp', 'is_active', 'dnp_reason', 'dnp_reason_category'];
    const about = /_id$|^game_date$|^season|^player_|team_abbr$|^win_flag$|^points_line|^opening_line$/;
    for (const row of absent) {
      const statistics = Object.entries(row).filter(([name, value]) => value !== null && !told.includes(name) && !about.test(name));
      expect(statistics).toEqual([]);
    }
    const categoryOf = (reason: string): string => {
      if (reason.startsWith('Injury/Illness')) return 'injury';
      return { Rest: 'rest', 'Personal Reasons': 'personal', "DNP - Coach's Decision": 'coach_decision' }[reason] ?? 'other';
    };
    for (const row of absent) expect(row['dnp_reason_category'], String(row['dnp_reason'])).toBe(categoryOf(String(row['dnp_reason'])));
    expect(new Set(absent.map((row) => row['dnp_reason_category']))).toEqual(new Set(['injury', 'rest', 'personal', 'coach_decision', 'other']));
    // A bet on somebody who doesn't play is void.
    const bets = absent.filter((row) => row['points_line'] !== null);
    expect(bets.length).toBeGreaterThan(0);
    expect(bets.filter((row) => row['over_under_result'] !== null || row['margin'] !== null)).toEqual([]);
  });

  test('games that a player missed are in none of his averages, and do not tire him', async () => {
    const rows = await rowsOf(`SELECT * FROM nba_analytics.upcoming_player_game_context WHERE game_date = DATE '${date}'`);
    expect(rows.length).toBeGreaterThan(50);
    const own = dates
      .filter((day) => day < date)
      .map((day) => ({ day, box: league.rowsOf('player_boxscores', day), out: league.rowsOf('player_statuses', day) }));
    let missed = 0;
    for (const row of rows) {
      const id = Number(row['universal_player_id']);
      const games = own.flatMap(({ day, box }) => box.filter((each) => each.player_id === id && each.minutes > 0).map((each) => ({ ...each, day })));
      if (games.length === 0) continue; // on the floor for seconds
      missed += own.filter(({ day, out }) => day > games[0]!.day && out.some((each) => each.player_id === id)).length;
      expect(Number(row['points_avg_last_5'])).toBeCloseTo(mean(games.slice(-5).map(({ pts }) => pts)), 9);
      expect(Number(row['points_avg_last_10'])).toBeCloseTo(mean(games.slice(-10).map(({ pts }) => pts)), 9);
      const weekAgo = Date.parse(date) - 7 * 86_400_000;
      const ofWeek = games.filter(({ day }) => Date.parse(day) >= weekAgo);
      expect(Number(row['games_in_last_7_days'])).toBe(ofWeek.length);
      expect(Number(row['minutes_in_last_7_days'])).toBe(ofWeek.reduce((sum, { minutes }) => sum + minutes, 0));
      expect(Number(row['days_rest'])).toBe((Date.parse(date) - Date.parse(games.at(-1)!.day)) / 86_400_000 - 1);
    }
    expect(missed).toBeGreaterThan(20);
  });

  test('reports before the game: who is out, which stars their teammates miss, which starters the team', async () => {
    const reports = new Map(league.rowsOf('injury_reports', date).map((report) => [String(report.player_id), report]));
    const rows = await rowsOf(`SELECT * FROM nba_analytics.upcoming_player_game_context WHERE game_date = DATE '${date}'`);
    const history = await rowsOf(`SELECT * FROM nba_analytics.player_game_summary WHERE is_active AND game_date < DATE '${date}' ORDER BY game_date`);
    const lastTen = (id: unknown): Row[] => history.filter((row) => row['universal_player_id'] === id).slice(-10);
    const average = (games: readonly Row[], column: string): number => mean(games.filter((row) => row[column] !== null).map((row) => Number(row[column])));
    const isStar = (id: unknown): boolean => {
      const games = lastTen(id);
      return average(games, 'points') >= 20 || (average(games, 'usage_rate') >= 25 && average(games, 'minutes_played') >= 20);
    };
    const isOut = (row: Row): boolean => reports.get(String(row['universal_player_id']))?.status === 'out';
    for (const row of rows) {
      expect(row['player_status']).toBe(reports.get(String(row['universal_player_id']))?.status ?? 'available');
      const stars = rows.filter((other) => other !== row && other['team_abbr'] === row['team_abbr'] && isOut(other) && isStar(other['universal_player_id']));
      expect(Number(row['star_teammates_out'])).toBe(stars.length);
    }
    for (const team of await rowsOf(`SELECT * FROM nba_analytics.upcoming_team_game_context WHERE game_date = DATE '${date}'`)) {
      const missing = rows.filter((row) => row['team_abbr'] === team['team_abbr'] && isOut(row));
      const starters = missing.filter(
        (row) => 2 * lastTen(row['universal_player_id']).filter((game) => game['starter_flag'] === true).length >= lastTen(row['universal_player_id']).length,
      );
      expect(Number(team['starters_out_count'])).toBe(starters.length);
      expect(Number(team['questionable_players_count'])).toBe(
        [...reports.values()].filter((each) => each.team === team['team_abbr'] && each.status === 'questionable').length,
      );
    }
    const all = await rowsOf('SELECT MAX(star_teammates_out) AS stars FROM nba_analytics.upcoming_player_game_context');
    expect(Number(all[0]?.['stars'])).toBeGreaterThan(0);
  });

  test('ages are in whole years on the date', async () => {
    const births = new Map(league.rowsOf('players', dates[0]!).map((player) => [String(player.player_id), player.birth_date]));
    const rows = await rowsOf('SELECT game_date, universal_player_id, player_age FROM nba_analytics.upcoming_player_game_context');
    for (const row of rows) {
      const [born, on] = [births.get(String(row['universal_player_id'])) ?? '', String(row['game_date'])];
      expect(Number(row['player_age'])).toBe(Number(on.slice(0, 4)) - Number(born.slice(0, 4)) - (on.slice(5) < born.slice(5) ? 1 : 0));
    }
    expect(new Set(rows.map((row) => row['player_age'])).size).toBeGreaterThan(10);
  });

  test('lines of after the start are in the raw tables and nowhere else', async () => {
    const [counts] =
      await rowsOf(`SELECT COUNTIF(minutes_before_tipoff <= 0) AS late, COUNTIF(minutes_before_tipoff <= 0 AND (is_closing_line OR is_opening_line)) AS used
      FROM nba_raw.odds_api_player_points_props`);
    expect(Number(counts?.['late'])).toBeGreaterThan(1000);
    expect(counts?.['used']).toBe('0');
    const late = await rowsOf('SELECT COUNT(*) AS n FROM nba_raw.odds_api_game_lines WHERE hours_before_tipoff < 0');
    expect(Number(late[0]?.['n'])).toBeGreaterThan(1000);
    for (const id of contexts) {
      const rows = () =>
        query(connection, `SELECT * FROM (${context(id)}) AS c ORDER BY team_abbr${id === contexts[1] ? ', universal_player_id' : ''}`, [date, date]);
      const before = await rows();
      const dropped = await after(
        `DELETE FROM nba_raw.odds_api_game_lines WHERE hours_before_tipoff < 0; DELETE FROM nba_raw.odds_api_player_points_props WHERE minutes_before_tipoff <= 0`,
        rows,
      );
      expect(dropped).toEqual(before);
      expect(before.length).toBeGreaterThan(5);
    }
  });

  test('a report of after the start is none', async () => {
    const look = () => query(connection, `SELECT * FROM (${context('upcoming_player_game_context')}) AS c`, [date, date]);
    const rows = await after('UPDATE nba_raw.nbac_injury_report SET minutes_before_tipoff = -5', look);
    expect(rows.length).toBeGreaterThan(50);
    expect(rows.filter((row) => row['player_status'] !== null || row['star_teammates_out'] !== null)).toEqual([]);
  });

  test('a game that was postponed has its teams and players on the first date, who are neither tired nor credited by it', async () => {
    const [ghost] = await rowsOf('SELECT game_date, game_id, home_team_abbr, away_team_abbr FROM nba_raw.nbac_schedule WHERE game_status = 1');
    expect(ghost).toBeDefined();
    const teams = await rowsOf(`SELECT team_abbr FROM nba_analytics.upcoming_team_game_context WHERE game_id = '${String(ghost?.['game_id'])}'`);
    expect(new Set(teams.map((row) => row['team_abbr']))).toEqual(new Set([ghost?.['home_team_abbr'], ghost?.['away_team_abbr']]));
    const next = await rowsOf(`SELECT game_date, team_days_rest, game_number_in_season FROM nba_analytics.upcoming_team_game_context
      WHERE team_abbr = '${String(ghost?.['home_team_abbr'])}' ORDER BY game_date`);
    const at = next.findIndex((row) => row['game_date'] === ghost?.['game_date']);
    expect(next[at + 1]?.['game_number_in_season']).toBe(next[at]?.['game_number_in_season']);
    expect(Number(next[at + 1]?.['team_days_rest'])).toBeGreaterThan(Number(next[at]?.['team_days_rest']));
  });

  test('a date computed on its morning has the rows that it has in the end', async () => {
    const leaks = await lookForLeaks(connection, pipeline, '2023-11-15', contexts);
    expect(leaks.filter(({ table }) => /upcoming/.test(table)).map(({ rows, differing }) => [rows > 0, differing])).toEqual([
      [true, 0],
      [true, 0],
    ]);
  });

  test.each([
    [
      'a gamebook that was read too early: the roster, and nobody who played',
      `DELETE FROM nba_raw.nbac_gamebook_player_stats WHERE player_status = 'active' AND game_date = DATE '${date}'`,
      'nbac_gamebook_player_stats: players_add_up_to_their_team',
    ],
    [
      'zeros for somebody who did not play',
      "UPDATE nba_raw.nbac_gamebook_player_stats SET points = 0, minutes_decimal = 0 WHERE player_status = 'inactive'",
      'nbac_gamebook_player_stats: who_did_not_play_has_no_statistics',
    ],
    [
      'somebody who did not play among the active',
      'UPDATE nba_analytics.player_game_summary SET is_active = TRUE',
      'player_game_summary: who_did_not_play_has_no_statistics',
    ],
    ['players who were dropped since they did not play', 'DELETE FROM nba_analytics.player_game_summary WHERE NOT is_active', 'player_game_summary: row_count'],
    [
      'reports that were lost',
      `DELETE FROM nba_raw.nbac_injury_report WHERE game_date = DATE '${date}' AND report_status = 'out'`,
      'nbac_injury_report: row_count',
    ],
    [
      'reports that reached one team',
      "UPDATE nba_analytics.upcoming_player_game_context SET player_status = NULL WHERE team_abbr = 'BOS'",
      'upcoming_player_game_context: reports_speak_of_everybody_or_nobody',
    ],
    [
      'a registry of dates of birth in another century',
      "UPDATE nba_raw.nbac_player_registry SET birth_date = DATE '1900-01-01'",
      'nbac_player_registry: players_are_grown_and_not_old',
    ],
    [
      'contexts of a fifth of the players missing',
      "DELETE FROM nba_analytics.upcoming_player_game_context WHERE universal_player_id LIKE '%0' OR universal_player_id LIKE '%5'",
      'gate of analytics: hardly_anybody_is_new',
    ],
    [
      'a team that played without a context',
      "DELETE FROM nba_analytics.upcoming_team_game_context WHERE team_abbr = 'BOS'",
      'gate of analytics: who_played_has_a_context',
    ],
  ])('%s is caught', async (_name, damage, check) => {
    const [owner] = check.split(':');
    const asked = {
      ...pipeline,
      phases: pipeline.phases.filter(({ name }) => owner === `gate of ${name}`),
      processors: pipeline.processors.map((each) => (each.id === owner ? each : { ...each, audits: [] })),
    };
    expect(await brokenChecks(connection, asked, range)).toEqual([]);
    expect(await after(damage, () => brokenChecks(connection, asked, range))).toContain(check);
  });
});
