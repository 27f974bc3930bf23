// Work that several callers want at once and that is done once. Each may give up for himself; the work goes on for as long as
// anybody waits for it, and is given up with the last one.
type Shared = { readonly done: Promise<unknown>; readonly abort: AbortController; waiting: number };

export class SharedWork {
  readonly #running = new Map<string, Shared>();

  async run<Result>(key: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    signal.throwIfAborted();
    let shared = this.#running.get(key);
    // One that was given up is about to fail.
    if (shared === undefined || shared.abort.signal.aborted) shared = this.#start(key, work);
    const joined = shared;
    joined.waiting += 1;
    const { promise: given, reject } = Promise.withResolvers<never>();
    const giveUp = (): void => reject(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      return await Promise.race([joined.done as Promise<Result>, given]);
    } finally {
      signal.removeEventListener('abort', giveUp);
      joined.waiting -= 1;
      if (joined.waiting === 0) joined.abort.abort(new Error('nobody waits for it any more'));
    }
  }

  #start(key: string, work: (signal: AbortSignal) => Promise<unknown>): Shared {
    const abort = new AbortController();
    const shared: Shared = { done: work(abort.signal), abort, waiting: 0 };
    this.#running.set(key, shared);
    const end = (): void => {
      if (this.#running.get(key) === shared) this.#running.delete(key);
    };
    // Whoever waits hears of a failure; after the last has given up it is nobody's.
    shared.done.then(end, end);
    return shared;
  }
}
