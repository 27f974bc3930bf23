// Teams and players of the simulated league. The team codes and ids are the league's own, so that everything that knows
// teams works; the players are invented, some of them with names that need their accents taken off.
import { createRandom, type Random } from './random.ts';

export type SimulatedPlayer = {
  readonly id: number;
  readonly name: string;
  readonly lastName: string;
  /** Minutes that he is meant to play; the first five of a roster start. */
  readonly minutes: number;
  /** Weights against his team mates, around 1. */
  readonly usage: number;
  readonly passing: number;
  readonly rebounding: number;
  readonly defending: number;
  /** Added to the probability that a shot goes in. */
  readonly touch: number;
  /** Share of his shots from behind the arc. */
  readonly threes: number;
  readonly freeThrows: number;
};

export type SimulatedTeam = {
  readonly id: number;
  readonly code: string;
  /** Added to the probability that its shots go in, and taken from that of its opponents'. */
  readonly offense: number;
  readonly defense: number;
  readonly players: readonly SimulatedPlayer[];
};

// In the order of the league's ids, which begin at 1610612737.
const codes = 'ATL BOS CLE NOP CHI DAL DEN GSW HOU LAC LAL MIA MIL MIN BKN NYK ORL IND PHI PHX POR SAC SAS OKC TOR UTA MEM WAS DET CHA'.split(' ');
const firstTeamId = 1610612737;
const firstPlayerId = 9_000_001;
const rosterSize = 13;

const firstNames = [
  'Aldo',
  'Béla',
  'Cezary',
  'Danté',
  'Eryk',
  'Fábio',
  'Goran',
  'Håkon',
  'Ivo',
  'Jalen',
  'Keon',
  'Luka',
  'Marquise',
  'Nils',
  'Oumar',
  'Páll',
  'Quincy',
  'Rasheed',
  'Søren',
  'Théo',
  'Usman',
  'Vít',
  'Wendell',
  'Xavi',
  'Yves',
  'Žan',
  'Tyrell',
  'Devon',
  "De'Marco",
  'Isaiah',
];
const lastNames = [
  'Abara',
  'Bērziņš',
  'Castillo',
  'Dupré',
  'Eriksen',
  'Fofana',
  'Grüber',
  'Hollis',
  'Ibáñez',
  'Jovičić',
  'Kovačević',
  'Larsson',
  'Mbeki',
  "N'Dour",
  'Okonkwo',
  'Peña',
  'Quist',
  'Radulović',
  'Šarić',
  'Thornton',
  'Underhill',
  'Vasquez',
  'Whitfield',
  'Xiong',
  'Youngblood',
  'Zubkov',
  'Beckett Jr.',
  'Tate-Moss',
  'Marsh III',
  'Pruitt',
];

// Minutes of a rotation, the deep end of the bench last; they add up to a little more than 240, since not all of them play.
const rotation = [34, 33, 32, 30, 28, 22, 19, 16, 13, 9, 5, 3, 2];

const createPlayer = (random: Random, id: number, rank: number, first: string, last: string): SimulatedPlayer => ({
  id,
  name: `${first} ${last}`,
  lastName: last,
  minutes: rotation[rank] ?? 2,
  usage: (rank < 2 ? 1.5 : rank < 5 ? 1.05 : 0.8) * (0.8 + random.next() * 0.4),
  passing: 0.4 + random.next() * 1.2,
  rebounding: 0.4 + random.next() * 1.2,
  defending: 0.4 + random.next() * 1.2,
  touch: (random.next() - 0.5) * 0.06 + (rank < 3 ? 0.015 : 0),
  threes: 0.1 + random.next() * 0.6,
  freeThrows: 0.65 + random.next() * 0.25,
});

/** All 30 teams of a season with 13 players each; names are unique even when only their letters a to z are kept. */
export const createTeams = (seed: string, season: string): SimulatedTeam[] => {
  const random = createRandom(`${seed}/${season}/teams`);
  const names = random.shuffled(firstNames.flatMap((first) => lastNames.map((last) => [first, last] as const)));
  return codes.map((code, index) => ({
    id: firstTeamId + index,
    code,
    offense: (random.next() - 0.5) * 0.06,
    defense: (random.next() - 0.5) * 0.04,
    players: Array.from({ length: rosterSize }, (_, rank) => {
      const number = index * rosterSize + rank;
      const [first, last] = names[number]!;
      return createPlayer(random, firstPlayerId + number, rank, first, last);
    }),
  }));
};
