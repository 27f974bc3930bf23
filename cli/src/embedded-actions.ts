// What commands do with DuckDB, in the process that has it open.
import type { EmbeddedStack } from './embedded-stack.ts';
import { createLocalActions, type WarehouseActions } from './warehouse-actions.ts';

const quoteTable = (table: string): string =>
  table
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.');

export const createEmbeddedActions = ({ engine, catalog, plans, planner, warehouse }: EmbeddedStack): WarehouseActions =>
  createLocalActions({
    engine,
    catalog,
    plans,
    reconcileNow: planner.reconcileNow,
    tables: async (_, signal) => {
      // Described tables carry DuckDB's estimate, which counts rows that were deleted since the last checkpoint.
      const tables = await warehouse.describeTables(signal);
      const counted = await Promise.all(
        tables.map(({ table }) => warehouse.query(`SELECT count(*) AS n FROM ${quoteTable(table)}`, { dialect: 'native', maxRows: 2 }, signal)),
      );
      return tables.map((table, index) => ({ ...table, rows: Number(counted[index]?.rows[0]?.['n'] ?? 0) }));
    },
    exportTable: ({ table, format, path }, signal) => warehouse.exportTable(table, format, path, signal),
  });
