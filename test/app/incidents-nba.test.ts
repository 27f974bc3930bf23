// Damage that the NBA tables of the system before carried for days or months (docs/incidents.md), done to the tables of an
// invented league: the declared checks name it. Over simulated games, so that it needs no data.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lintFiles } from '@floodgate/cli/lint-folder.ts';
import { brokenChecks, compute, loadPipeline, onlyPhases, openSimulatedData, query, type Range } from '../../pipelines/nba/nba.fixture.ts';
import { simulateLeague } from '../../pipelines/nba/sources/simulated-league.ts';

const pipeline = loadPipeline();

test('every table is held to an expectation that comes from elsewhere, and it blocks', () => {
  const unexpected = pipeline.processors
    .filter(({ audits }) => !audits.some(({ check, severity }) => severity === 'block' && (check.type === 'row_count' || check.type === 'expected_keys')))
    .map(({ id }) => id);
  expect(unexpected).toEqual([]);
  expect(pipeline.processors.length).toBeGreaterThan(10);
  for (const { id, table, audits } of pipeline.processors) {
    // Neither its own rows nor the table that it replaces may say how many there should be.
    for (const { check } of audits)
      if (check.type === 'row_count' || check.type === 'expected_keys')
        expect(check.sql, id).not.toMatch(new RegExp(`\\bstaged\\b|${table.replace('.', '\\.')}\\b`));
  }
});

test('the page about the pipeline names its tables as they are declared, and no others', () => {
  const page = readFileSync(join(import.meta.dirname, '../../pipelines/nba/README.md'), 'utf8');
  const named = [...page.matchAll(/^\| `(nba_[a-z_]+\.[a-z0-9_]+)` \|/gm)].map((match) => match[1] ?? '');
  expect(named.toSorted()).toEqual(pipeline.processors.map(({ table }) => table).toSorted());
});

describe('SQL and declarations that have drifted apart', () => {
  const folder = join(import.meta.dirname, '../../pipelines/nba');
  const readFolder = (name: string): readonly string[] =>
    readdirSync(join(folder, name), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  const processorFiles = [...readFolder('processors'), ...readFolder('checks')];
  /** Problems of the folder with one text in one file replaced. */
  const problemsWith = async (file: string, from: string, to: string): Promise<readonly string[]> => {
    const files = new Map(['pipeline.yaml', 'calendar.sql', ...processorFiles].map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
    const text = files.get(file) ?? '';
    expect(text).toContain(from);
    files.set(file, text.replaceAll(from, to));
    return (await lintFiles(files)).filter(({ severity }) => severity === 'error').map(({ file: at, message }) => `${at}: ${message}`);
  };

  test('a column that a statement reads and its upstream does not have is found before anything runs', async () => {
    const problems = await problemsWith('processors/team_defense_game_summary.sql', 'o.fg_attempts AS', 'o.fg_attempted AS');
    expect(problems).toEqual([expect.stringMatching(/^processors\/team_defense_game_summary\.sql: .*fg_attempted/)]);
  });

  test('a column that is renamed in its declaration alone is found where it is yielded', async () => {
    const id = 'team_id: { type: INT64, required: true, description:';
    const problems = await problemsWith('pipeline.yaml', id, id.replace('team_id', 'team_number'));
    expect(problems.join('\n')).toMatch(/processors\/nbac_team_boxscore\.sql: .*team_number/);
  });

  test('a key column that the table does not have is refused', async () => {
    const problems = await problemsWith('pipeline.yaml', 'key: [game_date, defending_team_abbr]', 'key: [game_date, team_abbr]');
    expect(problems.join('\n')).toMatch(/pipeline\.yaml: expected key columns among the columns, found "team_abbr"/);
  });
});

describe('on simulated games', { timeout: 60_000 }, () => {
  const pipeline = onlyPhases(loadPipeline(), 2, 3);
  let connection: DuckDBConnection;
  /** Three dates; the last has several games. */
  let range: Range;
  let game = '';
  let date = '';

  beforeAll(async () => {
    const games = [...simulateLeague({ seed: 'incidents', season: '2023-24' })].slice(0, 24);
    connection = await openSimulatedData(loadPipeline(), games);
    const [all] = await query(connection, 'SELECT MIN(game_date) AS first, MAX(game_date) AS last FROM source.games');
    range = [String(all?.['first']), String(all?.['last'])];
    await compute(connection, pipeline, range);
    const [one] = await query(connection, 'SELECT game_id, game_date FROM nba_raw.nbac_schedule ORDER BY game_date, game_id LIMIT 1');
    [game, date] = [String(one?.['game_id']), String(one?.['game_date'])];
  }, 60_000);
  afterAll(() => connection.closeSync());

  /** Runs `damage` on the first game (`$game`, `$date`), tells which checks it broke, and takes it back. */
  const brokenBy = async (damage: string): Promise<string[]> => {
    await connection.run('BEGIN');
    await connection.run(damage.replaceAll('$game', `'${game}'`).replaceAll('$date', `DATE '${date}'`));
    const broken = await brokenChecks(connection, pipeline, range);
    await connection.run('ROLLBACK');
    return broken;
  };

  test('undamaged, no check is broken', async () => {
    expect(await brokenChecks(connection, pipeline, range)).toEqual([]);
  });

  test.each([
    [
      'one game of the night that was never collected',
      'DELETE FROM nba_raw.nbac_gamebook_player_stats WHERE game_id = $game',
      'nbac_gamebook_player_stats: expected_keys game_id',
    ],
    [
      'two of the teams of a night',
      'DELETE FROM nba_analytics.team_offense_game_summary WHERE game_date = $date AND game_id != $game',
      'team_offense_game_summary: expected_keys game_id, team_abbr',
    ],
    [
      'one player of all who played',
      'DELETE FROM nba_analytics.player_game_summary WHERE game_date = $date AND universal_player_id != (SELECT MIN(universal_player_id) FROM nba_analytics.player_game_summary WHERE game_date = $date)',
      'player_game_summary: expected_keys game_id, universal_player_id',
    ],
    [
      'placeholder rows of a game that is still being played',
      'UPDATE source.games SET home_score = NULL, away_score = NULL WHERE game_date = $date',
      'nbac_team_boxscore: row_count',
    ],
    [
      'minutes that are all NULL',
      'UPDATE nba_analytics.player_game_summary SET minutes_played = NULL',
      'player_game_summary: not_null points, minutes_played, fg_attempts, fg_makes, three_pt_attempts, ft_attempts, turnovers, win_flag',
    ],
    ['a usage rate that nobody computes', 'UPDATE nba_analytics.player_game_summary SET usage_rate = NULL', 'player_game_summary: not_null usage_rate'],
    [
      'a win_flag that is FALSE on every row',
      'UPDATE nba_analytics.team_offense_game_summary SET win_flag = FALSE',
      'team_offense_game_summary: one_winner_per_game',
    ],
    [
      'zones that were never filled, of which everything later is made',
      'UPDATE nba_analytics.team_defense_game_summary SET opp_paint_attempts = NULL WHERE game_date = $date',
      'team_defense_game_summary: not_zero opp_paint_attempts, opp_paint_makes',
    ],
    [
      'players of the play-by-play under keys of their own',
      "UPDATE nba_raw.bigdataball_play_by_play SET player_1_id = '0' || player_1_id WHERE game_id = $game",
      'gate of raw: every_shooter_has_a_box_score',
    ],
    [
      'a file of events that was cut off',
      'DELETE FROM nba_raw.bigdataball_play_by_play WHERE game_id = $game AND event_sequence > 200',
      'bigdataball_play_by_play: events_add_up_to_the_score',
    ],
    ['a usage rate of 600 %', 'UPDATE nba_analytics.player_game_summary SET usage_rate = 600', 'player_game_summary: accepted_range usage_rate'],
    [
      'a table that writes HOME_AWAY where its sibling writes AWAY_HOME',
      "UPDATE nba_analytics.team_offense_game_summary SET game_id = SUBSTR(game_id, 1, 9) || SUBSTR(game_id, 14, 3) || '_' || SUBSTR(game_id, 10, 3)",
      'gate of analytics: joins_every_team_and_adds_up',
    ],
    [
      'another code for a team',
      "UPDATE nba_raw.nbac_team_boxscore SET team_abbr = 'BRK' WHERE game_id = $game AND is_home",
      'nbac_team_boxscore: expected_keys game_id, team_abbr',
    ],
    [
      'a team of the schedule under a code that has no games and no arena',
      "UPDATE nba_raw.nbac_schedule SET away_team_abbr = 'BRK' WHERE game_id = $game",
      'nbac_schedule: games_of_the_league',
    ],
    ['an exhibition that has a score', "UPDATE nba_raw.nbac_schedule SET season_type = 'all_star' WHERE game_id = $game", 'nbac_schedule: games_of_the_league'],
    [
      "the league's id in the place of ours",
      'UPDATE nba_raw.nbac_gamebook_player_stats SET game_id = nba_game_id',
      'nbac_gamebook_player_stats: expected_keys game_id',
    ],
  ])('%s: caught', async (_name, damage, check) => {
    expect(await brokenBy(damage)).toContain(check);
  });

  test('an All-Star night with scores is a date of the calendar, and its schedule is held back', async () => {
    await connection.run('BEGIN');
    await connection.run(`INSERT INTO source.games BY NAME SELECT * REPLACE ('0032300001' AS game_id, 'all_star' AS season_type, 'EST' AS home_team, 'WST' AS away_team,
      DATE '2024-02-18' AS game_date) FROM source.games LIMIT 1`);
    const night: Range = ['2024-02-18', '2024-02-18'];
    const calendar = await query(connection, pipeline.calendar.sql);
    const schedule = pipeline.processors.filter(({ id }) => id === 'nbac_schedule');
    await compute(connection, { ...pipeline, processors: schedule }, night);
    const broken = await brokenChecks(connection, { ...pipeline, processors: schedule }, night);
    await connection.run('ROLLBACK');
    expect(calendar.map((row) => row['date'])).toContain('2024-02-18');
    expect(broken).toContain('nbac_schedule: games_of_the_league');
  });

  test('the teams that the schedule may name are those that have an arena', () => {
    const read = (file: string): string => readFileSync(join(import.meta.dirname, '../../pipelines/nba', file), 'utf8');
    const allowed = /' ([A-Z ]+) ' AS teams/.exec(read('checks/games_of_the_league.sql'))?.[1] ?? '';
    const arenas = [...read('processors/upcoming_team_game_context.sql').matchAll(/SELECT '([A-Z]{3})'(?: AS team_abbr)?, -?\d/g)].map((match) => match[1]);
    expect(allowed.split(' ').toSorted((a, b) => a.localeCompare(b))).toEqual(arenas.toSorted((a, b) => (a ?? '').localeCompare(b ?? '')));
    expect(allowed.split(' ')).toHaveLength(30);
  });

  test('a date whose games have no scores yet, or never will, is not in the calendar', async () => {
    const dates = async (): Promise<readonly string[]> => (await query(connection, pipeline.calendar.sql)).map((row) => String(row['date']));
    expect(await dates()).toContain(date);
    await connection.run('BEGIN');
    await connection.run(`UPDATE source.games SET home_score = NULL, away_score = NULL WHERE game_date = DATE '${date}'`);
    expect(await dates()).not.toContain(date);
    await connection.run('ROLLBACK');
  });
});
