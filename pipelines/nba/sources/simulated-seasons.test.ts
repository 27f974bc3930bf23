// Four seasons of the simulated league, and whether they look like the real ones: real seasons since 2021 have 25 points a
// game for the best scorer of a team, 35 for the best of all, 10.6 players a game, and lines that are right half of the time.
import { beforeAll, describe, expect, test } from 'vitest';
import { createLeague, type SimulatedGameRows } from './simulated-league.ts';
import { createStrengths, teams } from './simulated-teams.ts';

const seasons = ['2021-22', '2022-23', '2023-24', '2024-25'] as const;
const seed = 'seasons';
const league = createLeague({ seed, seasons });

type Mean = { readonly count: number; readonly mean: number };
const createMean = () => {
  let [count, sum, squares] = [0, 0, 0];
  return {
    add: (value: number): void => {
      [count, sum, squares] = [count + 1, sum + value, squares + value * value];
    },
    get count() {
      return count;
    },
    get mean() {
      return sum / count;
    },
    get deviation() {
      return Math.sqrt(squares / count - (sum / count) ** 2);
    },
  };
};
type Tally = ReturnType<typeof createMean>;
const under = (tallies: Map<string, Tally>, key: string): Tally => {
  const known = tallies.get(key) ?? createMean();
  tallies.set(key, known);
  return known;
};
/** Half of the values (0.5) are at most this. */
const quantile = (values: readonly number[], share: number): number => values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;

/** One pass over everything, of which only sums are kept. */
const gather = () => {
  const found = {
    games: new Map<string, number>(),
    lastDates: new Map<string, string>(),
    points: new Map<string, Tally>(),
    rested: createMean(),
    tired: createMean(),
    overs: new Map<string, Tally>(),
    covers: createMean(),
    totals: createMean(),
    withLine: createMean(),
    nameless: createMean(),
    margins: createMean(),
    misses: createMean(),
    moved: createMean(),
    perTeam: createMean(),
    homeMargin: createMean(),
    birthDates: new Map<number, string>(),
    registries: new Map<string, ReadonlySet<number>>(),
    teamsOf: new Map<string, Set<string>>(),
    threesAgainst: new Map<string, Tally>(),
    paintAgainst: new Map<string, Tally>(),
    accounted: 0,
    unaccounted: 0,
  };
  const lastPlayed = new Map<string, number>();
  const look = ({ games: [game], ...rows }: SimulatedGameRows): void => {
    if (game === undefined) return;
    const { season, season_type: type, game_date: date } = game;
    found.games.set(`${season} ${type}`, (found.games.get(`${season} ${type}`) ?? 0) + 1);
    found.lastDates.set(`${season} ${type}`, date);
    if (rows.players.length > 0) found.registries.set(season, new Set(rows.players.map((player) => player.player_id)));
    for (const player of rows.players) found.birthDates.set(player.player_id, player.birth_date);
    const day = Date.parse(date) / 86_400_000;
    for (const team of rows.team_boxscores) {
      const rest = day - (lastPlayed.get(`${season} ${team.team}`) ?? 0) - 1;
      lastPlayed.set(`${season} ${team.team}`, day);
      if (type === 'regular' && rest === 0) found.tired.add(team.plus_minus);
      if (type === 'regular' && rest >= 1) found.rested.add(team.plus_minus);
      if (team.is_home) found.homeMargin.add(team.plus_minus);
    }
    const [home, away] = [game.home_team, game.away_team].map((team) => ({
      three: under(found.threesAgainst, `${season} ${team}`),
      paint: under(found.paintAgainst, `${season} ${team}`),
    }));
    for (const event of rows.play_by_play) {
      const against = event.team === game.home_team ? away : home;
      if (event.action_type === '3pt') against?.three.add(event.points / 3);
      else if (event.is_paint_shot === true) against?.paint.add(event.points / 2);
    }
    const points = new Map(rows.player_boxscores.map((player) => [player.player_id, player.pts]));
    for (const player of rows.player_boxscores) {
      if (type === 'regular') under(found.points, `${season} ${player.player_id}`).add(player.pts);
      const key = `${season} ${player.player_id}`;
      found.teamsOf.set(key, (found.teamsOf.get(key) ?? new Set()).add(player.team));
    }
    if (type !== 'playin') {
      found.perTeam.add(points.size / 2);
      for (const team of [game.home_team, game.away_team]) {
        const rostered = rows.player_boxscores.filter((row) => row.team === team).length + rows.player_statuses.filter((row) => row.team === team).length;
        if (rostered === 17) found.accounted += 1;
        else found.unaccounted += 1;
      }
    }
    const closing = rows.odds.filter(({ hours_to_tip: hours }) => hours < 1);
    const margin = (game.home_score ?? 0) - (game.away_score ?? 0);
    for (const line of closing) {
      found.margins.add(margin + line.home_spread);
      if (margin + line.home_spread !== 0) found.covers.add(margin + line.home_spread > 0 ? 1 : 0);
      const total = (game.home_score ?? 0) + (game.away_score ?? 0) - line.total;
      if (total !== 0) found.totals.add(total > 0 ? 1 : 0);
      const opening = rows.odds.find((other) => other.bookmaker === line.bookmaker && other.hours_to_tip > 1);
      found.moved.add(opening?.home_spread === line.home_spread ? 0 : 1);
    }
    const props = rows.player_props.filter(({ snapshot_utc: at }) => at === closing[0]?.snapshot_utc);
    for (const prop of props) {
      found.nameless.add(prop.player_id === null ? 1 : 0);
      const scored = points.get(prop.player_id ?? 0);
      if (scored === undefined) continue;
      under(found.overs, `${season} ${prop.bookmaker}`).add(scored > prop.line ? 1 : 0);
      found.misses.add(Math.abs(scored - prop.line));
    }
    const offered = new Set(props.map((prop) => prop.player_id));
    for (const id of points.keys()) found.withLine.add(offered.has(id) ? 1 : 0);
  };
  for (const game of league.games()) look(game);
  return found;
};

describe('four seasons', { timeout: 60_000 }, () => {
  let found: ReturnType<typeof gather>;
  let gatheredMs = Number.NaN;
  beforeAll(() => {
    // Not by the clock on the wall: others may keep the machine busy.
    const before = process.threadCpuUsage();
    found = gather();
    gatheredMs = process.threadCpuUsage(before).user / 1_000;
  }, 60_000);
  const means = (season: string, games = 25): number[] =>
    [...found.points].filter(([key, { count }]) => key.startsWith(season) && count >= games).map(([, { mean }]) => mean);

  test('they are generated within seconds', () => {
    expect(gatheredMs).toBeLessThan(30_000);
  });

  test('each begins on the date of the real one, and has a whole regular season, a play-in and play-offs until June', () => {
    expect(seasons.map((season) => league.dates(season)[0])).toEqual(['2021-10-19', '2022-10-18', '2023-10-24', '2024-10-22']);
    for (const season of seasons) {
      expect(found.games.get(`${season} regular`)).toBe(1230);
      expect(found.games.get(`${season} playin`)).toBe(6);
      // 15 series of four to seven games.
      expect(found.games.get(`${season} playoffs`)).toBeGreaterThanOrEqual(60);
      expect(found.games.get(`${season} playoffs`)).toBeLessThanOrEqual(105);
      expect(found.lastDates.get(`${season} playoffs`)).toMatch(/-06-\d\d$/);
    }
  });

  test('points are spread like the real ones: stars, means, the end of the bench', () => {
    for (const season of seasons) {
      const all = means(season);
      expect(Math.max(...all)).toBeGreaterThan(28);
      expect(Math.max(...all)).toBeLessThan(38.5);
      expect(all.filter((mean) => mean >= 25).length).toBeGreaterThanOrEqual(8);
      expect(all.filter((mean) => mean >= 25).length).toBeLessThanOrEqual(45);
      // 8.8 in reality, and 3.7 and 21 at the ends.
      expect(quantile(all, 0.5)).toBeGreaterThan(7);
      expect(quantile(all, 0.5)).toBeLessThan(10);
      expect(quantile(all, 0.1)).toBeLessThan(5);
      expect(quantile(all, 0.9)).toBeGreaterThan(18);
    }
    const stars = [...found.points.values()].filter(({ count, mean }) => count >= 40 && mean >= 25);
    for (const { deviation } of stars) {
      expect(deviation).toBeGreaterThan(5);
      expect(deviation).toBeLessThan(13);
    }
    expect(found.perTeam.mean).toBeCloseTo(10.6, 0);
  });

  test('players grow up, decline, leave and come, and keep their identity', () => {
    const [first, , , last] = seasons.map((season) => found.registries.get(season) ?? new Set<number>());
    expect([...found.registries.values()].map(({ size }) => size)).toEqual([510, 510, 510, 510]);
    const stayed = [...(first ?? [])].filter((id) => last?.has(id));
    expect(stayed.length).toBeGreaterThan(280);
    expect(stayed.length).toBeLessThan(450);
    const changes = (from: number, to: number): Mean => {
      const change = createMean();
      for (const id of stayed) {
        const born = Number(found.birthDates.get(id)?.slice(0, 4));
        const [before, after] = [found.points.get(`2021-22 ${id}`), found.points.get(`2024-25 ${id}`)];
        if (born >= from && born <= to && before !== undefined && after !== undefined && before.count > 20 && after.count > 20)
          change.add(after.mean - before.mean);
      }
      return change;
    };
    const [young, old] = [changes(1998, 2003), changes(1980, 1990)];
    expect(young.count).toBeGreaterThan(20);
    expect(old.count).toBeGreaterThan(10);
    expect(young.mean).toBeGreaterThan(1);
    expect(old.mean).toBeLessThan(-1);
    const traded = [...found.teamsOf.values()].filter(({ size }) => size === 2).length;
    expect(traded).toBeGreaterThan(40);
    expect(traded).toBeLessThan(160);
  });

  test('every rostered player of a game played it or has a reason', () => {
    expect(found.unaccounted).toBe(0);
    expect(found.accounted).toBeGreaterThan(10_000);
  });

  test('tiredness costs, home helps', () => {
    expect(found.tired.count).toBeGreaterThan(1_500);
    expect(found.rested.mean - found.tired.mean).toBeGreaterThan(0.8);
    expect(found.homeMargin.mean).toBeGreaterThan(1);
    expect(found.homeMargin.mean).toBeLessThan(4);
  });

  test('defences differ by zone, and what opponents make shows it', () => {
    for (const season of seasons) {
      const strengths = createStrengths(seed, Number(season.slice(0, 4)));
      const worst = (zone: 'three' | 'paint'): readonly [number, number] => {
        const order = teams.toSorted((a, b) => strengths[a.index]!.concedes[zone] - strengths[b.index]!.concedes[zone]);
        const allowed = (codes: readonly { readonly code: string }[]): number => {
          const against = zone === 'three' ? found.threesAgainst : found.paintAgainst;
          return codes.reduce((sum, { code }) => sum + (against.get(`${season} ${code}`)?.mean ?? 0), 0) / codes.length;
        };
        return [allowed(order.slice(0, 8)), allowed(order.slice(-8))];
      };
      for (const zone of ['three', 'paint'] as const) {
        const [good, bad] = worst(zone);
        expect(bad - good, `${season} ${zone}`).toBeGreaterThan(0.01);
      }
    }
  });

  test('lines are good: half of the overs and half of the spreads win, with every bookmaker in every season', () => {
    expect(found.overs.size).toBe(12);
    for (const [key, { mean, count }] of found.overs) {
      expect(count).toBeGreaterThan(12_000);
      expect(mean, key).toBeGreaterThan(0.47);
      expect(mean, key).toBeLessThan(0.53);
    }
    for (const { mean } of [found.covers, found.totals]) {
      expect(mean).toBeGreaterThan(0.47);
      expect(mean).toBeLessThan(0.53);
    }
    expect(Math.abs(found.margins.mean)).toBeLessThan(0.6);
    expect(found.margins.deviation).toBeGreaterThan(11);
    expect(found.margins.deviation).toBeLessThan(15);
    expect(found.misses.mean).toBeGreaterThan(4);
    expect(found.misses.mean).toBeLessThan(5.5);
  });

  test('60 to 70 % of those who play have a line, and lines move during the day', () => {
    expect(found.withLine.mean).toBeGreaterThan(0.6);
    expect(found.withLine.mean).toBeLessThan(0.7);
    expect(found.moved.mean).toBeGreaterThan(0.3);
    // Some come without the player's id, to be told by his name.
    expect(found.nameless.mean).toBeGreaterThan(0.001);
    expect(found.nameless.mean).toBeLessThan(0.01);
  });
});

test('one seed is one league: the same rows again, whichever seasons are asked for', () => {
  const digest = (games: Iterable<SimulatedGameRows>): string => {
    const rows: string[] = [];
    for (const game of games) {
      rows.push(JSON.stringify(game));
      if (rows.length === 25) break;
    }
    return rows.join('\n');
  };
  const again = digest(createLeague({ seed, seasons: ['2024-25'] }).games());
  expect(digest(league.games('2024-25'))).toBe(again);
  expect(digest(createLeague({ seed: 'another', seasons: ['2024-25'] }).games())).not.toBe(again);
});

test('when the star is out, his team mates shoot more', () => {
  const [withHim, without] = [createMean(), createMean()];
  for (const date of league.dates('2023-24').slice(0, 120)) {
    const reports = league.rowsOf('injury_reports', date);
    if (reports.length === 0) continue;
    const boxes = league.rowsOf('player_boxscores', date);
    const statuses = league.rowsOf('player_statuses', date);
    for (const team of new Set(boxes.map((row) => row.team))) {
      const star = stars.get(team);
      const second = boxes.find((row) => row.team === team && row.player_id === star?.second);
      if (star === undefined || second === undefined || second.minutes < 20) continue;
      if (boxes.some((row) => row.team === team && row.player_id === star.first)) withHim.add(second.fga / second.minutes);
      else if (statuses.some((row) => row.team === team && row.player_id === star.first)) without.add(second.fga / second.minutes);
    }
  }
  expect(without.count).toBeGreaterThan(80);
  expect(without.mean / withHim.mean).toBeGreaterThan(1.05);
});

/** The two best scorers of each team in the first weeks of 2023-24. */
const stars = (() => {
  const points = new Map<string, Map<number, number>>();
  for (const date of league.dates('2023-24').slice(0, 30)) {
    for (const { team, player_id: id, pts } of league.rowsOf('player_boxscores', date)) {
      const his = points.get(team) ?? new Map<number, number>();
      points.set(team, his.set(id, (his.get(id) ?? 0) + pts));
    }
  }
  return new Map(
    [...points].map(([team, his]) => {
      const [first, second] = [...his].toSorted((a, b) => b[1] - a[1]).map(([id]) => id);
      return [team, { first, second }] as const;
    }),
  );
})();
