// Partition ids as SQL and as instants. https://docs.cloud.google.com/bigquery/docs/partitioned-tables
import { BigQueryProblem, notImplemented } from '../problem.ts';
import { formatTableId, type Partitioning } from '../types.ts';
import { quoteName, textLiteral } from './sql-text.ts';
import { findField, type StoredTable } from './stored-table.ts';
import { wholeTable } from './write-history.ts';

const formats = { HOUR: '%Y%m%d%H', DAY: '%Y%m%d', MONTH: '%Y%m', YEAR: '%Y' } as const;
const lengths = { HOUR: 10, DAY: 8, MONTH: 6, YEAR: 4 } as const;

/** The partition id of a row; `alias` qualifies the column. Sessions run in UTC, so a TIMESTAMP's date is that of UTC. */
export const partitionIdSql = (partitioning: Partitioning | undefined, alias?: string): string => {
  if (partitioning === undefined) return textLiteral(wholeTable);
  const column = `${alias === undefined ? '' : `${quoteName(alias)}.`}${quoteName(partitioning.field)}`;
  if (partitioning.kind === 'time') return `coalesce(strftime(${column}, '${formats[partitioning.type]}'), '__NULL__')`;
  const { start, end, interval } = partitioning;
  return `CASE WHEN ${column} IS NULL THEN '__NULL__' WHEN ${column} < ${start} OR ${column} >= ${end} THEN '__UNPARTITIONED__' ELSE CAST(${column} - (${column} - ${start}) % ${interval} AS VARCHAR) END`;
};

/** A predicate for the rows of one partition; DuckDB prunes by it where it is a range. */
export const inPartitionSql = (table: StoredTable, partitionId: string): string => {
  const { partitioning } = table;
  if (partitioning === undefined)
    throw notImplemented(`the partition decorator of ${formatTableId(table)}$${partitionId}, which is not partitioned by a column`);
  const column = quoteName(partitioning.field);
  if (partitionId === '__NULL__') return `${column} IS NULL`;
  if (partitioning.kind === 'range') {
    if (partitionId === '__UNPARTITIONED__') return `(${column} < ${partitioning.start} OR ${column} >= ${partitioning.end})`;
    if (!/^-?\d+$/.test(partitionId)) throw invalidPartition(table, partitionId);
    return `(${column} >= ${partitionId} AND ${column} < ${Number(partitionId) + partitioning.interval} AND ${column} < ${partitioning.end})`;
  }
  const start = startOfPartition(partitioning, partitionId);
  if (start === undefined) throw invalidPartition(table, partitionId);
  const isDate = findField(table.schema.fields, partitioning.field)?.type === 'DATE';
  const type = isDate ? 'DATE' : findField(table.schema.fields, partitioning.field)?.type === 'TIMESTAMP' ? 'TIMESTAMPTZ' : 'TIMESTAMP';
  const from = `CAST(${textLiteral(
    new Date(start)
      .toISOString()
      .replace('T', ' ')
      .slice(0, isDate ? 10 : 19),
  )} AS ${type})`;
  return `(${column} >= ${from} AND ${column} < CAST(${from} + INTERVAL 1 ${partitioning.type} AS ${type}))`;
};

const invalidPartition = (table: StoredTable, partitionId: string): BigQueryProblem =>
  new BigQueryProblem('invalid', `Invalid partition id ${partitionId} for the partitioning of table ${formatTableId(table)}`);

/** Milliseconds; undefined for what is no id of this partitioning. */
const startOfPartition = (partitioning: Partitioning, partitionId: string): number | undefined => {
  if (partitioning.kind !== 'time' || partitionId.length !== lengths[partitioning.type] || !/^\d+$/.test(partitionId)) return undefined;
  const [year, month, day, hour] = [
    partitionId.slice(0, 4),
    partitionId.slice(4, 6) || '01',
    partitionId.slice(6, 8) || '01',
    partitionId.slice(8, 10) || '00',
  ];
  const instant = Date.parse(`${year}-${month}-${day}T${hour}:00:00Z`);
  return Number.isNaN(instant) ? undefined : instant;
};

/** Rows that have outlived `expirationMs`, counted from the start of their partition; undefined where nothing expires. */
export const expiredRowsSql = (table: StoredTable, now: number): string | undefined => {
  const { partitioning } = table;
  if (partitioning?.kind !== 'time' || partitioning.expirationMs === undefined) return undefined;
  const part = partitioning.type.toLowerCase();
  const start = `date_trunc('${part}', CAST(${quoteName(partitioning.field)} AS TIMESTAMP))`;
  return `epoch_ms(${start}) + ${partitioning.expirationMs} <= ${now}`;
};
