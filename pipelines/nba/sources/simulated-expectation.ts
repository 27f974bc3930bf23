// The points that each player is to be expected to score, worked out from the rules by which games are played instead of
// by playing them: bookmakers' lines are made of this, and tests know from it how good an estimate can be.
import { rates } from './simulated-game.ts';
import type { SimulatedPlayer } from './simulated-players.ts';
import type { Member, Squad } from './simulated-squad.ts';

type Expected = { readonly points: number; readonly minutes: number };
export type Expectation = { readonly points: number; readonly players: ReadonlyMap<SimulatedPlayer, Expected> };

/** Of a member's turn with the ball: points, and the probability that his side goes on with it. */
const turnOf = ({ player, touch }: Member, { edge }: Squad): { points: number; goesOn: number } => {
  const { shot, trip, makes, bonus, offensiveRebound } = rates;
  const { threes, paint, freeThrows } = player;
  const zones = [
    { share: threes, value: 3, make: makes.three + touch + edge.three, bonus: bonus.other },
    { share: (1 - threes) * paint, value: 2, make: makes.paint + touch + edge.paint, bonus: bonus.paint },
    { share: (1 - threes) * (1 - paint), value: 2, make: makes.midRange + touch + edge.midRange, bonus: bonus.other },
  ];
  let [points, missed] = [trip * 2.03 * freeThrows, trip * (1 - freeThrows)];
  for (const zone of zones) {
    points += shot * zone.share * zone.make * (zone.value + zone.bonus * freeThrows);
    missed += shot * zone.share * (1 - zone.make + zone.make * zone.bonus * (1 - freeThrows));
  }
  return { points, goesOn: missed * offensiveRebound };
};

const mostMinutes = 42;

const expectAlone = (squad: Squad, opponent: Squad): Expectation => {
  const members = squad.members.slice(0, squad.regulars);
  const total = members.reduce((sum, { minutes }) => sum + minutes, 0);
  const minutes = members.map((member) => Math.min(mostMinutes, (member.minutes / total) * 240));
  const weight = members.reduce((sum, { usage }, index) => sum + usage * minutes[index]!, 0);
  // The share of a player while he is on the floor, among four others of average weight.
  const shares = members.map(({ usage }, index) => {
    const others = (weight - usage * minutes[index]!) / (240 - minutes[index]!);
    return (minutes[index]! / 48) * (usage / (usage + 4 * others));
  });
  const whole = shares.reduce((sum, share) => sum + share, 0);
  const turns = members.map((member) => turnOf(member, squad));
  const goesOn = turns.reduce((sum, turn, index) => sum + (shares[index]! / whole) * turn.goesOn, 0);
  const perPossession = 1 / (1 - goesOn);
  const seconds = rates.possessionSeconds + squad.patience + opponent.patience + 4 * (perPossession - 1) + 0.1;
  const possessions = (48 * 60) / seconds / 2;
  let points = 0;
  const players = new Map(
    members.map(({ player }, index) => {
      const his = possessions * perPossession * (shares[index]! / whole) * turns[index]!.points;
      points += his;
      return [player, { points: his, minutes: minutes[index]! }] as const;
    }),
  );
  return { points, players };
};

/** Who leads takes it easy (`rates.ease`), which leaves so much of the margin between two teams. */
const marginLeft = 0.75;

/** Both sides of a game. */
export const expectGame = (home: Squad, away: Squad): { readonly home: Expectation; readonly away: Expectation } => {
  const [one, other] = [expectAlone(home, away), expectAlone(away, home)];
  const middle = (one.points + other.points) / 2;
  const ease = (side: Expectation): Expectation => {
    const points = middle + marginLeft * (side.points - middle);
    const players = [...side.players].map(([player, his]) => [player, { ...his, points: (his.points * points) / side.points }] as const);
    return { points, players: new Map(players) };
  };
  return { home: ease(one), away: ease(other) };
};
