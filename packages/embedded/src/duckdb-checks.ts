// Runs checks over staged or committed rows: one statement counts for all of them (duckdb-check-counts.ts); what is wrong
// in detail is asked only where a count says that something is.
import type { DuckDBValue } from '@duckdb/node-api';
import { compareDates, type PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { WarehouseError, type CheckJob, type CheckResult, type Finding, type KeyedCheck } from '@floodgate/core/ports/warehouse.ts';
import {
  checkedRows,
  fromChecked,
  googleSqlConditions,
  selectDuplicates,
  selectMissingKeys,
  selectOffending,
  selectViolations,
} from '@floodgate/sql/duckdb/checks.ts';
import { CheckCounts, conditionOf, type PlannedCheck, type RowsUnderCheck } from './duckdb-check-counts.ts';
import { describeKey, describeKeys, duplicateMessage, ratioMessage, rowsMessage } from './duckdb-check-messages.ts';
import type { DuckDbContext } from './duckdb-context.ts';
import type { DuckDbSession, Row } from './duckdb-session.ts';
import { sourcesIn } from './duckdb-sources.ts';
import { dateValue, rowsToJson, toDate, toJson } from './duckdb-values.ts';

const maxExamples = 5;

/** What every check of one job works with. */
type Run = {
  readonly context: DuckDbContext;
  readonly session: DuckDbSession;
  readonly job: CheckJob;
  readonly dates: ReadonlySet<PartitionDate>;
  readonly rows: RowsUnderCheck;
  readonly counts: CheckCounts;
  readonly findings: Finding[];
  readonly expected: Map<string, number>;
};

const isJudged = (run: Run, keyed: KeyedCheck, date: PartitionDate): boolean => run.dates.has(date) && !keyed.exempt?.has(date);

const groupByDay = (names: readonly string[], rows: readonly Row[]): ReadonlyMap<PartitionDate, readonly JsonObject[]> => {
  const byDate = new Map<PartitionDate, JsonObject[]>();
  for (const [index, json] of rowsToJson(
    names,
    rows.map((row) => row.slice(1)),
  ).entries()) {
    const date = toDate(rows[index]?.[0] as DuckDBValue);
    byDate.set(date, [...(byDate.get(date) ?? []), json]);
  }
  return byDate;
};

const judgeOffences = async (run: Run, { keyed, offences }: PlannedCheck): Promise<void> => {
  const { counts, rows } = run;
  const { target } = run.job;
  for (const { offence, bad, of } of offences) {
    const totalOf = (date: PartitionDate): number => (of === undefined ? counts.rowsOf(date) : counts.at(of, date));
    const dates = counts.datesOf(bad.pass).filter((date) => {
      const offending = counts.at(bad, date);
      return isJudged(run, keyed, date) && offending > 0 && totalOf(date) - offending < totalOf(date) * offence.minRatio;
    });
    if (dates.length === 0) continue;
    const shown = [...new Set([...target.key.filter((name) => name !== target.partitionColumn), offence.column])];
    const examples = groupByDay(
      shown,
      await run.session.rows(selectOffending(target, rows.staged, rows.conditions, offence.condition, shown, dates), rows.parameters),
    );
    for (const date of dates) {
      const offending = counts.at(bad, date);
      run.findings.push({ checkId: keyed.id, date, message: ratioMessage(offence, offending, totalOf(date)), offending, examples: examples.get(date) ?? [] });
    }
  }
};

const judgeDuplicates = async (run: Run, { keyed, keys }: PlannedCheck): Promise<void> => {
  if (keys === undefined || keyed.check.type !== 'unique_key') return;
  const { counts, rows } = run;
  const suspects = counts.datesOf('always').filter((date) => isJudged(run, keyed, date) && counts.at(keys, date) < counts.rowsOf(date));
  if (suspects.length === 0) return;
  const { columns } = keyed.check;
  // Distinct hashes are fewer than rows where keys repeat, and where two keys share a hash: this statement tells.
  const found = groupByDay(
    [...columns, 'rows', 'all_rows', 'all_keys'],
    await run.session.rows(selectDuplicates(run.job.target, rows.staged, columns, suspects), rows.parameters),
  );
  for (const [date, examples] of found) {
    const { all_rows: offending, all_keys: shared } = examples[0] as { all_rows: number; all_keys: number } & JsonObject;
    const shownRows = examples.map(({ all_rows: _rows, all_keys: _keys, ...example }) => example);
    run.findings.push({ checkId: keyed.id, date, message: duplicateMessage(offending, shared), offending, examples: shownRows });
  }
};

const judgeRows = (run: Run, keyed: KeyedCheck, expectedOf: (date: PartitionDate) => number): void => {
  let demanded = 0;
  for (const date of run.dates) {
    if (!isJudged(run, keyed, date)) continue;
    const [found, wanted] = [run.counts.rowsOf(date), expectedOf(date)];
    demanded += wanted;
    if (found !== wanted)
      run.findings.push({ checkId: keyed.id, date, message: rowsMessage(found, wanted), offending: Math.abs(found - wanted), examples: [] });
  }
  run.expected.set(keyed.id, demanded);
};

const judgeExpectedKeys = async (run: Run, planned: PlannedCheck, columns: readonly string[], sql: string): Promise<void> => {
  const { keyed } = planned;
  let demanded = 0;
  let isMissing = false;
  for (const [date, [expected, missing]] of run.counts.branchOf(planned)) {
    if (date === null) throw new WarehouseError('contract_broken', `the check ${keyed.id} expects keys without a date`);
    if (!isJudged(run, keyed, date)) continue;
    demanded += expected as number;
    isMissing ||= (missing as number) > 0;
  }
  run.expected.set(keyed.id, demanded);
  if (!isMissing) return;
  const rows = await run.session.rows(selectMissingKeys(run.job.target, run.rows.staged, columns, run.context.translate(sql)), run.rows.parameters);
  for (const [value, expected, missing, examples] of rows) {
    const date = toDate(value as DuckDBValue);
    if (!isJudged(run, keyed, date) || Number(missing) === 0) continue;
    const found = toJson(examples as Row[number]) as readonly JsonObject[];
    const message = `${describeKeys(found, Number(missing))} missing (${String(missing)} of ${String(expected)} expected)`;
    run.findings.push({ checkId: keyed.id, date, message, offending: Number(missing), examples: found });
  }
};

const judgeViolations = async (run: Run, planned: PlannedCheck, name: string, sql: string): Promise<void> => {
  const { keyed } = planned;
  if ([...run.counts.branchOf(planned).values()].every(([rows]) => rows === 0)) return;
  const result = await run.session.run(selectViolations(run.rows.staged, run.context.translate(sql)), run.rows.parameters);
  const names = result.columnNames();
  const byDate = new Map<PartitionDate, { offending: number; examples: JsonObject[] }>();
  for (const json of rowsToJson(names, await result.getRows())) {
    const { _day: day, _offending: offending, ...example } = json;
    if (day === null || day === undefined) throw new WarehouseError('contract_broken', `the check ${name} yields a row without a date`);
    const date = day as PartitionDate;
    const of = byDate.get(date) ?? { offending: Number(offending), examples: [] };
    of.examples.push(example);
    byDate.set(date, of);
  }
  for (const [date, { offending, examples }] of byDate) {
    if (!isJudged(run, keyed, date)) continue;
    const { date: _date, ...first } = examples[0] as JsonObject;
    const message = `${name}: ${offending} ${offending === 1 ? 'row offends' : 'rows offend'}, e.g. ${describeKey(first)}`;
    run.findings.push({ checkId: keyed.id, date, message, offending, examples: examples.slice(0, maxExamples) });
  }
};

const judgeDeclared = async (run: Run, planned: PlannedCheck): Promise<void> => {
  const { keyed } = planned;
  const { check } = keyed;
  switch (check.type) {
    case 'rows':
      judgeRows(run, keyed, (date) => check.expected.get(date) ?? 0);
      return;
    case 'row_count': {
      const branch = run.counts.branchOf(planned);
      judgeRows(run, keyed, (date) => branch.get(date)?.[0] ?? 0);
      return;
    }
    case 'expected_keys':
      await judgeExpectedKeys(run, planned, check.columns, check.sql);
      return;
    case 'sql':
      await judgeViolations(run, planned, check.name, check.sql);
      return;
    default:
  }
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

export const runDuckDbChecks = async (context: DuckDbContext, session: DuckDbSession, job: CheckJob): Promise<CheckResult> => {
  if (job.dates.length === 0 || job.checks.length === 0) return { findings: [], expected: new Map() };
  const { from, staged, staging } = rowsUnderCheck(context, job);
  const conditions = [...new Set(job.checks.flatMap((keyed) => conditionOf(keyed) ?? []))];
  const rows: RowsUnderCheck = {
    from,
    staged,
    conditions: conditions.length === 0 ? undefined : context.translate(googleSqlConditions(conditions)),
    conditionIndex: new Map(conditions.map((condition, index) => [condition, index])),
    parameters: { staging, start_date: dateValue(job.dates[0] as PartitionDate), end_date: dateValue(job.dates.at(-1) as PartitionDate) },
  };
  const findings: Finding[] = [];
  const expected = new Map(job.checks.map(({ id }) => [id, 0]));
  const sql = job.checks.flatMap(({ check }) => ('sql' in check ? [check.sql] : 'where' in check && check.where !== undefined ? [check.where] : []));
  const lease = await context.sources.acquire(session, sourcesIn(sql, job.sources));
  try {
    const counts = await CheckCounts.count(session, job, rows, context.translate);
    const run: Run = { context, session, job, dates: new Set(job.dates), rows, counts, findings, expected };
    for (const planned of counts.checks) {
      await judgeOffences(run, planned);
      await judgeDuplicates(run, planned);
      await judgeDeclared(run, planned);
    }
  } catch (error) {
    throw context.sources.explain(error, job.sources);
  } finally {
    lease.release();
  }
  const order = new Map(job.checks.map(({ id }, index) => [id, index]));
  findings.sort((a, b) => (order.get(a.checkId) as number) - (order.get(b.checkId) as number) || compareDates(a.date, b.date));
  return { findings, expected };
};
