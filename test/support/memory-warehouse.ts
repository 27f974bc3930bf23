// The warehouse in memory. A statement is the name of a JavaScript function, which reads committed rows and sources; all
// the rest is as the port says: staging, checks, commit log, fence, generations. It outlives the services that use it, as
// an engine of its own does: a call whose caller has died goes on.
import { digestText } from '@floodgate/core/domain/digest.ts';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Source } from '@floodgate/core/domain/pipeline.ts';
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
  type TableSpec,
  type Warehouse,
} from '@floodgate/core/ports/warehouse.ts';
import { judgeAll } from './memory-checks.ts';
import { alignColumns, createTable, hashRows, sortIntoDates, type MemoryTable } from './memory-tables.ts';
import { cancelledBy, orCancelled, WarehouseFaults, type WarehouseMethod } from './warehouse-faults.ts';

export type FunctionContext = {
  /** Of the job; of a query those of its parameters. */
  readonly first: PartitionDate;
  readonly last: PartitionDate;
  /** Committed rows of a table, or rows of `source.<name>`, as they stand now. */
  readonly read: (table: string) => readonly JsonObject[];
  /** Rows under check. */
  readonly staged: readonly JsonObject[];
  readonly params: QueryOptions['params'];
};

export type WarehouseFunction = (context: FunctionContext) => Iterable<JsonObject>;

export type MemoryWarehouseOptions = {
  readonly functions: Readonly<Record<string, WarehouseFunction>>;
  /** Conditions of checks, by their text. */
  readonly conditions?: Readonly<Record<string, (row: JsonObject) => boolean>>;
  /** How long a call takes, in whatever time the caller's clock has. */
  readonly delay?: (method: WarehouseMethod) => Promise<void>;
};

/** What a commit wrote, for assertions: each date that got rows or a log entry, once per commit. */
export type CommitRecord = {
  readonly jobId: string;
  readonly table: string;
  readonly laneEpoch: number;
  readonly written: readonly { readonly date: PartitionDate; readonly generation: number }[];
};

type Job = { state: Exclude<JobState, 'absent'>; readonly abort: AbortController; done: Promise<unknown> };

const missingStaging = (table: string, names: readonly string[]): WarehouseError =>
  new WarehouseError('staging_missing', `staged rows of ${table} are gone: ${names.join(', ')}`, { missing: names });

export class MemoryWarehouse implements Warehouse {
  readonly faults = new WarehouseFaults();
  readonly commits: CommitRecord[] = [];
  /** Every stage job that ran, in order. */
  readonly stageJobs: StageJob[] = [];
  readonly #options: MemoryWarehouseOptions;
  readonly #tables = new Map<string, MemoryTable>();
  readonly #sources = new Map<string, Map<PartitionDate, readonly JsonObject[]>>();
  readonly #jobs = new Map<string, Job>();

  constructor(options: MemoryWarehouseOptions) {
    this.#options = options;
  }

  /** Rows of a source, or of an external table, on one date; empty removes them. */
  put(name: string, date: PartitionDate, rows: readonly JsonObject[]): void {
    const dates = this.#sources.get(name) ?? new Map<PartitionDate, readonly JsonObject[]>();
    this.#sources.set(name, dates);
    if (rows.length === 0) dates.delete(date);
    else dates.set(date, rows);
  }

  sourceRows(name: string, date: PartitionDate): readonly JsonObject[] {
    return this.#sources.get(name)?.get(date) ?? [];
  }

  /** Committed rows of a table by date, then as they were staged, without the columns that Floodgate keeps. */
  rowsOf(table: string): readonly JsonObject[] {
    return this.#committed(table).map(({ _generation, _backfill_id, ...row }) => row);
  }

  logOf(table: string): readonly CommitLogEntry[] {
    return [...(this.#tables.get(table)?.log.values() ?? [])].sort((a, b) => (a.date < b.date ? -1 : 1));
  }

  stagingsOf(table: string): readonly string[] {
    return [...(this.#tables.get(table)?.stagings.keys() ?? [])].sort();
  }

  /** Damage by hand: rows change behind the log's back. */
  damage(table: string, date: PartitionDate, rows: readonly JsonObject[]): void {
    this.#tables.get(table)?.rows.set(date, rows);
  }

  prepareTable(target: TableSpec, signal: AbortSignal): Promise<void> {
    return this.#call('prepareTable', target, signal, () => {
      const table = this.#tables.get(target.table);
      if (table === undefined) this.#tables.set(target.table, createTable(target.columns));
      else alignColumns(table, target);
    });
  }

  stage(job: StageJob, signal: AbortSignal): Promise<ReadonlyMap<PartitionDate, StagedDate>> {
    return this.#runJob('stage', job, signal, async () => {
      if (job.dates.length === 0) throw new WarehouseError('contract_broken', `the job ${job.jobId} has no dates`);
      this.stageJobs.push(job);
      const rows = job.body.kind === 'rows' ? await Array.fromAsync(job.body.rows) : this.#run(job.body.sql, job.dates, []);
      const dates = sortIntoDates(job, rows);
      this.#table(job.target.table).stagings.set(job.staging, { dates });
      return new Map([...dates].map(([date, own]) => [date, hashRows(job.target.columns, own)]));
    });
  }

  jobState(jobId: string, signal: AbortSignal): Promise<JobState> {
    return this.#call('jobState', jobId, signal, () => this.#jobs.get(jobId)?.state ?? 'absent');
  }

  cancelJob(jobId: string, signal: AbortSignal): Promise<void> {
    return this.#call('cancelJob', jobId, signal, async () => {
      const job = this.#jobs.get(jobId);
      if (job?.state !== 'running') return;
      job.abort.abort(new Error('the job was cancelled'));
      await job.done.catch(() => undefined);
    });
  }

  runChecks(job: CheckJob, signal: AbortSignal): Promise<CheckResult> {
    return this.#call('runChecks', job, signal, () => {
      const { subject, target } = job;
      const rowsByDate = subject === 'committed' ? this.#table(target.table).rows : this.#staging(target.table, subject.staging).dates;
      const rowsOf = (date: PartitionDate): readonly JsonObject[] => rowsByDate.get(date) ?? [];
      const staged = job.dates.flatMap((date) => [...rowsOf(date)]);
      return judgeAll(job, rowsOf, { run: (sql) => this.#run(sql, job.dates, staged), condition: (where) => this.#condition(where) });
    });
  }

  preserveStaging(target: TableSpec, staging: string, date: PartitionDate, preserved: string, signal: AbortSignal): Promise<void> {
    return this.#call('preserveStaging', preserved, signal, () => {
      const rows = this.#staging(target.table, staging).dates.get(date);
      if (rows === undefined) throw missingStaging(target.table, [staging]);
      this.#table(target.table).stagings.set(preserved, { dates: new Map([[date, rows]]) });
    });
  }

  readStaging(target: TableSpec, staging: string, date: PartitionDate, maxRows: number, signal: AbortSignal): Promise<QueryResult> {
    return this.#call('readStaging', staging, signal, () => {
      const rows = this.#staging(target.table, staging).dates.get(date) ?? [];
      return { columns: target.columns.map(({ name, type }) => ({ name, type })), rows: rows.slice(0, maxRows) };
    });
  }

  dropStaging(target: TableSpec, staging: readonly string[], signal: AbortSignal): Promise<void> {
    return this.#call('dropStaging', staging, signal, () => {
      for (const name of staging) this.#tables.get(target.table)?.stagings.delete(name);
    });
  }

  listStaging(target: TableSpec, signal: AbortSignal): Promise<readonly string[]> {
    return this.#call('listStaging', target, signal, () => this.stagingsOf(target.table));
  }

  commit(batch: CommitBatch, signal: AbortSignal): Promise<readonly CommitLogEntry[]> {
    return this.#runJob('commit', batch, signal, () => this.#commit(batch));
  }

  fence(target: TableSpec, laneEpoch: number, signal: AbortSignal): Promise<void> {
    return this.#call('fence', laneEpoch, signal, () => this.#takeFence(target.table, laneEpoch));
  }

  readCommitLog(target: TableSpec, dates: readonly PartitionDate[] | 'all', signal: AbortSignal): Promise<readonly CommitLogEntry[]> {
    return this.#call('readCommitLog', target, signal, () => this.logOf(target.table).filter(({ date }) => dates === 'all' || dates.includes(date)));
  }

  digestSource(source: Source, range: DateRange, signal: AbortSignal): Promise<ReadonlyMap<PartitionDate, SourceDigest>> {
    return this.#call('digestSource', source, signal, () => {
      const name = `source.${source.name}`;
      if (!this.#sources.has(name)) throw new WarehouseError('source_missing', `no file matches ${source.files}`);
      return this.#digest(this.#sources.get(name) ?? new Map(), range);
    });
  }

  digestTable(table: TableSpec, range: DateRange, signal: AbortSignal): Promise<ReadonlyMap<PartitionDate, SourceDigest>> {
    return this.#call('digestTable', table, signal, () =>
      this.#digest(this.#tables.get(table.table)?.rows ?? this.#sources.get(table.table) ?? new Map(), range),
    );
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

  /** One turn, so that calls interleave; the effect itself is one step. */
  async #call<T>(method: WarehouseMethod, argument: unknown, signal: AbortSignal, effect: () => T | Promise<T>): Promise<T> {
    if (signal.aborted) throw cancelledBy(signal);
    await this.#options.delay?.(method);
    await this.faults.meet(method, 'before', argument, signal);
    if (signal.aborted) throw cancelledBy(signal);
    const result = await effect();
    await this.faults.meet(method, 'after', argument, signal);
    return result;
  }

  /** Runs a job once under its id; whoever comes later waits for the same one. A job that is still on its way is not known. */
  async #runJob<T>(method: WarehouseMethod, job: { readonly jobId: string }, signal: AbortSignal, effect: () => T | Promise<T>): Promise<T> {
    if (signal.aborted) throw cancelledBy(signal);
    let arrived = false;
    const work = this.faults.meet(method, 'wire', job, signal).then(() => {
      arrived = true;
      return this.#attach(job.jobId, signal, (own) => this.#call(method, job, own, effect));
    });
    // The request arrives whether or not somebody waits for its answer.
    return orCancelled(work, signal).catch((error: unknown) => (arrived ? work : Promise.reject(error)));
  }

  async #attach<T>(jobId: string, signal: AbortSignal, body: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const known = this.#jobs.get(jobId);
    if (known !== undefined && known.state !== 'failed') return known.done as Promise<T>;
    const abort = new AbortController();
    // Whoever gave up while it was on its way can't tell it any more.
    const done = body(signal.aborted ? abort.signal : AbortSignal.any([signal, abort.signal]));
    const job: Job = { state: 'running', abort, done };
    this.#jobs.set(jobId, job);
    try {
      const value = await done;
      job.state = 'succeeded';
      return value;
    } catch (error) {
      job.state = 'failed';
      throw error;
    }
  }

  #takeFence(name: string, laneEpoch: number): void {
    const table = this.#table(name);
    if (table.fence > laneEpoch) throw new WarehouseError('lane_fenced', `lane epoch ${laneEpoch} of ${name} is over: ${table.fence} has taken its place`);
    table.fence = laneEpoch;
  }

  #commit({ jobId, target, laneEpoch, entries, committedAt }: CommitBatch): readonly CommitLogEntry[] {
    const table = this.#table(target.table);
    if (table.fence > laneEpoch)
      throw new WarehouseError('lane_fenced', `lane epoch ${laneEpoch} of ${target.table} is over: ${table.fence} has taken its place`);
    const allowed = entries.filter(({ date, generation }) => (table.log.get(date)?.generation ?? -1) < generation);
    const missing = new Set(allowed.filter(({ staging, date }) => table.stagings.get(staging)?.dates.has(date) !== true).map(({ staging }) => staging));
    if (missing.size > 0) throw missingStaging(target.table, [...missing].sort());
    for (const { date, staging, rows } of allowed) {
      const found = table.stagings.get(staging)?.dates.get(date)?.length ?? 0;
      if (found !== rows) throw new WarehouseError('contract_broken', `${found} staged rows of ${target.table} ${date} where ${rows} were audited`);
    }
    this.#takeFence(target.table, laneEpoch);
    for (const { date, generation, staging, contentHash, rows, backfillId, rewrite } of allowed) {
      const same = table.log.get(date)?.contentHash === contentHash;
      if (!same || rewrite) {
        const staged = table.stagings.get(staging)?.dates.get(date) ?? [];
        table.rows.set(
          date,
          staged.map((row) => ({ ...row, _generation: generation, _backfill_id: backfillId })),
        );
      }
      table.log.set(date, { date, generation, contentHash, rows, backfillId, committedAt, outcome: same ? 'unchanged' : 'committed' });
    }
    this.commits.push({ jobId, table: target.table, laneEpoch, written: allowed.map(({ date, generation }) => ({ date, generation })) });
    const dates = new Set(entries.map(({ date }) => date));
    return this.logOf(target.table).filter(({ date }) => dates.has(date));
  }

  #digest(rows: ReadonlyMap<PartitionDate, readonly JsonObject[]>, { first, last }: DateRange): ReadonlyMap<PartitionDate, SourceDigest> {
    const inside = [...rows].filter(([date, own]) => date >= first && date <= last && own.length > 0).sort(([a], [b]) => (a < b ? -1 : 1));
    const bare = (row: JsonObject): string => JSON.stringify(Object.entries(row).filter(([name]) => !name.startsWith('_')));
    return new Map(inside.map(([date, own]) => [date, { rows: own.length, digest: digestText(own.map(bare).sort().join('\n')) }]));
  }

  #run(sql: string, dates: readonly PartitionDate[], staged: readonly JsonObject[], params?: QueryOptions['params']): readonly JsonObject[] {
    const name = sql.trim();
    const run = this.#options.functions[name];
    if (run === undefined) throw new WarehouseError('invalid_sql', `there is no function ${name}`);
    const [first, last] = [dates[0] as PartitionDate, dates.at(-1) as PartitionDate];
    return [...run({ first, last, staged, params, read: (table) => this.#committed(table) })];
  }

  #committed(table: string): readonly JsonObject[] {
    const dates = this.#tables.get(table)?.rows ?? this.#sources.get(table) ?? new Map<PartitionDate, readonly JsonObject[]>();
    return [...dates].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, rows]) => [...rows]);
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

  #staging(table: string, name: string) {
    const staging = this.#table(table).stagings.get(name);
    if (staging === undefined) throw missingStaging(table, [name]);
    return staging;
  }
}
