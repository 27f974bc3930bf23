// A process of the simulated world: it can die or stand still at every call to store, warehouse and bus, and has a clock of
// its own. What has died never gets an answer again, so none of its code runs on; what stood still goes on and doesn't know
// how late it is.
import type { Clock } from '@floodgate/core/ports/clock.ts';
import type { Chaos } from './chaos.ts';
import type { CrashPoint } from './crash-points.ts';
import type { SimulatedClock } from './simulated-clock.ts';

const noAnswer = <T>(): Promise<T> => new Promise<T>(() => undefined);

export class SimulatedProcess {
  /** Unique to this incarnation, e.g. `worker-2.3`: the holder of its leases. */
  readonly name: string;
  readonly clock: Clock;
  readonly chaos: Chaos;
  readonly #world: SimulatedClock;
  readonly #ended = Promise.withResolvers<void>();
  #isDead = false;
  #stalledUntil = Number.NEGATIVE_INFINITY;
  /** What its clock shows beyond the time of the world, in ms. */
  #offset: number;

  constructor(name: string, world: SimulatedClock, chaos: Chaos, offset = 0) {
    this.name = name;
    this.chaos = chaos;
    this.#world = world;
    this.#offset = offset;
    this.clock = {
      now: () => Math.round(world.now() + this.#offset),
      // Timers count elapsed time: they don't jump with the clock.
      sleep: async (ms, signal) => {
        await world.sleep(ms, signal).catch(async (error: unknown) => {
          await this.receive(undefined);
          throw error;
        });
        await this.receive(undefined);
      },
    };
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  get death(): Promise<void> {
    return this.#ended.promise;
  }

  die(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#ended.resolve();
  }

  /** The answer of something that happened outside, when and if this process gets to see it. */
  async receive<T>(value: T): Promise<T> {
    while (!this.#isDead && this.#world.now() < this.#stalledUntil) await this.#world.sleep(this.#stalledUntil - this.#world.now());
    return this.#isDead ? noAnswer<T>() : value;
  }

  /**
   * A call to something outside. `point`: what it is called as a place to die at; undefined for reads. The effect of a call
   * that was sent before its process died happens all the same.
   */
  async call<T>(point: CrashPoint | undefined, where: string, run: () => Promise<T>): Promise<T> {
    await this.receive(undefined);
    this.#befall(where);
    if (point !== undefined) this.#meet(point, 'before');
    await this.receive(undefined);
    let value: T;
    try {
      value = await run();
    } catch (error) {
      await this.receive(undefined);
      throw error;
    }
    if (point !== undefined) this.#meet(point, 'after');
    return this.receive(value);
  }

  /** Dies, stands still, or goes on. */
  #meet(point: CrashPoint, when: 'before' | 'after'): void {
    if (this.#isDead) return;
    if (this.chaos.crashes(point, when, this.name)) this.die();
    else if (this.chaos.stalls(point, when, this.name)) this.#stalledUntil = this.#world.now() + this.chaos.stream('stall').int(15, 120) * 1_000;
  }

  /** For a place within a call, such as a transaction whose name is known only at its end: dies there, or goes on. */
  async passes(point: CrashPoint, when: 'before' | 'after'): Promise<void> {
    this.#meet(point, when);
    await this.receive(undefined);
  }

  #befall(where: string): void {
    if (this.chaos.strikes('crash_anywhere', `${this.name} ${where}`)) this.die();
    else if (this.chaos.strikes('stall', `${this.name} ${where}`)) this.#stalledUntil = this.#world.now() + this.chaos.stream('stall').int(1, 120) * 1_000;
    else if (this.chaos.strikes('clock_jump', `${this.name} ${where}`)) this.#offset += this.chaos.stream('clock_jump').int(-300, 300) * 1_000;
  }
}
