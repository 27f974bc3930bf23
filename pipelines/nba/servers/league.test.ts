// The simulated league as people start it, `npm run nba-sources -- --league …`, with what real seasons have: fewer games than
// 82, games that are put off, and lines from while games are played.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openLeague, parseIncident, parseShortened } from './league.ts';

type Row = Readonly<Record<string, unknown>>;

/** The first line of its output is its address. */
const startServer = async (...options: readonly string[]) => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), '--league', '--seasons', '2', '--port', '0', ...options]);
  let [out, err] = ['', ''];
  child.stderr.on('data', (chunk: Buffer) => (err += String(chunk)));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      out += String(chunk);
      if (out.includes('\n')) resolve(out.trim());
    });
    void ended.then(() => reject(new Error(err)));
  });
  return {
    rows: async (path: string): Promise<readonly Row[]> =>
      (await (await fetch(`${url}/v1/${path}`)).text())
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Row),
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await ended;
    },
  };
};

describe('a server of the league', { timeout: 60_000 }, () => {
  test('has a shortened season, games that are put off, and lines from while games are played, where it is asked for them', async () => {
    await using server = await startServer(
      '--shortened',
      '2023-24:72:2023-12-22',
      '--incident',
      'postponed_game:2024-02-01',
      '--incident',
      'postponed_game:2024-12-01',
      '--in-game-snapshots',
    );
    const seasons = { short: await server.rows('schedule/2023-24'), whole: await server.rows('schedule/2024-25') };
    const regular = (rows: readonly Row[]): readonly Row[] => rows.filter(({ season_type: type, home_score: score }) => type === 'regular' && score !== null);
    const dateOf = ({ game_date: date }: Row): string => String(date);

    // 30 teams, each of which plays so many games; the play-offs follow.
    expect([regular(seasons.short).length, regular(seasons.whole).length]).toEqual([(30 * 72) / 2, (30 * 82) / 2]);
    expect(seasons.short.map(dateOf).toSorted()[0]).toBe('2023-12-22');
    expect(seasons.short.filter(({ season_type: type }) => type === 'playoffs').length).toBeGreaterThan(50);

    // Each stands under its old date without a score, and under the new one with it.
    for (const [rows, from] of [
      [seasons.short, '2024-02-01'],
      [seasons.whole, '2024-12-01'],
    ] as const) {
      const [ghost, ...more] = rows.filter(({ home_score: score }) => score === null);
      expect(more).toEqual([]);
      expect(dateOf(ghost ?? {})).toBe(from);
      const [played] = rows.filter(({ game_id: id, home_score: score }) => id === ghost?.['game_id'] && score !== null);
      expect(dateOf(played ?? {}) > from).toBe(true);
      const boxScores = async (date: string): Promise<number> =>
        (await server.rows(`team_boxscores/${date}`)).filter(({ game_id: id }) => id === ghost?.['game_id']).length;
      expect([await boxScores(from), await boxScores(dateOf(played ?? {}))]).toEqual([0, 2]);
    }

    const hours = (await server.rows('odds/2024-03-01')).map(({ hours_to_tip: left }) => Number(left));
    expect([hours.some((left) => left > 0), hours.some((left) => left < 0)]).toEqual([true, true]);
  });

  test('has whole seasons and what was known before tip-off, where it is not', async () => {
    await using server = await startServer();
    const games = await server.rows('schedule/2023-24');
    expect(games.filter(({ season_type: type }) => type === 'regular')).toHaveLength(1_230);
    expect(games.filter(({ home_score: score }) => score === null)).toEqual([]);
    expect((await server.rows('odds/2024-03-01')).every(({ hours_to_tip: left }) => Number(left) > 0)).toBe(true);
  });

  test('that is asked for what it does not have ends with words', async () => {
    await expect(startServer('--incident', 'boredom')).rejects.toThrow('expected --incident to be one of postponed_game');
  });
});

test('an incident has a kind and perhaps a date, which tells its season', () => {
  expect(parseIncident('two_spellings')).toEqual({ kind: 'two_spellings' });
  expect(parseIncident('postponed_game:2024-03-05')).toEqual({ kind: 'postponed_game', date: '2024-03-05', season: '2023-24' });
  expect(parseIncident('postponed_game:2024-11-05')).toEqual({ kind: 'postponed_game', date: '2024-11-05', season: '2024-25' });
  expect(() => parseIncident('postponed_game:soon')).toThrow('found "soon"');
});

test('a shortened season has a number of games and perhaps a first date, and must be one of those that are served', () => {
  expect(parseShortened('2023-24:72')).toEqual({ season: '2023-24', gamesPerTeam: 72, playIn: true, playoffs: true });
  expect(parseShortened('2023-24:72:2023-12-22')).toMatchObject({ gamesPerTeam: 72, start: '2023-12-22' });
  for (const wrong of ['2023-24', '2023-24:many', '2023-24:83', '2023-24:72:2023-02-31']) expect(() => parseShortened(wrong)).toThrow('expected --shortened');
  expect(() => openLeague({ seed: 'demo', seasons: 1, shortened: [parseShortened('2019-20:72')] })).toThrow('found "2019-20"');
});
