// The schedule, season by season, landed date by date: the calendar is made of it, so that it is refreshed before anything is
// planned. A date that has lost its games (postponed) keeps an object, an empty one. A schedule that can't be read, or has no
// games, is an error: "no games" would be taken for the truth.
import { createHash } from 'node:crypto';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { ask, type Answer, type Asker } from './ask.ts';
import { forEach } from './for-each.ts';
import { land, readRecord, type Landing } from './landing.ts';

export type RefreshedSchedule = { readonly season: string; readonly games: number; readonly dates: number; readonly changed: number };

/** Seasons that a range of dates touches, e.g. `2023-24`: from August to July. */
export const seasonsOf = (first: string, last: string): readonly string[] => {
  const yearOf = (date: string): number => Number(date.slice(0, 4)) - (date.slice(5, 7) < '08' ? 1 : 0);
  const seasons: string[] = [];
  for (let year = yearOf(first); year <= yearOf(last); year += 1) seasons.push(`${year}-${String((year + 1) % 100).padStart(2, '0')}`);
  return seasons;
};

const indexKeyOf = (season: string): string => `manifest/schedule/${season}.json`;

/** Dates that the schedule had when it was refreshed last. */
const readIndex = async (landing: Landing, season: string): Promise<readonly string[]> => {
  try {
    return JSON.parse(new TextDecoder().decode(await landing.read(indexKeyOf(season)))) as readonly string[];
  } catch (error) {
    if (error instanceof FloodgateError && error.code === 'not_found') return [];
    throw error;
  }
};

const answerOf = (lines: readonly string[]): Answer => {
  const text = lines.map((line) => `${line}\n`).join('');
  const sha256 = createHash('sha256').update(text).digest('hex');
  return { text, sha256, bytes: Buffer.byteLength(text), announced: { rows: undefined, sha256: undefined, games: undefined } };
};

const refreshSeason = async (asker: Asker, landing: Landing, season: string): Promise<RefreshedSchedule> => {
  const { text } = await ask(asker, 'schedule', `/v1/schedule/${season}`);
  const byDate = new Map<string, string[]>();
  let games = 0;
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const date = dateOf(line);
    if (date === undefined) throw new FloodgateError('source_refused', `schedule ${season}: line ${index + 1} of the answer is no game with a date`);
    byDate.set(date, [...(byDate.get(date) ?? []), line]);
    games += 1;
  }
  if (games === 0)
    throw new FloodgateError('source_refused', `schedule ${season}: the server has no games of this season`, { hint: 'ask for dates of a season that it has' });
  for (const date of await readIndex(landing, season)) if (!byDate.has(date)) byDate.set(date, []);
  const changed = await forEach([...byDate], asker.signal, async ([date, lines], signal) => {
    const before = await readRecord(landing, 'games', date, signal);
    const after = await land(landing, 'games', date, answerOf(lines), { clock: asker.clock, signal });
    return before?.sha256 === after.sha256 ? 0 : 1;
  });
  await landing.write(indexKeyOf(season), new TextEncoder().encode(JSON.stringify([...byDate.keys()].sort())), asker.signal);
  return { season, games, dates: byDate.size, changed: changed.reduce((sum: number, each) => sum + each, 0) };
};

const dateOf = (line: string): string | undefined => {
  try {
    const { game_date: date } = JSON.parse(line) as { readonly game_date?: unknown };
    return typeof date === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(date) ? date : undefined;
  } catch {
    return undefined;
  }
};

/** Every season that the server has. */
export const listSeasons = async (asker: Asker): Promise<readonly string[]> => {
  const { text } = await ask(asker, 'schedule', '/v1/seasons');
  const isText = (value: unknown): value is string => typeof value === 'string';
  const seasons: unknown = JSON.parse(text);
  if (Array.isArray(seasons) && seasons.length > 0 && seasons.every(isText)) return seasons;
  throw new FloodgateError('source_refused', 'schedule: the server has no list of seasons', { hint: 'name the dates: --start, --end' });
};

/** Lands the schedule of these seasons. Throws what `ask` throws, and `source_refused` for what is no schedule. */
export const refreshSchedule = async (asker: Asker, landing: Landing, seasons: readonly string[]): Promise<readonly RefreshedSchedule[]> => {
  const refreshed: RefreshedSchedule[] = [];
  for (const season of seasons) refreshed.push(await refreshSeason(asker, landing, season));
  return refreshed;
};
