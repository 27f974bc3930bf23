import type { CodeContext } from '@floodgate/core/app/deps.ts';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Range, Row } from './nba.fixture.ts';
import { monthBefore, regressionFeatures, rows as regressionRows } from './processors/regression_estimates.ts';
import { fillTable, offendingRows, openSmallTables, runProcessor, storeProcessor, type Shape } from './small-tables.fixture.ts';

const day = '2024-01-10';
const today: Range = [day, day];
const names = {
  game_id: '20240110_BOS_DAL',
  season_year: 2023,
  season_type: 'regular',
  player_lookup: 'somebody',
  team_abbr: 'DAL',
  opponent_team_abbr: 'BOS',
};
const nameShape: Shape = {
  game_date: 'DATE',
  game_id: 'VARCHAR',
  season_year: 'BIGINT',
  season_type: 'VARCHAR',
  universal_player_id: 'VARCHAR',
  player_lookup: 'VARCHAR',
  team_abbr: 'VARCHAR',
  opponent_team_abbr: 'VARCHAR',
};
const doubles = (...columns: readonly string[]): Shape => Object.fromEntries(columns.map((name) => [name, 'DOUBLE']));
const gameShape: Shape = {
  game_date: 'DATE',
  game_id: 'VARCHAR',
  universal_player_id: 'VARCHAR',
  team_abbr: 'VARCHAR',
  points: 'BIGINT',
  minutes_played: 'DOUBLE',
  player_status: 'VARCHAR',
  dnp_reason: 'VARCHAR',
};
const played = (date: string, id: string, points: number, minutes = 30): Row => ({
  game_date: date,
  game_id: names.game_id,
  universal_player_id: id,
  team_abbr: 'DAL',
  points,
  minutes_played: minutes,
});
const where = (rows: readonly Row[], values: Row): Row => rows.find((row) => Object.entries(values).every(([name, value]) => row[name] === value)) ?? {};
const byPlayer = (rows: readonly Row[]): string[] => rows.map((row) => JSON.stringify(row)).sort();

describe('systems that need no training', () => {
  let connection: DuckDBConnection;
  let rows: Row[];
  const averages = { f_points_avg_season: 20, f_points_avg_last_10: 20, f_points_avg_last_5: 20 };
  const circumstances = {
    f_opponent_def_rating: 112,
    f_opponent_pace: 102,
    f_team_pace_last_10: 100,
    f_home_game: 1,
    f_days_rest: 1,
    f_minutes_avg_last_10: 30,
  };
  const features = (date: string, id: string, more: Row = {}): Row => ({
    ...names,
    game_date: date,
    universal_player_id: id,
    ...averages,
    ...circumstances,
    ...more,
  });
  const now = { f_points_avg_season: 20, f_points_avg_last_10: 22, f_points_avg_last_5: 24 };

  beforeAll(async () => {
    connection = await openSmallTables();
    const past = ['2024-01-01', '2024-01-02', '2024-01-03', '2024-01-04', '2024-01-05'];
    await fillTable(
      connection,
      'nba_predictions.ml_feature_store_v2',
      { ...nameShape, ...doubles(...Object.keys({ ...averages, ...circumstances }), 'f_points_std_last_10') },
      [
        ...past.flatMap((date) => [features(date, 'alike'), features(date, 'mixed'), ...(date < '2024-01-05' ? [features(date, 'young')] : [])]),
        features('2024-01-06', 'mixed', { f_opponent_def_rating: 116 }),
        // Not played, another season, and later: none of them may count.
        features('2024-01-07', 'alike'),
        features('2023-04-01', 'alike', { season_year: 2022 }),
        features('2024-01-11', 'alike'),
        ...['alike', 'mixed', 'young'].map((id) => features(day, id, now)),
        features(day, 'new', { f_points_avg_season: null, f_points_avg_last_10: null, f_points_avg_last_5: null }),
      ],
    );
    await fillTable(connection, 'nba_analytics.player_game_summary', gameShape, [
      ...past.flatMap((date) => ['alike', 'mixed', 'young'].map((id) => played(date, id, 25))),
      played('2024-01-06', 'mixed', 10),
      played('2023-04-01', 'alike', 60),
      played(day, 'alike', 70),
      played('2024-01-11', 'alike', 71),
    ]);
    await fillTable(
      connection,
      'nba_precompute.player_shot_zone_analysis',
      { game_date: 'DATE', universal_player_id: 'VARCHAR', ...doubles('paint_attempts_per_game', 'mid_range_attempts_per_game', 'three_pt_attempts_per_game') },
      [{ game_date: day, universal_player_id: 'alike', paint_attempts_per_game: 5, mid_range_attempts_per_game: 3, three_pt_attempts_per_game: 6 }],
    );
    await fillTable(
      connection,
      'nba_precompute.player_composite_factors',
      {
        game_date: 'DATE',
        universal_player_id: 'VARCHAR',
        ...doubles('opponent_paint_vs_league', 'opponent_mid_range_vs_league', 'opponent_three_pt_vs_league'),
      },
      [{ game_date: day, universal_player_id: 'alike', opponent_paint_vs_league: 4, opponent_mid_range_vs_league: -2, opponent_three_pt_vs_league: 1 }],
    );
    rows = await runProcessor(connection, 'points_estimates', today);
  });
  afterAll(() => connection.closeSync());

  test('the moving average weighs season, ten games and five', () => {
    expect(rows).toHaveLength(4);
    expect(Number(where(rows, { universal_player_id: 'alike' })['moving_average_points'])).toBeCloseTo(10 + 6.6 + 4.8, 9);
    expect(where(rows, { universal_player_id: 'new' })).toMatchObject({ moving_average_points: null, zone_matchup_points: null, similarity_points: null });
  });

  test('the zone matchup adds half of what zones and pace are worth', () => {
    const row = where(rows, { universal_player_id: 'alike' });
    // 2 * 5 * 4 % - 2 * 3 * 2 % + 3 * 6 * 1 %, and 2 of 200 possessions more.
    expect(Number(row['zone_matchup_zone_effect'])).toBeCloseTo(0.46, 9);
    expect(Number(row['zone_matchup_pace_effect'])).toBeCloseTo(0.214, 9);
    expect(Number(row['zone_matchup_points'])).toBeCloseTo(21.4 + 0.5 * 0.674, 9);
    expect(where(rows, { universal_player_id: 'mixed' })['zone_matchup_points']).toBeNull();
  });

  test('similar games of the season before the date count by their likeness', () => {
    // Five games in the same circumstances, 5 above his average each; 30 stand for games at his average.
    expect(where(rows, { universal_player_id: 'alike' })).toMatchObject({ similarity_candidates: '5' });
    expect(Number(where(rows, { universal_player_id: 'alike' })['similarity_points'])).toBeCloseTo(21.4 + 25 / 35, 9);
    // One more against a defence that was a standard deviation off, 10 below.
    const likeness = Math.exp(-0.5);
    expect(Number(where(rows, { universal_player_id: 'mixed' })['similarity_points'])).toBeCloseTo(21.4 + (25 - 10 * likeness) / (35 + likeness), 9);
    expect(where(rows, { universal_player_id: 'young' })['similarity_points']).toBeNull();
  });

  test('a wide range, in which the results of the date can be read, gives the same rows of it', async () => {
    const wide = await runProcessor(connection, 'points_estimates', ['2024-01-01', '2024-01-12']);
    expect(byPlayer(wide.filter((row) => row['game_date'] === day))).toEqual(byPlayer(rows));
    expect(wide.length).toBeGreaterThan(rows.length);
  });
});

describe('the learned system', () => {
  // Rows in which points are 1 more than the first feature, and a hundred in the month that is predicted itself.
  const sample = (count: number, points: (first: number) => number): number[][] =>
    Array.from({ length: count }, (_, n) => {
      const values = regressionFeatures.map((_name, i) => (n * (i + 3) + ((n * n) % (i + 7))) % 17);
      return [...values, points(values[0] ?? 0)];
    });
  const monthOf = (month: string, rows: readonly number[][]): Row => {
    const size = regressionFeatures.length + 1;
    const row: Record<string, unknown> = { month, row_count: rows.length };
    for (let i = 0; i < size; i += 1) {
      row[`s_${i}`] = rows.reduce((sum, values) => sum + (values[i] ?? 0), 0);
      for (let j = 0; j <= i; j += 1) row[`p_${i}_${j}`] = rows.reduce((sum, values) => sum + (values[i] ?? 0) * (values[j] ?? 0), 0);
    }
    return row;
  };
  const predictions = async (dates: readonly string[], months: readonly Row[], features: readonly Row[]): Promise<Row[]> => {
    const query = (sql: string): Promise<readonly Row[]> => Promise.resolve(sql.includes('GROUP BY month_start') ? months : features);
    const found: Row[] = [];
    for await (const row of regressionRows({ dates, query, signal: new AbortController().signal } as unknown as CodeContext)) found.push(row);
    return found;
  };
  const player = (date: string, first: number | null): Row => ({
    ...names,
    game_date: date,
    universal_player_id: 'p',
    ...Object.fromEntries(regressionFeatures.map((name, i) => [name, i === 0 ? first : 8])),
  });
  const good = sample(2500, (first) => 1 + first);
  const bad = sample(2500, () => 100);

  test('a month learns from the twelve before it, and from nothing of itself', async () => {
    const months = [monthOf('2024-01', bad), monthOf('2023-01', good), monthOf('2022-12', bad)];
    const [row] = await predictions([day], months, [player(day, 12)]);
    expect(row).toMatchObject({ training_first_month: '2023-01', training_last_month: '2023-12', training_rows: 2500 });
    // The penalty of 50 rows draws it a little to the mean.
    expect(Number(row?.['regression_points'])).toBeGreaterThan(12.5);
    expect(Number(row?.['regression_points'])).toBeLessThan(13.1);
    const [next] = await predictions(['2024-02-02'], months, [player('2024-02-02', 12)]);
    expect(Number(next?.['regression_points'])).toBeGreaterThan(90);
  });

  test('without enough rows, or without a feature, it says nothing', async () => {
    const [few] = await predictions([day], [monthOf('2023-12', good.slice(0, 1999))], [player(day, 12)]);
    expect(few).toMatchObject({ regression_points: null, training_rows: null, training_last_month: null });
    const [lacking] = await predictions([day], [monthOf('2023-12', good)], [player(day, null)]);
    expect(lacking).toMatchObject({ regression_points: null, training_rows: 2500 });
  });

  test('only the dates that were asked for are answered', async () => {
    const rows = await predictions([day, '2024-01-12'], [monthOf('2023-12', good)], [player(day, 1), player('2024-01-11', 1), player('2024-01-12', 1)]);
    expect(rows.map((row) => row['game_date'])).toEqual([day, '2024-01-12']);
  });

  test('months are counted back over the year', () => {
    expect([monthBefore('2024-01', 1), monthBefore('2024-01', 12), monthBefore('2024-12', 11)]).toEqual(['2023-12', '2023-01', '2024-01']);
  });
});

describe('predictions', () => {
  let connection: DuckDBConnection;
  let rows: Row[];
  const estimates = (date: string, id: string, average: number | null, zone: number | null, similar: number | null): Row => ({
    ...names,
    game_date: date,
    universal_player_id: id,
    moving_average_points: average,
    zone_matchup_points: zone,
    similarity_points: similar,
  });

  beforeAll(async () => {
    connection = await openSmallTables();
    const feature = { game_date: day, f_points_std_last_10: 6, feature_quality_score: 97, is_quality_ready: true };
    await fillTable(
      connection,
      'nba_predictions.ml_feature_store_v2',
      {
        game_date: 'DATE',
        universal_player_id: 'VARCHAR',
        ...doubles('f_points_std_last_10', 'f_points_line', 'feature_quality_score'),
        points_line_is_timed: 'BOOLEAN',
        is_quality_ready: 'BOOLEAN',
      },
      [
        { ...feature, universal_player_id: 'star', f_points_line: 20.5, points_line_is_timed: false },
        { ...feature, universal_player_id: 'even', f_points_line: 10.5, points_line_is_timed: true },
        { ...feature, universal_player_id: 'thin', f_points_line: 5.5, points_line_is_timed: false, is_quality_ready: false },
        { ...feature, universal_player_id: 'unpriced' },
        { ...feature, universal_player_id: 'hurt', f_points_line: 20.5, points_line_is_timed: true },
        { ...feature, universal_player_id: 'doubtful', f_points_line: 20.5, points_line_is_timed: true },
      ],
    );
    await fillTable(
      connection,
      'nba_analytics.upcoming_player_game_context',
      { game_date: 'DATE', universal_player_id: 'VARCHAR', points_line_bookmaker: 'VARCHAR', player_status: 'VARCHAR' },
      [
        ...['star', 'even', 'thin'].map((id) => ({ game_date: day, universal_player_id: id, points_line_bookmaker: 'underdog' })),
        { game_date: day, universal_player_id: 'hurt', points_line_bookmaker: 'underdog', player_status: 'out' },
        { game_date: day, universal_player_id: 'doubtful', points_line_bookmaker: 'underdog', player_status: 'questionable' },
      ],
    );
    await fillTable(
      connection,
      'nba_predictions.points_estimates',
      { ...nameShape, ...doubles('moving_average_points', 'zone_matchup_points', 'similarity_points') },
      [
        estimates('2023-12-10', 'star', 90, 90, 90),
        estimates('2024-01-09', 'star', 20, 21, 18),
        // Not all systems have one of him: not compared.
        estimates('2024-01-09', 'thin', 60, null, 60),
        estimates(day, 'star', 20, 22, 21),
        estimates(day, 'even', 10, 10.4, 11),
        estimates(day, 'thin', 9, null, null),
        estimates(day, 'unpriced', 8, 9, null),
        ...['hurt', 'doubtful'].map((id) => estimates(day, id, 30, 30, 30)),
      ],
    );
    await fillTable(connection, 'nba_predictions.regression_estimates', { game_date: 'DATE', universal_player_id: 'VARCHAR', regression_points: 'DOUBLE' }, [
      { game_date: '2023-12-10', universal_player_id: 'star', regression_points: 1 },
      { game_date: '2024-01-09', universal_player_id: 'star', regression_points: 24 },
      { game_date: day, universal_player_id: 'star', regression_points: 24 },
      { game_date: day, universal_player_id: 'even', regression_points: null },
    ]);
    await fillTable(connection, 'nba_analytics.player_game_summary', gameShape, [
      played('2023-12-10', 'star', 1),
      played('2024-01-09', 'star', 22),
      played('2024-01-09', 'thin', 1),
      played(day, 'star', 90),
    ]);
    rows = await runProcessor(connection, 'player_prop_predictions', today);
  });
  afterAll(() => connection.closeSync());

  test('the ensemble weighs each system by its squared errors of the 30 days before the date', () => {
    // Errors of the day before: -2, -1, -4, 2. Their inverse squares: 1/4, 1, 1/16, 1/4, together 1.5625.
    const weight = (system: string): number => Number(where(rows, { universal_player_id: 'star', system_id: system })['ensemble_weight']);
    expect(weight('moving_average')).toBeCloseTo(0.16, 9);
    expect(weight('zone_matchup')).toBeCloseTo(0.64, 9);
    expect(weight('similarity')).toBeCloseTo(0.04, 9);
    expect(weight('regression')).toBeCloseTo(0.16, 9);
    const ensemble = where(rows, { universal_player_id: 'star', system_id: 'ensemble' });
    expect(Number(ensemble['predicted_points'])).toBeCloseTo(0.16 * 20 + 0.64 * 22 + 0.04 * 21 + 0.16 * 24, 9);
    expect(ensemble).toMatchObject({ systems_count: '4', trailing_players: '1', as_of_date: '2024-01-09', line_bookmaker: 'underdog', line_is_timed: false });
  });

  test('how far it may be off comes from him and from the system, and the odds against the line from that', () => {
    const row = where(rows, { universal_player_id: 'star', system_id: 'ensemble' });
    const variance = 0.5 * 36 + 0.5 * ((4 + 1 + 16 + 4) / 4 / 20) * 21.96;
    expect(Number(row['predicted_deviation'])).toBeCloseTo(Math.sqrt(variance), 9);
    const over = 1 / (1 + Math.exp((-1.702 * 1.46) / Math.sqrt(variance)));
    expect(Number(row['over_probability'])).toBeCloseTo(over, 9);
    expect(Number(row['confidence_score'])).toBeCloseTo(2 / (1 + Math.exp((-1.702 * 5) / Math.sqrt(variance))) - 1, 9);
    expect(row).toMatchObject({ recommendation: 'OVER' });
    expect(Number(row['line_margin'])).toBeCloseTo(1.46, 9);
    expect(where(rows, { universal_player_id: 'star', system_id: 'moving_average' })).toMatchObject({ recommendation: 'PASS' });
  });

  test('no line, no edge or thin features make no pick', () => {
    expect(where(rows, { universal_player_id: 'unpriced', system_id: 'ensemble' })).toMatchObject({
      recommendation: 'NO_LINE',
      current_points_line: null,
      line_margin: null,
      over_probability: null,
    });
    expect(where(rows, { universal_player_id: 'even', system_id: 'ensemble' })).toMatchObject({ recommendation: 'PASS', pass_reason: 'close_to_the_line' });
    expect(where(rows, { universal_player_id: 'thin', system_id: 'moving_average' })).toMatchObject({
      recommendation: 'PASS',
      pass_reason: 'features_not_ready',
      ensemble_weight: null,
    });
  });

  test('who is reported out before the game is no pick, however far the estimate is from the line; who is questionable may be', () => {
    const picks = (id: string): Row[] => rows.filter((row) => row['universal_player_id'] === id);
    expect(picks('hurt').map((row) => [row['recommendation'], row['pass_reason']])).toEqual(picks('hurt').map(() => ['PASS', 'reported_out']));
    expect(picks('hurt').length).toBeGreaterThan(3);
    expect(Number(picks('hurt')[0]?.['over_probability'])).toBeGreaterThan(0.55);
    expect(picks('doubtful').map((row) => [row['recommendation'], row['pass_reason']])).toEqual(picks('doubtful').map(() => ['OVER', null]));
  });

  test('a system without an estimate has no row, and one system is no ensemble', () => {
    const systems = (id: string): string[] =>
      rows
        .filter((row) => row['universal_player_id'] === id)
        .map((row) => String(row['system_id']))
        .sort();
    expect(systems('star')).toEqual(['ensemble', 'moving_average', 'regression', 'similarity', 'zone_matchup']);
    expect(systems('even')).toEqual(['ensemble', 'moving_average', 'similarity', 'zone_matchup']);
    expect(systems('thin')).toEqual(['moving_average']);
  });

  test('a wide range, in which the results of the date can be read, gives the same rows of it', async () => {
    const wide = await runProcessor(connection, 'player_prop_predictions', ['2024-01-09', '2024-01-11']);
    expect(byPlayer(wide.filter((row) => row['game_date'] === day))).toEqual(byPlayer(rows));
  });
});

describe('grading', () => {
  let connection: DuckDBConnection;
  let rows: Row[];
  const staged = 'SELECT * FROM nba_predictions.prediction_accuracy';

  beforeAll(async () => {
    connection = await openSmallTables();
    const prediction = (id: string, predicted: number, line: number | null, recommendation: string, more: Row = {}): Row => ({
      ...names,
      game_date: day,
      universal_player_id: id,
      system_id: 'ensemble',
      predicted_points: predicted,
      current_points_line: line,
      line_margin: line === null ? null : predicted - line,
      recommendation,
      is_quality_ready: true,
      confidence_score: 0.6,
      line_is_timed: line === null ? null : false,
      ...more,
    });
    await fillTable(
      connection,
      'nba_predictions.player_prop_predictions',
      {
        ...nameShape,
        system_id: 'VARCHAR',
        recommendation: 'VARCHAR',
        is_quality_ready: 'BOOLEAN',
        line_is_timed: 'BOOLEAN',
        ...doubles('predicted_points', 'confidence_score', 'current_points_line', 'line_margin'),
      },
      [
        prediction('over won', 23, 20.5, 'OVER'),
        prediction('under lost', 18, 20.5, 'UNDER'),
        prediction('push', 23, 21, 'OVER'),
        prediction('passed', 21, 20.5, 'PASS'),
        prediction('unpriced', 21, null, 'NO_LINE'),
        prediction('rested', 21, 20.5, 'OVER'),
        prediction('hurt', 21, 20.5, 'OVER'),
        prediction('seconds', 21, 20.5, 'OVER'),
        prediction('no book', 21, 20.5, 'OVER', { game_id: '20240110_LAL_PHI' }),
        prediction('put off', 21, 20.5, 'OVER', { game_id: '20240110_UTA_GSW' }),
      ],
    );
    await fillTable(connection, 'nba_predictions.ml_feature_store_v2', { game_date: 'DATE', universal_player_id: 'VARCHAR', f_points_avg_last_10: 'DOUBLE' }, [
      { game_date: day, universal_player_id: 'over won', f_points_avg_last_10: 30 },
    ]);
    await fillTable(connection, 'nba_analytics.player_game_summary', gameShape, [
      ...['over won', 'under lost', 'push', 'passed', 'unpriced'].map((id) => played(day, id, 21)),
      played(day, 'seconds', 0, 0),
      { ...played(day, 'hurt', 0), points: null, minutes_played: null, player_status: 'inactive', dnp_reason: 'Ankle' },
    ]);
    await fillTable(connection, 'nba_raw.nbac_schedule', { game_date: 'DATE', game_id: 'VARCHAR', game_status: 'BIGINT', season_type: 'VARCHAR' }, [
      { game_date: day, game_id: names.game_id, game_status: 3, season_type: 'regular' },
      { game_date: day, game_id: '20240110_LAL_PHI', game_status: 3, season_type: 'playin' },
      { game_date: day, game_id: '20240110_UTA_GSW', game_status: 1, season_type: 'regular' },
    ]);
    rows = await runProcessor(connection, 'prediction_accuracy', today);
  });
  afterAll(() => connection.closeSync());

  test('picks win, lose or push; others are graded without a result', () => {
    const result = (id: string): unknown => where(rows, { universal_player_id: id })['recommendation_result'];
    expect(['over won', 'under lost', 'push', 'passed', 'unpriced'].map(result)).toEqual(['WON', 'LOST', 'PUSH', null, null]);
    expect(where(rows, { universal_player_id: 'over won' })).toMatchObject({
      actual_points: '21',
      error: 2,
      abs_error: 2,
      is_within_five: true,
      naive_points: 30,
      naive_abs_error: 9,
    });
    expect(where(rows, { universal_player_id: 'passed' })).toMatchObject({ is_graded: true, line_result: 'OVER' });
  });

  test('who was not graded is listed with the reason', () => {
    const reason = (id: string): unknown => where(rows, { universal_player_id: id })['not_graded_reason'];
    expect(rows).toHaveLength(10);
    expect(reason('put off')).toBe('not_played');
    expect(['rested', 'hurt', 'seconds', 'no book', 'push'].map(reason)).toEqual(['did_not_play', 'did_not_play', 'under_half_a_minute', 'no_box_score', null]);
    expect(where(rows, { universal_player_id: 'hurt' })).toMatchObject({
      player_status: 'inactive',
      dnp_reason: 'Ankle',
      actual_team_abbr: null,
      actual_points: null,
    });
    expect(where(rows, { universal_player_id: 'seconds' })).toMatchObject({ is_graded: false, actual_points: null, error: null, recommendation_result: null });
  });

  test('the checks pass on these rows and fail on damaged ones', async () => {
    await storeProcessor(connection, 'prediction_accuracy', 'nba_predictions.prediction_accuracy', today);
    expect(await offendingRows(connection, 'graded_or_a_reason', staged, today)).toEqual([]);
    await connection.run("UPDATE nba_predictions.prediction_accuracy SET recommendation_result = 'WON' WHERE universal_player_id = 'push'");
    await connection.run("UPDATE nba_predictions.prediction_accuracy SET error = 0 WHERE universal_player_id = 'over won'");
    await connection.run("UPDATE nba_predictions.prediction_accuracy SET not_graded_reason = NULL WHERE universal_player_id = 'rested'");
    expect(await offendingRows(connection, 'graded_or_a_reason', staged, today)).toHaveLength(3);
    // The game is over, and no player of it was graded in the system that has everybody.
    expect(await offendingRows(connection, 'games_are_graded', staged, today)).toEqual([{ date: day, game_id: names.game_id, graded: '0' }]);
  });
});

describe('checks of predictions', () => {
  let connection: DuckDBConnection;
  beforeAll(async () => {
    connection = await openSmallTables();
  });
  afterAll(() => connection.closeSync());
  const prediction = (more: string): string =>
    `SELECT DATE '${day}' AS game_date, 'p' AS universal_player_id, 'ensemble' AS system_id, 22.0 AS predicted_points, 20.5 AS current_points_line, 1.5 AS line_margin,
     0.6 AS over_probability, 'OVER' AS recommendation, CAST(NULL AS STRING) AS pass_reason, TRUE AS is_quality_ready, FALSE AS line_is_timed, 'underdog' AS line_bookmaker ${more}`;

  test.each([
    ["'UNDER' AS recommendation", "'OVER' AS recommendation"],
    ["'NO_LINE' AS recommendation", "'OVER' AS recommendation"],
    ["'reported_out' AS pass_reason", 'CAST(NULL AS STRING) AS pass_reason'],
    ['2.5 AS line_margin', '1.5 AS line_margin'],
    ['FALSE AS is_quality_ready', 'TRUE AS is_quality_ready'],
    ['0.52 AS over_probability', '0.6 AS over_probability'],
    ['CAST(NULL AS STRING) AS line_bookmaker', "'underdog' AS line_bookmaker"],
  ])('%s is noticed', async (damaged, whole) => {
    const good = prediction('');
    expect(await offendingRows(connection, 'recommendations_follow', good, today)).toEqual([]);
    expect(await offendingRows(connection, 'recommendations_follow', good.replace(whole, damaged), today)).toHaveLength(1);
  });

  test('a pick on somebody who was reported out before the game is noticed; a report of after its start is none', async () => {
    const report = (minutes: number): Promise<void> =>
      fillTable(
        connection,
        'nba_raw.nbac_injury_report',
        { game_date: 'DATE', universal_player_id: 'VARCHAR', report_status: 'VARCHAR', minutes_before_tipoff: 'BIGINT' },
        [{ game_date: day, universal_player_id: 'p', report_status: 'out', minutes_before_tipoff: minutes }],
      );
    await report(30);
    expect(await offendingRows(connection, 'nobody_is_picked_who_is_out', prediction(''), today)).toHaveLength(1);
    await report(-30);
    expect(await offendingRows(connection, 'nobody_is_picked_who_is_out', prediction(''), today)).toEqual([]);
  });

  test('one line for everybody is a placeholder', async () => {
    const lines = (line: string): string =>
      `SELECT DATE '${day}' AS game_date, CAST(n AS STRING) AS universal_player_id, ${line} AS current_points_line FROM UNNEST(GENERATE_ARRAY(1, 25)) AS n`;
    expect(await offendingRows(connection, 'no_placeholder_lines', lines('n / 2'), today)).toEqual([]);
    expect(await offendingRows(connection, 'no_placeholder_lines', lines('20.0'), today)).toHaveLength(1);
  });

  test('an ensemble outside of its systems is noticed', async () => {
    const systems = (ensemble: string): string =>
      `SELECT DATE '${day}' AS game_date, 'p' AS universal_player_id, s.system_id, s.points AS predicted_points, s.weight AS ensemble_weight, IF(s.system_id = 'ensemble', 2, 1) AS systems_count
       FROM UNNEST([STRUCT('moving_average' AS system_id, 20.0 AS points, 0.5 AS weight), STRUCT('similarity' AS system_id, 24.0 AS points, 0.5 AS weight), STRUCT('ensemble' AS system_id, ${ensemble} AS points, CAST(NULL AS FLOAT64) AS weight)]) AS s`;
    expect(await offendingRows(connection, 'ensembles_lie_between', systems('22.0'), today)).toEqual([]);
    expect(await offendingRows(connection, 'ensembles_lie_between', systems('24.5'), today)).toHaveLength(1);
  });

  test('estimates that are all alike are noticed', async () => {
    const same = `SELECT DATE '${day}' AS game_date, CAST(n AS FLOAT64) AS moving_average_points, 12.0 AS zone_matchup_points, CAST(NULL AS FLOAT64) AS similarity_points FROM UNNEST(GENERATE_ARRAY(1, 50)) AS n`;
    expect((await offendingRows(connection, 'estimates_vary', same, today)).map((row) => row['system_id'])).toEqual(['zone_matchup']);
  });
});
