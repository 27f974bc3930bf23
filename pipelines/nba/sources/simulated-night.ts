// One team on one night: who is out and why, what was said about it beforehand, and who shall play how much. Minutes and
// shots of those who are out go to those who are in: usage is a weight among the five on the floor.
import { createRandom, type Random } from './random.ts';
import { easternInstant } from './days.ts';
import type { SimulatedPlayer } from './simulated-players.ts';
import type { Fixture } from './simulated-schedule.ts';
import type { SeasonWorld } from './simulated-season.ts';

export type ReportStatus = 'out' | 'questionable' | 'probable';
/** What the injury report says about a player: the evening before (if anything), and last before the game. */
export type Report = {
  readonly player: SimulatedPlayer;
  readonly reason: string;
  readonly first: { readonly status: ReportStatus; readonly at: number } | undefined;
  readonly last: { readonly status: ReportStatus; readonly at: number };
};
export type Absence = { readonly player: SimulatedPlayer; readonly status: 'inactive' | 'dnp'; readonly reason: string };

export type Night = {
  readonly team: number;
  readonly day: number;
  readonly isHome: boolean;
  readonly isPlayoffs: boolean;
  /** Days since the game before, less one: 0 is back to back. NULL for the first game. */
  readonly daysRest: number | null;
  readonly gamesInLast7Days: number;
  /** In uniform, the best first. */
  readonly dressed: readonly SimulatedPlayer[];
  /** Who was expected in uniform in the morning, before late news. */
  readonly expectedInTheMorning: readonly SimulatedPlayer[];
  readonly roster: readonly SimulatedPlayer[];
  /** Of `dressed`, how many play. */
  readonly rotation: number;
  readonly absences: readonly Absence[];
  readonly reports: readonly Report[];
};

const mostDressed = 13;
const fewestFit = 9;
const hour = 3_600_000;

export type Calendar = { readonly daysOf: (team: number) => readonly number[] };

type Word = { readonly first: ReportStatus | undefined; readonly last: ReportStatus };

/** What is said of a player who will not play. */
const wordOnAbsent = (random: Random, isNew: boolean, endsSoon: boolean): Word => {
  const doubt = random.next();
  const last = random.chance(0.1) ? 'questionable' : 'out';
  if (isNew && doubt < 0.5) return { first: doubt < 0.2 ? undefined : 'questionable', last };
  return { first: endsSoon && doubt < 0.5 ? 'questionable' : 'out', last };
};

/** What is said of a player who will play, if anything. */
const wordOnPresent = (random: Random, hasJustRecovered: boolean): Word | undefined => {
  const doubt = random.next();
  if (hasJustRecovered)
    return doubt < 0.3 ? { first: 'questionable', last: 'questionable' } : doubt < 0.8 ? { first: 'questionable', last: 'probable' } : undefined;
  return doubt < 0.015 ? { first: 'questionable', last: 'questionable' } : doubt < 0.035 ? { first: 'probable', last: 'probable' } : undefined;
};

export const createNight = (world: SeasonWorld, fixture: Fixture, isHome: boolean, calendar: Calendar): Night => {
  const [team, day] = [isHome ? fixture.home : fixture.away, fixture.day];
  const random = createRandom(`${world.seed}/${fixture.gameId}/${isHome ? 'home' : 'away'}/night`);
  const earlier = calendar.daysOf(team).filter((each) => each < day && each >= day - 30);
  const before = earlier.at(-1);
  const daysRest = before === undefined ? null : day - before - 1;
  const isPlayoffs = fixture.seasonType !== 'regular';
  const roster = world.rosterOn(team, day);
  const [saidAt, lastSaidAt] = [easternInstant(day - 1, 17 * 60 + 30), fixture.tipOffAt - random.integer(2, 8) * (hour / 4)];
  const dressed: SimulatedPlayer[] = [];
  const absences: Absence[] = [];
  const reports: Report[] = [];
  let unfit = 0;
  const report = (player: SimulatedPlayer, reason: string, { first, last }: Word): void => {
    reports.push({ player, reason, first: first && { status: first, at: saidAt }, last: { status: last, at: first === last ? saidAt : lastSaidAt } });
  };
  const rests = (player: SimulatedPlayer): boolean =>
    !isPlayoffs && daysRest === 0 && random.chance(player.age >= 33 ? 0.14 : player.talent > 1.7 ? 0.08 : 0.005);

  for (const player of roster) {
    const injury = unfit < roster.length - fewestFit ? world.injuryOn(player, day) : undefined;
    // Drawn for everybody, so that one player's injury doesn't change the luck of the others.
    const [isResting, isAway] = [rests(player), random.chance(0.002)];
    if (injury !== undefined) {
      const isNew = before === undefined || before < injury.fromDay;
      report(player, injury.reason, wordOnAbsent(random, isNew, injury.toDay - day <= 3));
      absences.push({ player, status: 'inactive', reason: injury.reason });
      unfit += 1;
    } else if (isResting && unfit < roster.length - fewestFit) {
      report(player, 'Rest', { first: 'out', last: 'out' });
      absences.push({ player, status: 'inactive', reason: 'Rest' });
      unfit += 1;
    } else if (isAway && unfit < roster.length - fewestFit) {
      report(player, 'Personal Reasons', { first: undefined, last: 'out' });
      absences.push({ player, status: 'inactive', reason: 'Personal Reasons' });
      unfit += 1;
    } else {
      const recoveredOn = world.recoveredOn(player, day);
      const word = wordOnPresent(random, recoveredOn !== undefined);
      if (word !== undefined) report(player, 'Injury/Illness - Left Ankle; Soreness', word);
      if (dressed.length < mostDressed) dressed.push(player);
      else absences.push({ player, status: 'inactive', reason: absences.length % 2 === 0 ? 'G League - Two-Way' : 'G League - On Assignment' });
    }
  }
  const rotation = Math.min(dressed.length, isPlayoffs ? random.integer(8, 10) : random.integer(9, 12));
  const saidOut = new Set(reports.filter(({ first }) => first?.status === 'out').map(({ player }) => player));
  return {
    team,
    day,
    isHome,
    isPlayoffs,
    daysRest,
    gamesInLast7Days: earlier.filter((each) => each >= day - 7).length,
    dressed,
    expectedInTheMorning: roster.filter((player) => !saidOut.has(player)).slice(0, mostDressed),
    roster,
    rotation,
    absences,
    reports,
  };
};
