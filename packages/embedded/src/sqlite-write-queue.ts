// Writes that are asked for within one turn of the event loop share one commit: it costs some 20 µs and 7 µs for each page,
// and busy services write the same pages again and again. Invariant: each work is applied as a whole or not at all, and in the order in which
// they came; one that fails takes no other along.
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import type { Ids } from '@floodgate/core/ports/ids.ts';
import { StoreError } from '@floodgate/core/ports/status-store.ts';

/** Runs the work in one transaction, or not at all (`busy`) where another process is writing. */
export type TryWrite = <T>(work: () => T) => Written<T>;
export type Written<T> = { readonly outcome: 'done'; readonly value: T } | { readonly outcome: 'busy' };

type QueuedWork = { readonly work: () => unknown; readonly resolve: (value: never) => void; readonly reject: (error: unknown) => void };

/** Tries while another process is writing, with up to this wait between them: about 10 s in all. */
const maxBusyTries = 200;
const longestBusyWaitMs = 100;

export class SqliteWriteQueue {
  readonly #tryWrite: TryWrite;
  readonly #deps: { readonly clock: Clock; readonly ids: Ids };
  #queued: QueuedWork[] = [];
  #draining: Promise<void> | undefined;

  constructor(tryWrite: TryWrite, deps: { readonly clock: Clock; readonly ids: Ids }) {
    this.#tryWrite = tryWrite;
    this.#deps = deps;
  }

  add<T>(work: () => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#queued.push({ work, resolve, reject });
    this.#draining ??= this.#drain();
    return promise;
  }

  /** Resolves when nothing is queued any more. */
  async idle(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    while (this.#queued.length > 0) {
      await setImmediate();
      const batch = this.#queued;
      this.#queued = [];
      try {
        const values = await this.#commit(batch);
        for (const [i, item] of batch.entries()) item.resolve(values[i] as never);
      } catch (error) {
        if (batch.length === 1) batch[0]!.reject(error);
        else await this.#commitEach(batch);
      }
    }
    this.#draining = undefined;
  }

  async #commitEach(batch: readonly QueuedWork[]): Promise<void> {
    for (const item of batch) {
      try {
        const [value] = await this.#commit([item]);
        item.resolve(value as never);
      } catch (error) {
        item.reject(error);
      }
    }
  }

  async #commit(batch: readonly QueuedWork[]): Promise<readonly unknown[]> {
    for (let tried = 1; tried <= maxBusyTries; tried += 1) {
      const written = this.#tryWrite(() => batch.map((item) => item.work()));
      if (written.outcome === 'done') return written.value;
      await this.#deps.clock.sleep(Math.min(longestBusyWaitMs, tried) * (0.5 + this.#deps.ids.random()));
    }
    throw new StoreError('conflict', 'gave up writing: another process writes all the time', {
      hint: 'Look for a command that hangs (`fuser` names who has the database open).',
    });
  }
}
