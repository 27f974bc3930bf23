// Time of the simulated bus. All that is due in one millisecond is one wake-up of the clock, however many messages that is.
import type { SimulatedClock } from './simulated-clock.ts';

export class BusTimers {
  readonly #clock: SimulatedClock;
  readonly #due = new Map<number, (() => void)[]>();

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  /** Runs `action` in `ms`, those of one millisecond in the order in which they were asked for; at once where it needs no time. */
  after(ms: number, action: () => void): void {
    if (ms <= 0) return action();
    const now = this.#clock.now();
    const at = Math.ceil(now + ms);
    const others = this.#due.get(at);
    if (others !== undefined) return void others.push(action);
    const actions = [action];
    this.#due.set(at, actions);
    void this.#clock.sleep(at - now).then(() => {
      this.#due.delete(at);
      for (const run of actions) run();
    });
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }
}
