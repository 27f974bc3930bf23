// Runs checks over staged or committed rows: one pass for everything that is counted per date, one statement more for
// each SELECT that a check declares, and examples only for dates that fail.
import type { DuckDBValue } from '@duckdb/node-api';
import { compareDates, type PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Json, JsonObject } from '@floodgate/core/ports/status-store.ts';
import { WarehouseError, type CheckJob, type CheckResult, type Finding, type KeyedCheck } from '@floodgate/core/ports/warehouse.ts';
import {
  checkedRows,
  countKeys,
  countWhere,
  googleSqlConditions,
  fromChecked,
  measureDates,
  measureDatesWithConditions,
  selectDuplicates,
  selectExpectedRows,
  selectMissingKeys,
  selectOffending,
  selectViolations,
  type Measure,
} from '@floodgate/sql/duckdb/checks.ts';
import type { DuckDbContext } from './duckdb-context.ts';
import type { DuckDbSession, Parameters, Row } from './duckdb-connections.ts';
import { describeKey, describeKeys, duplicateMessage, ratioMessage, rowsMessage } from './duckdb-check-messages.ts';
import { offenceOf, type Offence } from './duckdb-offences.ts';
import { sourcesIn } from './duckdb-sources.ts';
import { dateValue, rowsToJson, toDate, toJson } from './duckdb-values.ts';

const maxExamples = 5;

/** What every check of one job works with. */
type Run = {
  readonly context: DuckDbContext;
  readonly session: DuckDbSession;
  readonly job: CheckJob;
  readonly dates: ReadonlySet<PartitionDate>;
  /** FROM clause of the rows under check, and a SELECT of their declared columns. */
  readonly from: string;
  readonly staged: string;
  /** SELECT that adds the truth of the checks' conditions to them, where there are any. */
  readonly conditions: string | undefined;
  readonly conditionIndex: ReadonlyMap<string, number>;
  readonly parameters: Parameters;
  readonly findings: Finding[];
  readonly expected: Map<string, number>;
};

const conditionOf = ({ check }: KeyedCheck): string | undefined => ('where' in check ? check.where : undefined);

const isJudged = (run: Run, keyed: KeyedCheck, date: PartitionDate): boolean => run.dates.has(date) && !keyed.exempt?.has(date);

/** Counts of the one pass: per date its rows and every measure. */
type Counted = { readonly rows: number; readonly values: readonly number[] };
type Planned = {
  readonly keyed: KeyedCheck;
  readonly offences: readonly { readonly offence: Offence; readonly bad: Place; readonly of: Place | undefined }[];
  readonly keys: Place | undefined;
};
/** Which of the two passes yields a measure, and where. */
type Place = { readonly pass: 'always' | 'suspicious'; readonly index: number };
type Counts = Readonly<Record<Place['pass'], ReadonlyMap<PartitionDate, Counted>>>;

/**
 * Assigns the measures of all checks their places. Each expression costs some 60 microseconds even for a few rows, so
 * the pass that always runs counts the rows that offend against any check without tolerance as one number, and only
 * where there is one a second pass tells which check it was.
 */
const planMeasures = (run: Run): { readonly measures: Readonly<Record<Place['pass'], readonly Measure[]>>; readonly planned: readonly Planned[]; readonly suspicion: Place | undefined } => {
  const measures: Record<Place['pass'], Measure[]> = { always: [], suspicious: [] };
  const strict: string[] = [];
  const add = (expression: string, pass: Place['pass'] = 'always'): Place => {
    const list = measures[pass];
    const known = list.findIndex((measure) => measure.expression === expression);
    return { pass, index: known >= 0 ? known : list.push({ alias: `m${list.length}`, expression }) - 1 };
  };
  const planned = run.job.checks.map((keyed): Planned => {
    const { check } = keyed;
    if (check.type === 'unique_key') return { keyed, offences: [], keys: add(countKeys(check.columns)) };
    const where = conditionOf(keyed);
    const condition = where === undefined ? undefined : `_where_${run.conditionIndex.get(where)}`;
    const offences = offenceOf(check, condition).map((offence) => {
      const pass = offence.minRatio === 1 ? 'suspicious' : 'always';
      if (pass === 'suspicious') strict.push(`(${offence.condition})`);
      return { offence, bad: add(countWhere(offence.condition), pass), of: condition === undefined ? undefined : add(countWhere(condition), pass) };
    });
    return { keyed, offences, keys: undefined };
  });
  return { measures, planned, suspicion: strict.length === 0 ? undefined : add(countWhere(strict.join(' OR '))) };
};

const valueAt = (counts: Counts, place: Place, date: PartitionDate): number => counts[place.pass].get(date)?.values[place.index] ?? 0;
const rowsOf = (counts: Counts, date: PartitionDate): number => counts.always.get(date)?.rows ?? 0;

const countDates = async (run: Run, measures: readonly Measure[]): Promise<ReadonlyMap<PartitionDate, Counted>> => {
  const { target } = run.job;
  const sql = run.conditions === undefined ? measureDates(target, run.from, measures) : measureDatesWithConditions(target, run.staged, run.conditions, measures);
  const rows = run.job.subject === 'committed' ? await run.session.rows(sql, run.parameters) : await run.session.preparedRows(sql, run.parameters);
  return new Map(rows.filter(([date]) => date !== null).map(([date, count, ...values]) => [toDate(date as DuckDBValue), { rows: Number(count), values: values.map(Number) }]));
};

const groupByDay = (names: readonly string[], rows: readonly Row[]): ReadonlyMap<PartitionDate, readonly JsonObject[]> => {
  const byDate = new Map<PartitionDate, JsonObject[]>();
  for (const [index, json] of rowsToJson(names, rows.map((row) => row.slice(1))).entries()) {
    const date = toDate(rows[index]?.[0] as DuckDBValue);
    byDate.set(date, [...(byDate.get(date) ?? []), json]);
  }
  return byDate;
};

const judgeOffences = async (run: Run, planned: Planned, counts: Counts): Promise<void> => {
  const { keyed, offences } = planned;
  const { target } = run.job;
  for (const { offence, bad, of } of offences) {
    const totalOf = (date: PartitionDate): number => (of === undefined ? rowsOf(counts, date) : valueAt(counts, of, date));
    const dates = [...counts[bad.pass].keys()].filter((date) => {
      const offending = valueAt(counts, bad, date);
      return isJudged(run, keyed, date) && offending > 0 && totalOf(date) - offending < totalOf(date) * offence.minRatio;
    });
    if (dates.length === 0) continue;
    const shown = [...new Set([...target.key.filter((name) => name !== target.partitionColumn), offence.column])];
    const examples = groupByDay(shown, await run.session.rows(selectOffending(target, run.staged, run.conditions, offence.condition, shown, dates), run.parameters));
    for (const date of dates) {
      const offending = valueAt(counts, bad, date);
      run.findings.push({ checkId: keyed.id, date, message: ratioMessage(offence, offending, totalOf(date)), offending, examples: examples.get(date) ?? [] });
    }
  }
};

const judgeDuplicates = async (run: Run, { keyed, keys }: Planned, counts: Counts): Promise<void> => {
  if (keys === undefined || keyed.check.type !== 'unique_key') return;
  const suspects = [...counts.always.keys()].filter((date) => isJudged(run, keyed, date) && valueAt(counts, keys, date) < rowsOf(counts, date));
  if (suspects.length === 0) return;
  const { columns } = keyed.check;
  // Distinct hashes are fewer than rows where keys repeat, and where two keys share a hash: this statement tells.
  const rows = await run.session.rows(selectDuplicates(run.job.target, run.staged, columns, suspects), run.parameters);
  const examples = groupByDay([...columns, 'rows', 'all_rows', 'all_keys'], rows);
  for (const [date, found] of examples) {
    const { all_rows: offending, all_keys: shared } = found[0] as { all_rows: number; all_keys: number } & JsonObject;
    const shownRows = found.map(({ all_rows: _rows, all_keys: _keys, ...example }) => example);
    run.findings.push({ checkId: keyed.id, date, message: duplicateMessage(offending, shared), offending, examples: shownRows });
  }
};

const judgeRows = (run: Run, keyed: KeyedCheck, expected: ReadonlyMap<PartitionDate, number>, counts: Counts): void => {
  let demanded = 0;
  for (const date of run.dates) {
    if (!isJudged(run, keyed, date)) continue;
    const [found, wanted] = [rowsOf(counts, date), expected.get(date) ?? 0];
    demanded += wanted;
    if (found !== wanted) run.findings.push({ checkId: keyed.id, date, message: rowsMessage(found, wanted), offending: Math.abs(found - wanted), examples: [] });
  }
  run.expected.set(keyed.id, demanded);
};

const judgeExpectedKeys = async (run: Run, keyed: KeyedCheck, columns: readonly string[], sql: string): Promise<void> => {
  let demanded = 0;
  const rows = await run.session.preparedRows(selectMissingKeys(run.job.target, run.staged, columns, run.context.translate(sql)), run.parameters);
  for (const [value, expected, missing, examples] of rows) {
    if (value === null || value === undefined) throw new WarehouseError('contract_broken', `the check ${keyed.id} expects keys without a date`);
    const date = toDate(value);
    if (!isJudged(run, keyed, date)) continue;
    demanded += Number(expected);
    if (Number(missing) === 0) continue;
    const found = toJson(examples as Row[number]) as readonly JsonObject[];
    const message = `${describeKeys(found, Number(missing))} missing (${String(missing)} of ${String(expected)} expected)`;
    run.findings.push({ checkId: keyed.id, date, message, offending: Number(missing), examples: found });
  }
  run.expected.set(keyed.id, demanded);
};

const judgeViolations = async (run: Run, keyed: KeyedCheck, name: string, sql: string): Promise<void> => {
  const result = await run.session.prepared(selectViolations(run.staged, run.context.translate(sql)), run.parameters);
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
    const message = `${name}: ${offending} ${offending === 1 ? 'row offends' : 'rows offend'}, e.g. ${describeKey(first as Record<string, Json>)}`;
    run.findings.push({ checkId: keyed.id, date, message, offending, examples: examples.slice(0, maxExamples) });
  }
};

const judgeDeclared = async (run: Run, keyed: KeyedCheck, counts: Counts): Promise<void> => {
  const { check } = keyed;
  if (check.type === 'rows') judgeRows(run, keyed, check.expected, counts);
  if (check.type === 'expected_keys') await judgeExpectedKeys(run, keyed, check.columns, check.sql);
  if (check.type === 'sql') await judgeViolations(run, keyed, check.name, check.sql);
  if (check.type !== 'row_count') return;
  const rows = await run.session.preparedRows(selectExpectedRows(run.staged, run.context.translate(check.sql)), run.parameters);
  judgeRows(run, keyed, new Map(rows.filter(([date]) => date !== null).map(([date, expected]) => [toDate(date as DuckDBValue), Number(expected)])), counts);
};

const needsCount = ({ check }: KeyedCheck): boolean => check.type !== 'sql' && check.type !== 'expected_keys';

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
  const run: Run = {
    context,
    session,
    job,
    dates: new Set(job.dates),
    from,
    staged,
    conditions: conditions.length === 0 ? undefined : context.translate(googleSqlConditions(conditions)),
    conditionIndex: new Map(conditions.map((condition, index) => [condition, index])),
    parameters: { staging, start_date: dateValue(job.dates[0] as PartitionDate), end_date: dateValue(job.dates.at(-1) as PartitionDate) },
    findings: [],
    expected: new Map(job.checks.map(({ id }) => [id, 0])),
  };
  const sql = job.checks.flatMap(({ check }) => ('sql' in check ? [check.sql] : 'where' in check && check.where !== undefined ? [check.where] : []));
  const lease = await context.sources.acquire(session, sourcesIn(sql, job.sources));
  try {
    const { measures, planned, suspicion } = planMeasures(run);
    const always = job.checks.some(needsCount) ? await countDates(run, measures.always) : new Map<PartitionDate, Counted>();
    const isSuspicious = suspicion !== undefined && [...always.values()].some(({ values }) => (values[suspicion.index] as number) > 0);
    const counts: Counts = { always, suspicious: isSuspicious ? await countDates(run, measures.suspicious) : new Map() };
    for (const plan of planned) {
      await judgeOffences(run, plan, counts);
      await judgeDuplicates(run, plan, counts);
      await judgeDeclared(run, plan.keyed, counts);
    }
  } catch (error) {
    throw context.sources.explain(error, job.sources);
  } finally {
    lease.release();
  }
  const order = new Map(job.checks.map(({ id }, index) => [id, index]));
  run.findings.sort((a, b) => (order.get(a.checkId) as number) - (order.get(b.checkId) as number) || compareDates(a.date, b.date));
  return { findings: run.findings, expected: run.expected };
};
