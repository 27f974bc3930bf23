// The statements of checks over staged or committed rows, for core's rules of checks (core/ports/check-rules.ts).
import type { DuckDBDateValue, DuckDBListValue, DuckDBValue } from '@duckdb/node-api';
import { fromDay, type PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import { conditionsOf, judgeChecks, noChecks, type CheckUnit, type CountBranch, type Counts } from '@floodgate/core/ports/check-rules.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { WarehouseError, type CheckJob, type CheckResult } from '@floodgate/core/ports/warehouse.ts';
import {
  checkedRows,
  conditionDialect,
  countExpectedRows,
  countKeys,
  countMeasures,
  countMissingKeys,
  countViolations,
  countWhere,
  fromChecked,
  googleSqlConditions,
  selectCounts,
  selectDuplicates,
  selectMissingKeys,
  selectOffending,
  selectViolations,
} from '@floodgate/sql/duckdb/checks.ts';
import type { DuckDbContext } from './duckdb-context.ts';
import type { DuckDbSession, Parameters, Row } from './duckdb-session.ts';
import { sourcesIn } from './duckdb-sources.ts';
import { dateValue, rowsToJson, toDate, toJson } from './duckdb-values.ts';

/** The rows under check, as the statements need them. */
type RowsUnderCheck = {
  /** FROM clause of the rows under check, and a SELECT of their declared columns. */
  readonly from: string;
  readonly staged: string;
  /** SELECT that adds the truth of the checks' conditions to them, where there are any. */
  readonly conditions: string | undefined;
  readonly parameters: Parameters;
};

const rowsUnderCheck = (context: DuckDbContext, job: CheckJob): { readonly from: string; readonly staged: string; readonly staging: bigint } => {
  const { target, subject, dates } = job;
  if (subject === 'committed') return { from: fromChecked(target, 'committed', dates), staged: checkedRows(target, 'committed', dates), staging: 0n };
  const found = context.staging.get(target.table, subject.staging);
  if (!found) throw new WarehouseError('staging_missing', `staged rows of ${target.table} are gone: ${subject.staging}`, { missing: [subject.staging] });
  const asked = new Set(dates);
  const all = [...found.dates.keys()].every((date) => asked.has(date));
  const { staging, ...rows } = found.rows;
  const only = all ? undefined : dates;
  return { from: fromChecked(target, rows, only), staged: checkedRows(target, rows, only), staging };
};

const checkUnit = (context: DuckDbContext, session: DuckDbSession, job: CheckJob, rows: RowsUnderCheck): CheckUnit => {
  const { target } = job;
  const { from, staged, conditions, parameters } = rows;
  const { translate } = context;

  const branchSql = (branch: CountBranch, part: number): string => {
    switch (branch.kind) {
      case 'measures':
        return countMeasures(target, part, from, conditions, branch.measures);
      case 'expected_rows':
        return countExpectedRows(part, translate(branch.sql));
      case 'missing_keys':
        return countMissingKeys(target, part, branch.columns, translate(branch.sql));
      case 'violations':
        return countViolations(part, translate(branch.sql));
    }
  };

  const groupByDay = (names: readonly string[], found: readonly Row[]): ReadonlyMap<PartitionDate, readonly JsonObject[]> => {
    const byDate = new Map<PartitionDate, JsonObject[]>();
    for (const [index, json] of rowsToJson(
      names,
      found.map((row) => row.slice(1)),
    ).entries()) {
      const date = toDate(found[index]?.[0] as DuckDBValue);
      byDate.set(date, [...(byDate.get(date) ?? []), json]);
    }
    return byDate;
  };

  return {
    ...conditionDialect,
    countWhere,
    countKeys,
    count: async (branches) => {
      if (branches.length === 0) return [];
      const sql = selectCounts(staged, branches.map(branchSql));
      const found = job.subject === 'committed' ? await session.rows(sql, parameters) : await session.preparedRows(sql, parameters);
      const counts = branches.map(() => new Map<PartitionDate | null, readonly number[]>());
      for (const [part, day, numbers] of found as readonly [number, DuckDBDateValue | null, DuckDBListValue][])
        counts[part]?.set(day === null ? null : fromDay(day.days), numbers.items.map(Number));
      return counts satisfies readonly Counts[];
    },
    offending: async (condition, shown, dates) =>
      groupByDay(shown, await session.rows(selectOffending(target, staged, conditions, condition, shown, dates), parameters)),
    duplicates: async (columns, dates) => {
      const found = groupByDay([...columns, 'rows', 'all_rows', 'all_keys'], await session.rows(selectDuplicates(target, staged, columns, dates), parameters));
      return [...found].map(([date, examples]) => {
        const { all_rows: all, all_keys: keys } = examples[0] as { all_rows: number; all_keys: number } & JsonObject;
        return { date, rows: all, keys, examples: examples.map(({ all_rows: _rows, all_keys: _keys, ...example }) => example) };
      });
    },
    missingKeys: async (columns, sql) =>
      (await session.rows(selectMissingKeys(target, staged, columns, translate(sql)), parameters)).map(([day, expected, missing, examples]) => ({
        date: toDate(day as DuckDBValue),
        expected: Number(expected),
        missing: Number(missing),
        // None is missing: a list of nothing is NULL.
        examples: (toJson(examples as Row[number]) ?? []) as readonly JsonObject[],
      })),
    violations: async (sql) => {
      const result = await session.run(selectViolations(staged, translate(sql)), parameters);
      return rowsToJson(result.columnNames(), await result.getRows()).map(({ _day: day, _offending: offending, ...row }) => ({
        date: (day ?? null) as PartitionDate | null,
        offending: Number(offending),
        row,
      }));
    },
  };
};

export const runDuckDbChecks = async (context: DuckDbContext, session: DuckDbSession, job: CheckJob): Promise<CheckResult> => {
  const [first, last] = [job.dates[0], job.dates.at(-1)];
  if (first === undefined || last === undefined || job.checks.length === 0) return noChecks;
  const { from, staged, staging } = rowsUnderCheck(context, job);
  const conditions = conditionsOf(job);
  const rows: RowsUnderCheck = {
    from,
    staged,
    conditions: conditions.length === 0 ? undefined : context.translate(googleSqlConditions(conditions)),
    parameters: { staging, start_date: dateValue(first), end_date: dateValue(last) },
  };
  const sql = job.checks.flatMap(({ check }) => ('sql' in check ? [check.sql] : 'where' in check && check.where !== undefined ? [check.where] : []));
  const lease = await context.sources.acquire(session, sourcesIn(sql, job.sources));
  try {
    return await judgeChecks(job, checkUnit(context, session, job, rows));
  } catch (error) {
    throw context.sources.explain(error, job.sources);
  } finally {
    lease.release();
  }
};
