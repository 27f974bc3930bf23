// Nothing that happens on a date or after it may be in what is foretold for it. The whole range is computed at once, with all that
// came later in the tables; then dates are computed anew on their mornings, and every row must be the same.
// FLOODGATE_LEAKAGE_DATES=20 looks at so many dates of all seasons instead of a few of one (some minutes).
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Pipeline } from '@floodgate/core/domain/pipeline.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { computeProcessors, lookForLeaks } from './history.fixture.ts';
import { dataAbsent, loadPipeline, openRealData, query, type Range } from './nba.fixture.ts';

const pipeline = loadPipeline();
const wanted = Number(process.env['FLOODGATE_LEAKAGE_DATES'] ?? '0');
const range: Range = wanted > 0 ? ['2021-10-19', '2024-12-31'] : ['2021-10-19', '2021-12-02'];
// The first date after the opening weeks, one of the last on which not every team has 15 games, the largest night.
const few = ['2021-11-02', '2021-11-19', '2021-11-24'];

/** Dates spread over the range, playoffs included; none of the last days, after which nothing comes that could leak. */
const spread = async (connection: DuckDBConnection, count: number): Promise<string[]> => {
  const rows = await query(
    connection,
    `SELECT DISTINCT game_date, season_year FROM nba_raw.nbac_schedule
    WHERE game_date BETWEEN DATE '2021-11-02' AND DATE '2024-12-24' AND EXTRACT(MONTH FROM game_date) != 10 ORDER BY game_date`,
  );
  return Array.from({ length: count }, (_, i) => String(rows[Math.floor(((i + 0.5) * rows.length) / count)]?.['game_date']));
};

describe.skipIf(dataAbsent !== undefined)(`on real games${dataAbsent === undefined ? '' : ` (${dataAbsent})`}`, { timeout: 60_000 + wanted * 60_000 }, () => {
  let connection: DuckDBConnection;
  let dates: readonly string[] = few;

  beforeAll(
    async () => {
      connection = await openRealData(pipeline);
      await computeProcessors(
        connection,
        pipeline.processors.filter(({ phase }) => phase >= 2),
        range,
      );
      if (wanted > 0) dates = await spread(connection, wanted);
    },
    60_000 + wanted * 30_000,
  );
  afterAll(() => connection.closeSync());

  test('a date computed on its morning has the rows that it has in the end', async () => {
    const rowsOf = new Map<string, number>();
    for (const date of dates) {
      const leaks = await lookForLeaks(connection, pipeline, date);
      for (const { table, rows } of leaks) rowsOf.set(table, (rowsOf.get(table) ?? 0) + rows);
      expect(
        leaks.filter(({ differing }) => differing > 0),
        date,
      ).toEqual([]);
    }
    // Equal and empty proves nothing: every table had rows to compare.
    const judged = pipeline.processors.filter(({ id, phase }) => phase >= 4 && id !== 'prediction_accuracy').map(({ table }) => table);
    expect(judged.filter((table) => (rowsOf.get(table) ?? 0) === 0)).toEqual([]);
    expect(judged.length).toBeGreaterThanOrEqual(2);
  });

  /** The pipeline with one piece of a statement changed, computed for a few days around the date into the same tables. */
  const leaksWith = async (id: string, text: string, mistake: string): Promise<readonly string[]> => {
    const date = '2021-11-24';
    const planted: Pipeline = {
      ...pipeline,
      processors: pipeline.processors.map((each) => (each.id === id ? { ...each, source: each.source.replaceAll(text, mistake) } : each)),
    };
    const changed = planted.processors.find((each) => each.id === id);
    expect(changed?.source).not.toBe(pipeline.processors.find((each) => each.id === id)?.source);
    const { table } = changed ?? { table: '' };
    await connection.run(`CREATE OR REPLACE TABLE kept AS SELECT * FROM ${table}`);
    try {
      await connection.run(`DELETE FROM ${table}`);
      await computeProcessors(
        connection,
        planted.processors.filter((each) => each.id === id),
        ['2021-11-20', '2021-11-27'],
      );
      return (await lookForLeaks(connection, planted, date, [id])).filter(({ differing }) => differing > 0).map((leak) => leak.table);
    } finally {
      await connection.run(`DELETE FROM ${table}`);
      await connection.run(`INSERT INTO ${table} SELECT * FROM kept`);
      await connection.run('DROP TABLE kept');
    }
  };

  test.each([
    ['a game of the date in the sample of a defence', 'team_defense_zone_analysis', 'd'],
    ['a game of the date in the sample of a shooter', 'player_shot_zone_analysis', 'd'],
    ['a game of the date in the averages of a player', 'player_daily_cache', 'p'],
  ])('%s is found', async (_what, id, dated) => {
    const rule = `r.game_date < ${dated}.game_date AND r.next_game_date >= ${dated}.game_date`;
    const mistake = `r.game_date <= ${dated}.game_date AND r.next_game_date > ${dated}.game_date`;
    expect(await leaksWith(id, rule, mistake)).toContain(pipeline.processors.find((each) => each.id === id)?.table);
  });

  test('a result read from the schedule of the date is found', async () => {
    const mistake =
      "IF((SELECT MAX(x.home_team_score) FROM nba_raw.nbac_schedule AS x WHERE x.game_date BETWEEN @start_date AND @end_date) > 0, 'complete', 'partial')";
    expect(await leaksWith('player_daily_cache', "IF(l.games >= 10, 'complete', 'partial')", mistake)).toContain('nba_precompute.player_daily_cache');
  });

  test("the league's average with the date itself among its 30 days, as it once was, is found", async () => {
    const leaks = await leaksWith('team_defense_zone_analysis', 'AND DATE_SUB(d.game_date, INTERVAL 1 DAY)', 'AND d.game_date');
    expect(leaks).toContain('nba_precompute.team_defense_zone_analysis');
  });
});
