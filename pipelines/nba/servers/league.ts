// Seasons of the simulated league as a server would give them: as known in the end, or at a moment.
import * as z from 'zod';
import { createLeague, feeds as leagueFeeds, incidentKinds, type Incident } from '../sources/simulated-league.ts';
import type { FeedRows, Row } from './feeds.ts';

/** As in a file that `--incidents` names. */
export const incidentsSchema = z.array(
  z.strictObject({
    kind: z.enum(incidentKinds),
    season: z.string().exactOptional(),
    date: z.string().exactOptional(),
    repairedAfterHours: z.number().exactOptional(),
  }),
);

/** The last season of the league; as many before it as are asked for. */
const lastSeasonStart = 2024;

const nameOfSeason = (start: number): string => `${start}-${String((start + 1) % 100).padStart(2, '0')}`;

export const openLeague = (options: {
  readonly seed: string;
  readonly seasons: number;
  readonly asOf?: string | undefined;
  readonly incidents?: readonly Incident[];
}): FeedRows => {
  const { seed, seasons, incidents = [] } = options;
  let { asOf } = options;
  const names = Array.from({ length: seasons }, (_, index) => nameOfSeason(lastSeasonStart - seasons + 1 + index));
  const league = createLeague({ seed, seasons: names, incidents });
  return {
    seasons: async () => league.seasons,
    schedule: async (season) => (league.seasons.includes(season) ? league.schedule(season, asOf).map((row): Row => ({ ...row })) : undefined),
    rows: async (feed, date) => {
      const name = leagueFeeds.find((each) => each === feed);
      return name === undefined ? [] : league.rowsOf(name, date, asOf).map((row): Row => ({ ...row }));
    },
    knowAsOf: (instant) => {
      league.schedule(names[0], instant);
      asOf = instant;
    },
    close: () => undefined,
  };
};
