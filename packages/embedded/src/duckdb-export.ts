// Files out of tables.
import { extname } from 'node:path';
import { WarehouseError, metadataColumns } from '@floodgate/core/ports/warehouse.ts';
import { quoteNames, quoteTable, textLiteral } from '@floodgate/sql/duckdb/names.ts';
import { selectColumns } from '@floodgate/sql/duckdb/prepare.ts';
import type { DuckDbSession } from './duckdb-session.ts';

export type ExportFormat = 'parquet' | 'csv';

const options = { parquet: 'FORMAT parquet, COMPRESSION zstd', csv: 'FORMAT csv, HEADER' } as const;

/** The same rows give the same file whatever the order in which they were committed. */
export const exportTable = async (session: DuckDbSession, table: string, format: ExportFormat, path: string): Promise<{ readonly rows: number }> => {
  const names = (await session.rows(selectColumns(table)))
    .map(([name]) => String(name))
    .filter((name) => !(metadataColumns as readonly string[]).includes(name));
  if (names.length === 0) throw new WarehouseError('invalid_sql', `there is no table ${table}`);
  if (extname(path) === '') throw new WarehouseError('invalid_sql', `an export needs a file name with an extension, found ${path}`);
  const [counted] = await session.rows(
    `COPY (SELECT ${quoteNames(names)} FROM ${quoteTable(table)} ORDER BY ALL) TO ${textLiteral(path)} (${options[format]})`,
  );
  return { rows: Number(counted?.[0] ?? 0) };
};
