// The warehouse of a simulated run: one engine that outlives every process, and a facade for each of them, through which calls
// take time, fail, arrive late or lose their answer. What a job does once it has arrived is the engine's; who sent it may die.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { WarehouseError, type CheckJob, type CommitBatch, type CommitLogEntry, type StageJob, type Warehouse } from '@floodgate/core/ports/warehouse.ts';
import { MemoryWarehouse, type CommitRecord, type MemoryWarehouseOptions, type StageRecord } from '../support/memory-warehouse.ts';
import { cancelledBy, orCancelled, type WarehouseFaults, type WarehouseMethod } from '../support/warehouse-faults.ts';
import type { warehouseCrashPoints } from './crash-points.ts';
import type { Random } from './random.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import { defaultFailures, JobFailures, type Failures } from './simulated-warehouse-failures.ts';

/** `process`: who sent it first; it may be dead by then. `at`: time of the world. */
export type CommitEvent = CommitRecord & { readonly at: number; readonly process: string };
export type StageEvent = StageRecord & { readonly at: number; readonly process: string };

export type SimulatedWarehouseOptions = Pick<MemoryWarehouseOptions, 'functions' | 'conditions' | 'admit'> & {
  readonly clock: SimulatedClock;
  readonly random: Random;
  /** Replaces the weights of the error codes, kind by kind. */
  readonly failures?: Partial<Failures>;
  /** Called in the step in which a commit takes effect. */
  readonly onCommit?: (event: CommitEvent) => void;
  /** Called in the step in which staged rows appear. */
  readonly onStage?: (event: StageEvent) => void;
};

/** What will become of a job that has arrived. */
type Script = { readonly process: string; readonly stepMs: number; steps: number; readonly failsAt: number; readonly failure: WarehouseError | undefined };

type JobMethod = 'stage' | 'commit';

const maxLatencyMs = 20;
const maxFenceMs = 100;
const usualMs: Readonly<Record<JobMethod, readonly [number, number]>> = { stage: [50, 3_000], commit: [100, 2_000] };
/** A commit has up to so many statements; it fails at one of the first, which every commit has. */
const statementsOf: Readonly<Record<JobMethod, { readonly most: number; readonly least: number }>> = {
  stage: { most: 1, least: 1 },
  commit: { most: 6, least: 3 },
};
const slowMs = [60_000, 300_000] as const;
const lateMs = [5_000, 180_000] as const;
const world = 'world';

async function* each(rows: readonly JsonObject[]): AsyncGenerator<JsonObject> {
  yield* rows;
}

export class SimulatedWarehouse {
  /** Without processes, faults of the run and latency: for whoever looks on, and for reference. */
  readonly engine: MemoryWarehouse;
  readonly #clock: SimulatedClock;
  readonly #latency: Random;
  readonly #durations: Random;
  readonly #failures: JobFailures;
  readonly #scripts = new Map<string, Script>();
  /** What waits for the next fence of a table. */
  readonly #fencing = new Map<string, PromiseWithResolvers<void>>();
  /** Who preserves a staging, by its new name. */
  readonly #preserving = new Map<string, string>();

  constructor({ clock, random, failures, onCommit, onStage, ...rest }: SimulatedWarehouseOptions) {
    this.#clock = clock;
    this.#latency = random.fork('latency');
    this.#durations = random.fork('durations');
    this.#failures = new JobFailures({ ...defaultFailures, ...failures });
    this.engine = new MemoryWarehouse({
      ...rest,
      pace: (_step, jobId, signal) => this.#pace(jobId, signal),
      onCommit: (record) => onCommit?.({ ...record, at: clock.now(), process: this.#scripts.get(record.jobId)?.process ?? world }),
      onStage: (record) => {
        const process = record.jobId === undefined ? this.#preserving.get(record.staging) : this.#scripts.get(record.jobId)?.process;
        onStage?.({ ...record, at: clock.now(), process: process ?? world });
      },
    });
  }

  /** Single calls that fail by order instead of by chance. */
  get faults(): WarehouseFaults {
    return this.engine.faults;
  }

  /** Rows of a source on one date; empty removes them. */
  put(source: string, date: PartitionDate, rows: readonly JsonObject[]): void {
    this.engine.put(source, date, rows);
  }

  /** Committed rows as they were staged. */
  rowsOf(table: string, date?: PartitionDate): readonly JsonObject[] {
    return this.engine.rowsOf(table, date);
  }

  logOf(table: string): readonly CommitLogEntry[] {
    return this.engine.logOf(table);
  }

  stagingsOf(table: string): readonly string[] {
    return this.engine.stagingsOf(table);
  }

  stagedRows(table: string, staging: string, date: PartitionDate): readonly JsonObject[] | undefined {
    return this.engine.stagedRows(table, staging, date);
  }

  /** Every stage job of the table over this date fails with `data_error`, until `mend`. */
  poison(table: string, date: PartitionDate): void {
    this.#failures.poison(table, date);
  }

  mend(): void {
    this.#failures.mend();
  }

  /** The warehouse as one process sees it. */
  attach(process: SimulatedProcess): Warehouse {
    const { engine } = this;
    const read = <T>(method: WarehouseMethod, about: string, signal: AbortSignal, run: () => Promise<T>): Promise<T> => {
      const where = `${method} ${about}`;
      return process.call(undefined, where, () => this.#call(process, where, 'read', signal, run));
    };
    const write = <T>(method: (typeof warehouseCrashPoints)[number], about: string, signal: AbortSignal, run: () => Promise<T>): Promise<T> => {
      const where = `${method} ${about}`;
      return process.call(`warehouse.${method}`, where, () => this.#call(process, where, 'write', signal, run));
    };
    return {
      prepareTable: (target, signal) => write('prepareTable', target.table, signal, () => engine.prepareTable(target, signal)),
      inspectTable: (target, signal) => read('inspectTable', target.table, signal, () => engine.inspectTable(target, signal)),
      stage: (job, signal) =>
        process.call('warehouse.stage', `stage ${job.jobId}`, async () => {
          // Rows that a process yields are read before anything is sent: with it dies the job.
          const sent: StageJob = job.body.kind === 'rows' ? { ...job, body: { kind: 'rows', rows: each(await Array.fromAsync(job.body.rows)) } } : job;
          return this.#submit(process, 'stage', sent, signal, (own) => engine.stage(sent, own));
        }),
      jobState: (jobId, signal) => read('jobState', jobId, signal, () => engine.jobState(jobId, signal)),
      cancelJob: (jobId, signal) => write('cancelJob', jobId, signal, () => engine.cancelJob(jobId, signal)),
      runChecks: (job, signal) =>
        read('runChecks', job.target.table, signal, () => {
          this.#loseStaging(process, job);
          return engine.runChecks(job, signal);
        }),
      preserveStaging: (target, staging, date, preserved, signal) =>
        write('preserveStaging', preserved, signal, async () => {
          this.#preserving.set(preserved, process.name);
          await engine.preserveStaging(target, staging, date, preserved, signal);
        }),
      readStaging: (target, staging, date, maxRows, signal) =>
        read('readStaging', staging, signal, () => engine.readStaging(target, staging, date, maxRows, signal)),
      dropStaging: (target, staging, signal) => write('dropStaging', target.table, signal, () => engine.dropStaging(target, staging, signal)),
      listStaging: (target, signal) => read('listStaging', target.table, signal, () => engine.listStaging(target, signal)),
      commit: (batch, signal) =>
        process.call('warehouse.commit', `commit ${batch.jobId}`, () =>
          this.#submit(process, 'commit', batch, signal, (own) => {
            this.#loseStaging(process, batch);
            return engine.commit(batch, own);
          }),
        ),
      fence: (target, laneEpoch, signal) =>
        write('fence', target.table, signal, () => {
          this.#fencing.get(target.table)?.resolve();
          this.#fencing.delete(target.table);
          return engine.fence(target, laneEpoch, signal);
        }),
      readCommitLog: (target, dates, signal) => read('readCommitLog', target.table, signal, () => engine.readCommitLog(target, dates, signal)),
      digestSource: (source, range, signal) => read('digestSource', source.name, signal, () => engine.digestSource(source, range, signal)),
      digestTable: (table, range, signal) => read('digestTable', table.table, signal, () => engine.digestTable(table, range, signal)),
      query: (sql, options, signal) => read('query', sql, signal, () => engine.query(sql, options, signal)),
      estimateBytes: (sql, options, signal) => read('estimateBytes', sql, signal, () => engine.estimateBytes(sql, options, signal)),
    };
  }

  /** A call that is no job: its request or its answer takes a moment, and it fails without effect or loses its answer. */
  async #call<T>({ chaos, name }: SimulatedProcess, where: string, kind: 'read' | 'write', signal: AbortSignal, run: () => Promise<T>): Promise<T> {
    if (signal.aborted) throw cancelledBy(signal);
    const latencyMs = this.#latency.int(0, maxLatencyMs);
    const isAnswerSlow = this.#latency.chance(0.5);
    if (!isAnswerSlow) await this.#clock.sleep(latencyMs);
    if (signal.aborted) throw cancelledBy(signal);
    if (chaos.strikes('job_failed', `${name} ${where}`)) throw this.#failures.ofCall(chaos.stream('job_failed'), where);
    const value = await run();
    if (isAnswerSlow) await this.#clock.sleep(latencyMs);
    if (kind === 'write' && chaos.strikes('job_answer_lost', `${name} ${where}`)) throw new WarehouseError('unavailable', `the answer of ${where} was lost`);
    if (signal.aborted) throw cancelledBy(signal);
    return value;
  }

  /**
   * Sends the request of a job. It arrives whether or not somebody waits for its answer; who gives up asks for it to be cancelled,
   * which is only heard by a job that is there.
   */
  async #submit<T>(
    process: SimulatedProcess,
    method: JobMethod,
    job: StageJob | CommitBatch,
    signal: AbortSignal,
    run: (own: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (signal.aborted) throw cancelledBy(signal);
    const { chaos } = process;
    const where = `${process.name} ${method} ${job.jobId}`;
    const isLate = chaos.strikes('job_late', where);
    const wireMs = isLate ? chaos.stream('job_late').int(...lateMs) : this.#latency.int(0, maxLatencyMs);
    const own = new AbortController();
    let isThere = false;
    const work = async (): Promise<T> => {
      await Promise.race([this.#clock.sleep(wireMs), ...(isLate && method === 'commit' ? [this.#nextFence(job.target.table)] : [])]);
      if (chaos.strikes('job_rate_limited', where))
        throw new WarehouseError(chaos.stream('job_rate_limited').pick(['rate_limited', 'quota_exceeded']), `${method} ${job.jobId} was refused`);
      isThere = true;
      const isNew = this.engine.stateOf(job.jobId) !== 'running';
      if (isNew) this.#scripts.set(job.jobId, this.#write(process, method, job, where));
      try {
        const value = await run(own.signal);
        if (chaos.strikes('job_answer_lost', where)) throw new WarehouseError('unavailable', `the answer of ${method} ${job.jobId} was lost`);
        return value;
      } finally {
        if (isNew) this.#scripts.delete(job.jobId);
      }
    };
    const giveUp = async (): Promise<void> => {
      await this.#clock.sleep(this.#latency.int(0, maxLatencyMs));
      if (isThere) own.abort(signal.reason);
    };
    if (isLate && chaos.stream('job_late').chance(0.5)) {
      // The connection breaks while the request is on its way: an error at once, and the job all the same.
      void work().catch(() => undefined);
      await this.#clock.sleep(chaos.stream('job_late').int(20, 3_000), signal).catch(() => undefined);
      throw new WarehouseError('unavailable', `the connection broke before ${method} ${job.jobId} was answered`);
    }
    const onAbort = (): void => void giveUp();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await orCancelled(work(), signal);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** A commit that is late may come in the very moment in which a successor fences its table. */
  #nextFence(table: string): Promise<void> {
    const next = this.#fencing.get(table) ?? Promise.withResolvers<void>();
    this.#fencing.set(table, next);
    return next.promise;
  }

  /** What will become of a job: drawn when it arrives. */
  #write({ chaos, name }: SimulatedProcess, method: JobMethod, job: StageJob | CommitBatch, where: string): Script {
    const tookMs = chaos.strikes('job_slow', where) ? chaos.stream('job_slow').int(...slowMs) : this.#durations.int(...usualMs[method]);
    const { most, least } = statementsOf[method];
    const poisoned = 'dates' in job ? this.#failures.poisonedOf(job) : undefined;
    const random = chaos.stream('job_failed');
    const failure = poisoned ?? (chaos.strikes('job_failed', where) ? this.#failures.ofJob(random, job) : undefined);
    return { process: name, stepMs: Math.ceil(tookMs / most), steps: 0, failsAt: failure === undefined ? 0 : random.int(1, least), failure };
  }

  async #pace(jobId: string | undefined, signal: AbortSignal): Promise<void> {
    const script = jobId === undefined ? undefined : this.#scripts.get(jobId);
    await this.#clock.sleep(script?.stepMs ?? this.#latency.int(0, maxFenceMs), signal);
    if (script === undefined) return;
    script.steps += 1;
    if (script.steps === script.failsAt && script.failure !== undefined) throw script.failure;
  }

  /** A staging that is about to be looked at disappears. */
  #loseStaging({ chaos, name }: SimulatedProcess, job: CheckJob | CommitBatch): void {
    const { table } = job.target;
    const used = 'entries' in job ? job.entries.map(({ staging }) => staging) : job.subject === 'committed' ? [] : [job.subject.staging];
    if (used.length === 0 || !chaos.strikes('staging_lost', `${name} ${table}`)) return;
    this.engine.loseStaging(table, chaos.stream('staging_lost').pick(used));
  }
}
