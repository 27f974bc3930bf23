// Statements that stage rows. Staging lies in an attached in-memory database, in segments: tables that many stagings of
// one target share, told apart by a number. Dropping a staging is forgetting its number; a segment whose stagings are
// all forgotten is dropped as a table, which gives its memory back at once (deleted rows would stay).
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Column } from '@floodgate/core/domain/pipeline.ts';
import type { TableSpec } from '@floodgate/core/ports/warehouse.ts';
import { hashParts, rowHash, secondRowHash } from './hash.ts';
import { dateList, dateLiteral, duckdbType, elementType, preservedSchema, quoteName, quoteNames, quoteTable, stagingCatalog, textLiteral } from './names.ts';
import { preservedTable } from './prepare.ts';

const names = (target: TableSpec): string => quoteNames(target.columns.map((column) => column.name));

export const segmentTable = (segment: number): string => `${stagingCatalog}.segment_${segment}`;

export const createSegment = (target: TableSpec, segment: number): string => `CREATE TABLE ${segmentTable(segment)} (
  _staging BIGINT,
  ${target.columns.map((column) => `${quoteName(column.name)} ${duckdbType(column.type)}`).join(',\n  ')},
  _row_hash UBIGINT
)`;

export const dropSegment = (segment: number): string => `DROP TABLE IF EXISTS ${segmentTable(segment)}`;

/** How the value of a column gets its declared type; `found` is the type that the SELECT yields. */
export type Projection = { readonly column: Column; readonly expression: string };

/** Columns of a batch of JSON rows, read from the bound text `$rows`. Bytes travel in base64. */
export const jsonRows = (columns: readonly Column[]): string => {
  const wire = (column: Column): string => (elementType(column.type) === 'BYTES' ? 'VARCHAR[]' : column.type === 'BYTES' ? 'VARCHAR' : duckdbType(column.type));
  const structure = JSON.stringify([Object.fromEntries(columns.map((column) => [column.name, wire(column)]))]);
  return `SELECT unnest(from_json_strict($rows, ${textLiteral(structure)}), recursive := true)`;
};

export const jsonProjection = (column: Column): string => {
  const name = quoteName(column.name);
  if (column.type === 'BYTES') return `from_base64(${name})`;
  if (column.type === 'ARRAY<BYTES>') return `list_transform(${name}, lambda v: from_base64(v))`;
  return name;
};

/** Where the dates of a job have gaps: rows in a gap are left out, rows outside the job stay, to be refused by name. */
const withoutGaps = (target: TableSpec, dates: readonly PartitionDate[] | undefined): string => {
  if (dates === undefined) return '';
  const date = quoteName(target.partitionColumn);
  const [first, last] = [dates[0] as PartitionDate, dates.at(-1) as PartitionDate];
  return `\nWHERE ${date} IN (${dateList(dates)}) OR ${date} IS NULL OR ${date} < DATE '${first}' OR ${date} > DATE '${last}'`;
};

/** `datesWithGaps` is undefined where the dates of the job follow one another day by day. */
export const insertStaged = (
  target: TableSpec,
  segment: number,
  projections: readonly Projection[],
  body: string,
  datesWithGaps: readonly PartitionDate[] | undefined,
): string => `INSERT INTO ${segmentTable(segment)}
SELECT CAST($staging AS BIGINT), ${names(target)}, ${rowHash(target.columns)}
FROM (
  SELECT ${projections.map(({ column, expression }) => `${expression} AS ${quoteName(column.name)}`).join(', ')}
  FROM (
${body}
  )
)${withoutGaps(target, datesWithGaps)}`;

/** For few dates: the inserted rows' hashes come back with the insert, which spares a statement. */
export const insertStagedReturning = (...[target, ...rest]: Parameters<typeof insertStaged>): string =>
  `${insertStaged(target, ...rest)}
RETURNING ${quoteName(target.partitionColumn)} AS day, _row_hash, ${secondRowHash(target.columns)}`;

/** Rows and the parts of the content hash of every staged date. */
export const selectStagedHashes = (
  target: TableSpec,
  segment: number,
): string => `SELECT ${quoteName(target.partitionColumn)} AS day, ${hashParts('_row_hash', secondRowHash(target.columns))}
FROM ${segmentTable(segment)}
WHERE _staging = $staging
GROUP BY 1`;

/** Staged rows as a table expression: of a segment by number, of a preserved date by name. */
export type StagedRows = { readonly segment: number; readonly staging: bigint } | { readonly preserved: string; readonly staging: bigint };

const selectStaged = (target: TableSpec, rows: StagedRows, dates: readonly PartitionDate[] | undefined): string => {
  const where = dates === undefined ? '' : ` AND ${quoteName(target.partitionColumn)} IN (${dateList(dates)})`;
  return 'segment' in rows
    ? `SELECT ${names(target)}, _row_hash FROM ${segmentTable(rows.segment)} WHERE _staging = ${rows.staging}${where}`
    : `SELECT ${names(target)}, _row_hash FROM ${quoteTable(preservedTable(target.table))} WHERE _staging = ${textLiteral(rows.preserved)}${where}`;
};

export const insertPreserved = (
  target: TableSpec,
  preserved: string,
  rows: StagedRows,
  date: PartitionDate,
): string => `INSERT INTO ${quoteTable(preservedTable(target.table))} (_staging, ${names(target)}, _row_hash)
SELECT ${textLiteral(preserved)}, *
FROM (${selectStaged(target, rows, [date])})`;

/** Names of preserved stagings, apart from their rows: a date without rows can be preserved too. */
const preservedNames = quoteTable(`${preservedSchema}._names`);

export const createPreservedNames = (): string =>
  `CREATE TABLE IF NOT EXISTS ${preservedNames} (target VARCHAR NOT NULL, staging VARCHAR NOT NULL, "date" DATE NOT NULL)`;

export const insertPreservedName = (table: string, preserved: string, date: PartitionDate): string =>
  `INSERT INTO ${preservedNames} VALUES (${textLiteral(table)}, ${textLiteral(preserved)}, ${dateLiteral(date)})`;

export const selectPreservedNames = (): string => `SELECT target, staging, "date" FROM ${preservedNames}`;

export const deletePreservedNames = (table: string, names: readonly string[]): string => `DELETE FROM ${preservedNames}
WHERE target = ${textLiteral(table)} AND staging IN (${names.map(textLiteral).join(', ')})`;

export const deletePreserved = (table: string, names: readonly string[]): string => `DELETE FROM ${quoteTable(preservedTable(table))}
WHERE _staging IN (${names.map(textLiteral).join(', ')})`;

/** Declared columns of a staged date, for people. */
export const selectStagedRows = (target: TableSpec, rows: StagedRows, date: PartitionDate, maxRows: number): string => `SELECT * EXCLUDE (_row_hash)
FROM (${selectStaged(target, rows, [date])})
ORDER BY ${quoteNames(target.key)}
LIMIT ${maxRows}`;
