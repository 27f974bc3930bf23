import type { WarehouseFunction } from './memory-warehouse.ts';

/** A function for a statement of the form `SELECT a, b FROM t ORDER BY c, d`; undefined for any other. */
export const plainSelect = (sql: string): WarehouseFunction | undefined => {
  const [, columns = '', table = '', order = ''] = /^SELECT ([\w, ]+) FROM ([\w.]+)(?: ORDER BY ([\w, ]+))?$/.exec(sql) ?? [];
  if (table === '') return undefined;
  const keys = order.split(', ').filter((name) => name !== '');
  return ({ read }) =>
    read(table)
      .toSorted((a, b) => keys.reduce((found, key) => found || (String(a[key]) < String(b[key]) ? -1 : String(a[key]) > String(b[key]) ? 1 : 0), 0))
      .map((row) => Object.fromEntries(columns.split(', ').map((name) => [name, row[name] ?? null])));
};
