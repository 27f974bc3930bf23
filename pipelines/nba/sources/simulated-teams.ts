// Teams of the simulated league. Codes and ids are the real league's, so that everything that knows teams works.
import { createRandom } from './random.ts';

export type SimulatedTeam = { readonly index: number; readonly id: number; readonly code: string; readonly conference: 'east' | 'west' };

/** How a team plays in one season; numbers are added to the probability that a shot goes in. */
export type TeamStrength = {
  readonly offense: number;
  /** What its defence gives away (above 0) or takes from its opponents, by zone. */
  readonly concedes: { readonly paint: number; readonly midRange: number; readonly three: number };
  /** Seconds that its possessions last longer than others. */
  readonly patience: number;
};

// In the order of the league's ids, which begin at 1610612737.
const codes = 'ATL BOS CLE NOP CHI DAL DEN GSW HOU LAC LAL MIA MIL MIN BKN NYK ORL IND PHI PHX POR SAC SAS OKC TOR UTA MEM WAS DET CHA'.split(' ');
const firstTeamId = 1610612737;
const eastern = new Set('ATL BOS BKN CHA CHI CLE DET IND MIA MIL NYK ORL PHI TOR WAS'.split(' '));

export const teams: readonly SimulatedTeam[] = codes.map((code, index) => ({
  index,
  id: firstTeamId + index,
  code,
  conference: eastern.has(code) ? 'east' : 'west',
}));

/** Of a season, by index of the team. A team is much like it was in the season before. */
export const createStrengths = (seed: string, year: number): TeamStrength[] => {
  const [before, now] = [year - 1, year].map((each) => createRandom(`${seed}/${each}/strengths`));
  const draw = (deviation: number): number => (0.6 * (before?.normal() ?? 0) + 0.8 * (now?.normal() ?? 0)) * deviation;
  return teams.map(() => ({
    offense: draw(0.02),
    concedes: { paint: draw(0.024), midRange: draw(0.03), three: draw(0.015) },
    patience: draw(0.28),
  }));
};
