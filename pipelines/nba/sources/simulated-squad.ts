// What a team brings to the floor on a night: minutes that its players are meant to play, their weights and their touch,
// and its edge by zone. Made for the game itself, and for those who only estimate it: bookmakers don't see everything.
import type { Random } from './random.ts';
import type { Night } from './simulated-night.ts';
import type { SimulatedPlayer } from './simulated-players.ts';
import type { SeasonWorld } from './simulated-season.ts';
import { teams, type SimulatedTeam } from './simulated-teams.ts';

export type Member = {
  readonly player: SimulatedPlayer;
  /** Meant to be played; those of the whole squad may add up to more or less than 240. */
  readonly minutes: number;
  readonly usage: number;
  /** Added to the probability that a shot of his goes in. */
  readonly touch: number;
};

/** Added to the probability that a shot of the team goes in. */
export type Edge = { readonly paint: number; readonly midRange: number; readonly three: number };

export type Squad = {
  readonly team: SimulatedTeam;
  /** Five starters first. */
  readonly members: readonly Member[];
  /** How many of the members share the minutes; one more may come in for the last seconds. */
  readonly regulars: number;
  readonly edge: Edge;
  readonly patience: number;
};

/** How much of each effect is seen: 1 all of it, 0 nothing. */
export type Sight = { readonly fatigue: number; readonly zones: number; readonly form: number };
export const wholeTruth: Sight = { fatigue: 1, zones: 1, form: 1 };

/** By rank among those who are in uniform. */
const rotationMinutes = [34.5, 33.5, 31.5, 29, 26, 22.5, 20, 17.5, 15, 12, 9.5, 7.5];
const deepest = 5;
const homeAdvantage = 0.007;
const [backToBackTouch, backToBackAge] = [-0.016, 31];

const tired = ({ daysRest, gamesInLast7Days }: Night): number =>
  (daysRest === 0 ? backToBackTouch : daysRest !== null && daysRest >= 3 ? 0.004 : 0) + (gamesInLast7Days >= 4 ? -0.006 : 0);

export type Chosen = { readonly night: Night; readonly dressed: readonly SimulatedPlayer[]; readonly regulars: number };

/** Without `random`, what is to be expected; with it, this very night: who is hot, who is not. */
export const createSquad = (world: SeasonWorld, { night, dressed, regulars }: Chosen, opponent: Night, sight: Sight, random?: Random): Squad => {
  const { offense, patience } = world.strengths[night.team]!;
  const { concedes } = world.strengths[opponent.team]!;
  const ranks = new Map(night.roster.map((player, rank) => [player, rank]));
  const isBackToBack = night.daysRest === 0;
  const hasOneMore = random?.chance(0.06) === true;
  const members = dressed.slice(0, regulars + (hasOneMore ? 1 : 0)).map((player, rank): Member => {
    const own = rotationMinutes[ranks.get(player) ?? 0] ?? deepest;
    const here = rotationMinutes[rank] ?? deepest;
    const isOldAndTired = isBackToBack && player.age >= backToBackAge;
    const form = sight.form * world.formOf(player, night.day);
    const [hot, touch] = random === undefined ? [0, 0] : [random.normal(), random.normal()];
    return {
      player,
      minutes: (0.35 * own + 0.65 * here) * (night.isPlayoffs && rank < 5 ? 1.06 : 1) * (isOldAndTired ? 1 - 0.07 * sight.fatigue : 1),
      usage: (0.12 + 0.88 * player.talent) * Math.max(0.3, 1 + 0.07 * form + 0.13 * hot),
      touch: player.touch + 0.012 * form + 0.02 * touch + (isOldAndTired ? -0.008 * sight.fatigue : 0),
    };
  });
  const common = offense + (night.isHome ? homeAdvantage : -homeAdvantage) + sight.fatigue * (tired(night) - tired(opponent) / 2);
  return {
    team: teams[night.team]!,
    members,
    regulars: Math.min(regulars, dressed.length),
    edge: {
      paint: common + sight.zones * concedes.paint,
      midRange: common + sight.zones * concedes.midRange,
      three: common + sight.zones * concedes.three,
    },
    patience,
  };
};
