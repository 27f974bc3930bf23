// Comparing rows cell by cell, in words: rows are told apart by their key, columns that Floodgate keeps for people don't count.
import type { Processor } from '@floodgate/core/domain/pipeline.ts';
import type { Json, JsonObject } from '@floodgate/core/ports/status-store.ts';

type Shape = Pick<Processor, 'key' | 'columns'>;

/** Sums may differ in the order in which they were added up. */
const isSameCell = (a: Json, b: Json): boolean =>
  a === b || (typeof a === 'number' && typeof b === 'number' && Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b)));

const keyOf = ({ key }: Shape, row: JsonObject): string => key.map((column) => `${column}=${String(row[column])}`).join(' ');

/** The key that two rows share; undefined where keys are unique. */
export const findDoubleKey = (shape: Shape, rows: readonly JsonObject[]): string | undefined => {
  if (rows.length < 2) return undefined;
  const seen = new Set<string>();
  for (const row of rows) {
    const key = keyOf(shape, row);
    if (seen.has(key)) return key;
    seen.add(key);
  }
  return undefined;
};

/** The first difference, in words; undefined where the rows are the same. */
export const findDifference = (shape: Shape, expected: readonly JsonObject[], found: readonly JsonObject[]): string | undefined => {
  const wanted = new Map(expected.map((row) => [keyOf(shape, row), row]));
  const had = new Set<string>();
  for (const row of found) {
    const key = keyOf(shape, row);
    const other = wanted.get(key);
    if (other === undefined) return `found a row ${key}, expected none`;
    if (had.has(key)) return `found the row ${key} twice`;
    had.add(key);
    for (const { name } of shape.columns) {
      const [is, should] = [row[name] ?? null, other[name] ?? null];
      if (!isSameCell(is, should)) return `${key}: found ${name} ${String(is)}, expected ${String(should)}`;
    }
  }
  for (const key of wanted.keys()) if (!had.has(key)) return `found no row ${key}, expected one`;
  return undefined;
};
