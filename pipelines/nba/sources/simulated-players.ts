// Careers: who belongs to which team at the start of each season. Players grow and decline with age, leave the league and
// are replaced by rookies, and change teams between seasons. A season follows from the one before, never from games, so
// that any season can be made without playing those before it.
import { createRandom, type Random } from './random.ts';
import { toDate, toDay } from './days.ts';
import { allNames, type PersonName } from './simulated-names.ts';
import { teams } from './simulated-teams.ts';

export type Position = 'G' | 'F' | 'C';

export type Career = {
  readonly id: number;
  readonly name: string;
  readonly lastName: string;
  readonly birthDate: string;
  readonly position: Position;
  /** Talent at his best, on the scale of `talent`. */
  readonly peak: number;
  readonly peakAge: number;
  /** Weights against his team mates, around 1. */
  readonly passing: number;
  readonly rebounding: number;
  readonly defending: number;
  /** Added to the probability that a shot goes in, beside what talent adds. */
  readonly hand: number;
  /** Share of his shots from behind the arc, and share of the others that are in the paint. */
  readonly threes: number;
  readonly paint: number;
  readonly freeThrows: number;
  /** How easily he gets hurt, around 1. */
  readonly fragility: number;
};

export type SimulatedPlayer = Career & {
  /** At the start of the season, in years. */
  readonly age: number;
  /** His weight when it comes to who takes the shot: 1 is the middle of a rotation, 2 a star. */
  readonly talent: number;
  readonly touch: number;
};

const rosterSize = 17;
const firstPlayerId = 9_000_001;
const [leastTalent, mostTalent] = [0.4, 2.7];
/** Talent by rank in a team, the best first. */
const ranks = [2.02, 1.6, 1.3, 1.12, 1.0, 0.93, 0.87, 0.82, 0.78, 0.75, 0.72, 0.69, 0.66, 0.62, 0.58, 0.52, 0.48];
const spreads = [0.3, 0.2, 0.14, 0.11, 0.1, 0.09, 0.08];

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
const ageAt = (birthDate: string, year: number): number => (toDay(`${year}-10-20`) - toDay(birthDate)) / 365.25;
/** The share of his best that a player has at an age. */
const ripeness = (age: number, peakAge: number): number => {
  const gap = age - peakAge;
  return clamp(gap < 0 ? 1 + 0.075 * gap : 1 - 0.03 * gap - 0.006 * gap * gap, 0.05, 1);
};

const shapes: Readonly<Record<Position, { threes: number; paint: number; passing: number; rebounding: number }>> = {
  G: { threes: 0.45, paint: 0.72, passing: 1.5, rebounding: 0.6 },
  F: { threes: 0.42, paint: 0.8, passing: 0.8, rebounding: 1.1 },
  C: { threes: 0.16, paint: 0.9, passing: 0.6, rebounding: 2 },
};

type Beginning = { readonly id: number; readonly name: PersonName; readonly age: number; readonly year: number };

const createCareer = (random: Random, { id, name, age, year }: Beginning, peakOf: (peakAge: number) => number): Career => {
  const position = (['G', 'F', 'C'] as const)[random.weighted([0.43, 0.38, 0.19])]!;
  const shape = shapes[position];
  const peakAge = random.integer(25, 29);
  return {
    id,
    name: `${name.first} ${name.last}`,
    lastName: name.last,
    birthDate: toDate(toDay(`${year}-10-20`) - Math.round(age * 365.25)),
    position,
    peak: clamp(peakOf(peakAge), 0.5, mostTalent),
    peakAge,
    passing: shape.passing * (0.6 + random.next() * 0.8),
    rebounding: shape.rebounding * (0.7 + random.next() * 0.6),
    defending: 0.5 + random.next(),
    hand: random.normal() * 0.018,
    threes: clamp(shape.threes + random.normal() * 0.14, 0.02, 0.78),
    paint: clamp(shape.paint + random.normal() * 0.1, 0.4, 0.98),
    freeThrows: clamp((position === 'C' ? 0.71 : 0.79) + random.normal() * 0.06, 0.5, 0.93),
    fragility: 0.5 + random.next() * random.next() * 2,
  };
};

/** Everybody who is in the league, by team. */
type Membership = { readonly year: number; readonly rosters: readonly (readonly Career[])[]; readonly nextId: number };

const found = (seed: string, year: number): Membership => {
  const random = createRandom(`${seed}/${year}/found`);
  const names = random.shuffled(allNames);
  let number = 0;
  const rosters = teams.map(() =>
    ranks.map((rank, index) => {
      const talent = clamp(rank + (spreads[index] ?? 0.07) * random.normal(), leastTalent, mostTalent - 0.25);
      const age = 19.5 + (random.next() + random.next()) * (index < 8 ? 8 : 6) + random.next();
      const beginning: Beginning = { id: firstPlayerId + number, name: names[number]!, age, year };
      number += 1;
      return createCareer(random, beginning, (peakAge) => leastTalent + (talent - leastTalent) / ripeness(age, peakAge));
    }),
  );
  return { year, rosters, nextId: firstPlayerId + number };
};

const playerOf = (seed: string, year: number, career: Career): SimulatedPlayer => {
  const age = ageAt(career.birthDate, year);
  const season = createRandom(`${seed}/${year}/season-of/${career.id}`);
  const talent = clamp(leastTalent + (career.peak - leastTalent) * ripeness(age, career.peakAge) + 0.06 * season.normal(), leastTalent, mostTalent);
  return { ...career, age, talent, touch: career.hand + 0.008 * season.normal() + 0.03 * (talent - 1.1) };
};

const leaves = (random: Random, { age, talent }: SimulatedPlayer): boolean =>
  random.chance(age >= 39 ? 1 : age >= 34 ? (talent < 0.9 ? 0.6 : 0.2) : age > 23 && talent < 0.58 ? 0.35 : 0.01);

const follow = (seed: string, before: Membership): Membership => {
  const year = before.year + 1;
  const random = createRandom(`${seed}/${year}/summer`);
  const talentOf = (career: Career): number => playerOf(seed, year, career).talent;
  const rosters = before.rosters.map((roster) => roster.filter((career) => !leaves(random, playerOf(seed, year, career))));
  // Players change teams in pairs of about equal talent, so that teams stay as large and as strong as they are.
  for (let move = 0; move < 60; move += 1) {
    const [one, other] = [rosters[random.integer(0, teams.length - 1)]!, rosters[random.integer(0, teams.length - 1)]!];
    const leaving = one[random.integer(0, one.length - 1)];
    if (leaving === undefined || one === other || other.length === 0) continue;
    const like = talentOf(leaving);
    const distances = other.map((career) => Math.abs(talentOf(career) - like));
    const index = distances.indexOf(Math.min(...distances));
    one[one.indexOf(leaving)] = other[index]!;
    other[index] = leaving;
  }
  const taken = new Set(before.rosters.flat().map(({ name }) => name));
  const names = random.shuffled(allNames.filter(({ first, last }) => !taken.has(`${first} ${last}`)));
  let nextId = before.nextId;
  let rookies = 0;
  for (const index of random.shuffled(teams.map((team) => team.index))) {
    const roster = rosters[index]!;
    while (roster.length < rosterSize) {
      const ambition = random.next();
      const beginning: Beginning = { id: nextId, name: names[rookies]!, age: 19 + random.next() * 4, year };
      roster.push(createCareer(random, beginning, () => 0.62 + 0.5 * ambition + 1.4 * ambition ** 8));
      [nextId, rookies] = [nextId + 1, rookies + 1];
    }
  }
  return { year, rosters, nextId };
};

/** The league began in 2021: earlier seasons stand alone, later ones follow from one another. */
const foundingYear = 2021;

/** Rosters at the start of a season, by index of the team, each with its best player first. */
export const createRosters = (seed: string, year: number): readonly (readonly SimulatedPlayer[])[] => {
  let membership = found(seed, Math.min(year, foundingYear));
  while (membership.year < year) membership = follow(seed, membership);
  return membership.rosters.map((roster) => roster.map((career) => playerOf(seed, year, career)).toSorted((a, b) => b.talent - a.talent || a.id - b.id));
};
