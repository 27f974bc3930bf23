// A status store in which a test acts around the calls of one user: what others do in that very moment, or what goes wrong.
import type { StatusStore } from '@floodgate/core/ports/status-store.ts';

export type StoreCall = {
  readonly method: string;
  /** Counts the calls of this method, from 1. */
  readonly nth: number;
  readonly args: readonly unknown[];
  readonly run: () => Promise<unknown>;
};

/** `around` stands in for every call; it runs the real one where and when it wants. */
export const interposeStore = (store: StatusStore, around: (call: StoreCall) => Promise<unknown>): StatusStore => {
  const counts = new Map<string, number>();
  return new Proxy(store, {
    get: (target, name) => {
      const method = String(name);
      const real = (Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>).bind(target);
      return (...args: unknown[]) => {
        const nth = (counts.get(method) ?? 0) + 1;
        counts.set(method, nth);
        return around({ method, nth, args, run: () => real(...args) });
      };
    },
  });
};

/** `act` happens before the n-th transaction, and only then. */
export const beforeTransaction = (store: StatusStore, number: number, act: () => Promise<unknown>): StatusStore =>
  interposeStore(store, async ({ method, nth, run }) => {
    if (method === 'transaction' && nth === number) await act();
    return run();
  });

/** `act` happens after the effect of the n-th transaction, before its user gets to know it. */
export const afterTransaction = (store: StatusStore, number: number, act: () => Promise<unknown>): StatusStore =>
  interposeStore(store, async ({ method, nth, run }) => {
    const value = await run();
    if (method === 'transaction' && nth === number) await act();
    return value;
  });

/** From the n-th transaction on nothing comes back: its user has died. `before`: that one has no effect. */
export const dyingStore = (store: StatusStore, when: 'before' | 'after', number: number): { readonly store: StatusStore; readonly died: Promise<void> } => {
  const died = Promise.withResolvers<void>();
  let isDead = false;
  const dying = interposeStore(store, async ({ method, nth, run }) => {
    const isDue = method === 'transaction' && nth === number;
    if (isDead) return new Promise(() => undefined);
    if (!isDue) return run();
    isDead = true;
    if (when === 'after') await run();
    died.resolve();
    return new Promise(() => undefined);
  });
  return { store: dying, died: died.promise };
};
