import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { brokenChecks, compute, dataAbsent, loadPipeline, onlyPhases, openRealData, query, type Range } from './nba.fixture.ts';

const whole = loadPipeline();
const early = onlyPhases(whole, 2, 3);
/** Raw tables, and what happened in a game. What is known before one has a test of its own, since it needs a history. */
const pipeline = { ...early, processors: early.processors.filter(({ id }) => !id.startsWith('upcoming_')) };
/** No lines of players for most of these dates, and nowhere a word on when they stood; no injuries and no registry at all. */
const unknown = new Set(['nba_raw.odds_api_player_points_props', 'nba_raw.nbac_injury_report', 'nba_raw.nbac_player_registry']);
// The end of a regular season, play-in games and the start of the playoffs; a Cup final; three nights with a record; one with lines of players.
const ranges: readonly Range[] = [
  ['2022-04-08', '2022-04-17'],
  ['2023-12-07', '2023-12-11'],
  ['2024-01-25', '2024-01-27'],
  ['2024-11-10', '2024-11-10'],
];

test('the pipeline begins with its sources, which only a request that names them has, and every table stands before those that read it', () => {
  expect(whole.phases.map(({ number }) => number)).toEqual(whole.phases.map(({ number }) => number).toSorted((a, b) => a - b));
  expect(whole.phases.filter(({ onRequest }) => onRequest).map(({ number, name }) => `${number} ${name}`)).toEqual(['1 sources']);
  expect(pipeline.phases.map(({ number, name }) => `${number} ${name}`)).toEqual(['2 raw', '3 analytics']);
  const order = whole.processors.map(({ table }) => table);
  for (const { table, upstreams } of whole.processors) {
    for (const upstream of upstreams.filter((each) => !each.table.startsWith('source.'))) {
      expect(order.indexOf(upstream.table), `${upstream.table} before ${table}`).toBeLessThan(order.indexOf(table));
    }
  }
});

describe.skipIf(dataAbsent !== undefined)(`on real games${dataAbsent === undefined ? '' : ` (${dataAbsent})`}`, { timeout: 60_000 }, () => {
  let connection: DuckDBConnection;
  const count = async (from: string): Promise<number> => Number((await query(connection, `SELECT COUNT(*) AS n FROM ${from}`))[0]?.['n']);
  /** Runs `damage`, tells which checks it broke, and takes it back. */
  const brokenBy = async (damage: string, range: Range): Promise<string[]> => {
    await connection.run('BEGIN');
    await connection.run(damage);
    const broken = await brokenChecks(connection, pipeline, range);
    await connection.run('ROLLBACK');
    return broken;
  };

  beforeAll(async () => {
    connection = await openRealData(pipeline);
    for (const range of ranges) await compute(connection, pipeline, range);
  }, 60_000);
  afterAll(() => connection.closeSync());

  test('the calendar has every date with a game, once for each kind of game', async () => {
    const rows = await query(connection, pipeline.calendar.sql);
    expect(rows).toHaveLength(700);
    expect(rows.reduce((games, row) => games + Number(row['items']), 0)).toBe(4447);
    expect(rows.find(({ date }) => date === '2023-12-09')).toEqual({ date: '2023-12-09', season: '2023-24', kind: 'cup_final', items: '1' });
  });

  test('each table has its rows: two per game, and none of players where the sources have none', async () => {
    const games = await count('nba_raw.nbac_schedule');
    expect(games).toBe(107);
    expect(await count('nba_raw.nbac_team_boxscore')).toBe(2 * games);
    expect(await count('nba_analytics.team_offense_game_summary')).toBe(2 * games);
    expect(await count('nba_analytics.team_defense_game_summary')).toBe(2 * games);
    expect(await count('nba_analytics.player_game_summary')).toBe(await count('nba_raw.nbac_gamebook_player_stats'));
    expect(await count("nba_analytics.player_game_summary WHERE season_type IN ('playin', 'cup_final')")).toBe(0);
  });

  test('keys are unique', async () => {
    for (const { table, key } of pipeline.processors) {
      expect(await query(connection, `SELECT ${key.join(', ')} FROM ${table} GROUP BY ${key.join(', ')} HAVING COUNT(*) > 1`), table).toEqual([]);
    }
  });

  test('the box score of a night that is on record comes through', async () => {
    const [row] = await query(
      connection,
      "SELECT * FROM nba_analytics.player_game_summary WHERE player_lookup = 'lukadoncic' AND game_date = DATE '2024-01-26'",
    );
    expect(row).toMatchObject({
      game_id: '20240126_DAL_ATL',
      nba_game_id: '0022300634',
      universal_player_id: '1629029',
      team_abbr: 'DAL',
      opponent_team_abbr: 'ATL',
      points: '73',
      fg_makes: '25',
      fg_attempts: '33',
      three_pt_makes: '8',
      three_pt_attempts: '13',
      ft_makes: '15',
      ft_attempts: '16',
      assists: '7',
      has_complete_shot_zones: true,
      starter_flag: true,
      win_flag: true,
      points_line: null,
    });
    // 73 / (2 * (33 + 0.44 * 16)) and (25 + 0.5 * 8) / 33.
    expect(row?.['ts_pct']).toBeCloseTo(73 / 80.08, 9);
    expect(row?.['efg_pct']).toBeCloseTo(29 / 33, 9);
  });

  test('the columns that are always NULL are those of which pipeline.yaml says so', async () => {
    const empty: string[] = [];
    const declared: string[] = [];
    for (const { id, table, columns } of pipeline.processors) {
      if (unknown.has(table)) continue;
      const [counts] = await query(connection, `SELECT ${columns.map(({ name }) => `COUNT(${name}) AS ${name}`).join(', ')} FROM ${table}`);
      for (const { name, description } of columns) {
        if (counts?.[name] === '0') empty.push(`${id}.${name}`);
        if (/always NULL/i.test(description)) declared.push(`${id}.${name}`);
      }
    }
    expect(empty).toHaveLength(6);
    expect(empty).toEqual(declared);
  });

  test('a game without play-by-play has its team rows, with NULL zones and never 0', async () => {
    const rows = await query(connection, "SELECT * FROM nba_analytics.team_offense_game_summary WHERE season_type IN ('playin', 'cup_final')");
    expect(rows).toHaveLength(14);
    for (const row of rows) {
      expect(row).toMatchObject({ team_paint_attempts: null, points_in_paint_scored: null, second_chance_points_scored: null, is_partial_game_data: false });
      expect(Number(row['points_scored'])).toBeGreaterThan(80);
    }
  });

  test('one query over many dates gives the rows of the same dates one by one', async () => {
    const [first, last] = ranges[0]!;
    const single = await openRealData(pipeline);
    const dates = await query(single, `SELECT DISTINCT date FROM (${pipeline.calendar.sql}) AS c WHERE date BETWEEN @start_date AND @end_date`, [first, last]);
    expect(dates.length).toBeGreaterThan(5);
    for (const { date } of dates) await compute(single, pipeline, [String(date), String(date)]);
    for (const { table, partitionColumn } of pipeline.processors) {
      const sql = `SELECT * FROM ${table} WHERE ${partitionColumn} BETWEEN DATE '${first}' AND DATE '${last}' ORDER BY ALL`;
      const [wide, narrow] = [await connection.runAndReadAll(sql), await single.runAndReadAll(sql)];
      if (!unknown.has(table)) expect(wide.currentRowCount).toBeGreaterThan(0);
      expect(narrow.getRowsJson(), table).toEqual(wide.getRowsJson());
    }
    single.closeSync();
  });

  test('every check that blocks holds', async () => {
    for (const range of ranges) expect(await brokenChecks(connection, pipeline, range)).toEqual([]);
  });

  test.each([
    [
      'a game that is missing',
      "DELETE FROM nba_analytics.team_offense_game_summary WHERE game_id = '20240126_DAL_ATL'",
      'team_offense_game_summary: row_count',
    ],
    [
      'a player who is missing in the raw table',
      "DELETE FROM nba_raw.nbac_gamebook_player_stats WHERE player_lookup = 'lukadoncic'",
      'nbac_gamebook_player_stats: players_add_up_to_their_team',
    ],
    [
      'a player without points who was dropped',
      "DELETE FROM nba_analytics.player_game_summary WHERE points = 0 AND game_date = DATE '2024-01-26'",
      'player_game_summary: row_count',
    ],
    [
      'HOME_AWAY in one table',
      "UPDATE nba_raw.nbac_schedule SET game_id = '20240126_ATL_DAL' WHERE game_id = '20240126_DAL_ATL'",
      'nbac_schedule: expected_keys game_id',
    ],
    [
      'zones that were never filled',
      "UPDATE nba_analytics.team_defense_game_summary SET opp_paint_attempts = NULL WHERE game_date = DATE '2024-01-26'",
      'team_defense_game_summary: not_zero opp_paint_attempts, opp_paint_makes',
    ],
    [
      'a play-by-play that was cut off',
      "DELETE FROM nba_raw.bigdataball_play_by_play WHERE game_id = '20240126_DAL_ATL' AND event_sequence > 500",
      'bigdataball_play_by_play: events_add_up_to_the_score',
    ],
    [
      'an event file of other players',
      "UPDATE nba_raw.bigdataball_play_by_play SET player_1_id = '0' || player_1_id WHERE game_id = '20240126_DAL_ATL'",
      'gate of raw: every_shooter_has_a_box_score',
    ],
    [
      'a win_flag that is always FALSE',
      'UPDATE nba_analytics.team_offense_game_summary SET win_flag = FALSE',
      'team_offense_game_summary: one_winner_per_game',
    ],
    [
      'a usage_rate above 100',
      "UPDATE nba_analytics.player_game_summary SET usage_rate = 1275 WHERE player_lookup = 'lukadoncic'",
      'player_game_summary: accepted_range usage_rate',
    ],
    [
      'placeholders of zeros',
      "UPDATE nba_raw.nbac_team_boxscore SET points = 0, fg_attempts = 0 WHERE game_id = '20240126_DAL_ATL'",
      'nbac_team_boxscore: not_zero points, fg_attempts, fg_makes, three_pt_attempts, total_rebounds, team_minutes, plus_minus',
    ],
  ])('%s is caught', async (_name, damage, check) => {
    expect(await brokenBy(damage, ranges[2]!)).toContain(check);
  });
});
