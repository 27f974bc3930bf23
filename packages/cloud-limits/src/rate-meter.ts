// How often something happened in the window that ends now. Sliding: no window of the length holds more than the limit,
// wherever it begins.

export type RateMeter = {
  /** Counts `count` events at `now` if all of them fit; otherwise counts none and answers false. */
  readonly take: (now: number, count?: number) => boolean;
  /** Counts them whether or not they fit, and answers how many the window holds then: for measuring without refusing. */
  readonly record: (now: number, count?: number) => number;
  /** Events of the window that ends at `now`. */
  readonly used: (now: number) => number;
  /** The most that any window has held. */
  readonly peak: () => number;
};

/** Events as old as the window no longer count. A `now` before one that was given earlier is taken for that one. */
export const createRateMeter = ({ limit, windowMs }: { readonly limit: number; readonly windowMs: number }): RateMeter => {
  let times: number[] = [];
  let counts: number[] = [];
  let first = 0;
  let latest = Number.NEGATIVE_INFINITY;
  let sum = 0;
  let peak = 0;

  const used = (now: number): number => {
    latest = Math.max(latest, now);
    while (first < times.length && (times[first] as number) <= latest - windowMs) {
      sum -= counts[first] as number;
      first += 1;
    }
    // Half of it is past: copying the rest costs no more than the events that are dropped.
    if (first > 32 && first * 2 > times.length) {
      times = times.slice(first);
      counts = counts.slice(first);
      first = 0;
    }
    return sum;
  };

  const record = (now: number, count = 1): number => {
    used(now);
    if (times.length > first && times.at(-1) === latest) counts[counts.length - 1] = (counts.at(-1) as number) + count;
    else {
      times.push(latest);
      counts.push(count);
    }
    sum += count;
    peak = Math.max(peak, sum);
    return sum;
  };

  return {
    take: (now, count = 1) => {
      if (used(now) + count > limit) return false;
      record(now, count);
      return true;
    },
    record,
    used,
    peak: () => peak,
  };
};
