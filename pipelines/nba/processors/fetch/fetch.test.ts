// Fetching against a server that misbehaves: what is recorded, what lies in the landing, how often the server was asked.
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSurroundings } from '@floodgate/core/app/code-surroundings.ts';
import type { CodeContext } from '@floodgate/core/app/deps.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { partitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { MemoryObjectStore } from '../../../../test/support/memory-object-store.ts';
import { faultsSchema } from '../../servers/faults.ts';
import { games, season, smallFeeds } from '../../servers/feed-server.fixture.ts';
import { startFeedServer, type FeedServer } from '../../servers/feed-server.ts';
import { ask, retryAfterMs } from './ask.ts';
import { fetchFeeds, type Feed } from './fetch-feeds.ts';
import { refreshSchedule, seasonsOf } from './schedule.ts';

const teams: Feed = { name: 'team_boxscores', expects: 'final_games' };
const key = (date: string): string => `team_boxscores/${date}.ndjson.gz`;

let server: FeedServer;
let landing: MemoryObjectStore;
let warnings: string[];
let surroundings: ReturnType<typeof createSurroundings>;

beforeEach(async () => {
  server = await startFeedServer({ feeds: smallFeeds, random: () => 0 });
  landing = new MemoryObjectStore();
  warnings = [];
  const settings = { source_url: server.url, source_per_second: '10000', source_backoff_ms: '1', source_timeout_seconds: '0.2', source_pause_seconds: '0.3' };
  surroundings = createSurroundings({ landing, settingsOf: () => settings });
});
afterEach(() => server[Symbol.asyncDispose]());

const contextOf = (dates: readonly string[], settings: Readonly<Record<string, string>> = {}, signal = new AbortController().signal): CodeContext => ({
  landing: surroundings.landing,
  shared: surroundings.shared,
  settings: { ...surroundings.settingsOf('nba'), ...settings },
  dates: dates.map((date) => partitionDate(date)),
  // The schedule's manifest as it would be for these games.
  query: async () =>
    dates.map((date) => {
      const final = games.filter((game) => game['game_date'] === date && game['home_score'] !== null).length;
      return { game_date: date, final_games: final, covered_games: final };
    }),
  clock: systemClock,
  random: () => 0.5,
  logger: { debug: () => undefined, info: () => undefined, warn: (_, message) => warnings.push(message), error: () => undefined },
  signal,
});

const fetched = async (dates: readonly string[], settings: Readonly<Record<string, string>> = {}): Promise<readonly JsonObject[]> =>
  Array.fromAsync(fetchFeeds(contextOf(dates, settings), [teams]));

const codeOf = async (work: Promise<unknown>): Promise<readonly [code: string, message: string]> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof FloodgateError ? [error.code, error.message] : ['none', String(error)];
};

const fault = (...faults: readonly object[]): void => server.faults.add(faultsSchema.parse(faults));
const asked = (): number => server.requests.get('team_boxscores') ?? 0;
const landed = async (date: string): Promise<string> => gunzipSync(await landing.read(key(date))).toString();

describe('an answer', () => {
  test('is landed as it came, and recorded with what the server and the schedule say', async () => {
    const [first, second] = await fetched(['2024-01-01', '2024-01-02']);
    expect(first).toMatchObject({
      game_date: '2024-01-01',
      feed: 'team_boxscores',
      object_key: key('2024-01-01'),
      is_landed: true,
      rows: 4,
      announced_rows: 4,
      games: 2,
      announced_games: 2,
      expected_games: 2,
    });
    expect(first?.['sha256']).toBe(first?.['announced_sha256']);
    expect(second).toMatchObject({ game_date: '2024-01-02', rows: 2, games: 1 });
    const text = await landed('2024-01-01');
    expect(text.trimEnd().split('\n')).toHaveLength(4);
    expect(first?.['bytes']).toBe(Buffer.byteLength(text));
  });

  test('that is the same as before leaves the object and its record as they were', async () => {
    const [before] = await fetched(['2024-01-01']);
    const etags = await landing.list('team_boxscores/*.gz');
    expect(await fetched(['2024-01-01'])).toEqual([before]);
    expect(await landing.list('team_boxscores/*.gz')).toEqual(etags);
  });

  test('that was corrected replaces the object', async () => {
    const [before] = await fetched(['2024-01-01']);
    fault({ kind: 'correct', feed: 'team_boxscores', where: { game_id: '0022300001', team: 'AAA' }, set: { pts: 11 } });
    const [after] = await fetched(['2024-01-01']);
    expect(after?.['sha256']).not.toBe(before?.['sha256']);
    expect(await landed('2024-01-01')).toContain('"pts":11');
  });

  test('whose object was lost is landed again', async () => {
    await fetched(['2024-01-01']);
    const other = new MemoryObjectStore();
    await other.write('manifest/team_boxscores/2024-01-01.json', await landing.read('manifest/team_boxscores/2024-01-01.json'));
    landing = other;
    surroundings = createSurroundings({ landing, settingsOf: surroundings.settingsOf });
    expect(await fetched(['2024-01-01'])).toMatchObject([{ is_landed: true }]);
    expect(await landed('2024-01-01')).not.toBe('');
  });

  test.each(['empty'])('%s though games are final, is recorded and not landed', async (kind) => {
    await fetched(['2024-01-01']);
    const before = await landed('2024-01-01');
    fault({ kind });
    expect(await fetched(['2024-01-01'])).toMatchObject([{ is_landed: false, rows: 0, announced_rows: 0, games: 0, expected_games: 2 }]);
    expect(await landed('2024-01-01')).toBe(before);
  });

  test('of another date is refused', async () => {
    fault({ kind: 'correct', feed: 'team_boxscores', where: { team: 'AAA' }, set: { game_date: '2024-01-09' } });
    expect(await codeOf(fetched(['2024-01-01']))).toEqual(['source_refused', 'team_boxscores 2024-01-01: line 1 is of "2024-01-09"']);
  });
});

describe('what heals by itself', () => {
  test.each([
    ['429', { retry_after: 0.05 }],
    ['500', {}],
    ['truncate', {}],
    ['cut', {}],
    ['hang', {}],
    ['slow', { delay_ms: 400 }],
  ])('%s, twice', async (kind, more) => {
    fault({ kind, times: 2, ...more });
    expect(await fetched(['2024-01-01'])).toMatchObject([{ is_landed: true, rows: 4 }]);
    expect(asked()).toBe(3);
    expect(warnings).toHaveLength(2);
  });
});

describe('what does not', () => {
  test.each([
    ['429', 'source_unavailable', /gave no whole answer in 3 tries; the last one: 429: too many requests/],
    ['500', 'source_unavailable', /gave no whole answer in 3 tries; the last one: 500/],
    ['truncate', 'source_incomplete', /gave no whole answer in 3 tries; the last one: 2 of 4 rows came/],
    ['hang', 'source_unavailable', /the last one: no whole answer within 0.2 s/],
  ])('%s ends with %s after the tries that are allowed, and lands nothing', async (kind, code, words) => {
    fault({ kind });
    const [found, message] = await codeOf(fetched(['2024-01-01'], { source_attempts: '3' }));
    expect([found, message]).toEqual([code, expect.stringMatching(words)]);
    expect(asked()).toBe(3);
    expect(await landing.list('team_boxscores/*')).toEqual([]);
  });

  test('no try begins after the deadline: a server that says to come back later is not waited for', async () => {
    fault({ kind: '429', retry_after: 3_600 });
    const [code, message] = await codeOf(fetched(['2024-01-01']));
    expect([code, message]).toEqual(['source_unavailable', expect.stringContaining('in 1 try')]);
    expect(asked()).toBe(1);
  });

  test('an unknown date or feed is not asked for twice', async () => {
    expect(await codeOf(ask(contextOf([]), 'nothing', '/v1/nothing/2024-01-01'))).toEqual(['source_refused', expect.stringContaining('404')]);
  });

  test('nobody said from where', async () => {
    expect((await codeOf(fetched(['2024-01-01'], { source_url: '' })))[0]).toBe('no_source_url');
  });
});

describe('a server that refuses us', () => {
  test('is asked once, for all dates of the source, until the pause is over', async () => {
    fault({ kind: '403' });
    const refused = ['source_blocked', `team_boxscores: the server refuses us (403: you are not welcome here): ${server.url}`];
    expect(await codeOf(fetched(['2024-01-01'], { source_pause_seconds: '0.3' }))).toEqual(refused);
    // In the same words: what is told of the dates is one cause.
    expect(await codeOf(fetched(['2024-01-02']))).toEqual(refused);
    expect(asked()).toBe(1);
    server.faults.clear();
    await systemClock.sleep(320);
    expect(await fetched(['2024-01-01'])).toMatchObject([{ is_landed: true }]);
  });

  test('for one source leaves the others alone', async () => {
    fault({ kind: '403', feed: 'play_by_play' });
    expect((await codeOf(ask(contextOf([]), 'play_by_play', '/v1/play_by_play/2024-01-01')))[0]).toBe('source_blocked');
    expect(await fetched(['2024-01-01'])).toMatchObject([{ is_landed: true }]);
  });
});

test('a 429 makes all dates of the source wait as long as the server says', async () => {
  fault({ kind: '429', times: 1, retry_after: 0.3 });
  const began = performance.now();
  await fetched(['2024-01-01']);
  await fetched(['2024-01-02']);
  expect(performance.now() - began).toBeGreaterThan(290);
});

test('requests of a source keep their distance', async () => {
  const began = performance.now();
  const dates = Array.from({ length: 5 }, (_, index) => `2024-01-0${index + 1}`);
  await fetched(dates, { source_per_second_team_boxscores: '20' });
  expect(performance.now() - began).toBeGreaterThan(190);
});

test('an abort ends a request that hangs', async () => {
  fault({ kind: 'hang' });
  const stop = new AbortController();
  const work = ask(contextOf([], { source_timeout_seconds: '60' }, stop.signal), 'team_boxscores', '/v1/team_boxscores/2024-01-01');
  void systemClock.sleep(30).then(() => stop.abort(new Error('enough')));
  await expect(work).rejects.toThrow('enough');
});

test('Retry-After is seconds or a date', () => {
  const now = Date.UTC(2024, 0, 1);
  expect([retryAfterMs('2', now), retryAfterMs('Mon, 01 Jan 2024 00:00:05 GMT', now), retryAfterMs('Sun, 31 Dec 2023 23:00:00 GMT', now)]).toEqual([
    2_000, 5_000, 0,
  ]);
  expect([retryAfterMs(null, now), retryAfterMs('soon', now)]).toEqual([0, 0]);
});

describe('the schedule', () => {
  const refresh = () => refreshSchedule(contextOf([]), landing, [season]);
  const gamesOn = async (date: string): Promise<number> =>
    gunzipSync(await landing.read(`games/${date}.ndjson.gz`))
      .toString()
      .split('\n').length - 1;

  test('is landed by date, and only what changed is new', async () => {
    expect(await refresh()).toEqual([{ season, games: 4, dates: 3, changed: 3 }]);
    expect([await gamesOn('2024-01-01'), await gamesOn('2024-01-03')]).toEqual([2, 1]);
    const before = await landing.list('games/*');
    expect(await refresh()).toEqual([{ season, games: 4, dates: 3, changed: 0 }]);
    expect(await landing.list('games/*')).toEqual(before);
  });

  test('of a postponed game leaves an empty object where there was a date', async () => {
    await refresh();
    fault({ kind: 'postpone', game_id: '0022300003', to: '2024-01-03' });
    expect(await refresh()).toEqual([{ season, games: 4, dates: 3, changed: 2 }]);
    expect([await gamesOn('2024-01-02'), await gamesOn('2024-01-03')]).toEqual([0, 2]);
  });

  test.each([
    ['empty', 'source_refused', /no games of this season/],
    ['403', 'source_blocked', /refuses us/],
    ['truncate', 'source_incomplete', /2 of 4 rows came/],
  ])('%s is an error, and never "no games"', async (kind, code, words) => {
    fault({ kind });
    expect(await codeOf(refresh())).toEqual([code, expect.stringMatching(words)]);
    expect(await landing.list('games/*')).toEqual([]);
  });

  test('is fetched for the seasons that the dates touch', () => {
    expect(seasonsOf('2024-01-24', '2024-01-28')).toEqual(['2023-24']);
    expect(seasonsOf('2021-10-19', '2024-12-31')).toEqual(['2021-22', '2022-23', '2023-24', '2024-25']);
    expect(seasonsOf('2024-07-31', '2024-08-01')).toEqual(['2023-24', '2024-25']);
    expect(seasonsOf('1999-12-01', '2000-01-01')).toEqual(['1999-00']);
  });
});
