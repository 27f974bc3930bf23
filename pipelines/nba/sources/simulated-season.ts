// What is true of a season beside its games: who belongs to which team on which date, who is hurt and for how long, how
// strong teams are and who is in form. All of it is drawn before the first game, so that any game can be made by itself.
import { createRandom, type Random } from './random.ts';
import { createRosters, type SimulatedPlayer } from './simulated-players.ts';
import { openingDay, yearOf } from './simulated-schedule.ts';
import { createStrengths, teams, type TeamStrength } from './simulated-teams.ts';
import { toDay } from './days.ts';

export type SeasonOptions = {
  /** e.g. `2023-24` */
  readonly season: string;
  /** 82 by default; fewer make a shortened season. */
  readonly gamesPerTeam?: number;
  /** First date; by default that of the real season. */
  readonly start?: string;
  readonly playIn?: boolean;
  readonly playoffs?: boolean;
};

export type Injury = { readonly fromDay: number; readonly toDay: number; readonly reason: string };
export type Trade = { readonly day: number; readonly players: readonly [SimulatedPlayer, SimulatedPlayer]; readonly teams: readonly [number, number] };

export type SeasonWorld = {
  readonly seed: string;
  readonly season: string;
  readonly year: number;
  readonly startDay: number;
  readonly gamesPerTeam: number;
  readonly strengths: readonly TeamStrength[];
  /** By index of the team, at the start of the season. */
  readonly rosters: readonly (readonly SimulatedPlayer[])[];
  readonly trades: readonly Trade[];
  /** The best first. */
  readonly rosterOn: (team: number, day: number) => readonly SimulatedPlayer[];
  readonly injuryOn: (player: SimulatedPlayer, day: number) => Injury | undefined;
  /** The last day of an injury that ended shortly before. */
  readonly recoveredOn: (player: SimulatedPlayer, day: number) => number | undefined;
  /** Around 0, by and large between -2 and 2; changes over weeks. */
  readonly formOf: (player: SimulatedPlayer, day: number) => number;
};

const tradeCount = 16;
const parts = ['Left Ankle; Sprain', 'Right Ankle; Sprain', 'Right Knee; Soreness', 'Left Knee; Soreness', 'Left Hamstring; Strain', 'Low Back; Soreness'];
const longParts = ['Right Knee; Surgery', 'Left Foot; Stress Fracture', 'Right Hand; Fracture', 'Left Calf; Strain', 'Right Shoulder; Injury Management'];

const drawInjuries = (random: Random, fragility: number, startDay: number): Injury[] => {
  const injuries: Injury[] = [];
  for (let day = startDay - 20; day < startDay + 260; day += 1) {
    if (!random.chance(0.0075 * fragility)) continue;
    const kind = random.next();
    const days = kind < 0.55 ? random.integer(1, 7) : kind < 0.87 ? random.integer(8, 33) : random.integer(34, 120);
    const what = kind < 0.12 ? 'Illness; Illness' : days > 33 ? longParts[random.integer(0, longParts.length - 1)] : parts[random.integer(0, parts.length - 1)];
    injuries.push({ fromDay: day, toDay: day + days, reason: `Injury/Illness - ${what}` });
    day += days + 5;
  }
  return injuries;
};

const drawTrades = (random: Random, rosters: readonly (readonly SimulatedPlayer[])[], startDay: number, length: number): Trade[] => {
  const traded = new Set<number>();
  const trades: Trade[] = [];
  const days = Array.from({ length: tradeCount }, () => startDay + Math.round(length * (0.3 + 0.34 * random.next()))).sort((a, b) => a - b);
  for (const day of days) {
    const [from, to] = random.shuffled(teams.map(({ index }) => index)) as [number, number];
    const one = rosters[from]![random.integer(0, 11)]!;
    const like = (player: SimulatedPlayer): number => Math.abs(player.talent - one.talent);
    const other = rosters[to]!.filter(({ id }) => !traded.has(id)).toSorted((a, b) => like(a) - like(b))[0]!;
    if (traded.has(one.id)) continue;
    traded.add(one.id).add(other.id);
    trades.push({ day, players: [one, other], teams: [from, to] });
  }
  return trades;
};

/** Rosters of each team with the day from which each holds. */
const rostersOverTime = (rosters: readonly (readonly SimulatedPlayer[])[], trades: readonly Trade[]) => {
  const versions = rosters.map((players) => [{ fromDay: Number.NEGATIVE_INFINITY, players }]);
  for (const { day, players, teams: sides } of trades) {
    for (const [index, team] of sides.entries()) {
      const [leaves, comes] = index === 0 ? players : ([players[1], players[0]] as const);
      const before = versions[team]!.at(-1)!.players.filter((player) => player !== leaves);
      versions[team]!.push({ fromDay: day, players: [...before, comes].sort((a, b) => b.talent - a.talent || a.id - b.id) });
    }
  }
  return versions;
};

const daysPerKnot = 14;

/** Values at knots, with straight lines between them. */
const drawForm = (random: Random, startDay: number): ((day: number) => number) => {
  const knots = Array.from({ length: 22 }, () => random.normal());
  return (day) => {
    const at = Math.max(0, (day - startDay) / daysPerKnot);
    const [index, share] = [Math.floor(at), at % 1];
    return (knots[index] ?? 0) * (1 - share) + (knots[index + 1] ?? 0) * share;
  };
};

export const createSeason = (seed: string, { season, start, gamesPerTeam = 82 }: SeasonOptions): SeasonWorld => {
  const year = yearOf(season);
  const startDay = start === undefined ? openingDay(year) : toDay(start);
  const rosters = createRosters(seed, year);
  const trades = drawTrades(createRandom(`${seed}/${season}/trades`), rosters, startDay, gamesPerTeam * 2);
  const versions = rostersOverTime(rosters, trades);
  const injuries = new Map<number, readonly Injury[]>();
  const forms = new Map<number, (day: number) => number>();
  for (const { id, fragility } of rosters.flat()) {
    injuries.set(id, drawInjuries(createRandom(`${seed}/${season}/injuries/${id}`), fragility, startDay));
    forms.set(id, drawForm(createRandom(`${seed}/${season}/form/${id}`), startDay));
  }
  return {
    seed,
    season,
    year,
    startDay,
    gamesPerTeam,
    strengths: createStrengths(seed, year),
    rosters,
    trades,
    rosterOn: (team, day) => versions[team]!.findLast(({ fromDay }) => fromDay <= day)!.players,
    injuryOn: ({ id }, day) => injuries.get(id)?.find((injury) => injury.fromDay <= day && day <= injury.toDay),
    recoveredOn: ({ id }, day) => injuries.get(id)?.findLast((injury) => injury.toDay < day && day - injury.toDay <= 4)?.toDay,
    formOf: ({ id }, day) => forms.get(id)?.(day) ?? 0,
  };
};
