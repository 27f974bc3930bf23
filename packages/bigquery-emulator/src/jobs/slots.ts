// How many jobs run at once. The others wait in the order in which they came, interactive ones before batch ones; beyond
// what the queues of BigQuery hold a job fails: https://docs.cloud.google.com/bigquery/docs/query-queues
import { bigquery } from '@floodgate/cloud-limits/limits.ts';
import { BigQueryProblem } from '../problem.ts';

export type Priority = 'INTERACTIVE' | 'BATCH';

export type Slots = {
  /** Resolves when a slot is free, with how to give it back. Rejects with the signal's reason. */
  readonly take: (priority: Priority, signal: AbortSignal) => Promise<() => void>;
  readonly setCount: (count: number) => void;
  readonly running: () => number;
  readonly waiting: () => number;
};

type Waiter = { readonly begin: () => void };

const queueLimits = { INTERACTIVE: bigquery.query.queuedInteractivePerProject, BATCH: bigquery.query.queuedBatchPerProject } as const;

export const createSlots = (options: { readonly count: number; readonly limitQueues: boolean }): Slots => {
  let { count } = options;
  let running = 0;
  // Sets keep the order in which they were filled.
  const queues = { INTERACTIVE: new Set<Waiter>(), BATCH: new Set<Waiter>() };
  const fill = (): void => {
    for (const queue of [queues.INTERACTIVE, queues.BATCH]) {
      for (const waiter of queue) {
        if (running >= count) return;
        queue.delete(waiter);
        running += 1;
        waiter.begin();
      }
    }
  };
  const release = (): (() => void) => {
    let given = false;
    return () => {
      if (given) return;
      given = true;
      running -= 1;
      fill();
    };
  };
  return {
    take: async (priority, signal) => {
      signal.throwIfAborted();
      const queue = queues[priority];
      if (options.limitQueues && running >= count && queue.size >= queueLimits[priority]) {
        throw new BigQueryProblem(
          'quotaExceeded',
          'Quota exceeded: Your project_and_region exceeded quota for max number of jobs that can be queued per project. For more information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas',
        );
      }
      const { promise, resolve, reject } = Promise.withResolvers<() => void>();
      const abort = (): void => {
        if (queue.delete(waiter)) reject(signal.reason);
      };
      const waiter = {
        begin: () => {
          signal.removeEventListener('abort', abort);
          resolve(release());
        },
      };
      signal.addEventListener('abort', abort);
      queue.add(waiter);
      fill();
      return await promise;
    },
    setCount: (next) => {
      count = next;
      fill();
    },
    running: () => running,
    waiting: () => queues.INTERACTIVE.size + queues.BATCH.size,
  };
};
