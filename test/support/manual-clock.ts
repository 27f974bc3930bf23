// Time that stands still until a test moves it. Sleeps end in the order of their times, those of one time in the order in
// which they began; between two of them everything that can run runs.
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '@floodgate/core/ports/clock.ts';

type Sleeper = { readonly at: number; readonly resolve: () => void };

export class ManualClock implements Clock {
  #now: number;
  /** In the order of `at`, then of their beginning. */
  readonly #sleepers: Sleeper[] = [];

  constructor(now: number = Date.UTC(2026, 0, 3, 12)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => {
      this.#sleepers.splice(this.#sleepers.indexOf(sleeper), 1);
      reject(signal!.reason);
    };
    const sleeper: Sleeper = {
      at: this.#now + Math.max(0, ms),
      resolve: () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      },
    };
    const later = this.#sleepers.findIndex((other) => other.at > sleeper.at);
    this.#sleepers.splice(later === -1 ? this.#sleepers.length : later, 0, sleeper);
    signal?.addEventListener('abort', onAbort, { once: true });
    return promise;
  }

  /** How many sleep. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  /** Moves time by `ms`, ending on the way every sleep that is due by then, also those that begin on the way. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await this.settle();
    while (this.#sleepers.length > 0 && this.#sleepers[0]!.at <= until) await this.#wakeNext();
    this.#now = until;
    await this.settle();
  }

  /** Moves time, as far as `maxMs`, until `done` says so. */
  async advanceUntil(done: () => boolean, maxMs = 60_000): Promise<void> {
    const until = this.#now + maxMs;
    let idle = 0;
    await this.settle();
    while (!done()) {
      if (this.#sleepers.length > 0 && this.#sleepers[0]!.at <= until) {
        await this.#wakeNext();
        idle = 0;
      } else if (idle < 20) {
        // Nobody waits for time: something longer than one settling is under way, or nothing is.
        await this.settle();
        idle += 1;
      } else {
        throw new Error(`did not happen within ${maxMs} ms of simulated time`);
      }
    }
  }

  /** Moves time until `promise` is settled; its result. */
  async run<T>(promise: Promise<T>, maxMs = 60_000): Promise<T> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    await this.advanceUntil(() => settled, maxMs);
    return promise;
  }

  async #wakeNext(): Promise<void> {
    const sleeper = this.#sleepers.shift()!;
    this.#now = Math.max(this.#now, sleeper.at);
    sleeper.resolve();
    await this.settle();
  }

  /**
   * Lets everything run that needs no time. Each turn of the event loop drains all microtasks; several turns, since a write to
   * SQLite waits for the next one, and a verdict leads to a write that leads to a delivery.
   */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 12; turn += 1) await setImmediate();
  }
}
