// The warehouse in memory. A statement is the name of a JavaScript function, which reads committed rows and sources; all
// the rest is as the port says: staging, checks, jobs, and commits as transactions that can conflict. It outlives the services
// that use it, as an engine of its own does: a call whose caller has died goes on.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Source } from '@floodgate/core/domain/pipeline.ts';
import { describeFiles } from '@floodgate/core/domain/source-files.ts';
import { applyCommit, takeFence } from '@floodgate/core/ports/commit-rules.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import {
  WarehouseError,
  type CheckJob,
  type CheckResult,
  type CommitBatch,
  type CommitLogEntry,
  type DateRange,
  type JobState,
  type QueryOptions,
  type QueryResult,
  type SourceDigest,
  type StagedDate,
  type StageJob,
  type TableComparison,
  type TableSpec,
  type Warehouse,
} from '@floodgate/core/ports/warehouse.ts';
import { judgeAll } from './memory-checks.ts';
import { beginTransaction } from './memory-commits.ts';
import { MemoryJobs } from './memory-jobs.ts';
import {
  alignColumns,
  allEntries,
  allRows,
  allWithoutMetadata,
  compareColumns,
  createTable,
  digestDates,
  entriesOf,
  hashRows,
  sortIntoDates,
  withoutMetadata,
  type DatedRows,
  type MemoryTable,
} from './memory-tables.ts';
import { cancelledBy, orCancelled, WarehouseFaults, type WarehouseMethod } from './warehouse-faults.ts';

export type FunctionContext = {
  /** Of the job; of a query those of its parameters. */
  readonly first: PartitionDate;
  readonly last: PartitionDate;
  /** Committed rows of a table, or rows of `source.<name>`, in the order of their dates, as they stand now. */
  readonly read: (table: string) => readonly JsonObject[];
  /** Those of one date. */
  readonly readDate: (table: string, date: PartitionDate) => readonly JsonObject[];
  /** Rows under check. */
  readonly staged: readonly JsonObject[];
  readonly params: QueryOptions['params'];
};

export type WarehouseFunction = (context: FunctionContext) => Iterable<JsonObject>;

export type MemoryWarehouseOptions = {
  readonly functions: Readonly<Record<string, WarehouseFunction>>;
  /** Conditions of checks, by their text. */
  readonly conditions?: Readonly<Record<string, (row: JsonObject) => boolean>>;
  /**
   * How long a stage job takes after it has read, each statement of a commit, and a raise of the fence (without a job id).
   * What it throws is what the job fails with; it should end soon after the signal aborts. At once where it is not said.
   */
  readonly pace?: (step: 'stage' | 'commit' | 'fence', jobId: string | undefined, signal: AbortSignal) => Promise<void>;
  /** Lets a commit that has arrived run when there is room for it, or refuses it. */
  readonly admit?: <T>(batch: CommitBatch, work: () => Promise<T>) => Promise<T>;
  /** Called in the step in which a commit takes effect. */
  readonly onCommit?: (commit: CommitRecord) => void;
  /** Called in the step in which staged rows appear. */
  readonly onStage?: (stage: StageRecord) => void;
};

/** What a commit did. */
export type CommitRecord = {
  readonly jobId: string;
  readonly table: string;
  readonly laneEpoch: number;
  /** The log entries that it wrote, with the staging that each came from. */
  readonly written: readonly CommittedDate[];
  /** Dates whose rows or log entry it changed: the same ones, unless something is wrong. */
  readonly dates: readonly PartitionDate[];
};

export type CommittedDate = Pick<CommitLogEntry, 'date' | 'generation' | 'backfillId' | 'outcome'> & { readonly staging: string };

export type StageRecord = {
  readonly table: string;
  readonly staging: string;
  readonly dates: readonly PartitionDate[];
  /** Undefined where it was preserved from another staging. */
  readonly jobId: string | undefined;
};

const noRows: DatedRows = new Map();

const missingStaging = (table: string, names: readonly string[]): WarehouseError =>
  new WarehouseError('staging_missing', `staged rows of ${table} are gone: ${names.join(', ')}`, { missing: names });

export class MemoryWarehouse implements Warehouse {
  readonly faults = new WarehouseFaults();
  readonly commits: CommitRecord[] = [];
  /** Every stage job that ran, in order. */
  readonly stageJobs: StageJob[] = [];
  readonly #options: MemoryWarehouseOptions;
  readonly #tables = new Map<string, MemoryTable>();
  readonly #sources = new Map<string, DatedRows>();
  readonly #jobs = new MemoryJobs();

  constructor(options: MemoryWarehouseOptions) {
    this.#options = options;
  }

  /** Rows of a source, or of an external table, on one date; empty removes them. */
  put(name: string, date: PartitionDate, rows: readonly JsonObject[]): void {
    const dates = new Map(this.#sources.get(name));
    if (rows.length === 0) dates.delete(date);
    else dates.set(date, rows);
    this.#sources.set(name, dates);
  }

  sourceRows(name: string, date: PartitionDate): readonly JsonObject[] {
    return this.#sources.get(name)?.get(date) ?? [];
  }

  /** Committed rows of a table, or of one of its dates, then as they were staged, without the columns that Floodgate keeps. */
  rowsOf(table: string, date?: PartitionDate): readonly JsonObject[] {
    const rows = this.#tables.get(table)?.state.rows ?? noRows;
    return date === undefined ? allWithoutMetadata(rows) : withoutMetadata(rows.get(date) ?? []);
  }

  /** The log by date; two entries of one date only where something is wrong. */
  logOf(table: string): readonly CommitLogEntry[] {
    const state = this.#tables.get(table)?.state;
    return state === undefined ? [] : allEntries(state.log);
  }

  stagingsOf(table: string): readonly string[] {
    return [...(this.#tables.get(table)?.stagings.keys() ?? [])].sort();
  }

  stagedRows(table: string, staging: string, date: PartitionDate): readonly JsonObject[] | undefined {
    return this.#tables.get(table)?.stagings.get(staging)?.get(date);
  }

  /** What became of a job, seen from outside. */
  stateOf(jobId: string): JobState {
    return this.#jobs.stateOf(jobId);
  }

  /** Staged rows are gone. */
  loseStaging(table: string, staging: string): void {
    this.#tables.get(table)?.stagings.delete(staging);
  }

  /** Damage by hand: rows change behind the log's back. */
  damage(name: string, date: PartitionDate, rows: readonly JsonObject[]): void {
    const table = this.#tables.get(name);
    if (table !== undefined) table.state = { ...table.state, rows: new Map(table.state.rows).set(date, rows) };
  }

  prepareTable(target: TableSpec, signal: AbortSignal): Promise<void> {
    return this.#call('prepareTable', target, signal, () => {
      const table = this.#tables.get(target.table);
      if (table === undefined) this.#tables.set(target.table, createTable(target.columns));
      else alignColumns(table, target);
    });
  }

  inspectTable(target: TableSpec, signal: AbortSignal): Promise<TableComparison> {
    return this.#call('inspectTable', target, signal, () => {
      const table = this.#tables.get(target.table);
      return table === undefined ? { state: 'absent' } : compareColumns(table, target);
    });
  }

  /** Somebody dropped it, log and all. */
  dropTable(name: string): void {
    this.#tables.delete(name);
  }

  stage(job: StageJob, signal: AbortSignal): Promise<ReadonlyMap<PartitionDate, StagedDate>> {
    const isIntact = (): boolean => this.#tables.get(job.target.table)?.stagings.has(job.staging) === true;
    return this.#runJob('stage', job, signal, isIntact, async (own) => {
      if (job.dates.length === 0) throw new WarehouseError('contract_broken', `the job ${job.jobId} has no dates`);
      this.stageJobs.push(job);
      // All reads are of this moment; what comes of them appears when the job ends.
      const rows = job.body.kind === 'rows' ? await Array.fromAsync(job.body.rows) : this.#run(job.body.sql, job.dates, []);
      const dates = sortIntoDates(job, rows);
      const hashes = new Map([...dates].map(([date, rowsOfDate]) => [date, hashRows(job.target.columns, rowsOfDate)]));
      await this.#pace('stage', job.jobId, own);
      this.#addStaging(job.target.table, job.staging, dates, job.jobId);
      return hashes;
    });
  }

  jobState(jobId: string, signal: AbortSignal): Promise<JobState> {
    return this.#call('jobState', jobId, signal, () => this.stateOf(jobId));
  }

  cancelJob(jobId: string, signal: AbortSignal): Promise<void> {
    return this.#call('cancelJob', jobId, signal, () => this.#jobs.cancel(jobId));
  }

  runChecks(job: CheckJob, signal: AbortSignal): Promise<CheckResult> {
    return this.#call('runChecks', job, signal, () => {
      const { subject, target } = job;
      const rowsByDate = subject === 'committed' ? this.#table(target.table).state.rows : this.#staging(target.table, subject.staging);
      const rowsOf = (date: PartitionDate): readonly JsonObject[] => rowsByDate.get(date) ?? [];
      const staged = job.dates.flatMap((date) => [...rowsOf(date)]);
      return judgeAll(job, rowsOf, { run: (sql) => this.#run(sql, job.dates, staged), condition: (where) => this.#condition(where) });
    });
  }

  preserveStaging(target: TableSpec, staging: string, date: PartitionDate, preserved: string, signal: AbortSignal): Promise<void> {
    return this.#call('preserveStaging', preserved, signal, () => {
      const rows = this.#staging(target.table, staging).get(date);
      if (rows === undefined) throw missingStaging(target.table, [staging]);
      this.#addStaging(target.table, preserved, new Map([[date, rows]]), undefined);
    });
  }

  readStaging(target: TableSpec, staging: string, date: PartitionDate, maxRows: number, signal: AbortSignal): Promise<QueryResult> {
    return this.#call('readStaging', staging, signal, () => {
      const rows = this.#staging(target.table, staging).get(date) ?? [];
      return { columns: target.columns.map(({ name, type }) => ({ name, type })), rows: rows.slice(0, maxRows) };
    });
  }

  dropStaging(target: TableSpec, staging: readonly string[], signal: AbortSignal): Promise<void> {
    return this.#call('dropStaging', staging, signal, () => {
      for (const name of staging) this.loseStaging(target.table, name);
    });
  }

  listStaging(target: TableSpec, signal: AbortSignal): Promise<readonly string[]> {
    return this.#call('listStaging', target, signal, () => this.stagingsOf(target.table));
  }

  commit(batch: CommitBatch, signal: AbortSignal): Promise<readonly CommitLogEntry[]> {
    return this.#runJob(
      'commit',
      batch,
      signal,
      () => true,
      (own) => (this.#options.admit === undefined ? this.#commit(batch, own) : this.#options.admit(batch, () => this.#commit(batch, own))),
    );
  }

  fence(target: TableSpec, laneEpoch: number, signal: AbortSignal): Promise<void> {
    return this.#call('fence', laneEpoch, signal, async () => {
      const unit = beginTransaction(target.table, this.#table(target.table), () => this.#pace('fence', undefined, signal));
      await takeFence(unit, target.table, laneEpoch);
      unit.commit();
    });
  }

  readCommitLog(target: TableSpec, dates: readonly PartitionDate[] | 'all', signal: AbortSignal): Promise<readonly CommitLogEntry[]> {
    return this.#call('readCommitLog', target, signal, () => {
      const log = this.#tables.get(target.table)?.state.log ?? new Map<PartitionDate, readonly CommitLogEntry[]>();
      return dates === 'all' ? allEntries(log) : entriesOf(log, dates);
    });
  }

  digestSource(source: Source, range: DateRange, signal: AbortSignal): Promise<ReadonlyMap<PartitionDate, SourceDigest>> {
    return this.#call('digestSource', source, signal, () => {
      const rows = this.#sources.get(`source.${source.name}`);
      if (rows === undefined && source.optional) return new Map();
      if (rows === undefined) throw new WarehouseError('source_missing', `no file matches ${describeFiles(source)}`);
      return digestDates(rows, range);
    });
  }

  digestTable(table: TableSpec, range: DateRange, signal: AbortSignal): Promise<ReadonlyMap<PartitionDate, SourceDigest>> {
    return this.#call('digestTable', table, signal, () => digestDates(this.#rows(table.table), range));
  }

  query(sql: string, options: QueryOptions, signal: AbortSignal): Promise<QueryResult> {
    return this.#call('query', sql, signal, () => {
      const [first, last] = [options.params?.['start_date'], options.params?.['end_date']] as [PartitionDate, PartitionDate];
      const rows = this.#run(sql, [first, last], [], options.params).slice(0, options.maxRows);
      return { columns: Object.keys(rows[0] ?? {}).map((name) => ({ name, type: 'STRING' })), rows };
    });
  }

  estimateBytes(_sql: string, _options: QueryOptions, signal: AbortSignal): Promise<number | undefined> {
    return this.#call('estimateBytes', undefined, signal, () => undefined);
  }

  /** One turn, so that calls interleave. */
  async #call<T>(method: WarehouseMethod, argument: unknown, signal: AbortSignal, effect: () => T | Promise<T>): Promise<T> {
    if (signal.aborted) throw cancelledBy(signal);
    await this.faults.meet(method, 'before', argument, signal);
    if (signal.aborted) throw cancelledBy(signal);
    const result = await effect();
    await this.faults.meet(method, 'after', argument, signal);
    return result;
  }

  /** Runs a job once under its id; whoever comes later waits for the same one. A job that is still on its way is not known. */
  async #runJob<T>(
    method: WarehouseMethod,
    job: { readonly jobId: string },
    signal: AbortSignal,
    isIntact: () => boolean,
    effect: (own: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (signal.aborted) throw cancelledBy(signal);
    let arrived = false;
    const work = this.faults.meet(method, 'wire', job, signal).then(() => {
      arrived = true;
      return this.#jobs.run(job.jobId, signal, isIntact, (own) => this.#call(method, job, own, () => effect(own)));
    });
    // The request arrives whether or not somebody waits for its answer.
    return orCancelled(work, signal).catch((error: unknown) => (arrived ? work : Promise.reject(error)));
  }

  async #pace(step: 'stage' | 'commit' | 'fence', jobId: string | undefined, signal: AbortSignal): Promise<void> {
    if (this.#options.pace === undefined) return;
    try {
      await this.#options.pace(step, jobId, signal);
    } catch (error) {
      throw signal.aborted ? cancelledBy(signal) : error;
    }
    if (signal.aborted) throw cancelledBy(signal);
  }

  async #commit(batch: CommitBatch, signal: AbortSignal): Promise<readonly CommitLogEntry[]> {
    const { jobId, laneEpoch } = batch;
    const { table } = batch.target;
    const unit = beginTransaction(table, this.#table(table), () => this.#pace('commit', jobId, signal));
    const log = await applyCommit(unit, batch);
    await this.#pace('commit', jobId, signal);
    unit.commit();
    const written = unit.logged.map(({ date, generation, backfillId, outcome }) => {
      const staging = batch.entries.find((entry) => entry.date === date)?.staging ?? '';
      return { date, generation, backfillId, outcome, staging };
    });
    const record = { jobId, table, laneEpoch, written, dates: [...unit.dates].sort() };
    this.commits.push(record);
    this.#options.onCommit?.(record);
    return log;
  }

  #addStaging(table: string, staging: string, rows: DatedRows, jobId: string | undefined): void {
    this.#table(table).stagings.set(staging, rows);
    this.#options.onStage?.({ table, staging, dates: [...rows.keys()], jobId });
  }

  #run(sql: string, dates: readonly PartitionDate[], staged: readonly JsonObject[], params?: QueryOptions['params']): readonly JsonObject[] {
    const name = sql.trim();
    const run = this.#options.functions[name];
    if (run === undefined) throw new WarehouseError('invalid_sql', `there is no function ${name}`);
    const [first, last] = [dates[0] as PartitionDate, dates.at(-1) as PartitionDate];
    return [...run({ first, last, staged, params, read: (table) => allRows(this.#rows(table)), readDate: (table, date) => this.#rows(table).get(date) ?? [] })];
  }

  #rows(table: string): DatedRows {
    return this.#tables.get(table)?.state.rows ?? this.#sources.get(table) ?? noRows;
  }

  #condition(where: string): (row: JsonObject) => boolean {
    const condition = this.#options.conditions?.[where];
    if (condition === undefined) throw new WarehouseError('invalid_sql', `there is no condition ${where}`);
    return condition;
  }

  #table(name: string): MemoryTable {
    const table = this.#tables.get(name);
    if (table === undefined) throw new WarehouseError('invalid_sql', `there is no table ${name}; prepare it first`);
    return table;
  }

  #staging(table: string, name: string): DatedRows {
    const staging = this.#table(table).stagings.get(name);
    if (staging === undefined) throw missingStaging(table, [name]);
    return staging;
  }
}
