// What an error means for a task: one closed table from codes to classes, and one pure decision from class to outcome.
// Unknown errors get few attempts (P61: one deterministic bug made 19,100 failed invocations in three days).
import type { StoreErrorCode } from '../ports/status-store.ts';
import type { WarehouseErrorCode } from '../ports/warehouse.ts';
import { assertNever } from './assert-never.ts';
import { FloodgateError } from './errors.ts';
import type { RetryPolicy } from './pipeline.ts';

export const errorClasses = [
  /** Will fail again: straight to the dead letters, with its cause. */
  'permanent',
  /** The rows of some date: halve the span until that date stands alone; alone it is permanent. */
  'data',
  'transient',
  'rate_limited',
  /** Somebody else's transaction: again, no attempt counted. */
  'conflict',
  /** Not this task's fault and not yet its turn: put back, no attempt counted. */
  'not_ready',
  /** Nothing can go on in this process (disk full): everything is put back and the process stops. */
  'halt',
  'unknown',
] as const;
export type ErrorClass = (typeof errorClasses)[number];

export type TaskErrorCode =
  | WarehouseErrorCode
  | StoreErrorCode
  | 'deadline_exceeded'
  | 'code_version_mismatch'
  | 'upstream_not_ready'
  | 'inputs_changed'
  | 'processor_error'
  | 'no_source_url'
  | 'source_blocked'
  | 'source_refused'
  | 'source_unavailable'
  | 'source_incomplete'
  | 'quarantine_rejected'
  | 'attempts_exhausted'
  | 'shutdown';

const classOf: Readonly<Record<TaskErrorCode, ErrorClass>> = {
  invalid_sql: 'permanent',
  data_error: 'data',
  contract_broken: 'permanent',
  schema_mismatch: 'permanent',
  source_missing: 'permanent',
  source_unreadable: 'permanent',
  source_mismatch: 'permanent',
  staging_missing: 'not_ready',
  lane_fenced: 'conflict',
  transaction_conflict: 'conflict',
  rate_limited: 'rate_limited',
  quota_exceeded: 'rate_limited',
  cost_limit_exceeded: 'permanent',
  permission_denied: 'permanent',
  location_mismatch: 'permanent',
  // Rows leave the buffer by themselves, within 90 minutes at most.
  streaming_buffer: 'transient',
  timeout: 'transient',
  deadline_exceeded: 'transient',
  cancelled: 'not_ready',
  shutdown: 'not_ready',
  unavailable: 'transient',
  disk_full: 'halt',
  // A shorter span needs less memory.
  out_of_memory: 'data',
  conflict: 'conflict',
  already_exists: 'conflict',
  invalid: 'permanent',
  code_version_mismatch: 'not_ready',
  upstream_not_ready: 'not_ready',
  inputs_changed: 'not_ready',
  processor_error: 'unknown',
  no_source_url: 'permanent',
  // Asking again is what gets one blocked for longer.
  source_blocked: 'permanent',
  // Each was asked for several times already: the dates beside it shall not wait for it.
  source_refused: 'data',
  source_unavailable: 'data',
  source_incomplete: 'data',
  quarantine_rejected: 'permanent',
  attempts_exhausted: 'permanent',
  unknown: 'unknown',
};

export const classifyCode = (code: string): ErrorClass => (Object.hasOwn(classOf, code) ? classOf[code as TaskErrorCode] : 'unknown');

export type Failure = { readonly code: string; readonly class: ErrorClass; readonly message: string; readonly hint?: string };

/** Any thrown value as a failure: errors of ours by their code, everything else as unknown. */
export const toFailure = (error: unknown): Failure => {
  if (error instanceof FloodgateError) {
    const failure = { code: error.code, class: classifyCode(error.code), message: error.message };
    return error.hint === undefined ? failure : { ...failure, hint: error.hint };
  }
  return { code: 'unknown', class: 'unknown', message: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
};

const unknownAttempts = 2;
/** No attempt is charged, so the pause alone keeps a task that isn't ready from spinning (P60: 7,139 runs in 20 h). */
const notReadyPauseMs: Readonly<Record<string, number>> = { upstream_not_ready: 2_000, staging_missing: 200, cancelled: 500 };
/** Somebody has to do something first. Longer from claim to claim, and short enough that nobody waits long once it is done. */
const codePause = { baseMs: 10_000, maxMs: 60_000 };

const notReadyMs = (code: string, claims: number): number =>
  code === 'code_version_mismatch' ? Math.min(codePause.maxMs, codePause.baseMs * 2 ** Math.min(claims - 1, 10)) : (notReadyPauseMs[code] ?? 0);
const conflictPause: RetryPolicy = { maxAttempts: Number.POSITIVE_INFINITY, baseMs: 50, maxMs: 2_000 };

/** Full jitter: uniform between 0 and the capped exponential (AWS Architecture Blog, "Exponential Backoff And Jitter"). `random` in [0, 1). */
export const backoffMs = (policy: RetryPolicy, attempt: number, random: number): number =>
  Math.floor(random * Math.min(policy.maxMs, policy.baseMs * 2 ** Math.min(attempt - 1, 30)));

export type AfterFailure =
  | { readonly next: 'failed'; readonly failure: Failure }
  | { readonly next: 'waiting'; readonly chargeAttempt: boolean; readonly delayMs: number; readonly spanLimit?: number };

/** What becomes of the task. `attempt` is the one that just failed, 1-based; `span` the dates that were executed together. */
export const decideAfterFailure = (input: {
  readonly failure: Failure;
  readonly attempt: number;
  readonly span: number;
  readonly retry: RetryPolicy;
  readonly random: number;
  /** How often it was claimed, those times included for which no attempt was charged; 1 where it isn't said. */
  readonly claims?: number;
}): AfterFailure => {
  const { failure, attempt, span, retry, random, claims = 1 } = input;
  const again = (maxAttempts: number): AfterFailure =>
    attempt >= maxAttempts ? { next: 'failed', failure } : { next: 'waiting', chargeAttempt: true, delayMs: backoffMs(retry, attempt, random) };
  switch (failure.class) {
    case 'permanent':
      return { next: 'failed', failure };
    case 'data':
      return span > 1 ? { next: 'waiting', chargeAttempt: false, delayMs: 0, spanLimit: Math.ceil(span / 2) } : { next: 'failed', failure };
    case 'transient':
    case 'rate_limited':
      return again(retry.maxAttempts);
    case 'unknown':
      return again(Math.min(retry.maxAttempts, unknownAttempts));
    case 'not_ready':
      return { next: 'waiting', chargeAttempt: false, delayMs: Math.floor(notReadyMs(failure.code, claims) * (0.5 + random / 2)) };
    case 'conflict':
      return { next: 'waiting', chargeAttempt: false, delayMs: backoffMs(conflictPause, 3, random) };
    case 'halt':
      return { next: 'waiting', chargeAttempt: false, delayMs: 0 };
    default:
      return assertNever(failure.class);
  }
};
