// The statements of checks on BigQuery, for core's rules of checks (core/ports/check-rules.ts): one query counts for all checks of
// a job, and what is wrong in detail is asked only where a count says that something is.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import { conditionsOf, judgeChecks, noChecks, type CheckUnit } from '@floodgate/core/ports/check-rules.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import type { CheckJob, CheckResult } from '@floodgate/core/ports/warehouse.ts';
import {
  conditionDialect,
  countKeys,
  countWhere,
  selectCounts,
  selectDuplicates,
  selectMissingKeys,
  selectOffending,
  selectViolations,
  type RowsUnderCheck,
} from '@floodgate/sql/googlesql/checks.ts';
import { stagingTable } from '@floodgate/sql/googlesql/names.ts';
import type { BigQueryContext } from './bigquery-context.ts';
import { isNotFound } from './bigquery-errors.ts';
import { stagingMissing } from './bigquery-staging.ts';
import { getTable } from './bigquery-tables.ts';

/** Splits what a statement adds to a row, under names that begin with `_`, from the row. */
const withoutAdded = (row: JsonObject): JsonObject => Object.fromEntries(Object.entries(row).filter(([name]) => !addedNames.has(name)));
const addedNames = new Set(['_day', '_date', '_rows', '_all_rows', '_all_keys', '_expected', '_all_missing', '_offending']);

const groupByDay = <Row>(rows: readonly JsonObject[], day: string, toRow: (row: JsonObject) => Row): ReadonlyMap<PartitionDate, readonly Row[]> => {
  const byDate = new Map<PartitionDate, Row[]>();
  for (const row of rows) {
    const date = row[day] as PartitionDate;
    byDate.set(date, [...(byDate.get(date) ?? []), toRow(row)]);
  }
  return byDate;
};

const checkUnit = (context: BigQueryContext, job: CheckJob, rows: RowsUnderCheck, signal: AbortSignal): CheckUnit => {
  const params = { start_date: { type: 'DATE', value: job.dates[0] as string }, end_date: { type: 'DATE', value: job.dates.at(-1) as string } };
  const read = async (sql: string): Promise<readonly JsonObject[]> => {
    const resolved = await context.resolveSources(sql, job.sources, signal);
    return (await context.jobs.query({ sql: resolved.sql, params, labels: { floodgate: 'check', ...job.labels } }, signal)).rows;
  };
  return {
    ...conditionDialect,
    countWhere,
    countKeys,
    count: async (branches) => {
      const counts = branches.map(() => new Map<PartitionDate | null, readonly number[]>());
      if (branches.length === 0) return counts;
      for (const { part, day, counts: numbers } of await read(selectCounts(rows, branches)))
        counts[part as number]?.set(day as PartitionDate | null, (numbers as readonly (number | string)[]).map(Number));
      return counts;
    },
    offending: async (condition, shown, dates) => groupByDay(await read(selectOffending(rows, condition, shown, dates)), '_day', withoutAdded),
    duplicates: async (columns, dates) => {
      const found = groupByDay(await read(selectDuplicates(rows, columns, dates)), '_day', (row) => row);
      return [...found].map(([date, shared]) => ({
        date,
        rows: Number(shared[0]?.['_all_rows']),
        keys: Number(shared[0]?.['_all_keys']),
        examples: shared.map((row) => ({ ...withoutAdded(row), rows: Number(row['_rows']) })),
      }));
    },
    missingKeys: async (columns, sql) => {
      const found = groupByDay(await read(selectMissingKeys(rows, columns, sql)), '_date', (row) => row);
      return [...found].map(([date, missing]) => ({
        date,
        expected: Number(missing[0]?.['_expected']),
        missing: Number(missing[0]?.['_all_missing']),
        examples: missing.map(withoutAdded),
      }));
    },
    violations: async (sql) =>
      (await read(selectViolations(rows, sql))).map((row) => ({
        date: row['_day'] as PartitionDate | null,
        offending: Number(row['_offending']),
        row: withoutAdded(row),
      })),
  };
};

export const runBigQueryChecks = async (context: BigQueryContext, job: CheckJob, signal: AbortSignal): Promise<CheckResult> => {
  if (job.dates.length === 0 || job.checks.length === 0) return noChecks;
  const { target, subject, dates } = job;
  const from = subject === 'committed' ? target.table : stagingTable(context.settings.stagingDataset, target.table, subject.staging);
  try {
    return await judgeChecks(job, checkUnit(context, job, { target, from, dates, conditions: conditionsOf(job) }, signal));
  } catch (error) {
    // Not found may also be what a check's own SQL reads.
    if (subject !== 'committed' && isNotFound(error) && (await getTable(context, from, signal)) === undefined) throw stagingMissing(target, [subject.staging]);
    throw error;
  }
};
