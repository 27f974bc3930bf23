// What is known about these seasons without computing it, checked on the tables of whoever computed them.
import type { KnownFact } from './known-fact.ts';
import { laws } from './laws.ts';
import { seasonFacts } from './season-facts.ts';

export type Query = (sql: string) => Promise<readonly Record<string, unknown>[]>;

export const knownFacts: readonly KnownFact[] = [...seasonFacts, ...laws];

// Drivers give integers as numbers, bigints or texts; their text is the same.
const canonical = (rows: readonly Record<string, unknown>[]): readonly string[] =>
  rows.map((row) => JSON.stringify(Object.fromEntries(Object.entries(row).map(([name, value]) => [name, String(value)]))));

export type FactCheck = { readonly checked: readonly string[]; readonly violations: readonly string[] };

/**
 * Checks all facts that lie within the range. `nameTable` says where a table stands, e.g. another dataset; by default
 * under its own name. Facts that the range cuts are not among `checked`.
 */
export const checkKnownFacts = async (
  query: Query,
  range: { readonly first: string; readonly last: string },
  nameTable: (table: string) => string = (table) => table,
): Promise<FactCheck> => {
  const checked: string[] = [];
  const violations: string[] = [];
  for (const { name, span, sql, expected } of knownFacts) {
    const dates = span === 'any' ? range : span;
    if (dates.first < range.first || dates.last > range.last) continue;
    const found = canonical(
      await query(sql((table) => `(SELECT * FROM ${nameTable(table)} WHERE game_date BETWEEN DATE '${dates.first}' AND DATE '${dates.last}')`)),
    );
    checked.push(name);
    const wanted = canonical(expected);
    if (found.length === wanted.length && found.every((row, index) => row === wanted[index])) continue;
    violations.push(`${name}: expected ${wanted.join(' ') || 'no rows'}, found ${found.length} rows: ${found.slice(0, 3).join(' ')}`);
  }
  return { checked, violations };
};
