// Incidents of real data, planted into the league on purpose: what a pipeline over it must notice or survive.
import { createRandom } from './random.ts';
import { toDate, toDay, toTimestamp } from './days.ts';
import type { GameEvent, GameResult, Side } from './simulated-game.ts';
import { withoutAccents } from './simulated-names.ts';
import type { SimulatedPlayer } from './simulated-players.ts';
import type { PlayByPlayRow, PlayerBoxscoreRow } from './row-types.ts';
import { tipOffOf, type Fixture } from './simulated-schedule.ts';
import type { SeasonWorld } from './simulated-season.ts';

export const incidentKinds = ['postponed_game', 'corrected_box_score', 'missing_play_by_play', 'partial_box_score', 'two_spellings'] as const;
export type IncidentKind = (typeof incidentKinds)[number];

export type Incident = {
  readonly kind: IncidentKind;
  /** Of the season that it befalls; the first by default. */
  readonly season?: string;
  /** The first game on or after this date; by default some game in the middle of the season. */
  readonly date?: string;
  /** When what is missing is there, after it should have been. Without it never; a correction comes after 42 hours. */
  readonly repairedAfterHours?: number;
};

/** What was planted where, for those who check that it was noticed. */
export type PlantedIncident = {
  readonly kind: IncidentKind;
  readonly season: string;
  readonly game_id: string;
  readonly game_date: string;
  /** The date for which a postponed game was announced first. */
  readonly original_date?: string;
  readonly player_id?: number;
  readonly player_name?: string;
  /** The same player from this game on, in player_boxscores. */
  readonly other_name?: string;
  readonly repaired_at?: string;
};

const hour = 3_600_000;

/** The game's box score is published by then. */
export const publishedAt = ({ tipOffAt }: Fixture): number => tipOffAt + 195 * 60_000;
export const playByPlayAt = ({ tipOffAt }: Fixture): number => tipOffAt + 225 * 60_000;

/** The first day, two weeks on or later, on which neither team plays. */
const dayToCatchUp = (fixtures: readonly Fixture[], { day, home, away }: Fixture): number => {
  const busy = new Set(fixtures.filter((each) => [each.home, each.away].some((team) => team === home || team === away)).map((each) => each.day));
  let free = day + 14;
  while (busy.has(free)) free += 1;
  return free;
};

const postpone = (fixtures: readonly Fixture[], fixture: Fixture): Fixture => {
  const day = dayToCatchUp(fixtures, fixture);
  const postponed = { fromDay: fixture.day, fromTipOffAt: fixture.tipOffAt, at: fixture.tipOffAt - 8 * hour };
  return { ...fixture, day, tipOffAt: tipOffOf(day, fixture.home, 1), postponed };
};

const otherSpelling = ({ name }: SimulatedPlayer): string => {
  const [first = '', ...rest] = name.split(' ');
  return first.length > 4 ? `${withoutAccents(first).slice(0, 3)} ${rest.join(' ')}` : `${name.replace(/ (?:Jr\.|III)$/, '')} II`;
};

/** Fixtures as they are played in the end, and what was planted. */
export const plantIncidents = (
  world: SeasonWorld,
  regular: readonly Fixture[],
  incidents: readonly Incident[],
): { readonly fixtures: readonly Fixture[]; readonly planted: readonly PlantedIncident[] } => {
  let fixtures = [...regular];
  const planted: PlantedIncident[] = [];
  for (const [number, { kind, date, repairedAfterHours }] of incidents.entries()) {
    const random = createRandom(`${world.seed}/${world.season}/incidents/${number}/${kind}`);
    const from = date === undefined ? Math.round(fixtures.length * (0.2 + 0.5 * random.next())) : fixtures.findIndex(({ day }) => day >= toDay(date));
    const taken = new Set(planted.map((incident) => incident.game_id));
    const fixture = fixtures.slice(Math.max(0, from)).find(({ gameId, day }) => !taken.has(gameId) && (date === undefined || day >= toDay(date)));
    if (fixture === undefined) throw new RangeError(`expected a game of ${world.season} on or after ${date ?? 'its middle'} for the incident ${kind}`);
    const repairedAt = (at: number, hours = repairedAfterHours) => (hours === undefined ? {} : { repaired_at: toTimestamp(at + hours * hour) });
    const where = { kind, season: world.season, game_id: fixture.gameId, game_date: toDate(fixture.day) };
    if (kind === 'postponed_game') {
      const later = postpone(fixtures, fixture);
      fixtures = fixtures.map((each) => (each === fixture ? later : each)).toSorted((a, b) => a.day - b.day || (a.gameId < b.gameId ? -1 : 1));
      planted.push({ ...where, game_date: toDate(later.day), original_date: where.game_date });
    } else if (kind === 'two_spellings') {
      const player = world.rosterOn(fixture.home, fixture.day).find(({ id }) => !planted.some((incident) => incident.player_id === id))!;
      planted.push({ ...where, player_id: player.id, player_name: player.name, other_name: otherSpelling(player) });
    } else if (kind === 'missing_play_by_play') planted.push({ ...where, ...repairedAt(playByPlayAt(fixture)) });
    else planted.push({ ...where, ...repairedAt(publishedAt(fixture), repairedAfterHours ?? (kind === 'corrected_box_score' ? 42 : undefined)) });
  }
  return { fixtures, planted };
};

/** Four players of the home team are missing, the last of its list. */
export const cutOff = (rows: readonly PlayerBoxscoreRow[]): PlayerBoxscoreRow[] => {
  const home = rows.filter((row) => row.is_home);
  return [...home.slice(0, -4), ...rows.filter((row) => !row.is_home)];
};

export type WrongCredit = { readonly event: number; readonly from: number; readonly to: number };

/** A basket that was credited to a team mate at first. */
export const wrongCreditOf = ({ events, home, away }: GameResult): WrongCredit => {
  const isPlain = ({ type, made, player }: GameEvent, index: number): boolean =>
    type === '2pt' && made === true && player !== null && events[index + 1]?.type !== 'foul' && events[index + 1]?.type !== 'freethrow';
  const index = events.findIndex(isPlain);
  const event = events[index]!;
  const side: Side = event.side === home ? home : away;
  const to = side.lines.find(({ player, minutes }) => minutes > 0 && player !== event.player && player.id !== event.assistId)!;
  return { event: index, from: event.player!.id, to: to.player.id };
};

const pct = (made: number, of: number): number | null => (of === 0 ? null : Math.round((made / of) * 1000) / 1000);

export const creditWrongly = (rows: readonly PlayerBoxscoreRow[], { from, to }: WrongCredit): PlayerBoxscoreRow[] =>
  rows.map((row) => {
    const basket = row.player_id === from ? -1 : row.player_id === to ? 1 : 0;
    if (basket === 0) return row;
    const [fgm, fga] = [row.fgm + basket, row.fga + basket];
    return { ...row, fgm, fga, fg_pct: pct(fgm, fga), pts: row.pts + 2 * basket };
  });

export const creditEventWrongly = (rows: readonly PlayByPlayRow[], { event, to }: WrongCredit): PlayByPlayRow[] =>
  rows.map((row, index) => (index === event ? { ...row, player_id: to } : row));
