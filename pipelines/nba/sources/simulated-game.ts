// One game, possession by possession. Everything is counted where it happens, on the event and in the box score at once,
// so that the laws of real data hold by construction: players add up to teams, events add up to the score.
import type { Random } from './random.ts';
import type { SimulatedPlayer } from './simulated-players.ts';
import type { Member, Squad } from './simulated-squad.ts';
import type { SimulatedTeam } from './simulated-teams.ts';

export type Line = {
  readonly member: Member;
  readonly player: SimulatedPlayer;
  starter: boolean;
  minutes: number;
  points: number;
  fgm: number;
  fga: number;
  fg3m: number;
  fg3a: number;
  ftm: number;
  fta: number;
  oreb: number;
  dreb: number;
  ast: number;
  stl: number;
  blk: number;
  tov: number;
  pf: number;
  plusMinus: number;
};

export type Side = {
  readonly squad: Squad;
  readonly team: SimulatedTeam;
  readonly lines: readonly Line[];
  score: number;
  possessions: number;
  /** Turnovers that are charged to nobody: shot clock, five seconds. */
  teamTurnovers: number;
};

export type GameEvent = {
  readonly period: number;
  readonly secondsLeft: number;
  readonly type: '2pt' | '3pt' | 'freethrow' | 'rebound' | 'turnover' | 'foul';
  readonly side: Side;
  readonly player: SimulatedPlayer | null;
  readonly text: string;
  readonly qualifiers: string | null;
  readonly made: boolean | null;
  readonly points: number;
  readonly distance: number | null;
  readonly inPaint: boolean | null;
  readonly assistId: number | null;
  readonly blockId: number | null;
  readonly stealId: number | null;
  readonly foulDrawnId: number | null;
  readonly homeScore: number;
  readonly awayScore: number;
};

export type GameResult = { readonly home: Side; readonly away: Side; readonly periods: number; readonly events: readonly GameEvent[] };

const stintSeconds = 60;
const quarterSeconds = 720;
const overtimeSeconds = 300;
const foulLimit = 6;

/** The rules of chance of a turn with the ball; what is to be expected of a game follows from them too. */
export const rates = {
  turnover: 0.128,
  /** A foul that stops the play without free throws, before a shot. */
  commonFoul: 0.062,
  shot: 0.779,
  /** To the line for two or three. */
  trip: 0.093,
  makes: { three: 0.361, paint: 0.581, midRange: 0.421 },
  /** A made shot with a free throw to it. */
  bonus: { paint: 0.08, other: 0.01 },
  offensiveRebound: 0.22,
  possessionSeconds: 14,
  /** Who leads takes it easy: taken from the probability of a shot for each point of the lead, 25 at most. */
  ease: 0.0012,
} as const;

const createSide = (squad: Squad): Side => ({
  squad,
  team: squad.team,
  lines: squad.members.map((member, rank) => ({
    member,
    player: member.player,
    starter: rank < 5,
    minutes: 0,
    points: 0,
    fgm: 0,
    fga: 0,
    fg3m: 0,
    fg3a: 0,
    ftm: 0,
    fta: 0,
    oreb: 0,
    dreb: 0,
    ast: 0,
    stl: 0,
    blk: 0,
    tov: 0,
    pf: 0,
    plusMinus: 0,
  })),
  score: 0,
  possessions: 0,
  teamTurnovers: 0,
});

/** The five on the floor for each stint: those who are furthest behind the minutes meant for them. */
const planLineUps = (random: Random, { lines, squad }: Side): Line[][] => {
  const stints = (4 * quarterSeconds) / stintSeconds;
  const regulars = lines.slice(0, squad.regulars);
  const sum = regulars.reduce((total, { member }) => total + member.minutes, 0);
  const behind = regulars.map((line) => ({ line, by: 0, due: (line.member.minutes / sum) * 5 * (0.82 + random.next() * 0.36) }));
  return Array.from({ length: stints }, (_, stint) => {
    for (const each of behind) each.by += each.due;
    const five = (stint === 0 ? behind : behind.toSorted((a, b) => b.by - a.by)).slice(0, 5);
    return five.map((each) => {
      each.by -= 1;
      each.line.minutes += stintSeconds / 60;
      return each.line;
    });
  });
};

export const playGame = (random: Random, homeSquad: Squad, awaySquad: Squad): GameResult => {
  const home = createSide(homeSquad);
  const away = createSide(awaySquad);
  const patience = homeSquad.patience + awaySquad.patience;
  const lineUps = new Map([home, away].map((side) => [side, planLineUps(random, side)]));
  const events: GameEvent[] = [];
  let [period, secondsLeft] = [1, quarterSeconds];
  let secondChance = false;

  const floor = (side: Side): Line[] => {
    const stints = lineUps.get(side)!;
    // Overtime belongs to the starters.
    if (period > 4) return side.lines.slice(0, 5);
    const elapsed = (period - 1) * quarterSeconds + quarterSeconds - secondsLeft;
    return stints[Math.min(Math.floor(elapsed / stintSeconds), stints.length - 1)]!;
  };
  const pick = (lines: readonly Line[], weightOf: (player: SimulatedPlayer) => number): Line =>
    lines[random.weighted(lines.map(({ player }) => weightOf(player)))]!;
  const pickShooter = (lines: readonly Line[]): Line => lines[random.weighted(lines.map(({ member }) => member.usage))]!;
  const other = (side: Side): Side => (side === home ? away : home);

  const tell = (side: Side, line: Line | null, type: GameEvent['type'], text: string, more: Partial<GameEvent> = {}): void => {
    events.push({
      period,
      secondsLeft,
      type,
      side,
      player: line?.player ?? null,
      text,
      qualifiers: null,
      made: null,
      points: 0,
      distance: null,
      inPaint: null,
      assistId: null,
      blockId: null,
      stealId: null,
      foulDrawnId: null,
      homeScore: home.score,
      awayScore: away.score,
      ...more,
    });
  };
  const score = (side: Side, line: Line, points: number): void => {
    side.score += points;
    line.points += points;
    for (const mate of floor(side)) mate.plusMinus += points;
    for (const opponent of floor(other(side))) opponent.plusMinus -= points;
  };
  const foul = (by: Side, drawn: Line, throws: number): void => {
    const allowed = floor(by).filter(({ pf }) => pf < foulLimit - 1);
    const fouler = pick(allowed.length > 0 ? allowed : floor(by), ({ defending }) => 2 - defending * 0.5);
    fouler.pf += 1;
    tell(by, fouler, 'foul', `${fouler.player.lastName} FOUL (${fouler.pf} PF)`, {
      foulDrawnId: drawn.player.id,
      qualifiers: throws > 0 ? `${throws}freethrow` : null,
    });
  };
  /** True when the last one went in. */
  const shootFreeThrows = (side: Side, line: Line, throws: number): boolean => {
    let made = false;
    for (let number = 1; number <= throws; number += 1) {
      made = random.chance(line.player.freeThrows);
      line.fta += 1;
      if (made) {
        line.ftm += 1;
        score(side, line, 1);
      }
      const text = `${line.player.lastName} Free Throw ${number} of ${throws}`;
      tell(side, line, 'freethrow', made ? `${text} (${line.points} PTS)` : `MISS ${text}`, {
        made,
        points: made ? 1 : 0,
        qualifiers: secondChance ? '2ndchance' : null,
      });
    }
    return made;
  };
  /** True when the side that shot has the ball again. */
  const rebound = (side: Side): boolean => {
    const offensive = random.chance(rates.offensiveRebound);
    const getter = offensive ? side : other(side);
    const line = pick(floor(getter), ({ rebounding }) => rebounding);
    if (offensive) line.oreb += 1;
    else line.dreb += 1;
    tell(getter, line, 'rebound', `${line.player.lastName} REBOUND (Off:${line.oreb} Def:${line.dreb})`);
    return offensive;
  };
  const turnOver = (side: Side): void => {
    if (random.chance(0.05)) {
      side.teamTurnovers += 1;
      tell(side, null, 'turnover', `${side.team.code} shot clock TURNOVER`, { qualifiers: 'team' });
      return;
    }
    const line = pickShooter(floor(side));
    line.tov += 1;
    const thief = random.chance(0.55) ? pick(floor(other(side)), ({ defending }) => defending) : undefined;
    if (thief) thief.stl += 1;
    tell(side, line, 'turnover', `${line.player.lastName} TURNOVER (${line.tov} TO)`, { stealId: thief?.player.id ?? null });
  };
  /** True when the side that shot has the ball again. */
  const shoot = (side: Side): boolean => {
    const line = pickShooter(floor(side));
    const { player } = line;
    const { edge } = side.squad;
    const three = random.chance(player.threes);
    const inPaint = !three && random.chance(player.paint);
    const { makes } = rates;
    const make = three ? makes.three + edge.three : inPaint ? makes.paint + edge.paint : makes.midRange + edge.midRange;
    const made = random.chance(make + line.member.touch - rates.ease * Math.max(-25, Math.min(25, side.score - other(side).score)));
    const qualifiers = [...(inPaint ? ['pointsinthepaint'] : []), ...(secondChance ? ['2ndchance'] : [])].join(', ') || null;
    const distance = three ? random.integer(23, 29) : inPaint ? (random.chance(0.6) ? null : random.integer(1, 9)) : random.integer(10, 21);
    const [type, value] = three ? (['3pt', 3] as const) : (['2pt', 2] as const);
    const text = `${player.lastName} ${distance === null ? 'Layup' : `${distance}' ${three ? '3PT' : 'Jump Shot'}`}`;
    line.fga += 1;
    if (three) line.fg3a += 1;
    if (!made) {
      const blocker = random.chance(three ? 0.015 : inPaint ? 0.16 : 0.06) ? pick(floor(other(side)), ({ defending }) => defending) : undefined;
      if (blocker) blocker.blk += 1;
      tell(side, line, type, `MISS ${text}${blocker ? ' - blocked' : ''}`, { made, qualifiers, distance, inPaint, blockId: blocker?.player.id ?? null });
      return rebound(side);
    }
    line.fgm += 1;
    if (three) line.fg3m += 1;
    score(side, line, value);
    const passer = random.chance(three ? 0.8 : 0.5)
      ? pick(
          floor(side).filter((mate) => mate !== line),
          ({ passing }) => passing,
        )
      : undefined;
    if (passer) passer.ast += 1;
    tell(side, line, type, `${text} (${line.points} PTS)`, { made, points: value, qualifiers, distance, inPaint, assistId: passer?.player.id ?? null });
    if (!random.chance(inPaint ? rates.bonus.paint : rates.bonus.other)) return false;
    foul(other(side), line, 1);
    return shootFreeThrows(side, line, 1) ? false : rebound(side);
  };
  /** What happens with the ball once; true when the same side goes on. */
  const act = (side: Side): boolean => {
    const roll = random.next();
    if (roll < rates.turnover) {
      turnOver(side);
      return false;
    }
    const drawn = (): Line => pickShooter(floor(side));
    if (roll < rates.turnover + rates.commonFoul) foul(other(side), drawn(), 0);
    if (roll < rates.turnover + rates.shot) return shoot(side);
    const line = drawn();
    const throws = random.chance(0.03) ? 3 : 2;
    foul(other(side), line, throws);
    return shootFreeThrows(side, line, throws) ? false : rebound(side);
  };
  const playPeriod = (seconds: number, first: Side): void => {
    let side = first;
    secondsLeft = seconds;
    const spread = rates.possessionSeconds - 8;
    const length = (): number => Math.floor(rates.possessionSeconds + patience + random.integer(-spread, spread) + random.next());
    while ((secondsLeft -= length()) >= 0) {
      side.possessions += 1;
      secondChance = false;
      while (act(side)) {
        secondChance = true;
        secondsLeft = Math.max(0, secondsLeft - random.integer(2, 6));
      }
      side = other(side);
    }
  };

  const tip = random.chance(0.5) ? home : away;
  // The winner of the tip-off begins quarters 1 and 4.
  for (period = 1; period <= 4; period += 1) playPeriod(quarterSeconds, period === 1 || period === 4 ? tip : other(tip));
  while (home.score === away.score) {
    for (const side of [home, away]) for (const line of floor(side)) line.minutes += overtimeSeconds / 60;
    playPeriod(overtimeSeconds, random.chance(0.5) ? home : away);
    period += 1;
  }
  return { home, away, periods: period - 1, events };
};
