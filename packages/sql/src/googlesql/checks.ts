// Statements that check rows, in GoogleSQL. `staged` names the rows under check in all of them, so that one text serves staged
// and committed rows. All that a job counts is counted by one statement, a branch for each declared SELECT and one for the
// measures; BigQuery has no use for many small ones. Dates are literal, so that it reads their partitions alone.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { ConditionDialect } from '@floodgate/core/ports/check-offences.ts';
import type { CountBranch } from '@floodgate/core/ports/check-rules.ts';
import type { TableSpec } from '@floodgate/core/ports/warehouse.ts';
import { dateList, quoteName, quoteNames, quoteTable } from './names.ts';

/** `from`: `dataset.table` of the target or of a staging. */
export type RowsUnderCheck = {
  readonly target: TableSpec;
  readonly from: string;
  readonly dates: readonly PartitionDate[];
  readonly conditions: readonly string[];
};

export const conditionDialect: ConditionDialect = { quoteName, isNaN: (name) => `IS_NAN(${name})` };

export const countWhere = (condition: string): string => `COUNTIF(${condition})`;

/** Exact: keys as JSON, in which NULL is a value like any other. */
export const countKeys = (columns: readonly string[]): string => `COUNT(DISTINCT TO_JSON_STRING(STRUCT(${quoteNames(columns)})))`;

const dayOf = ({ target }: RowsUnderCheck): string => quoteName(target.partitionColumn);

const withStaged = (rows: RowsUnderCheck): string => `WITH staged AS (
  SELECT ${quoteNames(rows.target.columns.map(({ name }) => name))}
  FROM ${quoteTable(rows.from)}
  WHERE ${dayOf(rows)} IN (${dateList(rows.dates)})
)`;

/** The rows under check with the truth of the n-th condition as `_where_<n>`. */
const checkedSource = ({ conditions }: RowsUnderCheck): string =>
  conditions.length === 0
    ? 'staged'
    : `(\nSELECT staged.*, ${conditions.map((condition, index) => `(\n${condition}\n) AS _where_${index}`).join(', ')} FROM staged\n)`;

const yielded = (sql: string): string => `(
${sql.trim().replace(/;$/, '')}
)`;

/** As DuckDB orders examples: without a value last, and by columns only that have an order. */
const inOrder = ({ target }: RowsUnderCheck, names: readonly string[]): string =>
  names
    .filter((name) => !/^(JSON$|ARRAY<)/.test(target.columns.find((column) => column.name === name)?.type ?? ''))
    .map((name) => `${quoteName(name)} NULLS LAST`)
    .join(', ');

const counts = (part: number, day: string, expressions: readonly string[]): string =>
  `SELECT ${part} AS part, ${day} AS day, [${expressions.join(', ')}] AS counts`;

const branchSql = (rows: RowsUnderCheck, branch: CountBranch, part: number): string => {
  switch (branch.kind) {
    case 'measures':
      return `${counts(part, dayOf(rows), ['COUNT(*)', ...branch.measures])}
FROM ${checkedSource(rows)}
GROUP BY ${dayOf(rows)}`;
    case 'expected_rows':
      return `${counts(part, '_date', ['IFNULL(CAST(SUM(expected) AS INT64), 0)'])}
FROM (
  SELECT CAST(expectation.\`date\` AS DATE) AS _date, expectation.expected AS expected
  FROM ${yielded(branch.sql)} AS expectation
)
GROUP BY _date`;
    case 'missing_keys': {
      // Side 1 is expected, 2 is there. A key with a NULL is never found.
      const keys = quoteNames(branch.columns);
      return `${counts(part, '_date', ['COUNT(*)', 'COUNTIF(_last = 1)'])}
FROM (
  SELECT _date, MIN(_side) AS _first, MAX(_side) AS _last
  FROM (
    SELECT CAST(\`date\` AS DATE) AS _date, ${keys}, 1 AS _side
    FROM ${yielded(branch.sql)}
    UNION ALL
    SELECT ${dayOf(rows)}, ${keys}, 2
    FROM staged
    WHERE ${branch.columns.map((name) => `${quoteName(name)} IS NOT NULL`).join(' AND ')}
  )
  GROUP BY _date, ${keys}
)
WHERE _first = 1
GROUP BY _date`;
    }
    case 'violations':
      return `${counts(part, 'CAST(NULL AS DATE)', ['COUNT(*)'])}
FROM ${yielded(branch.sql)}`;
  }
};

/** part, day, counts: of each branch by its position, of each of its dates. */
export const selectCounts = (rows: RowsUnderCheck, branches: readonly CountBranch[]): string => `${withStaged(rows)}
${branches.map((branch, part) => branchSql(rows, branch, part)).join('\nUNION ALL\n')}`;

/** Up to 5 offending rows of each of these dates: their keys and the columns that the check looks at. */
export const selectOffending = (
  rows: RowsUnderCheck,
  offending: string,
  shown: readonly string[],
  dates: readonly PartitionDate[],
): string => `${withStaged(rows)}
SELECT ${dayOf(rows)} AS _day, ${quoteNames(shown)}
FROM ${checkedSource(rows)}
WHERE (${offending}) AND ${dayOf(rows)} IN (${dateList(dates)})
QUALIFY ROW_NUMBER() OVER (PARTITION BY ${dayOf(rows)} ORDER BY ${inOrder(rows, shown)}) <= 5
ORDER BY _day, ${inOrder(rows, shown)}`;

/** Keys that several rows share, up to 5 of each date: their rows, and of the date all such rows and keys. */
export const selectDuplicates = (rows: RowsUnderCheck, columns: readonly string[], dates: readonly PartitionDate[]): string => `${withStaged(rows)}, shared AS (
  SELECT ${dayOf(rows)} AS _day, ${quoteNames(columns)}, COUNT(*) AS _rows
  FROM staged
  WHERE ${dayOf(rows)} IN (${dateList(dates)})
  GROUP BY ${quoteNames([...new Set([rows.target.partitionColumn, ...columns])])}
  HAVING COUNT(*) > 1
)
SELECT *, SUM(_rows) OVER (PARTITION BY _day) AS _all_rows, COUNT(*) OVER (PARTITION BY _day) AS _all_keys
FROM shared
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY _day ORDER BY ${inOrder(rows, columns)}) <= 5
ORDER BY _day, ${inOrder(rows, columns)}`;

/** Up to 5 missing keys of each date, with the number of all expected and all missing ones. */
export const selectMissingKeys = (rows: RowsUnderCheck, columns: readonly string[], sql: string): string => {
  const keys = columns.map(quoteName);
  const matches = keys.map((name) => ` AND present.${name} = expectation.${name}`);
  return `${withStaged(rows)}, expectation AS (
  SELECT DISTINCT CAST(\`date\` AS DATE) AS _date, ${keys.join(', ')}
  FROM ${yielded(sql)}
), present AS (
  SELECT DISTINCT ${dayOf(rows)} AS _present, ${keys.join(', ')}
  FROM staged
), judged AS (
  SELECT expectation._date, ${keys.map((name) => `expectation.${name}`).join(', ')}, present._present IS NULL AS _missing
  FROM expectation
  LEFT JOIN present ON present._present = expectation._date${matches.join('')}
)
SELECT _date, ${keys.join(', ')}, COUNT(*) OVER (PARTITION BY _date) AS _expected, SUM(IF(_missing, 1, 0)) OVER (PARTITION BY _date) AS _all_missing
FROM judged
WHERE TRUE
QUALIFY _missing AND ROW_NUMBER() OVER (PARTITION BY _date, _missing ORDER BY ${inOrder(rows, columns)}) <= 5
ORDER BY _date, ${inOrder(rows, columns)}`;
};

/** Rows that a check's SELECT yields: up to 5 of each date, with their number. */
export const selectViolations = (rows: RowsUnderCheck, sql: string): string => `${withStaged(rows)}
SELECT CAST(violation.\`date\` AS DATE) AS _day, COUNT(*) OVER (PARTITION BY violation.\`date\`) AS _offending, violation.*
FROM ${yielded(sql)} AS violation
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY violation.\`date\`) <= 5`;
