// Faults that a test puts into a warehouse: calls that fail before or after their effect, and calls that are held until the
// test lets them go on.
import { WarehouseError, type Warehouse, type WarehouseErrorCode } from '@floodgate/core/ports/warehouse.ts';

export type WarehouseMethod = keyof Warehouse;

export type FaultPoint = 'wire' | 'before' | 'after';

export type FaultOptions = {
  /**
   * wire: on its way; no job is known yet, and it arrives even where its caller has gone. before: a job that runs, without
   * effect so far. after: the effect is there, and only the answer is missing.
   */
  readonly when?: FaultPoint;
  /** Calls to let pass before the first that is met. */
  readonly skip?: number;
  /** Calls that are met; 1 where it is not said. */
  readonly times?: number;
  /** Meets only calls with such a first argument. */
  readonly matches?: (argument: unknown) => boolean;
};

export type FailOptions = FaultOptions & { readonly message?: string; readonly missing?: readonly string[] };

export type Held = {
  /** Resolves once a call has come here. */
  readonly reached: Promise<void>;
  readonly release: () => void;
};

type Trap = {
  readonly method: WarehouseMethod;
  readonly when: FaultPoint;
  skip: number;
  left: number;
  readonly matches: (argument: unknown) => boolean;
  readonly spring: (signal: AbortSignal) => Promise<void>;
};

export const cancelledBy = (signal: AbortSignal): WarehouseError => new WarehouseError('cancelled', 'the call was cancelled', { cause: signal.reason });

/** Waits for `promise`, or ends as cancelled soon after the signal aborts. */
export const orCancelled = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(cancelledBy(signal));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });

export class WarehouseFaults {
  readonly #traps: Trap[] = [];

  /** The next matching calls of a method fail. */
  fail(method: WarehouseMethod, code: WarehouseErrorCode, options: FailOptions = {}): void {
    this.#add(method, options, async () => {
      throw new WarehouseError(code, options.message ?? `${method} fails with ${code}`, { missing: options.missing ?? [] });
    });
  }

  /** The next matching call waits until it is released. */
  hold(method: WarehouseMethod, options: FaultOptions = {}): Held {
    const reached = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    this.#add(method, options, async (signal) => {
      reached.resolve();
      await (options.when === 'wire' ? released.promise : orCancelled(released.promise, signal));
    });
    return { reached: reached.promise, release: () => released.resolve() };
  }

  /** Runs `act` inside the next matching call: what somebody else does in that moment. */
  during(method: WarehouseMethod, act: () => Promise<void> | void, options: FaultOptions = {}): void {
    this.#add(method, options, async () => act());
  }

  /** Whether all faults have met their calls: one that never sprang tests nothing. */
  get spent(): boolean {
    return this.#traps.every(({ left }) => left === 0);
  }

  /** Nothing more is met. */
  clear(): void {
    this.#traps.length = 0;
  }

  async meet(method: WarehouseMethod, when: FaultPoint, argument: unknown, signal: AbortSignal): Promise<void> {
    for (const trap of this.#traps) {
      if (trap.method !== method || trap.when !== when || trap.left === 0 || !trap.matches(argument)) continue;
      if (trap.skip > 0) {
        trap.skip -= 1;
        continue;
      }
      trap.left -= 1;
      await trap.spring(signal);
      return;
    }
  }

  #add(method: WarehouseMethod, options: FaultOptions, spring: Trap['spring']): void {
    const { when = 'before', skip = 0, times = 1, matches = () => true } = options;
    this.#traps.push({ method, when, skip, left: times, matches, spring });
  }
}
