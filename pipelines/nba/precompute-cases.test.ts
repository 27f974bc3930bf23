// Cases of phase 4 computed on paper, over a few rows written by hand: what counts as a game, when there is a row, what is NULL.
import type { DuckDBConnection } from '@duckdb/node-api';
import { addDays, partitionDate } from '@floodgate/core/domain/partition-date.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Row } from './nba.fixture.ts';
import { fillTable, openSmallTables, runProcessor, type Shape } from './small-tables.fixture.ts';

const seasonStart = partitionDate('2023-10-24');
const dayOfSeason = (day: number): string => addDays(seasonStart, day);

const scheduleShape: Shape = {
  game_date: 'DATE',
  season_year: 'BIGINT',
  season_type: 'VARCHAR',
  game_status: 'BIGINT',
  home_team_abbr: 'VARCHAR',
  away_team_abbr: 'VARCHAR',
};
/** A pairing on each of these days of the season. */
const schedule = (days: readonly number[], home = 'DAL', away = 'BOS'): Row[] =>
  days.map((day) => ({
    game_date: dayOfSeason(day),
    season_year: 2023,
    season_type: 'regular',
    game_status: 3,
    home_team_abbr: home,
    away_team_abbr: away,
  }));
const upTo = (last: number, step = 1): number[] => Array.from({ length: Math.floor(last / step) + 1 }, (_, i) => i * step);

const defenceShape: Shape = {
  game_date: 'DATE',
  season_year: 'BIGINT',
  defending_team_abbr: 'VARCHAR',
  opp_paint_makes: 'BIGINT',
  opp_paint_attempts: 'BIGINT',
  opp_mid_range_makes: 'BIGINT',
  opp_mid_range_attempts: 'BIGINT',
  opp_three_pt_makes: 'BIGINT',
  opp_three_pt_attempts: 'BIGINT',
  points_in_paint_allowed: 'BIGINT',
  blocks_paint: 'BIGINT',
  blocks_mid_range: 'BIGINT',
  blocks_three_pt: 'BIGINT',
  points_allowed: 'BIGINT',
  defensive_rating: 'DOUBLE',
  opponent_pace: 'DOUBLE',
};
const defence = (team: string, day: number, changes: Row = {}): Row => ({
  game_date: dayOfSeason(day),
  season_year: 2023,
  defending_team_abbr: team,
  opp_paint_makes: 20,
  opp_paint_attempts: 40,
  opp_mid_range_makes: 4,
  opp_mid_range_attempts: 10,
  opp_three_pt_makes: 10,
  opp_three_pt_attempts: 30,
  points_in_paint_allowed: 40,
  blocks_paint: 3,
  blocks_mid_range: 1,
  blocks_three_pt: 0,
  points_allowed: 110,
  defensive_rating: 110,
  opponent_pace: 100,
  ...changes,
});

const playerShape: Shape = {
  game_date: 'DATE',
  season_year: 'BIGINT',
  universal_player_id: 'VARCHAR',
  player_lookup: 'VARCHAR',
  team_abbr: 'VARCHAR',
  is_active: 'BOOLEAN',
  minutes_played: 'DOUBLE',
  points: 'BIGINT',
  usage_rate: 'DOUBLE',
  ts_pct: 'DOUBLE',
  paint_attempts: 'BIGINT',
  paint_makes: 'BIGINT',
  mid_range_attempts: 'BIGINT',
  mid_range_makes: 'BIGINT',
  three_attempts_pbp: 'BIGINT',
  three_makes_pbp: 'BIGINT',
  assisted_fg_makes: 'BIGINT',
  unassisted_fg_makes: 'BIGINT',
};
const played = (day: number, changes: Row = {}): Row => ({
  game_date: dayOfSeason(day),
  season_year: 2023,
  universal_player_id: '7',
  player_lookup: 'somebody',
  team_abbr: 'DAL',
  is_active: true,
  minutes_played: 30,
  points: 20,
  usage_rate: 25,
  ts_pct: 0.6,
  paint_attempts: 6,
  paint_makes: 3,
  mid_range_attempts: 1,
  mid_range_makes: 1,
  three_attempts_pbp: 3,
  three_makes_pbp: 1,
  assisted_fg_makes: 2,
  unassisted_fg_makes: 3,
  ...changes,
});
const watched = { is_active: false, minutes_played: null, points: 0, usage_rate: null, ts_pct: null };

let connection: DuckDBConnection;
beforeAll(async () => {
  connection = await openSmallTables();
});
afterAll(() => connection.closeSync());

describe('defences', () => {
  const teams = Array.from({ length: 12 }, (_, i) => `T${String(i).padStart(2, '0')}`);
  const rowsOf = async (games: readonly Row[], day: number, team: string): Promise<Row | undefined> => {
    await fillTable(connection, 'nba_raw.nbac_schedule', scheduleShape, schedule(upTo(day)));
    await fillTable(connection, 'nba_analytics.team_defense_game_summary', defenceShape, games);
    const rows = await runProcessor(connection, 'team_defense_zone_analysis', [dayOfSeason(day), dayOfSeason(day)]);
    return rows.find((row) => row['team_abbr'] === team);
  };
  /** 12 teams with games on days 20 to 34, of which T00 allows 24 of 40 in the paint instead of 20. */
  const games = upTo(14).flatMap((i) => teams.map((team) => defence(team, 20 + i, team === 'T00' ? { opp_paint_makes: 24, defensive_rating: 110 + i } : {})));

  test('a defence is its last 15 games, compared with the mean of all teams', async () => {
    const row = await rowsOf([...games, defence('T00', 1, { opp_paint_makes: 40, points_allowed: 200 })], 40, 'T00');
    expect(row).toMatchObject({
      games_in_sample: '15',
      league_teams_in_sample: '12',
      history_status: 'complete',
      data_quality_tier: 'high',
      weakest_zone: 'paint',
      opponent_points_per_game: 110,
      paint_attempts_allowed_per_game: 40,
      paint_blocks_per_game: 3,
      defensive_rating_last_15: 117,
    });
    expect(row?.['paint_pct_allowed_last_15']).toBeCloseTo(0.6, 9);
    expect(row?.['league_paint_pct']).toBeCloseTo((11 * 0.5 + 0.6) / 12, 8);
    expect(row?.['paint_defense_vs_league_avg']).toBeCloseTo(100 * (0.6 - 6.1 / 12), 6);
    expect(row?.['mid_range_defense_vs_league_avg']).toBeCloseTo(0, 6);
  });

  test('the game of the date and those after it are not in it', async () => {
    const before = await rowsOf(games, 40, 'T00');
    const later = [40, 41].map((day) => defence('T00', day, { opp_paint_makes: 0, points_allowed: 50 }));
    expect(await rowsOf([...games, ...later], 40, 'T00')).toEqual(before);
  });

  test('without 10 teams there is no league, and no default in its place', async () => {
    const row = await rowsOf(
      games.filter((game) => String(game['defending_team_abbr']) < 'T09'),
      40,
      'T00',
    );
    expect(row).toMatchObject({
      league_teams_in_sample: '9',
      league_paint_pct: null,
      paint_defense_vs_league_avg: null,
      three_pt_defense_vs_league_avg: null,
      strongest_zone: null,
      weakest_zone: null,
      data_quality_tier: 'no_league_average',
    });
    expect(row?.['paint_pct_allowed_last_15']).toBeCloseTo(0.6, 9);
  });

  test('a game without play-by-play counts for points and ratings, and for no zone', async () => {
    const noZones = {
      opp_paint_makes: null,
      opp_paint_attempts: null,
      opp_mid_range_makes: null,
      opp_mid_range_attempts: null,
      points_in_paint_allowed: null,
      blocks_paint: null,
      blocks_mid_range: null,
      blocks_three_pt: null,
    };
    const row = await rowsOf([...games, defence('T00', 36, { ...noZones, points_allowed: 125 })], 40, 'T00');
    expect(row).toMatchObject({
      games_in_sample: '15',
      games_with_zones: '14',
      data_quality_tier: 'medium',
      paint_attempts_allowed_per_game: 40,
      three_pt_attempts_allowed_per_game: 30,
    });
    expect(row?.['opponent_points_per_game']).toBeCloseTo((14 * 110 + 125) / 15, 9);
  });

  test.each([
    [14, 4, false],
    [14, 5, true],
    [40, 4, false],
    [40, 5, true],
    [40, 15, true],
  ])('on day %i of the season %i games are enough: %s', async (day, count, isEnough) => {
    const row = await rowsOf(
      upTo(count - 1).map((i) => defence('T00', i)),
      day,
      'T00',
    );
    expect(row !== undefined).toBe(isEnough);
    if (isEnough) expect(row?.['history_status']).toBe(count >= 15 ? 'complete' : 'partial');
  });
});

describe('shot zones', () => {
  const rowOn = async (games: readonly Row[], day: number): Promise<Row | undefined> => {
    await fillTable(connection, 'nba_raw.nbac_schedule', scheduleShape, schedule(upTo(day)));
    await fillTable(connection, 'nba_analytics.player_game_summary', playerShape, games);
    return (await runProcessor(connection, 'player_shot_zone_analysis', [dayOfSeason(day), dayOfSeason(day)]))[0];
  };

  test('the last 10 games that he played, whoever he watched in between', async () => {
    const games = [played(1, { paint_attempts: 90 }), ...upTo(9).map((i) => played(2 + 2 * i)), ...upTo(9).map((i) => played(3 + 2 * i, watched))];
    const row = await rowOn(games, 40);
    expect(row).toMatchObject({
      games_in_sample_10: '10',
      games_in_sample_20: '11',
      total_shots_last_10: '100',
      paint_rate_last_10: 60,
      mid_range_rate_last_10: 10,
      three_pt_rate_last_10: 30,
      paint_pct_last_10: 0.5,
      mid_range_pct_last_10: 1,
      assisted_rate_last_10: 40,
      unassisted_rate_last_10: 60,
      paint_attempts_per_game: 6,
      paint_rate_last_20: null,
      primary_scoring_zone: 'paint',
      latest_game_date: dayOfSeason(20),
    });
  });

  test.each([
    ['paint', 40, 20, 40],
    ['perimeter', 39, 20, 41],
    ['mid_range', 30, 35, 35],
    ['balanced', 33, 34, 33],
  ])('his zone is %s with %i, %i and %i of 100 shots', async (zone, paint, midRange, three) => {
    const games = upTo(9).map((i) => played(i, { paint_attempts: paint, mid_range_attempts: midRange, three_attempts_pbp: three }));
    expect((await rowOn(games, 40))?.['primary_scoring_zone']).toBe(zone);
  });

  test('without shots, or without play-by-play, the rates are NULL and never 0', async () => {
    const none = {
      paint_attempts: 0,
      paint_makes: 0,
      mid_range_attempts: 0,
      mid_range_makes: 0,
      three_attempts_pbp: 0,
      three_makes_pbp: 0,
      assisted_fg_makes: 0,
      unassisted_fg_makes: 0,
    };
    const unknown = Object.fromEntries(Object.keys(none).map((name) => [name, null]));
    const empty = {
      paint_rate_last_10: null,
      three_pt_rate_last_10: null,
      paint_pct_last_10: null,
      assisted_rate_last_10: null,
      primary_scoring_zone: null,
      data_quality_tier: 'no_shots',
    };
    expect(
      await rowOn(
        upTo(9).map((i) => played(i, none)),
        40,
      ),
    ).toMatchObject({ ...empty, total_shots_last_10: '0', paint_attempts_per_game: 0 });
    expect(
      await rowOn(
        upTo(9).map((i) => played(i, unknown)),
        40,
      ),
    ).toMatchObject({ ...empty, total_shots_last_10: null, paint_attempts_per_game: null, games_with_zones_10: '0' });
  });

  test.each([
    [14, 2, false],
    [14, 3, true],
    [40, 2, false],
    [40, 3, true],
  ])('on day %i of the season %i games are enough: %s', async (day, count, isEnough) => {
    const row = await rowOn(
      upTo(count - 1).map((i) => played(i)),
      day,
    );
    expect(row !== undefined).toBe(isEnough);
  });

  test('games of the season before count for nothing', async () => {
    const last = upTo(19).map((i) => played(-200 + i, { season_year: 2022 }));
    expect(await rowOn([...last, played(0), played(1)], 40)).toBeUndefined();
  });
});

describe('the daily cache', () => {
  const contextShape: Shape = {
    game_date: 'DATE',
    game_id: 'VARCHAR',
    season_year: 'BIGINT',
    universal_player_id: 'VARCHAR',
    player_lookup: 'VARCHAR',
    team_abbr: 'VARCHAR',
    opponent_team_abbr: 'VARCHAR',
    games_in_last_7_days: 'BIGINT',
    games_in_last_14_days: 'BIGINT',
    minutes_in_last_7_days: 'DOUBLE',
    minutes_in_last_14_days: 'DOUBLE',
    avg_minutes_per_game_last_7: 'DOUBLE',
    back_to_backs_last_14_days: 'BIGINT',
    player_age: 'BIGINT',
  };
  const offenseShape: Shape = { game_date: 'DATE', season_year: 'BIGINT', team_abbr: 'VARCHAR', pace: 'DOUBLE', offensive_rating: 'DOUBLE' };
  const zoneShape: Shape = {
    game_date: 'DATE',
    universal_player_id: 'VARCHAR',
    primary_scoring_zone: 'VARCHAR',
    paint_rate_last_10: 'DOUBLE',
    mid_range_rate_last_10: 'DOUBLE',
    three_pt_rate_last_10: 'DOUBLE',
    assisted_rate_last_10: 'DOUBLE',
  };
  const day = 40;
  const date = dayOfSeason(day);
  const every = upTo(day - 2, 2);

  const rowFor = async (games: readonly Row[], scheduled = every, zones: readonly Row[] = [], player: Row = {}): Promise<Row | undefined> => {
    const context = {
      game_date: date,
      game_id: 'g',
      season_year: 2023,
      universal_player_id: '7',
      player_lookup: 'somebody',
      team_abbr: 'DAL',
      opponent_team_abbr: 'BOS',
      ...player,
    };
    await fillTable(connection, 'nba_raw.nbac_schedule', scheduleShape, schedule([...scheduled, day]));
    await fillTable(connection, 'nba_analytics.upcoming_player_game_context', contextShape, [context]);
    await fillTable(connection, 'nba_analytics.player_game_summary', playerShape, games);
    const offense = scheduled.map((each) => ({ game_date: dayOfSeason(each), season_year: 2023, team_abbr: 'DAL', pace: 90 + each, offensive_rating: 110 }));
    await fillTable(connection, 'nba_analytics.team_offense_game_summary', offenseShape, offense);
    await fillTable(connection, 'nba_precompute.player_shot_zone_analysis', zoneShape, zones);
    return (await runProcessor(connection, 'player_daily_cache', [date, date]))[0];
  };

  test('averages are over games that he played, the last 5 and 10 and all of them', async () => {
    // 12 games with 1, 2 .. 12 points, and one that he watched after each of them.
    const games = upTo(11).flatMap((i) => [played(2 * i, { points: i + 1, minutes_played: 20 + i }), played(2 * i + 1, watched)]);
    const row = await rowFor(games);
    expect(row).toMatchObject({
      games_played_season: '12',
      history_status: 'complete',
      points_avg_last_5: 10,
      points_avg_last_10: 7.5,
      points_avg_season: 6.5,
      minutes_avg_last_10: 26.5,
      usage_rate_last_10: 25,
      ts_pct_last_10: 0.6,
      latest_game_date: dayOfSeason(22),
      shot_zone_data_available: false,
      primary_scoring_zone: null,
      player_age: null,
    });
    // The sample's deviation of 3, 4 .. 12.
    expect(row?.['points_std_last_10']).toBeCloseTo(Math.sqrt(82.5 / 9), 9);
    expect(row?.['contributing_game_dates']).toEqual(Array.from({ length: 10 }, (_, i) => dayOfSeason(4 + 2 * i)));
    // His team played on days 0, 2 .. 38; the last 10 are 20 .. 38.
    expect(row?.['team_pace_last_10']).toBeCloseTo(90 + 29, 9);
  });

  test('a game without points counts, and a rate that is unknown does not', async () => {
    const games = [played(0, { points: 30 }), played(2, { points: 0, ts_pct: null }), played(4, { points: 30, usage_rate: null })];
    expect(await rowFor(games)).toMatchObject({ points_avg_season: 20, usage_rate_last_10: 25, ts_pct_last_10: 0.6, history_status: 'partial' });
  });

  test('with two games there is no row, with three there is', async () => {
    expect(await rowFor([played(0), played(2)])).toBeUndefined();
    expect(await rowFor([played(0), played(2), played(4)])).toMatchObject({ games_played_season: '3' });
  });

  test('the game of the date is in no average', async () => {
    const before = await rowFor(every.map((each) => played(each)));
    expect(await rowFor([...every.map((each) => played(each)), played(day, { points: 80 })])).toEqual(before);
  });

  test('a game of the schedule without summaries of players makes the windows incomplete', async () => {
    const found = every.filter((each) => each !== 38).map((each) => played(each));
    expect(await rowFor(found)).toMatchObject({
      l5_games_expected: '5',
      l5_games_found: '4',
      l5_completeness_pct: 80,
      l10_games_expected: '10',
      l10_games_found: '9',
      l10_completeness_pct: 90,
      l7d_games_expected: '3',
      l7d_games_found: '2',
      l14d_games_expected: '7',
      l14d_games_found: '6',
      is_production_ready: false,
    });
    expect(await rowFor(every.map((each) => played(each)))).toMatchObject({ l5_completeness_pct: 100, l7d_completeness_pct: 100, is_production_ready: true });
  });

  test('a game that he missed and his team played is no gap', async () => {
    const games = every.flatMap((each) => (each > 34 ? [played(each, { universal_player_id: '8' })] : [played(each)]));
    expect(await rowFor(games)).toMatchObject({ latest_game_date: dayOfSeason(34), l5_completeness_pct: 100, is_production_ready: true });
  });

  test('a week without games misses none', async () => {
    const early = every.filter((each) => each < 26);
    const row = await rowFor(
      early.map((each) => played(each)),
      early,
    );
    expect(row).toMatchObject({
      l7d_games_expected: '0',
      l7d_completeness_pct: null,
      l14d_games_expected: '0',
      l10_completeness_pct: 100,
      is_production_ready: true,
    });
  });

  test('who was traded keeps his own averages and has the pace of his new team', async () => {
    const games = every.map((each) => played(each, { team_abbr: each < 30 ? 'BOS' : 'DAL' }));
    expect(await rowFor(games)).toMatchObject({ games_played_season: '20', team_abbr: 'DAL', team_pace_last_10: 119 });
  });

  test('zones are those of the same date', async () => {
    const zone = {
      game_date: date,
      universal_player_id: '7',
      primary_scoring_zone: 'paint',
      paint_rate_last_10: 60,
      mid_range_rate_last_10: 10,
      three_pt_rate_last_10: 30,
    };
    const stale = { ...zone, game_date: dayOfSeason(39), primary_scoring_zone: 'perimeter' };
    const games = every.map((each) => played(each));
    expect(await rowFor(games, every, [zone, stale])).toMatchObject({ shot_zone_data_available: true, primary_scoring_zone: 'paint', paint_rate_last_10: 60 });
    expect(await rowFor(games, every, [stale])).toMatchObject({ shot_zone_data_available: false, primary_scoring_zone: null, paint_rate_last_10: null });
  });
});
