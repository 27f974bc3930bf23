// Identifiers, literals and types of the statements that Floodgate builds for DuckDB. Names come from validated
// declarations and are quoted all the same; values of people are bound, literals are dates and numbers of our own.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { ColumnType } from '@floodgate/core/domain/pipeline.ts';

/** Attached in-memory database that holds staged rows: no write-ahead log, gone with the process. */
export const stagingCatalog = '_floodgate_staging';
/** Attached in-memory database in which `source.<name>` are views or tables: GoogleSQL reads them by that name. */
export const sourceCatalog = 'source';
/** Schema of the database file with the rows of quarantined dates. */
export const preservedSchema = '_floodgate_preserved';

export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

export const quoteNames = (names: readonly string[]): string => names.map(quoteName).join(', ');

/** `nba.games` to `"nba"."games"`. */
export const quoteTable = (table: string): string => table.split('.').map(quoteName).join('.');

export const schemaOf = (table: string): string => (table.includes('.') ? table.slice(0, table.lastIndexOf('.')) : 'main');

export const nameOf = (table: string): string => table.slice(table.lastIndexOf('.') + 1);

export const textLiteral = (text: string): string => `'${text.replaceAll("'", "''")}'`;

export const dateLiteral = (date: PartitionDate): string => `DATE '${date}'`;

/** Literal dates, so that DuckDB prunes row groups by their minimum and maximum. */
export const dateList = (dates: readonly PartitionDate[]): string => dates.map(dateLiteral).join(', ');

export const commitLogTable = (table: string): string =>
  quoteTable(table.includes('.') ? `${schemaOf(table)}._floodgate_commits_${nameOf(table)}` : `main._floodgate_commits_${table}`);

const scalars = {
  STRING: 'VARCHAR',
  INT64: 'BIGINT',
  FLOAT64: 'DOUBLE',
  NUMERIC: 'DECIMAL(38,9)',
  BOOL: 'BOOLEAN',
  DATE: 'DATE',
  // A TIMESTAMP of GoogleSQL is an instant. Sessions run in UTC.
  TIMESTAMP: 'TIMESTAMP WITH TIME ZONE',
  BYTES: 'BLOB',
  JSON: 'JSON',
} as const;

export const elementType = (type: ColumnType): keyof typeof scalars | undefined =>
  type.startsWith('ARRAY<') ? (type.slice(6, -1) as keyof typeof scalars) : undefined;

/** DuckDB's type as DuckDB itself spells it in its catalog. */
export const duckdbType = (type: ColumnType): string => {
  const element = elementType(type);
  return element === undefined ? scalars[type as keyof typeof scalars] : `${scalars[element]}[]`;
};

/** The declared type of a catalog type, for messages; the catalog's own word where there is none. */
export const declaredType = (catalogType: string): string => {
  if (catalogType.endsWith('[]')) return `ARRAY<${declaredType(catalogType.slice(0, -2))}>`;
  const found = Object.entries(scalars).find(([, duckdb]) => duckdb === catalogType);
  return found ? found[0] : catalogType;
};
