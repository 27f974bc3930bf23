// How rows are made of a game that was played, and of what was said before it.
import { toDate, toTimestamp } from './days.ts';
import type { Common, Counts, GameRow, InjuryReportRow, PlayByPlayRow, PlayerBoxscoreRow, PlayerRow, PlayerStatusRow, TeamBoxscoreRow } from './row-types.ts';
import type { GameResult, Line, Side } from './simulated-game.ts';
import type { Night } from './simulated-night.ts';
import type { SimulatedPlayer } from './simulated-players.ts';
import type { Fixture } from './simulated-schedule.ts';
import { teams } from './simulated-teams.ts';

const share = (made: number, of: number): number | null => (of === 0 ? null : Math.round((made / of) * 1000) / 1000);

const countsOf = (lines: readonly Line[], extraTurnovers: number, plusMinus: number): Counts => {
  const sum = { pts: 0, fgm: 0, fga: 0, fg3m: 0, fg3a: 0, ftm: 0, fta: 0, oreb: 0, dreb: 0, ast: 0, stl: 0, blk: 0, tov: extraTurnovers, pf: 0 };
  for (const line of lines) {
    sum.pts += line.points;
    for (const name of ['fgm', 'fga', 'fg3m', 'fg3a', 'ftm', 'fta', 'oreb', 'dreb', 'ast', 'stl', 'blk', 'tov', 'pf'] as const) sum[name] += line[name];
  }
  return {
    ...sum,
    fg_pct: share(sum.fgm, sum.fga),
    fg3_pct: share(sum.fg3m, sum.fg3a),
    ft_pct: share(sum.ftm, sum.fta),
    reb: sum.oreb + sum.dreb,
    plus_minus: plusMinus,
  };
};

export const commonOf = ({ gameId, season, seasonType, day }: Fixture): Common => ({
  game_id: gameId,
  season,
  season_type: seasonType,
  game_date: toDate(day),
});

export type Score = { readonly home: number; readonly away: number };

export const gameRowOf = (fixture: Fixture, score: Score | undefined): GameRow => ({
  ...commonOf(fixture),
  season_year: Number(fixture.season.slice(0, 4)),
  start_time_utc: toTimestamp(fixture.tipOffAt),
  home_team: teams[fixture.home]!.code,
  away_team: teams[fixture.away]!.code,
  home_score: score?.home ?? null,
  away_score: score?.away ?? null,
  neutral_site: false,
});

const sidesOf = ({ home, away }: GameResult): readonly (readonly [Side, Side])[] => [
  [home, away],
  [away, home],
];

export const teamBoxscoresOf = (fixture: Fixture, result: GameResult): TeamBoxscoreRow[] => {
  const common = commonOf(fixture);
  return sidesOf(result).map(([side, opponent]) => ({
    ...common,
    team: side.team.code,
    opponent: opponent.team.code,
    is_home: side === result.home,
    team_id: side.team.id,
    win: side.score > opponent.score,
    minutes: 240 + 25 * (result.periods - 4),
    possessions: side.possessions,
    ...countsOf(side.lines, side.teamTurnovers, side.score - opponent.score),
  }));
};

export const playerBoxscoresOf = (fixture: Fixture, result: GameResult, knowsStarters: boolean): PlayerBoxscoreRow[] => {
  const common = commonOf(fixture);
  return sidesOf(result).flatMap(([side, opponent]) =>
    side.lines.map((line) => ({
      ...common,
      team: side.team.code,
      opponent: opponent.team.code,
      is_home: side === result.home,
      player_id: line.player.id,
      player_name: line.player.name,
      starter: knowsStarters ? line.starter : null,
      minutes: line.minutes,
      ...countsOf([line], 0, line.plusMinus),
    })),
  );
};

export const playByPlayOf = (fixture: Fixture, result: GameResult): PlayByPlayRow[] => {
  const common = commonOf(fixture);
  return result.events.map((event, index) => ({
    ...common,
    action_number: index + 1,
    period: event.period,
    seconds_left_in_period: event.secondsLeft,
    action_type: event.type,
    team: event.side.team.code,
    player_id: event.player?.id ?? null,
    description: event.text,
    qualifiers: event.qualifiers,
    shot_result: event.made === null ? null : event.made ? 'Made' : 'Missed',
    is_field_goal: event.type === '2pt' || event.type === '3pt',
    points: event.points,
    shot_distance_ft: event.distance,
    is_paint_shot: event.inPaint,
    assist_player_id: event.assistId,
    block_player_id: event.blockId,
    steal_player_id: event.stealId,
    foul_drawn_player_id: event.foulDrawnId,
    score_home: event.homeScore,
    score_away: event.awayScore,
  }));
};

/** Rostered players who did not play. */
export const playerStatusesOf = (fixture: Fixture, result: GameResult, nights: readonly [Night, Night]): PlayerStatusRow[] => {
  const common = commonOf(fixture);
  return sidesOf(result).flatMap(([side, opponent], index) => {
    const { dressed, absences } = nights[index]!;
    const played = new Set(side.lines.map(({ player }) => player));
    const row = (player: SimulatedPlayer, status: 'dnp' | 'inactive', reason: string): PlayerStatusRow => ({
      ...common,
      player_id: player.id,
      player_name: player.name,
      team: side.team.code,
      opponent: opponent.team.code,
      is_home: index === 0,
      status,
      reason,
    });
    return [
      ...dressed.filter((player) => !played.has(player)).map((player) => row(player, 'dnp', "DNP - Coach's Decision")),
      ...absences.map(({ player, status, reason }) => row(player, status, reason)),
    ];
  });
};

/** One row a player: the latest word on him, or the latest that was said by `asOf`. */
export const injuryReportsOf = (fixture: Fixture, nights: readonly [Night, Night], asOf: number): InjuryReportRow[] => {
  const common = commonOf(fixture);
  return nights.flatMap(({ team, reports }) =>
    reports.flatMap(({ player, reason, first, last }) => {
      const word = last.at <= asOf ? last : first !== undefined && first.at <= asOf ? first : undefined;
      if (word === undefined) return [];
      return {
        ...common,
        player_id: player.id,
        player_name: player.name,
        team: teams[team]!.code,
        status: word.status,
        reason,
        reported_at: toTimestamp(word.at),
      };
    }),
  );
};

export const playerRowsOf = (season: string, firstDay: number, rosters: readonly (readonly SimulatedPlayer[])[]): PlayerRow[] =>
  rosters.flatMap((roster, index) =>
    roster.map(({ id, name, birthDate, position }) => ({
      player_id: id,
      player_name: name,
      birth_date: birthDate,
      season,
      game_date: toDate(firstDay),
      position,
      team: teams[index]!.code,
    })),
  );
