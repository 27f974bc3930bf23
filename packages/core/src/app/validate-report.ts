// What a validation finds, as JSON: it is what `floodgate validate --json` prints, and what one process answers another.
// Invariants: every date of every table that was asked about has a status; a date that could not be judged is `unknown`,
// never left out (§ incidents P78: a failed query made its table disappear from the report, which then read "all clear").
import type { PartitionDate } from '../domain/partition-date.ts';
import type { Processor } from '../domain/pipeline.ts';
import type { JsonObject } from '../ports/status-store.ts';

export const validationKinds = ['preflight', 'coverage', 'contamination', 'range', 'gate'] as const;
export type ValidationKind = (typeof validationKinds)[number];

/** From good to bad; of several the last one counts. What is certain is worse than what nobody can tell. */
export const dateStatuses = ['empty_ok', 'insufficient_history', 'complete', 'unknown', 'partial', 'failed'] as const;
export type DateStatus = (typeof dateStatuses)[number];

/** `not_ready` is certain, also where something else could not be evaluated. `held`: a gate that passed and waits for a person. */
export const verdicts = ['ready', 'held', 'not_ready', 'could_not_tell'] as const;
export type Verdict = (typeof verdicts)[number];

/** What would mend it: computing what is missing, what is stale, or the date whatever the ledger says; '' where no backfill can. */
export const repairModes = ['missing', 'stale', 'all', ''] as const;
export type RepairMode = (typeof repairModes)[number];

export type DateProblem = {
  /** null: all dates of the table that were asked about. */
  readonly date: PartitionDate | null;
  readonly check: string;
  readonly severity: 'block' | 'warn';
  readonly outcome: 'failed' | 'could_not_tell';
  readonly message: string;
  /** Rows, keys or partitions that offend or are missing. */
  readonly offending: number;
  readonly examples: readonly JsonObject[];
  readonly repair: RepairMode;
};

/** What an expectation demanded, and what of it was there. Sums over the dates that it was judged on. */
export type Expectation = { readonly check: string; readonly dates: number; readonly expected: number; readonly found: number };

export type TableReport = {
  readonly processor: string;
  readonly table: string;
  /** 0 for sources and external tables. */
  readonly phase: number;
  /** `upstream`: not selected, and read by what is. */
  readonly role: 'target' | 'upstream' | 'external' | 'source';
  readonly statuses: Readonly<Record<string, DateStatus>>;
  /** Those of the dates that lie outside the selection: what the selection reads through windows. */
  readonly lookback: readonly PartitionDate[];
  readonly rows: number | null;
  readonly expectations: readonly Expectation[];
  /** Dates for which nothing independent says what should be there. */
  readonly withoutExpectation: readonly PartitionDate[];
  readonly problems: readonly DateProblem[];
  readonly notes: readonly string[];
};

/** Committed partitions that have read dates which fail, directly or through others. */
export type Contaminated = { readonly processor: string; readonly table: string; readonly direct: boolean; readonly dates: readonly PartitionDate[] };

export type ValidationReport = {
  readonly kind: ValidationKind;
  readonly pipeline: string;
  /** Of `gate`; null otherwise. */
  readonly phase: number | null;
  readonly verdict: Verdict;
  readonly dates: {
    readonly wanted: number;
    readonly first: PartitionDate;
    readonly last: PartitionDate;
    readonly excluded: number;
    readonly notInCalendar: number;
  };
  /** Partitions of all tables by status. */
  readonly counts: Readonly<Record<DateStatus, number>>;
  readonly tables: readonly TableReport[];
  readonly contaminated: readonly Contaminated[];
  /** Commands, upstreams first. */
  readonly repair: readonly string[];
  /** What no backfill mends, and what else a person should know. */
  readonly advice: readonly string[];
};

const statusOrder = new Map(dateStatuses.map((status, index) => [status, index]));

export const worseOf = (a: DateStatus, b: DateStatus): DateStatus => ((statusOrder.get(a) ?? 0) >= (statusOrder.get(b) ?? 0) ? a : b);

/** What a blocking problem makes of its date: with a part of its rows there it is partial. */
export type Damage = 'partial' | 'failed';

/** Collects what is found about one table. */
export class TableFindings {
  readonly #processor: Pick<Processor, 'id' | 'table' | 'phase'>;
  readonly #role: TableReport['role'];
  readonly #statuses = new Map<PartitionDate, DateStatus>();
  readonly #lookback: readonly PartitionDate[];
  readonly #problems: DateProblem[] = [];
  readonly #notes: string[] = [];
  readonly #expectations: Expectation[] = [];
  readonly #withoutExpectation: PartitionDate[] = [];
  #rows: number | null = null;

  constructor(processor: Pick<Processor, 'id' | 'table' | 'phase'>, role: TableReport['role'], lookback: readonly PartitionDate[] = []) {
    [this.#processor, this.#role, this.#lookback] = [processor, role, lookback];
  }

  /** Status of a date as far as no problem says otherwise. */
  begin(date: PartitionDate, status: DateStatus): void {
    this.#statuses.set(date, status);
  }

  statusOf(date: PartitionDate): DateStatus | undefined {
    return this.#statuses.get(date);
  }

  get dates(): readonly PartitionDate[] {
    return [...this.#statuses.keys()];
  }

  get problems(): readonly DateProblem[] {
    return this.#problems;
  }

  set rows(rows: number) {
    this.#rows = rows;
  }

  note(text: string): void {
    this.#notes.push(text);
  }

  expect(expectation: Expectation): void {
    this.#expectations.push(expectation);
  }

  /** Nothing says what should be there, so nobody can say that it is. */
  lacksExpectation(date: PartitionDate): void {
    this.#withoutExpectation.push(date);
    this.#worsen(date, 'unknown');
  }

  /** Only blocking problems change the status of their date. A date that the table does not have so far comes in. */
  add(problem: Partial<DateProblem> & Pick<DateProblem, 'date' | 'check' | 'message'>, damage: Damage = 'failed'): void {
    const whole: DateProblem = { severity: 'block', outcome: 'failed', offending: 0, examples: [], repair: 'all', ...problem };
    this.#problems.push(whole);
    if (whole.severity === 'warn' && whole.outcome === 'failed') return;
    const status = whole.outcome === 'could_not_tell' ? 'unknown' : damage;
    if (whole.date !== null) this.#worsen(whole.date, status);
    else for (const [date, before] of this.#statuses) if (before !== 'insufficient_history') this.#worsen(date, status);
  }

  #worsen(date: PartitionDate, status: DateStatus): void {
    this.#statuses.set(date, worseOf(status, this.#statuses.get(date) ?? 'complete'));
  }

  report(): TableReport {
    const { id, table, phase } = this.#processor;
    const byDate = [...this.#statuses].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      processor: id,
      table,
      phase,
      role: this.#role,
      statuses: Object.fromEntries(byDate),
      lookback: [...this.#lookback].sort(),
      rows: this.#rows,
      expectations: this.#expectations,
      withoutExpectation: this.#withoutExpectation.sort(),
      problems: this.#problems.toSorted((a, b) => ((a.date ?? '') < (b.date ?? '') ? -1 : (a.date ?? '') > (b.date ?? '') ? 1 : 0)),
      notes: this.#notes,
    };
  }
}

export const countStatuses = (tables: readonly TableReport[]): Readonly<Record<DateStatus, number>> => {
  const counts = Object.fromEntries(dateStatuses.map((status) => [status, 0])) as Record<DateStatus, number>;
  for (const { statuses } of tables) for (const status of Object.values(statuses)) counts[status] += 1;
  return counts;
};

/** Fails closed: nothing that is unknown, and no table without a single date, is ready. */
export const verdictOf = (tables: readonly TableReport[]): Verdict => {
  const problems = tables.flatMap((table) => table.problems);
  const counts = countStatuses(tables);
  if (counts.failed + counts.partial > 0 || problems.some(({ severity, outcome }) => severity === 'block' && outcome === 'failed')) return 'not_ready';
  if (counts.unknown > 0 || problems.some(({ outcome }) => outcome === 'could_not_tell')) return 'could_not_tell';
  return tables.some(({ statuses }) => Object.keys(statuses).length > 0) ? 'ready' : 'could_not_tell';
};
