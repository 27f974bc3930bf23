// Seasons of the simulated league as a server would give them, all of it known.
import { createLeague, feeds as leagueFeeds } from '../sources/simulated-league.ts';
import type { FeedRows, Row } from './feeds.ts';

/** The last season of the league; as many before it as are asked for. */
const lastSeasonStart = 2024;

const nameOfSeason = (start: number): string => `${start}-${String((start + 1) % 100).padStart(2, '0')}`;

export const openLeague = (options: { readonly seed: string; readonly seasons: number; readonly asOf?: string }): FeedRows => {
  const { seed, seasons, asOf } = options;
  const names = Array.from({ length: seasons }, (_, index) => nameOfSeason(lastSeasonStart - seasons + 1 + index));
  const league = createLeague({ seed, seasons: names });
  return {
    seasons: async () => league.seasons,
    schedule: async (season) => (league.seasons.includes(season) ? league.schedule(season, asOf).map((row): Row => ({ ...row })) : undefined),
    rows: async (feed, date) => {
      const name = leagueFeeds.find((each) => each === feed);
      return name === undefined ? [] : league.rowsOf(name, date, asOf).map((row): Row => ({ ...row }));
    },
    close: () => undefined,
  };
};
