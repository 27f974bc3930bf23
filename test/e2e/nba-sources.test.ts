// Phases 1 to 3 over a server that replays real dates: fetched tables equal those of the files, whatever the server does
// meanwhile; what doesn't heal by itself lies in the dead letters with its cause, and a correction reaches what it concerns.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { faultsSchema } from '../../pipelines/nba/servers/faults.ts';
import { startFeedServer, type FeedServer } from '../../pipelines/nba/servers/feed-server.ts';
import { openReplay } from '../../pipelines/nba/servers/replay.ts';
import { createTemporaryFolder } from '../support/temporary-folder.ts';
import { nbaDataAbsent, nbaDataFolder, oracleTables } from './oracle/oracle.ts';
import { floodgate, type Ended } from './support/command.ts';
import { readTables } from './support/tables.ts';

/** The first dates of a season: no window reaches back from there. */
const dates = ['--start', '2023-10-24', '--end', '2023-10-28'];
/** The tables that a replay of these files has been compared with for years: the other ones of phase 2 and 3 read more sources. */
const compared = oracleTables.map(({ table }) => table);

describe.skipIf(nbaDataAbsent !== undefined)(`fetched sources${nbaDataAbsent === undefined ? '' : ` (${nbaDataAbsent})`}`, { timeout: 300_000 }, () => {
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  let server: FeedServer;
  let fromFiles: string;

  const run = (home: string, ...words: readonly string[]): Promise<Ended> =>
    floodgate([...words, '--home', home, ...(words[0] === 'backfill' || words[0] === 'plan' ? ['--workers', '2'] : [])], {
      cwd: folder.path,
      environment: { FLOODGATE_NBA_SOURCE_PER_SECOND: '1000', FLOODGATE_NBA_SOURCE_BACKOFF_MS: '2', FLOODGATE_NBA_SOURCE_TIMEOUT_SECONDS: '5' },
    });
  const fetchAll = (home: string): Promise<Ended> => run(home, 'backfill', '--source-url', server.url, '--phases', '1..3', ...dates);
  const fault = (...faults: readonly object[]): void => server.faults.add(faultsSchema.parse(faults));

  const expectSameTables = async (home: string): Promise<void> => {
    using tables = await readTables(home);
    expect(await tables.differencesFrom(fromFiles)).toEqual([]);
    expect(await tables.inconsistencies()).toEqual([]);
  };

  beforeAll(async () => {
    folder = await createTemporaryFolder();
    server = await startFeedServer({ feeds: await openReplay(nbaDataFolder), random: () => 0 });
    fromFiles = join(folder.path, 'from-files');
    await mkdir(fromFiles);
    const { exitCode, err } = await run(fromFiles, 'backfill', '--data', nbaDataFolder, '--phases', '2..3', ...dates);
    if (exitCode !== 0) throw new Error(`the tables from files could not be made: ${err}`);
  }, 300_000);
  beforeEach(() => server.faults.clear());
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  test('equal the files row for row, and a correction makes exactly its dates stale', async () => {
    const home = join(folder.path, 'fetched');
    const { exitCode, out, err } = await fetchAll(home);
    expect([exitCode, err]).toEqual([0, '']);
    expect(out).toMatch(/^Schedule of 2021-22 to 2023-24 from http:\/\/127\.0\.0\.1:\d+: 3,962 games on 633 dates, 633 of them new or changed$/m);
    await expectSameTables(home);
    const manifest = await run(
      home,
      'sql',
      '--csv',
      'SELECT game_date, is_landed, rows, games, expected_games FROM nba_source.team_boxscores_manifest ORDER BY 1',
    );
    expect(manifest.out.trim().split('\n').slice(1)).toEqual(
      [
        ['2023-10-24', 4],
        ['2023-10-25', 24],
        ['2023-10-26', 4],
        ['2023-10-27', 22],
        ['2023-10-28', 14],
      ].map(([date, rows]) => `${date},true,${rows},${Number(rows) / 2},${Number(rows) / 2}`),
    );

    // Asked again, the same answers: nothing is new.
    const again = await run(
      home,
      'backfill',
      '--source-url',
      server.url,
      '--phases',
      '1..3',
      ...dates,
      '--processors',
      'fetch_gamebooks,fetch_odds',
      '--reprocess',
      'all',
    );
    expect(again.out).toMatch(/fetch_gamebooks +5 unchanged/);
    expect((await run(home, 'plan', '--phases', '2..3', ...dates, '--reprocess', 'stale', '--json')).out).toContain('"totalTasks":0');

    // The scorer of a free throw was Jae Crowder and not Damian Lillard: the sums of the team stay.
    const ofDate = (await (await fetch(`${server.url}/v1/player_boxscores/2023-10-26`)).text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, number | string>);
    for (const [name, change] of [
      ['Damian Lillard', -1],
      ['Jae Crowder', 1],
    ] as const) {
      const row = ofDate.find(({ player_name: player }) => String(player).startsWith(name)) ?? {};
      const set = Object.fromEntries(['pts', 'ftm', 'fta'].map((column) => [column, Number(row[column]) + change]));
      fault({ kind: 'correct', feed: 'player_boxscores', where: { game_id: row['game_id'], player_id: row['player_id'] }, set });
    }
    const logsOf = async (): Promise<ReadonlyMap<string, string>> => {
      using tables = await readTables(home);
      const entries = await Promise.all(
        compared.map(async (table) => [...(await tables.commitLog(table))].map(([date, entry]) => [`${table} ${date}`, JSON.stringify(entry)] as const)),
      );
      return new Map(entries.flat());
    };
    const before = await logsOf();
    const refetched = await run(home, 'backfill', '--source-url', server.url, ...dates, '--processors', 'fetch_gamebooks', '--reprocess', 'all');
    expect(refetched.out).toMatch(/fetch_gamebooks +1 succeeded, 4 unchanged/);
    const mended = await run(home, 'backfill', '--phases', '2..3', ...dates, '--reprocess', 'stale');
    expect([mended.exitCode, mended.err]).toEqual([0, '']);
    const after = await logsOf();
    expect([...after].filter(([key, entry]) => before.get(key) !== entry).map(([key]) => key)).toEqual([
      'nba_raw.nbac_gamebook_player_stats 2023-10-26',
      'nba_analytics.player_game_summary 2023-10-26',
    ]);
    const points = await run(
      home,
      'sql',
      '--csv',
      "SELECT points FROM nba_analytics.player_game_summary WHERE game_date = '2023-10-26' AND player_lookup = 'damianlillard'",
    );
    expect(points.out).toBe('points\n38\n');
  });

  test('heal from bursts of 429, broken and slow answers by themselves', async () => {
    const home = join(folder.path, 'bursts');
    fault(
      { kind: '429', feed: 'schedule', times: 3, retry_after: 0.05 },
      { kind: '429', feed: 'team_boxscores', times: 4, retry_after: 0.05 },
      { kind: '500', feed: 'play_by_play', times: 2 },
      { kind: 'truncate', feed: 'player_boxscores', times: 1 },
      { kind: 'cut', feed: 'play_by_play', date: '2023-10-26', times: 1 },
      { kind: 'slow', feed: 'odds', times: 1, delay_ms: 200 },
    );
    const { exitCode, err } = await fetchAll(home);
    expect([exitCode, err]).toEqual([0, '']);
    await expectSameTables(home);
  });

  test('that stay cut off, empty or refused end where a person sees them, with the cause; mended, they are brought to their end', async () => {
    const home = join(folder.path, 'dead-letters');
    fault(
      { kind: 'truncate', feed: 'play_by_play', date: '2023-10-26' },
      { kind: '403', feed: 'odds' },
      { kind: 'empty', feed: 'team_boxscores', date: '2023-10-27' },
    );
    const asked = server.requests.get('odds') ?? 0;
    const broken = await fetchAll(home);
    expect(broken.exitCode).toBe(1);
    expect(broken.out).toMatch(/source_incomplete.*2023-10-26|2023-10-26[^]*source_incomplete/);
    expect(broken.out).toMatch(/source_blocked/);
    expect(broken.out).toMatch(/fetch_play_by_play +4 succeeded, 1 failed/);
    expect(broken.out).toMatch(/fetch_odds +5 failed/);
    expect(broken.out).toMatch(/fetch_team_boxscores +4 succeeded, 1 quarantined/);
    // Whoever is refused doesn't knock again for every date: the dates of a span ask at once, six at most.
    expect((server.requests.get('odds') ?? 0) - asked).toBeLessThanOrEqual(6);
    const listed = await run(home, 'dlq', 'list');
    expect(listed.out).toMatch(/source_blocked/);
    expect(listed.out).toMatch(/source_incomplete/);

    server.faults.clear();
    const retried = await run(home, 'retry', '--only', 'quarantined', '--no-wait');
    expect([retried.exitCode, retried.err]).toEqual([0, '']);
    const replayed = await run(home, 'dlq', 'replay', '--all');
    expect([replayed.exitCode, replayed.err]).toEqual([0, '']);
    await expectSameTables(home);
  });

  test('of a schedule that can’t be read are not planned at all', async () => {
    const home = join(folder.path, 'no-schedule');
    fault({ kind: '403', feed: 'schedule' });
    const { exitCode, err } = await fetchAll(home);
    expect(exitCode).toBe(4);
    expect(err).toMatch(/error: schedule: the server refuses us \(403/);
    server.faults.clear();
    fault({ kind: 'empty', feed: 'schedule' });
    expect((await fetchAll(home)).err).toMatch(/the server has no games of this season/);
  });
});
