// Rows of two warehouses held against one another, cell by cell, through their port: what a reader of either would see.
import type { Processor } from '@floodgate/core/domain/pipeline.ts';
import type { Json, JsonObject } from '@floodgate/core/ports/status-store.ts';
import type { Warehouse } from '@floodgate/core/ports/warehouse.ts';

const maxRows = 1_000_000;
const never = new AbortController().signal;

/** Rows of the declared columns by key. */
const readTable = async (warehouse: Warehouse, { table, columns, key }: Processor): Promise<ReadonlyMap<string, JsonObject>> => {
  const sql = `SELECT ${columns.map(({ name }) => `\`${name}\``).join(', ')} FROM ${table}`;
  const { rows } = await warehouse.query(sql, { dialect: 'googlesql', maxRows }, never);
  const byKey = new Map(rows.map((row) => [key.map((name) => String(row[name])).join(' '), row]));
  if (byKey.size !== rows.length) throw new Error(`${table}: ${rows.length} rows with ${byKey.size} keys`);
  return byKey;
};

/** Sums of doubles depend on the order in which they are taken, which no engine promises; everything else is equal. */
const isSame = (a: Json | undefined, b: Json | undefined): boolean =>
  typeof a === 'number' && typeof b === 'number' && !(Number.isInteger(a) && Number.isInteger(b))
    ? Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b))
    : JSON.stringify(a) === JSON.stringify(b);

export type Comparison = { readonly rows: number; readonly differences: readonly string[] };

/** How many rows both have, and the first differences of each table in words. */
export const compareWarehouses = async (processors: readonly Processor[], actual: Warehouse, expected: Warehouse): Promise<Comparison> => {
  const differences: string[] = [];
  let rows = 0;
  for (const processor of processors) {
    const [here, there] = [await readTable(actual, processor), await readTable(expected, processor)];
    rows += there.size;
    const found = [
      ...[...there.keys()].filter((key) => !here.has(key)).map((key) => `${key} is missing`),
      ...[...here.keys()].filter((key) => !there.has(key)).map((key) => `${key} is too much`),
      ...[...there].flatMap(([key, row]) => {
        const mine = here.get(key);
        if (mine === undefined) return [];
        const columns = Object.keys(row).filter((name) => !isSame(mine[name], row[name]));
        return columns.map((name) => `${key} ${name}: ${JSON.stringify(mine[name])}, expected ${JSON.stringify(row[name])}`);
      }),
    ];
    if (found.length > 0) differences.push(`${processor.table}: ${found.length} differences, e.g. ${found.slice(0, 5).join('; ')}`);
  }
  return { rows, differences };
};
