// A process that can die or stand still in the middle of any call to store, warehouse or bus. What has died never gets an
// answer again, so none of its code runs on; what stood still goes on later and doesn't know how late it is.
import type { Clock } from '@floodgate/core/ports/clock.ts';
import { StoreError, type StatusStore } from '@floodgate/core/ports/status-store.ts';
import { WarehouseError, type Warehouse } from '@floodgate/core/ports/warehouse.ts';

/** What befalls a call. `before`: it has no effect; `after`: it has, and the answer is lost. */
export type Fate =
  | { readonly kind: 'live' }
  | { readonly kind: 'die'; readonly when: 'before' | 'after' }
  | { readonly kind: 'fail'; readonly when: 'before' | 'after' }
  /** The whole process stands still. */
  | { readonly kind: 'stall'; readonly ms: number }
  /** A publication arrives twice. */
  | { readonly kind: 'double' };

export type Call = { readonly port: 'store' | 'warehouse' | 'bus'; readonly name: string };

const noAnswer = <T>(): Promise<T> => new Promise<T>(() => undefined);

export class Life {
  readonly #clock: Clock;
  readonly #fate: (call: Call) => Fate;
  readonly #ended = Promise.withResolvers<void>();
  #isDead = false;
  #stalledUntil = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, fate: (call: Call) => Fate) {
    this.#clock = clock;
    this.#fate = fate;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  get death(): Promise<void> {
    return this.#ended.promise;
  }

  die(): void {
    this.#isDead = true;
    this.#ended.resolve();
  }

  /** The answer of something that happened outside, when and if this process gets to see it. */
  async receive<T>(value: T): Promise<T> {
    while (!this.#isDead && this.#clock.now() < this.#stalledUntil) await this.#clock.sleep(this.#stalledUntil - this.#clock.now());
    return this.#isDead ? noAnswer<T>() : value;
  }

  async call<T>(call: Call, failure: () => Error, run: () => Promise<T>): Promise<T> {
    await this.receive(undefined);
    const fate = this.#fate(call);
    if (fate.kind === 'die' && fate.when === 'before') this.die();
    if (fate.kind === 'stall') this.#stalledUntil = this.#clock.now() + fate.ms;
    await this.receive(undefined);
    if (fate.kind === 'fail' && fate.when === 'before') throw failure();
    try {
      const value = await run();
      if (fate.kind === 'double') await run();
      if (fate.kind === 'die') this.die();
      if (fate.kind === 'fail') throw failure();
      return await this.receive(value);
    } catch (error) {
      await this.receive(undefined);
      throw error;
    }
  }
}

/** Wraps every method of an object. */
const wrapMethods = <T extends object>(
  target: T,
  wrap: (name: string, real: (...rest: unknown[]) => Promise<unknown>) => (...rest: unknown[]) => Promise<unknown>,
): T =>
  new Proxy(target, {
    get: (object, name) => wrap(String(name), (Reflect.get(object, name) as (...rest: unknown[]) => Promise<unknown>).bind(object)),
  });

export const mortalStore = (store: StatusStore, life: Life): StatusStore =>
  wrapMethods(
    store,
    (name, real) =>
      (...rest) =>
        life.call(
          { port: 'store', name },
          () => new StoreError('unavailable', 'the answer of the store was lost'),
          () => {
            if (name !== 'transaction') return real(...rest);
            const [body] = rest as [(transaction: unknown) => Promise<unknown>];
            // Who dies inside a transaction never commits it.
            return real(async (transaction: unknown) => life.receive(await body(transaction)));
          },
        ),
  );

export const mortalWarehouse = (warehouse: Warehouse, life: Life): Warehouse =>
  wrapMethods(
    warehouse,
    (name, real) =>
      (...rest) =>
        life.call(
          { port: 'warehouse', name },
          () => new WarehouseError('unavailable', 'the answer of the warehouse was lost'),
          () => real(...rest),
        ),
  );
