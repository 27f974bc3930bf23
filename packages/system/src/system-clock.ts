import { setTimeout } from 'node:timers/promises';
import type { Clock } from '@floodgate/core/ports/clock.ts';

/** setTimeout takes a signed 32-bit number of milliseconds and fires at once for more. */
const longestTimeoutMs = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    try {
      let left = ms;
      for (; left > longestTimeoutMs; left -= longestTimeoutMs) await setTimeout(longestTimeoutMs, undefined, { signal });
      await setTimeout(left, undefined, { signal });
    } catch (error) {
      // The timer rejects with an AbortError of its own; the port promises the signal's reason.
      throw signal?.aborted === true ? signal.reason : error;
    }
  },
};
