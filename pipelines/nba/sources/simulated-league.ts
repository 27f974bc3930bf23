// A season of an invented league, as rows of the four sources of this pipeline: for trying Floodgate without data, and
// for tests that need to know the truth. One seed, one season, always the same rows; no file is touched here. It obeys the
// laws of the real data, so that every audit of the pipeline passes on it.
import { createRandom } from './random.ts';
import { playGame, type GameResult, type Line, type Side } from './simulated-game.ts';
import { createSchedule, type Fixture } from './simulated-schedule.ts';
import { createTeams } from './simulated-teams.ts';

type Common = { readonly game_id: string; readonly season: string; readonly season_type: 'regular'; readonly game_date: string };

export type GameRow = Common & {
  readonly season_year: number;
  readonly home_team: string;
  readonly away_team: string;
  readonly home_score: number;
  readonly away_score: number;
  readonly neutral_site: boolean;
};

type Counts = {
  readonly pts: number;
  readonly fgm: number;
  readonly fga: number;
  readonly fg_pct: number | null;
  readonly fg3m: number;
  readonly fg3a: number;
  readonly fg3_pct: number | null;
  readonly ftm: number;
  readonly fta: number;
  readonly ft_pct: number | null;
  readonly oreb: number;
  readonly dreb: number;
  readonly reb: number;
  readonly ast: number;
  readonly stl: number;
  readonly blk: number;
  readonly tov: number;
  readonly pf: number;
  readonly plus_minus: number;
};

export type TeamBoxscoreRow = Common &
  Counts & {
    readonly team_id: number;
    readonly team: string;
    readonly opponent: string;
    readonly is_home: boolean;
    readonly win: boolean;
    /** Of all players together. */
    readonly minutes: number;
    readonly possessions: number;
  };

export type PlayerBoxscoreRow = Common &
  Counts & {
    readonly player_id: number;
    readonly player_name: string;
    readonly team: string;
    readonly opponent: string;
    readonly is_home: boolean;
    readonly starter: boolean;
    readonly minutes: number;
  };

export type PlayByPlayRow = Common & {
  readonly action_number: number;
  readonly period: number;
  readonly seconds_left_in_period: number;
  readonly action_type: string;
  readonly team: string;
  readonly player_id: number | null;
  readonly description: string;
  readonly qualifiers: string | null;
  readonly shot_result: 'Made' | 'Missed' | null;
  readonly is_field_goal: boolean;
  readonly points: number;
  readonly shot_distance_ft: number | null;
  readonly is_paint_shot: boolean | null;
  readonly assist_player_id: number | null;
  readonly block_player_id: number | null;
  readonly steal_player_id: number | null;
  readonly foul_drawn_player_id: number | null;
  readonly score_home: number;
  readonly score_away: number;
};

/** The rows of one game, under the names of the sources that they belong to. */
export type SimulatedGameRows = {
  readonly games: readonly GameRow[];
  readonly team_boxscores: readonly TeamBoxscoreRow[];
  readonly player_boxscores: readonly PlayerBoxscoreRow[];
  readonly play_by_play: readonly PlayByPlayRow[];
};

export type LeagueOptions = {
  readonly seed: string;
  /** e.g. `2023-24` */
  readonly season: string;
  /** The first n games of the season only; all 1,230 by default. */
  readonly games?: number;
};

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

const playByPlayOf = (common: Common, result: GameResult): PlayByPlayRow[] =>
  result.events.map((event, index) => ({
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

const rowsOf = (common: Common, seasonYear: number, result: GameResult): SimulatedGameRows => {
  const { home, away, periods } = result;
  const sides: readonly (readonly [Side, Side])[] = [
    [home, away],
    [away, home],
  ];
  const about = (side: Side, opponent: Side) => ({ ...common, team: side.team.code, opponent: opponent.team.code, is_home: side === home });
  return {
    games: [
      {
        ...common,
        season_year: seasonYear,
        home_team: home.team.code,
        away_team: away.team.code,
        home_score: home.score,
        away_score: away.score,
        neutral_site: false,
      },
    ],
    team_boxscores: sides.map(([side, opponent]) => ({
      ...about(side, opponent),
      team_id: side.team.id,
      win: side.score > opponent.score,
      minutes: 240 + 25 * (periods - 4),
      possessions: side.possessions,
      ...countsOf(side.lines, side.teamTurnovers, side.score - opponent.score),
    })),
    player_boxscores: sides.flatMap(([side, opponent]) =>
      side.lines.map((line) => ({
        ...about(side, opponent),
        player_id: line.player.id,
        player_name: line.player.name,
        starter: line.starter,
        minutes: line.minutes,
        ...countsOf([line], 0, line.plusMinus),
      })),
    ),
    play_by_play: playByPlayOf(common, result),
  };
};

/** Game by game in the order of dates, so that a whole season never lies in memory. Games don't depend on one another. */
export function* simulateLeague({ seed, season, games = Number.POSITIVE_INFINITY }: LeagueOptions): Generator<SimulatedGameRows, void> {
  const year = Number.parseInt(season.slice(0, 4), 10);
  if (!/^\d{4}-\d{2}$/.test(season) || Number(season.slice(5)) !== (year + 1) % 100)
    throw new RangeError(`expected a season such as 2023-24, found "${season}"`);
  const teams = createTeams(seed, season);
  const fixtures: readonly Fixture[] = createSchedule(createRandom(`${seed}/${season}/schedule`), teams.length, year);
  for (const [index, { date, home, away }] of fixtures.entries()) {
    if (index >= games) return;
    const number = String(index + 1).padStart(5, '0');
    const common: Common = { game_id: `002${season.slice(2, 4)}${number}`, season, season_type: 'regular', game_date: date };
    yield rowsOf(common, year, playGame(createRandom(`${seed}/${season}/${number}`), teams[home]!, teams[away]!));
  }
}
