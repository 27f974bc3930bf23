// A week over a server that refuses, throttles and cuts off, then postpones games and corrects a box score: what the user of
// docs/scenarios.md sees at each step, and that the tables are in the end those of a server that told the final truth from the start.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Pipeline } from '@floodgate/core/domain/pipeline.ts';
import { createFolderCatalog } from '@floodgate/system/pipeline-folders.ts';
import { faultsSchema } from '../../pipelines/nba/servers/faults.ts';
import { startFeedServer, type FeedServer } from '../../pipelines/nba/servers/feed-server.ts';
import { openReplay } from '../../pipelines/nba/servers/replay.ts';
import { createTemporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { nbaDataAbsent, nbaDataFolder, type OracleTable } from './oracle/oracle.ts';
import { floodgate, type Ended } from './support/command.ts';
import { pipelinesFolder } from './support/engine.ts';
import { readTables, type Tables } from './support/tables.ts';

/** The first dates of a season: no window reaches back from there. */
const dates = ['--start', '2023-10-24', '--end', '2023-10-28'];
/** HOU at ORL, one of 12 games of its date; neither team plays on the new one. */
const postponed = { kind: 'postpone', game_id: '0022300066', to: '2023-10-28' };
/** Both games of 2023-10-26: the date is none any more. */
const gone = '2023-10-26';
const allOfTheDate = ['0022300075', '0022300076'].map((id) => ({ kind: 'postpone', game_id: id, to: '2023-10-27' }));
/** A free throw of Jayson Tatum's was Jaylen Brown's; the team's sums stay. */
const corrections = [
  [1628369, -1],
  [1627759, 1],
] as const;

describe.skipIf(nbaDataAbsent !== undefined)(`sources that fail, postpone and correct${nbaDataAbsent === undefined ? '' : ` (${nbaDataAbsent})`}`, () => {
  let folder: TemporaryFolder;
  let server: FeedServer;
  let home: string;
  let tables: readonly OracleTable[];

  const run = (at: string, ...words: readonly string[]): Promise<Ended> =>
    floodgate([...words, '--home', at], {
      cwd: folder.path,
      environment: { FLOODGATE_WORKERS: '2', FLOODGATE_NBA_SOURCE_PER_SECOND: '1000', FLOODGATE_NBA_SOURCE_BACKOFF_MS: '2' },
    });
  const fetching = (at: string, ...words: readonly string[]): Promise<Ended> => run(at, 'backfill', '--source-url', server.url, ...dates, ...words);
  const fault = (...faults: readonly object[]): void => server.faults.add(faultsSchema.parse(faults));
  const look = async <T>(body: (read: Tables) => Promise<T>): Promise<T> => {
    using read = await readTables(home, tables);
    return await body(read);
  };
  /** Tables that have rows of a date, and of which game where one is named. */
  const rowsOf = (date: string, game?: string): Promise<readonly string[]> =>
    look(async (read) => {
      const found: string[] = [];
      for (const { table } of tables) {
        const [columns, where] = [await read.query(`DESCRIBE actual.${table}`), `game_date = DATE '${date}'`];
        const byGame = columns.some(({ column_name: name }) => name === 'nba_game_id');
        if (game !== undefined && !byGame) continue;
        const [counted] = await read.query(
          `SELECT count(*) AS n FROM actual.${table} WHERE ${where}${game === undefined ? '' : ` AND nba_game_id = '${game}'`}`,
        );
        if (Number(counted?.['n']) > 0) found.push(table);
      }
      return found;
    });

  beforeAll(async () => {
    folder = await createTemporaryFolder();
    home = join(folder.path, 'home');
    // The seasons before would be asked for each time, and have nothing that these dates read.
    const feeds = { ...(await openReplay(nbaDataFolder)), seasons: async () => ['2023-24'] };
    server = await startFeedServer({ feeds, random: () => 0 });
    const pipeline = (await (await createFolderCatalog(pipelinesFolder)).load('nba'))?.pipeline as Pipeline;
    tables = pipeline.processors.filter(({ phase }) => phase === 2 || phase === 3).map(({ table, key }) => ({ table, key, oracle: '' }));
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  test(
    'bursts of 429 heal by themselves; 403 and a file that stays cut off are told by cause, with the command that goes on',
    { timeout: 120_000 },
    async () => {
      fault(
        { kind: '429', feed: 'team_boxscores', times: 4, retry_after: 0.05 },
        { kind: '403', feed: 'odds', times: 1 },
        { kind: 'truncate', feed: 'play_by_play', date: gone },
      );
      const { exitCode, out } = await fetching(home, '--phases', '1..3');
      expect(exitCode).toBe(1);
      expect(out).toMatch(/^✗ Backfill \S+ stopped: 6 dates of 100 did not succeed/m);
      expect(out).toMatch(/fetch_team_boxscores +5 succeeded/);
      // All dates of the source are one cause, whichever of them was refused and whichever not asked for any more.
      expect(out).toMatch(
        /✗ fetch_odds: 5 dates failed \(source_blocked\) .*\n +odds: the server refuses us \(403: you are not welcome here\): http:\S+\n +find out why/,
      );
      expect(out).toMatch(/✗ fetch_play_by_play: 1 date failed \(source_incomplete\) +2023-10-26\n.* in 5 tries; the last one: 551 of 1103 rows came\n/);
      const explained = (await run(home, 'explain')).out;
      expect(explained).toMatch(/bigdataball_play_by_play, nbac_gamebook_player_stats and 11 more processors: 65 dates, since the gate of phase 1 is blocked/);
      expect(explained).toMatch(/What to do\n +npx floodgate retry nba-\S+ /);
      expect((await run(home, 'dlq', 'list')).out).toMatch(/^6 dead letters of 2 causes$/m);

      server.faults.clear();
      const retried = await run(home, 'retry');
      expect([retried.exitCode, retried.err]).toEqual([0, '']);
      expect(retried.out).toMatch(/^6 dates of nba-\S+ are tried again\.$/m);
      expect((await run(home, 'dlq', 'list')).out).toBe('✓ No dead letters.\n');
    },
  );

  test('a game that is put off leaves no row under its old date, in any table', { timeout: 120_000 }, async () => {
    const before = await rowsOf('2023-10-25', postponed.game_id);
    expect(before.length).toBeGreaterThanOrEqual(9);
    fault(postponed);
    const { exitCode, out, err } = await fetching(home, '--phases', '1..3', '--reprocess', 'stale');
    expect([exitCode, err]).toEqual([0, '']);
    expect(out).toMatch(/^Schedule of .* 2 of them new or changed$/m);
    expect(out).toMatch(/fetch_schedule +2 succeeded/);
    expect(await rowsOf('2023-10-25', postponed.game_id)).toEqual([]);
    expect(await rowsOf(postponed.to, postponed.game_id)).toEqual(expect.arrayContaining([...before]));
  });

  test('a corrected box score reaches its date, and nothing else', { timeout: 120_000 }, async () => {
    for (const [player, change] of corrections) {
      const answer = await (await fetch(`${server.url}/v1/player_boxscores/2023-10-25`)).text();
      const row = answer
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, number | string>)
        .find(({ player_id: id }) => id === player);
      const set = Object.fromEntries(['pts', 'ftm', 'fta'].map((column) => [column, Number(row?.[column]) + change]));
      fault({ kind: 'correct', feed: 'player_boxscores', where: { game_id: '0022300065', player_id: player }, set });
    }
    const asked = await fetching(home, '--phases', '1', '--reprocess', 'all');
    expect(asked.out).toMatch(/fetch_gamebooks +1 succeeded, 4 unchanged/);
    expect(asked.out).toMatch(/fetch_play_by_play +5 unchanged/);
    const mended = await run(home, 'backfill', '--phases', '2..3', ...dates, '--reprocess', 'stale');
    expect([mended.exitCode, mended.err]).toEqual([0, '']);
    expect(mended.out).toMatch(/nbac_gamebook_player_stats +1 succeeded +\d/);
    const points =
      "SELECT points FROM nba_analytics.player_game_summary WHERE universal_player_id IN ('1628369', '1627759') AND game_date = '2023-10-25' ORDER BY 1";
    expect((await run(home, 'sql', '--csv', points)).out).toBe('points\n12\n33\n');
  });

  test('a date without any game left holds the gates until somebody has it emptied; then the same backfill goes on', { timeout: 120_000 }, async () => {
    fault(...allOfTheDate);
    const held = await fetching(home, '--phases', '1..3', '--reprocess', 'stale');
    expect(held.exitCode).toBe(3);
    expect(held.out).toMatch(/✗ fetch_schedule off_calendar: 1 date holds rows and is not in the calendar any more, and windows still read them: 2023-10-26\n/);
    expect(held.out).toMatch(/npx floodgate reconcile --clear-off-calendar --pipeline nba --home/);
    expect(await rowsOf(gone)).not.toEqual([]);
    const cleared = await run(home, 'reconcile', '--clear-off-calendar');
    expect([cleared.exitCode, cleared.err]).toEqual([0, '']);
    expect(cleared.out).toMatch(/nba_raw\.bigdataball_play_by_play +1,103 rows +2023-10-26\n/);
    expect(await rowsOf(gone)).toEqual([]);
    const retried = await run(home, 'retry');
    expect([retried.exitCode, retried.err]).toEqual([0, '']);
  });

  test(
    'in the end all tables are those of a server that told the final truth from the start, and nothing is left to be done',
    { timeout: 120_000 },
    async () => {
      const undisturbed = join(folder.path, 'undisturbed');
      const { exitCode, err } = await fetching(undisturbed, '--phases', '1..3');
      expect([exitCode, err]).toEqual([0, '']);
      await look(async (read) => {
        const differences = await read.differencesFrom(undisturbed);
        // That a date was emptied stays in the commit logs: without rows, and there only.
        expect(
          differences.filter((line) => !/commit log entries here alone, e\.g\. \[\{"date":"2023-10-26","content_hash":"[^"]*","rows":"?0"?\}\]$/.test(line)),
        ).toEqual([]);
        expect(await read.inconsistencies()).toEqual([]);
      });
      expect((await run(home, 'dlq', 'list')).out).toBe('✓ No dead letters.\n');
      expect((await run(home, 'quarantine', 'list')).out).toBe('✓ Nothing is quarantined.\n');
      expect((await run(home, 'plan', '--phases', '2..3', ...dates, '--reprocess', 'stale', '--json')).out).toContain('"totalTasks":0');
    },
  );
});
