// Phase 4 on real games of one autumn: rows per date, known players, wide ranges against single dates, and what the checks notice.
// Cases that no real date shows are in precompute-cases.test.ts.
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { computeProcessors } from './history.fixture.ts';
import { brokenChecks, dataAbsent, loadPipeline, openRealData, query, type Range, type Row } from './nba.fixture.ts';

const loaded = loadPipeline();
const ids = ['team_defense_zone_analysis', 'player_shot_zone_analysis', 'player_daily_cache'];
const tables = ids.map((id) => `nba_precompute.${id}`);
const processors = loaded.processors.filter(({ id }) => ids.includes(id));
const history: Range = ['2021-10-19', '2021-11-24'];
// From the end of the opening weeks over the dates on which teams reach their 15 games to the largest night.
const judged: Range = ['2021-11-02', '2021-11-24'];
const wideRange: Range = ['2021-11-18', '2021-11-24'];

describe.skipIf(dataAbsent !== undefined)(`on real games${dataAbsent === undefined ? '' : ` (${dataAbsent})`}`, { timeout: 60_000 }, () => {
  let connection: DuckDBConnection;
  const one = async (sql: string): Promise<Row> => (await query(connection, sql))[0] ?? {};
  const perDate = async (table: string): Promise<Record<string, number>> => {
    const rows = await query(connection, `SELECT game_date, COUNT(*) AS n FROM ${table} GROUP BY game_date ORDER BY game_date`);
    return Object.fromEntries(rows.map((row) => [String(row['game_date']), Number(row['n'])]));
  };

  beforeAll(async () => {
    connection = await openRealData(loaded);
    const earlier = loaded.processors.filter(({ phase }) => phase === 2 || phase === 3);
    await computeProcessors(connection, earlier, history);
    await computeProcessors(connection, processors, judged);
  }, 60_000);
  afterAll(() => connection.closeSync());

  test('all teams have a row from their 5th game on', async () => {
    const defences = await perDate('nba_precompute.team_defense_zone_analysis');
    expect(defences).toMatchObject({ '2021-11-02': 30, '2021-11-10': 30, '2021-11-20': 30, '2021-11-24': 30 });
  });

  test('players have a row of shot zones from their first dates with enough games, and whether they play or not', async () => {
    expect(await perDate('nba_precompute.player_shot_zone_analysis')).toMatchObject({
      '2021-11-02': 363,
      '2021-11-05': 375,
      '2021-11-20': 423,
      '2021-11-23': 431,
      '2021-11-24': 432,
    });
  });

  test('the daily cache has whoever may play and has played 3 times', async () => {
    expect(await perDate('nba_precompute.player_daily_cache')).toMatchObject({ '2021-11-20': 255, '2021-11-23': 114, '2021-11-24': 374 });
  });

  test("a shooter's ten games, counted by hand", async () => {
    const curry = await one("SELECT * FROM nba_precompute.player_shot_zone_analysis WHERE player_lookup = 'stephencurry' AND game_date = DATE '2021-11-24'");
    expect(curry).toMatchObject({
      team_abbr: 'GSW',
      games_in_sample_10: '10',
      total_shots_last_10: '192',
      games_in_sample_20: '16',
      history_status: 'complete',
      primary_scoring_zone: 'perimeter',
      latest_game_date: '2021-11-21',
    });
    // Nov 3 to 21: 2+2+4+6+5+6+5+5+11+4 in the paint, 13 from mid-range, 11+13+11+19+9+17+13+14+16+6 threes.
    expect(curry['paint_rate_last_10']).toBeCloseTo((100 * 50) / 192, 9);
    expect(curry['mid_range_rate_last_10']).toBeCloseTo((100 * 13) / 192, 9);
    expect(curry['three_pt_rate_last_10']).toBeCloseTo((100 * 129) / 192, 9);
    expect(curry['three_pt_pct_last_10']).toBeCloseTo(55 / 129, 9);
    expect(curry['assisted_rate_last_10']).toBeCloseTo((100 * 47) / 92, 9);
  });

  test("a scorer's averages, counted by hand", async () => {
    const curry = await one("SELECT * FROM nba_precompute.player_daily_cache WHERE player_lookup = 'stephencurry' AND game_date = DATE '2021-11-24'");
    expect(curry).toMatchObject({ game_id: '20211124_PHI_GSW', games_played_season: '16', latest_game_date: '2021-11-21', l10_games_found: '10' });
    const lastTen = [15, 19, 20, 50, 25, 40, 24, 37, 40, 12];
    const squares = lastTen.reduce((sum, points) => sum + (points - 28.2) ** 2, 0);
    expect(curry['points_avg_last_5']).toBeCloseTo((40 + 24 + 37 + 40 + 12) / 5, 9);
    expect(curry['points_avg_last_10']).toBeCloseTo(28.2, 9);
    expect(curry['points_avg_season']).toBeCloseTo((21 + 45 + 27 + 23 + 36 + 20 + 282) / 16, 9);
    expect(curry['points_std_last_10']).toBeCloseTo(Math.sqrt(squares / 9), 9);
    expect(curry['minutes_avg_last_10']).toBeCloseTo((35 + 30 + 27 + 35 + 34 + 34 + 36 + 29 + 35 + 37) / 10, 9);
    expect(curry['contributing_game_dates']).toEqual(['03', '05', '07', '08', '10', '12', '14', '16', '18', '21'].map((day) => `2021-11-${day}`));
  });

  test("a defence's fifteen games, counted by hand", async () => {
    const warriors = await one("SELECT * FROM nba_precompute.team_defense_zone_analysis WHERE team_abbr = 'GSW' AND game_date = DATE '2021-11-24'");
    const allowed = [107, 98, 104, 82, 92, 85, 107, 113, 110, 93, 106, 99, 89, 102, 104];
    expect(warriors).toMatchObject({
      games_in_sample: '15',
      league_teams_in_sample: '30',
      strongest_zone: 'paint',
      weakest_zone: 'mid_range',
      data_quality_tier: 'high',
    });
    expect(warriors['opponent_points_per_game']).toBeCloseTo(allowed.reduce((sum, points) => sum + points, 0) / 15, 9);
    // 24+21+23+18+21+16+24+15+21+19+23+21+18+16+18 of 35+42+42+36+43+36+40+28+49+35+39+44+28+34+49.
    expect(warriors['paint_pct_allowed_last_15']).toBeCloseTo(298 / 580, 9);
    expect(warriors['paint_defense_vs_league_avg']).toBeCloseTo(100 * (298 / 580 - Number(warriors['league_paint_pct'])), 6);
  });

  test('one query over many dates gives the rows of the same dates one by one', async () => {
    const dates = await query(connection, 'SELECT DISTINCT game_date FROM nba_raw.nbac_schedule WHERE game_date BETWEEN @start_date AND @end_date', wideRange);
    expect(dates.length).toBe(7);
    for (const { table, columns, id } of processors) {
      const narrow = `narrow_${id}`;
      await connection.run(`CREATE OR REPLACE TABLE ${narrow} AS SELECT * FROM ${table} LIMIT 0`);
      for (const { game_date } of dates) {
        const date = String(game_date);
        await computeProcessors(
          connection,
          processors.filter((each) => each.id === id),
          [date, date],
          () => narrow,
        );
      }
      const list = columns.map(({ name }) => `"${name}"`).join(', ');
      const wide = await connection.runAndReadAll(`SELECT ${list} FROM ${table} WHERE game_date BETWEEN '${wideRange[0]}' AND '${wideRange[1]}' ORDER BY ALL`);
      const single = await connection.runAndReadAll(`SELECT ${list} FROM ${narrow} ORDER BY ALL`);
      expect(wide.currentRowCount).toBeGreaterThan(100);
      expect(single.getRowsJson(), table).toEqual(wide.getRowsJson());
    }
  });

  const checked = { ...loaded, processors, phases: loaded.phases.filter(({ number }) => number === 4) };

  test('every check that blocks holds, and nothing warns', async () => {
    expect(await brokenChecks(connection, checked, judged)).toEqual([]);
    expect(await brokenChecks(connection, checked, judged, 'warn')).toEqual([]);
  });

  test.each([
    [
      'zones that are NULL on every row, as for months',
      `UPDATE ${tables[0]} SET paint_defense_vs_league_avg = NULL, strongest_zone = NULL, weakest_zone = NULL`,
      'team_defense_zone_analysis: league_is_known_where_it_can_be',
    ],
    [
      'a team without a row',
      `DELETE FROM ${tables[0]} WHERE game_date = '2021-11-24' AND team_abbr = 'GSW'`,
      'team_defense_zone_analysis: expected_keys team_abbr',
    ],
    [
      'a date without any row though teams have enough games',
      `DELETE FROM ${tables[0]} WHERE game_date = '2021-11-22'`,
      'team_defense_zone_analysis: expected_keys team_abbr',
    ],
    [
      'a rating that is the same for all',
      `UPDATE ${tables[0]} SET defensive_rating_last_15 = 110 WHERE game_date = '2021-11-24'`,
      'team_defense_zone_analysis: measures_vary',
    ],
    [
      'a default in the place of the league',
      `UPDATE ${tables[0]} SET paint_defense_vs_league_avg = (paint_pct_allowed_last_15 - 0.5) * 100`,
      'team_defense_zone_analysis: league_averages_out',
    ],
    [
      'an opening week of 14 games taken for 15',
      `UPDATE ${tables[0]} SET games_in_sample = 14 WHERE game_date = '2021-11-24'`,
      'team_defense_zone_analysis: samples_equal_the_box_scores',
    ],
    [
      'a game of the date itself',
      `UPDATE ${tables[0]} SET latest_game_date = game_date WHERE team_abbr = 'GSW'`,
      'team_defense_zone_analysis: no_game_of_the_date_itself',
    ],
    [
      'players without a row',
      `DELETE FROM ${tables[1]} WHERE game_date = '2021-11-24' AND total_shots_last_10 < 30`,
      'player_shot_zone_analysis: expected_keys universal_player_id',
    ],
    [
      'a date without any row though players have enough games',
      `DELETE FROM ${tables[1]} WHERE game_date = '2021-11-02'`,
      'player_shot_zone_analysis: expected_keys universal_player_id',
    ],
    [
      'shots that are all 3-pointers',
      `UPDATE ${tables[1]} SET three_pt_rate_last_10 = 100 WHERE universal_player_id = '201939'`,
      'player_shot_zone_analysis: rates_sum_to_100',
    ],
    [
      'a rate that is the same for all',
      `UPDATE ${tables[1]} SET paint_rate_last_10 = 0, mid_range_rate_last_10 = 0, three_pt_rate_last_10 = 100`,
      'player_shot_zone_analysis: measures_vary',
    ],
    [
      'shots of somebody else',
      `UPDATE ${tables[1]} SET total_shots_last_10 = total_shots_last_10 + 10 WHERE universal_player_id = '201939'`,
      'player_shot_zone_analysis: samples_equal_the_box_scores',
    ],
    [
      'rates without shots behind them',
      `UPDATE ${tables[1]} SET paint_rate_last_10 = NULL WHERE universal_player_id = '201939'`,
      'player_shot_zone_analysis: not_null paint_rate_last_10, mid_range_rate_last_10, three_pt_rate_last_10, primary_scoring_zone',
    ],
    [
      'a player of the date who is missing',
      `DELETE FROM ${tables[2]} WHERE game_date = '2021-11-24' AND universal_player_id = '201939'`,
      'player_daily_cache: expected_keys universal_player_id',
    ],
    [
      'an average diluted by a game that he watched',
      `UPDATE ${tables[2]} SET points_avg_last_10 = points_avg_last_10 * 0.9 WHERE universal_player_id = '201939'`,
      'player_daily_cache: averages_equal_the_box_scores',
    ],
    ['a feature that is the same for all', `UPDATE ${tables[2]} SET team_pace_last_10 = 100`, 'player_daily_cache: measures_vary'],
    [
      '0 in the place of what is unknown',
      `UPDATE ${tables[2]} SET team_off_rating_last_10 = 0 WHERE team_abbr = 'GSW'`,
      'player_daily_cache: not_zero games_played_season, minutes_avg_last_10, team_pace_last_10, team_off_rating_last_10',
    ],
    [
      'zones that were not joined',
      `UPDATE ${tables[2]} SET shot_zone_data_available = FALSE, primary_scoring_zone = NULL WHERE team_abbr = 'GSW'`,
      'player_daily_cache: zones_are_those_of_the_analysis',
    ],
    [
      'a game of the date among those that count',
      `UPDATE ${tables[2]} SET contributing_game_dates = list_append(contributing_game_dates[2:], game_date)`,
      'player_daily_cache: contributing_dates_are_earlier',
    ],
    [
      'a defence that nobody looked at',
      `DELETE FROM ${tables[0]} WHERE team_abbr = 'PHI' AND game_date = '2021-11-24'`,
      'gate of precompute: opponents_have_their_defence',
    ],
  ])('%s breaks a check', async (_what, damage, broken) => {
    await connection.run('BEGIN');
    try {
      await connection.run(damage);
      expect(await brokenChecks(connection, checked, judged)).toContain(broken);
    } finally {
      await connection.run('ROLLBACK');
    }
  });

  test('a summary that is missing upstream shows in the rows made of the rest', async () => {
    await connection.run('BEGIN');
    try {
      await connection.run("DELETE FROM nba_analytics.player_game_summary WHERE game_date = '2021-11-22'");
      await connection.run(`DELETE FROM ${tables[1]} WHERE game_date = '2021-11-24'`);
      await connection.run(`DELETE FROM ${tables[2]} WHERE game_date = '2021-11-24'`);
      await computeProcessors(
        connection,
        processors.filter(({ id }) => id !== ids[0]),
        ['2021-11-24', '2021-11-24'],
      );
      expect(await brokenChecks(connection, checked, judged)).toEqual(
        expect.arrayContaining(['player_shot_zone_analysis: samples_equal_the_box_scores', 'player_daily_cache: averages_equal_the_box_scores']),
      );
      expect(await brokenChecks(connection, checked, judged, 'warn')).toEqual(['player_daily_cache: histories_are_complete']);
    } finally {
      await connection.run('ROLLBACK');
    }
  });
});
