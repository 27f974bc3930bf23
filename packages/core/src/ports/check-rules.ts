// What a job's checks decide, whatever the warehouse: one statement counts for all of them, and what is wrong in detail is asked
// only where a count says that something is. A warehouse supplies the statements. Invariant: a check whose counts are fine needs
// no statement of its own.
import { compareDates, type PartitionDate } from '../domain/partition-date.ts';
import { describeKey, describeKeys, duplicateMessage, offencesOf, ratioMessage, rowsMessage, type ConditionDialect, type Offence } from './check-offences.ts';
import type { JsonObject } from './status-store.ts';
import { WarehouseError, type CheckJob, type CheckResult, type Finding, type KeyedCheck } from './warehouse.ts';

/** Numbers of each date; under null those of rows without one. */
export type Counts = ReadonlyMap<PartitionDate | null, readonly number[]>;

/** One SELECT of the statement that counts, grouped by date. */
export type CountBranch =
  /** The rows under check, then each of these aggregates over them. */
  | { readonly kind: 'measures'; readonly measures: readonly string[] }
  /** `expected` as the check's SELECT yields it. */
  | { readonly kind: 'expected_rows'; readonly sql: string }
  /** Expected keys, and those of them that are not among the rows. */
  | { readonly kind: 'missing_keys'; readonly columns: readonly string[]; readonly sql: string }
  /** Rows that the check's SELECT yields, of all dates together, under null. */
  | { readonly kind: 'violations'; readonly sql: string };

/** What a warehouse can ask of the rows under check. SQL of checks is GoogleSQL, in which `staged` names them. */
export type CheckUnit = ConditionDialect & {
  /** Rows on which a condition holds, as an aggregate. */
  readonly countWhere: (condition: string) => string;
  /** Distinct keys, by hash, as an aggregate: fewer than rows where keys repeat, or where two share a hash. */
  readonly countKeys: (columns: readonly string[]) => string;
  /** By one statement; in the order of the branches. */
  readonly count: (branches: readonly CountBranch[]) => Promise<readonly Counts[]>;
  /** Up to 5 offending rows of each of these dates, in the order of what is shown. */
  readonly offending: (
    condition: string,
    shown: readonly string[],
    dates: readonly PartitionDate[],
  ) => Promise<ReadonlyMap<PartitionDate, readonly JsonObject[]>>;
  /** Of each of these dates on which keys repeat: the rows that share one, the shared keys, and up to 5 of them with their `rows`. */
  readonly duplicates: (columns: readonly string[], dates: readonly PartitionDate[]) => Promise<readonly Duplicates[]>;
  /** Of each date: expected keys, missing ones, and up to 5 of those. */
  readonly missingKeys: (columns: readonly string[], sql: string) => Promise<readonly MissingKeys[]>;
  /** Up to 5 of each date, each with the number of all of its date; a row without a date has date null. */
  readonly violations: (sql: string) => Promise<readonly Violation[]>;
};

export type Duplicates = { readonly date: PartitionDate; readonly rows: number; readonly keys: number; readonly examples: readonly JsonObject[] };
export type MissingKeys = { readonly date: PartitionDate; readonly expected: number; readonly missing: number; readonly examples: readonly JsonObject[] };
export type Violation = { readonly date: PartitionDate | null; readonly offending: number; readonly row: JsonObject };

const maxExamples = 5;

const conditionOf = ({ check }: KeyedCheck): string | undefined => ('where' in check ? check.where : undefined);

/** GoogleSQL conditions of a job's checks. The warehouse adds the truth of the n-th to the rows under check as `_where_<n>`. */
export const conditionsOf = (job: CheckJob): readonly string[] => [...new Set(job.checks.flatMap((keyed) => conditionOf(keyed) ?? []))];

/** Which of the two passes yields a measure, and where. */
type Place = { readonly pass: 'always' | 'suspicious'; readonly index: number };

type PlannedCheck = {
  readonly keyed: KeyedCheck;
  readonly offences: readonly { readonly offence: Offence; readonly bad: Place; readonly of: Place | undefined }[];
  readonly keys: Place | undefined;
  readonly branch: CountBranch | undefined;
};

type Plan = {
  readonly checks: readonly PlannedCheck[];
  readonly measures: Readonly<Record<Place['pass'], readonly string[]>>;
  /** Index of the measure that counts rows which offend against any check without tolerance. */
  readonly suspicion: number | undefined;
};

const branchOf = ({ check }: KeyedCheck): CountBranch | undefined => {
  switch (check.type) {
    case 'row_count':
      return { kind: 'expected_rows', sql: check.sql };
    case 'expected_keys':
      return { kind: 'missing_keys', columns: check.columns, sql: check.sql };
    case 'sql':
      return { kind: 'violations', sql: check.sql };
    default:
      return undefined;
  }
};

/**
 * Assigns the measures of all checks their places. An expression costs some 60 microseconds on DuckDB even for a few rows, so
 * the pass that always runs counts the rows that offend against any check without tolerance as one number, and only
 * where there is one a second pass tells which check it was.
 */
const planMeasures = (job: CheckJob, unit: CheckUnit): Plan => {
  const conditions = conditionsOf(job);
  const measures: Record<Place['pass'], string[]> = { always: [], suspicious: [] };
  const strict: string[] = [];
  const add = (expression: string, pass: Place['pass'] = 'always'): Place => {
    const known = measures[pass].indexOf(expression);
    return { pass, index: known >= 0 ? known : measures[pass].push(expression) - 1 };
  };
  const checks = job.checks.map((keyed): PlannedCheck => {
    const { check } = keyed;
    if (check.type === 'unique_key') return { keyed, offences: [], keys: add(unit.countKeys(check.columns)), branch: undefined };
    const where = conditionOf(keyed);
    const condition = where === undefined ? undefined : `_where_${conditions.indexOf(where)}`;
    const offences = offencesOf(check, job.target.columns, condition, unit).map((offence) => {
      const pass = offence.minRatio === 1 ? 'suspicious' : 'always';
      if (pass === 'suspicious') strict.push(`(${offence.condition})`);
      return { offence, bad: add(unit.countWhere(offence.condition), pass), of: condition === undefined ? undefined : add(unit.countWhere(condition), pass) };
    });
    return { keyed, offences, keys: undefined, branch: branchOf(keyed) };
  });
  return { checks, measures, suspicion: strict.length === 0 ? undefined : add(unit.countWhere(strict.join(' OR '))).index };
};

const needsRows = ({ check }: KeyedCheck): boolean => check.type !== 'sql' && check.type !== 'expected_keys';

type Passes = Readonly<Record<Place['pass'], Counts>>;
type Branches = ReadonlyMap<PlannedCheck, Counts>;

/** What a job's checks work with. */
class Judgement {
  readonly job: CheckJob;
  readonly unit: CheckUnit;
  readonly checks: readonly PlannedCheck[];
  readonly findings: Finding[] = [];
  readonly expected: Map<string, number>;
  readonly expectedOf: Map<string, Map<PartitionDate, number>>;
  readonly #dates: ReadonlySet<PartitionDate>;
  readonly #passes: Passes;
  readonly #branches: Branches;

  private constructor(job: CheckJob, unit: CheckUnit, checks: readonly PlannedCheck[], passes: Passes, branches: Branches) {
    [this.job, this.unit, this.checks] = [job, unit, checks];
    this.expected = new Map(job.checks.map(({ id }) => [id, 0]));
    this.expectedOf = new Map(job.checks.map(({ id }) => [id, new Map()]));
    this.#dates = new Set(job.dates);
    [this.#passes, this.#branches] = [passes, branches];
  }

  static async begin(job: CheckJob, unit: CheckUnit): Promise<Judgement> {
    const { checks, measures, suspicion } = planMeasures(job, unit);
    const declared = checks.filter(({ branch }) => branch !== undefined);
    const measured: CountBranch[] = job.checks.some(needsRows) ? [{ kind: 'measures', measures: measures.always }] : [];
    const counts = await unit.count([...measured, ...declared.map(({ branch }) => branch as CountBranch)]);
    const always: Counts = measured.length === 0 ? new Map() : (counts[0] as Counts);
    const isSuspicious = suspicion !== undefined && [...always.values()].some((numbers) => (numbers[1 + suspicion] as number) > 0);
    const [suspicious] = isSuspicious ? await unit.count([{ kind: 'measures', measures: measures.suspicious }]) : [];
    const branches = new Map(declared.map((planned, index) => [planned, counts[measured.length + index] as Counts]));
    return new Judgement(job, unit, checks, { always, suspicious: suspicious ?? new Map() }, branches);
  }

  get dates(): ReadonlySet<PartitionDate> {
    return this.#dates;
  }

  isJudged(keyed: KeyedCheck, date: PartitionDate): boolean {
    return this.#dates.has(date) && !keyed.exempt?.has(date);
  }

  /** Rows of a date, where any check needed them. */
  rowsOf(date: PartitionDate): number {
    return this.#passes.always.get(date)?.[0] ?? 0;
  }

  get rows(): ReadonlyMap<PartitionDate, number> {
    return new Map(this.datesOf('always').map((date) => [date, this.rowsOf(date)]));
  }

  /** Notes what a check demands of a date. */
  demand({ id }: KeyedCheck, date: PartitionDate, wanted: number): void {
    this.expected.set(id, (this.expected.get(id) ?? 0) + wanted);
    this.expectedOf.get(id)?.set(date, wanted);
  }

  at(place: Place, date: PartitionDate): number {
    return this.#passes[place.pass].get(date)?.[1 + place.index] ?? 0;
  }

  datesOf(pass: Place['pass']): readonly PartitionDate[] {
    return [...this.#passes[pass].keys()].filter((date) => date !== null);
  }

  branchOf(planned: PlannedCheck): Counts {
    return this.#branches.get(planned) ?? new Map();
  }

  add(keyed: KeyedCheck, date: PartitionDate, message: string, offending: number, examples: readonly JsonObject[]): void {
    this.findings.push({ checkId: keyed.id, date, message, offending, examples });
  }
}

const judgeOffences = async (run: Judgement, { keyed, offences }: PlannedCheck): Promise<void> => {
  const { target } = run.job;
  for (const { offence, bad, of } of offences) {
    const totalOf = (date: PartitionDate): number => (of === undefined ? run.rowsOf(date) : run.at(of, date));
    const dates = run.datesOf(bad.pass).filter((date) => {
      const offending = run.at(bad, date);
      return run.isJudged(keyed, date) && offending > 0 && totalOf(date) - offending < totalOf(date) * offence.minRatio;
    });
    if (dates.length === 0) continue;
    const shown = [...new Set([...target.key.filter((name) => name !== target.partitionColumn), offence.column])];
    const examples = await run.unit.offending(offence.condition, shown, dates);
    for (const date of dates) run.add(keyed, date, ratioMessage(offence, run.at(bad, date), totalOf(date)), run.at(bad, date), examples.get(date) ?? []);
  }
};

const judgeDuplicates = async (run: Judgement, { keyed, keys }: PlannedCheck): Promise<void> => {
  if (keys === undefined || keyed.check.type !== 'unique_key') return;
  const suspects = run.datesOf('always').filter((date) => run.isJudged(keyed, date) && run.at(keys, date) < run.rowsOf(date));
  if (suspects.length === 0) return;
  for (const { date, rows, keys: shared, examples } of await run.unit.duplicates(keyed.check.columns, suspects))
    run.add(keyed, date, duplicateMessage(rows, shared), rows, examples);
};

const judgeRows = (run: Judgement, keyed: KeyedCheck, expectedOf: (date: PartitionDate) => number): void => {
  for (const date of run.dates) {
    if (!run.isJudged(keyed, date)) continue;
    const [found, wanted] = [run.rowsOf(date), expectedOf(date)];
    run.demand(keyed, date, wanted);
    if (found !== wanted) run.add(keyed, date, rowsMessage(found, wanted), Math.abs(found - wanted), []);
  }
};

const judgeExpectedKeys = async (run: Judgement, planned: PlannedCheck, columns: readonly string[], sql: string): Promise<void> => {
  const { keyed } = planned;
  let isMissing = false;
  for (const [date, [expected, missing]] of run.branchOf(planned)) {
    if (date === null) throw new WarehouseError('contract_broken', `the check ${keyed.id} expects keys without a date`);
    if (!run.isJudged(keyed, date)) continue;
    run.demand(keyed, date, expected as number);
    isMissing ||= (missing as number) > 0;
  }
  if (!isMissing) return;
  for (const { date, expected, missing, examples } of await run.unit.missingKeys(columns, sql)) {
    if (!run.isJudged(keyed, date) || missing === 0) continue;
    run.add(keyed, date, `${describeKeys(examples, missing)} missing (${missing} of ${expected} expected)`, missing, examples);
  }
};

const judgeViolations = async (run: Judgement, planned: PlannedCheck, name: string, sql: string): Promise<void> => {
  const { keyed } = planned;
  if ([...run.branchOf(planned).values()].every(([rows]) => rows === 0)) return;
  const byDate = new Map<PartitionDate, { offending: number; rows: JsonObject[] }>();
  for (const { date, offending, row } of await run.unit.violations(sql)) {
    if (date === null) throw new WarehouseError('contract_broken', `the check ${name} yields a row without a date`);
    const of = byDate.get(date) ?? { offending, rows: [] };
    of.rows.push(row);
    byDate.set(date, of);
  }
  for (const [date, { offending, rows }] of byDate) {
    if (!run.isJudged(keyed, date)) continue;
    const { date: _date, ...first } = rows[0] as JsonObject;
    const message = `${name}: ${offending} ${offending === 1 ? 'row offends' : 'rows offend'}, e.g. ${describeKey(first)}`;
    run.add(keyed, date, message, offending, rows.slice(0, maxExamples));
  }
};

const judgeDeclared = async (run: Judgement, planned: PlannedCheck): Promise<void> => {
  const { keyed } = planned;
  const { check } = keyed;
  switch (check.type) {
    case 'rows':
      judgeRows(run, keyed, (date) => check.expected.get(date) ?? 0);
      return;
    case 'row_count': {
      const branch = run.branchOf(planned);
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

/** What comes of nothing to check. */
export const noChecks: CheckResult = { findings: [], expected: new Map(), expectedOf: new Map(), rowsOf: new Map() };

/** Findings in the order of the job's checks, then by date. */
export const judgeChecks = async (job: CheckJob, unit: CheckUnit): Promise<CheckResult> => {
  if (job.dates.length === 0 || job.checks.length === 0) return noChecks;
  const run = await Judgement.begin(job, unit);
  for (const planned of run.checks) {
    await judgeOffences(run, planned);
    await judgeDuplicates(run, planned);
    await judgeDeclared(run, planned);
  }
  const order = new Map(job.checks.map(({ id }, index) => [id, index]));
  run.findings.sort((a, b) => (order.get(a.checkId) as number) - (order.get(b.checkId) as number) || compareDates(a.date, b.date));
  return { findings: run.findings, expected: run.expected, expectedOf: run.expectedOf, rowsOf: run.rows };
};
