import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Range, Row } from './nba.fixture.ts';
import { fillTable, offendingRows, openSmallTables, runProcessor, storeProcessor, type Shape } from './small-tables.fixture.ts';

const day = '2024-01-10';
const today: Range = [day, day];
const by = (rows: readonly Row[], id: string): Row => rows.find((row) => row['universal_player_id'] === id) ?? {};

const contextShape: Shape = {
  game_date: 'DATE',
  game_id: 'VARCHAR',
  nba_game_id: 'VARCHAR',
  season_year: 'BIGINT',
  season_type: 'VARCHAR',
  universal_player_id: 'VARCHAR',
  player_lookup: 'VARCHAR',
  team_abbr: 'VARCHAR',
  opponent_team_abbr: 'VARCHAR',
  home_game: 'BOOLEAN',
  days_rest: 'BIGINT',
  back_to_back: 'BOOLEAN',
  games_in_last_7_days: 'BIGINT',
  minutes_in_last_7_days: 'DOUBLE',
  avg_minutes_per_game_last_7: 'DOUBLE',
  back_to_backs_last_14_days: 'BIGINT',
  player_age: 'BIGINT',
  pace_differential: 'DOUBLE',
  opponent_pace_last_10: 'DOUBLE',
  projected_usage_rate: 'DOUBLE',
  avg_usage_rate_last_7_games: 'DOUBLE',
  star_teammates_out: 'BIGINT',
  current_points_line: 'DOUBLE',
  points_line_is_timed: 'BOOLEAN',
  game_total: 'DOUBLE',
  game_spread: 'DOUBLE',
  game_lines_are_timed: 'BOOLEAN',
};
const context = {
  game_date: day,
  game_id: '20240110_BOS_DAL',
  nba_game_id: '0022300500',
  season_year: 2023,
  season_type: 'regular',
  player_lookup: 'somebody',
  team_abbr: 'DAL',
  opponent_team_abbr: 'BOS',
  home_game: true,
  days_rest: 1,
  back_to_back: false,
  games_in_last_7_days: 3,
  minutes_in_last_7_days: 90,
  avg_minutes_per_game_last_7: 30,
  back_to_backs_last_14_days: 0,
  pace_differential: 3,
  opponent_pace_last_10: 101,
  projected_usage_rate: 30,
  avg_usage_rate_last_7_games: 25,
};
const teamShape: Shape = {
  game_date: 'DATE',
  team_abbr: 'VARCHAR',
  game_id: 'VARCHAR',
  game_number_in_season: 'BIGINT',
  team_days_rest: 'BIGINT',
  travel_miles: 'DOUBLE',
};
const team = { game_date: day, team_abbr: 'DAL', game_id: '20240110_BOS_DAL', game_number_in_season: 36, team_days_rest: 1, travel_miles: 0 };
const zoneShape: Shape = {
  game_date: 'DATE',
  universal_player_id: 'VARCHAR',
  primary_scoring_zone: 'VARCHAR',
  paint_rate_last_10: 'DOUBLE',
  mid_range_rate_last_10: 'DOUBLE',
  three_pt_rate_last_10: 'DOUBLE',
  assisted_rate_last_10: 'DOUBLE',
};
const defenceShape: Shape = {
  game_date: 'DATE',
  team_abbr: 'VARCHAR',
  paint_pct_allowed_last_15: 'DOUBLE',
  mid_range_pct_allowed_last_15: 'DOUBLE',
  three_pt_pct_allowed_last_15: 'DOUBLE',
  defensive_rating_last_15: 'DOUBLE',
  opponent_points_per_game: 'DOUBLE',
  games_in_sample: 'BIGINT',
};
/** Boston and nine teams that are all alike. */
const defences = (teams = 10): Row[] =>
  Array.from({ length: teams }, (_, i) => ({
    game_date: day,
    team_abbr: i === 0 ? 'BOS' : `T${i}`,
    paint_pct_allowed_last_15: i === 0 ? 0.55 : 0.5,
    mid_range_pct_allowed_last_15: 0.4,
    three_pt_pct_allowed_last_15: i === 0 ? 0.3 : 0.4,
    defensive_rating_last_15: i === 0 ? 105 : 110,
    opponent_points_per_game: i === 0 ? 108 : 113,
    games_in_sample: 15,
  }));

describe('composite factors', () => {
  let connection: DuckDBConnection;
  const compute = async (players: readonly Row[], teams = 10): Promise<Row[]> => {
    await fillTable(
      connection,
      'nba_analytics.upcoming_player_game_context',
      contextShape,
      players.map((player) => ({ ...context, ...player })),
    );
    await fillTable(connection, 'nba_precompute.team_defense_zone_analysis', defenceShape, defences(teams));
    return runProcessor(connection, 'player_composite_factors', today);
  };

  beforeAll(async () => {
    connection = await openSmallTables();
    await fillTable(connection, 'nba_analytics.upcoming_team_game_context', teamShape, [team]);
    await fillTable(connection, 'nba_precompute.player_shot_zone_analysis', zoneShape, [
      {
        game_date: day,
        universal_player_id: 'inside',
        primary_scoring_zone: 'paint',
        paint_rate_last_10: 40,
        mid_range_rate_last_10: 30,
        three_pt_rate_last_10: 30,
      },
      {
        game_date: day,
        universal_player_id: 'shooter',
        primary_scoring_zone: 'perimeter',
        paint_rate_last_10: 20,
        mid_range_rate_last_10: 20,
        three_pt_rate_last_10: 60,
      },
      {
        game_date: day,
        universal_player_id: 'balanced',
        primary_scoring_zone: 'balanced',
        paint_rate_last_10: 35,
        mid_range_rate_last_10: 30,
        three_pt_rate_last_10: 35,
      },
    ]);
  });
  afterAll(() => connection.closeSync());

  test('tiredness takes off its documented points, and more age takes off more', async () => {
    const tired = { days_rest: 0, back_to_back: true, games_in_last_7_days: 4, minutes_in_last_7_days: 245, avg_minutes_per_game_last_7: 36 };
    const rows = await compute([
      { universal_player_id: 'inside' },
      { universal_player_id: 'rested', days_rest: 3, games_in_last_7_days: 1 },
      { universal_player_id: 'tired', ...tired, back_to_backs_last_14_days: 1 },
      { universal_player_id: 'very tired', ...tired, back_to_backs_last_14_days: 2 },
      { universal_player_id: 'thirty', player_age: 30 },
      { universal_player_id: 'old', player_age: 35 },
      { universal_player_id: 'away', avg_minutes_per_game_last_7: null, minutes_in_last_7_days: 0, games_in_last_7_days: 0, days_rest: 12 },
    ]);
    const scores = Object.fromEntries(rows.map((row) => [String(row['universal_player_id']), Number(row['fatigue_score'])]));
    // 100 - 15 - 10 - 10 - 8 - 5 = 52, and 45 with -12 for the second back-to-back; rest can't make more than 100.
    expect(scores).toEqual({ inside: 100, rested: 100, tired: 52, 'very tired': 45, thirty: 95, old: 90, away: 100 });
    expect(by(rows, 'tired')).toMatchObject({ fatigue_adjustment: -2.4, fatigue_age_points: null });
    expect(by(rows, 'thirty')).toMatchObject({ fatigue_age_points: '-5' });
  });

  test('the matchup is the zone in which he shoots, against a league of the same date', async () => {
    const rows = await compute([{ universal_player_id: 'inside' }, { universal_player_id: 'shooter' }, { universal_player_id: 'balanced' }]);
    // Boston allows 55 % inside where the ten allow 50.5 % on average, and 30 % of threes where they allow 39 %.
    const score = (id: string): number => Number(by(rows, id)['shot_zone_mismatch_score']);
    expect(score('inside')).toBeCloseTo(4.5 * 0.8, 9);
    // -9 * 1 * 1.2 is held at -10.
    expect(score('shooter')).toBe(-10);
    expect(score('balanced')).toBeCloseTo((4.5 * 35 - 9 * 35) / 100, 9);
  });

  test('pace, usage and strength of the opponent follow their formulas, and the total is their sum', async () => {
    const rows = await compute([
      { universal_player_id: 'inside' },
      { universal_player_id: 'shooter', star_teammates_out: 1, pace_differential: -9 },
      { universal_player_id: 'balanced', star_teammates_out: 2, projected_usage_rate: 20 },
    ]);
    const inside = by(rows, 'inside');
    expect(inside).toMatchObject({ pace_score: 1.5, usage_spike_score: 1.5, data_completeness_pct: '100' });
    // The mean of the ten ratings is 109.5: Boston is 4.5 better.
    expect(Number(inside['opponent_strength_score'])).toBeCloseTo(72.5, 9);
    expect(Number(inside['opponent_strength_adjustment'])).toBeCloseTo(-2.25, 9);
    expect(Number(inside['total_composite_adjustment'])).toBeCloseTo(0 + 3.6 + 1.5 + 1.5 - 2.25, 9);
    expect(by(rows, 'shooter')).toMatchObject({ pace_score: -3 });
    expect(Number(by(rows, 'shooter')['usage_spike_score'])).toBeCloseTo(1.5 * 1.15, 9);
    expect(Number(by(rows, 'balanced')['usage_spike_score'])).toBeCloseTo(-1.5 * 1.3, 9);
  });

  test('what is missing is NULL and counted, never 0', async () => {
    const rows = await compute([
      { universal_player_id: 'unknown shooter', avg_usage_rate_last_7_games: null },
      { universal_player_id: 'inside', opponent_team_abbr: 'XXX' },
    ]);
    expect(by(rows, 'unknown shooter')).toMatchObject({
      shot_zone_mismatch_score: null,
      usage_spike_score: null,
      total_composite_adjustment: null,
      data_completeness_pct: '60',
      has_shot_zones: false,
      has_opponent_zones: true,
    });
    expect(by(rows, 'inside')).toMatchObject({ opponent_strength_score: null, opponent_strength_adjustment: null, has_opponent_zones: false });
  });

  test('nine teams are no league', async () => {
    const rows = await compute([{ universal_player_id: 'inside' }], 9);
    expect(by(rows, 'inside')).toMatchObject({ shot_zone_mismatch_score: null, opponent_strength_score: null, has_opponent_zones: false });
  });

  test('a score that is the same for 50 players is noticed; after a week without a game all are fresh', async () => {
    await fillTable(connection, 'nba_raw.nbac_gamebook_player_stats', { game_date: 'DATE' }, []);
    const scores = (
      strength: string,
      fatigue = 'n',
    ): string => `SELECT DATE '${day}' AS game_date, CAST(n AS FLOAT64) AS shot_zone_mismatch_score, CAST(NULL AS FLOAT64) AS pace_score,
      n / 2 AS usage_spike_score, ${strength} AS opponent_strength_score, n / 3 AS total_composite_adjustment, 30 AS team_game_number, ${fatigue} AS fatigue_score FROM UNNEST(GENERATE_ARRAY(1, 60)) AS n`;
    expect(await offendingRows(connection, 'factors_vary', scores('n / 4'), today)).toEqual([]);
    expect(await offendingRows(connection, 'factors_vary', scores('0.0'), today)).toEqual([
      { date: day, factor: 'opponent_strength_score', players: '60', value: 0 },
    ]);
    expect(await offendingRows(connection, 'factors_vary', scores('n / 4', '100'), today)).toEqual([]);
    await fillTable(connection, 'nba_raw.nbac_gamebook_player_stats', { game_date: 'DATE' }, [{ game_date: '2024-01-09' }]);
    expect(await offendingRows(connection, 'factors_vary', scores('n / 4', '100'), today)).toEqual([
      { date: day, factor: 'fatigue_score', players: '60', value: 100 },
    ]);
  });
});

describe('the feature store', () => {
  let connection: DuckDBConnection;
  const cacheShape: Shape = Object.fromEntries([
    ['game_date', 'DATE'],
    ['universal_player_id', 'VARCHAR'],
    ['games_played_season', 'BIGINT'],
    ...['points_avg_last_5', 'points_avg_last_10', 'points_avg_season', 'points_std_last_10', 'minutes_avg_last_10', 'usage_rate_last_10'].map((name) => [
      name,
      'DOUBLE',
    ]),
    ...['ts_pct_last_10', 'team_pace_last_10', 'team_off_rating_last_10'].map((name) => [name, 'DOUBLE']),
  ]) as Shape;
  const cache = {
    game_date: day,
    universal_player_id: 'known',
    games_played_season: 30,
    points_avg_last_5: 26,
    points_avg_last_10: 24,
    points_avg_season: 22,
    points_std_last_10: 6,
    minutes_avg_last_10: 32,
    usage_rate_last_10: 28,
    ts_pct_last_10: 0.6,
    team_pace_last_10: 99,
    team_off_rating_last_10: 116,
  };
  const factorShape: Shape = {
    game_date: 'DATE',
    universal_player_id: 'VARCHAR',
    fatigue_score: 'BIGINT',
    shot_zone_mismatch_score: 'DOUBLE',
    pace_score: 'DOUBLE',
    usage_spike_score: 'DOUBLE',
    opponent_strength_score: 'DOUBLE',
  };
  const factors = { game_date: day, fatigue_score: 90, shot_zone_mismatch_score: 3.6, pace_score: 1.5, usage_spike_score: 1.5, opponent_strength_score: 72.5 };
  const gameShape: Shape = {
    game_date: 'DATE',
    universal_player_id: 'VARCHAR',
    season_year: 'BIGINT',
    opponent_team_abbr: 'VARCHAR',
    points: 'BIGINT',
    minutes_played: 'DOUBLE',
  };
  const game = (date: string, points: number, more: Row = {}): Row => ({
    game_date: date,
    universal_player_id: 'known',
    season_year: 2023,
    opponent_team_abbr: 'MIA',
    points,
    minutes_played: 30,
    ...more,
  });
  let rows: Row[];

  beforeAll(async () => {
    connection = await openSmallTables();
    await fillTable(connection, 'nba_analytics.upcoming_player_game_context', contextShape, [
      {
        ...context,
        universal_player_id: 'known',
        current_points_line: 23.5,
        points_line_is_timed: false,
        game_total: 230,
        game_spread: -4,
        game_lines_are_timed: true,
      },
      { ...context, universal_player_id: 'newcomer' },
    ]);
    await fillTable(connection, 'nba_analytics.upcoming_team_game_context', teamShape, [team]);
    await fillTable(connection, 'nba_precompute.player_daily_cache', cacheShape, [cache]);
    await fillTable(connection, 'nba_precompute.player_composite_factors', factorShape, [
      { ...factors, universal_player_id: 'known' },
      { ...factors, universal_player_id: 'newcomer', shot_zone_mismatch_score: null },
    ]);
    await fillTable(connection, 'nba_precompute.player_shot_zone_analysis', zoneShape, [
      {
        game_date: day,
        universal_player_id: 'known',
        primary_scoring_zone: 'paint',
        paint_rate_last_10: 40,
        mid_range_rate_last_10: 30,
        three_pt_rate_last_10: 30,
        assisted_rate_last_10: 50,
      },
    ]);
    await fillTable(connection, 'nba_precompute.team_defense_zone_analysis', defenceShape, defences());
    await fillTable(connection, 'nba_analytics.player_game_summary', gameShape, [
      game('2023-04-09', 50, { season_year: 2022, opponent_team_abbr: 'BOS' }),
      ...Array.from({ length: 11 }, (_, i) => game(`2023-12-${String(i + 10)}`, 20)),
      game('2023-12-25', 0, { minutes_played: 0, opponent_team_abbr: 'BOS' }),
      game('2023-12-28', 30, { opponent_team_abbr: 'BOS' }),
      game('2024-01-02', 10, { opponent_team_abbr: 'BOS' }),
      // The date itself and the day after: never to be seen.
      game(day, 70, { opponent_team_abbr: 'BOS' }),
      game('2024-01-12', 71, { opponent_team_abbr: 'BOS' }),
    ]);
    rows = await runProcessor(connection, 'ml_feature_store_v2', today);
  });
  afterAll(() => connection.closeSync());

  test('features are what their tables say, and the lists hold those that are there in the same order', () => {
    const known = by(rows, 'known');
    expect(known).toMatchObject({
      f_points_avg_last_5: 26,
      f_points_per_minute_last_10: 0.75,
      f_points_trend: 4,
      f_back_to_back: 0,
      f_home_game: 1,
      f_fatigue_score: 90,
    });
    // (230 + 4) / 2: Dallas is favoured by 4.
    expect(known).toMatchObject({ f_points_line: 23.5, points_line_is_timed: false, f_implied_team_points: 117, f_player_age: null });
    const names = known['feature_names'] as string[];
    const columns = Object.keys(known).filter((name) => name.startsWith('f_'));
    expect(columns).toHaveLength(37);
    expect(names).toEqual(columns.filter((name) => known[name] !== null));
    expect(known['features']).toEqual(names.map((name) => known[name]));
    expect(known).toMatchObject({ feature_count: '36', missing_feature_count: '1', feature_version: 'v1_37features' });
  });

  test('the last ten games are those of the season before the date in which he played', () => {
    const known = by(rows, 'known');
    expect(known['contributing_game_dates']).toEqual([...Array.from({ length: 8 }, (_, i) => `2023-12-${String(i + 13)}`), '2023-12-28', '2024-01-02']);
    expect(known).toMatchObject({ games_found: '10', games_expected: '10', is_history_complete: true, f_games_vs_opponent: 2, f_points_vs_opponent: 20 });
    expect(by(rows, 'newcomer')).toMatchObject({
      games_found: '0',
      games_expected: '10',
      is_history_complete: false,
      contributing_game_dates: [],
      f_games_vs_opponent: 0,
      f_points_vs_opponent: null,
    });
  });

  test('a wide range, in which the game of the date can be read, gives the same rows of it', async () => {
    const wide = await runProcessor(connection, 'ml_feature_store_v2', ['2024-01-01', '2024-01-12']);
    expect(wide.map((row) => JSON.stringify(row)).sort()).toEqual(rows.map((row) => JSON.stringify(row)).sort());
  });

  test('the score is the mean weight of what is there, held down by what is missing', () => {
    // 36 features: one of 95 (points a minute), two of 90 (against this opponent), six of phase 3 with 87, the others 100.
    const known = by(rows, 'known');
    expect(Number(known['feature_quality_score'])).toBeCloseTo((100 * 27 + 95 + 2 * 90 + 6 * 87) / 36, 9);
    expect(known).toMatchObject({
      required_missing_count: '0',
      quality_tier: 'gold',
      is_quality_ready: true,
      market_quality_pct: 100,
      matchup_quality_pct: 100,
    });
    const newcomer = by(rows, 'newcomer');
    // Nine of form without the optional one, the mismatch, three zones, two of his team.
    expect(newcomer).toMatchObject({
      required_missing_count: '15',
      quality_tier: 'critical',
      is_quality_ready: false,
      form_quality_pct: 0,
      f_points_avg_season: null,
      has_daily_cache: false,
    });
    expect(Number(newcomer['feature_quality_score'])).toBeLessThanOrEqual(49);
  });

  test('the checks pass on these rows and fail on damaged ones', async () => {
    await storeProcessor(connection, 'ml_feature_store_v2', 'nba_predictions.ml_feature_store_v2', today);
    const staged = 'SELECT * FROM nba_predictions.ml_feature_store_v2';
    for (const check of ['lists_hold_the_features', 'quality_follows_from_features', 'features_vary']) {
      expect(await offendingRows(connection, check, staged, today), check).toEqual([]);
    }
    await connection.run("UPDATE nba_predictions.ml_feature_store_v2 SET is_quality_ready = TRUE WHERE universal_player_id = 'newcomer'");
    expect(await offendingRows(connection, 'quality_follows_from_features', staged, today)).toHaveLength(1);
    await connection.run('UPDATE nba_predictions.ml_feature_store_v2 SET features = features[1:3]');
    expect(await offendingRows(connection, 'lists_hold_the_features', staged, today)).toHaveLength(2);
    const many = `SELECT f.* FROM nba_predictions.ml_feature_store_v2 AS f CROSS JOIN UNNEST(GENERATE_ARRAY(1, 50)) AS n WHERE f.universal_player_id = 'known'`;
    const constant = await offendingRows(connection, 'features_vary', many, today);
    expect(constant.map(({ feature }) => feature)).toContain('f_points_line');
    expect(constant.map(({ feature }) => feature)).not.toContain('f_player_age');
  });
});
