// A job: what is known of it, who waits for it, and how it is stopped. States only go forward, PENDING, RUNNING, DONE, and
// DONE is final: https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobStatus
import { BigQueryProblem, type ErrorProto } from '../problem.ts';
import type { DmlStats, StatementResult } from '../engine-contract.ts';
import type { TableId } from '../types.ts';
import type { EmulatorClock } from '../control/emulator-clock.ts';

export type JobType = 'QUERY' | 'LOAD' | 'COPY';
export type JobState = 'PENDING' | 'RUNNING' | 'DONE';

/** What jobs.getQueryResults reads. */
export type QueryOutcome = {
  readonly rowsIn?: TableId;
  readonly columns: StatementResult['columns'];
  readonly totalRows: number;
  readonly dml?: DmlStats;
  readonly bytesProcessed: number;
};

/** What is kept of a job over a restart; everything else can be told from it. */
export type JobRecord = {
  readonly projectId: string;
  readonly jobId: string;
  readonly type: JobType;
  /** As it was sent, with what BigQuery fills in. */
  configuration: Readonly<Record<string, unknown>>;
  readonly createdAt: number;
  readonly parentJobId?: string;
  /** Of jobs.query: the request's id with a digest of what it asks. */
  readonly requestKey?: string;
  location: string;
  state: JobState;
  startedAt?: number;
  endedAt?: number;
  errorResult?: ErrorProto;
  /** Under the name of the type, as the resource has it: `query`, `load`, `copy`. */
  details: Readonly<Record<string, unknown>>;
  /** Beside it: `totalBytesProcessed`, `numChildJobs`, `scriptStatistics`, `transactionInfo`. */
  statistics: Readonly<Record<string, unknown>>;
  outcome?: QueryOutcome;
};

export class Job {
  readonly record: JobRecord;
  readonly #clock: EmulatorClock;
  readonly #changed: (job: Job) => void;
  readonly #done = Promise.withResolvers<void>();
  readonly #stop = new AbortController();

  /** `changed` is called after every change of state, at once. */
  constructor(record: JobRecord, clock: EmulatorClock, changed: (job: Job) => void) {
    this.record = record;
    this.#clock = clock;
    this.#changed = changed;
    if (record.state === 'DONE') this.#done.resolve();
  }

  get key(): string {
    return jobKey(this.record);
  }

  get isDone(): boolean {
    return this.record.state === 'DONE';
  }

  /** Aborted with a BigQueryProblem `stopped`. */
  get stopSignal(): AbortSignal {
    return this.#stop.signal;
  }

  start(): void {
    if (this.record.state !== 'PENDING') return;
    this.record.state = 'RUNNING';
    this.record.startedAt = this.#clock.now();
    this.#changed(this);
  }

  finish(error?: ErrorProto): void {
    if (this.isDone) return;
    const now = this.#clock.now();
    this.record.state = 'DONE';
    this.record.startedAt ??= now;
    this.record.endedAt = now;
    if (error !== undefined) this.record.errorResult = error;
    this.#changed(this);
    this.#done.resolve();
  }

  /** Asks it to end. It may be too late: a job that has committed succeeds. */
  stop(why: string): void {
    if (!this.isDone) this.#stop.abort(new BigQueryProblem('stopped', `Job execution was cancelled: ${why}`));
  }

  /** Whether it is done after `timeoutMs` at the latest. */
  async waitUntilDone(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    if (this.isDone) return true;
    const waiting = new AbortController();
    const either = signal === undefined ? waiting.signal : AbortSignal.any([waiting.signal, signal]);
    await Promise.race([this.#done.promise, this.#clock.sleep(timeoutMs, either).catch(() => {})]);
    waiting.abort();
    return this.isDone;
  }
}

export const jobKey = ({ projectId, jobId }: { readonly projectId: string; readonly jobId: string }): string => `${projectId}:${jobId}`;

/** As in messages: `Job p:US.id`. */
export const formatJobId = ({ projectId, location, jobId }: Pick<JobRecord, 'projectId' | 'location' | 'jobId'>): string => `${projectId}:${location}.${jobId}`;
