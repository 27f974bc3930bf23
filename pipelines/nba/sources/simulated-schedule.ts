// Who plays whom on which date: 82 rounds in which every team plays once, each spread over two days. So nobody ever plays
// twice a day, dates have between 1 and 14 games as in a real season, and games on consecutive days do occur.
import type { Random } from './random.ts';

export type Fixture = { readonly date: string; readonly home: number; readonly away: number };

const rounds = 82;
const dayMs = 86_400_000;

/** The first Tuesday from 18 October on: the day on which the real seasons since 2021 have begun. */
const openingDay = (year: number): number => {
  const from = Date.UTC(year, 9, 18);
  return from + ((2 - new Date(from).getUTCDay() + 7) % 7) * dayMs;
};

/** Days without games: Thanksgiving, Christmas Eve and the All-Star break. */
const isDayOff = (time: number): boolean => {
  const date = new Date(time);
  const [month, day] = [date.getUTCMonth() + 1, date.getUTCDate()];
  const thanksgiving = month === 11 && date.getUTCDay() === 4 && day >= 22 && day <= 28;
  return thanksgiving || (month === 12 && day === 24) || (month === 2 && day >= 16 && day <= 21);
};

/** Circle method: team 0 stays, the others go round; in 29 rounds everybody meets everybody once. */
const pairsOf = (teams: number, round: number): [home: number, away: number][] => {
  const turns = teams - 1;
  const seat = (index: number): number => (index === 0 ? 0 : 1 + ((index - 1 + round) % turns));
  const mirrored = Math.floor(round / turns) % 2 === 1;
  return Array.from({ length: teams / 2 }, (_, index) => {
    const pair: [number, number] = [seat(index), seat(teams - 1 - index)];
    const swap = (index === 0 ? round % 2 === 1 : index % 2 === 1) !== mirrored;
    return swap ? [pair[1], pair[0]] : pair;
  });
};

/** All fixtures of the season that starts in `year`, by date. */
export const createSchedule = (random: Random, teams: number, year: number): Fixture[] => {
  const fixtures: Fixture[] = [];
  let time = openingDay(year);
  const nextDay = (): string => {
    while (isDayOff(time)) time += dayMs;
    const date = new Date(time).toISOString().slice(0, 10);
    time += dayMs;
    return date;
  };
  for (let round = 0; round < rounds; round += 1) {
    const pairs = random.shuffled(pairsOf(teams, round));
    const onFirstDay = random.integer(1, pairs.length - 1);
    const days = [nextDay(), nextDay()];
    for (const [index, [home, away]] of pairs.entries()) fixtures.push({ date: days[index < onFirstDay ? 0 : 1]!, home, away });
  }
  return fixtures;
};
