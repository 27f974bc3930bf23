// An invented league, as rows of the sources of this pipeline: for trying Floodgate without data, and for tests that need
// to know the truth. One seed, one league, always the same rows; no file is touched here. It obeys the laws of the real
// data, so that every audit of the pipeline passes on it, unless an incident is asked for. Games don't depend on one
// another: any date can be asked for by itself, as it was known at any moment.
import { toDate, toDay } from './days.ts';
import { createLeagueSeason, type LeagueSeason } from './league-season.ts';
import { expectGame } from './simulated-expectation.ts';
import {
  creditEventWrongly,
  creditWrongly,
  cutOff,
  playByPlayAt,
  publishedAt,
  wrongCreditOf,
  type Incident,
  type IncidentKind,
  type PlantedIncident,
} from './simulated-incidents.ts';
import { linesOf } from './simulated-lines.ts';
import type { Feed, FeedRows, GameRow, SimulatedGameRows } from './row-types.ts';
import { gameRowOf, injuryReportsOf, playByPlayOf, playerBoxscoresOf, playerRowsOf, playerStatusesOf, teamBoxscoresOf } from './simulated-rows.ts';
import { finalAt, type Fixture } from './simulated-schedule.ts';
import type { SeasonOptions } from './simulated-season.ts';

export { feeds, type Feed, type FeedRows, type SimulatedGameRows } from './row-types.ts';
export { incidentKinds, type Incident, type PlantedIncident } from './simulated-incidents.ts';
export type { SeasonOptions } from './simulated-season.ts';

export type LeagueOptions = {
  readonly seed: string;
  /** A name alone is a whole season, with play-in and play-offs. */
  readonly seasons: readonly (string | SeasonOptions)[];
  readonly incidents?: readonly Incident[];
  /** Adds lines of odds and player_props from while games are played, which no prediction may see. */
  readonly inGameSnapshots?: boolean;
};

export type ExpectedPoints = { readonly game_id: string; readonly player_id: number; readonly points: number; readonly minutes: number };

/** `asOf` is an instant such as `2024-01-05T18:00:00Z`; without it everything is known, as after the last game. */
export type League = {
  readonly seasons: readonly string[];
  readonly incidents: readonly PlantedIncident[];
  /** Dates with games in the schedule, played or not, in order. */
  readonly dates: (season?: string, asOf?: string) => readonly string[];
  /** Games of the season, or of all; scores only of those that are over. */
  readonly schedule: (season?: string, asOf?: string) => readonly GameRow[];
  readonly rowsOf: <Name extends Feed>(feed: Name, date: string, asOf?: string) => readonly FeedRows[Name][];
  /** All rows game by game, by date, as known in the end; a season never lies in memory. */
  readonly games: (season?: string) => Generator<SimulatedGameRows, void>;
  /** The points that players of the date's games should score, all things considered but luck. */
  readonly truthOf: (date: string) => readonly ExpectedPoints[];
};

const ever = Number.POSITIVE_INFINITY;
const instantOf = (asOf: string | undefined): number => {
  if (asOf === undefined) return ever;
  const instant = Date.parse(asOf);
  if (Number.isNaN(instant)) throw new RangeError(`expected an instant such as 2024-01-05T18:00:00Z, found "${asOf}"`);
  return instant;
};

/** As it stood in the schedule before the game was postponed: without a score, for ever. */
const ghostOf = (fixture: Fixture): Fixture => {
  const { postponed, ...rest } = fixture;
  return postponed === undefined ? fixture : { ...rest, day: postponed.fromDay, tipOffAt: postponed.fromTipOffAt };
};

type Entry = { readonly fixture: Fixture; readonly isGhost: boolean; readonly isFirst?: boolean };

/** The lines of the schedule that are known at a moment, by date. */
const entriesOf = (season: LeagueSeason, asOf: number): Entry[] => {
  const fixtures = asOf < season.regularEndsAt ? season.regular : [...season.regular, ...season.postseason()];
  return fixtures
    .filter(({ announcedAt }) => announcedAt <= asOf)
    .flatMap((fixture): Entry[] => {
      if (fixture.postponed === undefined) return [{ fixture, isGhost: false }];
      const before: Entry = { fixture: ghostOf(fixture), isGhost: true };
      return fixture.postponed.at <= asOf ? [before, { fixture, isGhost: false }] : [before];
    })
    .sort((a, b) => a.fixture.day - b.fixture.day)
    .map((entry, index) => (index === 0 ? { ...entry, isFirst: true } : entry));
};

/** Box scores of players and events are of these alone, as in the real data. */
const isCovered = ({ seasonType }: Fixture): boolean => seasonType !== 'playin';

/** Rows of one game, feed by feed, as known at a moment. */
const createGame = (season: LeagueSeason, { fixture, isGhost, isFirst = false }: Entry, asOf: number, inGameSnapshots: boolean) => {
  const planted = (kind: IncidentKind): PlantedIncident | undefined =>
    season.planted.find((incident) => incident.kind === kind && incident.game_id === fixture.gameId);
  const isOpen = (kind: IncidentKind): boolean => {
    const incident = planted(kind);
    return incident !== undefined && (incident.repaired_at === undefined || Date.parse(incident.repaired_at) > asOf);
  };
  const isKnown = (from: number): boolean => !isGhost && from <= asOf;
  const result = () => season.play(fixture).result;
  const nights = () => season.nightsOf(fixture);
  const lines = () => {
    if (isGhost) return { odds: [], props: [] };
    const isFinal = finalAt(fixture) <= asOf;
    return linesOf({ world: season.world, fixture, nights: nights(), result: isFinal || inGameSnapshots ? result() : undefined }, inGameSnapshots);
  };
  const bySnapshot = ({ snapshot_utc: at }: { readonly snapshot_utc: string }): boolean => Date.parse(at) <= asOf;
  const isFinal = isKnown(finalAt(fixture));
  const boxscores = (): FeedRows['player_boxscores'][] => {
    let rows = playerBoxscoresOf(fixture, result(), !isOpen('missing_play_by_play'));
    if (isOpen('partial_box_score')) rows = cutOff(rows);
    if (isOpen('corrected_box_score')) rows = creditWrongly(rows, wrongCreditOf(result()));
    for (const { kind, game_date: from, player_id: id, other_name: name } of season.planted) {
      if (kind !== 'two_spellings' || name === undefined || toDay(from) > fixture.day) continue;
      rows = rows.map((row) => (row.player_id === id ? { ...row, player_name: name } : row));
    }
    return rows;
  };
  const makers: { readonly [Name in Feed]: () => readonly FeedRows[Name][] } = {
    games: () => [gameRowOf(fixture, isFinal ? season.scoreOf(fixture) : undefined)],
    team_boxscores: () => (isKnown(publishedAt(fixture)) ? teamBoxscoresOf(fixture, result()) : []),
    player_boxscores: () => (isKnown(publishedAt(fixture)) && isCovered(fixture) ? boxscores() : []),
    play_by_play: () => {
      if (!isKnown(playByPlayAt(fixture)) || !isCovered(fixture) || isOpen('missing_play_by_play')) return [];
      const rows = playByPlayOf(fixture, result());
      return isOpen('corrected_box_score') ? creditEventWrongly(rows, wrongCreditOf(result())) : rows;
    },
    odds: () => lines().odds.filter(bySnapshot),
    player_props: () =>
      lines()
        .props.filter(bySnapshot)
        .map((row) => (isFinal ? row : { ...row, played: null })),
    player_statuses: () => (isKnown(publishedAt(fixture)) && isCovered(fixture) ? playerStatusesOf(fixture, result(), season.play(fixture).nights) : []),
    injury_reports: () => (isGhost ? [] : injuryReportsOf(fixture, nights(), asOf)),
    // The registry of a season comes with its first game.
    players: () => (isFirst ? playerRowsOf(season.world.season, season.world.startDay, season.world.rosters) : []),
  };
  return makers;
};

/** All feeds of a game at once, its lines made only once. */
const rowsOfGame = (season: LeagueSeason, entry: Entry, inGameSnapshots: boolean): SimulatedGameRows => {
  const { fixture, isGhost } = entry;
  const makers = createGame(season, entry, ever, inGameSnapshots);
  const { world } = season;
  const { odds, props } = isGhost ? { odds: [], props: [] } : linesOf({ world, fixture, ...season.play(fixture) }, inGameSnapshots);
  return {
    games: makers.games(),
    team_boxscores: makers.team_boxscores(),
    player_boxscores: makers.player_boxscores(),
    play_by_play: makers.play_by_play(),
    odds,
    player_props: props,
    player_statuses: makers.player_statuses(),
    injury_reports: makers.injury_reports(),
    players: makers.players(),
  };
};

const optionsOf = (season: string | SeasonOptions): SeasonOptions => (typeof season === 'string' ? { season, playIn: true, playoffs: true } : season);

export const createLeague = ({ seed, seasons: asked, incidents = [], inGameSnapshots = false }: LeagueOptions): League => {
  const options = asked.map(optionsOf);
  const names = options.map(({ season }) => season);
  for (const { kind, season = names[0] } of incidents)
    if (season === undefined || !names.includes(season)) throw new RangeError(`expected an incident in one of ${names.join(', ')}, found ${kind} in ${season}`);
  // Made when first asked for: a server that is asked for one season shall not make four.
  const made = new Map<string, LeagueSeason>();
  const seasonOf = (name: string): LeagueSeason => {
    const option = options.find(({ season }) => season === name);
    if (option === undefined) throw new RangeError(`expected one of ${names.join(', ')}, found "${name}"`);
    const known =
      made.get(name) ??
      createLeagueSeason(
        seed,
        option,
        incidents.filter(({ season = names[0] }) => season === name),
      );
    made.set(name, known);
    return known;
  };
  const seasonsOf = (name: string | undefined): LeagueSeason[] => (name === undefined ? names : [name]).map(seasonOf);
  /** The season whose dates, from the first game to the summer after it, hold this one. */
  const seasonAt = (day: number): LeagueSeason | undefined =>
    names
      .map((name) => ({ name, from: toDay(`${name.slice(0, 4)}-08-01`) }))
      .filter(({ from }) => from <= day && day < from + 365)
      .map(({ name }) => seasonOf(name))[0];
  const entriesOn = (date: string, asOf: number): { readonly season: LeagueSeason; readonly entries: readonly Entry[] } | undefined => {
    const day = toDay(date);
    const season = seasonAt(day);
    if (season === undefined) return undefined;
    // Who asks for a date of the regular season needs no play-offs, for which all games would have to be played.
    const isRegular = day <= (season.regular.at(-1)?.day ?? 0);
    const entries = entriesOf(season, isRegular ? Math.min(asOf, season.regularEndsAt - 1) : asOf);
    return { season, entries: entries.filter(({ fixture }) => fixture.day === day) };
  };
  const rowsOf = <Name extends Feed>(feed: Name, date: string, asOf?: string): readonly FeedRows[Name][] => {
    const instant = instantOf(asOf);
    const found = entriesOn(date, instant);
    if (found === undefined) return [];
    const { season, entries } = found;
    return entries.flatMap((entry) => createGame(season, entry, instant, inGameSnapshots)[feed]());
  };
  return {
    seasons: names,
    get incidents() {
      return seasonsOf(undefined).flatMap(({ planted }) => planted);
    },
    dates: (name, asOf) => [...new Set(seasonsOf(name).flatMap((season) => entriesOf(season, instantOf(asOf)).map(({ fixture }) => toDate(fixture.day))))],
    schedule: (name, asOf) =>
      seasonsOf(name).flatMap((season) => {
        const instant = instantOf(asOf);
        return entriesOf(season, instant).flatMap((entry) => createGame(season, entry, instant, false).games());
      }),
    rowsOf,
    *games(name) {
      for (const season of seasonsOf(name)) {
        const rowsOfEntries = function* (entries: readonly Entry[]) {
          for (const entry of entries) yield rowsOfGame(season, entry, inGameSnapshots);
        };
        yield* rowsOfEntries(entriesOf(season, season.regularEndsAt - 1));
        // Their results are known by now, so that the fixtures of the postseason cost no second game.
        yield* rowsOfEntries(season.postseason().map((fixture) => ({ fixture, isGhost: false })));
      }
    },
    truthOf: (date) => {
      const found = entriesOn(date, ever);
      if (found === undefined) return [];
      return found.entries.flatMap(({ fixture, isGhost }) => {
        if (isGhost) return [];
        const { home, away } = expectGame(...found.season.squadsOf(found.season.nightsOf(fixture)));
        return [...home.players, ...away.players].map(([player, { points, minutes }]) => ({ game_id: fixture.gameId, player_id: player.id, points, minutes }));
      });
    },
  };
};

export type SimulationOptions = {
  readonly seed: string;
  /** e.g. `2023-24` */
  readonly season: string;
  /** The first n games of the season only; all 1,230 by default. */
  readonly games?: number;
};

/** The regular season of one year alone, game by game in the order of dates. */
export function* simulateLeague({ seed, season, games = Number.POSITIVE_INFINITY }: SimulationOptions): Generator<SimulatedGameRows, void> {
  let count = 0;
  for (const rows of createLeague({ seed, seasons: [{ season }] }).games()) {
    if (count >= games) return;
    count += 1;
    yield rows;
  }
}
