// Statements that stage rows. A staging is a table of its own, made by one job with its hashes, its expiry and the dates it
// holds: whatever dies on the way, no staging is left without them.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Column } from '@floodgate/core/domain/pipeline.ts';
import type { TableSpec } from '@floodgate/core/ports/warehouse.ts';
import { contentHash, rowHash } from './hash.ts';
import { dateList, dateLiteral, quoteName, quoteNames, quoteTable, textLiteral } from './names.ts';

/** How the value of a column gets its declared type. */
export type Projection = { readonly column: Column; readonly expression: string };

export type NewStaging = {
  readonly target: TableSpec;
  /** `dataset.table` of the staging. */
  readonly table: string;
  readonly dates: readonly PartitionDate[];
  readonly expiresInHours: number;
};

/** Spans of dates, so that years fit into the 16,384 characters of a description. */
const describeDates = (dates: readonly PartitionDate[]): string => {
  const spans: [PartitionDate, PartitionDate][] = [];
  for (const date of dates) {
    const last = spans.at(-1);
    if (last !== undefined && Date.parse(date) - Date.parse(last[1]) === 86_400_000) last[1] = date;
    else spans.push([date, date]);
  }
  return spans.map(([first, last]) => (first === last ? first : `${first}..${last}`)).join(' ');
};

const prefix = 'Floodgate staging of ';

export const stagingDescription = (target: TableSpec, dates: readonly PartitionDate[]): string => `${prefix}${target.table}: ${describeDates(dates)}`;

/** Whether a staging of this description holds the date. */
export const holdsDate = (description: string | undefined, date: PartitionDate): boolean =>
  (description ?? '')
    .slice((description ?? '').indexOf(': ') + 2)
    .split(' ')
    .some((span) => {
      const [first = '', last = first] = span.split('..');
      return date >= first && date <= last;
    });

/** Clustered by date: a commit of a few dates reads little of it. Partitions would count against those that a job may change. */
const head = ({ target, table, dates, expiresInHours }: NewStaging): string => `CREATE OR REPLACE TABLE ${quoteTable(table)}
CLUSTER BY ${quoteName(target.partitionColumn)}
OPTIONS (
  expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL ${expiresInHours} HOUR),
  description = ${textLiteral(stagingDescription(target, dates))},
  labels = [('floodgate', 'staging')]
) AS`;

/** Dates in between that were not asked for are left out; whatever lies outside stays, to be complained of. */
const withoutGaps = (column: string, dates: readonly PartitionDate[]): string => {
  const [first, last] = [dates[0] as PartitionDate, dates.at(-1) as PartitionDate];
  const days = (Date.parse(last) - Date.parse(first)) / 86_400_000 + 1;
  if (days === dates.length) return '';
  const name = quoteName(column);
  return `\n  WHERE ${name} IS NULL OR ${name} NOT BETWEEN ${dateLiteral(first)} AND ${dateLiteral(last)} OR ${name} IN (${dateList(dates)})`;
};

/** Literals, quoted names and comments, which are left as they are, and the two parameters. */
const datesAndOpaque =
  /'''(?:\\[^]|[^\\])*?'''|"""(?:\\[^]|[^\\])*?"""|'(?:\\[^]|[^'\\])*'|"(?:\\[^]|[^"\\])*"|`(?:\\[^]|[^`\\])*`|--[^\n]*|#[^\n]*|\/\*[^]*?\*\/|@(start|end)_date\b/gi;

/**
 * The SELECT with the first date for @start_date and the last for @end_date: BigQuery's documentation does not say whether
 * CREATE TABLE AS takes parameters, and literals prune partitions at least as well.
 */
export const bindDates = (sql: string, dates: readonly PartitionDate[]): string =>
  sql.replace(datesAndOpaque, (found: string, which?: string) =>
    which === undefined ? found : dateLiteral((which.toLowerCase() === 'start' ? dates[0] : dates.at(-1)) as PartitionDate),
  );

/** `select` has its dates bound already. */
export const createStaging = (staging: NewStaging, projections: readonly Projection[], select: string): string => `${head(staging)}
SELECT *, ${rowHash(staging.target.columns)} AS \`_row_hash\`
FROM (
  SELECT ${projections.map(({ column, expression }) => `${expression} AS ${quoteName(column.name)}`).join(', ')}
  FROM (
${select.trim().replace(/;$/, '')}
  )${withoutGaps(staging.target.partitionColumn, staging.dates)}
)`;

/** Of columns that can't be selected from anywhere: a staging without rows. */
export const selectNothing = (columns: readonly Column[]): string =>
  `SELECT ${columns.map((column) => `CAST(NULL AS ${column.type}) AS ${quoteName(column.name)}`).join(', ')} FROM UNNEST([1]) AS nothing WHERE nothing = 0`;

export const selectStagedHashes = (
  target: TableSpec,
  table: string,
): string => `SELECT ${quoteName(target.partitionColumn)} AS day, COUNT(*) AS n, ${contentHash('`_row_hash`')} AS content_hash
FROM ${quoteTable(table)}
GROUP BY 1`;

export const selectStagedRows = (
  target: TableSpec,
  table: string,
  date: PartitionDate,
  maxRows: number,
): string => `SELECT ${quoteNames(target.columns.map(({ name }) => name))}
FROM ${quoteTable(table)}
WHERE ${quoteName(target.partitionColumn)} = ${dateLiteral(date)}
ORDER BY ${quoteNames(target.key)}
LIMIT ${maxRows}`;

/** A copy of one date, with the longer life. */
export const createPreserved = (staging: NewStaging, from: string): string => `${head(staging)}
SELECT *
FROM ${quoteTable(from)}
WHERE ${quoteName(staging.target.partitionColumn)} IN (${dateList(staging.dates)})`;
