// Jobs of the warehouse in memory, by the id that their caller chose. They are the engine's: whoever waits for one may die.
import type { JobState } from '@floodgate/core/ports/warehouse.ts';
import { orCancelled } from './warehouse-faults.ts';

type Job = { state: Exclude<JobState, 'absent'>; readonly abort: AbortController; readonly done: Promise<unknown>; readonly isIntact: () => boolean };

export class MemoryJobs {
  readonly #jobs = new Map<string, Job>();

  /**
   * Runs a job once under its id; whoever comes later waits for the same one, and may give up without harm to it.
   * `isIntact`: what a job that succeeded left behind is still there; where it isn't, the job runs again.
   */
  async run<T>(jobId: string, signal: AbortSignal, isIntact: () => boolean, body: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const known = this.#jobs.get(jobId);
    if (known !== undefined && known.state !== 'failed' && this.stateOf(jobId) !== 'absent') return orCancelled(known.done as Promise<T>, signal);
    const abort = new AbortController();
    const giveUp = (): void => abort.abort(signal.reason);
    // Whoever gave up while it was on its way can't tell it any more.
    if (!signal.aborted) signal.addEventListener('abort', giveUp, { once: true });
    const done = body(abort.signal);
    const job: Job = { state: 'running', abort, done, isIntact };
    this.#jobs.set(jobId, job);
    try {
      const value = await done;
      job.state = 'succeeded';
      return value;
    } catch (error) {
      job.state = 'failed';
      throw error;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  stateOf(jobId: string): JobState {
    const job = this.#jobs.get(jobId);
    return job === undefined || (job.state === 'succeeded' && !job.isIntact()) ? 'absent' : job.state;
  }

  /** Resolves once the job has ended, one way or the other. */
  async cancel(jobId: string): Promise<void> {
    const job = this.#jobs.get(jobId);
    if (job?.state !== 'running') return;
    job.abort.abort(new Error('the job was cancelled'));
    await job.done.catch(() => undefined);
  }
}
