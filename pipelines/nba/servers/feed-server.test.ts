import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { smallFeeds } from './feed-server.fixture.ts';
import { startFeedServer, type FeedServer } from './feed-server.ts';
import { openLeague } from './league.ts';

describe('a server of feeds', () => {
  let server: FeedServer;
  beforeEach(async () => {
    server = await startFeedServer({ feeds: smallFeeds, random: () => 0.4 });
  });
  afterEach(() => server[Symbol.asyncDispose]());
  const get = (path: string): Promise<Response> => fetch(`${server.url}${path}`);
  const post = (body: unknown): Promise<Response> => fetch(`${server.url}/faults`, { method: 'POST', body: JSON.stringify(body) });

  test('says how many rows and games an answer has', async () => {
    const answer = await get('/v1/schedule/2023-24');
    expect([answer.status, answer.headers.get('x-row-count'), answer.headers.get('x-game-count')]).toEqual([200, '4', '4']);
    expect((await answer.text()).trimEnd().split('\n')).toHaveLength(4);
    expect(await (await get('/v1/seasons')).json()).toEqual(['2023-24']);
    const none = await get('/v1/odds/2024-01-01');
    expect([none.status, none.headers.get('x-row-count'), await none.text()]).toEqual([200, '0', '']);
  });

  test.each([
    ['/v1/schedule/1950-51', 404, 'unknown_season'],
    ['/v1/nothing/2024-01-01', 404, 'unknown_feed'],
    ['/v1/odds/yesterday', 400, 'bad_date'],
    ['/', 404, 'unknown_feed'],
  ])('%s is an error in JSON', async (path, status, code) => {
    const answer = await get(path);
    expect([answer.status, await answer.json()]).toEqual([status, { error: { code, message: expect.any(String) } }]);
  });

  test('is told over HTTP to misbehave, so many times or for a share of the requests, and to stop', async () => {
    expect((await post([{ kind: '403', times: 1, feed: 'odds' }])).status).toBe(200);
    expect([(await get('/v1/odds/2024-01-01')).status, (await get('/v1/odds/2024-01-01')).status]).toEqual([403, 200]);
    await post([{ kind: '500', share: 0.3 }]);
    expect((await get('/v1/odds/2024-01-01')).status).toBe(200);
    await post([{ kind: '429', share: 0.5, retry_after: 7 }]);
    const refused = await get('/v1/odds/2024-01-01');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '7']);
    await fetch(`${server.url}/faults`, { method: 'DELETE' });
    expect((await get('/v1/odds/2024-01-01')).status).toBe(200);
    expect(await (await get('/requests')).json()).toEqual({ odds: 5 });
  });

  describe('a game that is put off', () => {
    const rowsOf = async (path: string): Promise<readonly Record<string, unknown>[]> => {
      const text = await (await get(path)).text();
      return text === ''
        ? []
        : text
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line) as Record<string, unknown>);
    };
    const games = async (date: string): Promise<readonly unknown[]> => (await rowsOf(`/v1/team_boxscores/${date}`)).map(({ game_id: id }) => id);
    const scheduled = async (): Promise<unknown> =>
      (await rowsOf('/v1/schedule/2023-24')).flatMap((row) => (row['game_id'] === '0022300002' ? [[row['game_date'], row['home_score']]] : []));
    const [first, second] = ['0022300001', '0022300002'];

    test('is gone from its date, and is with rows and score on the new one; put off again, it is on the last', async () => {
      await post([{ kind: 'postpone', game_id: second, to: '2024-01-03' }]);
      expect(await scheduled()).toEqual([['2024-01-03', 101]]);
      expect([await games('2024-01-01'), await games('2024-01-03')]).toEqual([
        [first, first],
        [second, second],
      ]);
      expect((await rowsOf('/v1/team_boxscores/2024-01-03')).map(({ game_date: date }) => date)).toEqual(['2024-01-03', '2024-01-03']);
      await post([{ kind: 'postpone', game_id: second, to: '2024-01-05' }]);
      expect(await scheduled()).toEqual([['2024-01-05', 101]]);
      expect([await games('2024-01-01'), await games('2024-01-03'), await games('2024-01-05')]).toEqual([[first, first], [], [second, second]]);
    });

    test('and is still to be played has no score and no rows', async () => {
      await post([{ kind: 'postpone', game_id: second, to: '2024-01-03', played: false }]);
      expect(await scheduled()).toEqual([['2024-01-03', null]]);
      expect([await games('2024-01-01'), await games('2024-01-03')]).toEqual([[first, first], []]);
    });
  });

  test('refuses a fault that it does not know', async () => {
    const answer = await post([{ kind: 'boredom' }]);
    expect([answer.status, await answer.json()]).toEqual([400, { error: { code: 'bad_faults', message: expect.any(String) } }]);
  });
});

test('the simulated league is served as it was known at an instant', async () => {
  await using server = await startFeedServer({ feeds: openLeague({ seed: 'demo', seasons: 1 }), random: () => 0 });
  const schedule = async (): Promise<readonly { readonly game_date: string; readonly home_score: number | null }[]> =>
    (await (await fetch(`${server.url}/v1/schedule/2024-25`)).text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly game_date: string; readonly home_score: number | null });
  const finals = async (): Promise<number> => (await schedule()).filter(({ home_score: score }) => score !== null).length;
  expect(await finals()).toBeGreaterThan(1_230);
  await fetch(`${server.url}/as-of`, { method: 'PUT', body: '2024-11-01T12:00:00Z' });
  const known = await schedule();
  const dates = known.filter(({ home_score: score }) => score !== null).map(({ game_date: date }) => date);
  expect(dates.length).toBeGreaterThan(20);
  expect(dates.every((date) => date < '2024-11-01')).toBe(true);
  const rows = async (feed: string, date: string): Promise<string | null> => (await fetch(`${server.url}/v1/${feed}/${date}`)).headers.get('x-row-count');
  expect(await rows('team_boxscores', '2024-11-20')).toBe('0');
  await fetch(`${server.url}/as-of`, { method: 'PUT', body: '' });
  expect(await rows('team_boxscores', '2024-11-20')).not.toBe('0');
});
