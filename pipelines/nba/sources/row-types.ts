// Rows of the sources of this pipeline, as the simulated league has them.
import type { ReportStatus } from './simulated-night.ts';
import type { Position } from './simulated-players.ts';
import type { SeasonType } from './simulated-schedule.ts';

export type Common = { readonly game_id: string; readonly season: string; readonly season_type: SeasonType; readonly game_date: string };

export type GameRow = Common & {
  readonly season_year: number;
  readonly start_time_utc: string;
  readonly home_team: string;
  readonly away_team: string;
  /** Scores are null until the game is final. */
  readonly home_score: number | null;
  readonly away_score: number | null;
  readonly neutral_site: boolean;
};

export type Counts = {
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
    readonly starter: boolean | null;
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

export type OddsRow = Common & {
  readonly home_team: string;
  readonly away_team: string;
  readonly source: string;
  readonly bookmaker: string;
  readonly snapshot_utc: string;
  readonly hours_to_tip: number;
  /** Negative when the home team is favoured. */
  readonly home_spread: number;
  readonly home_spread_price: number;
  readonly away_spread_price: number;
  readonly total: number;
  readonly over_price: number;
  readonly under_price: number;
  readonly home_ml: number;
  readonly away_ml: number;
};

export type PlayerPropRow = Common & {
  readonly home_team: string;
  readonly away_team: string;
  /** Null now and then, as where the name was not recognized. */
  readonly player_id: number | null;
  /** As the bookmaker writes it. */
  readonly player_name: string;
  /** Null until the game is final. */
  readonly played: boolean | null;
  readonly market: 'player_points';
  readonly bookmaker: string;
  readonly line: number;
  readonly over_price: number;
  readonly under_price: number;
  readonly snapshot_utc: string;
  readonly source: string;
};

export type PlayerStatusRow = Common & {
  readonly player_id: number;
  readonly player_name: string;
  readonly team: string;
  readonly opponent: string;
  readonly is_home: boolean;
  /** dnp: in uniform, but did not play; inactive: not in uniform. */
  readonly status: 'dnp' | 'inactive';
  readonly reason: string;
};

export type InjuryReportRow = Common & {
  readonly player_id: number;
  readonly player_name: string;
  readonly team: string;
  readonly status: ReportStatus;
  readonly reason: string;
  readonly reported_at: string;
};

export type PlayerRow = {
  readonly player_id: number;
  readonly player_name: string;
  readonly birth_date: string;
  readonly season: string;
  /** First date of the season. */
  readonly game_date: string;
  readonly position: Position;
  /** At the start of the season. */
  readonly team: string;
};

export type FeedRows = {
  readonly games: GameRow;
  readonly team_boxscores: TeamBoxscoreRow;
  readonly player_boxscores: PlayerBoxscoreRow;
  readonly play_by_play: PlayByPlayRow;
  readonly odds: OddsRow;
  readonly player_props: PlayerPropRow;
  readonly player_statuses: PlayerStatusRow;
  readonly injury_reports: InjuryReportRow;
  readonly players: PlayerRow;
};

export const feeds = [
  'games',
  'team_boxscores',
  'player_boxscores',
  'play_by_play',
  'odds',
  'player_props',
  'player_statuses',
  'injury_reports',
  'players',
] as const satisfies readonly (keyof FeedRows)[];
export type Feed = (typeof feeds)[number];

/** The rows of one game, under the names of the sources that they belong to. */
export type SimulatedGameRows = { readonly [Name in Feed]: readonly FeedRows[Name][] };
