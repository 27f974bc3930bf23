// Where answers come to lie: one object per feed and date, under the name that the source's pattern finds, written as a whole or
// not at all. An answer with the bytes of before leaves object and record as they were, so that nothing turns stale by asking again.
import { gzip } from 'node:zlib';
import { promisify } from 'node:util';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { CodeContext } from '@floodgate/core/app/deps.ts';
import type { Answer } from './ask.ts';

export type Landing = NonNullable<CodeContext['landing']>;

/** What is known of a landed object: lies beside it, and becomes its row of the manifest. */
export type LandedObject = {
  readonly key: string;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly games: number;
  readonly announcedRows: number | null;
  readonly announcedGames: number | null;
  /** ISO 8601. */
  readonly fetchedAt: string;
};

const compress = promisify(gzip);

/** `{date}` of the pattern in pipeline.yaml. */
export const keyOf = (feed: string, date: string): string => `${feed}/${date}.ndjson.gz`;
const recordKeyOf = (feed: string, date: string): string => `manifest/${feed}/${date}.json`;

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Undefined: never landed. */
export const readRecord = async (landing: Landing, feed: string, date: string, signal: AbortSignal): Promise<LandedObject | undefined> => {
  try {
    return JSON.parse(decode(await landing.read(recordKeyOf(feed, date), signal))) as LandedObject;
  } catch (error) {
    if (error instanceof FloodgateError && error.code === 'not_found') return undefined;
    throw error;
  }
};

export const needLanding = (landing: Landing | undefined): Landing => {
  if (landing === undefined)
    throw new FloodgateError('no_source_url', 'there is no place where fetched files are put', { hint: 'name the server with --source-url' });
  return landing;
};

/** Rows of an answer; throws `source_refused` where they are not those of the date. */
export const countGames = (feed: string, date: string, text: string): { readonly rows: number; readonly games: number } => {
  const lines = text === '' ? [] : text.trimEnd().split('\n');
  const games = new Set<string>();
  for (const [index, line] of lines.entries()) {
    let row: { readonly game_date?: unknown; readonly game_id?: unknown };
    try {
      row = JSON.parse(line) as typeof row;
    } catch (error) {
      throw new FloodgateError('source_refused', `${feed} ${date}: line ${index + 1} of the answer is no JSON`, { cause: error });
    }
    if (row.game_date !== date)
      throw new FloodgateError('source_refused', `${feed} ${date}: line ${index + 1} is of ${JSON.stringify(row.game_date) ?? 'no date'}`);
    if (typeof row.game_id === 'string') games.add(row.game_id);
  }
  return { rows: lines.length, games: games.size };
};

/** Object first, record second: whoever dies in between writes both again. */
export const land = async (
  landing: Landing,
  feed: string,
  date: string,
  { text, sha256, bytes, announced }: Answer,
  context: Pick<CodeContext, 'clock' | 'signal'>,
): Promise<LandedObject> => {
  const counted = countGames(feed, date, text);
  const key = keyOf(feed, date);
  const known = await readRecord(landing, feed, date, context.signal);
  const isThere = known?.sha256 === sha256 && (await landing.list(key)).length === 1;
  if (known !== undefined && isThere) return known;
  const record: LandedObject = {
    key,
    ...counted,
    bytes,
    sha256,
    announcedRows: announced.rows ?? null,
    announcedGames: announced.games ?? null,
    fetchedAt: new Date(context.clock.now()).toISOString(),
  };
  await landing.write(key, await compress(text), context.signal);
  await landing.write(recordKeyOf(feed, date), new TextEncoder().encode(JSON.stringify(record)), context.signal);
  return record;
};
