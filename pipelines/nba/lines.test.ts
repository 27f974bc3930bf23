// Betting lines written by hand: which of many is the one that counts, and who is meant where a book knows only a name.
import type { DuckDBConnection } from '@duckdb/node-api';
import { duckdbType } from '@floodgate/sql/duckdb/names.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { brokenChecks, loadPipeline, openSimulatedData, type Range, type Row } from './nba.fixture.ts';
import { fillTable, openSmallTables, runProcessor } from './small-tables.fixture.ts';

const pipeline = loadPipeline();
const date = '2024-01-10';
const day: Range = [date, date];
const game = { game_id: '0022300001', season: '2023-24', season_type: 'regular', game_date: date, home_team: 'BOS', away_team: 'LAL' };
const start = '2024-01-11 00:30:00';
const shapeOf = (name: string) =>
  Object.fromEntries((pipeline.sources.find((source) => source.name === name)?.columns ?? []).map((column) => [column.name, duckdbType(column.type)]));

let connection: DuckDBConnection;
const fill = (name: string, rows: readonly Row[]): Promise<void> => fillTable(connection, `source.${name}`, shapeOf(name), rows);

beforeAll(async () => {
  connection = await openSmallTables();
  await connection.run('CREATE SCHEMA source');
  await fill('games', [{ ...game, season_year: 2023, start_time_utc: start }]);
});
afterAll(() => connection.closeSync());

describe('lines of players', () => {
  const line = (bookmaker: string, value: number, more: Row = {}): Row => ({
    ...game,
    source: 'tests',
    player_id: 7,
    player_name: 'Bojan Bogdanović',
    market: 'player_points',
    bookmaker,
    line: value,
    over_price: -110,
    under_price: -110,
    snapshot_utc: '2024-01-10 20:00:00',
    ...more,
  });
  const box = (player: number, name: string, team: string, on = '2024-01-08'): Row => ({
    ...game,
    game_id: '0022300000',
    game_date: on,
    player_id: player,
    player_name: name,
    team,
    opponent: 'NYK',
    is_home: true,
  });
  const run = async (props: readonly Row[], boxes: readonly Row[] = []): Promise<Row[]> => {
    await fill('player_props', props);
    await fill('player_boxscores', boxes);
    return runProcessor(connection, 'odds_api_player_points_props', day);
  };
  const counting = async (props: readonly Row[]): Promise<Row> => {
    const rows = (await run(props)).filter((row) => row['is_closing_line']);
    expect(rows).toHaveLength(1);
    return { bookmaker: rows[0]?.['bookmaker'], line: Number(rows[0]?.['points_line']), at: rows[0]?.['snapshot_id'] };
  };

  test.each<[string, readonly Row[], string, number]>([
    ['DraftKings before FanDuel', [line('fanduel', 20.5), line('draftkings', 21.5), line('betmgm', 22.5)], 'draftkings', 21.5],
    ['FanDuel before the others', [line('betmgm', 22.5), line('fanduel', 20.5)], 'fanduel', 20.5],
    ['the others by name', [line('underdog', 22.5), line('prizepicks', 20.5)], 'prizepicks', 20.5],
    ['the last before the start', [line('draftkings', 20.5, { snapshot_utc: '2024-01-10 12:00:00' }), line('draftkings', 21.5)], 'draftkings', 21.5],
    ['none of after the start', [line('draftkings', 20.5), line('draftkings', 35.5, { snapshot_utc: '2024-01-11 01:30:00' })], 'draftkings', 20.5],
    ['none of the start itself', [line('fanduel', 20.5), line('draftkings', 35.5, { snapshot_utc: '2024-01-11 00:30:00' })], 'fanduel', 20.5],
    ['a time that is known before a better book without one', [line('draftkings', 20.5, { snapshot_utc: null }), line('betmgm', 21.5)], 'betmgm', 21.5],
    ['no time at all where no line has one', [line('betmgm', 21.5, { snapshot_utc: null }), line('fanduel', 20.5, { snapshot_utc: null })], 'fanduel', 20.5],
    [
      'of alternate lines the most even one',
      [
        line('draftkings', 15.5, { over_price: -400, under_price: 280 }),
        line('draftkings', 21.5, { over_price: 100, under_price: -120 }),
        line('draftkings', 25.5, { over_price: 220, under_price: -300 }),
      ],
      'draftkings',
      21.5,
    ],
    // -105 and +105 are as even as -110 and -110, though their numbers are 210 apart.
    [
      'even by what prices say, not by their difference',
      [line('draftkings', 20.5, { over_price: -150, under_price: -101 }), line('draftkings', 21.5, { over_price: -105, under_price: 105 })],
      'draftkings',
      21.5,
    ],
    [
      'a line with two sides before one with one',
      [line('draftkings', 0.5, { under_price: null }), line('draftkings', 21.5, { over_price: -140 })],
      'draftkings',
      21.5,
    ],
  ])('%s', async (_name, props, bookmaker, points) => {
    expect(await counting(props)).toMatchObject({ bookmaker, line: points });
    expect(await counting(props.toReversed())).toMatchObject({ bookmaker, line: points });
  });

  test('the opening line is the first of the same book', async () => {
    const rows = await run([
      line('fanduel', 18.5, { snapshot_utc: '2024-01-10 08:00:00' }),
      line('draftkings', 19.5, { snapshot_utc: '2024-01-10 12:00:00' }),
      line('draftkings', 21.5),
    ]);
    const opening = rows.filter((row) => row['is_opening_line']);
    expect(opening.map((row) => [row['bookmaker'], Number(row['points_line']), row['minutes_before_tipoff']])).toEqual([['draftkings', 19.5, '750']]);
  });

  test('only lines of points, and each once however often it was delivered', async () => {
    const rows = await run([line('draftkings', 21.5), line('draftkings', 21.5), line('draftkings', 6.5, { market: 'player_assists' })]);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ game_id: '20240110_LAL_BOS', universal_player_id: '7', player_lookup: 'bojanbogdanovic', is_timed: true, team_abbr: null });
  });

  test('a name without an id is the one player of the two teams who has it', async () => {
    const nameless = line('draftkings', 21.5, { player_id: null, player_name: "De'Aaron Fox Jr." });
    const found = await run([nameless], [box(3, 'DeAaron Fox Jr', 'LAL'), box(4, 'Deaaron Fox Jr.', 'SAC')]);
    expect(found).toMatchObject([{ universal_player_id: '3', team_abbr: 'LAL' }]);
    expect(await run([nameless], [box(3, 'DeAaron Fox Jr', 'LAL'), box(4, 'Deaaron Fox Jr.', 'BOS')])).toEqual([]);
    expect(await run([nameless], [box(4, 'Deaaron Fox Jr.', 'SAC')])).toEqual([]);
    // His first game is the one that the line is for: nobody could know of it.
    expect(await run([nameless], [box(3, 'DeAaron Fox Jr', 'LAL', date)])).toEqual([]);
  });

  test('the team of a player is the one of the two that he played for last', async () => {
    const rows = await run(
      [line('draftkings', 21.5)],
      [box(7, 'Bojan Bogdanović', 'LAL', '2023-12-01'), box(7, 'Bojan Bogdanović', 'BOS'), box(7, 'Bojan Bogdanović', 'DET', '2024-01-09')],
    );
    expect(rows).toMatchObject([{ team_abbr: 'BOS' }]);
  });
});

describe('lines of games', () => {
  const quote = {
    ...game,
    source: 'tests',
    bookmaker: 'draftkings',
    snapshot_utc: '2024-01-10 12:00:00',
    hours_to_tip: 12.5,
    home_spread: -3.5,
    home_spread_price: -110,
    away_spread_price: -105,
    total: 228.5,
    over_price: -110,
    under_price: -110,
    home_ml: -160,
    away_ml: 140,
  };

  test('a row has six outcomes, spreads with opposite signs', async () => {
    await fill('odds', [quote]);
    const rows = await runProcessor(connection, 'odds_api_game_lines', day);
    const said = rows.map((row) => [row['market_key'], row['outcome_name'], row['outcome_point'], row['outcome_price']].join(' '));
    expect(rows).toHaveLength(6);
    expect(new Set(said)).toEqual(
      new Set(['h2h away  140', 'h2h home  -160', 'spreads away 3.5 -105', 'spreads home -3.5 -110', 'totals over 228.5 -110', 'totals under 228.5 -110']),
    );
    expect(rows[0]).toMatchObject({ game_id: '20240110_LAL_BOS', snapshot_id: '2024-01-10T12:00:00Z', hours_before_tipoff: 12.5, is_timed: true });
  });

  test('what was delivered twice stands there once; two that differ at one time are told of', async () => {
    const processor = pipeline.processors.find(({ id }) => id === 'odds_api_game_lines')!;
    const small = { ...pipeline, phases: [], processors: [processor], sources: pipeline.sources.filter(({ name }) => ['odds', 'games'].includes(name)) };
    for (const [second, warnings] of [
      [quote, []],
      [{ ...quote, home_spread: -4.5 }, ['odds_api_game_lines: one_line_at_a_time']],
    ] as const) {
      const own = await openSimulatedData(small, [
        { games: [{ ...game, season_year: 2023, start_time_utc: start, home_score: 100, away_score: 90 }], odds: [quote, second] },
      ] as never);
      const rows = await runProcessor(own, 'odds_api_game_lines', day);
      expect(rows).toHaveLength(6);
      await own.run(
        `INSERT INTO ${processor.table} BY NAME SELECT unnest(from_json($rows, '${JSON.stringify([Object.fromEntries(processor.columns.map(({ name, type }) => [name, duckdbType(type)]))])}'), recursive := true)`,
        { rows: JSON.stringify(rows) },
      );
      expect(await brokenChecks(own, small, day)).toEqual([]);
      expect(await brokenChecks(own, small, day, 'warn')).toEqual(warnings);
      own.closeSync();
    }
  });

  test('a line without a time is untimed, and what is not offered has no row', async () => {
    await fill('odds', [{ ...quote, snapshot_utc: null, hours_to_tip: null, home_ml: null, away_ml: null, total: null }]);
    const rows = await runProcessor(connection, 'odds_api_game_lines', day);
    expect(new Set(rows.map((row) => row['outcome_name']))).toEqual(new Set(['home', 'away']));
    expect(rows).toHaveLength(2);
    for (const row of rows) expect(row).toMatchObject({ snapshot_id: 'untimed', is_timed: false, snapshot_timestamp: null, hours_before_tipoff: null });
  });
});
