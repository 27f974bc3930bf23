// Digests of tables and sources, and the views under which sources are read.
import type { Column, Source } from '@floodgate/core/domain/pipeline.ts';
import type { SourceFormat } from '@floodgate/core/domain/source-files.ts';
import { hashParts, rowHash, secondRowHash } from './hash.ts';
import { duckdbType, preservedSchema, quoteName, quoteTable, sourceCatalog, textLiteral } from './names.ts';

/** Rows and hash parts of each date of a relation in a range; `relation` is a quoted name. */
export const selectDigest = (
  relation: string,
  dateColumn: string,
  columns: readonly Column[],
): string => `SELECT ${quoteName(dateColumn)} AS day, ${hashParts(rowHash(columns), secondRowHash(columns))}
FROM ${relation}
WHERE ${quoteName(dateColumn)} BETWEEN CAST($first AS DATE) AND CAST($last AS DATE)
GROUP BY 1`;

export const sourceRelation = (name: string): string => `${sourceCatalog}.${quoteName(name)}`;

const fileList = (files: readonly string[]): string => `[${files.map(textLiteral).join(', ')}]`;

/** Column types as text, so that a value that doesn't fit is an error and never guessed around. */
const columnTypes = (columns: readonly Column[]): string =>
  `{${columns.map((column) => `${textLiteral(column.name)}: ${textLiteral(duckdbType(column.type))}`).join(', ')}}`;

/** The files as a relation, columns matched by name. */
const readFiles = (source: ReadableSource, files: readonly string[], columns: readonly Column[], options = ''): string => {
  if (source.format === 'parquet') return `read_parquet(${fileList(files)}, union_by_name = true${options})`;
  if (source.format === 'csv') return `read_csv(${fileList(files)}, union_by_name = true, header = true, types = ${columnTypes(columns)}${options})`;
  return `read_json(${fileList(files)}, format = 'newline_delimited', columns = ${columnTypes(columns)}${options})`;
};

/** A source of which the format is known, be it by the names of its files. */
export type ReadableSource = Source & { readonly format: SourceFormat };

export type SourceColumn = { readonly column: Column; readonly present: boolean };

const projection = ({ column, present }: SourceColumn): string => {
  const name = quoteName(column.name);
  const type = duckdbType(column.type);
  return present ? `CAST(${name} AS ${type}) AS ${name}` : `CAST(NULL AS ${type}) AS ${name}`;
};

/** The last date in a file's name. Written so, a condition on it decides which files are opened at all. */
const dateOfFile = `CAST(regexp_extract(filename, '.*(\\d{4}-\\d{2}-\\d{2})', 1) AS DATE)`;

/** `byName`: a file's name says which date it holds, whatever stands in it. */
const selectSource = (source: ReadableSource, files: readonly string[], columns: readonly SourceColumn[], byName = false): string => {
  const selected = columns.map((each) =>
    byName && each.column.name === source.dateColumn ? `${dateOfFile} AS ${quoteName(each.column.name)}` : projection(each),
  );
  const read = columns.filter(({ present }) => present).map(({ column }) => column);
  return `SELECT ${selected.join(', ')}\nFROM ${readFiles(source, files, read, byName ? ', filename = true' : '')}`;
};

export const createSourceView = (
  source: ReadableSource,
  relation: string,
  files: readonly string[],
  columns: readonly SourceColumn[],
  byName = false,
): string => `CREATE OR REPLACE VIEW ${sourceRelation(relation)} AS
${selectSource(source, files, columns, byName)}`;

/** Of an optional source without files. */
export const createEmptySource = (source: Source, relation: string): string =>
  `CREATE OR REPLACE VIEW ${sourceRelation(relation)} AS
SELECT ${source.columns.map((column) => projection({ column, present: false })).join(', ')}
WHERE FALSE`;

/** Ordered by date, so that a read of one date touches few row groups. */
export const createSourceTable = (
  source: ReadableSource,
  relation: string,
  files: readonly string[],
  columns: readonly SourceColumn[],
): string => `CREATE OR REPLACE TABLE ${sourceRelation(relation)} AS
${selectSource(source, files, columns)}
ORDER BY ${quoteName(source.dateColumn)}`;

/** Top-level columns of Parquet files, as they will be read. */
export const describeParquet = (file: string): string => `DESCRIBE SELECT * FROM read_parquet(${textLiteral(file)})`;

export const describeCsv = (file: string): string => `DESCRIBE SELECT * FROM read_csv(${textLiteral(file)}, header = true, all_varchar = true)`;

export const dropSourceTable = (relation: string): string => `DROP TABLE IF EXISTS ${sourceRelation(relation)}`;

export const dropSourceView = (relation: string): string => `DROP VIEW IF EXISTS ${sourceRelation(relation)}`;

export const compressSources = (): string => `CHECKPOINT ${sourceCatalog}`;

/** Digests of sources, one row each: JSON of dates, rows and digests, and what they were computed of. */
const keptDigests = quoteTable(`${preservedSchema}._source_digests`);

export const createKeptDigests = (): string =>
  `CREATE TABLE IF NOT EXISTS ${keptDigests} (source VARCHAR NOT NULL, version VARCHAR NOT NULL, engine VARCHAR NOT NULL, digests VARCHAR NOT NULL)`;

/** DuckDB's hash() may change between its releases: what another one computed does not count. */
export const selectKeptDigests = (): string => `SELECT digests FROM ${keptDigests} WHERE source = $source AND version = $version AND engine = version()`;

export const deleteKeptDigests = (): string => `DELETE FROM ${keptDigests} WHERE source = $source`;

export const insertKeptDigests = (): string => `INSERT INTO ${keptDigests} SELECT $source, $version, version(), $digests`;
