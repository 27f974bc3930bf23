// Staging that people look at: reading it, and keeping a date of it in the database file.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import { WarehouseError, type QueryResult, type TableSpec } from '@floodgate/core/ports/warehouse.ts';
import { createPreserved, addPreservedColumn } from '@floodgate/sql/duckdb/prepare.ts';
import { deletePreserved, deletePreservedNames, insertPreserved, insertPreservedName, selectStagedRows } from '@floodgate/sql/duckdb/stage.ts';
import type { DuckDbSession } from './duckdb-session.ts';
import type { Staged, StagingRegistry } from './duckdb-staging.ts';
import { rowsToJson } from './duckdb-values.ts';

const find = (staging: StagingRegistry, target: TableSpec, name: string, date: PartitionDate): Staged => {
  const staged = staging.get(target.table, name);
  if (staged?.dates.has(date)) return staged;
  throw new WarehouseError('staging_missing', `staged rows of ${target.table} are gone: ${name}`, { missing: [name] });
};

export const readStagedRows = async (
  session: DuckDbSession,
  staging: StagingRegistry,
  target: TableSpec,
  name: string,
  date: PartitionDate,
  maxRows: number,
): Promise<QueryResult> => {
  const rows = await session.rows(selectStagedRows(target, find(staging, target, name, date).rows, date, maxRows));
  return {
    columns: target.columns.map(({ name: column, type }) => ({ name: column, type })),
    rows: rowsToJson(
      target.columns.map((column) => column.name),
      rows,
    ),
  };
};

/** Idempotent: preserving again under the same name replaces it. */
export const preserveDate = async (
  session: DuckDbSession,
  staging: StagingRegistry,
  target: TableSpec,
  name: string,
  date: PartitionDate,
  preserved: string,
): Promise<void> => {
  const { rows } = find(staging, target, name, date);
  await session.transaction(async () => {
    await session.run(createPreserved(target));
    for (const column of target.columns) await session.run(addPreservedColumn(target.table, column));
    if (name !== preserved) {
      await session.run(deletePreserved(target.table, [preserved]));
      await session.run(deletePreservedNames(target.table, [preserved]));
      await session.run(insertPreservedName(target.table, preserved, date));
      await session.run(insertPreserved(target, preserved, rows, date));
    }
  });
  if (name !== preserved)
    staging.add(target.table, { name: preserved, rows: { preserved, staging: staging.nextNumber() }, dates: new Set([date]), segment: undefined });
};

export const dropPreserved = (session: DuckDbSession, target: TableSpec, names: readonly string[]): Promise<void> =>
  session.transaction(async () => {
    await session.run(deletePreserved(target.table, names));
    await session.run(deletePreservedNames(target.table, names));
  });
