// Nothing that happens on a date or after it may be in what is foretold for it. Histories are computed at once, with all that
// came later in the tables; then dates are computed anew on their mornings, and every row must be the same. A morning has no raw
// row of its date or after it but the pairings of the schedule, injury reports and lines stamped before tip-off, the registry of
// players, and the lines of the date that have no time (history.fixture.ts says why). Without those too, nothing may differ but
// the columns that come from lines.
// FLOODGATE_LEAKAGE_DATES=20 looks at so many dates of all seasons instead of a few of each (some minutes).
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Pipeline } from '@floodgate/core/domain/pipeline.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { computeProcessors, lookForLeaks } from './history.fixture.ts';
import { dataAbsent, loadPipeline, openRealData, query, type Range } from './nba.fixture.ts';

const pipeline = loadPipeline();
const wanted = Number(process.env['FLOODGATE_LEAKAGE_DATES'] ?? '0');
const timeout = 60_000 + wanted * 60_000;

type History = {
  readonly what: string;
  readonly range: Range;
  readonly dates: readonly string[];
  /** What makes each date worth a look: each of these finds rows on it. */
  readonly has: readonly string[];
};

const timedLines = 'SELECT 1 FROM nba_raw.odds_api_game_lines WHERE game_date = @start_date AND is_timed';
const untimedLines = 'SELECT 1 FROM nba_raw.odds_api_game_lines WHERE game_date = @start_date AND NOT is_timed';
const regression = 'SELECT 1 FROM nba_predictions.regression_estimates WHERE game_date = @start_date AND regression_points IS NOT NULL';
const playoffs = "SELECT 1 FROM nba_raw.nbac_schedule WHERE game_date = @start_date AND season_type = 'playoffs'";
const picks = "SELECT 1 FROM nba_predictions.player_prop_predictions WHERE game_date = @start_date AND recommendation IN ('OVER', 'UNDER')";

/** As short as gives features and, where it is asked for, the 2,000 rows that the regression learns from. */
const histories: readonly History[] = [
  // The first date after the opening weeks, one of the last on which not every team has 15 games, the largest night.
  { what: 'the first weeks of a season', range: ['2021-10-19', '2021-12-02'], dates: ['2021-11-02', '2021-11-19', '2021-11-24'], has: [untimedLines] },
  { what: 'lines with their times, and a regression', range: ['2022-12-15', '2023-02-12'], dates: ['2023-02-10'], has: [timedLines, regression] },
  { what: 'play-offs', range: ['2023-02-24', '2023-05-09'], dates: ['2023-05-07'], has: [playoffs, timedLines, regression] },
  { what: 'lines of players', range: ['2024-10-22', '2024-12-22'], dates: ['2024-12-20'], has: [picks, timedLines] },
];

const openHistory = async (range: Range): Promise<DuckDBConnection> => {
  const connection = await openRealData(pipeline);
  await computeProcessors(
    connection,
    pipeline.processors.filter(({ phase }) => phase >= 2),
    range,
  );
  return connection;
};

const judged = pipeline.processors.filter(({ id, phase }) => phase >= 4 && id !== 'prediction_accuracy').map(({ table }) => table);

/** Looks at each date, and sees that there was something to be seen: equal and empty proves nothing. */
const expectNoLeaks = async (connection: DuckDBConnection, dates: readonly string[]): Promise<void> => {
  const rowsOf = new Map<string, number>();
  for (const date of dates) {
    const leaks = await lookForLeaks(connection, pipeline, date);
    for (const { table, rows } of leaks) rowsOf.set(table, (rowsOf.get(table) ?? 0) + rows);
    expect(
      leaks.filter(({ differing }) => differing > 0),
      date,
    ).toEqual([]);
  }
  expect(judged.filter((table) => (rowsOf.get(table) ?? 0) === 0)).toEqual([]);
  expect(judged.length).toBeGreaterThanOrEqual(8);
};

/** Dates spread over the range, playoffs included; none of the last days, after which nothing comes that could leak. */
const spread = async (connection: DuckDBConnection, count: number): Promise<string[]> => {
  const rows = await query(
    connection,
    `SELECT DISTINCT game_date, season_year FROM nba_raw.nbac_schedule
    WHERE game_date BETWEEN DATE '2021-11-02' AND DATE '2024-12-24' AND EXTRACT(MONTH FROM game_date) != 10 ORDER BY game_date`,
  );
  return Array.from({ length: count }, (_, i) => String(rows[Math.floor(((i + 0.5) * rows.length) / count)]?.['game_date']));
};

/** Columns that come from lines, and how complete a row is with them. */
const fromLines =
  /line|spread|total|implied|^bookmaker|^features$|^feature_(?:names|count|quality_score)$|^quality_tier$|^missing_feature_count$|^market_quality_pct$|^over_probability$|^recommendation|^pass_reason$/;

/** A mistake is planted into one statement, which is computed for some days around the date; tells the tables in which it is seen. */
const planting =
  (connection: () => DuckDBConnection, date: string, around: Range) =>
  async (id: string, text: string, mistake: string): Promise<readonly string[]> => {
    const planted: Pipeline = {
      ...pipeline,
      processors: pipeline.processors.map((each) => (each.id === id ? { ...each, source: each.source.replaceAll(text, mistake) } : each)),
    };
    const changed = planted.processors.find((each) => each.id === id);
    expect(changed?.source).not.toBe(pipeline.processors.find((each) => each.id === id)?.source);
    const { table } = changed ?? { table: '' };
    await connection().run(`CREATE OR REPLACE TABLE kept AS SELECT * FROM ${table}`);
    try {
      await connection().run(`DELETE FROM ${table}`);
      await computeProcessors(
        connection(),
        planted.processors.filter((each) => each.id === id),
        around,
      );
      return (await lookForLeaks(connection(), planted, date, [id])).filter(({ differing }) => differing > 0).map((leak) => leak.table);
    } finally {
      await connection().run(`DELETE FROM ${table}`);
      await connection().run(`INSERT INTO ${table} SELECT * FROM kept`);
      await connection().run('DROP TABLE kept');
    }
  };

const plantMistakes = (connection: () => DuckDBConnection): void => {
  const leaksWith = planting(connection, '2021-11-24', ['2021-11-20', '2021-11-27']);

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
};

/** What only a date with all systems can show. */
const plantLateMistake = (connection: () => DuckDBConnection): void => {
  test("the systems' errors of the date itself among those of the 30 days before it are found", async () => {
    const leaksWith = planting(connection, '2023-02-10', ['2023-02-08', '2023-02-11']);
    const rule = 'AND DATE_SUB(d.game_date, INTERVAL 1 DAY)';
    expect(await leaksWith('player_prop_predictions', rule, 'AND d.game_date')).toContain('nba_predictions.player_prop_predictions');
  });
};

describe.skipIf(dataAbsent !== undefined).each(wanted > 0 ? [] : histories)(
  `on real games${dataAbsent === undefined ? '' : ` (${dataAbsent})`}: $what`,
  { timeout },
  ({ range, dates, has }) => {
    let connection: DuckDBConnection;
    beforeAll(async () => {
      connection = await openHistory(range);
    }, timeout);
    afterAll(() => connection.closeSync());

    test('a date computed on its morning has the rows that it has in the end', async () => {
      for (const date of dates) for (const rows of has) expect(await query(connection, rows, [date, date]), `${date}: ${rows}`).not.toEqual([]);
      await expectNoLeaks(connection, dates);
    });

    if (has.includes(untimedLines)) plantMistakes(() => connection);
    if (has.includes(regression) && !has.includes(playoffs)) plantLateMistake(() => connection);
    if (!has.includes(untimedLines) && !has.includes(picks)) return;

    test('without the lines that have no time, only what comes from lines differs', async () => {
      const leaks = await lookForLeaks(connection, pipeline, dates.at(-1) ?? '', undefined, 'deleted');
      const columns = [...new Set(leaks.flatMap((leak) => leak.columns))];
      expect(columns.filter((name) => !fromLines.test(name))).toEqual([]);
      // They were there and are used: without a difference this test would look at nothing.
      expect(columns).toEqual(expect.arrayContaining(has.includes(picks) ? ['f_points_line', 'recommendation'] : ['f_game_spread', 'f_game_total']));
      expect(leaks.filter(({ differing, columns: own }) => differing > 0 && own.length === 0)).toEqual([]);
    });
  },
);

if (wanted > 0)
  describe.skipIf(dataAbsent !== undefined)('on real games of all seasons', { timeout }, () => {
    test('a date computed on its morning has the rows that it has in the end', async () => {
      const connection = await openHistory(['2021-10-19', '2024-12-31']);
      await expectNoLeaks(connection, await spread(connection, wanted));
      connection.closeSync();
    });
  });
