// A column that is the same on every row was never computed: win_flag was FALSE for years, a spread 0 for four months, a share of wins 0.5.
// Each column that it may happen to is set to one value on all rows of an invented league, and a declared check names it; lines
// that vanish leave a column that is NULL on all rows.
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { computeProcessors } from '../../pipelines/nba/history.fixture.ts';
import { brokenChecks, loadPipeline, onlyPhases, openSimulatedData, query, type Range } from '../../pipelines/nba/nba.fixture.ts';
import { createLeague, type SimulatedGameRows } from '../../pipelines/nba/sources/simulated-league.ts';

const whole = loadPipeline();
const season = '2023-24';
const league = createLeague({ seed: 'constant columns', seasons: [season] });
const dates = league.dates(season).filter((date) => date <= '2023-11-24');
const history: Range = [dates[0] ?? '', dates.at(-1) ?? ''];
/** All teams have played for three weeks, so that phase 4 has its rows. */
const judged: Range = ['2023-11-20', history[1]];

describe('constant columns', { timeout: 60_000 }, () => {
  const pipeline = onlyPhases(whole, 2, 3, 4);
  let connection: DuckDBConnection;

  beforeAll(async () => {
    const days = dates.map((day) => Object.fromEntries(whole.sources.map(({ name }) => [name, league.rowsOf(name as keyof SimulatedGameRows, day)])));
    connection = await openSimulatedData(whole, days as unknown as SimulatedGameRows[]);
    const earlier = pipeline.processors.filter(({ phase }) => phase <= 3);
    await computeProcessors(connection, earlier, history);
    await computeProcessors(
      connection,
      pipeline.processors.filter(({ phase, id }) => phase === 4 && id !== 'ml_feature_store_v2'),
      judged,
    );
  }, 60_000);
  afterAll(() => connection.closeSync());

  /** The checks of the one table that break where its column has this value on all rows on which it has one. */
  const brokenBy = async (table: string, set: string): Promise<string[]> => {
    const processor = pipeline.processors.find((each) => each.table.endsWith(`.${table}`));
    const phases = pipeline.phases.map((phase) => ({
      ...phase,
      gate: { ...phase.gate, checks: phase.gate.checks.filter((check) => check.table === processor?.table) },
    }));
    await connection.run('BEGIN');
    await connection.run(`UPDATE ${processor?.table} SET ${set} WHERE game_date BETWEEN DATE '${judged[0]}' AND DATE '${judged[1]}'`);
    const broken = await brokenChecks(connection, { ...pipeline, phases, processors: processor === undefined ? [] : [processor] }, judged);
    await connection.run('ROLLBACK');
    return broken;
  };

  test('undamaged, no check is broken, on nights with 50 players and 8 teams', async () => {
    const judgedTables = pipeline.processors.filter(({ id }) => id !== 'ml_feature_store_v2');
    expect(await brokenChecks(connection, { ...pipeline, processors: judgedTables }, judged)).toEqual([]);
    for (const { table, phase } of judgedTables.filter((each) => each.phase >= 3)) {
      const rows = await query(
        connection,
        `SELECT game_date, COUNT(*) AS n FROM ${table} WHERE game_date BETWEEN @start_date AND @end_date GROUP BY game_date`,
        judged,
      );
      expect(rows.length, `${table} of phase ${phase}`).toBeGreaterThan(0);
      expect(Math.max(...rows.map((row) => Number(row['n']))), table).toBeGreaterThanOrEqual(table.includes('team_') ? 10 : 50);
    }
  });

  test.each([
    ['player_game_summary', 'win_flag = FALSE', 'players_equal_the_box_score_of_their_team'],
    ['player_game_summary', 'starter_flag = FALSE', 'summaries_equal_the_gamebook'],
    ['player_game_summary', 'plus_minus = 0', 'summaries_equal_the_gamebook'],
    ['player_game_summary', 'steals = 0', 'players_equal_the_box_score_of_their_team'],
    ['player_game_summary', 'blocks = 0', 'players_equal_the_box_score_of_their_team'],
    ['player_game_summary', 'paint_blocks = 0', 'blocked_shots_have_their_zone'],
    ['player_game_summary', 'paint_blocks = 0, mid_range_blocks = 0, three_pt_blocks = 0, blocks = 0', 'summaries_equal_the_gamebook'],
    ['player_game_summary', 'and1_count = 0', 'summaries_vary'],
    ['player_game_summary', 'usage_rate = 20', 'summaries_vary'],
    ['team_offense_game_summary', 'second_chance_points_scored = 0', 'summaries_vary'],
    ['team_offense_game_summary', 'rebounds = 0', 'summaries_equal_the_box_scores'],
    ['team_offense_game_summary', 'home_game = TRUE', 'summaries_equal_the_box_scores'],
    ['team_offense_game_summary', 'pace = 100', 'summaries_vary'],
    ['team_defense_game_summary', 'steals = 0', 'summaries_equal_the_box_scores'],
    ['team_defense_game_summary', 'blocks_paint = 0', 'summaries_equal_the_box_scores'],
    ['team_defense_game_summary', 'opponent_pace = 100', 'summaries_vary'],
    ['upcoming_team_game_context', 'game_spread = 0', 'contexts_vary'],
    ['upcoming_team_game_context', 'spread_movement = 0', 'contexts_vary'],
    ['upcoming_team_game_context', 'game_total = 220', 'contexts_vary'],
    ['upcoming_team_game_context', 'travel_miles = 0', 'contexts_vary'],
    ['upcoming_team_game_context', 'days_since_last_game = 2, team_days_rest = 1, team_back_to_back = FALSE', 'rest_follows_from_the_schedule'],
    ['upcoming_player_game_context', 'home_game = TRUE', 'contexts_equal_their_teams'],
    ['upcoming_player_game_context', 'game_spread = 0', 'contexts_equal_their_teams'],
    ['upcoming_player_game_context', 'pace_differential = 0', 'contexts_equal_their_teams'],
    ['upcoming_player_game_context', 'opponent_def_rating_last_10 = 110', 'contexts_vary'],
    ['upcoming_player_game_context', 'projected_usage_rate = 20', 'contexts_vary'],
    ['upcoming_player_game_context', 'days_rest = 1, back_to_back = FALSE', 'games_and_minutes_equal_the_box_scores'],
    ['upcoming_player_game_context', 'games_in_last_7_days = 0', 'games_and_minutes_equal_the_box_scores'],
    ['team_defense_zone_analysis', 'mid_range_blocks_per_game = 0', 'measures_vary'],
    ['team_defense_zone_analysis', 'three_pt_blocks_per_game = 0', 'measures_vary'],
    ['player_composite_factors', 'fatigue_score = 100', 'no_score_is_constant'],
    ['player_daily_cache', 'games_in_last_7_days = 0', 'loads_equal_the_contexts'],
  ])('%s: %s', async (table, set, check) => {
    expect(await brokenBy(table, set)).toContain(`${table}: ${check}`);
  });

  test('lines that were there all week and are gone tonight are missed at the gate, those of players and those of games', async () => {
    const last = `game_date = DATE '${judged[1]}'`;
    await connection.run('BEGIN');
    await connection.run(`UPDATE nba_analytics.upcoming_player_game_context SET current_points_line = NULL, has_prop_line = FALSE WHERE ${last}`);
    await connection.run(`UPDATE nba_analytics.upcoming_team_game_context SET game_total = NULL WHERE ${last}`);
    const tonight: Range = [judged[1], judged[1]];
    const contexts = { ...pipeline, processors: pipeline.processors.filter(({ id }) => id.startsWith('upcoming_')) };
    const [blocking, warnings] = [await brokenChecks(connection, contexts, tonight), await brokenChecks(connection, contexts, tonight, 'warn')];
    await connection.run('ROLLBACK');
    expect(blocking).toContain('gate of analytics: lines_of_games_have_not_vanished');
    expect(warnings).toContain('gate of analytics: lines_of_players_have_not_vanished');
  });

  test('a source that never had lines of players is not one that lost them', async () => {
    await connection.run('BEGIN');
    await connection.run('UPDATE nba_analytics.upcoming_player_game_context SET current_points_line = NULL, has_prop_line = FALSE');
    const contexts = { ...pipeline, processors: pipeline.processors.filter(({ id }) => id.startsWith('upcoming_')) };
    const warnings = await brokenChecks(connection, contexts, judged, 'warn');
    await connection.run('ROLLBACK');
    expect(warnings.filter((name) => name.includes('vanished'))).toEqual([]);
  });
});
