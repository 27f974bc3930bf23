// Staging jobs of this process by the id that their caller chose, from before BigQuery hears of them: rows are read and SQL is
// checked first. A second call with the id of one attaches to it. What became of older ones, and of others', BigQuery knows.
import { WarehouseError } from '@floodgate/core/ports/warehouse.ts';

type Running = { readonly abort: AbortController; readonly done: Promise<unknown> };

/** Failures are remembered this many, since a SELECT that a dry run has refused leaves no job behind. */
const maxFailures = 10_000;

export class LocalJobs {
  readonly #running = new Map<string, Running>();
  readonly #failed = new Set<string>();

  run<T>(jobId: string, signal: AbortSignal, body: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const known = this.#running.get(jobId);
    if (known !== undefined) return attach(known.done as Promise<T>, signal);
    const abort = new AbortController();
    const done = this.#follow(jobId, body(AbortSignal.any([signal, abort.signal])));
    this.#running.set(jobId, { abort, done });
    return done;
  }

  stateOf(jobId: string): 'running' | 'failed' | undefined {
    return this.#running.has(jobId) ? 'running' : this.#failed.has(jobId) ? 'failed' : undefined;
  }

  /** Resolves once the job has ended, one way or the other; false: no such job runs here. */
  async cancel(jobId: string): Promise<boolean> {
    const job = this.#running.get(jobId);
    if (job === undefined) return false;
    job.abort.abort(new Error('the job was cancelled'));
    await job.done.catch(() => undefined);
    return true;
  }

  async #follow<T>(jobId: string, work: Promise<T>): Promise<T> {
    this.#failed.delete(jobId);
    try {
      return await work;
    } catch (error) {
      this.#failed.add(jobId);
      const [oldest] = this.#failed;
      if (this.#failed.size > maxFailures && oldest !== undefined) this.#failed.delete(oldest);
      throw error;
    } finally {
      this.#running.delete(jobId);
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
