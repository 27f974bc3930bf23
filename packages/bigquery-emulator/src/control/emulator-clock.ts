// The clock that everything in the server reads. It runs with the system's and can be moved forward, so that expiry, quotas
// of a day and long queues can be seen without waiting: who sleeps past the new time wakes at once.

export type EmulatorClock = {
  readonly now: () => number;
  /** Resolves after `ms` of this clock; rejects with the signal's reason as soon as it is aborted. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Never back: what was stamped already would lie in the future. */
  readonly advance: (ms: number) => void;
};

/** Where time comes from. `arm` calls back once after `ms`, and answers how to stop it. */
export type TimeSource = { readonly now: () => number; readonly arm: (ms: number, wake: () => void) => () => void };

/** Longer ones make `setTimeout` fire at once. */
const maxTimerMs = 2 ** 31 - 1;

const systemTime: TimeSource = {
  now: () => Date.now(),
  arm: (ms, wake) => {
    const timer = setTimeout(wake, ms);
    return () => clearTimeout(timer);
  },
};

/** Stands still but for `advance`: for tests. */
export const frozenTime = (at: number): TimeSource => ({ now: () => at, arm: () => () => {} });

export const createEmulatorClock = (source: TimeSource = systemTime): EmulatorClock => {
  let offsetMs = 0;
  const sleepers = new Set<{ readonly dueAt: number; readonly wake: () => void; disarm: () => void }>();
  const now = (): number => source.now() + offsetMs;
  const arm = (sleeper: { readonly dueAt: number; readonly wake: () => void; disarm: () => void }): void => {
    sleeper.disarm();
    const leftMs = sleeper.dueAt - now();
    if (leftMs <= 0) sleeper.wake();
    else sleeper.disarm = source.arm(Math.min(leftMs, maxTimerMs), () => arm(sleeper));
  };
  return {
    now,
    sleep: (ms, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      if (signal?.aborted === true) {
        reject(signal.reason);
        return promise;
      }
      const end = (settle: () => void) => (): void => {
        sleeper.disarm();
        sleepers.delete(sleeper);
        signal?.removeEventListener('abort', abort);
        settle();
      };
      const abort = end(() => reject(signal?.reason));
      const sleeper = { dueAt: now() + Math.max(0, ms), wake: end(resolve), disarm: (): void => {} };
      signal?.addEventListener('abort', abort);
      sleepers.add(sleeper);
      arm(sleeper);
      return promise;
    },
    advance: (ms) => {
      if (!(ms >= 0)) throw new RangeError('the clock moves forward only');
      offsetMs += ms;
      for (const sleeper of [...sleepers].sort((a, b) => a.dueAt - b.dueAt)) arm(sleeper);
    },
  };
};
