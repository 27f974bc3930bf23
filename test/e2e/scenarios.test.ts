// What docs/scenarios.md promises, on the simulated league: each scenario is one command that stands there word for word, run as
// people run it, and the tables afterwards are looked at. The scenarios follow one another on one home, as they do in life.
import { cp, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Pipeline } from '@floodgate/core/domain/pipeline.ts';
import { writeSimulatedData } from '@floodgate/cli/simulated-data.ts';
import { createFolderCatalog } from '@floodgate/system/pipeline-folders.ts';
import { createTemporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { floodgate, projectFolder, type Ended } from './support/command.ts';
import { rewriteFile } from './support/data-folder.ts';
import { pipelinesFolder } from './support/engine.ts';
import { readTables, type Tables } from './support/tables.ts';

type Result = {
  readonly backfillId: string;
  readonly state: string;
  readonly tasks: Readonly<Record<string, number>>;
  readonly leftOut: Readonly<Record<string, number>>;
};

/** Five weeks: long enough for every team to have 15 games, after which nothing is early any more. */
const league = { seed: 'scenarios', season: '2023-24', games: 280 };
/** From here on the lines of players come later. */
const linesFrom = '2023-11-14';

describe('scenarios on the simulated league', { timeout: 600_000 }, () => {
  let folder: TemporaryFolder;
  let pipeline: Pipeline;
  let documented: string;
  let [home, data]: [string, string] = ['', ''];

  /** Runs a command of docs/scenarios.md on the home. */
  const run = async (command: string, options: { readonly home?: string; readonly data?: string; readonly pipelines?: string } = {}): Promise<Ended> => {
    expect(documented).toContain(`npx floodgate ${command}\n`);
    return runAny(command.split(' '), options);
  };
  const runAny = (args: readonly string[], options: { readonly home?: string; readonly data?: string; readonly pipelines?: string } = {}): Promise<Ended> =>
    floodgate(
      [
        ...args,
        '--home',
        options.home ?? home,
        ...(args[0] === 'backfill' ? ['--data', options.data ?? data] : []),
        ...(options.pipelines === undefined ? [] : ['--pipelines', options.pipelines]),
        '--json',
      ],
      { cwd: folder.path },
    );
  const resultOf = ({ exitCode, out, err }: Ended, expected = 0): Result => {
    expect(exitCode, `${out}\n${err}`).toBe(expected);
    return JSON.parse(out) as Result;
  };
  const look = async <T>(at: string, body: (tables: Tables) => Promise<T>): Promise<T> => {
    const tables = await readTables(
      at,
      pipeline.processors.filter(({ phase }) => phase > 1).map(({ table, key }) => ({ table, key, oracle: '' })),
    );
    try {
      return await body(tables);
    } finally {
      tables[Symbol.dispose]();
    }
  };
  const datesOf = (table: string, where = 'TRUE'): Promise<readonly string[]> =>
    look(home, async (tables) =>
      (await tables.query(`SELECT DISTINCT game_date::VARCHAR AS date FROM actual.${table} WHERE ${where} ORDER BY 1`)).map(({ date }) => String(date)),
    );

  beforeAll(async () => {
    folder = await createTemporaryFolder();
    [home, data] = [join(folder.path, 'home'), join(folder.path, 'data')];
    documented = await readFile(join(projectFolder, 'docs/scenarios.md'), 'utf8');
    pipeline = (await (await createFolderCatalog(pipelinesFolder)).load('nba'))?.pipeline as Pipeline;
    await mkdir(data);
    await writeSimulatedData(pipeline, data, league, () => undefined);
    await cp(join(data, 'player_props.parquet'), join(folder.path, 'all_props.parquet'));
    await rewriteFile(data, 'player_props.parquet', `SELECT * FROM rows WHERE game_date < '${linesFrom}'`);
  }, 120_000);
  afterAll(async () => folder?.[Symbol.asyncDispose]());

  test('early season: nothing of phase 4 in the first 14 days, and rows that say how little they rest on', async () => {
    const { state, leftOut } = resultOf(await run('backfill --phases 2..5 --start 2023-10-24 --end 2023-11-10'));
    expect(state).toBe('completed');
    expect(leftOut['bootstrap']).toBeGreaterThan(0);
    const [first] = await datesOf('nba_precompute.player_daily_cache');
    expect(first).toBe('2023-11-07');
    await look(home, async (tables) => {
      const [zones] = await tables.query(
        "SELECT bool_and(early_season_flag) AS early, max(games_in_sample_10) AS games, count(*) AS n FROM actual.nba_precompute.player_shot_zone_analysis WHERE game_date < '2023-11-08'",
      );
      expect(zones?.['early']).toBe(true);
      expect(Number(zones?.['n'])).toBeGreaterThan(0);
      expect(Number(zones?.['games'])).toBeLessThan(10);
      const features = await tables.query('SELECT DISTINCT quality_tier AS tier FROM actual.nba_predictions.ml_feature_store_v2');
      expect(features.length).toBeGreaterThan(0);
      expect(features.map(({ tier }) => tier)).not.toContain('gold');
      // No row knows more games than have been played: 14 days are 4 to 8 of them.
      const [most] = await tables.query(`SELECT max(f.games_found) AS found, max(f.games_found - f.team_game_number + 1) AS too_many
        FROM actual.nba_predictions.ml_feature_store_v2 AS f WHERE f.game_date < '2023-11-10'`);
      expect(Number(most?.['found'])).toBeLessThan(10);
      expect(Number(most?.['too_many'])).toBeLessThanOrEqual(0);
    });
  });

  test('a full season with lookback: what the dates read before them comes along, and nothing after them', async () => {
    const fresh = join(folder.path, 'lookback');
    const { state } = resultOf(await run('backfill --phases 2..5 --start 2023-11-15 --end 2023-11-18', { home: fresh }));
    expect(state).toBe('completed');
    await look(fresh, async (tables) => {
      const range = async (table: string) =>
        (await tables.query(`SELECT min(game_date)::VARCHAR AS first, max(game_date)::VARCHAR AS last FROM actual.${table}`))[0];
      expect(await range('nba_predictions.prediction_accuracy')).toEqual({ first: '2023-11-15', last: '2023-11-18' });
      // The regression learns from all earlier dates of the season, so that their features come along.
      expect(await range('nba_precompute.player_daily_cache')).toEqual({ first: '2023-11-07', last: '2023-11-18' });
      const summaries = await range('nba_analytics.player_game_summary');
      expect(summaries).toEqual({ first: '2023-10-24', last: '2023-11-18' });
      const [counted] = await tables.query('SELECT count(*) AS n FROM actual.nba_predictions.player_prop_predictions');
      expect(Number(counted?.['n'])).toBeGreaterThan(500);
    });
  });

  test('gaps are filled, and what is there is left alone', async () => {
    const before = await datesOf('nba_analytics.player_game_summary');
    const { state, tasks, leftOut } = resultOf(await run('backfill'));
    expect(state).toBe('completed');
    expect(leftOut['already_fresh']).toBeGreaterThan(before.length);
    const after = await datesOf('nba_analytics.player_game_summary');
    expect(after.length).toBeGreaterThan(before.length);
    expect(tasks['succeeded']).toBeGreaterThan(0);
    expect((await run('validate coverage')).exitCode).toBe(0);
    // What early rows rest on grows with the season, and their scores with it.
    await look(home, async (tables) => {
      const [quality] = await tables.query(`SELECT
          avg(feature_quality_score) FILTER (game_date <= '2023-11-10') AS early_score, avg(feature_quality_score) FILTER (game_date >= '2023-11-26') AS late_score,
          avg((quality_tier = 'gold')::INT) FILTER (game_date <= '2023-11-10') AS early_gold, avg((quality_tier = 'gold')::INT) FILTER (game_date >= '2023-11-26') AS late_gold,
          avg(games_found) FILTER (game_date <= '2023-11-10') AS early_games, avg(games_found) FILTER (game_date >= '2023-11-26') AS late_games
        FROM actual.nba_predictions.ml_feature_store_v2`);
      for (const what of ['score', 'gold', 'games']) expect(Number(quality?.[`early_${what}`]), what).toBeLessThan(Number(quality?.[`late_${what}`]));
      expect(Number(quality?.['late_gold'])).toBeGreaterThan(0.5);
    });
    expect(resultOf(await run('backfill')).tasks['succeeded'] ?? 0).toBe(0);
  });

  test('lines that came later reach contexts, features and predictions of their dates', async () => {
    const noLine = "recommendation = 'NO_LINE'";
    const withLines = (where: string) => datesOf('nba_predictions.player_prop_predictions', `NOT ${noLine} AND ${where}`);
    expect(await withLines(`game_date >= '${linesFrom}'`)).toEqual([]);
    await cp(join(folder.path, 'all_props.parquet'), join(data, '.props.new'));
    await rename(join(data, '.props.new'), join(data, 'player_props.parquet'));
    const { state } = resultOf(await run('backfill --processors odds_api_game_lines+,odds_api_player_points_props+ --reprocess stale'));
    expect(state).toBe('completed');
    const dates = await datesOf('nba_predictions.player_prop_predictions', `game_date >= '${linesFrom}'`);
    expect(await withLines(`game_date >= '${linesFrom}'`)).toEqual(dates);

    // Picks against those lines, each graded by what the box score says of the player.
    await look(home, async (tables) => {
      const picks = await tables.query(`SELECT a.recommendation AS pick, a.recommendation_result AS result, count(*)::INT AS n,
          count(*) FILTER (a.recommendation_result = CASE WHEN s.points = a.current_points_line THEN 'PUSH'
            WHEN (s.points > a.current_points_line) = (a.recommendation = 'OVER') THEN 'WON' ELSE 'LOST' END)::INT AS as_played,
          count(*) FILTER (EXISTS (SELECT 1 FROM actual.nba_raw.odds_api_player_points_props AS o
            WHERE o.game_date = a.game_date AND o.universal_player_id = a.universal_player_id AND o.points_line = a.current_points_line
              AND o.minutes_before_tipoff > 0))::INT AS with_a_line
        FROM actual.nba_predictions.prediction_accuracy AS a
        JOIN actual.nba_raw.nbac_gamebook_player_stats AS s ON s.game_date = a.game_date AND s.universal_player_id = a.universal_player_id
        WHERE a.game_date >= '${linesFrom}' AND a.recommendation IN ('OVER', 'UNDER') AND a.is_graded GROUP BY ALL ORDER BY 1, 2`);
      expect(picks.map(({ pick, result }) => `${String(pick)} ${String(result)}`)).toEqual(
        expect.arrayContaining(['OVER LOST', 'OVER WON', 'UNDER LOST', 'UNDER WON']),
      );
      for (const { n, as_played: asPlayed, with_a_line: withALine } of picks) expect([asPlayed, withALine]).toEqual([n, n]);
      expect(picks.reduce((sum, { n }) => sum + Number(n), 0)).toBeGreaterThan(50);
    });
  });

  test('one date anew after a fix: what reads it follows, what stays as it was stops there', async () => {
    const fixed = '2023-11-12';
    await rewriteFile(
      data,
      'player_boxscores.parquet',
      `SELECT * REPLACE (CASE WHEN game_date = '${fixed}' AND row_number() OVER (PARTITION BY game_date ORDER BY minutes DESC, player_id) = 1 THEN minutes - 2 ELSE minutes END AS minutes) FROM rows`,
    );
    const { state, backfillId, tasks } = resultOf(await run('backfill --reprocess stale'));
    expect(state).toBe('completed');
    expect(tasks['unchanged']).toBeGreaterThan(0);
    const written = (table: string) => datesOf(table, `_backfill_id = '${backfillId}'`);
    expect(await written('nba_raw.nbac_gamebook_player_stats')).toEqual([fixed]);
    expect(await written('nba_analytics.player_game_summary')).toEqual([fixed]);
    expect(await written('nba_raw.bigdataball_play_by_play')).toEqual([]);
    const contexts = await written('nba_analytics.upcoming_player_game_context');
    expect(contexts.length).toBeGreaterThan(0);
    expect(contexts.every((date) => date > fixed)).toBe(true);
    // As if the data had been right from the beginning.
    const fresh = join(folder.path, 'fresh');
    resultOf(await runAny(['backfill'], { home: fresh }));
    await look(home, async (tables) => expect(await tables.differencesFrom(fresh)).toEqual([]));
  });

  test('a changed phase 3: all its dates anew, and the cascade stops where nothing differs', async () => {
    const changed = join(folder.path, 'pipelines');
    await cp(join(pipelinesFolder, 'nba'), join(changed, 'nba'), { recursive: true, filter: (path) => !path.includes('node_modules') });
    const file = join(changed, 'nba/processors/player_game_summary.sql');
    const sql = await readFile(file, 'utf8');
    expect(sql).toContain('COUNTIF(makes > 0 AND bonus_throws > 0) AS and1s');
    await writeFile(file, sql.replace('COUNTIF(makes > 0 AND bonus_throws > 0) AS and1s', 'COUNTIF(makes > 0 AND bonus_throws > 0 AND period <= 4) AS and1s'));
    await writeFile(
      file,
      (await readFile(file, 'utf8')).replace("    COUNTIF(zone = 'bonus') AS bonus_throws\n", "    COUNTIF(zone = 'bonus') AS bonus_throws,\n    period\n"),
    );
    const { state, tasks } = resultOf(await run('backfill --processors player_game_summary+ --reprocess stale', { pipelines: changed }));
    expect(state).toBe('completed');
    const summaries = await datesOf('nba_analytics.player_game_summary');
    // The summaries alone are computed: nearly all come out as they were, and what reads them has nothing to do.
    expect((tasks['succeeded'] ?? 0) + (tasks['unchanged'] ?? 0)).toBeGreaterThanOrEqual(summaries.length);
    expect(tasks['succeeded'] ?? 0).toBeLessThan(summaries.length / 2);
  });

  test('some dates failed: the cause mended, a replay finishes them and only them', async () => {
    const [own, broken, bad] = [join(folder.path, 'failed'), join(folder.path, 'broken-data'), '2023-11-03'];
    await cp(data, broken, { recursive: true });
    // A box score of which half is missing.
    await rewriteFile(broken, 'player_boxscores.parquet', `SELECT * FROM rows WHERE NOT (game_date = '${bad}' AND player_id % 2 = 0)`);
    const first = resultOf(await runAny(['backfill', '--phases', '2..3', '--start', '2023-10-24', '--end', '2023-11-08'], { home: own, data: broken }), 1);
    expect(first.state).toBe('blocked');
    expect(first.tasks['quarantined']).toBe(1);
    await cp(join(data, 'player_boxscores.parquet'), join(broken, '.whole'));
    await rename(join(broken, '.whole'), join(broken, 'player_boxscores.parquet'));
    expect(documented).toContain('npx floodgate retry <backfill>\n');
    const { state, tasks } = resultOf(await runAny(['retry', first.backfillId], { home: own }));
    expect(state).toBe('completed');
    expect(tasks['quarantined'] ?? 0).toBe(0);
    const dates = async (at: string): Promise<readonly Record<string, unknown>[]> =>
      look(at, (tables) =>
        tables.query(
          `SELECT * EXCLUDE (_generation, _backfill_id, processed_at) FROM actual.nba_analytics.player_game_summary WHERE game_date = '${bad}' ORDER BY universal_player_id`,
        ),
      );
    expect((await dates(own)).map((row) => ({ ...row, and1_count: 0, _row_hash: '' }))).toEqual(
      (await dates(home)).map((row) => ({ ...row, and1_count: 0, _row_hash: '' })),
    );
  });
});
