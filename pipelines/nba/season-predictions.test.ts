// Factors, features, predictions and their grading over four months of real games: the checks hold and notice damage, a wide range
// is its dates, a column is what a plain query over the box scores says, and the figures are no worse than the plainest guess.
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Processor } from '@floodgate/core/domain/pipeline.ts';
import { computeProcessors } from './history.fixture.ts';
import { brokenChecks, dataAbsent, loadPipeline, openRealData, query, type Range } from './nba.fixture.ts';

const pipeline = loadPipeline();
const season: Range = ['2023-10-24', '2024-01-28'];
// The first 14 days have no rows; a few games of each team later every check must hold.
const judged: Range = ['2023-11-07', '2024-01-28'];
// Enough to see damage.
const damaged: Range = ['2024-01-22', '2024-01-28'];
const own = ['player_composite_factors', 'ml_feature_store_v2', 'points_estimates', 'regression_estimates', 'player_prop_predictions', 'prediction_accuracy'];
const processor = (id: string): Processor => {
  const found = pipeline.processors.find((each) => each.id === id);
  if (found === undefined) throw new Error(`there is no processor ${id}`);
  return found;
};

describe.skipIf(dataAbsent !== undefined)(`on real games${dataAbsent === undefined ? '' : ` (${dataAbsent})`}`, { timeout: 60_000 }, () => {
  let connection: DuckDBConnection;
  const ownPipeline = { ...pipeline, phases: [], processors: pipeline.processors.filter(({ id }) => own.includes(id)) };
  const brokenBy = async (damage: string, ids: readonly string[] = own): Promise<string[]> => {
    await connection.run('BEGIN');
    await connection.run(damage);
    const broken = await brokenChecks(connection, { ...ownPipeline, processors: ownPipeline.processors.filter(({ id }) => ids.includes(id)) }, damaged);
    await connection.run('ROLLBACK');
    return broken;
  };

  beforeAll(async () => {
    connection = await openRealData(pipeline);
    const computed = pipeline.processors.filter(({ phase }) => phase >= 2);
    for (const each of computed) {
      await computeProcessors(connection, [each], season);
      // As an engine leaves them: dates that are declared as bootstrap have no rows.
      if (each.bootstrapDays > 0) await connection.run(`DELETE FROM ${each.table} WHERE ${each.partitionColumn} < DATE '${season[0]}' + ${each.bootstrapDays}`);
    }
  }, 60_000);
  afterAll(() => connection.closeSync());

  test('every check holds', async () => {
    expect(ownPipeline.processors).toHaveLength(own.length);
    expect(await brokenChecks(connection, ownPipeline, judged)).toEqual([]);
  });

  test('keys are unique', async () => {
    for (const { table, key } of ownPipeline.processors) {
      expect(await query(connection, `SELECT ${key.join(', ')} FROM ${table} GROUP BY ${key.join(', ')} HAVING COUNT(*) > 1`), table).toEqual([]);
    }
  });

  test.each(own)('%s: dates one by one give the rows of the wide range', async (id) => {
    const { table, columns } = processor(id);
    await connection.run(`CREATE OR REPLACE TABLE single AS SELECT * FROM ${table} LIMIT 0`);
    // A Cup final, a large night in a season's first weeks, the first date of a month, a day without games between.
    const dates = ['2023-12-09', '2023-12-10', '2023-11-22', '2024-01-01', '2024-01-26'];
    for (const date of dates) {
      const rowsOf = async (): Promise<number> => Number((await connection.runAndReadAll('SELECT COUNT(*) FROM single')).getRows()[0]?.[0]);
      const before = await rowsOf();
      await computeProcessors(connection, [processor(id)], [date, date], () => 'single');
      const games = await query(connection, 'SELECT game_id FROM nba_raw.nbac_schedule WHERE game_date BETWEEN @start_date AND @end_date', [date, date]);
      expect((await rowsOf()) - before > 0, date).toBe(games.length > 0);
    }
    const compared = columns.map(({ name, type, digits }) => (type === 'FLOAT64' ? `round("${name}", ${digits}) AS "${name}"` : `"${name}"`)).join(', ');
    const wide = `SELECT ${compared} FROM ${table} WHERE game_date IN (${dates.map((date) => `DATE '${date}'`).join(', ')})`;
    const one = `SELECT ${compared} FROM single`;
    const difference = await connection.runAndReadAll(`(${wide} EXCEPT ALL ${one}) UNION ALL (${one} EXCEPT ALL ${wide})`);
    expect(difference.getRows()).toHaveLength(0);
  });

  test("a star's features before a night on record are what his box scores say", async () => {
    const night: Range = ['2024-01-26', '2024-01-26'];
    const [features] = await query(
      connection,
      "SELECT * FROM nba_predictions.ml_feature_store_v2 WHERE player_lookup = 'lukadoncic' AND game_date BETWEEN @start_date AND @end_date",
      night,
    );
    const earlier = await query(
      connection,
      `SELECT game_date, points, minutes_played FROM nba_analytics.player_game_summary
      WHERE player_lookup = 'lukadoncic' AND game_date BETWEEN '2023-10-24' AND '2024-01-25' ORDER BY game_date DESC`,
    );
    const mean = (count: number): number => earlier.slice(0, count).reduce((sum, row) => sum + Number(row['points']), 0) / count;
    expect(Number(features?.['f_points_avg_last_10'])).toBeCloseTo(mean(10), 6);
    expect(Number(features?.['f_points_avg_last_5'])).toBeCloseTo(mean(5), 6);
    expect(Number(features?.['f_points_avg_season'])).toBeCloseTo(mean(earlier.length), 6);
    const lastTen = earlier.slice(0, 10).map((row) => row['game_date']);
    expect(features?.['contributing_game_dates']).toEqual(lastTen.toReversed());
    expect(features).toMatchObject({ opponent_team_abbr: 'ATL', f_home_game: 0, is_quality_ready: true, f_points_line: null, f_player_age: null });
    // Nobody foresaw 73.
    const graded = await query(
      connection,
      "SELECT * FROM nba_predictions.prediction_accuracy WHERE player_lookup = 'lukadoncic' AND game_date BETWEEN @start_date AND @end_date",
      night,
    );
    expect(graded.map((row) => String(row['system_id'])).toSorted()).toEqual(['ensemble', 'moving_average', 'regression', 'similarity', 'zone_matchup']);
    for (const row of graded) {
      expect(row).toMatchObject({ actual_points: '73', recommendation: 'NO_LINE', recommendation_result: null, is_graded: true });
      expect(Number(row['predicted_points'])).toBeGreaterThan(25);
      expect(Number(row['predicted_points'])).toBeLessThan(45);
    }
  });

  test('nobody who played is missing without a reason that his history gives', async () => {
    const rows = await query(
      connection,
      `SELECT s.game_date, s.universal_player_id FROM nba_analytics.player_game_summary AS s
      LEFT JOIN nba_predictions.player_prop_predictions AS p ON p.game_date = s.game_date AND p.universal_player_id = s.universal_player_id AND p.system_id = 'moving_average'
      JOIN nba_predictions.ml_feature_store_v2 AS f ON f.game_date = s.game_date AND f.universal_player_id = s.universal_player_id
      WHERE s.game_date BETWEEN @start_date AND @end_date AND p.system_id IS NULL AND f.f_games_played_season >= 3`,
      judged,
    );
    expect(rows).toEqual([]);
  });

  test('on the same players every system is nearer than the mean of the last ten games', async () => {
    const rows = await query(
      connection,
      `SELECT system_id, COUNT(*) AS players, AVG(abs_error) AS mae, AVG(naive_abs_error) AS naive FROM nba_predictions.prediction_accuracy
      WHERE game_date BETWEEN '2024-01-01' AND '2024-01-28' AND is_graded AND is_quality_ready GROUP BY system_id ORDER BY system_id`,
    );
    expect(rows.map((row) => row['system_id'])).toEqual(['ensemble', 'moving_average', 'regression', 'similarity', 'zone_matchup']);
    for (const row of rows) {
      expect(Number(row['players']), String(row['system_id'])).toBeGreaterThan(3000);
      expect(Number(row['mae']), String(row['system_id'])).toBeLessThan(Number(row['naive']));
      expect(Number(row['mae'])).toBeGreaterThan(4);
    }
  });

  test.each([
    ['the adjustment instead of the score', 'UPDATE nba_precompute.player_composite_factors SET fatigue_score = -2', 'accepted_range fatigue_score'],
    ['a strength of 0', 'UPDATE nba_precompute.player_composite_factors SET opponent_strength_score = 0', 'not_zero opponent_strength_score'],
    ['the same strength for all', 'UPDATE nba_precompute.player_composite_factors SET opponent_strength_score = 50', 'no_score_is_constant'],
    ['no zones at all', 'UPDATE nba_precompute.player_composite_factors SET shot_zone_mismatch_score = NULL', 'not_null shot_zone_mismatch_score'],
    ['a team left out', "DELETE FROM nba_precompute.player_composite_factors WHERE team_abbr = 'BOS'", 'every_scheduled_team_has_players'],
    ['one player left out', "DELETE FROM nba_precompute.player_composite_factors WHERE player_lookup = 'lukadoncic'", 'expected_keys universal_player_id'],
  ])('factors: %s is noticed', async (_what, damage, check) => {
    expect(await brokenBy(damage, ['player_composite_factors'])).toContain(`player_composite_factors: ${check}`);
  });

  test.each([
    ['a default in the place of a feature', 'UPDATE nba_predictions.ml_feature_store_v2 SET f_opponent_pace = 100', 'no_feature_is_constant'],
    ['a feature out of its range', 'UPDATE nba_predictions.ml_feature_store_v2 SET f_usage_rate_last_10 = 2800', 'accepted_range f_usage_rate_last_10'],
    ['features that are gone', 'UPDATE nba_predictions.ml_feature_store_v2 SET f_points_avg_season = NULL', 'quality_follows_from_what_is_missing'],
    ['lists that were cut', 'UPDATE nba_predictions.ml_feature_store_v2 SET feature_names = feature_names[1:5]', 'lists_hold_what_the_columns_hold'],
    ['a back-to-back that nobody has', 'UPDATE nba_predictions.ml_feature_store_v2 SET f_back_to_back = 0', 'schedule_features_agree'],
    ['one player left out', "DELETE FROM nba_predictions.ml_feature_store_v2 WHERE player_lookup = 'lukadoncic'", 'expected_keys universal_player_id'],
  ])('features: %s is noticed', async (_what, damage, check) => {
    expect(await brokenBy(damage, ['ml_feature_store_v2'])).toContain(`ml_feature_store_v2: ${check}`);
  });

  test.each([
    ['an estimate that is gone', 'points_estimates', 'UPDATE nba_predictions.points_estimates SET zone_matchup_points = NULL', 'ready_players_have_estimates'],
    ['a row that is gone', 'points_estimates', "DELETE FROM nba_predictions.points_estimates WHERE player_lookup = 'lukadoncic'", 'row_count'],
    [
      'a model that knows its own month',
      'regression_estimates',
      "UPDATE nba_predictions.regression_estimates SET training_last_month = '2024-01'",
      'nothing_is_learned_from_the_month_itself',
    ],
    [
      'a model that says nothing',
      'regression_estimates',
      'UPDATE nba_predictions.regression_estimates SET regression_points = NULL',
      'ready_players_have_estimates',
    ],
    [
      'a system that is gone',
      'player_prop_predictions',
      "DELETE FROM nba_predictions.player_prop_predictions WHERE system_id = 'ensemble'",
      'expected_keys universal_player_id, system_id',
    ],
    ['a placeholder line', 'player_prop_predictions', 'UPDATE nba_predictions.player_prop_predictions SET current_points_line = 20', 'no_placeholder_lines'],
    [
      'confidence in percent',
      'player_prop_predictions',
      'UPDATE nba_predictions.player_prop_predictions SET confidence_score = 65',
      'accepted_range confidence_score',
    ],
    [
      'a prediction that was not graded',
      'prediction_accuracy',
      "DELETE FROM nba_predictions.prediction_accuracy WHERE player_lookup = 'lukadoncic'",
      'row_count',
    ],
    [
      'a game that was not graded',
      'prediction_accuracy',
      "UPDATE nba_predictions.prediction_accuracy SET is_graded = FALSE WHERE game_id = '20240126_DAL_ATL'",
      'games_with_box_scores_are_graded',
    ],
    [
      'errors that are no errors',
      'prediction_accuracy',
      'UPDATE nba_predictions.prediction_accuracy SET abs_error = 0 WHERE is_graded',
      'errors_of_a_date_are_plausible',
    ],
  ])('%s is noticed (%s)', async (_what, id, damage, check) => {
    expect(await brokenBy(damage, [id])).toContain(`${id}: ${check}`);
  });
});
