// Simulated runs on worker threads. Whatever a run does to its thread (an error that nobody catches, an endless loop, the end
// of its memory) is a violation of that run and costs that thread; the others go on and a new thread takes its place.
// A thread that can't even start is no violation but a broken simulator, and rejects.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { FaultKind } from './faults.ts';
import type { FromWorker, ToWorker } from './pool-thread.ts';
import type { RunOptions, RunResult } from './result.ts';

export type PoolOptions = {
  /** How many runs at once; the number of cores by default. */
  readonly workers?: number;
  /** Module of a thread: calls `serveRuns`. */
  readonly thread?: URL;
  /** Wall time after which a run counts as hanging, in ms. A healthy run takes about 100. */
  readonly maxWallMs?: number;
};

export type Pool = AsyncDisposable & {
  readonly size: number;
  /** Waits for a free thread. Rejects only where no thread can start, or the pool is disposed of. */
  readonly run: (options: RunOptions) => Promise<RunResult>;
};

/** Whether the run came to its end; one that cost its thread did not, and has neither digest nor events. */
export const hasAnswered = ({ digest }: RunResult): boolean => digest !== '';

/** What is known of a run that gave no answer. */
const brokenRun = (seed: number, invariant: string, message: string, wallMs: number): RunResult => ({
  seed,
  violation: { invariant, message, at: 0, about: [] },
  strikes: [],
  points: {},
  crashes: {},
  transitions: {},
  messages: {},
  outcomes: {},
  codes: {},
  dates: 0,
  backfills: 0,
  simulatedMs: 0,
  wallMs,
  digest: '',
  events: [],
});

const describe = (error: unknown): string => (error instanceof Error ? (error.stack ?? `${error.name}: ${error.message}`) : String(error));

type Thread = {
  readonly run: (options: RunOptions, maxWallMs: number) => Promise<RunResult>;
  readonly isGone: () => boolean;
  readonly end: () => Promise<void>;
};

const startThread = async (module: URL): Promise<Thread> => {
  const worker = new Worker(module);
  const ready = Promise.withResolvers<void>();
  let isGone = false;
  let onEnd: (how: { readonly invariant: string; readonly message: string }) => void = ({ message }) =>
    ready.reject(new Error(`a thread of the simulator can't start: ${message}`));
  let onResult: (result: RunResult) => void = () => undefined;
  const end = (invariant: string, message: string): void => {
    if (isGone) return;
    isGone = true;
    onEnd({ invariant, message });
  };
  worker.on('message', (message: FromWorker) => (message === 'ready' ? ready.resolve() : onResult(message)));
  worker.on('error', (error) => end('crash', describe(error)));
  worker.on('messageerror', (error) => end('crash', `the result can't be sent: ${describe(error)}`));
  worker.on('exit', (code) => end('crash', `the thread ended by itself with exit code ${code}`));
  await ready.promise;
  return {
    isGone: () => isGone,
    end: async () => {
      end('crash', 'ended from outside');
      await worker.terminate();
    },
    run: async (options, maxWallMs) => {
      const startedAt = performance.now();
      const answer = Promise.withResolvers<RunResult>();
      onResult = answer.resolve;
      onEnd = ({ invariant, message }) => answer.resolve(brokenRun(options.seed, invariant, message, performance.now() - startedAt));
      const timer = setTimeout(() => {
        end('liveness', `no answer after ${maxWallMs / 1_000} s of wall time: something runs on without waiting for anything`);
        void worker.terminate();
      }, maxWallMs);
      // eslint-disable-next-line unicorn/require-post-message-target-origin -- a thread of Node's, no window
      worker.postMessage(options satisfies ToWorker);
      try {
        return await answer.promise;
      } finally {
        clearTimeout(timer);
      }
    },
  };
};

export const createPool = ({
  workers = availableParallelism(),
  thread: module = new URL('simulate-thread.ts', import.meta.url),
  maxWallMs = 60_000,
}: PoolOptions = {}): Pool => {
  const idle: Thread[] = [];
  const threads = new Set<Thread>();
  const waiting: (() => void)[] = [];
  let free = workers;
  let isDisposed = false;
  const assertOpen = (): void => {
    if (isDisposed) throw new Error('the pool is disposed of');
  };
  const take = async (): Promise<Thread> => {
    const known = idle.pop();
    if (known !== undefined) return known;
    const started = await startThread(module);
    threads.add(started);
    if (isDisposed) await started.end();
    return started;
  };
  return {
    size: workers,
    run: async (options) => {
      assertOpen();
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => void waiting.push(resolve));
      try {
        assertOpen();
        const thread = await take();
        assertOpen();
        const result = await thread.run(options, maxWallMs);
        assertOpen();
        if (thread.isGone()) threads.delete(thread);
        else idle.push(thread);
        return result;
      } finally {
        const next = waiting.shift();
        if (next === undefined) free += 1;
        else next();
      }
    },
    [Symbol.asyncDispose]: async () => {
      isDisposed = true;
      await Promise.all([...threads].map((thread) => thread.end()));
    },
  };
};

export type Batch = PoolOptions & {
  readonly firstSeed: number;
  readonly runs: number;
  readonly disabled?: readonly FaultKind[];
  /** Starts no run after the first violation; those under way come to their end. */
  readonly failFast?: boolean;
  /** Ends at once: what is under way is dropped. */
  readonly signal?: AbortSignal;
  /** In the order in which runs end, which is any. */
  readonly onResult: (result: RunResult) => void;
};

/** Runs the seeds from `firstSeed` on. Keeps no result. */
export const runSeeds = async ({ firstSeed, runs, disabled, failFast = false, signal, onResult, ...options }: Batch): Promise<void> => {
  const { workers = availableParallelism() } = options;
  await using pool = createPool({ ...options, workers: Math.min(workers, runs) });
  let next = 0;
  let mayGoOn = true;
  const isAborted = (): boolean => signal?.aborted === true;
  const interrupted = new Promise<void>((resolve) => {
    if (isAborted()) resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
  const lane = async (): Promise<void> => {
    while (mayGoOn && !isAborted() && next < runs) {
      const seed = firstSeed + next;
      next += 1;
      const result = await pool.run(disabled === undefined ? { seed } : { seed, disabled });
      if (isAborted()) return;
      onResult(result);
      if (failFast && result.violation !== undefined) mayGoOn = false;
    }
  };
  await Promise.race([Promise.all(Array.from({ length: pool.size }, lane)), interrupted]);
};
