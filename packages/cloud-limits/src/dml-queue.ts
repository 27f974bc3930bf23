// BigQuery's queue of mutating DML statements of one table: so many run, so many wait in the order in which they came, the
// next is refused.

export type DmlQueue = {
  /** Throws RangeError for an id that is running or waiting. */
  readonly begin: (id: string) => 'running' | 'waiting' | 'refused';
  /**
   * Takes out one that runs or waits (it was cancelled), and answers which one starts to run instead, if any. Throws RangeError
   * for any other id.
   */
  readonly end: (id: string) => string | undefined;
  readonly running: () => number;
  readonly waiting: () => number;
  /** The most that ran and waited at one time. */
  readonly peak: () => number;
};

export const createDmlQueue = (limits: { readonly running: number; readonly queued: number }): DmlQueue => {
  const running = new Set<string>();
  // Sets keep the order in which they were filled.
  const waiting = new Set<string>();
  let peak = 0;
  return {
    begin: (id) => {
      if (running.has(id) || waiting.has(id)) throw new RangeError(`${id} is under way already`);
      const state = running.size < limits.running ? 'running' : waiting.size < limits.queued ? 'waiting' : 'refused';
      if (state === 'running') running.add(id);
      else if (state === 'waiting') waiting.add(id);
      peak = Math.max(peak, running.size + waiting.size);
      return state;
    },
    end: (id) => {
      if (waiting.delete(id)) return undefined;
      if (!running.delete(id)) throw new RangeError(`${id} neither runs nor waits`);
      const [next] = waiting;
      if (next === undefined) return undefined;
      waiting.delete(next);
      running.add(next);
      return next;
    },
    running: () => running.size,
    waiting: () => waiting.size,
    peak: () => peak,
  };
};
