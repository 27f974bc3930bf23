// One known fact: a query with the rows that it must give. The SQL stays within what GoogleSQL and DuckDB have in common, so
// that it runs on either backend.

/** Names a table's rows inside the fact's dates, as a parenthesised SELECT. */
export type From = (table: string) => string;

export type KnownFact = {
  readonly name: string;
  /** Dates that the tables must cover for the fact to hold; a law has none and holds in every range. */
  readonly span: { readonly first: string; readonly last: string } | 'any';
  readonly sql: (from: From) => string;
  readonly expected: readonly Readonly<Record<string, string | number | boolean>>[];
};

export const schedule = 'nba_raw.nbac_schedule';
export const teamBox = 'nba_raw.nbac_team_boxscore';
export const playerBox = 'nba_raw.nbac_gamebook_player_stats';
export const events = 'nba_raw.bigdataball_play_by_play';
export const offense = 'nba_analytics.team_offense_game_summary';
export const defense = 'nba_analytics.team_defense_game_summary';
export const players = 'nba_analytics.player_game_summary';
