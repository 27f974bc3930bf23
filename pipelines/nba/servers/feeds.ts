// What a server of NBA data serves, whatever it is made of.
export const feedNames = [
  'schedule',
  'team_boxscores',
  'player_boxscores',
  'player_statuses',
  'play_by_play',
  'odds',
  'player_props',
  'injury_reports',
  'players',
] as const;
export type FeedName = (typeof feedNames)[number];

export type Row = Readonly<Record<string, unknown>>;

/** Rows of a feed in an order that is the same at every call. */
export type FeedRows = {
  readonly seasons: () => Promise<readonly string[]>;
  /** All games of a season, the ones to come included; undefined: there is no such season. */
  readonly schedule: (season: string) => Promise<readonly Row[] | undefined>;
  /** Empty where there are none on that date, or none ever. */
  readonly rows: (feed: Exclude<FeedName, 'schedule'>, date: string) => Promise<readonly Row[]>;
  /** Serves what was known at this instant, or all; throws where the rows have no history. */
  readonly knowAsOf: (instant: string | undefined) => void;
  readonly close: () => void;
};
