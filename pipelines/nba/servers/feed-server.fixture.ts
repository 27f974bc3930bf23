// A few games of nobody, as a server's rows: small enough that a test knows them all.
import type { FeedName, FeedRows, Row } from './feeds.ts';

export const season = '2023-24';
/** Two games on the first date, one on the second; on the third one is still to be played. */
export const games: readonly Row[] = [
  {
    game_id: '0022300001',
    season,
    season_year: 2023,
    season_type: 'regular',
    game_date: '2024-01-01',
    home_team: 'AAA',
    away_team: 'BBB',
    home_score: 100,
    away_score: 90,
  },
  {
    game_id: '0022300002',
    season,
    season_year: 2023,
    season_type: 'regular',
    game_date: '2024-01-01',
    home_team: 'CCC',
    away_team: 'DDD',
    home_score: 101,
    away_score: 91,
  },
  {
    game_id: '0022300003',
    season,
    season_year: 2023,
    season_type: 'regular',
    game_date: '2024-01-02',
    home_team: 'AAA',
    away_team: 'DDD',
    home_score: 102,
    away_score: 92,
  },
  {
    game_id: '0022300004',
    season,
    season_year: 2023,
    season_type: 'regular',
    game_date: '2024-01-03',
    home_team: 'BBB',
    away_team: 'CCC',
    home_score: null,
    away_score: null,
  },
];

const isFinal = (game: Row): boolean => game['home_score'] !== null;

/** Two rows of each final game for every feed of box scores and events; none for the others. */
const rowsOf = (feed: Exclude<FeedName, 'schedule'>, date: string): readonly Row[] =>
  feed === 'team_boxscores' || feed === 'player_boxscores' || feed === 'play_by_play'
    ? games
        .filter((game) => game['game_date'] === date && isFinal(game))
        .flatMap(({ game_id: id, home_team: home, away_team: away }) => [home, away].map((team) => ({ game_id: id, season, game_date: date, team, pts: 10 })))
    : [];

export const smallFeeds: FeedRows = {
  seasons: async () => [season],
  schedule: async (asked) => (asked === season ? games : undefined),
  rows: async (feed, date) => rowsOf(feed, date),
  knowAsOf: () => undefined,
  close: () => undefined,
};
