/** Time, injected so that it can be simulated. Instants are milliseconds since 1970-01-01 UTC. */
export interface Clock {
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason as soon as it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
