// Statements that check rows. `staged` names the rows under check in all of them, so that one text serves staged and
// committed rows. All that a job counts is counted by one statement, a branch for each declared SELECT and one for the
// measures: planning and starting a statement costs more than counting a date. Examples are fetched only where it fails.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { ConditionDialect } from '@floodgate/core/ports/check-offences.ts';
import type { TableSpec } from '@floodgate/core/ports/warehouse.ts';
import { dateList, quoteName, quoteNames, quoteTable, textLiteral } from './names.ts';
import { preservedTable } from './prepare.ts';
import { segmentTable } from './stage.ts';

/** `staging` is bound as $staging where the rows lie in a segment, so that the statement can be prepared once. */
export type CheckedRows = { readonly segment: number } | { readonly preserved: string } | 'committed';

const column = (target: TableSpec): string => quoteName(target.partitionColumn);

/** Where the rows under check are. `dates` restricts them; undefined where the staging holds no others. */
export const fromChecked = (target: TableSpec, rows: CheckedRows, dates: readonly PartitionDate[] | undefined): string => {
  const inDates = dates === undefined ? '' : `${column(target)} IN (${dateList(dates)})`;
  if (rows === 'committed') return `FROM ${quoteTable(target.table)}${inDates === '' ? '' : ` WHERE ${inDates}`}`;
  const and = inDates === '' ? '' : ` AND ${inDates}`;
  return 'segment' in rows
    ? `FROM ${segmentTable(rows.segment)} WHERE _staging = CAST($staging AS BIGINT)${and}`
    : `FROM ${quoteTable(preservedTable(target.table))} WHERE _staging = ${textLiteral(rows.preserved)}${and}`;
};

/** The rows under check, their declared columns alone. */
export const checkedRows = (...[target, rows, dates]: Parameters<typeof fromChecked>): string =>
  `SELECT ${quoteNames(target.columns.map((each) => each.name))} ${fromChecked(target, rows, dates)}`;

/** GoogleSQL that adds the truth of each condition to the rows under check, as `_where_<n>`. */
export const googleSqlConditions = (conditions: readonly string[]): string =>
  conditions.length === 0 ? '' : `SELECT staged.*, ${conditions.map((condition, index) => `(\n${condition}\n) AS _where_${index}`).join(', ')} FROM staged`;

/** The same in DuckDB's dialect once it is translated; without conditions the rows themselves. */
const checkedSource = (conditions: string | undefined): string => (conditions === undefined ? 'staged' : `(\n${conditions}\n) AS checked`);

export const conditionDialect: ConditionDialect = { quoteName, isNaN: (name) => `isnan(${name})` };

export const countWhere = (condition: string): string => `count(*) FILTER (WHERE ${condition})`;

/** Distinct keys of a date, by hash. list_unique over a list was measured at a third of count(DISTINCT) on small dates. */
export const countKeys = (columns: readonly string[]): string => `list_unique(list(hash(${quoteNames(columns)})))`;

/** The rows under check as a table expression. Never copied: what a statement counts is a few of their columns. */
const withStaged = (staged: string): string => `WITH staged AS NOT MATERIALIZED (
  ${staged}
)`;

const yielded = (sql: string): string => `(
${sql}
)`;

const counts = (part: number, day: string, expressions: readonly string[]): string =>
  `SELECT ${part} AS part, ${day} AS day, [${expressions.map((expression) => `CAST(${expression} AS BIGINT)`).join(', ')}] AS counts`;

/** Of each date the rows and the measures. Without conditions the rows are read where they are: binding columns that nobody counts costs more than counting. */
export const countMeasures = (
  target: TableSpec,
  part: number,
  from: string,
  conditions: string | undefined,
  measures: readonly string[],
): string => `${counts(part, column(target), ['count(*)', ...measures])}
${conditions === undefined ? from : `FROM ${checkedSource(conditions)}`}
GROUP BY 2`;

/** `expected` of each date, as the check's SELECT yields it. */
export const countExpectedRows = (part: number, sql: string): string => `${counts(part, 'CAST(expectation."date" AS DATE)', ['sum(expectation.expected)'])}
FROM ${yielded(sql)} AS expectation
GROUP BY 2`;

/**
 * Of each date the expected keys and those that are missing. One grouping of both sides (1: expected, 2: found) took half
 * the time of a join. A key with a NULL is never found.
 */
export const countMissingKeys = (target: TableSpec, part: number, columns: readonly string[], sql: string): string => {
  const keys = quoteNames(columns);
  return `${counts(part, '_date', ['count(*)', 'count(*) FILTER (WHERE _side = 1)'])}
FROM (
  SELECT _date, bit_or(_side) AS _side
  FROM (
    SELECT CAST("date" AS DATE) AS _date, ${keys}, CAST(1 AS UTINYINT) AS _side
    FROM ${yielded(sql)}
    UNION ALL
    SELECT ${column(target)}, ${keys}, CAST(2 AS UTINYINT)
    FROM staged
    WHERE ${columns.map((name) => `${quoteName(name)} IS NOT NULL`).join(' AND ')}
  )
  GROUP BY _date, ${keys}
)
WHERE _side <> 2
GROUP BY 2`;
};

/** Rows that a check's SELECT yields, of all dates together. */
export const countViolations = (part: number, sql: string): string => `${counts(part, 'CAST(NULL AS DATE)', ['count(*)'])}
FROM ${yielded(sql)}`;

/** One statement of such branches. */
export const selectCounts = (staged: string, branches: readonly string[]): string => `${withStaged(staged)}
${branches.join('\nUNION ALL\n')}`;

/** Up to 5 offending rows of each of these dates: their keys and the columns that the check looks at. */
export const selectOffending = (
  target: TableSpec,
  staged: string,
  conditions: string | undefined,
  offending: string,
  shown: readonly string[],
  dates: readonly PartitionDate[],
): string => `${withStaged(staged)}
SELECT ${column(target)} AS _day, ${quoteNames(shown)}
FROM ${checkedSource(conditions)}
WHERE (${offending}) AND ${column(target)} IN (${dateList(dates)})
QUALIFY row_number() OVER (PARTITION BY ${column(target)} ORDER BY ${quoteNames(shown)}) <= 5
ORDER BY ALL`;

/** Keys that several rows share: their rows, and of each date all such rows and keys. */
export const selectDuplicates = (
  target: TableSpec,
  staged: string,
  columns: readonly string[],
  dates: readonly PartitionDate[],
): string => `${withStaged(staged)}, keys AS (
  SELECT ${column(target)} AS _day, ${columns.map((name) => quoteName(name)).join(', ')}, count(*) AS _rows
  FROM staged
  WHERE ${column(target)} IN (${dateList(dates)})
  GROUP BY ALL
  HAVING count(*) > 1
)
SELECT *, CAST(sum(_rows) OVER (PARTITION BY _day) AS BIGINT) AS _all_rows, count(*) OVER (PARTITION BY _day) AS _all_keys
FROM keys
QUALIFY row_number() OVER (PARTITION BY _day ORDER BY ${quoteNames(columns)}) <= 5
ORDER BY ALL`;

/** The same as `countMissingKeys`, with up to 5 of the missing keys. */
export const selectMissingKeys = (target: TableSpec, staged: string, columns: readonly string[], sql: string): string => {
  const keys = columns.map(quoteName);
  const matches = keys.map((name) => `staged.${name} = expectation.${name}`);
  return `${withStaged(staged)}, expectation AS (
  SELECT DISTINCT CAST("date" AS DATE) AS _date, ${keys.join(', ')}
  FROM ${yielded(sql)}
), judged AS (
  SELECT *, EXISTS (SELECT 1 FROM staged WHERE staged.${column(target)} = expectation._date AND ${matches.join(' AND ')}) AS _found
  FROM expectation
)
SELECT _date, count(*) AS expected, count(*) FILTER (WHERE NOT _found) AS missing,
  list({${columns.map((name) => `${textLiteral(name)}: ${quoteName(name)}`).join(', ')}} ORDER BY ${keys.join(', ')}) FILTER (WHERE NOT _found)[1:5] AS examples
FROM judged
GROUP BY 1`;
};

/** Rows that a check's SELECT yields: up to 5 of each date, with their number. */
export const selectViolations = (staged: string, sql: string): string => `${withStaged(staged)}
SELECT CAST(violation."date" AS DATE) AS _day, count(*) OVER (PARTITION BY violation."date") AS _offending, violation.*
FROM ${yielded(sql)} AS violation
QUALIFY row_number() OVER (PARTITION BY violation."date") <= 5`;
