/** Row by row, cell by cell: what differs, as a sentence, or undefined. */
import type { Cell } from '../../../../test/support/zetasql-values.ts';

const RELATIVE_TOLERANCE = 1e-9;
type Rows = readonly (readonly Cell[])[];

/** @param types GoogleSQL types of the columns, which say what a DuckDB value must be. */
export function findDifference(expected: Rows, actual: Rows, types: readonly string[], isOrdered: boolean): string | undefined {
  if (expected.length !== actual.length) return `${expected.length} rows expected, ${actual.length} found\n${show(expected)}\n${show(actual)}`;
  const [left, right] = isOrdered ? [expected, actual] : [sorted(expected), sorted(actual)];
  for (const [row, cells] of left.entries()) {
    for (const [column, cell] of cells.entries()) {
      const found = right[row]?.[column] ?? null;
      if (!isSame(cell, found, types[column] ?? ''))
        return `row ${row + 1}, column ${column + 1} (${types[column]}): ${show(cell)} expected, ${show(found)} found`;
    }
  }
  return undefined;
}

function isSame(expected: Cell, actual: Cell, type: string): boolean {
  if (expected === null || actual === null) return expected === actual;
  if (Array.isArray(expected))
    return (
      Array.isArray(actual) &&
      expected.length === actual.length &&
      expected.every((item: Cell, index) => isSame(item, actual[index] as Cell, type.replace(/^ARRAY<(.*)>$/u, '$1')))
    );
  if (typeof expected === 'object') {
    const fields = Object.keys(expected);
    return (
      typeof actual === 'object' &&
      fields.join() === Object.keys(actual).join() &&
      fields.every((field) => isSame((expected as Record<string, Cell>)[field] as Cell, (actual as Record<string, Cell>)[field] as Cell, ''))
    );
  }
  if (type === 'FLOAT64' || typeof expected === 'number')
    return (typeof actual === 'number' || typeof actual === 'bigint') && isClose(Number(expected), Number(actual));
  if (type === 'NUMERIC') return String(expected) === String(actual);
  return expected === actual;
}

function isClose(a: number, b: number): boolean {
  return a === b || Math.abs(a - b) <= RELATIVE_TOLERANCE * Math.max(Math.abs(a), Math.abs(b));
}

/** Rows in an order that both engines' spellings of a number share. */
function sorted(rows: Rows): Rows {
  return rows.toSorted((a, b) => {
    for (const [index, cell] of a.entries()) {
      const order = compareCells(cell, b[index] ?? null);
      if (order !== 0) return order;
    }
    return 0;
  });
}

function compareCells(a: Cell, b: Cell): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  if (isNumber(a) && isNumber(b)) return isClose(Number(a), Number(b)) ? 0 : Number(a) - Number(b);
  const [left, right] = [show(a), show(b)];
  return left < right ? -1 : Number(left > right);
}

function isNumber(cell: Cell): boolean {
  return typeof cell === 'number' || typeof cell === 'bigint';
}

function show(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? Number(inner) : inner)) ?? 'undefined';
}
