// Statements that make a target, its commit log and its fence row.
import type { Column } from '@floodgate/core/domain/pipeline.ts';
import type { TableSpec } from '@floodgate/core/ports/warehouse.ts';
import { commitLogTable, duckdbType, nameOf, preservedSchema, quoteName, quoteTable, schemaOf, textLiteral } from './names.ts';

const columnDefinition = (column: Column): string => `${quoteName(column.name)} ${duckdbType(column.type)}${column.required ? ' NOT NULL' : ''}`;

/** Types of the metadata columns, in their order after the declared ones. */
const metadataTypes = {
  _row_hash: 'UBIGINT',
  _generation: 'BIGINT',
  _backfill_id: 'VARCHAR',
  processed_at: 'TIMESTAMP WITH TIME ZONE',
} as const;

export const createSchema = (schema: string): string => `CREATE SCHEMA IF NOT EXISTS ${quoteName(schema)}`;

// No primary key: its index was measured to make inserts several times slower, and keys are audited before a commit.
export const createTarget = (target: TableSpec): string => `CREATE TABLE ${quoteTable(target.table)} (
  ${[...target.columns.map(columnDefinition), ...Object.entries(metadataTypes).map(([name, type]) => `${quoteName(name)} ${type}`)].join(',\n  ')}
)`;

export const createCommitLog = (table: string): string => `CREATE TABLE IF NOT EXISTS ${commitLogTable(table)} (
  "date" DATE,
  generation BIGINT NOT NULL,
  content_hash VARCHAR NOT NULL,
  "rows" BIGINT NOT NULL,
  backfill_id VARCHAR NOT NULL,
  committed_at TIMESTAMP WITH TIME ZONE NOT NULL,
  outcome VARCHAR NOT NULL
)`;

/** The fence is the log's one row without a date; its generation is the lane's epoch. */
export const insertFence = (table: string): string => `INSERT INTO ${commitLogTable(table)}
SELECT NULL, 0, '', 0, '', TIMESTAMPTZ '1970-01-01 00:00:00+00', 'fence'
WHERE NOT EXISTS (SELECT 1 FROM ${commitLogTable(table)} WHERE "date" IS NULL)`;

export const addColumn = (table: string, column: Column): string =>
  `ALTER TABLE ${quoteTable(table)} ADD COLUMN ${quoteName(column.name)} ${duckdbType(column.type)}`;

export const commentOnColumn = (table: string, column: Column): string =>
  `COMMENT ON COLUMN ${quoteTable(table)}.${quoteName(column.name)} IS ${textLiteral(column.description)}`;

/** Columns of a table as the catalog has them; none where there is no such table. */
export const selectColumns = (table: string): string => `SELECT column_name, data_type, NOT is_nullable AS required, comment
FROM duckdb_columns()
WHERE database_name = current_database() AND schema_name = ${textLiteral(schemaOf(table))} AND table_name = ${textLiteral(nameOf(table))}
ORDER BY column_index`;

/** Name of the table with the preserved rows of a target. */
export const preservedTable = (table: string): string => `${preservedSchema}.${table.replaceAll('.', '__')}`;

export const createPreserved = (target: TableSpec): string => `CREATE TABLE IF NOT EXISTS ${quoteTable(preservedTable(target.table))} (
  _staging VARCHAR NOT NULL,
  ${target.columns.map((column) => `${quoteName(column.name)} ${duckdbType(column.type)}`).join(',\n  ')},
  _row_hash UBIGINT
)`;

/** Preserved rows follow their target's columns, so that they can still be committed. */
export const addPreservedColumn = (table: string, column: Column): string =>
  `ALTER TABLE IF EXISTS ${quoteTable(preservedTable(table))} ADD COLUMN IF NOT EXISTS ${quoteName(column.name)} ${duckdbType(column.type)}`;

/** Tables of people: not Floodgate's own. */
export const selectTables = (): string => `SELECT schema_name, table_name, estimated_size
FROM duckdb_tables()
WHERE database_name = current_database() AND NOT internal AND schema_name <> ${textLiteral(preservedSchema)} AND NOT starts_with(table_name, '_floodgate_commits_')
ORDER BY 1, 2`;
