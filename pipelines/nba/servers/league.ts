// Seasons of the simulated league as a server would give them: as known in the end, or at a moment.
import * as z from 'zod';
import { createLeague, feeds as leagueFeeds, incidentKinds, type Incident, type SeasonOptions } from '../sources/simulated-league.ts';
import type { FeedRows, Row } from './feeds.ts';

const nameOfSeason = (start: number): string => `${start}-${String((start + 1) % 100).padStart(2, '0')}`;

/** As in a file that `--incidents` names. */
export const incidentsSchema = z.array(
  z.strictObject({
    kind: z.enum(incidentKinds),
    season: z.string().exactOptional(),
    date: z.string().exactOptional(),
    repairedAfterHours: z.number().exactOptional(),
  }),
);

const dateSchema = z.iso.date();
const parse = <Value>(schema: z.ZodType<Value>, value: unknown, option: string, expected: string): Value => {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new RangeError(`expected ${option} ${expected}, found "${String(value)}"`);
  return parsed.data;
};

/** `postponed_game`, or `postponed_game:2024-12-01` for the first game on or after that date, of the season that it is in. */
export const parseIncident = (text: string): Incident => {
  const [kind, date] = text.split(':', 2);
  const known = parse(z.enum(incidentKinds), kind, '--incident', `to be one of ${incidentKinds.join(', ')}`);
  if (date === undefined) return { kind: known };
  const on = parse(dateSchema, date, '--incident', `${known}:<date>`);
  // A season's dates begin in August, also where it begins late.
  const year = Number(on.slice(0, 4)) - (on.slice(5, 7) < '08' ? 1 : 0);
  return { kind: known, date: on, season: nameOfSeason(year) };
};

/** `2023-24:72` or `2023-24:72:2023-12-22`: so many games of each team instead of 82, and the first date. */
export const parseShortened = (text: string): SeasonOptions => {
  const [season = '', games, start] = text.split(':', 3);
  const gamesPerTeam = parse(z.coerce.number().int().min(2).max(82), games, '--shortened', '<season>:<games of each team>[:<first date>]');
  const first = start === undefined ? {} : { start: parse(dateSchema, start, '--shortened', `${season}:${gamesPerTeam}:<first date>`) };
  return { season, gamesPerTeam, playIn: true, playoffs: true, ...first };
};

/** The last season of the league; as many before it as are asked for. */
const lastSeasonStart = 2024;

export const openLeague = (options: {
  readonly seed: string;
  readonly seasons: number;
  readonly asOf?: string | undefined;
  readonly incidents?: readonly Incident[];
  /** The seasons among them that are not whole ones. */
  readonly shortened?: readonly SeasonOptions[];
  /** Also lines stamped while games are played, which no prediction may see. */
  readonly inGameSnapshots?: boolean;
}): FeedRows => {
  const { seed, seasons, incidents = [], shortened = [], inGameSnapshots = false } = options;
  let { asOf } = options;
  const names = Array.from({ length: seasons }, (_, index) => nameOfSeason(lastSeasonStart - seasons + 1 + index));
  const unknown = shortened.find(({ season }) => !names.includes(season));
  if (unknown !== undefined) throw new RangeError(`expected one of ${names.join(', ')} to be shortened, found "${unknown.season}"`);
  const league = createLeague({
    seed,
    seasons: names.map((name) => shortened.find(({ season }) => season === name) ?? name),
    incidents,
    inGameSnapshots,
  });
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
