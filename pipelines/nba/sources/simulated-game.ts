// One game, possession by possession. Everything is counted where it happens, on the event and in the box score at once,
// so that the laws of real data hold by construction: players add up to teams, events add up to the score.
import type { Random } from './random.ts';
import type { SimulatedPlayer, SimulatedTeam } from './simulated-teams.ts';

export type Line = {
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
  readonly team: SimulatedTeam;
  readonly lines: readonly Line[];
  /** How many of the lines share the minutes; one more may have come in for the last seconds, with 0 minutes. */
  readonly regulars: number;
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

const stintSeconds = 120;
const quarterSeconds = 720;
const overtimeSeconds = 300;
const foulLimit = 6;

const createSide = (random: Random, team: SimulatedTeam): Side => {
  const regulars = random.integer(9, 12);
  const lines = team.players.slice(0, regulars + (random.chance(0.06) ? 1 : 0)).map((player, rank) => ({
    player,
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
  }));
  return { team, lines, regulars, score: 0, possessions: 0, teamTurnovers: 0 };
};

/** The five on the floor for each stint of two minutes: those who are furthest behind the minutes meant for them. */
const planLineUps = (random: Random, side: Side): Line[][] => {
  const stints = (4 * quarterSeconds) / stintSeconds;
  const regulars = side.lines.slice(0, side.regulars);
  const sum = regulars.reduce((total, { player }) => total + player.minutes, 0);
  const due = regulars.map(({ player }) => (player.minutes / sum) * 5 * (0.85 + random.next() * 0.3));
  const given = regulars.map(() => 0);
  return Array.from({ length: stints }, (_, stint) => {
    const behind = regulars.map((_line, index) => ({ index, by: (due[index] ?? 0) * (stint + 1) - (given[index] ?? 0) }));
    const five = stint === 0 ? behind.slice(0, 5) : behind.sort((a, b) => b.by - a.by || a.index - b.index).slice(0, 5);
    return five.map(({ index }) => {
      given[index] = (given[index] ?? 0) + 1;
      const line = regulars[index]!;
      line.minutes += stintSeconds / 60;
      return line;
    });
  });
};

export const playGame = (random: Random, homeTeam: SimulatedTeam, awayTeam: SimulatedTeam): GameResult => {
  const home = createSide(random, homeTeam);
  const away = createSide(random, awayTeam);
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
    const offensive = random.chance(0.24);
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
    const line = pick(floor(side), ({ usage }) => usage);
    line.tov += 1;
    const thief = random.chance(0.55) ? pick(floor(other(side)), ({ defending }) => defending) : undefined;
    if (thief) thief.stl += 1;
    tell(side, line, 'turnover', `${line.player.lastName} TURNOVER (${line.tov} TO)`, { stealId: thief?.player.id ?? null });
  };
  /** True when the side that shot has the ball again. */
  const shoot = (side: Side): boolean => {
    const line = pick(floor(side), ({ usage }) => usage);
    const { player } = line;
    const three = random.chance(player.threes);
    const inPaint = !three && random.chance(0.8);
    const advantage = side.team.offense - other(side).team.defense + (side === home ? 0.006 : -0.006);
    const made = random.chance((three ? 0.355 : inPaint ? 0.565 : 0.415) + player.touch + advantage);
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
    if (!random.chance(inPaint ? 0.08 : 0.01)) return false;
    foul(other(side), line, 1);
    return shootFreeThrows(side, line, 1) ? false : rebound(side);
  };
  /** What happens with the ball once; true when the same side goes on. */
  const act = (side: Side): boolean => {
    const roll = random.next();
    if (roll < 0.128) {
      turnOver(side);
      return false;
    }
    const drawn = (): Line => pick(floor(side), ({ usage }) => usage);
    // A foul that stops the play without free throws.
    if (roll < 0.19) foul(other(side), drawn(), 0);
    if (roll < 0.9) return shoot(side);
    const line = drawn();
    const throws = random.chance(0.03) ? 3 : 2;
    foul(other(side), line, throws);
    return shootFreeThrows(side, line, throws) ? false : rebound(side);
  };
  const playPeriod = (seconds: number, first: Side): void => {
    let side = first;
    secondsLeft = seconds;
    while ((secondsLeft -= random.integer(8, 20)) >= 0) {
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
