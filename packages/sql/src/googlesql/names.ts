// Identifiers and literals of the statements that Floodgate builds for BigQuery. Names come from validated declarations and
// are quoted all the same; literals are dates, numbers and ids of our own, other values are bound.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { ColumnType, ScalarType } from '@floodgate/core/domain/pipeline.ts';

/** https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical#escape_sequences */
const escape = (text: string): string => text.replace(/[\\'`"\n\r]/g, (found) => (found === '\n' ? '\\n' : found === '\r' ? '\\r' : `\\${found}`));

export const quoteName = (name: string): string => `\`${escape(name)}\``;

export const quoteNames = (names: readonly string[]): string => names.map(quoteName).join(', ');

/** `nba.games` to `` `nba`.`games` ``. */
export const quoteTable = (table: string): string => table.split('.').map(quoteName).join('.');

export const datasetOf = (table: string): string => table.slice(0, table.lastIndexOf('.'));

export const nameOf = (table: string): string => table.slice(table.lastIndexOf('.') + 1);

export const textLiteral = (text: string): string => `'${escape(text)}'`;

export const dateLiteral = (date: PartitionDate): string => `DATE '${date}'`;

/** Literal dates: BigQuery prunes partitions by constants only, not by a join or a subquery. */
export const dateList = (dates: readonly PartitionDate[]): string => dates.map(dateLiteral).join(', ');

/** Instants are ours, in milliseconds. */
export const instantLiteral = (ms: number): string => `TIMESTAMP_MILLIS(${ms})`;

export const commitLogName = (table: string): string => `${datasetOf(table)}._floodgate_commits_${nameOf(table)}`;

/**
 * Declared tables have no dash in their names, tables of BigQuery may: what follows the second one is the staging's name,
 * so that no two stagings share a table and those of a target are found by a prefix.
 */
export const stagingPrefix = (table: string): string => `${table.replaceAll('.', '-')}-`;

/** `dataset.table` of a staging. */
export const stagingTable = (stagingDataset: string, table: string, staging: string): string =>
  `${stagingDataset}.${stagingPrefix(table)}${staging.replace(/[^\p{L}\p{N}_-]/gu, '_')}`;

export const elementType = (type: ColumnType): ScalarType | undefined => (type.startsWith('ARRAY<') ? (type.slice(6, -1) as ScalarType) : undefined);
