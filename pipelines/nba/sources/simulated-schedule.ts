// Who plays whom on which date. Regular season: as many rounds as a team has games, in each of which every team plays
// once, spread over two days. So nobody ever plays twice a day, dates have between 1 and 14 games as in a real season, and
// games on consecutive days do occur.
import { easternInstant, toDay, weekdayOf } from './days.ts';
import type { Random } from './random.ts';
import { teams } from './simulated-teams.ts';

export type SeasonType = 'regular' | 'playin' | 'playoffs';

export type Fixture = {
  readonly gameId: string;
  /** e.g. `2023-24` */
  readonly season: string;
  readonly seasonType: SeasonType;
  /** On the East coast; of the day on which it is played, when it was postponed. */
  readonly day: number;
  /** Instants in ms: when play begins, and when the league made it known that it would be played then. */
  readonly tipOffAt: number;
  readonly announcedAt: number;
  /** Indexes of teams. */
  readonly home: number;
  readonly away: number;
  readonly postponed?: { readonly fromDay: number; readonly fromTipOffAt: number; readonly at: number };
};

/** The game is over by then, and the score is known. */
export const finalAt = ({ tipOffAt }: Fixture): number => tipOffAt + 165 * 60_000;

export const yearOf = (season: string): number => {
  const year = Number.parseInt(season.slice(0, 4), 10);
  if (!/^\d{4}-\d{2}$/.test(season) || Number(season.slice(5)) !== (year + 1) % 100)
    throw new RangeError(`expected a season such as 2023-24, found "${season}"`);
  return year;
};

/** The first Tuesday from 18 October on: the day on which the real seasons since 2021 have begun. */
export const openingDay = (year: number): number => {
  const from = toDay(`${year}-10-18`);
  return from + ((2 - weekdayOf(from) + 7) % 7);
};

/** Days without games: Thanksgiving, Christmas Eve and the All-Star break. */
const isDayOff = (time: number): boolean => {
  const date = new Date(time * 86_400_000);
  const [month, day] = [date.getUTCMonth() + 1, date.getUTCDate()];
  const thanksgiving = month === 11 && date.getUTCDay() === 4 && day >= 22 && day <= 28;
  return thanksgiving || (month === 12 && day === 24) || (month === 2 && day >= 16 && day <= 21);
};

/** Circle method: team 0 stays, the others go round; in 29 rounds everybody meets everybody once. */
const pairsOf = (count: number, round: number): [home: number, away: number][] => {
  const turns = count - 1;
  const seat = (index: number): number => (index === 0 ? 0 : 1 + ((index - 1 + round) % turns));
  const mirrored = Math.floor(round / turns) % 2 === 1;
  return Array.from({ length: count / 2 }, (_, index) => {
    const pair: [number, number] = [seat(index), seat(count - 1 - index)];
    const swap = (index === 0 ? round % 2 === 1 : index % 2 === 1) !== mirrored;
    return swap ? [pair[1], pair[0]] : pair;
  });
};

// Minutes after midnight on the East coast; teams of the West begin late.
const evenings = { east: [19 * 60, 19 * 60 + 30, 20 * 60], west: [20 * 60 + 30, 22 * 60, 22 * 60 + 30] };

/** When the nth game of a date begins; on Sundays the first is played in the afternoon. */
export const tipOffOf = (day: number, home: number, nth: number): number => {
  const slots = evenings[teams[home]!.conference];
  return easternInstant(day, weekdayOf(day) === 0 && nth === 0 ? 15 * 60 + 30 : slots[nth % slots.length]!);
};

export type RegularSeason = { readonly season: string; readonly startDay: number; readonly gamesPerTeam: number };

/** All fixtures of the regular season, by date. */
export const createSchedule = (random: Random, { season, startDay, gamesPerTeam }: RegularSeason): Fixture[] => {
  const fixtures: Fixture[] = [];
  const announcedAt = easternInstant(startDay - 60, 15 * 60);
  let next = startDay;
  const nextDay = (): number => {
    while (isDayOff(next)) next += 1;
    next += 1;
    return next - 1;
  };
  for (let round = 0; round < gamesPerTeam; round += 1) {
    const pairs = random.shuffled(pairsOf(teams.length, round));
    const onFirstDay = random.integer(1, pairs.length - 1);
    const days = [nextDay(), nextDay()];
    for (const [index, [home, away]] of pairs.entries()) {
      const isFirst = index < onFirstDay;
      const day = days[isFirst ? 0 : 1]!;
      const gameId = `002${season.slice(2, 4)}${String(fixtures.length + 1).padStart(5, '0')}`;
      const tipOffAt = tipOffOf(day, home, isFirst ? index : index - onFirstDay);
      fixtures.push({ gameId, season, seasonType: 'regular', day, tipOffAt, announcedAt, home, away });
    }
  }
  return fixtures;
};
