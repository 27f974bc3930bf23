// The invented league from a seed, through Parquet files and the whole engine: what `floodgate demo` shows, and the one
// backfill of the NBA pipeline that needs no data of anybody.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFolderCatalog } from '@floodgate/system/pipeline-folders.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { writeParquet } from '@floodgate/embedded/parquet-file.ts';
import { simulateLeague, type SimulatedGameRows } from '@floodgate/pipeline-nba/sources/simulated-league.ts';
import { createTemporaryFolder } from '../support/temporary-folder.ts';
import { laws } from './oracle/laws.ts';
import { checkKnownFacts } from './oracle/known-facts.ts';
import { pipelinesFolder, runOnce, type Ran } from './support/engine.ts';
import { readTables } from './support/tables.ts';

const league = { seed: 'e2e', season: '2023-24' };

/** Writes the files of all sources, and returns the rows of games, from which the truth is told. */
const writeLeague = async (data: string): Promise<SimulatedGameRows['games']> => {
  const loaded = await (await createFolderCatalog(pipelinesFolder)).load('nba');
  const games = [...simulateLeague(league)];
  for (const { name, files, columns } of loaded?.pipeline.sources ?? []) {
    const rows = games.flatMap((game) => game[name as keyof SimulatedGameRows] as unknown as readonly JsonObject[]);
    await writeParquet(join(data, (files[0] ?? '').replace('*', league.season)), columns, rows);
  }
  return games.flatMap((game) => game.games);
};

describe('a backfill of the simulated league', { timeout: 120_000 }, () => {
  const folder = createTemporaryFolder();
  let games: SimulatedGameRows['games'];
  let home: string;
  let range: { readonly first: string; readonly last: string };
  let ran: Ran;
  let processors: number;

  beforeAll(async () => {
    const data = join((await folder).path, 'data');
    home = join((await folder).path, 'home');
    await mkdir(data);
    games = await writeLeague(data);
    const loaded = await (await createFolderCatalog(pipelinesFolder)).load('nba');
    processors = loaded?.pipeline.processors.filter(({ phase }) => phase === 2 || phase === 3).length ?? 0;
    range = { first: games[0]?.game_date ?? '', last: games.at(-1)?.game_date ?? '' };
    ran = await runOnce({ home, data }, { pipeline: 'nba', range: { start: range.first, end: range.last }, phases: '2..3' });
  }, 120_000);

  afterAll(async () => (await folder)[Symbol.asyncDispose]());

  test('completes with both gates open, and warns of nothing but what nobody can know', () => {
    expect(ran.state).toBe('completed');
    expect(ran.result.gates.map(({ phase, state }) => ({ phase, state }))).toEqual([
      { phase: 2, state: 'open' },
      { phase: 3, state: 'open' },
    ]);
    const failed = ran.result.gates.flatMap(({ gate }) => gate?.checks ?? []).filter(({ outcome }) => outcome !== 'passed');
    // Lines of a player before his first game, whom the book knows by name alone; and who plays for the first time in 30 days.
    expect(failed.map(({ check, severity }) => [check, severity])).toEqual([
      ['every_line_is_of_a_player_who_can_be_told', 'warn'],
      ['new_arrivals', 'warn'],
    ]);
    const dates = new Set(games.map(({ game_date: date }) => date));
    expect(ran.result.counts.succeeded).toBe(processors * dates.size);
  });

  test('every game ends in the tables with its score, and the laws of the game hold', async () => {
    using tables = await readTables(home);
    const found = await tables.query(
      `SELECT game_date, nba_game_id, home_team_score AS home, away_team_score AS away,
         (SELECT sum(points) FROM actual.nba_analytics.player_game_summary AS p WHERE p.game_date = s.game_date AND p.game_id = s.game_id) AS points
       FROM actual.nba_raw.nbac_schedule AS s ORDER BY nba_game_id`,
    );
    expect(found.map(({ game_date: date, nba_game_id: id, home: at, away, points }) => [String(date), id, Number(at), Number(away), Number(points)])).toEqual(
      games.map((game) => [game.game_date, game.game_id, game.home_score, game.away_score, (game.home_score ?? 0) + (game.away_score ?? 0)]),
    );
    expect(await tables.inconsistencies()).toEqual([]);
    const { checked, violations } = await checkKnownFacts(
      (sql) => tables.query(sql),
      range,
      (table) => `actual.${table}`,
    );
    expect(violations.filter((line) => laws.some(({ name }) => line.startsWith(name)))).toEqual([]);
    expect(laws.filter(({ name }) => checked.includes(name))).toHaveLength(laws.length);
  });
});
