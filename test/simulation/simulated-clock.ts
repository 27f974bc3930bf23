// Time of the simulated world. It moves only when nothing can run any more, straight to the next moment at which somebody
// wakes. Sleeps end in the order of their times, those of one time in the order in which they began.
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '@floodgate/core/ports/clock.ts';

type Sleeper = { readonly at: number; readonly number: number; readonly resolve: () => void; isGone: boolean };

const isEarlier = (a: Sleeper, b: Sleeper): boolean => a.at < b.at || (a.at === b.at && a.number < b.number);

export class SimulatedClock implements Clock {
  #now: number;
  #count = 0;
  /** A binary heap: the earliest first. */
  readonly #heap: Sleeper[] = [];

  constructor(now: number = Date.UTC(2026, 0, 3, 12)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#count += 1;
    const sleeper: Sleeper = { at: this.#now + Math.max(0, ms), number: this.#count, isGone: false, resolve };
    this.#push(sleeper);
    if (signal !== undefined) {
      const onAbort = (): void => {
        sleeper.isGone = true;
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      void promise.then(
        () => signal.removeEventListener('abort', onAbort),
        () => undefined, // the abort has taken the listener away
      );
    }
    return promise;
  }

  /** Runs the world until `done` says so, or until `untilMs`; false where that came first, or nothing is left to wait for. */
  async run(done: () => boolean, untilMs: number): Promise<boolean> {
    for (;;) {
      // One turn of the event loop runs everything that needs no time: all of it is promises.
      await setImmediate();
      if (done()) return true;
      const next = this.#pop();
      if (next === undefined || next.at > untilMs) return false;
      this.#now = next.at;
      next.resolve();
    }
  }

  #pop(): Sleeper | undefined {
    for (;;) {
      const top = this.#heap[0];
      const last = this.#heap.pop();
      if (top === undefined || last === undefined) return undefined;
      if (top !== last) this.#sink(last);
      if (!top.isGone) return top;
    }
  }

  #push(sleeper: Sleeper): void {
    let at = this.#heap.length;
    this.#heap.push(sleeper);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.#heap[parent] as Sleeper;
      if (!isEarlier(sleeper, above)) break;
      this.#heap[at] = above;
      at = parent;
    }
    this.#heap[at] = sleeper;
  }

  #sink(sleeper: Sleeper): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#heap.length) break;
      if (child + 1 < this.#heap.length && isEarlier(this.#heap[child + 1] as Sleeper, this.#heap[child] as Sleeper)) child += 1;
      const below = this.#heap[child] as Sleeper;
      if (!isEarlier(below, sleeper)) break;
      this.#heap[at] = below;
      at = child;
    }
    this.#heap[at] = sleeper;
  }
}
