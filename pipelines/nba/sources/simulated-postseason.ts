// Play-in and play-offs. Who meets whom follows from results, so that a fixture is announced when the game that decided it
// is over: nobody who looks at an earlier moment may see it.
import { finalAt, tipOffOf, type Fixture, type SeasonType } from './simulated-schedule.ts';
import { teams } from './simulated-teams.ts';

/** A team, and since when it is known to have come so far. */
type Entrant = { readonly team: number; readonly at: number };
type Pairing = { readonly gameId: string; readonly day: number; readonly nth: number; readonly home: Entrant; readonly away: Entrant };

export type Postseason = {
  readonly season: string;
  readonly regular: readonly Fixture[];
  readonly homeWins: (fixture: Fixture) => boolean;
  readonly playIn: boolean;
  readonly playoffs: boolean;
};

/** Best record first; of equal ones the team of the lower index. */
const rank = (regular: readonly Fixture[], homeWins: Postseason['homeWins']): number[] => {
  const wins = teams.map(() => 0);
  for (const fixture of regular) {
    const winner = homeWins(fixture) ? fixture.home : fixture.away;
    wins[winner] = (wins[winner] ?? 0) + 1;
  }
  return teams.map(({ index }) => index).sort((a, b) => (wins[b] ?? 0) - (wins[a] ?? 0) || a - b);
};

const homeCourt = [true, true, false, false, true, false, true];
/** Seeds that meet in the first round, in the order of the bracket. */
const bracket: readonly (readonly [number, number])[] = [
  [0, 7],
  [3, 4],
  [2, 5],
  [1, 6],
];
const daysPerRound = 15;

export const createPostseason = ({ season, regular, homeWins, playIn, playoffs }: Postseason): Fixture[] => {
  const fixtures: Fixture[] = [];
  const [year, lastDay] = [season.slice(2, 4), Math.max(...regular.map(({ day }) => day))];
  const decidedAt = Math.max(...regular.map(finalAt));
  const order = rank(regular, homeWins);
  const play = (seasonType: SeasonType, { gameId, day, nth, home, away }: Pairing, notBefore = 0): { winner: Entrant; loser: Entrant } => {
    const fixture: Fixture = {
      gameId,
      season,
      seasonType,
      day,
      tipOffAt: tipOffOf(day, home.team, nth),
      announcedAt: Math.max(home.at, away.at, notBefore),
      home: home.team,
      away: away.team,
    };
    fixtures.push(fixture);
    const at = finalAt(fixture);
    const [winner, loser] = homeWins(fixture) ? [home, away] : [away, home];
    return { winner: { team: winner.team, at }, loser: { team: loser.team, at } };
  };

  const seedsOf = (conference: 'east' | 'west', index: number): Entrant[] => {
    const ranked: Entrant[] = order.filter((team) => teams[team]!.conference === conference).map((team) => ({ team, at: decidedAt }));
    if (!playIn) return ranked.slice(0, 8);
    const [seventh, eighth, ninth, tenth] = ranked.slice(6) as [Entrant, Entrant, Entrant, Entrant];
    const game = (code: number, day: number, home: Entrant, away: Entrant) =>
      play('playin', { gameId: `005${year}00${code + index * 10}`, day: lastDay + day, nth: index, home, away });
    const first = game(101, 2 + index, seventh, eighth);
    const second = game(121, 2 + index, ninth, tenth);
    const last = game(201, 5, first.loser, second.winner);
    return [...ranked.slice(0, 6), first.winner, last.winner];
  };
  const seeds = [seedsOf('east', 0), seedsOf('west', 1)];
  if (!playoffs) return fixtures;

  const series = (round: number, number: number, better: Entrant, worse: Entrant): Entrant => {
    const wins = [0, 0];
    let previous = 0;
    for (const [game, atBetter] of homeCourt.entries()) {
      const day = lastDay + 7 + daysPerRound * (round - 1) + (number % 2) + 2 * game;
      const [home, away] = atBetter ? [better, worse] : [worse, better];
      const gameId = `004${year}00${round}${number}${game + 1}`;
      // The first four games will be played for certain, the others are known to be when nobody has won yet.
      const { winner } = play('playoffs', { gameId, day, nth: number >> 1, home, away }, game < 4 ? 0 : previous);
      const side = winner.team === better.team ? 0 : 1;
      [wins[side], previous] = [(wins[side] ?? 0) + 1, winner.at];
      if (wins[side] === 4) return winner;
    }
    throw new RangeError('seven games had no winner');
  };
  const betterFirst = (a: Entrant, b: Entrant): [Entrant, Entrant] => (order.indexOf(a.team) < order.indexOf(b.team) ? [a, b] : [b, a]);
  const champions = seeds.map((entrants, conference) => {
    let left = bracket.map(([high, low], number) => series(1, conference * 4 + number, ...betterFirst(entrants[high]!, entrants[low]!)));
    for (let round = 2; round <= 3; round += 1) {
      left = Array.from({ length: left.length / 2 }, (_, number) =>
        series(round, conference * (left.length / 2) + number, ...betterFirst(left[2 * number]!, left[2 * number + 1]!)),
      );
    }
    return left[0]!;
  });
  series(4, 0, ...betterFirst(champions[0]!, champions[1]!));
  return fixtures.sort((a, b) => a.tipOffAt - b.tipOffAt || (a.gameId < b.gameId ? -1 : 1));
};
