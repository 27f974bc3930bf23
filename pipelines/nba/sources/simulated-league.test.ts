import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Pipeline } from '@floodgate/core/domain/pipeline.ts';
import { brokenChecks, compute, loadPipeline, openSimulatedData, query } from '../nba.fixture.ts';
import { createLeague, simulateLeague, type Incident, type SeasonOptions, type SimulatedGameRows } from './simulated-league.ts';

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, each) => total + each, 0);
const season = [...simulateLeague({ seed: 'demo', season: '2023-24' })];
const byTeam = (games: readonly SimulatedGameRows[]) => games.flatMap((game) => game.team_boxscores.map((team) => ({ game, team })));

test('a season has 1,230 games on some 165 dates, 82 of each team and never two a day', () => {
  expect(season).toHaveLength(1230);
  const dates = season.map(({ games }) => games[0]?.game_date ?? '');
  expect(new Set(dates).size).toBe(164);
  expect([dates[0], dates.at(-1)]).toEqual(['2023-10-24', '2024-04-12']);
  expect(dates.toSorted()).toEqual(dates);
  expect(new Set(season.map(({ games }) => games[0]?.game_id)).size).toBe(1230);
  const played = Object.groupBy(byTeam(season), ({ team }) => team.team);
  expect(Object.keys(played)).toHaveLength(30);
  for (const nights of Object.values(played)) {
    expect(new Set(nights?.map(({ team }) => team.game_date)).size).toBe(82);
    const home = nights?.filter(({ team }) => team.is_home).length ?? 0;
    expect(home).toBeGreaterThanOrEqual(39);
    expect(home).toBeLessThanOrEqual(43);
  }
});

test('players add up to their team, and events to the score', () => {
  for (const { game, team } of byTeam(season)) {
    const players = game.player_boxscores.filter((player) => player.team === team.team);
    for (const column of ['pts', 'fgm', 'fga', 'fg3m', 'fg3a', 'ftm', 'fta', 'oreb', 'dreb', 'reb', 'ast', 'stl', 'blk', 'pf'] as const) {
      if (sum(players.map((player) => player[column])) !== team[column]) throw new Error(`${team.game_id} ${team.team}: ${column}`);
    }
    const events = game.play_by_play.filter((event) => event.team === team.team);
    const [told] = [
      {
        players: sum(players.map(({ minutes }) => minutes)),
        margin: sum(players.map(({ plus_minus }) => plus_minus)),
        starters: players.filter(({ starter }) => starter).length,
        points: sum(events.map(({ points }) => points)),
        shots: events.filter(({ is_field_goal }) => is_field_goal).length,
        turnovers: events.filter(({ action_type }) => action_type === 'turnover').length,
      },
    ];
    expect(told).toEqual({ players: team.minutes, margin: 5 * team.plus_minus, starters: 5, points: team.pts, shots: team.fga, turnovers: team.tov });
  }
});

test('games look like games: scores, pace, overtimes, a home advantage', () => {
  const teams = byTeam(season).map(({ team }) => team);
  expect(sum(teams.map(({ pts }) => pts)) / teams.length).toBeCloseTo(113, -1);
  expect(sum(teams.map(({ possessions }) => possessions)) / teams.length).toBeCloseTo(100, -1);
  expect(teams.every(({ pts }) => pts > 60 && pts < 180)).toBe(true);
  const overtimes = teams.filter(({ minutes }) => minutes > 240).length / 2;
  expect(overtimes).toBeGreaterThan(20);
  expect(overtimes).toBeLessThan(120);
  const homeWins = teams.filter(({ is_home, win }) => is_home && win).length;
  expect(homeWins).toBeGreaterThan(630);
  expect(homeWins).toBeLessThan(800);
  expect(season.every(({ play_by_play }) => play_by_play.length > 250 && play_by_play.length < 600)).toBe(true);
});

test('within a game time and score never go back', () => {
  const backwards = season.flatMap(({ play_by_play: events }) =>
    events.filter((event, index) => {
      const before = events[index - 1];
      if (before === undefined) return false;
      const later = event.period > before.period || (event.period === before.period && event.seconds_left_in_period <= before.seconds_left_in_period);
      return !later || event.score_home < before.score_home || event.score_away < before.score_away;
    }),
  );
  expect(backwards).toEqual([]);
});

test('one seed is one season: the same again, another with another seed, a part of it with fewer games', () => {
  const few = [...simulateLeague({ seed: 'demo', season: '2023-24', games: 40 })];
  expect(few).toEqual(season.slice(0, 40));
  expect([...simulateLeague({ seed: 'other', season: '2023-24', games: 40 })]).not.toEqual(few);
});

test('a season that does not exist is refused', () => {
  expect(() => [...simulateLeague({ seed: 'demo', season: '2023-25' })]).toThrow('expected a season such as 2023-24, found "2023-25"');
});

/** Raw tables and summaries; what comes after them needs the engine, which knows where a season has too little history yet. */
const loadPhases = (): Pipeline => {
  const pipeline = loadPipeline();
  const phases = pipeline.phases.filter(({ name }) => name === 'raw' || name === 'analytics');
  const processors = pipeline.processors.filter(({ phase }) => phases.some(({ number }) => number === phase));
  return { ...pipeline, phases, processors };
};

describe('the pipeline on simulated games', { timeout: 60_000 }, () => {
  const pipeline = loadPhases();
  const games = season.slice(0, 90);
  let connection: DuckDBConnection;
  beforeAll(async () => {
    connection = await openSimulatedData(pipeline, games);
    await compute(connection, pipeline, ['2023-10-24', '2024-04-12']);
  }, 60_000);
  afterAll(() => connection.closeSync());

  test('rows have all columns that the sources declare', () => {
    for (const { name, columns } of pipeline.sources) {
      const rows: readonly object[] = games.slice(0, 15).flatMap((game): readonly object[] => game[name as keyof SimulatedGameRows]);
      expect(rows.length, name).toBeGreaterThan(0);
      for (const row of rows) expect(Object.keys(row), name).toEqual(expect.arrayContaining(columns.map((column) => column.name)));
    }
  });

  test('all checks hold; those that warn speak of the first days, before which nobody has played', async () => {
    expect(await brokenChecks(connection, pipeline, ['2023-10-24', '2024-04-12'])).toEqual([]);
    const early = [/: every_line_is_of_a_player_who_can_be_told$/, /: new_arrivals$/];
    const warnings = await brokenChecks(connection, pipeline, ['2023-10-24', '2024-04-12'], 'warn');
    expect(warnings.filter((name) => !early.some((known) => known.test(name)))).toEqual([]);
  });

  test('what the summaries say can be counted off the simulated rows', async () => {
    const [found] = await query(
      connection,
      'SELECT SUM(points) AS points, SUM(assisted_fg_makes) AS assists, COUNT(*) AS players, COUNTIF(usage_rate IS NULL) AS unused FROM nba_analytics.player_game_summary',
    );
    const players = games.flatMap(({ player_boxscores }) => player_boxscores);
    const absent = games.flatMap(({ player_statuses }) => player_statuses).length;
    expect(found).toEqual({
      points: String(sum(players.map(({ pts }) => pts))),
      assists: String(sum(players.map(({ ast }) => ast))),
      players: String(players.length + absent),
      unused: String(players.filter(({ minutes }) => minutes === 0).length + absent),
    });
    const [lookups] = await query(
      connection,
      "SELECT COUNT(DISTINCT player_lookup) AS lookups, COUNT(DISTINCT universal_player_id) AS players, COUNTIF(NOT REGEXP_CONTAINS(player_lookup, r'^[a-z]+$')) AS strange FROM nba_raw.nbac_gamebook_player_stats",
    );
    expect(lookups).toMatchObject({ lookups: lookups?.['players'], strange: '0' });
  });
});

describe('the pipeline on a small league with play-in and play-offs', { timeout: 60_000 }, () => {
  const phases = loadPhases();
  // Contexts are of players' last ten games, which a small league doesn't have.
  const pipeline = { ...phases, processors: phases.processors.filter(({ id }) => !id.startsWith('upcoming_')) };
  const range = ['2022-08-01', '2023-07-31'] as const;
  /** Checks that the league breaks, with what was planted in it. */
  const brokenBy = async (incidents: readonly Incident[], season: SeasonOptions): Promise<string[]> => {
    const connection = await openSimulatedData(pipeline, createLeague({ seed: 'small', seasons: [season], incidents }).games());
    try {
      await compute(connection, pipeline, range);
      return await brokenChecks(connection, pipeline, range);
    } finally {
      connection.closeSync();
    }
  };

  test('no check is broken, nor by a game that was postponed or a player with two spellings', async () => {
    const harmless: readonly Incident[] = [{ kind: 'postponed_game' }, { kind: 'two_spellings' }, { kind: 'corrected_box_score' }];
    expect(await brokenBy(harmless, { season: '2022-23', gamesPerTeam: 3, playIn: true, playoffs: true })).toEqual([]);
  });

  test.each([
    ['missing_play_by_play', 'bigdataball_play_by_play: expected_keys game_id'],
    ['partial_box_score', 'nbac_gamebook_player_stats: players_add_up_to_their_team'],
  ] as const)('%s is noticed', async (kind, check) => {
    expect(await brokenBy([{ kind }], { season: '2022-23', gamesPerTeam: 2 })).toContain(check);
  });
});
