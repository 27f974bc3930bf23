// What was known when, and incidents that are planted on purpose.
import { describe, expect, test } from 'vitest';
import { createLeague, feeds, incidentKinds, type League, type SimulatedGameRows } from './simulated-league.ts';

/** Ten games a team, then everything that follows. */
const short = { season: '2022-23', gamesPerTeam: 10, playIn: true, playoffs: true } as const;
const league = createLeague({ seed: 'short', seasons: [short] });
const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
const hoursAfter = (instant: string, hours: number): string => new Date(Date.parse(instant) + hours * 3_600_000).toISOString();

describe('what was known at a moment', () => {
  const [date = ''] = league.dates().slice(6, 7);
  const [game] = league.rowsOf('games', date);
  const tipOff = game?.start_time_utc ?? '';

  test('a shortened season begins when it is told to and is shorter for every team', () => {
    const late = createLeague({ seed: 'short', seasons: [{ season: '2022-23', gamesPerTeam: 12, start: '2022-12-22' }] });
    const rows = late.schedule();
    expect(rows[0]?.game_date).toBe('2022-12-22');
    expect(rows).toHaveLength(180);
    expect(new Set(teamsOf(rows).values())).toEqual(new Set([12]));
  });

  test('date by date come the same rows as game by game, of every feed', () => {
    const small = createLeague({ seed: 'short', seasons: [{ ...short, gamesPerTeam: 4 }] });
    const inTurn = new Map<string, string[]>(feeds.map((feed) => [feed, []]));
    const asked = new Map<string, string[]>(feeds.map((feed) => [feed, []]));
    for (const rows of small.games()) for (const feed of feeds) for (const row of rows[feed]) inTurn.get(feed)?.push(JSON.stringify(row));
    for (const each of small.dates()) for (const feed of feeds) for (const row of small.rowsOf(feed, each)) asked.get(feed)?.push(JSON.stringify(row));
    for (const feed of feeds) {
      expect(asked.get(feed)?.length, feed).toBeGreaterThan(0);
      expect(asked.get(feed)?.toSorted(), feed).toEqual(inTurn.get(feed)?.toSorted());
    }
  });

  test('before it is played a game has no score, no box score and no lines of later', () => {
    const morning = hoursAfter(tipOff, -6);
    const [before] = league.rowsOf('games', date, morning);
    expect(before).toEqual({ ...game, home_score: null, away_score: null });
    for (const feed of ['team_boxscores', 'player_boxscores', 'play_by_play', 'player_statuses'] as const) {
      expect(league.rowsOf(feed, date, morning), feed).toEqual([]);
      expect(league.rowsOf(feed, date, hoursAfter(tipOff, 48)), feed).toEqual(league.rowsOf(feed, date));
    }
    const [props, all] = [league.rowsOf('player_props', date, morning), league.rowsOf('player_props', date)];
    expect(props.length).toBeGreaterThan(0);
    expect(props.length).toBeLessThan(all.length);
    for (const { played, snapshot_utc: at } of props) {
      expect(played).toBeNull();
      expect(Date.parse(at)).toBeLessThanOrEqual(Date.parse(morning));
    }
    const keyOf = ({ player_name: name, bookmaker, snapshot_utc: at }: (typeof all)[number]): string => `${name} ${bookmaker} ${at}`;
    const inTheEnd = new Map(all.map((row) => [keyOf(row), row.line]));
    for (const row of props) expect(inTheEnd.get(keyOf(row))).toBe(row.line);
  });

  test('all lines and reports are from before the game begins', () => {
    for (const each of league.dates()) {
      const starts = new Map(league.rowsOf('games', each).map((row) => [row.game_id, Date.parse(row.start_time_utc)]));
      for (const row of [...league.rowsOf('odds', each), ...league.rowsOf('player_props', each)])
        expect(Date.parse(row.snapshot_utc)).toBeLessThan(starts.get(row.game_id) ?? 0);
      for (const row of league.rowsOf('injury_reports', each)) expect(Date.parse(row.reported_at)).toBeLessThan(starts.get(row.game_id) ?? 0);
    }
  });

  test('snapshots from while games are played exist only when asked for, and know too much', () => {
    const leaky = createLeague({ seed: 'short', seasons: [short], inGameSnapshots: true });
    const late = leaky.rowsOf('player_props', date).filter((row) => Date.parse(row.snapshot_utc) > Date.parse(tipOff) && row.game_id === game?.game_id);
    expect(late.length).toBeGreaterThan(10);
    const points = new Map(league.rowsOf('player_boxscores', date).map((row) => [row.player_id, row.pts]));
    const misses = late.flatMap((row) => (points.has(row.player_id ?? 0) ? [Math.abs((points.get(row.player_id ?? 0) ?? 0) - row.line)] : []));
    expect(sum(misses) / misses.length).toBeLessThan(2);
    const beforeTipOff = (from: League) => from.rowsOf('player_props', date, hoursAfter(tipOff, -0.1)).filter((row) => row.game_id === game?.game_id);
    expect(beforeTipOff(leaky)).toEqual(beforeTipOff(league));
    expect(leaky.rowsOf('odds', date).some((row) => row.hours_to_tip < 0)).toBe(true);
  });

  test('the injury report is refined during the day: who was questionable is out or plays', () => {
    let [refined, outAndPlayed] = [0, 0];
    for (const each of league.dates().slice(0, 20)) {
      const [first] = league.rowsOf('games', each);
      const early = new Map(league.rowsOf('injury_reports', each, hoursAfter(first?.start_time_utc ?? '', -12)).map((row) => [row.player_id, row.status]));
      const played = new Set(league.rowsOf('player_boxscores', each).map((row) => row.player_id));
      for (const row of league.rowsOf('injury_reports', each)) {
        if (early.get(row.player_id) !== row.status) refined += 1;
        if (row.status === 'out' && played.has(row.player_id)) outAndPlayed += 1;
      }
    }
    expect(refined).toBeGreaterThan(20);
    expect(outAndPlayed).toBe(0);
  });

  test('nothing of the play-offs is in the schedule before the results that decide it', () => {
    const regular = league.schedule().filter((row) => row.season_type === 'regular');
    const lastDay = regular.at(-1)?.start_time_utc ?? '';
    expect(new Set(league.schedule(undefined, hoursAfter(lastDay, 1)).map((row) => row.season_type))).toEqual(new Set(['regular']));
    const kinds = new Set(league.schedule(undefined, hoursAfter(lastDay, 12)).map((row) => row.season_type));
    expect(kinds).toContain('playin');
    for (const each of league.dates().filter((day) => day > (regular.at(-1)?.game_date ?? ''))) {
      const known = league.schedule(undefined, `${each}T15:00:00Z`);
      const open = known.filter((row) => row.home_score === null);
      // Who has lost four games of a series never has another one announced.
      for (const row of open.filter((next) => next.season_type === 'playoffs')) {
        const series = known.filter((other) => other.game_id.slice(0, 9) === row.game_id.slice(0, 9) && other.home_score !== null);
        const wins = series.map((other) => ((other.home_score ?? 0) > (other.away_score ?? 0) ? other.home_team : other.away_team));
        // And a fifth, sixth or seventh game is announced when it is certain.
        const announced = known.filter((other) => other.game_id.slice(0, 9) === row.game_id.slice(0, 9)).length;
        expect(announced).toBeLessThanOrEqual(Math.max(4, series.length + 1));
        for (const team of [row.home_team, row.away_team]) expect(wins.filter((winner) => winner === team).length).toBeLessThan(4);
      }
    }
  });

  test('a series is won with four games, the better team begins at home, and one team is left', () => {
    const rows = league.schedule().filter((row) => row.season_type === 'playoffs');
    const series = Object.groupBy(rows, (row) => row.game_id.slice(0, 9));
    expect(Object.keys(series)).toHaveLength(15);
    for (const games of Object.values(series)) {
      const wins = Object.groupBy(games ?? [], (row) => ((row.home_score ?? 0) > (row.away_score ?? 0) ? row.home_team : row.away_team));
      expect(Math.max(...Object.values(wins).map((won) => won?.length ?? 0))).toBe(4);
      expect(games?.map((row) => row.home_team === games[0]?.home_team)).toEqual([true, true, false, false, true, false, true].slice(0, games?.length));
    }
  });
});

const teamsOf = (rows: readonly { readonly home_team: string; readonly away_team: string }[]): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const { home_team: home, away_team: away } of rows) for (const team of [home, away]) counts.set(team, (counts.get(team) ?? 0) + 1);
  return counts;
};

describe('incidents', () => {
  const regular = { season: '2022-23', gamesPerTeam: 20 };
  const withIncident = (kind: (typeof incidentKinds)[number], more: { readonly date?: string; readonly repairedAfterHours?: number } = {}) => {
    const damaged = createLeague({ seed: 'short', seasons: [regular], incidents: [{ kind, ...more }] });
    const [planted] = damaged.incidents;
    if (planted === undefined) throw new Error('nothing was planted');
    return { damaged, planted };
  };
  const sound = createLeague({ seed: 'short', seasons: [regular] });
  const rowsOfGame = (
    from: League,
    feed: 'player_boxscores' | 'play_by_play' | 'team_boxscores',
    { game_id: id, game_date: date }: { game_id: string; game_date: string },
    asOf?: string,
  ) => from.rowsOf(feed, date, asOf).filter((row) => row.game_id === id);
  const pointsOf = (from: League, where: { game_id: string; game_date: string }, asOf?: string): Map<number, number> =>
    new Map(
      from.rowsOf('player_boxscores', where.game_date, asOf).flatMap((row) => (row.game_id === where.game_id ? [[row.player_id, row.pts] as const] : [])),
    );

  test('a league has none unless they are asked for', () => {
    expect(sound.incidents).toEqual([]);
    expect(sound.schedule().every((row) => row.home_score !== null)).toBe(true);
  });

  test('a postponed game stays in the schedule without a score, and is played later under its id', () => {
    const { damaged, planted } = withIncident('postponed_game');
    const lines = damaged.schedule().filter((row) => row.game_id === planted.game_id);
    expect(lines.map((row) => [row.game_date, row.home_score === null])).toEqual([
      [planted.original_date, true],
      [planted.game_date, false],
    ]);
    for (const feed of ['team_boxscores', 'player_boxscores', 'play_by_play', 'odds', 'player_props', 'injury_reports'] as const) {
      const at = (date: string | undefined) => damaged.rowsOf(feed, date ?? '').filter((row) => row.game_id === planted.game_id).length;
      expect(at(planted.original_date), feed).toBe(0);
      expect(at(planted.game_date), feed).toBeGreaterThan(0);
    }
    const before = damaged.schedule(undefined, `${planted.original_date}T02:00:00Z`).filter((row) => row.game_id === planted.game_id);
    expect(before.map((row) => row.game_date)).toEqual([planted.original_date]);
    expect(damaged.schedule()).toHaveLength(301);
    const perDay = damaged
      .schedule()
      .flatMap((row) => (row.home_score === null ? [] : [`${row.game_date} ${row.home_team}`, `${row.game_date} ${row.away_team}`]));
    expect(new Set(perDay).size).toBe(perDay.length);
    expect(incidentsSeen(damaged)).toBe(incidentsSeen(sound));
  });

  test('a box score is corrected afterwards: a basket changes its scorer, sums stay', () => {
    const { damaged, planted } = withIncident('corrected_box_score');
    const [early, late] = [hoursAfter(planted.repaired_at ?? '', -1), hoursAfter(planted.repaired_at ?? '', 1)];
    const [wrong, right] = [pointsOf(damaged, planted, early), pointsOf(damaged, planted, late)];
    expect([...right].filter(([id, points]) => wrong.get(id) !== points)).toHaveLength(2);
    expect(sum([...wrong.values()])).toBe(sum([...right.values()]));
    expect(right).toEqual(pointsOf(sound, planted));
    const shots = (asOf: string, id: number) =>
      damaged
        .rowsOf('play_by_play', planted.game_date, asOf)
        .filter((event) => event.game_id === planted.game_id && event.player_id === id)
        .reduce((total, { points }) => total + points, 0);
    for (const [id, points] of wrong) expect(shots(early, id)).toBe(points);
    for (const [id, points] of right) expect(shots(late, id)).toBe(points);
  });

  test('a game without play-by-play has no starters either, until it is repaired', () => {
    const { damaged, planted } = withIncident('missing_play_by_play');
    expect(rowsOfGame(damaged, 'play_by_play', planted)).toEqual([]);
    expect(rowsOfGame(damaged, 'player_boxscores', planted).map((row) => 'starter' in row && row.starter)).toContain(null);
    expect(rowsOfGame(damaged, 'team_boxscores', planted)).toHaveLength(2);
    const repaired = withIncident('missing_play_by_play', { repairedAfterHours: 30 });
    expect(rowsOfGame(repaired.damaged, 'play_by_play', planted, hoursAfter(repaired.planted.repaired_at ?? '', -1))).toEqual([]);
    expect(rowsOfGame(repaired.damaged, 'play_by_play', planted)).toEqual(rowsOfGame(sound, 'play_by_play', planted));
  });

  test('a partial box score lacks players of one team, whose points no longer add up', () => {
    const { damaged, planted } = withIncident('partial_box_score');
    const [found, all] = [pointsOf(damaged, planted), pointsOf(sound, planted)];
    expect(all.size - found.size).toBe(4);
    const team = rowsOfGame(damaged, 'team_boxscores', planted);
    expect(sum(team.map((row) => ('pts' in row ? row.pts : 0)))).toBe(sum([...all.values()]));
    const repaired = withIncident('partial_box_score', { repairedAfterHours: 10 });
    expect(pointsOf(repaired.damaged, planted, hoursAfter(repaired.planted.repaired_at ?? '', -1))).toEqual(found);
    expect(pointsOf(repaired.damaged, planted)).toEqual(all);
  });

  test('a player has two spellings under one id, and lines under the first', () => {
    const { damaged, planted } = withIncident('two_spellings');
    const names = new Map<string, string[]>();
    for (const date of damaged.dates()) {
      for (const row of damaged.rowsOf('player_boxscores', date))
        if (row.player_id === planted.player_id) names.set(row.player_name, [...(names.get(row.player_name) ?? []), date]);
    }
    expect([...names.keys()]).toEqual([planted.player_name, planted.other_name]);
    const letters = (name = ''): string =>
      name
        .normalize('NFD')
        .toLowerCase()
        .replaceAll(/[^a-z]/g, '');
    expect(letters(planted.player_name)).not.toBe(letters(planted.other_name));
    const [before, after] = [...names.values()];
    expect((before ?? []).every((date) => date < planted.game_date)).toBe(true);
    expect((after ?? []).every((date) => date >= planted.game_date)).toBe(true);
  });

  test('an incident befalls the date that is named, and only a season that is played', () => {
    expect(withIncident('missing_play_by_play', { date: '2022-11-02' }).planted.game_date).toBe('2022-11-02');
    expect(() => createLeague({ seed: 'short', seasons: [regular], incidents: [{ kind: 'two_spellings', season: '2023-24' }] })).toThrow('2023-24');
    expect(() => withIncident('partial_box_score', { date: '2023-06-01' })).toThrow('on or after 2023-06-01');
  });

  test('all of them at once befall different games', () => {
    const damaged = createLeague({ seed: 'short', seasons: [regular], incidents: incidentKinds.map((kind) => ({ kind })) });
    expect(new Set(damaged.incidents.map(({ game_id: id }) => id)).size).toBe(incidentKinds.length);
  });
});

/** Games of a league that have scores. */
const incidentsSeen = (from: League): number => from.schedule().filter((row) => row.home_score !== null).length;

test('bookmakers write names in their own way', () => {
  const [first]: readonly SimulatedGameRows[] = [...createLeague({ seed: 'short', seasons: [{ season: '2022-23', gamesPerTeam: 2 }] }).games()];
  const known = new Set(first?.player_boxscores.map((row) => row.player_name));
  const written = new Set(first?.player_props.map((row) => row.player_name));
  expect([...written].some((name) => !known.has(name))).toBe(true);
  expect(first?.player_props.every((row) => row.player_id !== undefined)).toBe(true);
});
