// What a job's checks count, in one statement: per date the rows and the measures of all checks over rows, and a branch
// for each SELECT that a check declares. Invariant: a check whose counts are fine needs no other statement.
import type { DuckDBDateValue, DuckDBListValue } from '@duckdb/node-api';
import { fromDay, type PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { CheckJob, KeyedCheck } from '@floodgate/core/ports/warehouse.ts';
import { countExpectedRows, countKeys, countMeasures, countMissingKeys, countViolations, countWhere, selectCounts } from '@floodgate/sql/duckdb/checks.ts';
import type { DuckDbSession, Parameters } from './duckdb-session.ts';
import { offenceOf, type Offence } from './duckdb-offences.ts';

/** Counts of one date, or of rows without one. */
type Numbers = readonly number[];
/** Of one branch by date, in no order. */
type Branch = ReadonlyMap<PartitionDate | null, Numbers>;
/** Which of the two passes yields a measure, and where. */
type Place = { readonly pass: 'always' | 'suspicious'; readonly index: number };

export type PlannedCheck = {
  readonly keyed: KeyedCheck;
  readonly offences: readonly { readonly offence: Offence; readonly bad: Place; readonly of: Place | undefined }[];
  readonly keys: Place | undefined;
  /** The branch of its SELECT. */
  readonly branch: number | undefined;
};

/** The rows under check, as the statements need them. */
export type RowsUnderCheck = {
  /** FROM clause of the rows under check, and a SELECT of their declared columns. */
  readonly from: string;
  readonly staged: string;
  /** SELECT that adds the truth of the checks' conditions to them, where there are any. */
  readonly conditions: string | undefined;
  readonly conditionIndex: ReadonlyMap<string, number>;
  readonly parameters: Parameters;
};

export const conditionOf = ({ check }: KeyedCheck): string | undefined => ('where' in check ? check.where : undefined);

const needsRows = ({ check }: KeyedCheck): boolean => check.type !== 'sql' && check.type !== 'expected_keys';

type Plan = {
  readonly checks: readonly PlannedCheck[];
  readonly measures: Readonly<Record<Place['pass'], readonly string[]>>;
  /** Index of the measure that counts rows which offend against any check without tolerance. */
  readonly suspicion: number | undefined;
};

/**
 * Assigns the measures of all checks their places. Each expression costs some 60 microseconds even for a few rows, so
 * the pass that always runs counts the rows that offend against any check without tolerance as one number, and only
 * where there is one a second pass tells which check it was.
 */
const planMeasures = (job: CheckJob, conditionIndex: ReadonlyMap<string, number>): Plan => {
  const measures: Record<Place['pass'], string[]> = { always: [], suspicious: [] };
  const strict: string[] = [];
  const add = (expression: string, pass: Place['pass'] = 'always'): Place => {
    const known = measures[pass].indexOf(expression);
    return { pass, index: known >= 0 ? known : measures[pass].push(expression) - 1 };
  };
  // The measures are branch 0.
  let branches = 0;
  const checks = job.checks.map((keyed): PlannedCheck => {
    const { check } = keyed;
    if (check.type === 'unique_key') return { keyed, offences: [], keys: add(countKeys(check.columns)), branch: undefined };
    if ('sql' in check) return { keyed, offences: [], keys: undefined, branch: (branches += 1) };
    const where = conditionOf(keyed);
    const condition = where === undefined ? undefined : `_where_${conditionIndex.get(where)}`;
    const offences = offenceOf(check, job.target.columns, condition).map((offence) => {
      const pass = offence.minRatio === 1 ? 'suspicious' : 'always';
      if (pass === 'suspicious') strict.push(`(${offence.condition})`);
      return { offence, bad: add(countWhere(offence.condition), pass), of: condition === undefined ? undefined : add(countWhere(condition), pass) };
    });
    return { keyed, offences, keys: undefined, branch: undefined };
  });
  return { checks, measures, suspicion: strict.length === 0 ? undefined : add(countWhere(strict.join(' OR '))).index };
};

export class CheckCounts {
  readonly checks: readonly PlannedCheck[];
  readonly #branches: ReadonlyMap<number, Branch>;
  readonly #passes: Readonly<Record<Place['pass'], Branch>>;

  private constructor(checks: readonly PlannedCheck[], branches: ReadonlyMap<number, Branch>, suspicious: Branch) {
    this.checks = checks;
    this.#branches = branches;
    this.#passes = { always: branches.get(0) ?? new Map(), suspicious };
  }

  static async count(session: DuckDbSession, job: CheckJob, rows: RowsUnderCheck, translate: (sql: string) => string): Promise<CheckCounts> {
    const { checks, measures, suspicion } = planMeasures(job, rows.conditionIndex);
    const measured = (expressions: readonly string[]): string => countMeasures(job.target, 0, rows.from, rows.conditions, expressions);
    const declared = checks.flatMap(({ keyed: { check }, branch }) => {
      if (branch === undefined) return [];
      if (check.type === 'expected_keys') return countMissingKeys(job.target, branch, check.columns, translate(check.sql));
      if (check.type === 'row_count') return countExpectedRows(branch, translate(check.sql));
      return check.type === 'sql' ? countViolations(branch, translate(check.sql)) : [];
    });
    const branches = await readBranches(session, job, rows, [...(job.checks.some(needsRows) ? [measured(measures.always)] : []), ...declared]);
    const isSuspicious = suspicion !== undefined && [...(branches.get(0) ?? [])].some(([, numbers]) => (numbers[1 + suspicion] as number) > 0);
    const suspicious = isSuspicious ? (await readBranches(session, job, rows, [measured(measures.suspicious)])).get(0) : undefined;
    return new CheckCounts(checks, branches, suspicious ?? new Map());
  }

  /** Rows of a date, where any check needed them. */
  rowsOf(date: PartitionDate): number {
    return this.#passes.always.get(date)?.[0] ?? 0;
  }

  at(place: Place, date: PartitionDate): number {
    return this.#passes[place.pass].get(date)?.[1 + place.index] ?? 0;
  }

  datesOf(pass: Place['pass']): readonly PartitionDate[] {
    return [...this.#passes[pass].keys()].filter((date) => date !== null);
  }

  branchOf({ branch }: PlannedCheck): Branch {
    return (branch === undefined ? undefined : this.#branches.get(branch)) ?? new Map();
  }
}

const readBranches = async (session: DuckDbSession, job: CheckJob, rows: RowsUnderCheck, branches: readonly string[]): Promise<ReadonlyMap<number, Branch>> => {
  const sql = selectCounts(rows.staged, branches);
  const found = job.subject === 'committed' ? await session.rows(sql, rows.parameters) : await session.preparedRows(sql, rows.parameters);
  const byBranch = new Map<number, Map<PartitionDate | null, Numbers>>();
  for (const [part, day, counts] of found as readonly [number, DuckDBDateValue | null, DuckDBListValue][]) {
    let branch = byBranch.get(part);
    if (!branch) byBranch.set(part, (branch = new Map()));
    branch.set(day === null ? null : fromDay(day.days), counts.items.map(Number));
  }
  return byBranch;
};
