// What a failed check says, for the person who reads it.
import type { Json, JsonObject } from '@floodgate/core/ports/status-store.ts';
import type { Offence } from './duckdb-offences.ts';

const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

/** `2 rows share a key`, `5 rows share 2 keys`. */
export const duplicateMessage = (rows: number, keys: number): string => `${rows} rows share ${keys === 1 ? 'a key' : `${keys} keys`}`;

export const rowsMessage = (found: number, expected: number): string => `${counted(found, 'row', 'rows')}, expected ${expected}`;

/** `points NULL on 3 of 210 rows`, and what was demanded where it is less than all. */
export const ratioMessage = (offence: Offence, offending: number, rows: number): string =>
  `${offence.words} on ${offending} of ${counted(rows, 'row', 'rows')}${offence.minRatio === 1 ? '' : ` (at most ${Math.floor((1 - offence.minRatio) * 10_000 + 1e-9) / 100} % may be)`}`;

const text = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** `game 0022300061, player 203999`: an id's column is called by what it identifies. */
export const describeKey = (key: JsonObject): string =>
  Object.entries(key)
    .map(([name, value]) => `${name.replace(/_id$/, '')} ${text(value)}`)
    .join(', ');

/** The first of them by name: `game 1`, `game 1 and game 2`, `game 1, game 2 and 5 more`. */
export const describeKeys = (keys: readonly JsonObject[], all: number): string => {
  const named = keys.slice(0, 2).map(describeKey);
  return all > named.length ? `${named.join('; ')} and ${all - named.length} more` : named.join(' and ');
};
