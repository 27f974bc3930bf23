// Jobs of this process by the id that their caller chose: a second call with the id of one attaches to it. They end with
// the process, as their staging does.
import { WarehouseError, type JobState, type StageJob, type StagedDate } from '@floodgate/core/ports/warehouse.ts';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';

type StageResult = ReadonlyMap<PartitionDate, StagedDate>;
type Job = { state: Exclude<JobState, 'absent'>; readonly abort: AbortController; readonly done: Promise<unknown>; readonly intact: () => boolean };

/** Ended jobs are remembered this long, in number. */
const maxEndedJobs = 20_000;

export class WarehouseJobs {
  readonly #jobs = new Map<string, Job>();

  /** `intact`: the result of the job still exists; where it doesn't, the job runs again. */
  async run(
    jobId: string,
    _job: StageJob,
    signal: AbortSignal,
    body: (signal: AbortSignal) => Promise<StageResult>,
    intact: () => boolean,
  ): Promise<StageResult> {
    const known = this.#jobs.get(jobId);
    if (known && (known.state !== 'succeeded' || known.intact())) return attach(known.done as Promise<StageResult>, signal);
    return this.#start(jobId, signal, body, intact);
  }

  /** A job without an attachable result; its id is there to cancel it. */
  runOnce<T>(jobId: string, signal: AbortSignal, body: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const known = this.#jobs.get(jobId);
    if (known?.state === 'running') return attach(known.done as Promise<T>, signal);
    return this.#start(jobId, signal, body, () => false);
  }

  stateOf(jobId: string): JobState {
    const job = this.#jobs.get(jobId);
    return job === undefined || (job.state === 'succeeded' && !job.intact()) ? 'absent' : job.state;
  }

  /** Resolves once the job has ended, one way or the other. */
  async cancel(jobId: string): Promise<void> {
    const job = this.#jobs.get(jobId);
    if (!job || job.state !== 'running') return;
    job.abort.abort(new Error('the job was cancelled'));
    await job.done.catch(() => undefined);
  }

  async #start<T>(jobId: string, signal: AbortSignal, body: (signal: AbortSignal) => Promise<T>, intact: () => boolean): Promise<T> {
    const abort = new AbortController();
    const done = body(AbortSignal.any([signal, abort.signal]));
    const job: Job = { state: 'running', abort, done, intact };
    this.#jobs.delete(jobId);
    this.#jobs.set(jobId, job);
    this.#forgetOld();
    try {
      const value = await done;
      job.state = 'succeeded';
      return value;
    } catch (error) {
      job.state = 'failed';
      throw error;
    }
  }

  #forgetOld(): void {
    if (this.#jobs.size <= maxEndedJobs) return;
    for (const [id, job] of this.#jobs) {
      if (job.state !== 'running') this.#jobs.delete(id);
      if (this.#jobs.size <= maxEndedJobs * 0.9) return;
    }
  }
}

/** Waits for somebody else's job; giving up the wait leaves the job alone. */
const attach = <T>(done: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(new WarehouseError('cancelled', 'the call was cancelled', { cause: signal.reason }));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    done.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
